"""Objections that need no word like “wrong”: told by how the sentence is built and what it has in common with
the answer and the request.

Every rule is about one speech act: pointing at the answer and denying or comparing, telling what “you” did,
“X, not Y” about words that were used, saying again what was asked, echoing the answer as a question, ordering
a change of it. A sentence that comments or approves is none of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from persona.checker import fold
from persona.distill.detectors.before import Before, words_of
from persona.distill.detectors.manners import asks_for_units, compares, orders, praises_but, wants
from persona.distill.detectors.own_words import Sentence
from persona.distill.detectors.reading import CLAUSE, FRAGMENT, NUMBER, SHORT, Said, smiles, without_sighs
from persona.distill.detectors.tongues import Tongue
from persona.distill.detectors.tongues.acts import Acts

_LONGEST = 24  # words; longer sentences tell something
_CONTRASTING = 14  # words of a sentence that sets two things against each other
_CONTRASTED = 5  # words after the “not” of “X, not Y”
_ECHOED = 0.5  # of the words of a question that echoes the answer
_MISSPELT = 80  # of 100: so like a name of the answer is the name, spelt otherwise
_NAME = re.compile(r"(?<!\w)[^\W\d_]\w{3,}")


def objects_to(sentences: Sequence[Sentence], start: int, tongue: Tongue, before: Before) -> int:
    """How many sentences, from `start` on, object to the answer; 0 where none do."""
    sentence = sentences[start]
    if before.languages and tongue.name not in before.languages:
        return 0
    if before.question or sentence.hands_over or sentence.words > _LONGEST:
        return 0
    if tongue.reports.search(sentence.text) and not tongue.acts.claims.match(sentence.text):
        return 0  # somebody else's
    following = sentences[start + 1] if start + 1 < len(sentences) else None
    for text in without_sighs(sentence.text, tongue):
        said = Said(text=text, sentence=sentence, tongue=tongue, before=before)
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


def _asks_for_change(following: Sentence, acts: Acts) -> bool:
    text = following.text
    return following.words < FRAGMENT or any(
        head.match(text) for head in (acts.more, acts.comparative, acts.redo, acts.tag)
    )


def _declares(said: Said, following: Sentence | None) -> bool:
    if said.before.called:
        return said.acts.assents.match(said.text) is None and not said.is_fine()
    if said.tongue.lasting_head.match(said.text) or said.tongue.always_head.match(said.text):
        return False
    asks = following is not None and following.asks
    goes_on = asks and following is not None and not _asks_for_change(following, said.acts)
    if (
        orders(said)
        or praises_but(said)
        or (not goes_on and wants(said))
        or (not goes_on and said.before.made and compares(said))
    ):
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


def _blames(said: Said) -> bool:
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


def _named(sentence: Sentence) -> list[str]:
    """The capitalised words behind the first."""
    found = _NAME.finditer(sentence.raw)
    return [name[0] for name in found if name.start() and name[0][0].isupper()]


def _points(said: Said) -> bool:
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
        return len(rest.split()) <= SHORT
    return any(acts.want.match(clause) for clause in CLAUSE.split(rest)[1:])


def _finds_too_much(said: Said) -> bool:
    """Sunglasses is a bit much: a word of the answer, and that it is too something."""
    acts = said.acts
    too = acts.too.search(said.text, 1)
    if too and said.text[too.end() : too.end() + 1] == " " and not acts.own.match(said.text):
        return said.sentence.words <= _CONTRASTING and any(word in said.before.answer for word in said.words)
    found = acts.equals.search(said.text)
    if not found or not said.before.made or said.sentence.words > SHORT or acts.own.match(said.text):
        return False
    rest = said.text[found.end() :].strip()
    about = words_of(said.text[: found.start()])
    return bool(acts.too.match(rest) or acts.slightly.match(rest)) and any(
        word in said.before.answer for word in about
    )


def _contrasts(said: Said) -> bool:
    """X, not Y: where Y was in the answer, or X in the request."""
    acts = said.acts
    if said.sentence.words > _CONTRASTING:
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


def _insists(said: Said) -> bool:
    """Says again, in a few words, what had been asked for: “evening obviously”, “nurse!”."""
    acts, before = said.acts, said.before
    sure = acts.sure.search(said.text)
    own = acts.own.match(said.text)
    if sure and said.sentence.words <= _CONTRASTING and not (own and sure.start()):
        rest = said.text[: sure.start()] + said.text[sure.end() :]
        return re.search(r"\w", _without_soft(rest, said.tongue)) is not None
    words = said.words
    if said.sentence.words > FRAGMENT:
        return False
    if acts.prepositions.match(said.text) and said.sentence.words > 1:
        if said.tongue.and_starts_head.match(said.sentence.text) or said.is_fine(said.sentence.text):
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


def _denies_the_answer(said: Said) -> bool:
    """A denial that is about a word of the answer."""
    acts = said.acts
    if (
        said.sentence.words > _CONTRASTING
        or acts.own.match(said.text)
        or said.tongue.and_starts_head.match(said.text)
    ):
        return False
    return acts.denies.search(said.text) is not None and any(
        word in said.before.answer for word in said.words
    )


def _puts_right(said: Said) -> bool:
    """Another number about the same thing, or a name of the answer spelt otherwise."""
    acts, before = said.acts, said.before
    if said.sentence.words > SHORT or acts.own.match(said.text):
        return False
    if "=" in said.text and NUMBER.search(said.text):
        return True
    named = _named(said.sentence)
    if not before.made and acts.points.match(said.text) and said.sentence.words <= FRAGMENT + 2:
        rest = said.after(acts.points) or ""
        return bool(before.names) and any(
            rest.startswith(fold(name)) and fold(name) not in before.answer for name in named
        )
    if not acts.equals.search(said.text):
        return False
    numbers = [word for word in said.words if word[0].isdigit()]
    others = [word for word in said.words if not word[0].isdigit()]
    if numbers and not all(number in before.answer for number in numbers) and before.has(others):
        return True
    return any(
        name not in before.names and fuzz.ratio(name, other) >= _MISSPELT
        for name in named
        for other in before.names
    )


def _asks_back(said: Said) -> bool:
    """Wasn't it Botticelli? Did you read what I wrote? Something more poetic?"""
    acts, text = said.acts, said.text
    if acts.particles.match(said.sentence.text) or asks_for_units(said):
        return True
    if said.tongue.and_starts_head.match(said.sentence.text):
        return False
    if acts.sure.search(text) and any(word in said.before.request for word in said.words):
        return True
    rest = said.after(acts.tag)
    if rest:
        named = _named(said.sentence)
        return bool(named) or NUMBER.search(rest) is not None or acts.particles.search(rest) is not None
    rest = said.after(acts.more)
    if not rest or said.sentence.words > FRAGMENT + 1:
        return False
    return not (acts.more_of.match(rest) or acts.world.search(text) or rest[0].isdigit())


def _echoes_the_answer(said: Said, following: Sentence) -> bool:
    """“Two museums? I hate museums.” Words of the answer as a question, and then a statement."""
    words = said.words
    if not words or said.sentence.words > SHORT or said.tongue.and_starts_head.match(said.text):
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


def _explains(said: Said, following: Sentence) -> bool:
    """A statement, and then what was meant."""
    return (
        said.sentence.words <= SHORT
        and not following.asks
        and not said.is_fine()
        and said.tongue.meant_head.match(following.text) is not None
        and said.tongue.not_meant.match(following.text) is None
    )
