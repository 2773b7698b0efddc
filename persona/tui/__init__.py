"""The terminal chat: a client of the daemon's HTTP surface, and nothing else."""
