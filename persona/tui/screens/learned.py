"""What persona learns and has learned: tonight, preferences, habits, the last night, and how things are."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static, TabbedContent, TabPane
from textual.widgets.option_list import Option

from persona.tui.clean import line
from persona.tui.daemon import Daemon
from persona.tui.errors import Trouble
from persona.tui.link import ref_of
from persona.tui.screens.asking import AskLine, Sure
from persona.tui.screens.closing import while_open
from persona.tui.screens.conversations import day
from persona.tui.widgets.bars import Foot
from persona.tui.widgets.markdown import SafeMarkdown

_TABS = {
    "tonight": "Tonight",
    "preferences": "Preferences",
    "habits": "Habits",
    "morning": "Last night",
    "status": "Status",
}
_LISTS = ("tonight", "preferences", "habits")
_ON_LISTS = ("take_out", "edit", "pin", "settle", "open")  # actions on what is chosen in a list
_ACTS = {
    "up": "▲ good",
    "down": "▼ not good",
    "edit": "✎ your version",
    "pick": "✓ picked",
    "correction": "corrected",
}


class Learned(ModalScreen["str | None"]):
    """Ends with a conversation to open, where evidence was said."""

    HELP = """\
### What is learned

**Tonight** lists what the next night learns from. **x** takes an item out: a preference is retired, an
exchange is forgotten. **e** says a preference in other words, **p** pins it (only your own words change it
then), **s** settles one that waits for your word. **Enter** shows what it rests on, **o** opens where it was
said. **← →** change the page.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close"),
        Binding("x,delete", "take_out", "Take out"),
        Binding("e", "edit", "Other words"),
        Binding("p", "pin", "Pin"),
        Binding("s", "settle", "Settle", show=False),
        Binding("left", "page(-1)", "Page before", show=False, priority=True),
        Binding("right", "page(1)", "Page after", show=False, priority=True),
        Binding("o", "open", "Open there"),
    ]

    def __init__(self, daemon: Daemon, tab: str) -> None:
        super().__init__()
        self._daemon = daemon
        self._tab = tab
        self._items: dict[str, dict[str, Any]] = {}
        self._evidence: list[dict[str, Any]] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="window whole"):
            with TabbedContent(initial=self._tab):
                for name, title in _TABS.items():
                    with TabPane(title, id=name):
                        if name in _LISTS:
                            yield OptionList(id=f"list-{name}", markup=False)
                        else:
                            with VerticalScroll(id=f"page-{name}"):
                                yield SafeMarkdown(id=f"text-{name}")
            with VerticalScroll(id="evidence"):
                yield Static(id="why")
            yield Foot()

    def check_action(self, action: str, _: tuple[object, ...]) -> bool | None:
        return action not in _ON_LISTS or self._tab in _LISTS

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        self._tab = event.pane.id or self._tab
        self.refresh_bindings()
        self._explain([])
        self._load(self._tab)

    @work(exclusive=True)
    @while_open
    async def _load(self, tab: str) -> None:
        try:
            if tab in _LISTS:
                await self._list(tab)
            else:
                answer = await self._daemon.look(tab)
                text = _note(answer) if tab == "morning" else _status(answer)
                await self.query_one(f"#text-{tab}", SafeMarkdown).update(text)
                self.query_one(f"#page-{tab}").focus()  # where the arrows scroll
        except Trouble as trouble:
            self.query_one("#why", Static).update(Content.styled(str(trouble), "$error"))
            self.query_one("#evidence").display = True

    async def _list(self, tab: str) -> None:
        answer = await self._daemon.look(tab)
        options = self.query_one(f"#list-{tab}", OptionList)
        options.clear_options()
        self._items = {}
        entries = answer["preferences" if tab == "tonight" else tab]
        if tab == "tonight":
            entries = sorted(entries, key=lambda entry: not entry["new"])
        for entry in entries:
            self._items[entry["id"]] = {**entry, "of": "ledger"}
            options.add_option(Option(_entry(entry), id=entry["id"]))
        if entries and answer.get("acts"):
            options.add_option(None)  # a line between what you like and what you did
        for act in answer.get("acts", ()):
            self._items[act["id"]] = {**act, "of": "acts"}
            options.add_option(Option(_act(act), id=act["id"]))
        if self._items:
            options.highlighted = 0
            options.focus()
        else:
            options.add_option(Option(Content.styled(_EMPTY[tab], "dim"), disabled=True))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._show_evidence(event.option.id or "")

    @work(exclusive=True, group="evidence")
    async def _show_evidence(self, key: str) -> None:
        item = self._items.get(key)
        if item is None or item["of"] != "ledger":
            return
        try:
            found = await self._daemon.look("evidence", preference=key)
        except Trouble as trouble:
            self.notify(str(trouble), severity="error", markup=False)
            return
        self._explain(found["evidence"])

    def _explain(self, evidence: list[dict[str, Any]]) -> None:
        self._evidence = evidence
        rows = [
            Content.assemble(
                (f"{day(each['at'])}  ", "dim"),
                f"“{line(each['quote'], 160)}”",
                (f"  {line(each['detector'], 30)}, {each['confidence']:.0%} sure", "dim"),
            )
            for each in evidence
        ]
        self.query_one("#why", Static).update(Content("\n").join(rows))
        self.query_one("#evidence").display = bool(rows)

    def action_open(self) -> None:
        """The conversation in which the newest evidence was said."""
        there = next((each["conversation"] for each in self._evidence if each["conversation"]), None)
        if there:
            self.dismiss(there)

    def action_page(self, by: int) -> None:
        names = list(_TABS)
        self.query_one(TabbedContent).active = names[(names.index(self._tab) + by) % len(names)]

    @work
    async def action_take_out(self) -> None:
        item = self._chosen()
        if item is None:
            return
        if item["of"] == "ledger":
            body = f"“{line(item['statement'])}”\n\nIt is retired: nothing learns it until you say it again."
            if await self.app.push_screen_wait(Sure("take this out?", body)):
                question = "habits" if item["scope"].startswith("tool:") else "preferences"
                await self._do(question, retire=item["id"])
        else:
            body = (
                f"“{line(item['question'])}”\n\nThis exchange is forgotten, with what followed it, and with "
                "all that was made of it."
            )
            if await self.app.push_screen_wait(Sure("forget this exchange?", body)):
                await self._do("forget", interaction=item["interaction"])

    @work
    async def action_edit(self) -> None:
        item = self._preference()
        if item is None:
            return
        text = await self.app.push_screen_wait(AskLine("in other words", value=item["statement"]))
        if text and text != item["statement"]:
            await self._do("edit_preference", id=item["id"], text=text)

    @work
    async def action_pin(self) -> None:
        item = self._preference()
        if item is not None:
            await self._do("unpin_preference" if item.get("pinned") else "pin_preference", id=item["id"])

    @work
    async def action_settle(self) -> None:
        item = self._preference()
        if item is not None:
            await self._do("settle_preference", id=item["id"])

    def _preference(self) -> dict[str, Any] | None:
        item = self._chosen()
        return item if item is not None and item["of"] == "ledger" else None

    async def _do(self, name: str, **arguments: Any) -> None:
        try:
            await self._daemon.act(name, **arguments)
        except Trouble as trouble:
            self.notify(str(trouble), severity="error", markup=False)
        self._explain([])
        self._load(self._tab)

    def _chosen(self) -> dict[str, Any] | None:
        if self._tab not in _LISTS:
            return None
        options = self.query_one(f"#list-{self._tab}", OptionList)
        if options.highlighted is None:
            return None
        return self._items.get(options.get_option_at_index(options.highlighted).id or "")


_EMPTY = {
    "tonight": "Nothing new yet. Judge an answer, write a better one, or /prefer something.",
    "preferences": "None yet. /prefer says one in your own words; others come from what you do.",
    "habits": "None yet. They come from how you want tools to be used.",
}


def _entry(entry: dict[str, Any]) -> Content:
    how = "you said so" if entry["source"] == "stated" else "from what you did"
    where = "" if entry["scope"] == "always" else f", {line(entry['scope'], 30)}"
    new = [("new  ", "bold $accent")] if entry.get("new") else []
    if entry.get("status") == "contested":
        new = [("yours? ", "bold $warning")]
        how = "s: yes, I want this; x: no"
    if entry.get("pinned"):
        how += ", pinned"
    return Content.assemble(*new, line(entry["statement"]), "\n", (f"{how}{where}", "dim"))


def _act(act: dict[str, Any]) -> Content:
    says = f"  {line(act['says'], 80)}" if act["says"] else ""
    return Content.assemble(
        (_ACTS.get(act["kind"], line(act["kind"], 20)), "$secondary"),
        says,
        "\n",
        (f"{day(act['at'])}  {line(act['question'], 80)}", "dim"),
    )


def _note(answer: dict[str, Any]) -> str:
    """The morning note as markdown: a line without a margin is the name of what follows with one."""
    headline, *note = answer["note"]
    lines = [f"## {headline}"]
    for text, after in pairwise([*note, ""]):
        said = text.strip()
        if not said:
            continue
        if text.startswith("  > "):
            lines += ["", said, ""]
        elif text.startswith("  "):
            lines.append(f"- {said}")
        else:
            lines += ["", f"### {said}" if after.startswith("  ") else said, ""]
    return "\n".join(lines)


def _status(answer: dict[str, Any]) -> str:
    last = answer.get("last_night")
    rows = {
        "answers": answer["champion"]["ref"],
        "base": answer["base"],
        "kept": f"{answer['interactions']} interactions, {answer['feedback']} acts of feedback",
        "learned": f"{answer['preferences']} preferences, {answer['habits']} habits",
        "last night": f"{last['outcome'].replace('_', ' ')}, {day(last['at'])}" if last else "none yet",
        "next night": line(answer["schedule"]["says"]),
        "home": answer["home"],
    }
    told = "\n".join(f"- **{name}** {line(str(value))}" for name, value in rows.items())
    engines = (answer.get("daemon") or {}).get("engines", [])
    more = ", ".join(ref_of(engine["model"]) for engine in engines) or "nothing yet"
    return f"## status\n\n{told}\n- **loaded** {line(more)}"
