"""Who may talk to the daemon."""

from __future__ import annotations

import json
import os

import pytest

from persona.daemon.tokens import OWN, Tokens
from persona.errors import BadInput, Damaged
from persona.paths import Home


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def tokens(home) -> Tokens:
    return Tokens(home, own_identity="me")


def test_the_homes_own_token_is_made_once(home, tokens) -> None:
    """It is 256 random bits, stays what it is, and opens the home's own identity."""
    own = tokens.own()

    assert own == tokens.own() == home.token.read_text()
    assert len(own) >= 43
    assert (OWN, "me") == (tokens.find(own).name, tokens.find(own).identity)


def test_files_are_private_whatever_the_umask(home, tokens) -> None:
    """Nobody else on the machine reads a token."""
    before = os.umask(0)
    try:
        tokens.own()
        tokens.add("aider")
    finally:
        os.umask(before)

    assert [0o600] * 2 == [file.stat().st_mode & 0o777 for file in (home.token, home.tokens)]


def test_a_client_has_a_token_of_its_own(tokens) -> None:
    """Each client is known by its name and opens the identity that it was made for."""
    aider, chat = tokens.add("aider"), tokens.add("open-webui", identity="ana")

    assert ("aider", "me") == (tokens.find(aider.token).name, tokens.find(aider.token).identity)
    assert "ana" == tokens.find(chat.token).identity
    assert ["aider", "open-webui"] == [client.name for client in tokens.clients()]
    assert aider.token != chat.token
    assert len(aider.token) >= 43


@pytest.mark.parametrize("shown", ["", "wrong", "\ud800", "é" * 50])
def test_nobodys_token(tokens, shown: str) -> None:
    """What is not known opens nothing, whatever it is made of."""
    tokens.own()
    tokens.add("aider")

    assert tokens.find(shown) is None


def test_an_empty_token_file_opens_nothing(home, tokens) -> None:
    """A file that was emptied by accident is no token of no letters."""
    home.token.write_text("")

    assert tokens.find("") is None


def test_what_another_process_changes_is_seen(home, tokens) -> None:
    """A client that is added or removed beside the daemon is let in or kept out at once."""
    beside = Tokens(home, own_identity="me")
    tokens.own()
    added = beside.add("aider")
    found = tokens.find(added.token)
    beside.remove("aider")

    assert "aider" == found.name
    assert tokens.find(added.token) is None


@pytest.mark.parametrize("name", ["aider", OWN, "Aider", "../x", ""])
def test_names_that_are_taken_or_no_names(tokens, name: str) -> None:
    """A name stands for one client, and is fit to be a source."""
    tokens.add("aider")
    with pytest.raises(BadInput):
        tokens.add(name)


def test_removing_nobody(tokens) -> None:
    """A name that is not known is said to be so."""
    with pytest.raises(BadInput, match="no client 'aider'"):
        tokens.remove("aider")


@pytest.mark.parametrize("written", ["{", '{"a": 1}', json.dumps([{"name": "aider"}])])
def test_a_damaged_file_is_not_taken_for_an_empty_one(home, tokens, written: str) -> None:
    """Otherwise the next client that is added would lock all others out for good."""
    home.tokens.write_text(written)
    with pytest.raises(Damaged, match="not a list of clients"):
        tokens.add("aider")
    assert written == home.tokens.read_text()


def test_a_token_never_shows_by_accident(tokens) -> None:
    """Not in what a log would print."""
    client = tokens.add("aider")

    assert client.token not in repr(client)
