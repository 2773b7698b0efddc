"""The [act] part of a language's table: what objections are made of, as patterns on folded text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

Compile = Callable[[Iterable[str]], re.Pattern[str]]


@dataclass(frozen=True, kw_only=True)
class Acts:
    """Those of the first group match where a sentence or a clause begins, the others anywhere."""

    points: re.Pattern[str]  # at the answer, and says how it is: “that is”, “it sounds”
    identifies: re.Pattern[str]  # what the answer is: “that is”
    claims: re.Pattern[str]  # what the answer does: “it crashes”, “this returns”
    like: re.Pattern[str]  # “sounds like”
    you_did: re.Pattern[str]
    not_you: re.Pattern[str]
    failing: re.Pattern[str]  # “now I get”, “still”
    should: re.Pattern[str]
    slightly: re.Pattern[str]
    too: re.Pattern[str]
    more: re.Pattern[str]  # more and less, before what there should be more or less of
    more_of: re.Pattern[str]  # what asks for more things, not for another manner
    tag: re.Pattern[str]  # “wasn't it”
    redo: re.Pattern[str]  # an order about the answer
    not_redo: re.Pattern[str]
    own: re.Pattern[str]  # the user, and other people
    adversative: re.Pattern[str]
    of: re.Pattern[str]  # the kind that the answer is of
    want: re.Pattern[str]
    prepositions: re.Pattern[str]
    assents: re.Pattern[str]  # lets a call run
    restricts: re.Pattern[str]  # “only”
    concludes: re.Pattern[str]  # what the user makes of the answer: “so it is”
    counts: re.Pattern[str]  # what is there: “that's”, “I see”

    denies: re.Pattern[str]
    praise: re.Pattern[str]  # content with the answer, whatever words it is put in
    fine: re.Pattern[str]  # comment and approval
    contrast: re.Pattern[str]  # stands between what is wanted and what is not
    infers: re.Pattern[str]  # “I guess”, “I hope”
    mine: re.Pattern[str]  # the user's own life
    persists: re.Pattern[str]  # “still”
    hedges: re.Pattern[str]  # “surely”, “as far as I know”: behind what should stand in the answer's place
    unsure: re.Pattern[str]  # the same, where it may be a comment just as well: “35, no?”, “cheap, no?”
    sure: re.Pattern[str]  # “obviously”, “like I said”
    particles: re.Pattern[str]  # what only objections have in them
    comparative: re.Pattern[str]
    world: re.Pattern[str]  # comparatives of things rather than of texts
    equals: re.Pattern[str]
    play: re.Pattern[str]  # asks for a play or a game
    standing: re.Pattern[str]  # announces texts to be worked on
    leaves_play: re.Pattern[str]


ANYWHERE = frozenset(
    (
        *("denies", "praise", "fine", "contrast", "sure", "particles", "world", "equals"),
        *("play", "standing", "leaves_play", "comparative"),
        *("infers", "mine", "persists", "hedges", "unsure"),
    )
)


def acts(table: Mapping[str, Iterable[str]], *, head: Compile, words: Compile) -> Acts:
    """The compiled table."""
    patterns = {"denies" if name == "not" else name: phrases for name, phrases in table.items()}
    return Acts(
        **{name: (words if name in ANYWHERE else head)(phrases) for name, phrases in patterns.items()}
    )
