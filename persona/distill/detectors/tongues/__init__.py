"""The tables of what people say about an answer, one file a language, compiled once.

Invariant: tables hold all the words; nothing outside them knows a language.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from persona.checker import TONGUES, fold, function_words, language_names
from persona.distill.detectors.tongues.about import About, about
from persona.distill.detectors.tongues.acts import Acts, acts

_GAP = r"[\s,.!:;…–—-]+"
_END = r"(?!\w)"
_WORD = re.compile(r"[^\W\d_]+")
_PAUSE = r"[,.!:;…–—)⟦]|-\s|\Z"
_COURTESIES = ("thanks", "soft", "polite", "greetings", "no")
_NOT_TEXT = re.compile(r"\\[a-z]|\(\?[:=!<]+|[{}\[\]]")
_ENOUGH = 4  # words that tell languages apart
_LIKELY = 0.75  # of the words that the likeliest language knows
_SLOT = r"(?:⟦⟧|[^\s,;:?!]+)(?: (?:⟦⟧|[^\s,;:?!]+)){0,3}?"
_LONG_SLOT = r"(?:⟦⟧|[^\s,;:?!]+)(?: (?:⟦⟧|[^\s,;:?!]+)){0,7}?"
# What a slot does not begin with: "use it" and "without that" name nothing.
_NOTHING = (
    r"(?!(?:it|that|this|them|these|those|me|es|das|dies|ca|cela|eso|esto|ese|questo|quello|isso|isto|lo"
    r"|the same"
    r"|no|nope|nein|non|nao|yes|ja|oui|si|sim|ok|okay)\b(?!'))"
)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One way to ask for something else: `attribute` and `value` as in Correction."""

    attribute: str
    value: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, kw_only=True)
class Tongue:
    """One language's patterns, all on folded text. Those called `…_head` match at the start;
    `numbers` are its words for 1 to 12, with their digits."""

    name: str
    codes: Mapping[str, str]
    no_head: re.Pattern[str]
    after_no_head: re.Pattern[str]
    fine_after_no_head: re.Pattern[str]
    soft_head: re.Pattern[str]
    one_soft_head: re.Pattern[str]
    thanks_head: re.Pattern[str]
    thanked: re.Pattern[str]
    not_thanks: re.Pattern[str]
    courtesy: re.Pattern[str]
    reports: re.Pattern[str]
    leads_head: re.Pattern[str]
    judgement_head: re.Pattern[str]
    not_judgement: re.Pattern[str]
    meant_head: re.Pattern[str]
    not_meant: re.Pattern[str]
    again: re.Pattern[str]
    gives_up: re.Pattern[str]
    one_off: re.Pattern[str]
    but: re.Pattern[str]
    which: re.Pattern[str]
    offers: re.Pattern[str]
    may_ask: re.Pattern[str]
    asks_head: re.Pattern[str]
    wonders: re.Pattern[str]
    numbers: Mapping[str, str]
    and_starts_head: re.Pattern[str]
    only_changes: re.Pattern[str]
    changes: tuple[Change, ...]
    languages: re.Pattern[str]
    open_change: re.Pattern[str]
    lead_in_head: re.Pattern[str]
    trail_end: re.Pattern[str]
    uses: tuple[re.Pattern[str], ...]
    lasting_head: re.Pattern[str]
    always_head: re.Pattern[str]
    hints_head: re.Pattern[str]
    lasts: re.Pattern[str]
    about: About
    acts: Acts

    def code_of(self, language: str) -> str:
        """The code of a language that a pattern of this tongue found."""
        return self.codes[language]


def tongues() -> tuple[Tongue, ...]:
    """Every language that users are understood in."""
    return tuple(map(tongue, TONGUES))


@lru_cache(maxsize=4096)
def plausible(text: str) -> tuple[Tongue, ...]:
    """The languages that the folded text may be in, the likeliest first; all of them when it is short."""
    words = set(_WORD.findall(text))
    counts = {name: len(words & known) for name, known in _vocabularies().items()}
    most = max(counts.values())
    likely = sorted(TONGUES, key=lambda name: -counts[name])
    if len(words) >= _ENOUGH:
        likely = [name for name in likely if counts[name] >= _LIKELY * most]
    return tuple(tongue(name) for name in likely)


@cache
def stop_words() -> frozenset[str]:
    """The words that say nothing about what is asked for, of all languages, folded."""
    return frozenset(word for words in _function_words().values() for word in words) | frozenset(
        fold(word) for tongue in TONGUES for word in _load(tongue)["empty"]
    )


@cache
def _vocabularies() -> Mapping[str, frozenset[str]]:
    """Every word that a language's tables know, but those about texts: “prompt” is said in all of them."""
    return {
        name: _function_words()[name]
        | frozenset(_written({key: part for key, part in _load(name).items() if key != "about"}))
        for name in TONGUES
    }


def _written(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield from _WORD.findall(_NOT_TEXT.sub(" ", fold(part)))
    elif isinstance(part, dict):
        for inner in part.values():
            yield from _written(inner)
    else:
        for inner in part:
            yield from _written(inner)


@cache
def _function_words() -> Mapping[str, frozenset[str]]:
    return {tongue: frozenset(map(fold, function_words(tongue))) for tongue in TONGUES}


@cache
def _load(name: str) -> Mapping[str, Any]:
    with (files(__name__) / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


@cache
def tongue(name: str) -> Tongue:
    """The language of this name, compiled when it is first asked for."""
    table = _load(name)
    soft = _any([*table["soft"], *table["polite"]])
    changes = tuple(
        Change(attribute=attribute, value=value, pattern=_words(phrases))
        for (attribute, value), phrases in (
            (key.split("=", 1), phrases) for key, phrases in table["change"].items()
        )
    )
    language = rf"(?:{_any(table['language']['prefixes'])} )?(?P<language>{_any(language_names(name))})"
    known = _any(
        [
            *(phrase for phrases in table["change"].values() for phrase in phrases),
            *table["fillers"],
            *table["one_off"],
            *table["trail"],
        ]
    )
    plain = language.replace("?P<language>", "?:")
    lead = rf"(?:(?:{_any(table['lead_in'])}){_END}[\s,]*)*"
    stating, opening = table["statement"], table["open"]
    courtesies = [phrase for key in _COURTESIES for phrase in table[key]]
    goes_on = rf"[\s]*(?:{_PAUSE}|(?:{_any(table['thanks_go_on'])}){_END})"
    trail = rf"(?:[\s,]+(?:{_any([*table['trail'], *table['one_off']])}){_END})*"
    return Tongue(
        name=name,
        codes=language_names(name),
        no_head=_head(table["no"]),
        after_no_head=_head(table["after_no"]),
        fine_after_no_head=_head(table["fine_after_no"]),
        soft_head=re.compile(rf"(?:(?:{soft}){_END}(?:{_GAP})?)+"),
        one_soft_head=re.compile(rf"(?:{soft}){_END}(?:{_GAP})?"),
        thanks_head=re.compile(rf"(?:{_any(table['thanks'])}){_END}(?={goes_on})"),
        thanked=_words(table["thanked"]),
        not_thanks=_words(table["not_thanks"]),
        courtesy=re.compile(rf"(?:(?:{_any(courtesies)}){_END}[\s,.!:;…–—?-]*)+"),
        reports=_words(table["reports"]),
        leads_head=_head(table["leads"]),
        judgement_head=_head(table["judgement"]),
        not_judgement=_words(table["not_judgement"]),
        meant_head=_head(table["meant"]),
        not_meant=_words(table["not_meant"]),
        again=re.compile(rf"(?:{_any(table['again'])})[\s.!?…]*"),
        gives_up=re.compile(
            rf"(?:{_any(table['gives_up'])})"
            rf"(?:[\s,]+(?:{_any([*table['trail'], *table['thanked']])}))*[\s.!…]*"
        ),
        one_off=_words(table["one_off"]),
        but=_words(table["but"]),
        which=_words(table["which"]),
        offers=_words(table["offers"]),
        may_ask=_words(table["may_ask"]),
        asks_head=_head(table["asks"]),
        wonders=_words(table["wonders"]),
        numbers={fold(word): str(number) for number, word in enumerate(table["numbers"], start=1)},
        and_starts_head=_head(table["and_starts"]),
        only_changes=re.compile(rf"(?:(?:⟦⟧|{plain}|{known}){_END}[\s,;:–—-]*)+[\s.!?…]*"),
        changes=changes,
        languages=re.compile(rf"(?<!\w){language}{_END}"),
        open_change=re.compile(
            rf"{lead}(?:{'|'.join(_slots([*opening['use'], *opening['other']]))}){trail}[\s.!?…]*"
        ),
        lead_in_head=re.compile(lead),
        trail_end=re.compile(rf"{trail}[\s.!?…]*\Z"),
        uses=tuple(re.compile(pattern) for pattern in _slots(opening["use"], names="xy")),
        lasting_head=_head(stating["lasting"]),
        always_head=re.compile(
            rf"(?:{_any(stating['always'])}){_END}[\s,]+(?:{_any(stating['verbs'])}){_END}"
            rf"|(?:{_any(stating['complete'])}){_END}"
        ),
        hints_head=_head(stating["hints"]),
        lasts=_words([*stating["lasting"], *stating["lasts"]]),
        about=about(table["about"], reports=table["reports"], words=_words),
        acts=acts(table["act"], head=_head, words=_words),
    )


def _any(phrases: Iterable[str]) -> str:
    """One of the phrases, the longest first."""
    return "|".join(sorted({fold(phrase) for phrase in phrases}, key=lambda each: (-len(each), each)))


def _head(phrases: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?:{_any(phrases)}){_END}")


def _words(phrases: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_any(phrases)}){_END}")


def _slots(patterns: Iterable[str], names: str = "") -> Iterator[str]:
    """The patterns with their slots filled in, as groups of these names where there are any."""
    for pattern in patterns:
        filled = fold(pattern)
        for slot, of_what in (("x", rf"{_NOTHING}{_SLOT}"), ("y", _SLOT), ("z", _LONG_SLOT)):
            group = f"?P<{slot}>" if slot in names else "?:"
            filled = filled.replace(f"{{{slot}}}", f"({group}{of_what})")
        yield filled


@lru_cache(maxsize=4096)
def greets(line: str) -> bool:
    """Is the folded line nothing but courtesies: a greeting, thanks, a yes or a no?"""
    return any(tongue.courtesy.fullmatch(line) for tongue in tongues())


@lru_cache(maxsize=4096)
def reports(text: str) -> bool:
    """Does the folded sentence tell what somebody else says?"""
    return any(tongue.reports.search(text) for tongue in plausible(text))


def hands_over(before: str) -> bool:
    """Does the folded text before a colon hand over material, rather than announce a wish?"""
    for tongue in tongues():
        soft = tongue.soft_head.match(before)
        rest = before[soft.end() :] if soft else before
        if not rest.strip():
            return False
        for head in (tongue.leads_head, tongue.judgement_head, tongue.meant_head, tongue.lasting_head):
            if (found := head.match(rest)) and len(rest[found.end() :].split()) <= 4:
                return False
    return True
