"""Copying out of the terminal: the system's own tool where there is one, else the terminal, else a file.

A terminal that is asked by OSC 52 does not say whether it obeyed, so what is told to the user is only what is
known: `proven` copies are on the clipboard, others may be.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_PATIENCE = 2.0  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """`needs` is a variable without which the tool cannot reach a clipboard."""

    command: tuple[str, ...]
    needs: str = ""


_TOOLS = (
    Tool(command=("pbcopy",)),
    Tool(command=("wl-copy",), needs="WAYLAND_DISPLAY"),
    Tool(command=("xclip", "-selection", "clipboard"), needs="DISPLAY"),
    Tool(command=("xsel", "--clipboard", "--input"), needs="DISPLAY"),
    Tool(command=("clip.exe",)),
    Tool(command=("termux-clipboard-set",)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    proven: bool
    says: str


def copy(
    text: str,
    by_terminal: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
    tools: tuple[Tool, ...] = _TOOLS,
) -> Copied:
    """Put `text` on the clipboard in every way that there is. `by_terminal` asks the terminal, by OSC 52."""
    by_terminal(text)  # over ssh the tools below would fill the wrong machine's clipboard
    if "SSH_CONNECTION" not in environ:
        for tool in tools:
            if (not tool.needs or environ.get(tool.needs)) and shutil.which(tool.command[0]):
                try:
                    subprocess.run(
                        tool.command,
                        input=text.encode("utf-8", "replace"),
                        timeout=_PATIENCE,
                        check=True,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )
                except (OSError, subprocess.SubprocessError):
                    continue  # the next one
                return Copied(proven=True, says="copied")
    return Copied(
        proven=False, says="sent to the terminal's clipboard, if it takes that; /save writes a file"
    )


def code_blocks(markdown: str) -> list[str]:
    """The source of every fenced or indented block, in order."""
    from persona.tui.clean import markdown_parser

    tokens = markdown_parser().parse(markdown)
    return [token.content.rstrip("\n") for token in tokens if token.type in ("fence", "code_block")]
