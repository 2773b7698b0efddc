"""The daemon's commands: who may talk to it, how clients are set up, and where it may listen."""

from __future__ import annotations

import json
import socket
from types import SimpleNamespace

import pytest
from cli_parts import Shell

from persona.paths import Home


@pytest.fixture
def ready(shell: Shell) -> Shell:
    shell.persona().create()
    return shell


def test_a_token_is_made_listed_and_taken_back(ready: Shell) -> None:
    """The token is printed once; the list shows names alone."""
    added = ready.run("token", "add", "aider")
    listed = ready.run("token", "list")
    as_json = ready.run("token", "list", "--json").json
    removed = ready.run("token", "remove", "aider")

    assert [0, 0, 0] == [added.code, listed.code, removed.code]
    assert len(added.out.strip()) >= 43
    assert "aider" in listed.out
    assert added.out.strip() not in listed.out
    assert [("aider", "me")] == [(c["name"], c["identity"]) for c in as_json["clients"]]
    assert [] == ready.run("token", "list", "--json").json["clients"]


def test_a_token_for_somebody_else(ready: Shell) -> None:
    """A token opens the identity that it was made for."""
    Shell(ready.root, environ={"PERSONA_IDENTITY__NAME": "ana"}).persona().create()
    made = ready.run("token", "add", "llm", "--identity", "ana", "--json").json

    assert ("llm", "ana") == (made["name"], made["identity"])


@pytest.mark.parametrize("command", [("token", "add", "llm", "--identity", "ana"), ("connect", "aider")])
def test_no_token_for_nobody(ready: Shell, command: tuple[str, ...]) -> None:
    """Its client would wait for ever: it says how somebody is made."""
    environ = {"PERSONA_IDENTITY__NAME": "ana"}
    ready.environ = environ if "connect" in command else {}

    refused = ready.run(*command)
    none = ready.run("token", "list", "--json").json["clients"]
    Shell(ready.root, environ=environ).persona().create()
    made = ready.run(*command)

    assert (2, []) == (refused.code, none)
    assert "`PERSONA_IDENTITY__NAME=ana persona init`" in refused.err
    assert 0 == made.code


@pytest.mark.parametrize(
    "arguments", [("token", "remove", "nobody"), ("token", "add", "No!"), ("connect", "emacs"), ("connect",)]
)
def test_names_that_are_not_known(ready: Shell, arguments: tuple[str, ...]) -> None:
    """One line says so, and what is known."""
    ran = ready.run(*arguments)

    assert 2 == ran.code
    assert 1 == len(ran.err.strip().splitlines())


def test_connect_shows_and_writes(ready: Shell) -> None:
    """Without --write nothing is written; a client keeps its token from one time to the next."""
    shown = ready.run("connect", "aider", "--json").json
    folder = Home(ready.root).root / "clients"
    before = folder.exists()
    written = ready.run("connect", "aider", "--write", "--json").json
    (file,) = folder.iterdir()

    assert not before
    assert shown["files"] == written["files"]
    assert written["files"][0]["text"] == file.read_text()
    assert 0o700 == folder.stat().st_mode & 0o777
    assert ["aider"] == [c["name"] for c in ready.run("token", "list", "--json").json["clients"]]
    assert "http://127.0.0.1:7437/v1" in ready.run("connect", "aider").out


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_other_machines_are_let_in_only_on_request(ready: Shell, host: str) -> None:
    """Anything but this machine itself needs the flag, and is refused before anything is loaded."""
    ran = ready.run("serve", "--host", host)

    assert 2 == ran.code
    assert "--expose" in ran.err


def test_the_start_says_what_other_machines_may_call_it(ready: Shell, monkeypatch) -> None:
    """On standard error, beside the address, and only where there is something to say."""
    from persona.daemon import process
    from persona.daemon.place import Place

    def serve(_persona, *, host, port, expose, on_ready) -> None:
        on_ready(Place(pid=1, host=host, port=port))

    monkeypatch.setattr(process, "serve", serve)
    everywhere = ready.run("serve", "--host", "0.0.0.0", "--expose")
    one = ready.run("serve", "--host", "192.168.1.5", "--expose", "--json")
    here = ready.run("serve")

    assert "http://127.0.0.1:7437" == everywhere.out.strip()
    assert "no other machine is let in yet" in everywhere.err
    assert "let in as 192.168.1.5:7437" in one.err
    assert {"pid": 1, "url": "http://192.168.1.5:7437"} == one.json
    assert "machine" not in here.err


def test_connect_says_the_length_that_is_served(ready: Shell) -> None:
    """As far as it is known: a client can be set up before there is a base."""

    def limit(shell: Shell) -> object:
        (file,) = shell.run("connect", "opencode", "--json").json["files"]
        return json.loads(file["text"])["provider"]["persona"]["models"]["persona"].get("limit")

    before = limit(ready)
    base = SimpleNamespace(served_context=lambda wanted: wanted or 4096)
    ready.known["base"] = base
    after = limit(ready)

    assert (None, {"context": 4096, "output": 1024}) == (before, after)


def test_serving_before_init(shell: Shell) -> None:
    """The error says what to do first."""
    ran = shell.run("serve", "--port", "0")

    assert 2 == ran.code
    assert "persona init" in ran.err


def test_status_says_whether_a_daemon_runs(ready: Shell) -> None:
    """For people and for programs; one that does not answer is no reason to say nothing."""
    from persona.daemon.place import only_daemon, tell_place

    home = Home(ready.root)
    home.token.write_text("secret")
    none = ready.run("status", "--json").json["daemon"]
    with only_daemon(home):
        tell_place(home, host="127.0.0.1", port=1)
        running = ready.run("status", "--json").json["daemon"]
        told = ready.run("status").out

    assert none is None
    assert "http://127.0.0.1:1" == running["url"]
    assert "does not answer" in running["capture"]["trouble"]
    assert "does not answer" in told


def test_a_daemon_that_is_busy_is_no_trouble(ready: Shell, monkeypatch) -> None:
    """One that takes the question and does not answer soon; `status` says that, and does not wait."""
    from persona.daemon.place import only_daemon, tell_place

    monkeypatch.setattr("persona.cli.care._SOON", 0.1)
    home = Home(ready.root)
    home.token.write_text("secret")
    with only_daemon(home), socket.create_server(("127.0.0.1", 0)) as busy:
        tell_place(home, host="127.0.0.1", port=busy.getsockname()[1])
        found = ready.run("status", "--json").json["daemon"]["capture"]
        told = ready.run("status").out

    assert found["trouble"] is None
    assert found["late"].endswith("did not answer within 0.1 seconds")
    assert found["late"] in told
    assert "trouble" not in told
