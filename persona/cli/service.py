"""The daemon as a service: install, uninstall, start, stop, status, logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from persona import __version__
from persona.cli.output import AsJson, say, say_json, say_table, tell
from persona.cli.session import opened
from persona.errors import BadInput, DaemonRuns, ServiceFailed

if TYPE_CHECKING:
    from persona.service import Service

app = typer.Typer(
    help="Let the daemon start with every login, so that nights happen by themselves.", no_args_is_help=True
)

Kind = Annotated[
    str | None,
    typer.Option("--kind", metavar="K", help="systemd, launchd or windows; else what this system has."),
]


@app.command()
def install(
    context: typer.Context,
    kind: Kind = None,
    print_only: Annotated[
        bool, typer.Option("--print", help="Print what would be written; change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the service, start it now and with every login. Again after an upgrade: that restarts it."""
    from persona.service.choice import refuse_root

    service = _service(context, kind)
    if print_only:
        say(service.text().rstrip("\n"))
        return
    refuse_root()
    _can_serve(context, service)
    changed = service.install()
    status = service.status()
    if as_json:
        say_json({"changed": changed, "file": str(service.file), "running": status.running})
        return
    say(f"{service.file}: {changed}; {status.says}")
    if status.advice:
        tell(status.advice)


@app.command()
def uninstall(context: typer.Context, as_json: AsJson = False) -> None:
    """Stop the service and remove it. What persona has learned stays."""
    from persona.service.choice import refuse_root

    refuse_root()
    service = _service(context)
    removed = service.uninstall()
    if as_json:
        say_json({"removed": removed, "file": str(service.file)})
    else:
        say(f"{service.file}: {'removed' if removed else 'there was none'}")


@app.command()
def start(context: typer.Context) -> None:
    """Start the daemon that is installed."""
    _installed(context).start()


@app.command()
def stop(context: typer.Context) -> None:
    """Stop the daemon until the next login or start. A night that runs makes way and is tried again."""
    _installed(context).stop()


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Say whether the service is there and runs."""
    found = _service(context).status()
    if as_json:
        say_json(
            {
                "installed": found.installed,
                "running": found.running,
                "says": found.says,
                "advice": found.advice,
            }
        )
        return
    say_table(
        ("service", found.says),
        [("installed", _yes(found.installed)), ("running", _yes(found.running)), ("advice", found.advice)],
    )


@app.command()
def logs(
    context: typer.Context,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Print what the daemon said last."""
    import subprocess

    command = _service(context).log_command(lines, follow=follow)
    try:
        done = subprocess.run(command, check=False)
    except FileNotFoundError:
        raise ServiceFailed(command, "it is not installed") from None
    if done.returncode:
        raise ServiceFailed(command, f"exit code {done.returncode}")


def _service(context: typer.Context, kind: str | None = None) -> Service:
    from persona.service import KINDS, Program, service_for

    if kind is not None and kind not in KINDS:
        raise BadInput(f"no kind of service {kind!r}: known are {', '.join(KINDS)}")
    with opened(context) as persona:
        return service_for(Program.installed(persona.home.root, __version__), kind)


def _can_serve(context: typer.Context, service: Service) -> None:
    """What the service would fail with is said here, and not in its log."""
    from persona.daemon.place import find_daemon

    with opened(context) as persona:
        _ = persona.registry, persona.base  # which say what to do when the home is not ready
        home = persona.home
    daemon = find_daemon(home)
    if daemon is not None and not service.status().running:  # else it is the service's own
        raise DaemonRuns(home.root, pid=daemon.pid, url=daemon.url)


def _installed(context: typer.Context) -> Service:
    service = _service(context)
    if not service.file.exists():
        raise BadInput(f"no service at {service.file}: `persona service install` makes one")
    return service


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"
