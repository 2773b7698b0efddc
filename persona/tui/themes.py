"""The colours. Those of the terminal itself are Textual's ansi-dark and ansi-light."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="persona",
    primary="#e6b17e",
    secondary="#86b3d1",
    accent="#b9a3e3",
    foreground="#d9d7d0",
    background="#14151b",
    surface="#1a1c24",
    panel="#232630",
    success="#9bbf85",
    warning="#e3c67b",
    error="#e0727f",
    dark=True,
    variables={"scrollbar-background": "#1a1c24"},
)
LIGHT = Theme(
    name="persona-light",
    primary="#9a5b1e",
    secondary="#2f6690",
    accent="#6b4fa0",
    foreground="#26262b",
    background="#faf7f1",
    surface="#f3efe6",
    panel="#e8e2d6",
    success="#4d7a38",
    warning="#8f6a10",
    error="#b0303f",
    dark=False,
    variables={"scrollbar-background": "#f3efe6"},
)
