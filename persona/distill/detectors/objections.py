"""Objections that need no word like “wrong”: told by how the sentence is built and what it has in common with
the answer and the request.

Every rule is about one speech act: pointing at the answer and denying or comparing, telling what “you” did,
“X, not Y” about words that were used, saying again what was asked, echoing the answer as a question, ordering
a change of it. A sentence that comments or approves is none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from persona.distill.detectors.before import Before, words_of
from persona.distill.detectors.own_words import Sentence
from persona.distill.detectors.tongues import Tongue
from persona.distill.detectors.tongues.acts import Acts

_LONGEST = 24  # words; longer sentences tell something
_SHORT = 10
_FRAGMENT = 4
_CONTRASTED = 5  # words after the “not” of “X, not Y”
_ECHOED = 0.5  # of the words of a question that echoes the answer
_MISSPELT = 80  # of 100: so like a name of the answer is the name, spelt otherwise
_CLAUSE = re.compile(r"\s*[,–—:]\s*|\s+-\s+")
_GAP = re.compile(r"[\s,.!:;…–—-]*")
_NUMBER = re.compile(r"\d")
_NAME = re.compile(r"(?<!\w)[^\W\d_]\w{3,}")
_SMILES = re.compile(r"(?::-?[)D]|;-?\)|xd|\^\^|[\U0001F600-\U0001F64F])\s*[.!]*$")
_MOST_SIGHS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """A sentence without the sighs before it, and what it is read with."""

    text: str
    sentence: Sentence
    tongue: Tongue
    before: Before

    @property
    def acts(self) -> Acts:
        return self.tongue.acts

    @property
    def words(self) -> tuple[str, ...]:
        return words_of(self.text)

    def is_fine(self, text: str = "") -> bool:
        return self.acts.fine.search(text or self.text) is not None

    def after(self, head: re.Pattern[str]) -> str | None:
        """What follows the head; None where the text does not begin with it."""
        found = head.match(self.text)
        if found is None:
            return None
        gap = _GAP.match(self.text, found.end())
        return self.text[gap.end() if gap else found.end() :]


def objects_to(sentences: Sequence[Sentence], start: int, tongue: Tongue, before: Before) -> int:
    """How many sentences, from `start` on, object to the answer; 0 where none do."""
    sentence = sentences[start]
    if before.languages and tongue.name not in before.languages:
        return 0
    if before.question or sentence.hands_over or sentence.words > _LONGEST:
        return 0
    following = sentences[start + 1] if start + 1 < len(sentences) else None
    for text in without_sighs(sentence.text, tongue):
        said = _Said(text=text, sentence=sentence, tongue=tongue, before=before)
        if sentence.asks:
            if _asks_back(said):
                return 1
            if following is not None and _echoes_the_answer(said, following):
                return 2
        elif _declares(said, following):
            return 1
        elif following is not None and _explains(said, following):
            return 2
    return 0


def without_sighs(text: str, tongue: Tongue) -> Iterator[str]:
    """The text, and what is left of it when the words before its first that counts go, one by one."""
    for _ in range(_MOST_SIGHS):
        yield text
        sigh = tongue.one_soft_head.match(text)
        if sigh is None or sigh.end() == len(text):
            return
        text = text[sigh.end() :]


def _asks_for_change(following: Sentence, acts: Acts) -> bool:
    text = following.text
    return following.words < _FRAGMENT or any(
        head.match(text) for head in (acts.more, acts.comparative, acts.redo, acts.tag)
    )


def smiles(sentence: Sentence) -> bool:
    """Does the sentence end with a smile? It is no serious judgement then."""
    return _SMILES.search(sentence.text) is not None


def _declares(said: _Said, following: Sentence | None) -> bool:
    if said.before.called:
        return said.acts.assents.match(said.text) is None and not said.is_fine()
    if said.tongue.lasting_head.match(said.text) or said.tongue.always_head.match(said.text):
        return False
    asks = following is not None and following.asks
    goes_on = asks and following is not None and not _asks_for_change(following, said.acts)
    if _orders(said) or _praises_but(said) or (not goes_on and said.before.made and _compares(said)):
        return True
    if said.is_fine() or smiles(said.sentence):
        return False
    return (
        (not (asks and said.acts.you_did.match(said.text)) and _blames(said))
        or _points(said)
        or _finds_too_much(said)
        or _contrasts(said)
        or _insists(said)
        or _denies_the_answer(said)
        or _puts_right(said)
    )


def _blames(said: _Said) -> bool:
    """You did; it does; it still fails; it should; it sounds like; and what only objections have in them."""
    acts, text = said.acts, said.text
    if acts.you_did.match(text):
        return acts.not_you.match(text) is None
    if acts.claims.match(text) or acts.failing.match(text) or acts.like.match(text):
        return True
    if acts.should.match(text):
        return said.before.has(said.words) or acts.points.match(text) is not None or "⟦⟧" in text
    if acts.particles.search(text):
        return acts.own.match(text) is None
    rest = said.after(acts.adversative)
    return (
        bool(rest)
        and acts.own.match(rest or "") is None
        and said.tongue.and_starts_head.match(rest or "") is None
    )


def _points(said: _Said) -> bool:
    """That is not, that is too, that is longer than; that is French."""
    acts = said.acts
    rest = said.after(acts.points)
    if (
        rest
        and said.before.made
        and (
            acts.denies.match(rest)
            or acts.too.match(rest)
            or acts.slightly.match(rest)
            or acts.comparative.search(rest)
        )
    ):
        return True
    rest = said.after(acts.identifies)
    if not rest:
        return False
    if rest[0].isdigit() or acts.of.match(rest) or said.tongue.languages.search(rest):
        return len(rest.split()) <= _SHORT
    return any(acts.want.match(clause) for clause in _CLAUSE.split(rest)[1:])


def _finds_too_much(said: _Said) -> bool:
    """Sunglasses is a bit much: a word of the answer, and that it is too something."""
    acts = said.acts
    found = acts.equals.search(said.text)
    if not found or not said.before.made or said.sentence.words > _SHORT or acts.own.match(said.text):
        return False
    rest = said.text[found.end() :].strip()
    about = words_of(said.text[: found.start()])
    return bool(acts.too.match(rest) or acts.slightly.match(rest)) and any(
        word in said.before.answer for word in about
    )


def _contrasts(said: _Said) -> bool:
    """X, not Y: where Y was in the answer, or X in the request."""
    acts = said.acts
    if said.sentence.words > 14:
        return False
    own = acts.own.match(said.text)
    for found in acts.contrast.finditer(said.text):
        wanted, unwanted = said.text[: found.start()], said.text[found.end() :]
        if not wanted.strip(" ,") or not unwanted.strip(" .!…") or len(unwanted.split()) > _CONTRASTED:
            continue
        asked_for = words_of(unwanted if own else wanted)
        if any(word in said.before.request for word in asked_for):
            return True
        if not own and any(word in said.before.answer for word in words_of(unwanted)):
            return True
    return False


def _insists(said: _Said) -> bool:
    """Says again, in a few words, what had been asked for: “evening obviously”, “nurse!”."""
    acts, before = said.acts, said.before
    sure = acts.sure.search(said.text)
    if sure and said.sentence.words <= 14 and (not sure.start() or not acts.own.match(said.text)):
        rest = said.text[: sure.start()] + said.text[sure.end() :]
        return re.search(r"\w", _without_soft(rest, said.tongue)) is not None
    words = said.words
    if said.sentence.words > _FRAGMENT:
        return False
    if acts.prepositions.match(said.text) and said.sentence.words > 1:
        if said.tongue.and_starts_head.match(said.sentence.text):
            return False
        return not said.tongue.languages.search(said.text) and said.text.split()[0] not in before.asked
    if any(word[0].isdigit() and word in before.request and word not in before.answer for word in words):
        return True
    return (
        bool(words)
        and len(words) < len(before.request)
        and all(word in before.request for word in words)
        and not all(word in before.answer for word in words)
    )


def _without_soft(text: str, tongue: Tongue) -> str:
    text = text.strip(" ,.!…")
    soft = tongue.soft_head.match(text)
    return text[soft.end() :] if soft else text


def _denies_the_answer(said: _Said) -> bool:
    """A denial that is about a word of the answer."""
    acts = said.acts
    if said.sentence.words > 14 or acts.own.match(said.text) or said.tongue.and_starts_head.match(said.text):
        return False
    return acts.denies.search(said.text) is not None and any(
        word in said.before.answer for word in said.words
    )


def _puts_right(said: _Said) -> bool:
    """Another number about the same thing, or a name of the answer spelt otherwise."""
    acts, before = said.acts, said.before
    if said.sentence.words > _SHORT or acts.own.match(said.text):
        return False
    if "=" in said.text and _NUMBER.search(said.text):
        return True
    if not acts.equals.search(said.text):
        return False
    numbers = [word for word in said.words if word[0].isdigit()]
    others = [word for word in said.words if not word[0].isdigit()]
    if numbers and not all(number in before.answer for number in numbers) and before.has(others):
        return True
    names = [name for name in _NAME.findall(said.sentence.raw)[1:] if name[0].isupper()]
    return any(
        name not in before.names and fuzz.ratio(name, other) >= _MISSPELT
        for name in names
        for other in before.names
    )


def _compares(said: _Said) -> bool:
    """Another manner in one or two words: less hype, a bit cheesy, too stiff."""
    acts = said.acts
    first = _CLAUSE.split(said.text.rstrip(" .!…"))[0]
    if len(first.split()) > 6:
        return False
    rest = said.after(acts.more)
    if rest and not acts.more_of.match(rest) and not acts.world.match(rest):
        return not rest[0].isdigit()
    if said.is_fine(first):
        return False
    if (found := acts.comparative.match(first)) and not acts.world.search(first):
        return found.end() >= len(first) or not said.sentence.asks
    if said.is_fine():
        return False
    for head in (acts.too, acts.slightly):
        rest = said.after(head)
        if rest and len(_CLAUSE.split(rest)[0].split()) <= 3 and not _NUMBER.match(rest):
            return True
    return False


def _orders(said: _Said) -> bool:
    """An order to change the answer; not one to change what a tool works on."""
    acts = said.acts
    found = acts.redo.match(said.text)
    if found is None or acts.not_redo.match(said.text) or said.sentence.words > 16:
        return False
    if said.before.tool:
        return any(
            change.attribute != "other" and change.pattern.search(said.text) for change in said.tongue.changes
        )
    return (
        "⟦⟧" in said.text
        or len(_CLAUSE.split(said.text)[0].split()) <= 6
        or any(word in said.before.answer for word in words_of(said.text[found.end() :]))
    )


def _praises_but(said: _Said) -> bool:
    """Better, but …: what follows the praise is what is wrong."""
    for found in said.acts.adversative.finditer(said.text):
        praise, rest = said.text[: found.start()].strip(" ,"), said.text[found.end() :].strip(" ,.!")
        if not praise or len(praise.split()) > 7 or len(rest.split()) < 3:
            continue
        if found.start() and said.text[found.start() - 1] not in " ,":
            continue
        if (said.is_fine(praise) or said.tongue.thanks_head.match(praise)) and not said.is_fine(rest):
            return said.tongue.and_starts_head.match(rest) is None
    return False


def _asks_back(said: _Said) -> bool:
    """Wasn't it Botticelli? Did you read what I wrote? Something more poetic?"""
    acts, text = said.acts, said.text
    if acts.particles.match(said.sentence.text) or _asks_for_units(said):
        return True
    if said.tongue.and_starts_head.match(said.sentence.text):
        return False
    rest = said.after(acts.tag)
    if rest:
        named = [name for name in _NAME.findall(said.sentence.raw)[1:] if name[0].isupper()]
        return bool(named) or _NUMBER.search(rest) is not None or acts.particles.search(rest) is not None
    rest = said.after(acts.more)
    return (
        bool(rest)
        and said.sentence.words <= _FRAGMENT + 1
        and not acts.more_of.match(rest or "")
        and not (acts.world.search(text) or rest[:1].isdigit() if rest else True)
    )


def _asks_for_units(said: _Said) -> bool:
    """What is that in km?"""
    if said.sentence.words > 6 or not any(_NUMBER.match(word) for word in said.before.answer):
        return False
    units = [change for change in said.tongue.changes if change.attribute == "units"]
    return any(change.pattern.search(said.text) for change in units) and not any(
        change.pattern.search(" ".join(said.before.asked)) for change in units
    )


def _echoes_the_answer(said: _Said, following: Sentence) -> bool:
    """“Two museums? I hate museums.” Words of the answer as a question, and then a statement."""
    words = said.words
    if not words or said.sentence.words > _SHORT or said.tongue.and_starts_head.match(said.text):
        return False
    echoed = [word for word in words if word in said.before.answer]
    if len(echoed) < _ECHOED * len(words) or said.tongue.which.search(said.text):
        return False
    acts = said.acts
    if following.asks:
        return acts.particles.match(following.text) is not None
    if acts.fine.search(following.text) or following.hands_over:
        return False
    return any(
        found is not None
        for found in (
            acts.own.match(following.text),
            acts.denies.search(following.text),
            acts.particles.search(following.text),
            acts.adversative.match(following.text),
        )
    )


def _explains(said: _Said, following: Sentence) -> bool:
    """A statement, and then what was meant."""
    return (
        said.sentence.words <= _SHORT
        and not following.asks
        and not said.is_fine()
        and said.tongue.meant_head.match(following.text) is not None
        and said.tongue.not_meant.match(following.text) is None
    )
