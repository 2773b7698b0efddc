"""Examples -> token rows, rendered by the same template that serves.

A row is a prompt and one or two completions, each completion ending with the base's end token. Prompt and
completion are tokenised apart, since that is what generation sees: the prompt alone, then its own tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from persona.template import Template
from store.records import Demonstration, Example, Message, PreferencePair


@dataclass(frozen=True, kw_only=True, slots=True)
class Likeliest:
    """The base's likeliest tokens at T positions in a row: ids `kept` and `logprobs`, both (T, K)."""

    kept: Tensor
    logprobs: Tensor

    def __len__(self) -> int:
        return len(self.kept)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Token ids. `rejected` is empty for a demonstration.

    A practised row is one of practice, the others are the user's. `own` covers the beginning of `chosen` that
    is the base's own answer: there the base's distribution is to be kept, and from there on the tokens are to
    be learnt. It is not `whole` where a preference is left out of it, and begins then in what was reworked.
    `calls` is true where `chosen` is a call of a tool, or prose of the base's `own` behind the same tools.
    """

    prompt: tuple[int, ...]
    chosen: tuple[int, ...]
    rejected: tuple[int, ...] = ()
    practised: bool = False
    whole: bool = True
    calls: bool = False
    own: Likeliest | None = None

    @property
    def kept(self) -> int:
        """How many tokens of `chosen` are the base's own."""
        return 0 if self.own is None else len(self.own)

    @property
    def completions(self) -> tuple[tuple[int, ...], ...]:
        """The wanted one, and the other one of a pair."""
        return (self.chosen, self.rejected) if self.rejected else (self.chosen,)

    @property
    def length(self) -> int:
        """Tokens that a step pays for: both sides share the prompt."""
        return len(self.prompt) + len(self.chosen) + len(self.rejected)


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """Rows whose prompts begin with the same `shared` tokens: in `groups` of those that answer one prompt,
    and those `beside` them in which nothing is to be learnt."""

    groups: tuple[tuple[int, ...], ...]
    shared: int
    beside: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """`too_long` are the examples whose completion alone does not fit; they are left out, never cut,
    since a cut completion teaches the model not to stop."""

    rows: tuple[Row, ...]
    too_long: tuple[str, ...] = ()


def by_prompt(rows: Sequence[Row]) -> list[list[int]]:
    """Indices of the rows that answer the same prompt with the same wanted completion, together."""
    found: dict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = {}
    for index, row in enumerate(rows):
        found.setdefault((row.prompt, row.chosen), []).append(index)
    return list(found.values())


def families(
    rows: Sequence[Row], groups: Sequence[Sequence[int]], beside: Sequence[int] = ()
) -> list[Family]:
    """The groups by what their prompts begin with, which is more than half of each. Each family has the rows
    `beside` it that share more than half of their own prompt with it, and is shared as far as they do; a
    group that is alone has those that begin most like it, if there is none."""
    found: list[tuple[list[tuple[int, ...]], tuple[int, ...]]] = []
    for group in sorted(groups, key=lambda group: rows[group[0]].prompt):
        prompt = rows[group[0]].prompt[:-1]  # of the last token the completion begins
        if found:
            members, begin = found[-1]
            same = _alike(begin, prompt)
            if 2 * same > max(len(prompt), len(rows[members[0][0]].prompt)):
                found[-1] = ([*members, tuple(group)], begin[:same])
                continue
        found.append(([tuple(group)], prompt))
    return [_joined(rows, members, begin, beside) for members, begin in found]


def _joined(
    rows: Sequence[Row], members: list[tuple[int, ...]], begin: tuple[int, ...], beside: Sequence[int]
) -> Family:
    alike = {index: _alike(begin, rows[index].prompt[:-1]) for index in beside}
    joined = [index for index, same in alike.items() if 2 * same > len(rows[index].prompt)]
    if not joined and len(members) == 1:  # nothing is lost by sharing little where a group is alone
        most = max(alike.values(), default=0)
        joined = [index for index, same in alike.items() if 2 * same > most]
    shared = min([len(begin), *(alike[index] for index in joined)])
    return Family(groups=tuple(members), shared=shared, beside=tuple(joined))


def _alike(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


class Encoder(Protocol):
    """Text to token ids, special tokens in the text read as such, nothing added."""

    def __call__(self, text: str) -> tuple[int, ...]: ...


def make_rows(examples: Sequence[Example], template: Template, encode: Encoder, *, max_tokens: int) -> Rows:
    """One row per distinct (prompt, wanted completion): a pair carries its demonstration with it.

    A long prompt loses its oldest turns (never its system turn) until the row fits `max_tokens`. Where the
    rejected side is what does not fit, as when a long answer was cut short, the wanted one is learnt alone.
    """
    pairs = [e for e in examples if isinstance(e, PreferencePair)]
    with_pair = {_key(e.prompt, e.tools, e.chosen) for e in pairs}
    rows: list[Row] = []
    too_long: list[str] = []
    for example in examples:
        if isinstance(example, Demonstration):
            if _key(example.prompt, example.tools, example.completion) in with_pair:
                continue
            sides: tuple[Message, ...] = (example.completion,)
        else:
            sides = (example.chosen, example.rejected)
        row = _fit(example, sides, template, encode, max_tokens)
        if row is None and len(sides) > 1:
            row = _fit(example, sides[:1], template, encode, max_tokens)
        if row is None:
            too_long.append(example.id)
        else:
            rows.append(row)
    return Rows(rows=tuple(rows), too_long=tuple(too_long))


def row_of(prompt: Sequence[Message], completion: Message, template: Template, encode: Encoder) -> Row:
    """The row of one demonstration without tools, whatever its length."""
    text, answer = template.render_completion(prompt, (), completion)
    return Row(prompt=encode(text), chosen=encode(answer))


def _key(prompt: Sequence[Message], tools: Sequence[object], completion: Message) -> tuple[str, str, str]:
    return (repr(prompt), repr(tools), repr((completion.content, completion.tool_calls)))


def _fit(
    example: Example, sides: Sequence[Message], template: Template, encode: Encoder, max_tokens: int
) -> Row | None:
    messages = list(example.prompt)
    while True:
        texts = [template.render_completion(messages, example.tools, side) for side in sides]
        prompt = encode(texts[0][0])
        completions = [encode(answer) for _, answer in texts]
        if len(prompt) + max(map(len, completions)) <= max_tokens:
            return Row(
                prompt=prompt,
                chosen=completions[0],
                rejected=completions[1] if len(completions) > 1 else (),
                calls=bool(sides[0].tool_calls),
            )
        shorter = _without_oldest_turn(messages)
        if shorter is None:
            return None
        messages = shorter


def _without_oldest_turn(messages: list[Message]) -> list[Message] | None:
    """Drops the oldest user turn with everything up to the next; None when only the last one is left."""
    starts = [i for i, m in enumerate(messages) if m.role == "user"]
    if len(starts) < 2:
        return None
    return [*(m for m in messages[: starts[0]] if m.role == "system"), *messages[starts[1] :]]
