"""What a reply is judged by: which patterns it has, what it has in common with answer and request, its words.

Invariant: only the user's own words are read; what a model wrote is compared with them, and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from itertools import groupby, pairwise

from rapidfuzz import fuzz

from persona.checker import fold
from persona.distill.detectors.before import Before, words_of
from persona.distill.detectors.content_words import content_words, has_word
from persona.distill.detectors.own_words import Sentence
from persona.distill.detectors.reading import without_sighs
from persona.distill.detectors.tongues import Tongue, plausible
from persona.distill.detectors.tongues.acts import ANYWHERE, Acts
from persona.distill.detectors.tongues.cues import cues

_MOST_WORDS = 40
_MOST_PAIRS = 12
_OPENING = 24  # characters whose parts are read
_PARTS = (3, 4, 5)
_READ = 2000  # characters of answer and request
_LEXICAL = 0.5  # how much a word weighs beside a pattern, before anything is learnt
_SENTENCES = 2
_MOST_MEANINGS = 8  # one after the other
_BESIDE = 400  # characters of the request that help to tell the language

_TOKEN = re.compile(r"\w+|[^\w\s]")
_LAUGHS = re.compile(
    r"(?::-?[)D]|;-?\)|xd\b|\^\^|\b(?:ha){2,}|\blol\b|\bjaja|\bkkk|\bmdr\b|[\U0001F600-\U0001F64F🤣])"
)
_FULLY = frozenset(("again", "gives_up", "only_changes", "open_change"))
_NO_PATTERNS = frozenset(
    (
        *("name", "codes", "numbers", "changes", "uses", "about", "acts"),
        *("one_soft_head", "trail_end", "lead_in_head", "courtesy"),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """A reply with what it is compared with. `ruled`: the rules take it for a correction; `plain`: by what it
    says, not by its form alone. How far the talk has come is left out: it tells how logs are written."""

    content: str
    sentences: tuple[Sentence, ...]
    before: Before
    request: str
    answer: str
    ruled: bool
    plain: bool = False


def traits(heard: Heard) -> Mapping[str, float]:
    """Every trait of the reply with its value, mostly 1; pure, for any text."""
    found = dict.fromkeys(_marks(heard), 1.0)
    text = " ".join(sentence.text for sentence in heard.sentences)
    return found | dict.fromkeys(_lexical(text), _LEXICAL)


def _marks(heard: Heard) -> Iterator[str]:
    if heard.ruled:
        yield "rule"
    text = " ".join(sentence.text for sentence in heard.sentences)
    tongue = plausible(text)[0]
    for place, sentence in enumerate(heard.sentences[:_SENTENCES]):
        for mark in _of_sentence(sentence, tongue):
            yield f"{place}.{mark}"
    yield f"sentences={_step(len(heard.sentences), (1, 2, 3))}"
    yield from _of_writing(heard, text)
    yield from _of_words(heard.before, words_of(text))
    yield from _of_requests(heard)
    yield from _of_meanings(heard)
    for name in ("offer", "question", "tool", "made", "called"):
        if getattr(heard.before, name):
            yield f"before.{name}"
    yield f"answer_words={_step(len(heard.answer.split()), (0, 2, 5, 10, 20, 40, 80))}"
    yield f"request_words={_step(len(heard.request.split()), (2, 5, 10, 20, 40))}"


def _of_sentence(sentence: Sentence, tongue: Tongue) -> Iterator[str]:
    texts = list(without_sighs(sentence.text, tongue))
    for name, pattern, where in _patterns(tongue.name, tongue):
        if where == "anywhere":
            hit = pattern.search(sentence.text) is not None
        elif where == "fully":
            hit = any(pattern.fullmatch(text) for text in texts)
        else:
            hit = any(found and found.end() for found in map(pattern.match, texts))
        if hit:
            yield name
    if any(change.pattern.search(sentence.text) for change in tongue.changes):
        yield "change"
    if sentence.asks:
        yield "asks"
    yield f"sighs={len(texts) - 1}"
    yield f"words={_step(sentence.words, (1, 2, 3, 5, 8, 12, 18))}"


_PATTERNS: dict[str, list[tuple[str, re.Pattern[str], str]]] = {}


def _patterns(name: str, tongue: Tongue) -> list[tuple[str, re.Pattern[str], str]]:
    """The patterns of a language, each with its name and where it has to be."""
    if name not in _PATTERNS:
        _PATTERNS[name] = [
            (one.name, getattr(tongue, one.name), _where(one.name))
            for one in fields(Tongue)
            if one.name not in _NO_PATTERNS
        ] + [
            (
                f"act.{one.name}",
                getattr(tongue.acts, one.name),
                "anywhere" if one.name in ANYWHERE else "head",
            )
            for one in fields(Acts)
        ]
    return _PATTERNS[name]


@cache
def _where(name: str) -> str:
    if name.endswith("_head"):
        return "head"
    return "fully" if name in _FULLY else "anywhere"


def _of_writing(heard: Heard, text: str) -> Iterator[str]:
    raw = " ".join(sentence.raw for sentence in heard.sentences)
    told = {
        "question": "?" in raw,
        "exclamation": "!" in raw,
        "insistence": "!!" in raw or "??" in raw,
        "dots": "..." in raw or "…" in raw,
        "full_stop": text.endswith("."),
        "laughs": _LAUGHS.search(raw.lower()) is not None,
        "upper": raw[:1].isupper(),
        "shouts": any(word.isupper() and len(word) > 2 for word in raw.split()),
        "quotes": "⟦⟧" in text,
        "more": len(heard.content) > len(raw) + 20,
    }
    return (name for name, holds in told.items() if holds)


def _of_words(before: Before, own: tuple[str, ...]) -> Iterator[str]:
    """How much of what the reply speaks of stood in the answer, in the request, in neither."""
    answer, request = ([word in words for word in own] for words in (before.answer, before.request))
    pairs = list(zip(answer, request, strict=True))
    yield f"in_answer={_share(answer)}"
    yield f"in_request={_share(request)}"
    yield f"in_request_only={_share([asked and not told for told, asked in pairs])}"
    yield f"in_answer_only={_share([told and not asked for told, asked in pairs])}"
    yield f"in_neither={_share([not (told or asked) for told, asked in pairs])}"
    numbers = [word for word in own if word[0].isdigit()]
    if not numbers:
        return
    yield "number"
    if any(word in before.request and word not in before.answer for word in numbers):
        yield "number.not_answered"
    if any(word in before.answer for word in numbers):
        yield "number.of_answer"
    if not before.owns(numbers):
        yield "number.new"
    if any(word[0].isdigit() for word in before.answer):
        yield "number.beside_another"


def _of_requests(heard: Heard) -> Iterator[str]:
    """How like the reply is to the request before it, and how much of that the answer spoke of."""
    folded, spoken = fold(heard.request[:_READ]), fold(heard.answer[:_READ])
    own = " ".join(sentence.raw for sentence in heard.sentences)
    yield f"like={_step(fuzz.token_set_ratio(folded, fold(own)), (20, 40, 60, 80))}"
    languages = {tongue.name for tongue in plausible(spoken)}
    if len(heard.answer.split()) >= 4 and heard.before.languages and not languages & heard.before.languages:
        yield "other_language"
    asked, said = content_words(heard.request), content_words(own)
    if not said:
        return
    common = sum(has_word(asked, word) for word in said)
    yield f"covered={_step(common / len(said), (0, 0.25, 0.5, 0.75, 1))}"
    covers = sum(has_word(said, word) for word in asked) / len(asked) if asked else 0
    yield f"covers={_step(covers, (0, 0.25, 0.5, 0.75, 1))}"
    yield f"common={_step(common, (0, 1, 2, 3))}"
    yield f"new={_step(len(said) - common, (0, 1, 2, 4))}"
    request = heard.before.request
    answered = len(request.intersection(words_of(spoken))) / max(1, len(request))
    yield f"answered={_step(answered, (0, 0.25, 0.5, 0.75, 1))}"


def _of_meanings(heard: Heard) -> Iterator[str]:
    """What its words mean whatever the language, how it begins, and what follows what."""
    beside = fold(heard.request[:_BESIDE])
    for place, sentence in enumerate(heard.sentences[: _SENTENCES + 1]):
        where = "first" if place == 0 else "later"
        found = cues(sentence.text, beside)
        order = [name for name, _ in groupby(name for _, name in found)]
        yield from (f"{where}~{name}" for name in set(order))
        yield from (f"{where}~^{name}" for start, name in found if start == 0)
        yield from (f"{where}~{one}>{other}" for one, other in pairwise(order[:_MOST_MEANINGS]))


def _lexical(text: str) -> Iterator[str]:
    """Words, pairs of words, and how the reply begins and ends."""
    tokens = _TOKEN.findall(text)[:_MOST_WORDS]
    yield from (f"'{token}" for token in tokens)
    pairs = [f"{one} {other}" for one, other in pairwise(tokens)]
    yield from pairs[:_MOST_PAIRS]
    for bound, ends in (("^", [*tokens[:1], *pairs[:1]]), ("$", [*tokens[-1:], *pairs[-1:]])):
        yield from (bound + end for end in ends)
    opening = "^" + text[:_OPENING]
    for size in _PARTS:
        yield from (f"~{opening[start : start + size]}" for start in range(len(opening) - size + 1))


def _share(marks: Iterable[bool]) -> str:
    marks = list(marks)
    return _step(sum(marks) / len(marks), (0, 0.34, 0.67, 0.99, 1)) if marks else "none"


def _step(value: float, edges: Iterable[float]) -> str:
    """The first edge that the value does not pass."""
    return next((f"{edge:g}" for edge in edges if value <= edge), "more")
