"""Long work beside those who write: done on a scratch copy of the store, kept in one short transaction.

Invariant: what is kept is what the work would have given, had it been done all at once when its copy was
made. Facts that came in since are for the next time; a ledger or splits that changed, and anything that was
forgotten, have the work done again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from store import Store

_TRIES = 3  # each is lost only to somebody who decides something during it

Made = TypeVar("Made")
Kept = TypeVar("Kept")


def aside(store: Store, *, work: Callable[[Store], Made], keep: Callable[[Store, Made], Kept]) -> Kept:
    """`work` reads and writes as it likes in its copy, of which nothing stays; `keep` writes what it gave.

    Where something was decided during every try, the last one is done under the lock, and writers wait for
    it, as they do where the caller is in a transaction already.
    """
    for _ in range(_TRIES):
        with store.scratch() as scratch:
            mark = scratch.mark()
            made = work(scratch)
        with store.transaction():
            if store.mark() == mark:
                return keep(store, made)
    with store.transaction():
        with store.scratch() as scratch:
            made = work(scratch)
        return keep(store, made)
