"""Freed memory goes back to the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable


def releaser() -> Callable[[], None]:
    """A function that gives freed pages back, for between two micro-batches; does nothing but on glibc.

    They differ in shape, so the freed blocks of one rarely fit the next and glibc keeps them all, for each
    thread apart: a training grew to three times its need without this.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    return (lambda: None) if trim is None else (lambda: trim(0))
