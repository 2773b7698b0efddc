"""Reads wishes about form: emoji, headings, lists, exclamation marks, bold text, and the language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from persona.checker.contract import Checker
from persona.checker.form import Bullets, Emoji, NoEmoji, NoExclamation, NoHeadings, NoLists
from persona.checker.language import CODES, Language
from persona.checker.statement.masked import Masked
from persona.checker.statement.parsed import Parsed
from persona.checker.structure import Bold, BoldLead, NoBold

_NOUNS = {
    "emoji": r"emojis?|emoticons?|smileys?",
    "headings": r"(?:section )?(?:headings?|headers?)",
    "lists": r"bullet(?:ed)?[- ](?:points?|lists?)|bullets?|lists?",
    "exclamation": r"exclamation (?:marks?|points?)|exclamations?",
}
_NOUN = "|".join(_NOUNS.values())
_FILLER = r"(?:the |any |an? |more |single |markdown |of |using |use |your |at all )*"
_SERIES = (
    rf"{_FILLER}(?:{_NOUN})\b(?:(?:\s*,\s*(?:and |or |nor )?|\s+(?:and|or|nor)\s+){_FILLER}(?:{_NOUN})\b)*"
)
_AGAINST = re.compile(
    r"(?:\bno|\bnever (?:use|add|write|include)|"
    r"\b(?:don't|dont|do not) (?:ever )?(?:use|add|write|include|want|like|need)|"
    r"\bavoid(?: using)?|\bwithout(?: using)?|\bstop (?:using|adding|with)|"
    r"\b(?:skip|drop|omit|leave out|hate|instead of|rather than|not|zero))\s+(?P<series>" + _SERIES + ")"
)
_FOR = re.compile(
    r"(?P<cue>\b(?:use|add|include|prefer|with|like|want|love|in|as))\s+"
    r"(?P<series>(?:the |a |an |markdown )?(?:" + _NOUN + r")\b)(?! (?:spar|only (?:if|when)|rare))"
)
_FINE = re.compile(
    rf"(?P<series>\b(?:{_NOUN})) (?:is|are) (?:now |quite )?"
    r"(?:fine|ok|okay|allowed|welcome|all right|alright)\b"
    rf"|\b(?:you (?:may|can)|feel free to) (?:now )?use (?P<other>(?:{_NOUN}))\b"
)
_FREE_OF = re.compile(rf"\b(?P<series>(?:{_NOUN}))-free\b")
_NUMBERED = re.compile(r"\bnumbered\b|\bordered lists?\b")

# "Be bold" and "use bold claims" are about something else: bold text is named as such, or ends the clause.
_OVER = (
    r"(?=\s*(?:[.;!]|\Z|,? ?(?:please|thanks|thank)\b"
    r"|(?:in|for) (?:all |your |my |the )*(?:answers?|replies)\b))"
)
_BOLD_TEXT = rf"(?:bold ?(?:face|text|type|print)s?|boldface){_OVER}"
_FIRST_LINE = (
    r"(?:first|opening|top) (?:line|sentence)(?: of (?:each|every|all|your|the|any)(?: [a-z]+){1,2}?)?"
)
_BOLD_LEAD = re.compile(
    rf"\b(?:{_FIRST_LINE} (?:(?:in|should|must|always|be) )+bold"
    rf"|(?:with|use) a bold (?:first |opening )?(?:line|sentence|summary)){_OVER}"
)
_BOLD = re.compile(rf"\b(?:use|with|want|like|prefer|add) (?:some )?{_BOLD_TEXT}")
_NO_BOLD = re.compile(
    r"\b(?:no|never use|(?:don't|dont|do not) (?:ever )?use|avoid(?: using)?|without(?: any)?|stop using"
    rf"|instead of|rather than) (?:the |any )?(?:{_BOLD_TEXT}|bold{_OVER})"
)

_WANTED: dict[str, Checker] = {"emoji": Emoji(), "lists": Bullets()}
_UNWANTED: dict[str, Checker] = {
    "emoji": NoEmoji(),
    "headings": NoHeadings(),
    "lists": NoLists(),
    "exclamation": NoExclamation(),
}

_LANGUAGE = re.compile(
    r"\b(?:answer|reply|respond|write|speak|talk|communicate|stay|stick|keep)\w*\b"
    r"(?:(?!\b(?:was|were)\b)[^.;!?\n]){0,40}?\b(?:in|to|with) "
    rf"(?P<name>{'|'.join(CODES)})\b(?! (?:or|and|if|when|unless|words?|names?|terms?)\b)"
    rf"|\b(?:speak|use|write) (?P<spoken>{'|'.join(CODES)})\b"
    r"(?=[\s.!]*(?:\Z|only|from|please|always|with me|to me))"
)


def read_forms(statement: Masked) -> Iterator[Parsed]:
    """The forms that the statement wants, forbids, or allows again (an attribute without a checker)."""
    taken: set[int] = set()
    for found in [*_AGAINST.finditer(statement.text), *_FREE_OF.finditer(statement.text)]:
        for position, attribute in _mentions(found):
            taken.add(position)
            yield Parsed(attribute=attribute, checker=_UNWANTED[attribute])
    for found in _FINE.finditer(statement.text):
        for position, attribute in _mentions(found):
            if position not in taken and not statement.negated(found.start()):
                taken.add(position)
                yield Parsed(attribute=attribute)
    for found in _FOR.finditer(statement.text):
        for position, attribute in _mentions(found):
            if position in taken or statement.negated(found.start()) or _NUMBERED.search(statement.text):
                continue
            if attribute == "lists" and not statement.text.startswith("bullet", position):
                yield Parsed(attribute=attribute)  # a list of any kind: wanted, and not decidable
            else:
                yield Parsed(attribute=attribute, checker=_WANTED.get(attribute))


def read_bold(statement: Masked) -> Iterator[Parsed]:
    """Bold text: the first line, none, or any."""
    for wanted, checker in ((_BOLD_LEAD, BoldLead()), (_NO_BOLD, NoBold()), (_BOLD, Bold())):
        found = wanted.search(statement.text)
        if found and not statement.negated(found.start()):
            yield Parsed(attribute="bold", checker=checker)
            return


def _mentions(found: re.Match[str]) -> Iterator[tuple[int, str]]:
    group = "series" if found["series"] is not None else "other"
    for noun in re.finditer(_NOUN, found[group]):
        attribute = next(name for name, nouns in _NOUNS.items() if re.fullmatch(nouns, noun[0]))
        yield found.start(group) + noun.start(), attribute


def read_language(statement: Masked) -> Iterator[Parsed]:
    """The one language that the statement asks for."""
    codes = {
        CODES[found["name"] or found["spoken"]]
        for found in _LANGUAGE.finditer(statement.text)
        if not statement.negated(found.start("name") if found["name"] else found.start("spoken"))
    }
    if len(codes) == 1:
        yield Parsed(attribute="language", checker=Language(code=codes.pop()))
