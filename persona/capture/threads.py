"""Which conversation a prompt goes on with, when its client does not say.

The store knows it where a client sends back what was said word for word. Many do not: they trim answers, let
the user edit one, or put the time of day into their system prompt. For those the last few thousand turns are
remembered by what people and the model said, without blanks at the edges and without system prompts.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from store.records import Message

_REMEMBERED = 4096
_AGAIN = timedelta(minutes=10)  # within which the same question is asked again, and not a new one


class Threads:
    """Not thread-safe. Conversations of one source are never found for another one."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    def find(self, prompt: Sequence[Message], *, source: str, at: datetime) -> str | None:
        """The conversation with the longest common beginning: up to an answer as given, or up to a question
        whose answer stands in the prompt in other words. The very same prompt counts for some minutes: that
        is another answer asked for.
        """
        keys = _keys(prompt, source)
        if not keys:
            return None
        asked_again = self._known.get(keys[-1])
        if asked_again is not None and at - asked_again[1] <= _AGAIN:
            return asked_again[0]
        for key in reversed(keys[:-1]):
            if key in self._known:
                return self._known[key][0]
        return None

    def remember(
        self, prompt: Sequence[Message], completion: Message, *, source: str, conversation: str, at: datetime
    ) -> None:
        """The question and its answer; what came before was remembered with its own turn."""
        for key in _keys((*prompt, completion), source)[-2:]:
            self._known[key] = (conversation, at)
            self._known.move_to_end(key)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def _keys(messages: Sequence[Message], source: str) -> list[str]:
    """One name for each beginning of what was said; what follows one another is hashed into the next."""
    keys: list[str] = []
    name = source
    for message in messages:
        if message.role == "system":
            continue
        calls = [[call.name, dict(call.arguments)] for call in message.tool_calls]
        said = json.dumps([name, message.role, message.content.strip(), calls], sort_keys=True, default=str)
        name = sha256(said.encode(errors="replace")).hexdigest()
        keys.append(name)
    return keys
