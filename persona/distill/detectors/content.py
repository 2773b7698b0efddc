"""What a correction asks for instead, as far as its words tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from persona.checker import CODES, is_one_off, parse_statement
from persona.distill.detectors.contract import Correction
from persona.distill.detectors.own_words import Sentence
from persona.distill.detectors.tongues import Tongue

# The wish that an attribute with a value stands for; what is not here stays in the user's words.
_WISHES = {
    ("length", "shorter"): "Answer shorter.",
    ("length", "longer"): "Answer in more detail.",
    ("tone", "more formal"): "Answer more formally.",
    ("tone", "less formal"): "Answer less formally.",
    ("tone", "simpler"): "Answer in simpler words.",
    ("tone", "more technical"): "Answer more precisely.",
    ("format", "table"): "Answer with a table.",
    ("format", "code only"): "Give only the code, without explanations.",
    ("format", "answer only"): "Give only the answer, without an introduction.",
    ("format", "json"): "Answer in JSON.",
    ("format", "markdown"): "Answer in Markdown.",
    ("format", "plain text"): "Answer in plain text.",
    ("format", "steps"): "Answer step by step.",
    ("format", "prose"): "Answer in prose.",
    ("lists", "bullets"): "Use bullet points.",
    ("lists", "none"): "No lists.",
    ("emoji", "none"): "No emoji.",
    ("emoji", "some"): "Use emoji.",
    ("headings", "none"): "No headings.",
    ("exclamation", "none"): "No exclamation marks.",
    ("units", "metric"): "Use metric units.",
    ("units", "imperial"): "Use imperial units.",
    ("units", "celsius"): "Give temperatures in Celsius.",
    ("units", "fahrenheit"): "Give temperatures in Fahrenheit.",
    ("units", "24h"): "Use the 24-hour clock.",
    ("units", "12h"): "Use the 12-hour clock.",
    ("units", "euro"): "Give prices in euros.",
    ("units", "dollar"): "Give prices in dollars.",
    ("address", "formal"): "Address me formally.",
    ("address", "informal"): "Address me informally.",
}
_LANGUAGE_OF = {code: name.capitalize() for name, code in CODES.items()}
_TRIMMED = re.compile(r"^[\s,.;:!…–—-]+|\s+$")


def asked_instead(sentences: Sequence[Sentence], tongue: Tongue) -> Correction:
    """The content of the correction that these sentences make; without an attribute where none is clear."""
    span = " ".join(sentence.raw for sentence in sentences)
    one_off = is_one_off(span) or any(tongue.one_off.search(each.text) for each in sentences)
    attribute, value = _attribute(sentences, tongue)
    if attribute == "tool":
        statement = f"Use {value}."
    elif attribute == "language":
        statement = f"Answer in {_LANGUAGE_OF[value]}."
    elif (attribute, value) in _WISHES:
        statement = _WISHES[attribute, value]
    else:
        statement = _wish(sentences, tongue)
        value = ""
        if not attribute:
            attribute = _read(statement)
    return Correction(attribute=attribute, value=value, statement=statement, span=span, one_off=one_off)


def _attribute(sentences: Iterable[Sentence], tongue: Tongue) -> tuple[str, str]:
    """The last thing that is clear: "no, not in German, in English"."""
    found = ("", "")
    for sentence in sentences:
        text = sentence.text
        rest = _after_heads(text, tongue)
        if used := _tool(rest, sentence, tongue):
            return "tool", used
        languages = {tongue.code_of(each["language"]) for each in tongue.languages.finditer(rest)}
        if len(languages) == 1:
            return "language", languages.pop()
        matches = [
            (len(match[0]), change)
            for change in tongue.changes
            for match in [change.pattern.search(text)]
            if match is not None
        ]
        if matches:
            _, best = max(matches, key=lambda each: each[0])
            if best.attribute not in ("other", "length") or best.value not in ("", "count"):
                return best.attribute, best.value
            found = ("", "")
    return found


def _tool(rest: str, sentence: Sentence, tongue: Tongue) -> str:
    """The name of what is to be used, as the user wrote it; "" where that is no name of a tool."""
    lead, trail = tongue.lead_in_head.match(rest), tongue.trail_end.search(rest)
    bare = rest[lead.end() if lead else 0 : trail.start() if trail else None]
    for pattern in tongue.uses:
        match = pattern.fullmatch(bare)
        if match is None:
            continue
        name = match["x"].strip()
        known = tongue.only_changes.fullmatch(name) is not None
        if known or "⟦" in name or len(name.split()) > 2:
            return ""
        written = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sentence.raw, re.IGNORECASE)
        return written[0] if written else name
    return ""


def _after_heads(text: str, tongue: Tongue) -> str:
    """The text without its no, its sighs and its “I meant”."""
    while True:
        heads = (tongue.no_head, tongue.soft_head, tongue.meant_head)
        found = next((each for head in heads if (each := head.match(text)) and each.end()), None)
        if found is None:
            return text
        text = _TRIMMED.sub("", text[found.end() :])


def _wish(sentences: Sequence[Sentence], tongue: Tongue) -> str:
    """The user's own words, without a no before them, where something is left."""
    raw = " ".join(sentence.raw for sentence in sentences)
    words = raw.split()
    while len(words) > 1 and tongue.no_head.fullmatch(re.sub(r"\W+$", "", words[0].lower())):
        words = words[1:]
    return " ".join(words)


def _read(statement: str) -> str:
    """The ledger attribute that the parser of statements reads in the words, "" where not exactly one."""
    parsed = {each.attribute for each in parse_statement(statement)}
    attribute = parsed.pop() if len(parsed) == 1 else "free."
    return "" if attribute.startswith("free.") else attribute
