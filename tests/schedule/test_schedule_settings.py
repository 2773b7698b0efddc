"""[schedule] is checked where it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from persona.config import read_settings
from persona.errors import BadInput


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WINDOW", "23-7", "give two times of day as HH:MM-HH:MM, for example 23:00-07:00, not '23-7'"),
        ("WINDOW", "24:00-07:00", "give two times of day"),
        ("WINDOW", "23:00-07:00\n", "give two times of day"),
        ("IDLE_MINUTES", "-1", "greater than or equal to 0, not '-1'"),
        ("MAX_LOAD", "0", "greater than 0"),
        ("RETRIES", "11", "less than or equal to 10"),
        ("ON_BATERY", "true", "did you mean 'on_battery'?"),
    ],
)
def test_wrong_values(name: str, value: str, said: str, tmp_path: Path) -> None:
    """Each is refused with its variable's name and what would be right."""
    with pytest.raises(BadInput, match="PERSONA_SCHEDULE__") as refused:
        read_settings(tmp_path / "config.toml", {f"PERSONA_SCHEDULE__{name}": value})

    assert said in str(refused.value)


def test_a_section_of_the_file(tmp_path: Path) -> None:
    """TOML says the same."""
    (tmp_path / "config.toml").write_text('[schedule]\nwindow = "00:00-06:00"\non_battery = true\n')
    schedule = read_settings(tmp_path / "config.toml", {}).schedule

    assert ("00:00-06:00", True, 30) == (schedule.window, schedule.on_battery, schedule.idle_minutes)
