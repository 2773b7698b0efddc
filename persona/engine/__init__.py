"""Engines: a base with one adapter or none, loaded to answer or to score.

Importing this package decides how the threads of torch and llama.cpp wait for each other, which both read
when they are loaded. Left alone they spin for long; as soon as another process wants the same cores, and a
night's training is such a process, that makes them many times slower. A short spin costs nothing of that.
"""

import os

if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "passive"
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # without any spin, a small model is a third slower
