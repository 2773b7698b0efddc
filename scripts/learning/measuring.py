"""One cell: judged as its person would, and written down."""

from __future__ import annotations

import os
from functools import cache

from bench_loop import this_machine
from people import PEOPLE, Person

from learning.asking import Asking, expectations
from learning.cells import Case, Cell
from learning.grading import grade
from learning.judging import Judge
from learning.kept import key_of
from learning.mornings import Morning
from persona.engine.cores import own_cores

BY_ID = {person.id: person for person in PEOPLE}


def cell_of(case: Case, key: str, morning: Morning, *, person: Person, judge: Judge, code: str) -> Cell:
    """The morning's answers to the person's held-out requests, and all else that a cell holds."""
    held_out = judge.asking.held_out(person, case.night)
    judged = judge.judge(morning, [asked.prompt for asked in held_out])
    grades = grade(held_out, judged.answers, night=case.night)
    return Cell(
        key=key,
        case=case,
        adoption=grades.adoption,
        retention=grades.retention,
        residue=grades.residue,
        calls=grades.calls,
        wishes=grades.wishes,
        contested=grades.contested,
        right=grades.right,
        drift=judged.drift,
        abilities=judged.abilities,
        form=judged.form,
        bytes=morning.bytes,
        revision=morning.revision,
        training=morning.training,
        judging={
            "seconds": round(sum(judged.seconds.values()), 1),
            "cpu_seconds": judged.cpu_seconds,
            **judged.seconds,
        },
        verdict=morning.verdict,
        code=code,
        machine=f"{this_machine()['cpu']}, {own_cores()} of {os.cpu_count()} cores",
    )


@cache
def asked_key(asking: Asking, person: str, night: int) -> str:
    """Changes with every request and with every rule that decides whether an answer is right."""
    return key_of({"held_out": expectations(asking.held_out(BY_ID[person], night))})


@cache
def taught_key(person: str, nights: int, seed: int) -> str:
    """Changes with what the person teaches on the nights up to this one."""
    return key_of({"taught": [BY_ID[person].teaching(night, seed) for night in range(1, nights + 1)]})
