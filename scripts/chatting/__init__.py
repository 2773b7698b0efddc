"""The parts of the benchmark of the chat: a real daemon, a real terminal, hostile strings."""
