"""Why this answer: the preferences that speak about its question, and the examples that are like it."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from persona.tui.clean import line
from persona.tui.widgets.bars import Foot
from persona.tui.widgets.markdown import SafeMarkdown

_KEPT = {True: "✓ kept", False: "✕ not kept", None: "no rule can say"}


class Behind(ModalScreen["str | None"]):
    """Ends with the conversation of the likest example, to open it."""

    HELP = "### Why this answer\n\nWhat it learned, and what it was told. **o** opens the likest example."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,w", "dismiss(None)", "Close"),
        Binding("o", "open", "Open the example"),
    ]

    def __init__(self, found: dict[str, Any]) -> None:
        super().__init__()
        self._found = found

    def compose(self) -> ComposeResult:
        with Vertical(classes="window tall"):
            yield Static(Content.styled("why this answer", "bold $primary"), classes="heading")
            with VerticalScroll(classes="body"):
                yield SafeMarkdown(told(self._found))
            yield Foot()

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def action_open(self) -> None:
        if self._found["examples"]:
            self.dismiss(self._found["examples"][0]["conversation"])


def told(found: dict[str, Any]) -> str:
    """As markdown."""
    by = found["ref"]
    who = "the bare base, which has learned nothing" if by == "r0" else line(by or found["source"], 40)
    parts = [f"It was given by **{who}**."]
    for title, key in (("In its weights", "carried"), ("Told with the question", "told")):
        if found[key]:
            parts.append(f"### {title}\n\n" + "\n".join(_entry(entry) for entry in found[key]))
    if found["examples"]:
        parts += ["### The likest of what it learned from", *(_example(each) for each in found["examples"])]
    if len(parts) == 1:
        parts.append("No preference speaks about this question, and nothing that was learned is like it.")
    return "\n\n".join(parts)


def _entry(entry: dict[str, Any]) -> str:
    return f"- {line(entry['statement'])} · *{_KEPT[entry['kept']]}*"


def _example(example: dict[str, Any]) -> str:
    lines = [f"> {line(example['question'])}", "", f"- **wanted** {line(example['wanted'])}"]
    if example["instead_of"]:
        lines.append(f"- **instead of** {line(example['instead_of'])}")
    return "\n".join(lines)
