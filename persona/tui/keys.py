"""The keys of the chat, wherever the user is in it, and which of them the user wants to be others.

Those of one question or answer stand beside its view.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from textual.binding import Binding, BindingType

# name, keys, action, what the footer says; "" is not in the footer. The names are those of the commands.
_KEYS = (
    ("stop", "escape", "stop", ""),
    ("up", "f2", "do('up')", "Good"),
    ("down", "f3", "do('down')", "Not good"),
    ("better", "f4", "do('better')", "Better"),
    ("regenerate", "f5", "do('regenerate')", ""),
    ("ab", "f6", "do('blind')", ""),
    ("tonight", "f7", "do('tonight')", "Tonight"),
    ("revisions", "f8", "do('revisions')", "Revisions"),
    ("base", "f9", "do('base')", ""),
    ("rollback", "f10", "do('rollback')", ""),
    ("new", "ctrl+n", "do('new')", ""),
    ("conversations", "ctrl+o", "do('conversations')", "Earlier"),
    ("search", "ctrl+f", "do('search')", ""),
    ("page_up", "pageup", "page(-1)", ""),
    ("page_down", "pagedown", "page(1)", ""),
)
CHAT: list[BindingType] = [
    Binding(key, action, says or name, id=name, show=bool(says), priority=name != "stop")
    for name, key, action, says in _KEYS
]
EVERYWHERE: list[BindingType] = [
    Binding("f1", "help", "Help", id="help", priority=True),
    Binding("ctrl+q", "leave", "Leave", id="quit", show=False, priority=True),
]

_WRITING = {  # on the line to write on
    "send": "enter",
    "newline": "shift+enter,ctrl+j,alt+enter",
    "complete": "tab",
    "answers": "ctrl+up,shift+tab",
}
_DEFAULTS = {**{name: key for name, key, _, _ in _KEYS}, "help": "f1", "quit": "ctrl+q", **_WRITING}
_KEY = re.compile(r"(?:(?:ctrl|alt|shift|super|meta|hyper)\+)*(?:[^\s,+]|[a-z][a-z0-9_]*)", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Keys:
    """`chosen` are the user's, by the name of what they do: several with commas between them."""

    chosen: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError, which says what is wrong with one of them."""
        for name, keys in self.chosen.items():
            if name not in _DEFAULTS:
                near = difflib.get_close_matches(name, _DEFAULTS, 1)
                known = f"did you mean {near[0]}?" if near else f"there are {', '.join(_DEFAULTS)}"
                raise ValueError(f"{name} is nothing that a key does: {known}")
            for key in _split(keys) or [""]:
                if not _KEY.fullmatch(key):
                    raise ValueError(f"{key!r} is no key for {name}: write f2, ctrl+g, alt+enter, …")
        taken: dict[str, str] = {}
        for name in _DEFAULTS:
            for key in self.of(name):
                if key in taken:
                    raise ValueError(f"{key} is the key for {taken[key]} already: {name} needs another")
                taken[key] = name

    def of(self, name: str) -> list[str]:
        """The keys that do this; none for what has no key."""
        return _split(self.chosen.get(name) or _DEFAULTS.get(name, ""))

    def shown(self, name: str) -> str:
        """The first of them, as it stands on a keyboard."""
        return next((shown(key) for key in self.of(name)), "")

    def rebound(self) -> dict[str, str]:
        """For the toolkit: what is not as it was, by the name of its binding."""
        return {name: ",".join(self.of(name)) for name in self.chosen if name not in _WRITING}


def shown(key: str) -> str:
    """Ctrl+J for ctrl+j, ↑ for up."""
    names = {"up": "↑", "down": "↓", "left": "←", "right": "→", "escape": "Esc"}
    parts: Iterator[str] = (names.get(part, part[:1].upper() + part[1:]) for part in key.split("+"))
    return "+".join(parts)


def _split(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",") if key.strip()]
