"""Eight simulated people who teach, each in their own way: what learning is measured on. See README.md."""

from __future__ import annotations

from people.albrecht import ALBRECHT
from people.hanna import HANNA
from people.person import NIGHTS, Ask, HeldOut, Person, Wish
from people.tomas import TOMAS
from people.writers import INES, NELL, OTTO, RUBEN, WIM

PEOPLE: tuple[Person, ...] = (NELL, OTTO, ALBRECHT, TOMAS, INES, RUBEN, WIM, HANNA)

__all__ = ["NIGHTS", "PEOPLE", "Ask", "HeldOut", "Person", "Wish"]
