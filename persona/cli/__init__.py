"""The command line: parse, call, print. What it does is done elsewhere."""
