"""What happened, into the store."""
