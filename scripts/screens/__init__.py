"""A home with a past that is told, not lived: for pictures of the terminal chat."""
