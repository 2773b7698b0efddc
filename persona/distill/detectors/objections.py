"""Objections that need no word like “wrong”: told by how the sentence is built and what it has in common with
the answer and the request.

Every rule is about one speech act: pointing at the answer and denying or comparing, telling what “you” did,
“X, not Y” about words that were used, saying again what was asked, echoing the answer as a question, ordering
a change of it. A sentence that comments or approves is none of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from persona.distill.detectors.asking import asks, concludes
from persona.distill.detectors.before import Before, words_of
from persona.distill.detectors.manners import asks_for_units, compares, orders, praises_but, wants
from persona.distill.detectors.own_words import Sentence
from persona.distill.detectors.puts_right import doubts, named, puts_right
from persona.distill.detectors.reading import CLAUSE, FRAGMENT, NUMBER, SHORT, Said, smiles, without_sighs
from persona.distill.detectors.reminders import insists, mixes, reminds
from persona.distill.detectors.tongues import Tongue, plausible
from persona.distill.detectors.tongues.acts import Acts

_LONGEST = 24  # words; longer sentences tell something
_CONTRASTING = 14  # words of a sentence that sets two things against each other
_CONTRASTED = 5  # words after the “not” of “X, not Y”
_ECHOED = 0.5  # of the words of a question that echoes the answer


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
        if asks(sentence, tongue):
            if _asks_back(said, following):
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
        return not (_assents(said) or said.is_fine())
    if said.tongue.lasting_head.match(said.text) or said.tongue.always_head.match(said.text):
        return False
    asks = following is not None and following.asks
    goes_on = asks and following is not None and not _asks_for_change(following, said.acts)
    if (
        orders(said)
        or reminds(said)
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
        or insists(said)
        or _denies_the_answer(said)
        or puts_right(said)
    )


def _assents(said: Said) -> bool:
    """A short yes tells no language."""
    return any(tongue.acts.assents.match(said.text) for tongue in plausible(said.text))


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
            or acts.persists.match(rest)
            or (acts.slightly.match(rest) and not said.tongue.which.search(rest))
            or acts.comparative.search(rest)
        )
    ):
        return True
    rest = said.after(acts.identifies)
    if not rest:
        return False
    if rest[0].isdigit() or said.tongue.languages.search(rest):
        return len(rest.split()) <= SHORT
    if kind := acts.of.match(rest):
        about = words_of(rest[kind.end() :])
        return len(rest.split()) <= SHORT and (
            not about or said.before.has(about) or bool(named(said.sentence))
        )
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
    if said.sentence.words > _CONTRASTING or concludes(said.sentence, said.tongue):
        return False
    own = acts.own.match(said.text)
    for found in acts.contrast.finditer(said.text):
        wanted, unwanted = said.text[: found.start()], said.text[found.end() :]
        if not wanted.strip(" ,") or not unwanted.strip(" .!…") or len(unwanted.split()) > _CONTRASTED:
            continue
        asked_for = words_of(unwanted if own else wanted)
        if any(word in said.before.request for word in asked_for):
            return True
        if (
            not own
            and not acts.mine.search(said.text)
            and any(word in said.before.answer for word in words_of(unwanted))
        ):
            return True
    return False


def _denies_the_answer(said: Said) -> bool:
    """A denial that is about a word of the answer."""
    acts = said.acts
    if (
        said.sentence.words > _CONTRASTING
        or acts.own.match(said.text)
        or acts.mine.search(said.text)
        or concludes(said.sentence, said.tongue)
        or said.tongue.and_starts_head.match(said.text)
    ):
        return False
    return acts.denies.search(said.text) is not None and any(
        word in said.before.answer for word in said.words
    )


def _asks_back(said: Said, following: Sentence | None) -> bool:
    """Wasn't it Botticelli? Did you read what I wrote? Something more poetic?"""
    acts, text = said.acts, said.text
    if acts.particles.match(said.sentence.text) or asks_for_units(said) or doubts(said):
        return True
    if following is None and mixes(said):
        return True
    if said.tongue.and_starts_head.match(said.sentence.text):
        return False
    if acts.sure.search(text) and any(word in said.before.request for word in said.words):
        return True
    rest = said.after(acts.tag)
    if rest:
        if following is not None and asks(following, said.tongue):
            return False  # to know more
        names = named(said.sentence)
        return bool(names) or NUMBER.search(rest) is not None or acts.particles.search(rest) is not None
    rest = said.after(acts.more)
    if not rest or said.sentence.words > FRAGMENT + 1:
        return False
    if not said.before.made or any(acts.comparative.search(each) for each in (text, f"{text} x")):
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
