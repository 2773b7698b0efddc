"""What of a text is prose: its lines, its sentences, its words.

Code is no prose: fenced blocks count for nothing, inline code and web addresses count as one word. Every
function is linear in the text and accepts any text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import count

_FENCE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_URL_TAIL = ".,;:!?)]}'\"”’*_"
_HEADING = re.compile(r"^ {0,3}#{1,6}(?:\s+\S|\s*$)")
_UNDERLINE = re.compile(r"^ {0,3}(?:=+|-{2,})\s*$")
_BULLET = re.compile(r"^\s*(?:>\s*)*[-*+•‣◦–]\s+(?=\S)")
_NUMBERED = re.compile(r"^\s*(?:>\s*)*\d{1,3}[.)]\s+(?=\S)")
_FIRST_NUMBER = re.compile(r"\d{1,3}")
_QUOTED_LINE = re.compile(r"^\s*(?:>\s?)+")
_WORD = re.compile(r"\w+(?:['’\-]\w+)*")
_LETTER = re.compile(r"\w")
_LINE_END = re.compile(r"(?<=\S)[ \t]*\n")
_ITEM_NUMBER = re.compile(r"(?:\A|[\s>*_])\d{1,3}[.)]\Z")
_FENCE_LINE = re.compile(r"^[ 	]*(?:```|~~~)", re.MULTILINE)
_END = re.compile(r"(?:([.!?…]+)([\"'”’»)\]*_]*)(?=\s|\Z))|([。！？]+)")

# A period after these never ends a sentence; after the second set it does when a capital follows.
_NEVER_FINAL = (
    "dr mr mrs ms prof rev hon gen col lt sgt capt mt ft e.g eg i.e ie cf vs viz fig figs eq approx ca "
    "resp incl excl dept est vol pp ed eds al z.b d.h u.a bzw ggf"
)
_SOMETIMES_FINAL = (
    "etc a.m p.m am pm u.s u.k u.n e.u d.c ph.d b.c a.d inc ltd co corp jr sr st ave blvd min max sec hr "
    "hrs oz lb lbs jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun"
)
_ABBREVIATIONS = frozenset(_NEVER_FINAL.split())
_FINAL_ABBREVIATIONS = frozenset(_SOMETIMES_FINAL.split())


@lru_cache(maxsize=512)
def without_code(text: str) -> str:
    """The text with fenced blocks taken out, and inline code and addresses as one plain word each."""
    text = _FENCE.sub("\n", text)
    text = _INLINE_CODE.sub("code", text)
    return _URL.sub(lambda found: "url" + _tail(found[0]), text)


def fenced(text: str) -> list[str]:
    """The fenced blocks of code, without their fences."""
    return [_inside(found[0]) for found in _FENCE.finditer(text)]


def _inside(block: str) -> str:
    lines = block.split("\n")[1:]
    if lines and lines[-1].strip().rstrip("`~") == "":
        lines.pop()
    return "\n".join(lines)


def _tail(url: str) -> str:
    return url[len(url.rstrip(_URL_TAIL)) :]


def headings(text: str) -> int:
    """How many Markdown headings there are, of either form."""
    lines = without_code(text).split("\n")
    found = 0
    for above, line in zip(["", *lines], lines, strict=False):
        underlined = bool(_UNDERLINE.match(line)) and bool(above.strip()) and not is_item(above)
        found += bool(_HEADING.match(line)) or underlined
    return found


def is_item(line: str) -> bool:
    """Is this line an item of a list, bulleted or numbered?"""
    return bool(_BULLET.match(line) or _NUMBERED.match(line))


def unlisted(text: str) -> str:
    """The text with its items as plain lines."""
    return "\n".join(_NUMBERED.sub("", _BULLET.sub("", line)) for line in text.split("\n"))


def listed(text: str, marks: Iterator[str]) -> str:
    """The sentences of the text as the items of one list."""
    return "\n".join(f"{next(marks)} {each}" for line in text.split("\n") for each in sentence_texts(line))


def unheaded(text: str) -> str:
    """The text without its headings of the form "# …"."""
    return "\n".join(line for line in text.split("\n") if not _HEADING.match(line)).strip()


def unheaded_line(line: str) -> str:
    """The line without the marks of a heading or a quotation before it."""
    return re.sub(r"^\s*(?:#{1,6}\s+|>\s*)+", "", line)


def relisted(lines: Sequence[str]) -> list[str]:
    """The lines with their numbered items counted from one."""
    numbers = count(1)
    return [
        _FIRST_NUMBER.sub(lambda _: str(next(numbers)), line, count=1) if _NUMBERED.match(line) else line
        for line in lines
    ]


def bullets(text: str) -> int:
    """How many items with a bullet there are."""
    return sum(bool(_BULLET.match(line)) for line in without_code(text).split("\n"))


def numbered(text: str) -> int:
    """How many numbered items there are."""
    return sum(bool(_NUMBERED.match(line)) for line in without_code(text).split("\n"))


def words(text: str) -> int:
    """How many words of prose there are; text without spaces between words counts as one."""
    return sum(1 for _ in _WORD.finditer(without_code(text)))


def sentences(text: str) -> int:
    """How many sentences there are.

    An item of a list counts as one at least, so that a list is no way around a limit; a heading counts
    as none; text that just stops counts as a sentence.
    """
    return sum(_sentences_in(block) for block in _blocks(text))


def beginnings(text: str) -> Iterator[str]:
    """What of the text ends where a sentence or a line does, longest first, but for the whole text.

    None ends inside a block of code, at the number of an item, or where something was announced.
    """
    ends = {found.end() for found in _END.finditer(text)} | {
        found.start() for found in _LINE_END.finditer(text)
    }
    for end in sorted(ends, reverse=True):
        begun = text[:end].rstrip()
        announced = begun.endswith((":", ",")) or _ITEM_NUMBER.search(begun)
        if begun and begun != text.rstrip() and not announced and len(_FENCE_LINE.findall(begun)) % 2 == 0:
            yield begun


def sentence_texts(paragraph: str) -> list[str]:
    """The sentences of one paragraph, in order."""
    found: list[str] = []
    start = 0
    for end in _END.finditer(paragraph):
        if _ends_sentence(paragraph, start, end):
            found.append(paragraph[start : end.end()].strip())
            start = end.end()
    return [*found, paragraph[start:].strip()] if paragraph[start:].strip() else found


def without_sentences(text: str, unwanted: Callable[[str], bool]) -> str:
    """The text without its unwanted sentences, and without the lines that had no others; code stays."""
    kept: list[str] = []
    in_code = False
    for line in text.split("\n"):
        fence = bool(_FENCE_LINE.match(line))
        if fence or in_code or not line.strip() or not unwanted(line):
            kept.append(line)
        elif left := " ".join(each for each in sentence_texts(line) if not unwanted(each)):
            kept.append(left)
        in_code ^= fence
    return "\n".join(kept).strip()


def _blocks(text: str) -> list[str]:
    """Stretches of running text: paragraphs with their line breaks undone, and items of lists."""
    blocks: list[list[str]] = [[]]
    for line in without_code(text).split("\n"):
        if not line.strip() or _HEADING.match(line):
            blocks.append([])
            continue
        if is_item(line) or line.lstrip().startswith("|"):
            blocks.append([])
            line = _NUMBERED.sub("", _BULLET.sub("", line, count=1), count=1)  # noqa: PLW2901
        blocks[-1].append(_QUOTED_LINE.sub("", line))
    return [" ".join(" ".join(lines).split()) for lines in blocks if lines]


def _sentences_in(block: str) -> int:
    count = start = 0
    for end in _END.finditer(block):
        if _ends_sentence(block, start, end):
            count += bool(_LETTER.search(block, start, end.end()))
            start = end.end()
    return count + bool(_LETTER.search(block, start))


def _ends_sentence(block: str, start: int, end: re.Match[str]) -> bool:
    mark, closers = end[1], end[2]
    if mark is None or end.end() >= len(block):
        return True
    following = block[end.end() + 1 : end.end() + 2]
    if mark != "." and set(mark) <= {".", "…"}:  # an ellipsis
        return not following.islower()
    if mark == "." and not closers:
        before = max(start, block.rfind(" ", start, end.start()) + 1)
        return _period_ends(block, start, before, end.start(), following)
    # “Really?” she said.
    return not (following.islower() and any(quote in closers for quote in "\"'”’»"))


def _period_ends(block: str, start: int, before: int, end: int, following: str) -> bool:
    word = block[before:end].lstrip("([\"'“‘«*_")
    lowered = word.casefold()
    if lowered in _ABBREVIATIONS:
        return False
    if lowered in _FINAL_ABBREVIATIONS:
        return following.isupper()
    if lowered == "no":
        return not following.isdigit()
    if word.isdigit() and len(word) <= 2:
        return bool(block[start:before].strip())  # "1. Do this" inside a line
    if len(word) == 1 and word.isalpha() and word != "I":
        previous = block[max(start, block.rfind(" ", start, max(start, before - 1)) + 1) : before].strip()
        return word.isupper() and previous[:1].islower()  # "plan B." ends, "George W." does not
    return True
