"""What one rendering may use: steps and characters, counted and never timed.

So the same chat always renders or never does. Values are measured unfolded: a list that holds another one
ten times is as large as its text would be. Nothing in a template can be changed once it is built, so what is
measured when it is built stays that large.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import jinja2

_NODE = 16  # characters that a number, a list or an entry of one counts as


class LimitReached(jinja2.TemplateRuntimeError):
    """A limit of steps or characters was reached."""


class Meter:
    """`steps` are loop turns and calls, `characters` bounds each value and `work` all of them together."""

    def __init__(self, *, steps: int, characters: int, work: int) -> None:
        self._steps = steps
        self._characters = characters
        self._work = work

    def step(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise LimitReached("the template loops or calls too often")

    def fit(self, characters: int) -> None:
        """One value is to be of this size."""
        if characters > self._characters:
            raise LimitReached("the template makes too much text")

    def work(self, characters: int) -> None:
        """So much text is made, or gone through."""
        self._work -= characters
        if self._work < 0:
            raise LimitReached("the template goes through too much text")

    def value(self, value: Any) -> None:
        """This value was built."""
        size = self._unfolded(value)
        self.fit(size)
        self.work(size)

    def _unfolded(self, value: Any) -> int:
        """Characters of `value` with all that it holds, or a number beyond the limit."""
        if isinstance(value, str):
            return len(value)
        size = 0
        left = [value]
        while left and size <= self._characters:
            item = left.pop()
            if isinstance(item, str):
                size += len(item)
                continue
            size += _NODE
            if isinstance(item, Mapping):
                left += item.keys()
                left += item.values()
            elif isinstance(item, list | tuple):
                if len(item) * _NODE > self._characters:
                    return self._characters + 1
                left += item
        return size


current: ContextVar[Meter] = ContextVar("current")
