"""gc, pin, unpin: a dry run unless told otherwise, and reasons for everything."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from cli_parts import Past, Shell


def test_gc_only_says_what_it_would_do(shell: Shell, past: Past) -> None:
    """Nothing is removed without --yes; every revision has its reason."""
    (shell.root / "config.toml").write_text("[keep]\nformer = 0\nrejected_days = 0\n")
    ran = shell.run("gc")
    assert 0 == ran.code
    assert "r1        rejected  no     rejected more than 0 days ago" in ran.out
    assert "the champion" in ran.out
    assert "nothing was removed; --yes removes r1" in ran.err
    assert {"adapter_config.json", "adapter_model.safetensors"} <= {
        path.name for path in past.r1.path.iterdir()
    }


def test_gc_yes(shell: Shell, past: Past) -> None:
    """What goes is retired in the log, and fsck's part of the registry is content."""
    (shell.root / "config.toml").write_text("[keep]\nrejected_days = 0\n")
    assert ["r1"] == shell.run("gc", "--yes", "--json").json["removed"]
    states = {row["ref"]: row["state"] for row in shell.run("revisions", "--json").json["revisions"]}
    assert {"r0": "former", "r1": "retired", "r2": "champion"} == states
    assert ["manifest.json"] == [path.name for path in past.r1.path.iterdir()]
    assert [] == shell.registry().verify(deep=True)
    assert "0 removed" in shell.run("gc", "--yes").out


def test_a_pin_keeps(shell: Shell, past: Past) -> None:
    """Until it is taken back."""
    (shell.root / "config.toml").write_text("[keep]\nrejected_days = 0\n")
    assert "r1 is pinned\n" == shell.run("pin", "r1").out
    assert [] == shell.run("gc", "--yes", "--json").json["removed"]
    assert "r1 is no longer pinned\n" == shell.run("unpin", "r1").out
    assert ["r1"] == shell.run("gc", "--json").json["would_remove"]
    assert 2 == shell.run("pin", "r9").code


def test_gc_waits_for_nobody(shell: Shell, past: Past) -> None:
    """While a night runs it is busy, exit code 75; a dry run needs no lock."""
    with shell.persona() as persona, persona.lock():
        assert 75 == shell.run("gc", "--yes").code
        assert 0 == shell.run("gc").code


def test_what_a_daemon_has_loaded_stays(shell: Shell, past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for the clean-up, from whatever process."""
    (shell.root / "config.toml").write_text("[keep]\nrejected_days = 0\n")
    daemon = SimpleNamespace(loaded=lambda persona: [past.r1.id])
    monkeypatch.setattr("persona.daemon.elsewhere.DaemonNights.of", lambda persona: daemon)
    assert [] == shell.run("gc", "--yes", "--json").json["removed"]
    assert "in use" in shell.run("gc").out
