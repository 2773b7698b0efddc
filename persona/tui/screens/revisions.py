"""The timeline of revisions: verdict, scores and drift of each, its report, and the ways from there."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Sparkline, Static
from textual.widgets.option_list import Option

from persona.tui.clean import line
from persona.tui.daemon import Daemon
from persona.tui.errors import Trouble
from persona.tui.screens.closing import while_open
from persona.tui.screens.conversations import day
from persona.tui.widgets.bars import Foot
from persona.tui.widgets.markdown import SafeMarkdown

_VERDICTS = {
    "champion": ("●", "in use", "bold $success"),
    "former": ("○", "earlier", "dim"),
    "candidate": ("◌", "waiting", "$warning"),
    "rejected": ("✕", "refused", "$error"),
    "retired": ("–", "retired", "dim"),
    "rolled_back": ("↶", "taken back", "$warning"),
}


class Revisions(ModalScreen["tuple[str, str] | None"]):
    """Ends with an act and its argument: roll back, promote, hold the conversation, compare."""

    HELP = """\
### Revisions

**Enter** or **b** goes back (or forward) to the one chosen, after a look. **t** talks to it, in this
conversation. **c** compares it with the one that answers now, on your last question.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close"),
        Binding("b", "leave_with('promote')", "Let it answer"),
        Binding("t", "leave_with('revision')", "Talk to it"),
        Binding("c", "compare", "Compare"),
    ]

    def __init__(self, daemon: Daemon, ref: str = "") -> None:
        super().__init__()
        self._daemon = daemon
        self._ref = ref
        self._rows: list[dict[str, Any]] = []
        self._champion = ""
        self._previous: str | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="window whole"):
            yield Static(Content.styled("revisions", "bold $primary"), classes="heading")
            with Container(id="timeline"):
                with Vertical(id="line"):
                    yield OptionList(markup=False)
                    yield Static(id="drift-name")
                    yield Sparkline(id="drift")
                with VerticalScroll(id="report"):
                    yield SafeMarkdown()
            yield Foot()

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self._load()

    @work()
    @while_open
    async def _load(self) -> None:
        try:
            found = await self._daemon.look("timeline")
        except Trouble as trouble:
            await self.query_one(SafeMarkdown).update(str(trouble))
            return
        self._rows = list(reversed(found["revisions"]))
        self._champion, self._previous = found["champion"], found["previous"]
        options = self.query_one(OptionList)
        options.add_options(Option(_row(row, self._champion), id=row["ref"]) for row in self._rows)
        wanted = [n for n, row in enumerate(self._rows) if row["ref"] == (self._ref or self._champion)]
        options.highlighted = wanted[0] if wanted else 0
        drifts = [row["drift"] for row in found["revisions"] if row["drift"] is not None]
        self.query_one("#drift", Sparkline).data = drifts or None
        if drifts:
            says = f"drift from the base, at most {max(drifts):.3f}"
            self.query_one("#drift-name", Static).update(Content.styled(says, "dim"))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._report(event.option.id or "")

    def on_option_list_option_selected(self) -> None:
        self.action_leave_with("promote")

    @work(exclusive=True, group="report")
    @while_open
    async def _report(self, ref: str) -> None:
        row = next(row for row in self._rows if row["ref"] == ref)
        text = _summary(row)
        if row["outcome"] is not None:
            try:
                text += _measured(await self._daemon.look("report", revision=ref))
            except Trouble as trouble:
                text += f"\n\n{trouble}"
        if row["ref"] != "r0":
            try:
                text += _learned(await self._daemon.look("learned", revision=ref))
            except Trouble as trouble:
                text += f"\n\n{trouble}"
        await self.query_one(SafeMarkdown).update(text)

    def action_leave_with(self, act: str) -> None:
        ref = self._chosen()
        if ref is None or (act == "promote" and ref == self._champion):
            return
        if act == "promote" and ref in (self._previous, "r0"):
            act = "rollback"
        self.dismiss((act, ref))

    def action_compare(self) -> None:
        ref = self._chosen()
        if ref is not None:
            self.dismiss(("compare", f"{self._champion} {ref}" if ref != self._champion else f"base {ref}"))

    def _chosen(self) -> str | None:
        place = self.query_one(OptionList).highlighted
        return None if place is None else str(self._rows[place]["ref"])


def _row(row: dict[str, Any], champion: str) -> Content:
    state = "champion" if row["ref"] == champion else row["state"]
    mark, says, colour = _VERDICTS.get(state, ("·", line(state, 20), "dim"))
    scores = []
    if row["adoption"]:
        scores.append(f"keeps {row['adoption']['passed']}/{row['adoption']['asked']}".ljust(11))
    if row["drift"] is not None:
        scores.append(f"drift {row['drift']:.3f}")
    name = "base" if row["ref"] == "r0" else row["ref"]
    pinned = " ⚲" if row["pinned"] else ""
    when = f"{day(row['created_at'])}  " if row["created_at"] else ""
    return Content.assemble(
        (f"{mark} {name}{pinned}".ljust(9), colour),
        ("  ".join(scores) or says, ""),
        "\n",
        (f"         {when}{says if scores else ''}".rstrip(), "dim"),
    )


def _summary(row: dict[str, Any]) -> str:
    name = "r0, the bare base" if row["ref"] == "r0" else row["ref"]
    parts = [f"## {name}"]
    if row["ref"] == "r0":
        parts.append("Nothing was learned yet here. It is always one key away: **F9** talks to it.")
    if row["reasons"]:
        parts += ["### why", *(f"- {line(why)}" for why in row["reasons"])]
    return "\n".join(parts)


def _learned(answer: dict[str, Any]) -> str:
    """The preferences that it carries, and how much it was shown."""
    if not answer["kinds"]:
        return ""
    lessons, pairs = answer["kinds"]["demonstrations"], answer["kinds"]["pairs"]
    lines = [
        "",
        "### learned",
        "",
        f"from {_count(lessons, 'demonstration')} and {_count(pairs, 'pair')}"
        if lessons + pairs
        else "from what you said, practised on the base's own answers",
        "",
    ]
    lines += [f"- {line(entry['statement'])}" for entry in answer["preferences"]]
    for example in answer["examples"][:3]:
        lines += ["", f"> {line(example['question'])}", "", f"- **wanted** {line(example['wanted'])}"]
        if example["instead_of"]:
            lines.append(f"- **instead of** {line(example['instead_of'])}")
    return "\n".join([*lines, ""])


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _measured(answer: dict[str, Any]) -> str:
    """Scores beside champion and base, and a few answers."""
    report = answer["report"]
    if not report:
        return "\n\nNothing was measured."
    arms = [report["base"], report["champion"], report["candidate"]]
    lines = ["", "### measured", "", "| | base | before | this |", "|---|---|---|---|"]
    for key, statement in report["statements"].items():
        rates = [_rate(arm["adoption"].get(key)) for arm in arms]
        if any(rate != "–" for rate in rates):
            lines.append(f"| {line(statement, 80).replace('|', '/')} | {' | '.join(rates)} |")
    for name, key in (("better answer likelier", "pairs"), ("tool calls exact", "calls_exact")):
        rates = [_rate(arm[key]) for arm in arms]
        if any(rate != "–" for rate in rates):
            lines.append(f"| {name} | {' | '.join(rates)} |")
    drifts = ["–" if arm["drift"] is None else f"{arm['drift']:.3f}" for arm in arms]
    lines.append(f"| drift, nats a token | {' | '.join(drifts)} |")
    for sample in report.get("samples", [])[:3]:
        lines += ["", f"> {line(sample['prompt'])}", ""]
        lines += [f"- **before** {line(sample['champion'])}", f"- **this** {line(sample['candidate'])}"]
    return "\n".join(lines)


def _rate(rate: dict[str, int] | None) -> str:
    return f"{rate['passed']}/{rate['asked']}" if rate and rate["asked"] else "–"
