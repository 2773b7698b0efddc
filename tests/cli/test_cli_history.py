"""Which revisions there are, why, and back."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli_parts import Past, Shell, publish


def test_revisions_lists_all_with_their_states(shell: Shell, past: Past) -> None:
    """r0 is first, then every revision with its derived state."""
    found = shell.run("revisions", "--json").json

    assert past.r2.id == found["champion"]
    assert [("r0", "former"), ("r1", "rejected"), ("r2", "champion")] == [
        (row["ref"], row["state"]) for row in found["revisions"]
    ]
    assert past.r1.build_key == found["revisions"][1]["build_key"]


def test_revisions_for_people(shell: Shell, past: Past) -> None:
    """Without --json it is one line per revision, and nothing on standard error."""
    ran = shell.run("revisions")

    assert ["revision", "r0", "r1", "r2"] == [line.split()[0] for line in ran.out.splitlines()]
    assert past.r2.id in ran.out
    assert (0, "") == (ran.code, ran.err)


def test_damage_does_not_hide_the_others(shell: Shell, past: Past) -> None:
    """A damaged manifest is exit code 5, after the revisions that can be read."""
    (past.r1.path / "manifest.json").write_text("{}")

    ran = shell.run("revisions")

    assert 5 == ran.code
    assert "r2" in ran.out
    assert "manifest.json" in ran.err


def test_rollback_goes_back_and_says_so(shell: Shell, past: Past) -> None:
    """Without a name it is the champion before; with one, that one."""
    back = shell.run("rollback", "--json").json
    assert ("r0", "r2") == (back["ref"], back["before_ref"])

    ran = shell.run("rollback", "r2")
    assert "r2 is the champion now; it was r0\n" == ran.out
    assert past.r2.id == shell.registry().champion()


def test_rollback_without_anything_before(shell: Shell, past: Past) -> None:
    """There is a reason and exit code 2, and nothing changes."""
    shell.run("rollback")
    ran = shell.run("rollback")

    assert (2, "") == (ran.code, ran.out)
    assert "there is no champion before it" in ran.err


def test_a_rejected_revision_needs_yes(shell: Shell, past: Past) -> None:
    """The gate's word stands until the user says otherwise."""
    refused = shell.run("promote", "r1")
    assert 2 == refused.code
    assert "persona report r1" in refused.err
    assert past.r2.id == shell.registry().champion()

    assert 0 == shell.run("promote", "r1", "--yes").code
    assert past.r1.id == shell.registry().champion()


def test_a_candidate_is_promoted_without_yes(shell: Shell, past: Past) -> None:
    """Nothing was decided about r3 yet, so the user decides."""
    r3 = publish(shell.registry(), 3)

    assert r3.id == shell.run("promote", "r3", "--json").json["champion"]


def test_report_says_why(shell: Shell, past: Past) -> None:
    """Outcome, reasons and one line per number, base beside champion beside candidate."""
    ran = shell.run("report", "r1")

    assert ran.out.startswith("r1: rejected, ")
    assert "  “Answer shortly.”: so it is\n" in ran.out
    row = next(line for line in ran.out.splitlines() if line.startswith("“Answer shortly.”"))
    assert 3 == row.count("10 % (1 of 10)")


def test_report_without_a_name_is_the_last_night(shell: Shell, past: Past) -> None:
    """And its JSON holds the whole report."""
    found = shell.run("report", "--json").json

    assert ("promoted", "r2") == (found["outcome"], found["ref"])
    assert {"passed": 9, "asked": 10} == found["report"]["candidate"]["pairs"]
    assert {"seconds": 60} == found["costs"]


def test_samples_cannot_command_the_terminal(shell: Shell, past: Past) -> None:
    """What a model wrote is shown with its control characters as text."""
    ran = shell.run("report", "r2", "--samples")

    assert r"So. \x1b[31mCheers" in ran.out
    assert "\x1b" not in ran.out


def test_reports_that_are_not_there(shell: Shell, past: Past) -> None:
    """A revision that no night of this store made has none."""
    publish(shell.registry(), 3)
    ran = shell.run("report", "r3")

    assert 2 == ran.code
    assert "r3 has no report" in ran.err


def test_export_peft(shell: Shell, past: Past, tmp_path: Path) -> None:
    """The two files that peft reads, byte for byte, private, and never over others."""
    ran = shell.run("export", "r2", str(tmp_path / "out"))

    assert 0 == ran.code
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert past.r2.file(name).read_bytes() == (tmp_path / "out" / name).read_bytes()
        assert 0o600 == (tmp_path / "out" / name).stat().st_mode & 0o777
    assert [str(tmp_path / "out" / "adapter_config.json")] == ran.out.splitlines()[:1]

    again = shell.run("export", "r1", str(tmp_path / "out"))
    assert 2 == again.code
    assert "--force" in again.err
    assert 0 == shell.run("export", "r1", "--force", str(tmp_path / "out")).code
    assert (
        past.r1.file("adapter_model.safetensors").read_bytes()
        == (tmp_path / "out" / "adapter_model.safetensors").read_bytes()
    )


def test_export_gguf(shell: Shell, past: Past, tmp_path: Path) -> None:
    """The adapter that llama.cpp reads, and a Modelfile that names the base it belongs on."""
    r3 = publish(shell.registry(), 3, with_gguf=True)
    shell.known["base"] = SimpleNamespace(
        name="tiny",
        gguf=Path("/bases/tiny/model.gguf"),
        weights=Path("/bases/tiny/weights"),
        eos="<|im_end|>",
    )

    ran = shell.run("export", "r3", "--format", "gguf", str(tmp_path / "out"), "--json")

    assert [str(tmp_path / "out" / name) for name in ("adapter.gguf", "Modelfile")] == ran.json["files"]
    assert r3.file("adapter.gguf").read_bytes() == (tmp_path / "out" / "adapter.gguf").read_bytes()
    modelfile = (tmp_path / "out" / "Modelfile").read_text().splitlines()
    assert [
        "FROM /bases/tiny/model.gguf",
        "ADAPTER ./adapter.gguf",
        'PARAMETER stop "<|im_end|>"',
    ] == modelfile[1:]
    assert r3.id in modelfile[0]


def test_export_leaves_the_folder_as_it_is(shell: Shell, past: Past, tmp_path: Path) -> None:
    """A folder of the user's keeps its mode and its other files."""
    folder = tmp_path / "mine"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "note").write_text("x")

    shell.run("export", "r2", str(folder))

    assert 0o755 == folder.stat().st_mode & 0o777
    assert (folder / "note").exists()


def test_export_refuses_damage_and_the_base(shell: Shell, past: Past, tmp_path: Path) -> None:
    """A changed byte is exit code 5 before anything is written; r0 has nothing to export."""
    weights = past.r2.file("adapter_model.safetensors")
    weights.chmod(0o600)
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")

    assert 5 == shell.run("export", "r2", str(tmp_path / "out")).code
    assert not (tmp_path / "out").exists()
    assert 2 == shell.run("export", "r0", str(tmp_path / "out")).code


@pytest.mark.parametrize("command", [("report",), ("promote",), ("rollback",), ("export", "--format=peft")])
def test_unknown_revisions(shell: Shell, past: Past, tmp_path: Path, command: tuple[str, ...]) -> None:
    """A name that stands for nothing is exit code 2 and one line."""
    where = [str(tmp_path / "out")] if command[0] == "export" else []
    ran = shell.run(*command, "r9", *where)

    assert (2, "", 1) == (ran.code, ran.out, len(ran.err.splitlines()))
    assert ran.err.startswith("persona: no revision 'r9'")


def test_json_is_json(shell: Shell, past: Past, tmp_path: Path) -> None:
    """Every command of this family prints one JSON document with --json."""
    for command in (
        ("revisions",),
        ("report", "r2"),
        ("rollback", "r0"),
        ("promote", "r2"),
        ("export", "r2", str(tmp_path / "out")),
    ):
        assert isinstance(json.loads(shell.run(*command, "--json").out), dict), command
