"""Freed memory goes back to the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable


def releaser() -> Callable[[], None]:
    """A function that gives freed pages back, for between two steps; does nothing but on glibc.

    Micro-batches differ in shape, so the freed blocks of one rarely fit the next and glibc keeps them all:
    a training grew to three times its need without this. More often than once a step costs time, since every
    page has to be given again.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    return (lambda: None) if trim is None else (lambda: trim(0))
