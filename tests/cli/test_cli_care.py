"""The home: made once, looked at, checked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from cli_parts import FINGERPRINT, Past, Shell

from persona.errors import Busy, PreparationFailed
from persona.lock import home_lock


@dataclass(frozen=True)
class Prepared:
    name: str
    fingerprint: str = FINGERPRINT
    architecture: str = "llama"


@pytest.fixture
def prepares(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Bases that were asked for; each is ready at once, without the network."""
    asked: list[str] = []

    def prepare_base(home: object, spec: str, *, progress: Any) -> Prepared:
        asked.append(spec)
        progress("download", 1, 2)
        progress("download", 2, 2)
        return Prepared(spec.removeprefix("hf:").lower().replace("/", "-"))

    monkeypatch.setattr("persona.base.prepare_base", prepare_base, raising=False)
    return asked


def test_init_makes_a_private_home(shell: Shell, prepares: list[str]) -> None:
    """Store, registry and token are there, for nobody else, whatever the umask."""
    before = os.umask(0)
    try:
        ran = shell.run("init", "--json")
    finally:
        os.umask(before)

    assert ["smollm2-135m"] == prepares
    assert {
        "home": str(shell.root),
        "identity": "me",
        "base": "smollm2-135m",
        "fingerprint": FINGERPRINT,
    } == ran.json
    assert "download\n" == ran.err
    assert [] == [
        str(place) for place in [shell.root, *shell.root.rglob("*")] if place.stat().st_mode & 0o077
    ]
    assert 32 <= len((shell.root / "token").read_text())
    assert 0 == shell.run("revisions").code


def test_init_again_keeps_everything(shell: Shell, past: Past, prepares: list[str]) -> None:
    """Token, store and revisions stay."""
    shell.run("init")
    token = (shell.root / "token").read_bytes()

    assert 0 == shell.run("init").code
    assert token == (shell.root / "token").read_bytes()
    assert past.r2.id == shell.registry().champion()


def test_init_with_another_base(shell: Shell, prepares: list[str]) -> None:
    """The base that was asked for is the one that is used from then on."""
    shell.run("init", "--base", "hf:Qwen/Tiny")

    assert "qwen-tiny" == shell.persona().settings.base.name


def test_init_never_edits_a_configuration(shell: Shell, prepares: list[str]) -> None:
    """It says what to write instead."""
    shell.root.mkdir()
    (shell.root / "config.toml").write_text("[train]\nseed = 4\n")

    ran = shell.run("init", "--base", "hf:Qwen/Tiny")

    assert 'put name = "qwen-tiny" under [base]' in ran.err
    assert "[train]\nseed = 4\n" == (shell.root / "config.toml").read_text()


def test_init_that_fails(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network is exit code 9, and init can be run again."""

    def fail(*_: object, **__: object) -> None:
        raise PreparationFailed("smollm2-135m", "no network", "try again")

    monkeypatch.setattr("persona.base.prepare_base", fail, raising=False)
    ran = shell.run("init")

    assert (9, "") == (ran.code, ran.out)
    assert "no network" in ran.err


def test_identities_are_apart(shell: Shell, past: Past, prepares: list[str]) -> None:
    """Another identity has to be made first, and then has a history of its own."""
    shell.environ = {"PERSONA_IDENTITY__NAME": "ann"}
    assert 2 == shell.run("revisions").code

    shell.run("init")
    assert ["r0"] == [row["ref"] for row in shell.run("revisions", "--json").json["revisions"]]


def test_status(shell: Shell, past: Past) -> None:
    """Who answers, what is there, how the last night ended."""
    found = shell.run("status", "--json").json

    assert {"id": past.r2.id, "ref": "r2"} == found["champion"]
    assert (2, 1, 0, 0) == (found["preferences"], found["habits"], found["interactions"], found["candidates"])
    assert ("promoted", past.r2.id) == (found["last_night"]["outcome"], found["last_night"]["revision"])
    assert found["busy"] is False
    with home_lock(shell.root):
        assert shell.run("status", "--json").json["busy"] is True


@pytest.mark.parametrize(
    ("capture", "rows"),
    [
        (None, []),
        ({"kept": 3, "lost": 0, "trouble": None, "unread": 0, "unread_for": None}, ["3, and 0 lost"]),
        (
            {"kept": 3, "lost": 1, "trouble": "disk full", "unread": 2, "unread_for": "no messages"},
            ["3, and 1 lost", "disk full", "2, the last because no messages"],
        ),
        ({"trouble": "it does not answer"}, ["it does not answer"]),
    ],
)
def test_status_tells_what_the_daemon_could_not_keep(
    shell: Shell, past: Past, monkeypatch: pytest.MonkeyPatch, capture: Any, rows: list[str]
) -> None:
    """And what passed by unread; nothing where nobody can say."""
    place = SimpleNamespace(pid=1, url="http://127.0.0.1:1")
    monkeypatch.setattr("persona.daemon.place.find_daemon", lambda _: place)
    monkeypatch.setattr("persona.cli.care._capture", lambda _: capture)
    told = shell.run("status").out
    assert "http://127.0.0.1:1, pid 1\n" in told
    assert [each for each in rows if each in told] == rows
    assert ("kept by it" in told) == (capture is not None and "kept" in capture)
    assert capture == shell.run("status", "--json").json["daemon"]["capture"]


def test_status_for_people(shell: Shell, past: Past) -> None:
    """One line each, without a word on standard error."""
    ran = shell.run("status")

    assert any(line.split() == ["champion", "r2"] for line in ran.out.splitlines())
    assert (0, "") == (ran.code, ran.err)


def test_a_moment_s_look_makes_nobody_busy(shell: Shell, past: Past) -> None:
    """`status` tries the lock for a moment; whoever wants it waits that long."""
    with home_lock(shell.root), pytest.raises(Busy), shell.persona().lock():
        pass
    with shell.persona().lock():
        pass


def checks(shell: Shell) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in shell.run("doctor", "--json").json["checks"]}


def test_doctor_finds_what_is_missing(shell: Shell, past: Past) -> None:
    """No base yet is a failure that says what to do; the rest is fine."""
    ran = shell.run("doctor", "--json")
    found = {check["name"]: check for check in ran.json["checks"]}

    assert 1 == ran.code
    assert "failure" == found["base"]["state"]
    assert "run `persona init` first" in found["base"]["what"]
    assert ["base"] == [name for name, check in found.items() if check["state"] == "failure"]
    assert ("2 revisions", "r2") == (found["adapters"]["what"], found["champion"]["what"])


def test_doctor_is_content(shell: Shell, past: Past) -> None:
    """With a base nothing is missing, and the exit code says so."""
    shell.known["base"] = Prepared("tiny")
    ran = shell.run("doctor")

    assert 0 == ran.code
    assert any(line.split()[:2] == ["base", "ok"] for line in ran.out.splitlines())


def test_doctor_before_init(shell: Shell) -> None:
    """Even without a home every check ends."""
    found = checks(shell)

    assert {"base", "store", "adapters", "champion"} <= {
        n for n, c in found.items() if c["state"] == "failure"
    }


def test_doctor_with_a_broken_configuration(shell: Shell, past: Past) -> None:
    """What cannot be read is the finding, and the machine is still looked at."""
    (shell.root / "config.toml").write_text("[trian]\n")
    found = checks(shell)

    assert "failure" == found["settings"]["state"]
    assert "did you mean 'train'" in found["settings"]["what"]
    assert "ok" == found["python"]["state"]


def test_doctor_names_a_missing_package(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what it is needed for."""
    monkeypatch.setattr("persona.cli.checks._PACKAGES", (("no-such-package", "training"),))

    assert ("failure", "not installed; needed for training") == (
        checks(shell)["no-such-package"]["state"],
        checks(shell)["no-such-package"]["what"],
    )


@pytest.fixture
def whole(shell: Shell, past: Past, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A home with a base, all as it was written."""
    shell.known["base"] = Prepared("tiny")
    monkeypatch.setattr("persona.base.verify_base", lambda base: None)
    return shell


def test_fsck_of_a_whole_home(whole: Shell) -> None:
    """Nothing to report."""
    for deep in ([], ["--deep"]):
        ran = whole.run("fsck", *deep, "--json")
        assert (0, {"problems": []}) == (ran.code, ran.json)


def test_fsck_deep_finds_one_changed_byte(whole: Shell, past: Past) -> None:
    """A flipped byte in a revision's weights is damage, with the file's name; only --deep reads them."""
    weights = past.r1.file("adapter_model.safetensors")
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))

    assert 0 == whole.run("fsck").code
    ran = whole.run("fsck", "--deep")
    assert 5 == ran.code
    assert str(weights) in ran.out
    assert ran.out.startswith("adapters: damage: ")


def test_fsck_finds_a_readable_store(whole: Shell) -> None:
    """A store that others may read is exposed."""
    store = whole.persona().paths.store
    store.chmod(0o644)
    ran = whole.run("fsck", "--json")

    assert 5 == ran.code
    assert [("modes", "exposed", str(store))] == [
        (p["part"], p["kind"], p["where"]) for p in ran.json["problems"]
    ]


def test_fsck_finds_a_damaged_base(shell: Shell, past: Past) -> None:
    """A base that cannot be read is damage too."""
    ran = shell.run("fsck", "--json")

    assert 5 == ran.code
    assert ["base"] == [problem["part"] for problem in ran.json["problems"]]


def test_fsck_lets_leftovers_be(whole: Shell) -> None:
    """What a run in progress staged is named and is no failure."""
    whole.registry().stage("run-9")
    ran = whole.run("fsck", "--json")

    assert 0 == ran.code
    assert ["leftover"] == [problem["kind"] for problem in ran.json["problems"]]


def test_fsck_changes_nothing(whole: Shell) -> None:
    """Every file is as before."""
    before = {file: file.read_bytes() for file in whole.root.rglob("*") if file.is_file()}
    whole.run("fsck", "--deep")

    assert before == {file: file.read_bytes() for file in whole.root.rglob("*") if file.is_file()}
