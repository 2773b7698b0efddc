"""Strings that would steer a terminal, and the count of what of them got through to one.

What the toolkit itself writes is known: whole screens, drawn with a handful of sequences. The strings hold
other ones only, so whatever is not among the toolkit's is foreign.
"""

from __future__ import annotations

import random
import re

_ORDERS = (
    "\x1b[2J",  # clears
    "\x1b[3J",
    "\x1b[999;999H",
    "\x1b[5m",  # blinks
    "\x1b[8m",  # hides
    "\x1b[31m",
    "\x1b[6n",  # asks for an answer, which would be typed
    "\x1b[c",
    "\x1b[?1049l",
    "\x1b[21t",  # reports the title
    "\x1b]0;title\x07",
    "\x1b]52;c;ZXZpbA==\x07",  # the clipboard
    "\x1b]52;c;?\x1b\\",
    "\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "\x1b]1337;File=inline=1:AAAA\x07",
    "\x1bP$q\x1b\\",
    "\x1b_Gf=100;AAAA\x1b\\",
    "\x1bc",
    "\x1b(0",
    "\x9b2J",
    "\x9d52;c;ZXZpbA==\x9c",
    "\x90q\x9c",
    "\x07",
    "\x08\x08\x08",
    "\x0e",
    "\x7f",
    "\x00",
    "\x0b\x0c",
    "\x85",
    "\r",
)
_TURNS = ("\u202e", "\u202d", "\u2066", "\u2067", "\u2068", "\u2069", "\u200e", "\u200f", "\u061c", "\ufff9")
_MARKUP = (
    "[bold red]x[/]",
    "[@click=app.quit]x[/]",
    "[link=http://evil.example]x[/link]",
    "<script>x</script>",
    "&#27;[2J",
    "&#x202e;x",
    "&#155;2J",
    "[x](http://evil.example/\x1b[2J)",
    "[x](javascript:alert)",
    "![x](http://evil.example/x.png)",
    "<http://evil.example/\x07>",
    "| a |\n|---|\n| \x1b[2J |",
    "`\x1b[2J`",
    "```\n\x1b[2J\n```",
    "# \x1b[8m",
    "> \x9b5m",
    "- \x1b]0;x\x07",
    "**\x1b[5m**",
)
_PLAIN = ("and", "so", "it", "goes", "שלום", "你好", "👩\u200d👩\u200d👧", "e\u0301", "\t")
_PARTS = (*_ORDERS, *_TURNS, *_MARKUP, *_PLAIN)

_COLOUR = rb"(?:0|[1-4]|7|9|22|24|27|[34]8;2;\d{1,3};\d{1,3};\d{1,3})"  # red, green and blue as numbers
_OWN = re.compile(
    rb"\x1b\[(?:\d{1,3};\d{1,3})?H"  # to a place on the screen
    rb"|\x1b\[(?:" + _COLOUR + rb"(?:;" + _COLOUR + rb")*)?m"
    rb"|\x1b\[\?(?:7|25|1000|1002|1003|1004|1006|1015|1016|1049|2004|2026|2031|2048)h"
    rb"|\x1b\[\?(?:7|25|2026)l"
    rb"|\x1b\[\?(?:2026|2048)\$p|\x1b\[>\d+u|\r?\n"
    rb"|\x1b\]22;(?:default|pointer|text|help|grab|grabbing|not-allowed)\x07"  # the mouse pointer's shape
)
_FOREIGN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]")


def strings(first: int, last: int) -> list[str]:
    """Those from `first` to before `last`: the same ones always. Each begins with a word that names it."""
    return [f"{tag(number)} {_string(number)}" for number in range(first, last)]


def tag(number: int) -> str:
    return f"s{number:05}s"


def _string(number: int) -> str:
    chance = random.Random(number)  # the same ones always
    pieces = [chance.choice(_PARTS) for _ in range(chance.randint(1, 6))]
    if number < len(_PARTS):
        pieces[0] = _PARTS[number]  # each at least once
    return chance.choice(("", " ")).join(pieces)


def foreign(written: bytes, size: tuple[int, int]) -> int:
    """How many control characters, and others that turn the order of reading, are not the toolkit's own."""
    left = _OWN.sub(lambda found: b"" if _fits(found[0], size) else found[0], written)
    return len(_FOREIGN.findall(left.decode("utf-8", "replace")))


def _fits(sequence: bytes, size: tuple[int, int]) -> bool:
    place = re.fullmatch(rb"\x1b\[(\d+);(\d+)H", sequence)
    return place is None or (int(place[1]) <= size[1] and int(place[2]) <= size[0])


def blind_spots() -> list[str]:
    """Orders and turns that `foreign` would not see: there have to be none, or the count says nothing."""
    return [part for part in (*_ORDERS, *_TURNS) if not foreign(part.encode(), (120, 100))]
