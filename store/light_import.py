"""sqlite-utils, imported without pandas and numpy.

sqlite-utils imports both where they are installed, only to know their column types. The store has none of
those, and they cost ten times what the rest costs (0.75 s of 0.83 s on the machine where this was measured).
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from threading import get_ident

_UNUSED = frozenset({"pandas", "numpy"})


class _Absent(MetaPathFinder):
    """Says that the unused modules are not installed, to the thread that made it and to no other."""

    def __init__(self) -> None:
        self._thread = get_ident()

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname in _UNUSED and get_ident() == self._thread:
            raise ModuleNotFoundError(f"{fullname} is left out here", name=fullname)
        return None


_finder = _Absent()
sys.meta_path.insert(0, _finder)
try:
    import sqlite_utils
    import sqlite_utils.migrations
finally:
    sys.meta_path.remove(_finder)

__all__ = ["sqlite_utils"]
