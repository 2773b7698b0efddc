"""Going back: the base one key away, a conversation held to a revision, and the rollback after a look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from persona.tui.clean import line
from persona.tui.errors import Away, Trouble
from persona.tui.screens.asking import AskLine, Sure

if TYPE_CHECKING:
    from persona.tui.daemon import Daemon
    from persona.tui.screens.chat import ChatScreen

_BASE = "persona:base"
_CHANGES = ("examples_removed", "examples_added", "preferences_removed", "preferences_added")


async def base(chat: ChatScreen, _: str) -> None:
    """Talk to the bare base from now on; again, and the champion answers."""
    hold(chat, "" if chat.held == _BASE else _BASE)


async def revision(chat: ChatScreen, ref: str) -> None:
    """Hold this conversation to a revision; without a name, follow the champion again."""
    if not ref and not chat.held:
        asked = await chat.app.push_screen_wait(AskLine("hold this conversation to", hint="r7, base or prev"))
        ref = asked or ""
    if not ref or ref == "champion":
        hold(chat, "")
        return
    model = _BASE if ref in ("base", "r0") else f"persona:{ref}"
    known = await chat.daemon.models()
    if model not in known and ref not in ("prev", "candidate"):
        raise Trouble(f"no revision {line(ref, 20)}: F8 lists what there is")
    hold(chat, model)


def hold(chat: ChatScreen, model: str) -> None:
    """`model` answers in this conversation; empty follows the champion."""
    chat.held = model
    chat.show_seen(chat.persona.link.seen)
    name = model.removeprefix("persona:")
    chat.notice.tell(f"{name} answers here from now on" if name else "the champion answers again")


async def rollback(chat: ChatScreen, ref: str) -> None:
    """Make an earlier revision the champion again, after a look at what that takes away."""
    known = await chat.daemon.look("timeline")
    to = ref or known["previous"]
    if to is None:
        raise Trouble("there is nothing to go back to")
    now = known["champion"]
    sure = await chat.app.push_screen_wait(
        Sure(f"back from {now} to {to}?", await preview(chat.daemon, known, now=now, to=to))
    )
    if sure:
        done = await chat.daemon.act("rollback", **({"to": to} if ref else {}))
        chat.notice.tell(
            f"{done['ref']} answers from now on; F10 goes on back, /promote {done['before_ref']} undoes it"
        )


async def promote(chat: ChatScreen, ref: str) -> None:
    """Make a revision the champion by hand, the gate's word in sight."""
    known = await chat.daemon.look("timeline")
    row = next((row for row in known["revisions"] if row["ref"] == ref), None)
    if row is None:
        raise Trouble(f"no revision {line(ref, 20)}: F8 lists what there is")
    rejected = row["state"] == "rejected"
    body = await preview(chat.daemon, known, now=known["champion"], to=ref)
    if rejected:
        body = (
            "**The gate rejected it.** " + " ".join(f"{line(why)}." for why in row["reasons"]) + "\n\n" + body
        )
    if await chat.app.push_screen_wait(Sure(f"let {ref} answer?", body)):
        done = await chat.daemon.act("promote", revision=ref, yes=rejected)
        chat.notice.tell(f"{done['ref']} answers from now on; F10 takes it back")


async def preview(daemon: Daemon, known: dict[str, Any], *, now: str, to: str) -> str:
    """What going from one revision to another changes, as markdown."""
    try:
        change = (await daemon.look("diff", a=now, b=to, prompts=0))["data"]
    except Away:
        raise
    except Trouble:  # what one of them learned from was forgotten
        change = dict.fromkeys(_CHANGES, ())
    rows = {row["ref"]: row for row in known["revisions"]}
    lines = [f"| | {now} | {to} |", "|---|---|---|"]
    for name, key in (("kept preferences", "adoption"), ("drift", "drift"), ("verdict", "outcome")):
        lines.append(f"| {name} | {_cell(rows.get(now), key)} | {_cell(rows.get(to), key)} |")
    said = "\n".join(lines) + "\n\n"
    if change["examples_removed"] or change["examples_added"]:
        fewer, more = change["examples_removed"] or 0, change["examples_added"] or 0
        said += f"{to} learned from {fewer} examples fewer and {more} more.\n\n"
    for title, names in (
        ("It does not know", "preferences_removed"),
        ("It still knows", "preferences_added"),
    ):
        if change[names]:
            said += f"{title}:\n\n" + "\n".join(f"- {line(text)}" for text in change[names]) + "\n\n"
    return said + "Nothing is deleted: every revision stays, and you can come forward again."


def _cell(row: dict[str, Any] | None, key: str) -> str:
    value = row.get(key) if row else None
    if value is None:
        return "–"
    if key == "adoption":
        return f"{value['passed']} of {value['asked']}"
    return f"{value:.3f}" if isinstance(value, float) else line(str(value).replace("_", " "), 30)
