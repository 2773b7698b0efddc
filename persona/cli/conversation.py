"""One conversation: its turns, and what the user does to the answers, each kept in the store as it happens.

The store is written after an answer, never during one. What was answered stays; editing, picking and
regenerating change what the conversation goes on from.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from persona.engine.protocol import Completion, Engine, Prompt, Sampling
from persona.errors import BadInput
from store import Store
from store.identity import with_id
from store.records import Feedback, FeedbackKind, Interaction, Message, Origin

_ANOTHER = 0.8  # temperature of a regenerated answer: a greedy one would come out the same


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """`interaction` is its id in the store; None when nothing is kept."""

    message: Message
    interaction: str | None
    revision: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """An earlier conversation: everything up to and with its last question, the `answers` to that, and the
    one that it goes on from."""

    conversation: str
    question: tuple[Message, ...]
    answers: tuple[Answer, ...]
    answer: Answer


def now() -> datetime:
    return datetime.now(UTC)


class LiveConversation:
    """Not thread-safe. `answers` are all answers to the last question, the first one first; `standing` is the
    one that the conversation goes on from. `tools` are offered with every question. `kept` False: nothing of
    it reaches the store, so none of it can be judged.
    """

    def __init__(
        self,
        store: Store,
        *,
        source: str,
        sampling: Sampling,
        kept: bool = True,
        taken_up: Standing | None = None,
        tools: Callable[[], tuple[Mapping[str, Any], ...]] = tuple,
    ) -> None:
        self.id = taken_up.conversation if taken_up else f"c-{uuid.uuid4().hex}"
        self.answers: list[Answer] = list(taken_up.answers) if taken_up else []
        self._store = store
        self._source = source
        self._sampling = sampling
        self._kept = kept
        self._tools = tools
        self._before = taken_up.question if taken_up else ()  # up to and with the last question
        self.standing: Answer | None = taken_up.answer if taken_up else None

    def ask(self, engine: Engine, text: str) -> Iterator[str]:
        """The answer, piece by piece; kept at its end, and as far as it came when the iterator is closed."""
        before = self._before
        if self.standing is not None:
            before = (*before, self.standing.message)
        question = (*before, Message(role="user", content=text))
        return self._generate(engine, question, self._sampling, [])

    def tell(self, engine: Engine, results: Sequence[tuple[str, str]]) -> Iterator[str]:
        """The answer to the results, ids and texts, of what the last answer called."""
        told = (Message(role="tool", content=text, tool_call_id=call) for call, text in results)
        return self._generate(engine, (*self._before, self.last().message, *told), self._sampling, [])

    def regenerate(self, engine: Engine) -> Iterator[str]:
        """Another answer to the last question, which the conversation goes on from then."""
        self.last()
        sampling = Sampling(
            max_tokens=self._sampling.max_tokens,
            temperature=max(self._sampling.temperature, _ANOTHER),
            seed=len(self.answers),
        )
        return self._generate(engine, self._before, sampling, self.answers)

    def vote(self, kind: FeedbackKind, reason: str) -> None:
        self._act(self.last(), kind, reason=reason)

    def edit(self, text: str) -> None:
        """What the answer should have been; the conversation goes on from there."""
        answer = self.last()
        if not text.strip():
            raise BadInput("an edit needs a text: what the answer should have been")
        self._act(answer, FeedbackKind.EDIT, content=text)
        edited = Message(role="assistant", content=text, origin=Origin.USER)
        self.standing = Answer(message=edited, interaction=answer.interaction, revision=answer.revision)

    def pick(self, number: int) -> Answer:
        """Say which answer (1 is the first) is the best; the conversation goes on from it."""
        self.last()
        if len(self.answers) < 2:
            raise BadInput("there is one answer only: /regenerate makes another")
        if not 1 <= number <= len(self.answers):
            raise BadInput(f"there are answers 1 to {len(self.answers)}, not {number}")
        picked = self.answers[number - 1]
        others = tuple(a.message.content for a in self.answers if a is not picked)
        self._act(picked, FeedbackKind.PICK, over=others)
        self.standing = picked
        return picked

    def prefer(self, statement: str) -> None:
        """A preference that was said in this conversation; it shows in the ledger at once."""
        from persona.distill import revise_ledger  # half a second that an answer need not wait for

        feedback = Feedback(
            id="",
            kind=FeedbackKind.PREFERENCE,
            at=now(),
            conversation=self.id if self._kept else None,
            content=statement,
        )
        self._store.feedback.add(with_id(feedback))
        revise_ledger(self._store, infer=False)

    def last(self) -> Answer:
        """The answer that the conversation goes on from; BadInput before the first one."""
        if self.standing is None:
            raise BadInput("there is no answer yet")
        return self.standing

    def _act(self, answer: Answer, kind: FeedbackKind, **what: Any) -> None:
        if answer.interaction is None:
            raise BadInput("this answer cannot be judged: nothing of it is kept")
        feedback = Feedback(
            id="", kind=kind, at=now(), interaction=answer.interaction, conversation=self.id, **what
        )
        self._store.feedback.add(with_id(feedback))

    def _generate(
        self, engine: Engine, question: tuple[Message, ...], sampling: Sampling, others: list[Answer]
    ) -> Iterator[str]:
        prompt = Prompt(messages=question, tools=self._tools())
        stream = engine.stream(prompt, sampling)
        said: list[str] = []
        completion: Completion | None = None
        try:
            for delta in stream:
                completion = delta.completion
                if delta.text:
                    said.append(delta.text)
                    yield delta.text
        except (GeneratorExit, KeyboardInterrupt):
            _close(stream)
            self._hold(engine, prompt, Message(role="assistant", content="".join(said)), others)
            raise
        assert completion is not None
        self._hold(engine, prompt, completion.message, others)

    def _hold(self, engine: Engine, prompt: Prompt, message: Message, others: list[Answer]) -> None:
        """Keep the answer and go on from it; an answer without anything in it is as if never asked for."""
        if not message.content and not message.tool_calls:
            return
        interaction = None
        if self._kept:
            interaction = keep(
                self._store,
                conversation=self.id,
                source=self._source,
                prompt=prompt,
                completion=message,
                revision=engine.revision,
            )
        answer = Answer(message=message, interaction=interaction, revision=engine.revision)
        known = interaction is not None and any(other.interaction == interaction for other in others)
        self.answers = [*others, *([] if known else [answer])]
        self._before, self.standing = prompt.messages, answer


def _close(stream: Iterator[Any]) -> None:
    close: Callable[[], None] | None = getattr(stream, "close", None)
    if close is not None:
        close()


def keep(
    store: Store, *, conversation: str, source: str, prompt: Prompt, completion: Message, revision: str
) -> str:
    """Put one answered prompt into the store; the interaction's id."""
    interaction = with_id(
        Interaction(
            id="",
            conversation=conversation,
            at=now(),
            source=source,
            prompt=prompt.messages,
            completion=completion,
            tools=prompt.tools,
            revision=revision,
        )
    )
    store.interactions.add(interaction)
    return interaction.id
