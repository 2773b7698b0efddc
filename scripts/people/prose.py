"""A model's answer taken apart into sentences, and put together again the way somebody likes it.

Sentences are those of persona.checker, so what is cut here to two sentences has two for the checker.
"""

from __future__ import annotations

import re
from functools import cache

from persona.checker.prose import is_item, sentences

_MARKER = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_FULL = re.compile(r"[.!?][\"”’)]*$")
_LONGEST = 45  # words; beyond it a sentence is a loop, or lost punctuation


@cache
def usable_sentences(text: str) -> tuple[str, ...]:
    """The whole sentences of an answer, without list markers, headings, emphasis, and repetitions.

    What announces a list ("Here are some tips:") and what the token limit cut off are left out. An answer
    with no whole sentence gives its first words as one.
    """
    found: list[str] = []
    for line in _lines(text):
        for sentence in _split(line):
            whole = _FULL.search(sentence) and 2 < len(sentence.split()) <= _LONGEST
            if whole and not any(_much_alike(sentence, other) for other in found):
                found.append(sentence)
    if found:
        return tuple(found)
    words = " ".join(_lines(text)).replace(":", "").split()[:12]
    return (" ".join(words).rstrip(".,;!?") + ".",)


def shortened(text: str, most: int, closing: str) -> str:
    """The first sentences of it, at most so many, and the closing."""
    return " ".join([*usable_sentences(text)[:most], closing]).strip()


def bulleted(text: str) -> str:
    """The first sentence in bold, the next ones as bullets, four at most."""
    first, *rest = usable_sentences(text)
    if not rest:
        return f"**In short**\n- {first}"
    return "\n".join([f"**{first}**", *(f"- {sentence}" for sentence in rest[:4])])


def _lines(text: str) -> list[str]:
    """Paragraphs and items, each on one line."""
    text = re.sub(r"```.*?(?:```|\Z)", "", text, flags=re.DOTALL).replace("**", "").replace("`", "")
    blocks: list[str] = []
    joins = False
    rows = text.rstrip().split("\n")
    for position, line in enumerate(rows):
        if line.lstrip().startswith(("#", "|")) or not line.strip():
            joins = False
            continue
        starts = is_item(line)
        plain = _MARKER.sub("", line).strip().strip("*").strip()
        if starts and plain and plain[-1].isalnum() and position < len(rows) - 1:
            plain += "."  # an item without a full stop; the last line may be cut off
        if joins and not starts:
            blocks[-1] += " " + plain
        elif plain:
            blocks.append(plain)
        joins = True
    return blocks


def _much_alike(one: str, other: str) -> bool:
    words, others = set(one.casefold().split()), set(other.casefold().split())
    return len(words & others) > 0.6 * len(words | others)


def _split(line: str) -> list[str]:
    parts: list[str] = []
    for word in line.split():
        if parts and sentences(f"{parts[-1]} {word}") == 1:
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    return parts
