"""The home itself: make it, look at it, check it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from persona.cli.output import AsJson, progress, say, say_json, say_table, tell, when
from persona.cli.session import opened
from persona.errors import DaemonLate, Damaged, PersonaError

if TYPE_CHECKING:
    from persona.bootstrap import Persona

_SOON = 2.0  # seconds: whoever asks how things are does not wait for a daemon that hangs


def init(
    context: typer.Context,
    base: Annotated[
        str | None,
        typer.Option(
            "--base", metavar="B", help="smollm2-135m, hf:OWNER/NAME or a folder; else as configured."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create the home and prepare the base that adapters are built on. What is there already stays."""
    from adapters.durable import write_file
    from persona.daemon.tokens import Tokens

    with opened(context) as persona:
        persona.create()
        Tokens(persona.home, own_identity=persona.identity).own()
        with progress() as on_progress:
            prepared = persona.prepare_base(base or persona.settings.base.name, on_progress)
        configured = persona.settings.base.name == prepared.name
        if not configured and not persona.home.config.exists():
            write_file(persona.home.config, f'[base]\nname = "{prepared.name}"\n'.encode())
            configured = True
        home, identity = str(persona.home.root), persona.identity
    if not configured:
        tell(f'{persona.home.config} names another base: put name = "{prepared.name}" under [base] to use it')
    if as_json:
        say_json(
            {"home": home, "identity": identity, "base": prepared.name, "fingerprint": prepared.fingerprint}
        )
    else:
        say(f"{home} is ready for {identity}, on base {prepared.name}")


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what is going on: who answers, what is kept, how the last night ended."""
    from persona.answers import home
    from persona.daemon.place import find_daemon

    with opened(context) as persona:
        found = home.status(persona)
        daemon = find_daemon(persona.home)
        found["daemon"] = None
        if daemon is not None:
            found["daemon"] = {"pid": daemon.pid, "url": daemon.url, "capture": _capture(persona)}
    if as_json:
        say_json(found)
        return
    night = found["last_night"]
    last = "none yet" if night is None else f"{night['outcome']}, {when(night['at'])}"
    say_table(
        ("persona", str(found["home"])),
        [
            ("identity", found["identity"]),
            ("base", found["base"]),
            ("champion", found["champion"]["ref"]),
            ("candidates", str(found["candidates"])),
            ("interactions", str(found["interactions"])),
            ("feedback", str(found["feedback"])),
            ("preferences", f"{found['preferences']}, and {found['habits']} habits"),
            ("daemon", _where(found["daemon"])),
            *_captured(found["daemon"]),
            ("last night", last),
            *_votes(found["votes"]),
            ("next night", found["schedule"]["says"]),
            ("now", "a night or a preparation is running" if found["busy"] else "idle"),
        ],
    )


def _capture(persona: Persona) -> dict[str, Any] | None:
    """What the daemon says of its writer; None where it serves another identity. Where it does not answer,
    that is the trouble; where it does not soon, it may only be busy."""
    from persona.daemon.elsewhere import DaemonNights

    try:
        daemon = DaemonNights.of(persona, patience=_SOON)
        return None if daemon is None else dict(daemon.capture())
    except DaemonLate as error:
        return {"late": str(error), "trouble": None}
    except (PersonaError, OSError) as error:
        return {"trouble": str(error)}


def _where(daemon: dict[str, Any] | None) -> str:
    return "not running" if daemon is None else f"{daemon['url']}, pid {daemon['pid']}"


def _captured(daemon: dict[str, Any] | None) -> list[tuple[str, str]]:
    """What the daemon kept since its start, and what is amiss with it."""
    found = None if daemon is None else daemon["capture"]
    if found is None:
        return []
    rows = [("kept by it", f"{found['kept']}, and {found['lost']} lost")] if "kept" in found else []
    if "late" in found:
        rows.append(("not known", f"what it kept: {found['late']}"))
    if found["trouble"]:
        rows.append(("trouble", found["trouble"]))
    if found.get("unread"):
        rows.append(("passed by unread", f"{found['unread']}, the last because {found['unread_for']}"))
    return rows


def _votes(found: dict[str, Any] | None) -> list[tuple[str, str]]:
    """What the votes say about the champion, where there is one to compare with."""
    if found is None or found["finding"] == "too_few":
        return []
    rows = [("votes", found["reason"])]
    if found["finding"] == "worse":
        rows.append(("advice", f"`persona rollback` goes back to {found['back_to']}"))
    return rows


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what is missing or in the way, and what to do about it. Exit code 1 if something is."""
    from persona.cli.checks import examine

    with opened(context) as persona:
        found = examine(persona)
    if as_json:
        say_json({"checks": [check.to_json() for check in found]})
    else:
        say_table(
            ("check", "is", "what", "advice"), [(c.name, str(c.state), c.what, c.advice) for c in found]
        )
    failures = sum(check.state == "failure" for check in found)
    if failures:
        raise PersonaError(f"{failures} of {len(found)} checks failed: the lines above say what to do")


def fsck(
    context: typer.Context,
    deep: Annotated[
        bool, typer.Option("--deep", help="Hash every file of every revision and of the base.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check that everything is as it was written. Exit code 5 if something is not; nothing is changed."""
    from persona.cli.checks import problems

    with opened(context) as persona:
        found = problems(persona, deep=deep)
        root = persona.home.root
    if as_json:
        say_json({"problems": [problem.to_json() for problem in found]})
    else:
        for problem in found:
            say(f"{problem.part}: {problem.kind}: {problem.where}: {problem.what}")
    serious = [problem for problem in found if problem.kind != "leftover"]
    if serious:
        raise Damaged(
            root, f"{len(serious)} problems", "the lines above say where; restore them from a backup"
        )
    tell("everything is as it was written")
