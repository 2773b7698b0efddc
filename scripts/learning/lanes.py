"""Several lives at a time: lanes, each a process on its own share of the cores.

Training a small base makes poor use of a second core: a night of a chain took 30 seconds on two and 32 on
one. Two lives side by side are done sooner than one after the other. A life belongs to one lane, and its
nights come in order.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from multiprocessing.process import BaseProcess
from pathlib import Path

from learning.cells import Case
from learning.grid import Deadline
from learning.journal import Journal
from learning.running import JOURNAL, Measured, Measuring, Ran, measure, missing_lives, ran, to_stderr
from persona.child.settling import die_with
from persona.engine.cores import own_cores

_FAILED = 100  # and one for each: what a process that breaks by itself exits with is none of these
_MOST_FAILED = 27
_INTERRUPTED = 130


def usual() -> int:
    """Two, where there are cores for two: a lane of persona's takes 3 GB of memory."""
    return min(2, own_cores())


def run(measuring: Measuring, wanted: Sequence[Case], folder: Path, *, deadline: Deadline, lanes: int) -> Ran:
    """The wanted cells, old and new. Ctrl-C ends the measuring and keeps what there is."""
    keys = {case: measuring.key(case) for case in wanted}
    there = Journal(folder / JOURNAL).cells
    to_stderr(f"{sum(key in there for key in keys.values())} of {len(wanted)} cells are there already")
    lanes = min(lanes, missing_lives(measuring, keys, folder))
    if lanes == 0:
        done = Measured(failed=0, interrupted=False)
    elif lanes == 1:  # with all cores
        done = measure(measuring, keys, folder, deadline=deadline, tell=to_stderr)
    else:
        with tempfile.TemporaryDirectory(prefix="persona-lanes-") as claims:
            done = _side_by_side(measuring, keys, folder, deadline, lanes, Path(claims))
    return ran(keys, Journal(folder / JOURNAL), done)


def _side_by_side(
    measuring: Measuring,
    keys: dict[Case, str],
    folder: Path,
    deadline: Deadline,
    lanes: int,
    claims: Path,
) -> Measured:
    # Not forked: what llama.cpp and torch keep of threads does not survive it.
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_lane, args=(measuring, keys, folder, deadline.left(), cores, claims))
        for cores in shares(_cores(), lanes)
    ]
    for process in processes:
        process.start()
    interrupted = False
    while any(process.is_alive() for process in processes):
        try:
            for process in processes:
                process.join()
        except KeyboardInterrupt:
            interrupted = True
            _interrupt(processes)
    codes = [process.exitcode for process in processes]
    failed = [code - _FAILED for code in codes if code and _FAILED < code < _INTERRUPTED]
    broken = any(code != 0 and not (code and _FAILED < code < _INTERRUPTED) for code in codes)
    return Measured(failed=sum(failed), interrupted=interrupted or broken)


def _lane(
    measuring: Measuring,
    keys: dict[Case, str],
    folder: Path,
    minutes: float | None,
    cores: frozenset[int],
    claims: Path,
) -> None:
    """Its exit code says how many cells failed, or that it was interrupted."""
    die_with(os.getppid())
    os.setpgid(0, 0)  # the terminal's Ctrl-C is passed on by whoever started the lanes, once
    if cores:
        os.sched_setaffinity(0, cores)  # children inherit it, and count these for the machine's cores
    done = measure(
        measuring,
        keys,
        folder,
        deadline=Deadline(minutes),
        tell=to_stderr,
        claim=lambda life: _claimed(claims / life),
    )
    if done.interrupted:
        raise SystemExit(_INTERRUPTED)
    raise SystemExit(_FAILED + min(done.failed, _MOST_FAILED) if done.failed else 0)


def _claimed(mark: Path) -> bool:
    """Whether this lane is the first that wants it, in this run."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _interrupt(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        if process.pid is not None and process.is_alive():
            os.kill(process.pid, signal.SIGINT)


def _cores() -> list[int]:
    """Those that this process may use; none where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def shares(cores: Sequence[int], lanes: int) -> list[frozenset[int]]:
    """The cores dealt to so many lanes, neighbours together; where there are too few, each lane has all."""
    if len(cores) < lanes:
        return [frozenset(cores)] * lanes
    ends = [len(cores) * n // lanes for n in range(lanes + 1)]
    return [frozenset(cores[one:other]) for one, other in pairwise(ends)]
