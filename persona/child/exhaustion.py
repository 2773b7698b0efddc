"""Which errors mean that memory or disk ran out: every library words it in its own way."""

from __future__ import annotations

import errno
from collections.abc import Iterator

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = ("No space left on device", "Disk quota exceeded", "database or disk is full")
_MEMORY_WORDS = ("CUDA out of memory", "can't allocate memory", "not enough memory", "Cannot allocate memory")


def out_of_space(error: BaseException) -> bool:
    """A full disk, a quota, or a file that grew beyond its limit; also as the cause of another error.

    Libraries in Rust and C++ raise errors of their own without a number, so their words are read too.
    """
    return any(
        getattr(each, "errno", None) in _FULL or any(words in str(each) for words in _FULL_WORDS)
        for each in _with_causes(error)
    )


def out_of_memory(error: BaseException) -> bool:
    """No memory on the machine or on the graphics card; torch raises RuntimeError for both."""
    return any(
        isinstance(each, MemoryError)
        or getattr(each, "errno", None) == errno.ENOMEM
        or (isinstance(each, RuntimeError) and any(words in str(each) for words in _MEMORY_WORDS))
        for each in _with_causes(error)
    )


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__
