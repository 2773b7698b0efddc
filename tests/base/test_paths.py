"""Where things lie in a home, and that nobody else can look."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from persona.errors import BadInput
from persona.paths import Home, make_private


def test_the_home_is_where_the_variable_says(monkeypatch, tmp_path):
    """PERSONA_HOME wins; "~" is the user's home."""
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path))
    assert tmp_path == Home.default().root

    monkeypatch.setenv("PERSONA_HOME", "~/p")
    assert Path.home() / "p" == Home.default().root


def test_without_the_variable_it_is_where_the_system_keeps_data(monkeypatch, tmp_path):
    """And asking creates nothing."""
    monkeypatch.delenv("PERSONA_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    root = Home.default().root

    assert "persona" == root.name
    assert not root.exists()


def test_an_identity_has_a_folder_of_its_own(tmp_path):
    """Nothing of one identity lies in another's."""
    mine, theirs = Home(tmp_path).identity("me"), Home(tmp_path).identity("them")

    assert tmp_path / "identities" / "me" / "store.db" == mine.store
    assert tmp_path / "identities" / "me" / "adapters" == mine.adapters
    assert not theirs.store.is_relative_to(mine.folder)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/a", "A", "-a", "_a", "a.b", "a\n", "a\0", "é", "a" * 65]
)
def test_no_name_leads_out_of_the_home(tmp_path, name):
    """Names become folder names only if they are plain."""
    with pytest.raises(BadInput, match="name"):
        Home(tmp_path).base(name)
    with pytest.raises(BadInput, match="name"):
        Home(tmp_path).identity(name)


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_private_folders_are_private_whatever_the_umask(tmp_path, umask):
    """Missing parents too; those that exist keep their mode."""
    tmp_path.chmod(0o755)
    before = os.umask(umask)
    try:
        made = make_private(tmp_path / "a" / "b")
    finally:
        os.umask(before)

    assert [0o700, 0o700] == [path.stat().st_mode & 0o777 for path in (made, made.parent)]
    assert 0o755 == tmp_path.stat().st_mode & 0o777


def test_a_folder_that_was_open_to_others_is_closed(tmp_path):
    """Made by hand, or by an older umask."""
    (tmp_path / "open").mkdir(mode=0o755)

    assert 0o700 == make_private(tmp_path / "open").stat().st_mode & 0o777


def test_a_file_in_the_way_is_told(tmp_path):
    """In one line."""
    (tmp_path / "file").write_text("")

    with pytest.raises(BadInput, match="file"):
        make_private(tmp_path / "file" / "home")
