"""The night, start to end (`run_night`), and what comes after one that was cut off (`recover`)."""

from persona.nightly.night import Night, NightResult
from persona.nightly.recovery import Recovered, clear_logs, recover
from persona.nightly.run import run_night

__all__ = [
    "Night",
    "NightResult",
    "Recovered",
    "clear_logs",
    "recover",
    "run_night",
]
