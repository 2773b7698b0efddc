"""The parts of the serving benchmark: a home to serve from, three ways to answer, swaps, a long run."""
