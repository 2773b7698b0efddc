"""Wishes for another manner: less hype, a bit cheesy, the formal version; keep it brief; good, but stiff."""

from __future__ import annotations

from persona.distill.detectors.before import words_of
from persona.distill.detectors.reading import CLAUSE, NUMBER, Said

_MANNERS = ("length", "tone", "units", "format", "emoji", "lists")


def compares(said: Said) -> bool:
    """Another manner in one or two words: less hype, a bit cheesy, too stiff."""
    acts = said.acts
    first = CLAUSE.split(said.text.rstrip(" .!…"))[0]
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
        if rest and len(CLAUSE.split(rest)[0].split()) <= 3 and not NUMBER.match(rest):
            return True
    return False


def wants(said: Said) -> bool:
    """I need the formal version; freundlicher, sie ist nett: a manner, and why."""
    first = CLAUSE.split(said.text.rstrip(" .!…"))[0]
    want = said.acts.want.match(first)
    asked = first[want.end() :].strip() if want else first
    if not want and (first == said.text.rstrip(" .!…") or len(first.split()) > 2):
        return False
    if said.tongue.only_changes.fullmatch(asked) is None:
        return False
    return any(
        change.attribute in _MANNERS and change.pattern.search(first) for change in said.tongue.changes
    )


def orders(said: Said) -> bool:
    """An order to change the answer; not one to change what a tool works on."""
    acts = said.acts
    clause = next((each for each in CLAUSE.split(said.text) if acts.redo.match(each)), "")
    found = acts.redo.match(clause)
    if found is None or acts.not_redo.match(clause) or said.sentence.words > 16:
        return False
    if said.before.tool:
        return any(
            change.attribute != "other" and change.pattern.search(said.text) for change in said.tongue.changes
        )
    return (
        "⟦⟧" in said.text
        or (len(clause.split()) <= 6 and said.text.startswith(clause))
        or any(word in said.before.answer for word in words_of(clause[found.end() :]))
    )


def praises_but(said: Said) -> bool:
    """Better, but …: what follows the praise is what is wrong."""
    for found in said.acts.adversative.finditer(said.text):
        praise, rest = said.text[: found.start()].strip(" ,"), said.text[found.end() :].strip(" ,.!")
        if not praise or len(praise.split()) > 7 or len(rest.split()) < 3:
            continue
        if found.start() and said.text[found.start() - 1] not in " ,":
            continue
        if said.acts.own.match(rest):
            continue
        if (said.is_fine(praise) or said.tongue.thanks_head.match(praise)) and not said.is_fine(rest):
            return said.tongue.and_starts_head.match(rest) is None
    return False


def asks_for_units(said: Said) -> bool:
    """What is that in km?"""
    if said.sentence.words > 6 or not any(NUMBER.match(word) for word in said.before.answer):
        return False
    units = [change for change in said.tongue.changes if change.attribute == "units"]
    return any(change.pattern.search(said.text) for change in units) and not any(
        change.pattern.search(" ".join(said.before.asked)) for change in units
    )
