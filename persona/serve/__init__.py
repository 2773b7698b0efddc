"""The daemon's HTTP side: dialects and routes in front of a Desk, and the engines behind it."""
