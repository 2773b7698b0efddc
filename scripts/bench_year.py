"""What a night has to read and what it learns from, after a week of use and after a year.

Simulated people (scripts/people) teach week after week; their prompts are told apart from those of other
weeks, so that hardly one is taken for a repetition. Distilling is measured, with the store's size: training
and judging depend on the examples alone, whose number is bounded.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench_loop import this_machine
from learning.lives import import_talks
from people import NIGHTS, PEOPLE, Person

from persona.distill import distill
from store import Store

_WEEK = timedelta(days=7)
_SHAPE = "%Y-%m-%dT%H:%M:%SZ"
_MONTHS = ("January", "March", "May", "July", "September", "November")
_PLACES = ("Lisbon", "Oslo", "Cairo", "Quito", "Hanoi", "Perth", "Tbilisi", "Accra", "Turku")


@dataclass(frozen=True, kw_only=True, slots=True)
class After:
    """`seconds` and `cpu_seconds` of one distil; `peak_bytes` of this process so far."""

    weeks: int
    conversations: int
    seconds: float
    cpu_seconds: float
    train: int
    held_out: int
    store_bytes: int
    peak_bytes: int


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weeks", default="1,4,13,26,52", metavar="1,52", help="after which to measure")
    parser.add_argument("--people", default="nell,hanna", metavar="A,B", help="who teach, all in one store")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args(arguments)
    people = [person for person in PEOPLE if person.id in options.people.split(",")]
    weeks = sorted({int(week) for week in options.weeks.split(",")})
    found = list(measured(people, weeks))
    if options.json:
        print(json.dumps({"machine": this_machine(), "after": [asdict(each) for each in found]}, indent=1))
        return 0
    print("weeks  conversations  distil   of the processor  train  held out  store    memory")
    for each in found:
        print(
            f"{each.weeks:5}  {each.conversations:13}  {each.seconds:4.1f} s   {each.cpu_seconds:14.1f} s"
            f"  {each.train:5}  {each.held_out:8}  {each.store_bytes / 1e6:4.1f} MB"
            f"  {each.peak_bytes / 1e6:3.0f} MB"
        )
    print(f"\n{this_machine()['cpu']}, {this_machine()['cores']} cores")
    return 0


def measured(people: Sequence[Person], weeks: Sequence[int]) -> Iterator[After]:
    """One entry for each of `weeks`, which ascend; every week before is distilled by nobody."""
    with tempfile.TemporaryDirectory(prefix="persona-year-") as folder:
        file = Path(folder) / "store.db"
        with Store.open(file) as store:
            for week in range(1, max(weeks, default=0) + 1):
                import_talks(
                    store,
                    (
                        _of_week(talk, week)
                        for person in people
                        for night in range(1, NIGHTS + 1)
                        for talk in person.teaching(night, seed=week)
                    ),
                )
                if week in weeks:
                    yield _after(store, file, week)


def _of_week(talk: Mapping[str, Any], week: int) -> dict[str, Any]:
    """The conversation, so many weeks later, and its first request about another time and place."""
    at = datetime.strptime(talk["at"], _SHAPE).replace(tzinfo=UTC) + week * _WEEK
    when, where = _MONTHS[week % len(_MONTHS)], _PLACES[week % len(_PLACES)]
    first, *others = talk["messages"]
    asked = {**first, "content": f"{first['content']} (for {where} in {when}, week {week})"}
    return {**talk, "id": f"{talk['id']}-{week}", "at": at.strftime(_SHAPE), "messages": [asked, *others]}


def _after(store: Store, file: Path, week: int) -> After:
    began, worked = time.monotonic(), time.process_time()
    done = distill(store, now=datetime(2026, 11, 2, tzinfo=UTC) + (week + 1) * _WEEK)
    return After(
        weeks=week,
        conversations=len(store.interactions.conversations()),
        seconds=round(time.monotonic() - began, 2),
        cpu_seconds=round(time.process_time() - worked, 2),
        train=len(done.snapshot.train),
        held_out=len(done.snapshot.held_out),
        store_bytes=sum(each.stat().st_size for each in file.parent.glob("store.db*")),
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


if __name__ == "__main__":
    sys.exit(main())
