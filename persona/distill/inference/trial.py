"""One candidate put to the test on a stretch of conversations.

Each conversation in which the wanted answer and the others differ in what the candidate asks for is a vote.
If the candidate says nothing about the user, votes for and against fall as chance has it; how likely so many
for it are then is the p-value (an exact binomial test; for limits a Wilcoxon signed-rank test on lengths).

What forbids something is harder to show: a text cut to a third has two thirds of everything in it gone,
wanted or not. The chance of a vote for it is then that of an accident of the cutting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from persona.checker import Checker
from persona.checker.literal import without_edges
from persona.checker.prose import words
from persona.distill.inference.candidates import Candidate
from persona.distill.inference.observations import Observation, Witness
from store.records import Message

FEWEST_VOTES = 6  # for it; below, no p-value would stand beside that of another candidate
LARGE_SHARE = 0.8  # of the votes, and of the wanted answers: what one in five breaks is no preference
RECENT = 8  # conversations, of which half at least have to keep what older ones show
_EVEN = 0.5
_EXACT = 50  # conversations


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """`side`: how many observations of the conversation speak for the candidate less those against it; 0 is
    none. `chance`: how likely it is to be for it by accident. `kept`: do the wanted answers keep it; None
    where the candidate says nothing about them.
    """

    witness: Witness
    side: int
    chance: float
    kept: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """`least` is the smallest p that so many votes could have had: what is above the threshold even so was
    never tested. `large` says whether the effect is, whatever its p.
    """

    candidate: Candidate
    scope: str
    window: int
    votes: tuple[Vote, ...]
    p: float
    least: float

    @property
    def won(self) -> list[Vote]:
        return [vote for vote in self.votes if vote.side > 0]

    @property
    def lost(self) -> list[Vote]:
        return [vote for vote in self.votes if vote.side < 0]

    @property
    def kept(self) -> float:
        """The share of conversations whose wanted answers keep what it asks for."""
        return share_kept(self.votes)

    @property
    def large(self) -> bool:
        won, lost = len(self.won), len(self.lost)
        return (
            won >= FEWEST_VOTES
            and won >= LARGE_SHARE * (won + lost)
            and self.kept >= LARGE_SHARE
            and share_kept(self.votes[-RECENT:]) >= _EVEN
        )


def share_kept(votes: Sequence[Vote]) -> float:
    """0 where the candidate says nothing about any of them."""
    told = [vote.kept for vote in votes if vote.kept is not None]
    return sum(told) / len(told) if told else 0.0


class Reader:
    """Asks checkers about texts, each question once: windows and scopes ask the same ones again."""

    def __init__(self) -> None:
        self._bare: dict[tuple[tuple[str, ...], str], Message] = {}
        self._known: dict[tuple[int, str], bool] = {}
        self._votes: dict[tuple[int, int], Vote] = {}
        self._asked: list[Candidate] = []  # as long as they live, no others have their ids

    def votes(self, candidate: Candidate, witnesses: Sequence[Witness]) -> list[Vote]:
        """One for each conversation about which the candidate says anything, in their order."""
        found = []
        for witness in witnesses:
            key = (id(candidate), id(witness))
            if key not in self._votes:
                self._asked.append(candidate)
                self._votes[key] = self._vote(candidate, witness)
            vote = self._votes[key]
            if vote.kept is not None:
                found.append(vote)
        return found

    def _vote(self, candidate: Candidate, witness: Witness) -> Vote:
        sides: list[int] = []
        chances: list[float] = []
        kept: list[bool] = []
        for one in witness.observations:
            chosen = self._read(candidate, one.chosen)
            if not one.tells_of(candidate.attribute) or not candidate.checker.applies_to(chosen):
                continue
            keeps = self._keeps(candidate.checker, chosen)
            kept.append(keeps)
            others = [self._read(candidate, said) for said in one.rejected]
            others = [said for said in others if candidate.checker.applies_to(said)]
            breaking = [said for said in others if not self._keeps(candidate.checker, said)]
            if keeps and 2 * len(breaking) > len(others):
                sides.append(1)
                chances.append(_accident(candidate, one, breaking))
            elif not keeps and others and 2 * len(breaking) < len(others):
                sides.append(-1)
                chances.append(_EVEN)
        return Vote(
            witness=witness,
            side=sum(sides),
            chance=sum(chances) / len(chances) if chances else _EVEN,
            kept=2 * sum(kept) >= len(kept) if kept else None,
        )

    def _read(self, candidate: Candidate, message: Message) -> Message:
        """The message as the candidate sees it."""
        if not candidate.blind_to:
            return message
        key = (candidate.blind_to, message.content)
        if key not in self._bare:
            bare = without_edges(message.content, candidate.blind_to)
            self._bare[key] = replace(message, content=bare if bare.strip() else message.content)
        return self._bare[key]

    def _keeps(self, checker: Checker, message: Message) -> bool:
        key = (id(checker), message.content)
        if key not in self._known:
            self._known[key] = checker.passes(message)
        return self._known[key]


def _accident(candidate: Candidate, one: Observation, breaking: Sequence[Message]) -> float:
    """How likely a text of the wanted one's length has none of what the candidate forbids, left to chance."""
    if candidate.gone is None:
        return _EVEN
    length = words(one.chosen.content)
    missing = []
    for said in breaking:
        left = min(1.0, length / max(1, words(said.content)))
        missing.append((1 - left) ** max(1, candidate.gone(said.content)))
    return max(_EVEN, sum(missing) / len(missing))


def binomial(candidate: Candidate, scope: str, window: int, votes: Sequence[Vote]) -> Trial:
    """With different chances for the votes their mean is used, which only makes p larger (Hoeffding 1956)."""
    from scipy.stats import binomtest  # more than a second, which only nights with enough evidence spend

    won = sum(vote.side > 0 for vote in votes)
    cast = [vote for vote in votes if vote.side != 0]
    chance = sum(vote.chance for vote in cast) / len(cast)
    return Trial(
        candidate=candidate,
        scope=scope,
        window=window,
        votes=tuple(votes),
        p=float(binomtest(won, len(cast), chance, alternative="greater").pvalue),
        least=chance ** len(cast),
    )


def signed_rank(
    candidate: Candidate,
    scope: str,
    window: int,
    votes: Sequence[Vote],
    *,
    length: Callable[[str], int],
    longer: bool,
) -> Trial:
    """Are the wanted answers shorter (or `longer`) than those they were taken over?"""
    from scipy.stats import wilcoxon

    changes = [_change(vote.witness, candidate.attribute, length) for vote in votes]
    moved = [change for change in changes if change]
    p = 1.0
    if moved:
        exact = len(moved) <= _EXACT  # beyond, the normal distribution is as good
        side = "greater" if longer else "less"
        p = float(wilcoxon(moved, alternative=side, method="exact" if exact else "asymptotic").pvalue)
    return Trial(
        candidate=candidate, scope=scope, window=window, votes=tuple(votes), p=p, least=_EVEN ** len(moved)
    )


def _change(witness: Witness, attribute: str, length: Callable[[str], int]) -> float:
    """The middle change of length in the conversation, as a logarithm of the ratio."""
    changes = sorted(
        math.log((1 + length(one.chosen.content)) / (1 + length(one.rejected[0].content)))
        for one in witness.observations
        if one.tells_of(attribute)
    )
    return changes[len(changes) // 2] if changes else 0.0
