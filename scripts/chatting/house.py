"""A home with a long conversation and hostile ones in it, and the daemon over it in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from persona.paths import Home
from scripts.chatting.hostile import strings
from scripts.screens.served import persona_of
from store import Conversation, Store, Turn
from store.identity import with_id
from store.records import Feedback, FeedbackKind, Interaction, Message, ToolCall

AT = datetime(2026, 11, 1, 20, 0, tzinfo=UTC)
LONG, LAST = "the whole summer", "the last word of a long summer"
_PARAGRAPH = (
    "The keeper of lighthouse {n} writes that the **lamp** burns well, that the stairs are dry, and that "
    "nobody came by all week.\n\n- oil for {n} nights\n- two `wicks`\n\nHe asks for news from the harbour."
)
_EACH, TURNS = 10, 20  # hostile strings of one stored interaction, and interactions of a conversation


class Talkative:
    """The daemon of scripts/chatting/talkative.py. Close it when done."""

    def __init__(self, home: Home) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "talkative.py"), str(home.root)],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = str(self.said()["url"])
        self.token = home.token.read_text().strip()

    def said(self) -> dict[str, Any]:
        """The next thing that it says of itself: how long an answer took."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the daemon ended")
        return dict(json.loads(line))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)


def furnish(root: Path) -> Home:
    home = Home(root)
    with persona_of(home) as persona:
        persona.create()
    return home


def write_long(home: Home, messages: int) -> None:
    """A conversation of so many messages."""
    turns = []
    for number in range(messages // 2):
        opening = LONG if number == 0 else f"And lighthouse {number}?"
        turns.append(Turn(message=Message(role="user", content=opening)))
        text = _PARAGRAPH.format(n=number) + (f"\n\n{LAST}" if number == messages // 2 - 1 else "")
        turns.append(Turn(message=Message(role="assistant", content=text), revision="r0"))
    with Store.open(home.identity("me").store) as store:
        store.interactions.add_conversation(
            Conversation(id="c-long", at=AT, source="persona", turns=tuple(turns))
        )


def write_hostile(home: Home, first: int, last: int) -> None:
    """Hostile strings in all of a conversation that a chat shows: questions, answers, calls, reasons."""
    before: tuple[Message, ...] = ()
    with Store.open(home.identity("me").store) as store:
        for number, start in enumerate(range(first, last, _EACH)):
            texts = strings(start, min(start + _EACH, last))
            if number % TURNS == 0:
                before = ()
            before = _interaction(
                store, f"c-hostile-{number // TURNS}", AT + timedelta(hours=1, minutes=number), texts, before
            )


def _interaction(
    store: Store, conversation: str, at: datetime, texts: list[str], before: tuple[Message, ...]
) -> tuple[Message, ...]:
    """All that was said by then."""
    third = max(1, len(texts) // 3)
    asked, answered, called = texts[:third], texts[third : 2 * third], texts[2 * third :]
    interaction = with_id(
        Interaction(
            id="",
            conversation=conversation,
            at=at,
            source="persona",
            prompt=(*before, Message(role="user", content="\n\n".join(asked))),
            completion=Message(
                role="assistant",
                content="\n\n".join(answered),
                tool_calls=tuple(
                    ToolCall(id=f"x{n}", name="look", arguments={"at": text}) for n, text in enumerate(called)
                ),
            ),
            revision="r0",
        )
    )
    store.interactions.add(interaction)
    store.feedback.add(
        with_id(
            Feedback(
                id="",
                kind=FeedbackKind.DOWN,
                at=at,
                interaction=interaction.id,
                reason=answered[0] if answered else "",
            )
        )
    )
    return (*interaction.prompt, interaction.completion)
