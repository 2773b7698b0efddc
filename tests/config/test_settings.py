"""Settings come from one file and the environment, and nothing misspelt is ever taken for set."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path

import pytest

from persona.config import GateSettings, KeepSettings, Settings, read_settings
from persona.errors import BadInput
from persona.promote import GatePolicy, RetentionPolicy


def written(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_defaults_without_a_file(tmp_path: Path) -> None:
    """A home without config.toml has the defaults."""
    settings = read_settings(tmp_path / "config.toml", {"PATH": "/bin", "PERSONA_HOME": str(tmp_path)})

    assert Settings() == settings
    assert ("smollm2-135m", "me") == (settings.base.name, settings.identity.name)


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    """PERSONA_TRAIN__SEED replaces the file's seed and leaves its neighbours."""
    file = written(tmp_path, '[train]\nseed = 1\nquantisation = "nf4"\n[serve]\nthreads = 2\n')

    settings = read_settings(file, {"PERSONA_TRAIN__SEED": "7"})

    assert (7, "nf4", 2) == (settings.train.seed, settings.train.quantisation, settings.serve.threads)


def test_settings_cannot_be_changed() -> None:
    """What was read once stays as it was read."""
    with pytest.raises(ValueError, match="frozen"):
        Settings().train.seed = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        ("[trian]\nseed = 1\n", {}, "[trian]: unknown section; did you mean 'train'?"),
        ("[train]\nsede = 1\n", {}, "[train] sede: unknown key; did you mean 'seed'?"),
        ("[identity]\nzzz = 1\n", {}, "[identity] zzz: unknown key; known are name"),
        ("", {"PERSONA_TRAIN__SEDE": "1"}, "PERSONA_TRAIN__SEDE: unknown key; did you mean 'seed'?"),
        ("", {"PERSONA_TRIAN__SEED": "1"}, "PERSONA_TRIAN__SEED: unknown section; did you mean 'train'?"),
        ("", {"PERSONA_TRAIN_SEED": "1"}, "PERSONA_TRAIN_SEED: two underscores"),
        ("[train]\nseed = -1\n", {}, "[train] seed: input should be greater than or equal to 0, not -1"),
        ("", {"PERSONA_SERVE__THREADS": "x"}, "PERSONA_SERVE__THREADS: input should be a valid integer"),
        ('[identity]\nname = "../me"\n', {}, "[identity] name: string should match"),
        ("train = 3\n", {}, "[train]: input should be"),
        ("train = 3\n", {"PERSONA_TRAIN__SEED": "1"}, "[train]: input should be"),
        ("[train\n", {}, "not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, environ: dict[str, str], expected: str) -> None:
    """A wrong name or value is one line that says where it stands, what it is and what was meant."""
    with pytest.raises(BadInput) as caught:
        read_settings(written(tmp_path, text), environ)

    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_wrong_setting_is_named_at_once(tmp_path: Path) -> None:
    """Two mistakes are reported together."""
    with pytest.raises(BadInput) as caught:
        read_settings(written(tmp_path, "[train]\nseed = -1\nsede = 2\n"), {})

    assert "seed: input" in str(caught.value)
    assert "sede: unknown" in str(caught.value)


def test_the_gate_knows_every_threshold() -> None:
    """[gate] has exactly the thresholds of the policy, and leaves them alone unless told."""
    assert {field.name for field in fields(GatePolicy)} == set(GateSettings.model_fields) - {"auto_rollback"}
    assert {"auto_rollback": False} == GateSettings().model_dump(exclude_none=True)


def test_retention_is_named_as_in_its_policy() -> None:
    """[keep] has exactly the numbers of the policy, with the same defaults."""
    assert asdict(RetentionPolicy()) == KeepSettings().model_dump()


def test_other_variables_are_left_alone(tmp_path: Path) -> None:
    """Variables that do not name a section belong to somebody else."""
    assert Settings() == read_settings(
        tmp_path / "config.toml", {"PERSONA_EDITION": "x", "PERSONAL__SEED": "1"}
    )
