"""What was asked and answered: interactions, their conversations, and the search over their words."""

# ruff: noqa: S608  # SQL is put together from names and conditions of ours; values are parameters

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from store.conversation import Conversation
from store.database import Database, SqlValue
from store.errors import StoreDamaged, Unstorable
from store.feedback import FeedbackTable
from store.identity import chain_ids, check_id
from store.json_forms import dumps, instant, instant_text
from store.messages import add_chain, add_tools, chains, read_message, tool_sets
from store.records import Interaction, Message
from store.search import Hit, search

_BATCH = 200  # interactions read at once: enough to share stems, small enough to keep memory flat


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """How much of what was offered was new."""

    interactions: int = 0
    messages: int = 0
    feedback: int = 0
    statements: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ConversationSummary:
    """`opening` is the first thing that the user said in it."""

    id: str
    source: str
    first_at: datetime
    last_at: datetime
    interactions: int
    opening: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One interaction of a conversation, as it goes on from another: `said` came behind the completion of
    `after`, another interaction of it, or opened the conversation when that is None."""

    id: str
    at: datetime
    source: str
    revision: str | None
    after: str | None
    said: tuple[Message, ...]
    completion: Message


class Interactions:
    def __init__(self, database: Database, feedback: FeedbackTable) -> None:
        self._database = database
        self._feedback = feedback

    def add_conversation(self, conversation: Conversation) -> Added:
        """All of it or nothing. Idempotent; of a conversation that grew, the new part is added."""
        ids = chain_ids(conversation.messages)
        with self._database.transaction():
            messages = add_chain(self._database, conversation.id, ids, conversation.messages)
            return Added(
                messages=messages,
                interactions=sum(
                    [self._insert(each, ids[len(each.prompt)]) for each in conversation.interactions()]
                ),
                feedback=sum([self._feedback.add(given) for given in conversation.feedback()]),
                statements=sum([self._feedback.add(stated) for stated in conversation.stated()]),
            )

    def add(self, interaction: Interaction) -> bool:
        """One served turn; False when it was there. Raises WrongId, Unstorable."""
        if interaction.completion.role != "assistant":
            raise Unstorable(f"interaction {interaction.id!r}", "its completion is not the assistant's")
        check_id(interaction, "interaction")
        line = (*interaction.prompt, interaction.completion)
        ids = chain_ids(line)
        with self._database.transaction():
            add_chain(self._database, interaction.conversation, ids, line)
            return self._insert(interaction, ids[-1])

    def _insert(self, interaction: Interaction, completion: str) -> bool:
        return self._database.insert(
            "interactions",
            {
                "id": interaction.id,
                "conversation": interaction.conversation,
                "at": instant_text(interaction.at),
                "source": interaction.source,
                "completion": completion,
                "tools": add_tools(self._database, interaction.tools),
                "revision": interaction.revision,
            },
        )

    def get(self, interaction_id: str) -> Interaction:
        """Raises UnknownId."""
        with self._database.reading():
            (interaction,) = self._read(self._database.asked("interactions", "interaction", [interaction_id]))
        return interaction

    def all(
        self, *, conversation: str | None = None, since: datetime | None = None, source: str | None = None
    ) -> Iterator[Interaction]:
        """Ordered by (at, id); `since` is inclusive. Writing between two of them is allowed: what is added
        later may be missed, what is forgotten meanwhile is left out."""
        wanted: dict[str, SqlValue] = {}
        if conversation is not None:
            wanted["conversation = ?"] = conversation
        if since is not None:
            wanted["at >= ?"] = instant_text(since)
        if source is not None:
            wanted["source = ?"] = source
        where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
        sql = f"SELECT seq FROM interactions {where} ORDER BY at, id"
        numbers = [row[0] for row in self._database.rows(sql, tuple(wanted.values()))]
        return self._in_batches(numbers)

    def told(self, conversation: str) -> list[Told]:
        """A conversation in the order of (at, id), each message once: however long it is, it takes no longer
        than what was said in it. Of interactions with one and the same completion, the first is gone on from.
        Raises StoreDamaged."""
        with self._database.reading():
            rows = self._database.rows(_TOLD, (conversation,))
            messages = {row["id"]: row for row in self._database.rows(_SAID_IN, (conversation,))}
        named: dict[str, str] = {}
        for row in rows:
            named.setdefault(row["completion"], row["id"])
        return [self._told(row, messages, named) for row in rows]

    def _told(self, row: sqlite3.Row, messages: Mapping[str, sqlite3.Row], named: Mapping[str, str]) -> Told:
        said: list[Message] = []
        at = row["completion"]
        while True:
            if at not in messages or len(said) > len(messages):
                why = f"the messages before {row['completion']} are not whole"
                raise StoreDamaged(self._database.path, why)
            said.append(read_message(messages[at]))
            at = messages[at]["parent"]
            if at is None or at in named:
                break
        completion, *before = said
        return Told(
            id=row["id"],
            at=instant(row["at"]),
            source=row["source"],
            revision=row["revision"],
            after=None if at is None else named[at],
            said=tuple(reversed(before)),
            completion=completion,
        )

    def _in_batches(self, numbers: list[int]) -> Iterator[Interaction]:
        for start in range(0, len(numbers), _BATCH):
            batch = ", ".join(map(str, numbers[start : start + _BATCH]))
            sql = f"SELECT * FROM interactions WHERE seq IN ({batch}) ORDER BY at, id"
            with self._database.reading():
                interactions = self._read(self._database.rows(sql))
            yield from interactions

    def _read(self, rows: list[sqlite3.Row]) -> list[Interaction]:
        lines = chains(self._database, (row["completion"] for row in rows))
        tools = tool_sets(self._database, (row["tools"] for row in rows if row["tools"]))
        return [
            Interaction(
                id=row["id"],
                conversation=row["conversation"],
                at=instant(row["at"]),
                source=row["source"],
                prompt=lines[row["completion"]][:-1],
                completion=lines[row["completion"]][-1],
                tools=tools[row["tools"]] if row["tools"] else (),
                revision=row["revision"],
            )
            for row in rows
        ]

    def follow_up(self, interaction_id: str) -> tuple[Message, ...]:
        """What was said after this completion and before the next one; the first branch where there are
        several. Raises UnknownId."""
        (row,) = self._database.asked("interactions", "interaction", [interaction_id])
        said: list[Message] = []
        last: str = row["completion"]
        while (following := self._database.row(_NEXT, (row["conversation"], last))) is not None:
            if following["role"] == "assistant":
                break
            said.append(read_message(following))
            last = following["id"]
        return tuple(said)

    def latest(self, *, source: str) -> str | None:
        """The id of the last interaction of `source`; None when it has none."""
        row = self._database.row(
            "SELECT id FROM interactions WHERE source = ? ORDER BY at DESC, seq DESC LIMIT 1", (source,)
        )
        return None if row is None else str(row["id"])

    def continued(self, messages: Sequence[Message], *, source: str) -> str | None:
        """The conversation of `source` that these messages go on with: the one in which the last answer among
        them was given after the same messages, the latest where there are several.
        """
        answers = [
            name
            for name, message in zip(chain_ids(messages), messages, strict=True)
            if message.role == "assistant"
        ]
        rows = self._database.rows(_ANSWERED, (source, dumps(answers)))
        depth = {name: place for place, name in enumerate(answers)}
        found = max(rows, key=lambda row: (depth[row["completion"]], row["seq"]), default=None)
        return None if found is None else str(found["conversation"])

    def conversations(self) -> list[ConversationSummary]:
        """Oldest first."""
        return [
            ConversationSummary(
                id=row["conversation"],
                source=row["source"],
                first_at=instant(row["first_at"]),
                last_at=instant(row["last_at"]),
                interactions=row["interactions"],
                opening=row["opening"] or "",
            )
            for row in self._database.rows(_SUMMARIES)
        ]

    def count(self) -> int:
        return int(self._database.value("SELECT count(*) FROM interactions") or 0)

    def search(self, text: str, *, limit: int = 20) -> list[Hit]:
        """Messages that hold every word of `text` (its first 32), best first.

        Any text is allowed: it has no syntax.
        """
        return search(self._database, text, limit=limit)


_TOLD = "SELECT id, at, source, revision, completion FROM interactions WHERE conversation = ? ORDER BY at, id"

_SAID_IN = """
    SELECT messages.* FROM said JOIN messages ON messages.id = said.message WHERE said.conversation = ?
"""

_NEXT = """
    SELECT messages.* FROM messages JOIN said ON said.message = messages.id AND said.conversation = ?
    WHERE messages.parent = ? ORDER BY messages.seq LIMIT 1
"""

_ANSWERED = """
    SELECT seq, conversation, completion FROM interactions
    WHERE source = ? AND completion IN (SELECT value FROM json_each(?))
"""

_SUMMARIES = """
    SELECT conversation, min(at) AS first_at, max(at) AS last_at, count(*) AS interactions, source,
        (SELECT content FROM said JOIN messages ON messages.id = said.message
         WHERE said.conversation = interactions.conversation AND role = 'user'
         ORDER BY messages.seq LIMIT 1) AS opening
    FROM interactions GROUP BY conversation ORDER BY first_at, conversation
"""
