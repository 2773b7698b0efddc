"""Several lives at a time: lanes, each a process on its own share of the cores.

Training a small base makes poor use of a second core (1.3 times as fast on two), so two lives side by side
are done sooner than one after the other. A life belongs to one lane at a time, its nights come in order.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from learning.cells import Case
from learning.grid import Deadline
from learning.journal import Journal
from learning.running import JOURNAL, Measured, Measuring, Ran, measure, ran, to_stderr
from persona.engine.cores import own_cores

_INTERRUPTED = 130


def usual() -> int:
    """Two, where there are cores for two: a lane of persona's takes 3 GB of memory."""
    return min(2, own_cores())


def run(measuring: Measuring, wanted: Sequence[Case], folder: Path, *, deadline: Deadline, lanes: int) -> Ran:
    """The wanted cells, old and new. Ctrl-C ends the measuring and keeps what there is."""
    journal = folder / JOURNAL
    keys = {case: measuring.key(case) for case in wanted}
    kept = sum(key in Journal(journal).cells for key in keys.values())
    to_stderr(f"{kept} of {len(wanted)} cells are there already")
    if kept == len(wanted):
        done = Measured(failed=0, interrupted=False)
    elif lanes < 2:
        done = measure(measuring, keys, folder, deadline=deadline, tell=to_stderr)
    else:
        with tempfile.TemporaryDirectory(prefix="persona-lanes-") as claims:
            done = _side_by_side(measuring, keys, folder, deadline, lanes, Path(claims))
    return ran(keys, Journal(journal), done)


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
    codes = [process.exitcode or 0 for process in processes]
    return Measured(
        failed=sum(code for code in codes if 0 < code < _INTERRUPTED),
        interrupted=interrupted or any(code < 0 or code == _INTERRUPTED for code in codes),
    )


def _lane(
    measuring: Measuring,
    keys: dict[Case, str],
    folder: Path,
    minutes: float | None,
    cores: frozenset[int],
    claims: Path,
) -> None:
    """Its exit code says how many cells failed, or that it was interrupted."""
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
    raise SystemExit(_INTERRUPTED if done.interrupted else min(done.failed, _INTERRUPTED - 1))


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
    """The cores dealt to so many lanes, neighbours together; a lane without a core of its own has all."""
    each = len(cores) // lanes
    return [frozenset(cores[n * each : (n + 1) * each] if each else cores) for n in range(lanes)]
