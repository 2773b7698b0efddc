"""When a night may run, and why not: a pure policy, the probes that feed it, and the clock that asks it."""
