"""The daemon, and who may talk to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from persona.cli.output import AsJson, say, say_json, say_json_line, say_table, tell
from persona.cli.session import opened

if TYPE_CHECKING:
    from persona.bootstrap import Persona
    from persona.connect.recipes import Terms
    from persona.daemon.place import Place
    from persona.daemon.tokens import Tokens

token = typer.Typer(
    help="Who may talk to the daemon: one token a client.",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option("--host", metavar="H", help="Where to listen.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="P", min=0, max=65535, help="0 is any free one.")
    ] = None,
    expose: Annotated[
        bool, typer.Option("--expose", help="Let other machines in: needed for any host but this one.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the daemon in the foreground: clients of OpenAI's and Anthropic's APIs can talk to your persona."""
    import logging

    from persona.daemon.names import other_machines
    from persona.daemon.process import serve as run

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("persona.daemon.nights").setLevel(logging.INFO)  # how far a night is

    with opened(context) as persona:
        settings = persona.settings.serve

        def ready(place: Place) -> None:
            if as_json:
                say_json_line({"pid": place.pid, "url": place.url})
            else:
                say(place.url)
                tell("`persona connect` sets up a client; Ctrl-C ends")
            others = other_machines(settings, place.host, place.port)
            if others is not None:
                tell(others)

        run(
            persona,
            host=settings.host if host is None else host,
            port=settings.port if port is None else port,
            expose=expose,
            on_ready=ready,
        )


Name = Annotated[str, typer.Argument(metavar="NAME", help="The client, such as aider.")]


@token.command("add")
def add(
    context: typer.Context,
    name: Name,
    identity: Annotated[
        str | None,
        typer.Option("--identity", metavar="I", help="Whose persona it talks to; else as configured."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token for a client, and print it. What the client says is kept under its name."""
    with opened(context) as persona:
        _require_identity(persona, identity or persona.identity)
        client = _tokens(persona).add(name, identity=identity)
    if as_json:
        say_json({"name": client.name, "identity": client.identity, "token": client.token})
    else:
        say(client.token)


@token.command("list")
def list_clients(context: typer.Context, as_json: AsJson = False) -> None:
    """List the clients that have a token; the tokens themselves are not shown."""
    with opened(context) as persona:
        found = _tokens(persona).clients()
    if as_json:
        say_json({"clients": [{"name": c.name, "identity": c.identity, "since": c.since} for c in found]})
    else:
        say_table(("client", "identity", "since"), [(c.name, c.identity, c.since) for c in found])


@token.command("remove")
def remove(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Take a client's token back: it opens nothing from now on."""
    with opened(context) as persona:
        client = _tokens(persona).remove(name)
    if as_json:
        say_json({"name": client.name, "identity": client.identity})
    else:
        say(f"{client.name} is out")


def _tokens(persona: Persona) -> Tokens:
    from persona.daemon.tokens import Tokens
    from persona.errors import NotInitialised

    if not persona.home.root.is_dir():
        raise NotInitialised(persona.home.root)
    return Tokens(persona.home, own_identity=persona.identity)


def _require_identity(persona: Persona, identity: str) -> None:
    """A token for nobody's desk would open none, and its client would be told to wait for ever."""
    from persona.errors import UnknownIdentity

    folder = persona.home.identity(identity).folder
    if not folder.is_dir():
        raise UnknownIdentity(identity, folder)


def connect(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[CLIENT]", help="llm, openai, aider, open-webui, codex, claude-code, opencode."
        ),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the files; what was there is kept beside them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show, or write, what a program needs to talk to your persona. It gets a token of its own."""
    from persona.connect.files import write as write_config
    from persona.connect.recipes import RECIPES
    from persona.errors import BadInput
    from persona.paths import make_private

    if name is None or name not in RECIPES:
        known = ", ".join(RECIPES)
        raise BadInput(f"client {name!r} is not known: {known}" if name else f"name a client: {known}")
    with opened(context) as persona:
        terms = _terms(persona, name)
    setup = RECIPES[name](terms)
    kept: list[str] = []
    if write:
        make_private(terms.folder)
        kept = [str(old) for old in map(write_config, setup.files) if old is not None]
    if as_json:
        files = [{"path": str(file.path), "text": file.text, "how": file.how} for file in setup.files]
        say_json({"client": name, "files": files, "start": setup.start, "written": write, "kept": kept})
        return
    for file in setup.files:
        if write:
            say(str(file.path))
        else:
            say(f"# {file.path}\n{file.text}")
    for old in kept:
        tell(f"what was there before is {old}")
    tell(f"then: {setup.start}")


def _terms(persona: Persona, name: str) -> Terms:
    from pathlib import Path

    from persona.connect.recipes import Terms
    from persona.daemon.place import Place, find_daemon

    _require_identity(persona, persona.identity)
    token = _tokens(persona).of(name).token
    serve = persona.settings.serve
    place = find_daemon(persona.home) or Place(pid=0, host=serve.host, port=serve.port)
    return Terms(
        url=place.url,
        token=token,
        folder=persona.home.root / "clients",
        home=Path.home(),
        environ=persona.environ,
        context=_served_context(persona),
    )


def _served_context(persona: Persona) -> int | None:
    from persona.errors import PersonaError

    try:
        return persona.base.served_context(persona.settings.serve.context)
    except PersonaError:  # no base yet, or a damaged one: a client can be set up all the same
        return None
