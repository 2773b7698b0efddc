"""A picture of a terminal, cell by cell, with the fonts of this machine."""

from __future__ import annotations

import subprocess
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from textual.strip import Strip

_SIZE = 26  # pixels; two for each of what is shown, so that it is sharp on any screen
_MARGIN = 24
_BAR = 52  # the window's own
_FRAME, _BUTTONS = "#0b0c10", ("#e0727f", "#e3c67b", "#9bbf85")


def draw(strips: Sequence[Strip], theme: TerminalTheme, *, title: str, to: Path) -> None:
    """One PNG, in a window with a title."""
    wide, high = _cell()
    columns = max(strip.cell_length for strip in strips)
    image = Image.new("RGB", (columns * wide + 2 * _MARGIN, len(strips) * high + _BAR + _MARGIN), _FRAME)
    brush = ImageDraw.Draw(image)
    for place, colour in enumerate(_BUTTONS):
        left = _MARGIN + place * 34
        brush.ellipse((left, 17, left + 18, 35), fill=colour)
    brush.text((image.width / 2, _BAR / 2), title, font=_font(bold=False), fill="#8b8d98", anchor="mm")
    for row, strip in enumerate(strips):
        column = 0
        for segment in strip:
            front, back = _colours(segment.style or Style(), theme)
            style = segment.style or Style()
            width = cell_len(segment.text)
            if not width:
                continue
            x, y = _MARGIN + column * wide, _BAR + row * high
            brush.rectangle((x, y, x + width * wide - 1, y + high - 1), fill=back)
            for character in segment.text:
                x = _MARGIN + column * wide
                _character(brush, character, (x, y), front, bold=bool(style.bold), italic=bool(style.italic))
                column += cell_len(character)
            end = _MARGIN + column * wide
            if style.underline:
                brush.line((end - width * wide, y + high - 3, end, y + high - 3), fill=front, width=2)
            if style.strike:
                brush.line((end - width * wide, y + high // 2, end, y + high // 2), fill=front, width=2)
    image.save(to, optimize=True)


def _character(
    brush: ImageDraw.ImageDraw,
    character: str,
    place: tuple[int, int],
    colour: tuple[int, int, int],
    *,
    bold: bool,
    italic: bool,
) -> None:
    if character.isspace() or unicodedata.category(character) in ("Mn", "Cf"):
        return
    wide, high = _cell()
    x, y = place
    if (block := _BLOCKS.get(character)) is not None:  # fonts leave gaps between these
        left, top, right, bottom = block
        brush.rectangle(
            (x + left * wide, y + top * high, x + right * wide - 1, y + bottom * high - 1), fill=colour
        )
        return
    brush.text((x, y + 2), character, font=_font(bold=bold, italic=italic), fill=colour)


def _colours(style: Style, theme: TerminalTheme) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    front, back = (
        (colour or Color.default()).get_truecolor(theme, foreground=foreground)
        for colour, foreground in ((style.color, True), (style.bgcolor, False))
    )
    if style.reverse:
        front, back = back, front
    if style.dim:
        front = type(front)(*((a + b) // 2 for a, b in zip(front, back, strict=True)))
    return tuple(front), tuple(back)


@cache
def _font(*, bold: bool, italic: bool = False) -> ImageFont.FreeTypeFont:
    kind = {
        (False, False): "Book",
        (True, False): "Bold",
        (False, True): "Oblique",
        (True, True): "Bold Oblique",
    }
    wanted = f"DejaVu Sans Mono:style={kind[bold, italic]}"
    found = subprocess.run(
        ["fc-match", "--format=%{file}", wanted], capture_output=True, text=True, check=True
    ).stdout
    return ImageFont.truetype(found, _SIZE)


@cache
def _cell() -> tuple[int, int]:
    font = _font(bold=False)
    ascent, descent = font.getmetrics()
    return round(font.getlength("M")), ascent + descent + 4


_BLOCKS = {
    "█": (0, 0, 1, 1),
    "▀": (0, 0, 1, 0.5),
    "▄": (0, 0.5, 1, 1),
    "▌": (0, 0, 0.5, 1),
    "▐": (0.5, 0, 1, 1),
    "▔": (0, 0, 1, 0.125),
    "▕": (0.875, 0, 1, 1),
    **{character: (0, 1 - n / 8, 1, 1) for n, character in enumerate("▁▂▃▄▅▆▇█", 1)},
    **{character: (0, 0, n / 8, 1) for n, character in zip(range(7, 0, -1), "▉▊▋▌▍▎▏", strict=True)},
}
