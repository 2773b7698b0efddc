"""What could distinguish the wanted answers: checkers with the words for them, before anything is tested.

Most are fixed; literals, limits and languages are read from the observations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from persona.checker import (
    ADDRESSES,
    CODE_HABITS,
    CODES,
    CONVENTIONS,
    Address,
    Bold,
    BoldLead,
    Bullets,
    Checker,
    Closing,
    CodeBlock,
    CodeStyle,
    Contractions,
    Convention,
    Emoji,
    Exclamation,
    FinalQuestion,
    Headings,
    Language,
    NoBold,
    NoClosing,
    NoCodeBlock,
    NoEmoji,
    NoExclamation,
    NoFinalQuestion,
    NoHeadings,
    NoLists,
    NoMarker,
    NoOpening,
    Numbered,
    Opening,
)
from persona.distill.inference.edges import endings, openings, recurring
from persona.distill.inference.observations import Observation

Count = Callable[[str], int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One thing that may be preferred. Of two about the same attribute that both stand, the earlier counts.

    `gone` tells that it forbids something, and counts how often that stands in a text: a shorter text has
    less of everything, and only what is missing beyond that shows a preference. `blind_to` are literals that
    it does not see at the edges of answers: what they bring along is theirs.
    """

    attribute: str
    checker: Checker
    statement: str
    gone: Count | None = None
    blind_to: tuple[str, ...] = ()


def _once(checker: Checker) -> Count:
    """What stands in a text as a whole or not at all."""
    del checker
    return lambda _: 1


_MARKED = {
    "apology": "Do not apologize in answers.",
    "hedging": "Answer without hedging words such as perhaps and maybe.",
    "filler": "Begin with the answer itself, without filler such as “Sure!”.",
    "self_reference": "Do not talk about being an AI.",
    "offer": "Do not end with an offer of more help.",
    "contraction": "Write without contractions.",
}


def _plain() -> Iterator[Candidate]:
    yield _has("emoji", Emoji(), "Use emoji in answers.")
    yield _has_not("emoji", NoEmoji(), "Answer without emoji.")
    yield _has("headings", Headings(), "Use headings in answers.")
    yield _has_not("headings", NoHeadings(), "Answer without headings.")
    yield _has("lists", Bullets(), "Answer with bullet points.")
    yield _has("lists", Numbered(), "Answer with numbered lists.")
    yield _has_not("lists", NoLists(), "Answer without lists.")
    yield _has("bold", BoldLead(), "Put the first line in bold.")
    yield _has("bold", Bold(), "Use bold text in answers.")
    yield _has_not("bold", NoBold(), "Answer without bold text.")
    yield _has("code_blocks", CodeBlock(), "Put code into code blocks.")
    yield _has_not("code_blocks", NoCodeBlock(), "Answer without code blocks.")
    yield _has("exclamation", Exclamation(), "Use exclamation marks.")
    exclamation = NoExclamation()
    yield _has_not(
        "exclamation", exclamation, "Answer without exclamation marks.", lambda text: text.count("!")
    )
    yield _has("question", FinalQuestion(), "End every answer with a question.")
    yield _has_not("question", NoFinalQuestion(), "Do not end answers with a question.")
    yield _has("tone.contraction", Contractions(), "Write with contractions, as in “it's”.")
    for marker, statement in _MARKED.items():
        checker = NoMarker(marker=marker)
        yield _has_not(f"tone.{marker}", checker, statement, checker.count)
    for convention, styles in CONVENTIONS.items():
        for style in styles:
            told = Convention(convention=convention, style=style)
            yield _has(convention, told, f"Write {told.describe()}.")
    for code, manner in ADDRESSES:
        address = Address(code=code, manner=manner)
        yield _has("address", address, f"Address me with “{address.word}”.")
    for habit, ways in CODE_HABITS.items():
        for style in ways:
            written = CodeStyle(habit=habit, style=style)
            yield _has(f"code.{habit}", written, f"Write {written.describe()}.")


def _has(attribute: str, checker: Checker, statement: str) -> Candidate:
    return Candidate(attribute=attribute, checker=checker, statement=statement)


def _has_not(attribute: str, checker: Checker, statement: str, gone: Count | None = None) -> Candidate:
    return Candidate(attribute=attribute, checker=checker, statement=statement, gone=gone or _once(checker))


PLAIN: tuple[Candidate, ...] = tuple(_plain())
_NAMES: Mapping[str, str] = {code: name.title() for name, code in CODES.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """`edges` are about literal openings and closings, `literals` their texts, which `others` do not see."""

    edges: tuple[Candidate, ...]
    others: tuple[Candidate, ...]
    literals: tuple[str, ...]


def candidates(observations: Sequence[Observation], known: Iterable[Candidate] = ()) -> Candidates:
    """All but limits (see `lengths`). `known` are literals of the ledger, which come first."""
    edges = {repr(each.checker): each for each in (*known, *_literals(observations))}.values()
    literals = tuple(sorted({text for each in edges for text in _texts(each.checker)}))
    others = (*_languages(observations), *PLAIN)
    return Candidates(
        edges=tuple(edges),
        others=tuple(replace(each, blind_to=literals) for each in others),
        literals=literals,
    )


def _texts(edge: Checker) -> tuple[str, ...]:
    match edge:
        case Opening(text=text) | Closing(text=text):
            return (text,)
        case NoOpening(texts=texts) | NoClosing(texts=texts):
            return texts
    return ()


def _literals(observations: Sequence[Observation]) -> Iterator[Candidate]:
    whole = [
        one for one in observations if one.about is None
    ]  # a model's own phrases are no style of the user
    chosen = [(one.conversation, (one.chosen.content,)) for one in whole]
    rejected = [(one.conversation, [said.content for said in one.rejected]) for one in whole]
    closings, greetings = recurring(chosen, endings), recurring(chosen, openings)
    for text in closings:
        yield _has("closing", Closing(text=text), f"End every answer with “{text}”")
    for text in greetings:
        yield _has("opening", Opening(text=text), f"Start every answer with “{text}”")
    for text in _others(recurring(rejected, endings), closings):
        yield _has_not("closing", NoClosing(texts=(text,)), f"Do not end answers with “{text}”")
    for text in _others(recurring(rejected, openings), greetings):
        yield _has_not("opening", NoOpening(texts=(text,)), f"Do not start answers with “{text}”")


def _others(found: Iterable[str], taken: Iterable[str]) -> list[str]:
    known = {text.casefold() for text in taken}
    return [text for text in found if text.casefold() not in known]


def _languages(observations: Sequence[Observation]) -> Iterator[Candidate]:
    """The languages that most wanted answers are in, where the others are in another one."""
    found: Counter[str] = Counter()
    checkers = {code: Language(code=code) for code in _NAMES}
    english = checkers["en"]
    for one in observations:
        if english.holds(one.chosen.content) and english.holds(one.rejected[0].content):
            continue  # the most frequent case, told without asking for every language
        spoken = [code for code, checker in checkers.items() if checker.holds(one.chosen.content)]
        if len(spoken) == 1 and not any(checkers[spoken[0]].holds(said.content) for said in one.rejected):
            found[spoken[0]] += 1
    for code, _ in found.most_common(2):
        yield _has("language", checkers[code], f"Answer in {_NAMES[code]}.")
