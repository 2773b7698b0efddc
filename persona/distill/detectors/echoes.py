"""What others wrote in an exchange, to tell an echo of it from the user's own words."""

from __future__ import annotations

from collections.abc import Iterator

from persona.distill.detectors.contract import Exchange, by_user
from store.records import Origin

_NOT_OURS = (Origin.MODEL, Origin.TOOL)


def said_elsewhere(exchange: Exchange) -> Iterator[str]:
    """The texts of models and tools up to the reply, and of clients in the user's place."""
    place = exchange.reply()
    before = exchange.after[: place[0]] if place else ()
    for message in (*exchange.interaction.prompt, exchange.completion, *before):
        if message.origin in _NOT_OURS or (message.role == "user" and not by_user(message)):
            yield message.content
