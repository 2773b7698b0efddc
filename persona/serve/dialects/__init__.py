"""The dialects that clients speak: pure translations between their JSON and what an engine is asked."""
