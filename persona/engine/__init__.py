"""Engines: a base with one adapter or none, loaded to answer or to score.

Importing this package decides how the threads of torch and llama.cpp wait for each other, which both read
when they are loaded. By default they spin; as soon as another process wants the same cores, and a night's
training is such a process, spinning threads run at a tenth of the speed.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
