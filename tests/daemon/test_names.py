"""Names that other machines may call the daemon by."""

from __future__ import annotations

import pytest

from persona.config import ServeSettings
from persona.daemon.names import access, other_machines

PORT = 7437


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("persona.lan", "persona.lan:7437"),
        ("Persona.LAN", "persona.lan:7437"),
        ("persona.lan:8080", "persona.lan:8080"),
        ("192.168.1.5", "192.168.1.5:7437"),
        ("fd00::5", "[fd00::5]:7437"),
        ("[fd00::5]", "[fd00::5]:7437"),
        ("[fd00::5]:80", "[fd00::5]:80"),
    ],
)
def test_a_name_is_what_a_client_sends(name: str, header: str) -> None:
    """As it stands in a Host header, with the port that is listened on if it names none."""
    assert {header} == access(ServeSettings(hosts=(name,)), "0.0.0.0", PORT).hosts


def test_what_is_listened_on_is_a_name() -> None:
    """An address of this machine, of either kind; everywhere is none."""
    hosts = [access(ServeSettings(), host, PORT).hosts for host in ("192.168.1.5", "fd00::5", "::")]

    assert [{"192.168.1.5:7437"}, {"[fd00::5]:7437"}, set()] == hosts


def test_an_origin_is_what_a_browser_sends() -> None:
    """Which has no slash at its end, however the address was copied."""
    settings = ServeSettings(origins=("https://chat.example/", "app://mine"))

    assert {"https://chat.example", "app://mine"} == access(settings, "127.0.0.1", PORT).origins


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_who_listens_everywhere_hears_that_nobody_is_let_in(host: str) -> None:
    """Everywhere is no name: what to set is said at the start, and once it is set, the names."""
    none = other_machines(ServeSettings(), host, PORT)
    some = other_machines(ServeSettings(hosts=("persona.lan", "192.168.1.5")), host, PORT)

    assert none is not None
    assert "no other machine" in none
    assert "hosts = [" in none
    assert some is not None
    assert "let in as 192.168.1.5:7437, persona.lan:7437;" in some


def test_one_address_is_its_own_name() -> None:
    """What is listened on is a name that others may use."""
    said = other_machines(ServeSettings(), "192.168.1.5", PORT)

    assert said is not None
    assert "let in as 192.168.1.5:7437;" in said


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_for_this_machine_alone_there_is_nothing_to_say(host: str) -> None:
    """The usual start has no word more."""
    assert other_machines(ServeSettings(hosts=("persona.lan",)), host, PORT) is None
