"""How many cores there are to compute on."""

from __future__ import annotations

import os

import psutil


def own_cores() -> int:
    """Physical cores that this process may use: two threads on one core wait for each other."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))
