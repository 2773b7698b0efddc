"""A statement made ready for reading: its quoted texts set aside, its spelling evened out.

What a user quotes is a literal and is never read as an instruction: in `say “no emoji”` nothing forbids
emoji.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_QUOTED = re.compile(
    r"“([^“”]+)”|„([^„“”]+)[“”]|„([^„“”\"]+)\"|«([^«»]+)»|\"([^\"]+)\"|`([^`]+)`"
    r"|(?<!\w)‘(.+?)’(?!\w)|(?<!\w)'(.+?)'(?!\w)"
)
_BRACKETS = str.maketrans("⟦⟧", "[]")
# "Don't forget to" asks for the thing; "when you answer," says nothing about when.
_NOT_FORGET = re.compile(r"\b(?:don'?t|do not|never) (?:ever )?forget to\b")
_EMPTY_CONDITION = re.compile(
    r"\bwhen(?:ever)? (?:you(?:'re| are)? )?(?:answer|reply|respond|write|talk)(?:ing)?"
    r"(?: (?:to )?(?:me|my questions?|questions?|a question))?(?=,| always\b)"
)
_NEGATION = re.compile(
    r"\b(?:don'?t|do not|does not|doesn'?t|never|stop|no longer|not|avoid|without|cannot|can'?t|shouldn'?t|"
    r"mustn'?t|needn'?t|no need|nothing|no|quit|drop|hate|dislike)\b"
)
_CLAUSE_BREAK = re.compile(r"[.;!?,:\n]|\b(?:and|but|then|so)\b")
_CONDITION = re.compile(
    r"\b(?:when|whenever|where|if|unless|except|until|while|during|depending|about|regarding|concerning|"
    r"only for)\b"
    r"|\bfor (?!(?:me|all|every|each|any|everything|ever|now|the future|future|good|brevity|clarity|"
    r"readability|answers|replies|responses|your (?:answers|replies|responses))\b)"
    r"|\b(?:in|to) (?:code|e-?mails?|mails?|letters?|commits?|commit messages?|comments?|documents?|docs|"
    r"documentation|reports?|titles?|headings?|tables?|lists?|summar\w+|my \w+)\b"
)
_ONE_OFF = re.compile(
    r"\b(?:(?:just |only )?this (?:once|time)|(?:just |only )?once|for now|right now|"
    r"(?:just |only |for )today|"
    r"(?:in|for) this (?:one|chat|conversation|answer|reply|question|message))\b"
)

LITERAL = r"⟦(\d+)⟧"
LONGEST = 2000  # characters; a longer statement is kept as it is and read by people only


@dataclass(frozen=True, kw_only=True)
class Masked:
    """`text` in lower case with each quoted text as ⟦k⟧; `cased` the same in its own case."""

    text: str
    cased: str
    literals: tuple[str, ...]

    @property
    def conditional(self) -> bool:
        """Does it hold only for some requests? Then it must not become a rule for all of them."""
        return _CONDITION.search(self.text) is not None

    @property
    def one_off(self) -> bool:
        """Is it about this one answer, and no lasting preference?"""
        return _ONE_OFF.search(self.text) is not None

    def clause_before(self, position: int) -> str:
        """The text from the start of the clause up to here."""
        breaks = [found.end() for found in _CLAUSE_BREAK.finditer(self.text, 0, position)]
        return self.text[breaks[-1] if breaks else 0 : position]

    def clause_around(self, start: int, end: int) -> str:
        """The clause that holds this span, without the span."""
        after = _CLAUSE_BREAK.search(self.text, end)
        return self.clause_before(start) + " " + self.text[end : after.start() if after else None]

    def negated(self, position: int) -> bool:
        """Is there a negation between the start of the clause and here?"""
        return _NEGATION.search(self.clause_before(position)) is not None


def mask(statement: str) -> Masked:
    """Set the quoted texts aside; never fails."""
    literals: list[str] = []

    def set_aside(found: re.Match[str]) -> str:
        literal = " ".join(next(group for group in found.groups() if group is not None).split()).rstrip(",")
        if not literal:
            return " "
        literals.append(literal)
        return f"⟦{len(literals) - 1}⟧"

    even = unicodedata.normalize("NFC", statement).translate(_BRACKETS)
    cased = " ".join(_QUOTED.sub(set_aside, even).replace("’", "'").split())
    text = cased.lower() if len(cased.lower()) == len(cased) else cased
    for pattern in (_NOT_FORGET, _EMPTY_CONDITION):
        # Blanked out in place, so that positions in `text` and `cased` stay the same.
        text = pattern.sub(lambda found: " " * len(found[0]), text)
    return Masked(text=text, cased=cased, literals=tuple(literals))
