"""Which examples a night takes when there are more than it can: the best first, and why the rest stays.

Policy, pure: what the user did before what was inferred, the newest before older ones, conversations by
turns, and of every preference a few. No conversation, source or preference outweighs the others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rapidfuzz import fuzz, process

from persona.distill.likeness import calls_key
from store.records import Demonstration, Example, Message

MAX_EXAMPLES = 600  # a night costs the same after a year
_LARGEST_SHARE = 4  # one conversation gives at most a quarter of the examples,
_ALWAYS_ALLOWED = 8  # or this many; of each preference this many come first
_SAME_REQUEST = 92  # of 100, with the same numbers in it,
_SAME_ANSWER = 95  # and such an answer: said once, it teaches as much
_MOST_COMPARED = 2000  # characters of a text
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """The examples that one completion gives, together. `explicit`: by an act of the user on it."""

    examples: tuple[Example, ...]
    at: datetime
    source: str
    explicit: bool = True

    @property
    def conversation(self) -> str:
        return self.examples[0].conversation

    @property
    def request(self) -> str:
        """The words of what the user asked for."""
        asked = next((said for said in reversed(self.examples[0].prompt) if said.role == "user"), None)
        return asked.content[:_MOST_COMPARED] if asked else ""

    @property
    def answer(self) -> Message:
        first = self.examples[0]
        return first.completion if isinstance(first, Demonstration) else first.chosen


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """`examples` in the order of their candidates; `dropped` counts examples left out, by reason."""

    examples: tuple[Example, ...]
    dropped: Counter[str]


def select(candidates: Sequence[Candidate], *, max_examples: int = MAX_EXAMPLES) -> Selection:
    """The examples to learn from, at most `max_examples`. `candidates` each have at least one example."""
    dropped: Counter[str] = Counter()
    best_first = sorted(candidates, key=_rank)
    distinct = _without_copies(best_first, dropped)
    bounds = _Bounds(distinct, max_examples)
    kept = {
        id(candidate)
        for candidate in _in_turns(distinct)
        if _taken(candidate, bounds.refuse(candidate), bounds, dropped)
    }
    examples = [one for candidate in candidates if id(candidate) in kept for one in candidate.examples]
    return Selection(examples=tuple(examples), dropped=dropped)


def _rank(candidate: Candidate) -> tuple[bool, float, str]:
    return not candidate.explicit, -candidate.at.timestamp(), candidate.examples[0].id


def _taken(candidate: Candidate, refused: str, bounds: _Bounds, dropped: Counter[str]) -> bool:
    if refused:
        dropped[refused] += len(candidate.examples)
        return False
    bounds.take(candidate)
    return True


def _without_copies(best_first: Iterable[Candidate], dropped: Counter[str]) -> list[Candidate]:
    """Near-identical requests with near-identical answers count once."""
    kept: list[Candidate] = []
    requests: list[str] = []
    for candidate in best_first:
        request = candidate.request
        alike = process.extract(
            request, requests, scorer=fuzz.ratio, score_cutoff=_SAME_REQUEST, limit=_ALWAYS_ALLOWED
        )
        if any(_copies(candidate, kept[place]) for _, _, place in alike):
            dropped["nearly the same as another one"] += len(candidate.examples)
            continue
        kept.append(candidate)
        requests.append(request)
    return kept


def _copies(one: Candidate, other: Candidate) -> bool:
    if _DIGITS.findall(one.request) != _DIGITS.findall(other.request):
        return False
    if len(one.examples[0].prompt) != len(other.examples[0].prompt):
        return False
    if one.examples[0].tools != other.examples[0].tools:
        return False
    if calls_key(one.answer.tool_calls) != calls_key(other.answer.tool_calls):
        return False
    written, also = one.answer.content[:_MOST_COMPARED], other.answer.content[:_MOST_COMPARED]
    return fuzz.ratio(written, also) >= _SAME_ANSWER


def _in_turns(best_first: Sequence[Candidate]) -> list[Candidate]:
    """A few of every preference, then what was done before what was inferred, conversations by turns."""
    firsts: list[Candidate] = []
    seen: Counter[str] = Counter()
    for candidate in best_first:
        preferences = candidate.examples[0].preferences
        if any(seen[preference] < _ALWAYS_ALLOWED for preference in preferences):
            firsts.append(candidate)
            seen.update(preferences)
    turn: Counter[tuple[bool, str]] = Counter()
    placed = []
    chosen = set(map(id, firsts))
    for place, candidate in enumerate(best_first):
        key = candidate.explicit, candidate.conversation
        turn[key] += 1
        if id(candidate) not in chosen:
            placed.append((not candidate.explicit, turn[key], place, candidate))
    return [*firsts, *(each[-1] for each in sorted(placed, key=lambda each: each[:3]))]


class _Bounds:
    """How much was taken, and the reason why no more of a kind is."""

    def __init__(self, candidates: Sequence[Candidate], max_examples: int) -> None:
        total = sum(len(candidate.examples) for candidate in candidates)
        room = min(total, max_examples)
        self._room = max_examples
        self._of_conversation = max(_ALWAYS_ALLOWED, -(-room // _LARGEST_SHARE))
        one_source = len({each.source for each in candidates}) < 2
        self._of_source = max_examples if one_source else max(_ALWAYS_ALLOWED, max_examples // 2)
        self._of_preference = max(_ALWAYS_ALLOWED, max_examples // 2)
        self._preferences = {one for each in candidates for one in each.examples[0].preferences}
        self._taken: Counter[tuple[str, str]] = Counter()

    def refuse(self, candidate: Candidate) -> str:
        """Why this one is not taken; "" when it is."""
        size = len(candidate.examples)
        if self._taken["all", ""] + size > self._room:
            return "more than a night takes"
        if self._taken["conversation", candidate.conversation] + size > self._of_conversation:
            return "too many from one conversation"
        if self._taken["source", candidate.source] + size > self._of_source:
            return "too many from one source"
        preferences = candidate.examples[0].preferences
        full = [
            preference
            for preference in preferences
            if self._taken["preference", preference] + size > self._of_preference
        ]
        if full and len(full) == len(preferences) and len(self._preferences) > 1:
            return "too many of one preference"
        return ""

    def take(self, candidate: Candidate) -> None:
        size = len(candidate.examples)
        for key in (
            ("all", ""),
            ("conversation", candidate.conversation),
            ("source", candidate.source),
            *(("preference", preference) for preference in candidate.examples[0].preferences),
        ):
            self._taken[key] += size
