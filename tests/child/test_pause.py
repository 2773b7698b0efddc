"""The user comes first: a child stands still or ends, and its clock knows the difference."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from child_parts import gone

from persona.child import Budget, ChildResult, Pause, end_strays
from persona.child.budget import Usage
from persona.child.pause import Stopwatch
from persona.child.strays import NOTE
from persona.errors import ChildFailed, Yielded

Run = Callable[..., ChildResult]
COUNT = 'for n in range(1000):\n    report("count", n)\n    time.sleep(0.05)\n    if n == 40: return {"n": n}'


class User:
    """At the machine from the first sign of life of the child, for `stay` seconds."""

    def __init__(self, stay: float) -> None:
        self.stay = stay
        self.came: float | None = None
        self.events: list[str] = []
        self.pid = 0
        self.states: list[str] = []

    def listen(self, event: dict) -> None:
        if event["step"] == "pid":
            self.pid = event["done"]
        if self.came is None and event["step"] == "count":
            self.came = time.monotonic()
        self.events.append(event["event"])

    def idle_seconds(self) -> float:
        if self.came is None:
            return float("inf")
        if self.pid:
            self.states.append(psutil.Process(self.pid).status())
        return max(0.0, time.monotonic() - self.came - self.stay)


def test_a_child_stands_still_and_goes_on(run: Run) -> None:
    """Within two seconds; nothing of its work is lost; the time does not count as work."""
    user = User(stay=1.5)
    body = 'report("pid", os.getpid())\n' + COUNT
    began = time.monotonic()
    done = run(body, pause=Pause(idle_seconds=user.idle_seconds, quiet_seconds=0.5), on_progress=user.listen)
    assert {"n": 40} == done.result
    assert psutil.STATUS_STOPPED in user.states
    assert 1.5 < done.usage.paused_seconds < 4
    assert done.usage.seconds < time.monotonic() - began - 1.5
    at = user.events.index("paused")
    assert "continued" in user.events[at:]
    assert "progress" not in user.events[at + 1 : user.events.index("continued")][2:]


def test_standing_still_is_not_work_but_has_an_end(run: Run) -> None:
    """The budget of work is not touched, the limit on all of it is."""
    pause = Pause(idle_seconds=lambda: 0.0, quiet_seconds=10)
    began = time.monotonic()
    with pytest.raises(ChildFailed, match=r"standing still for you; its limit is 2 s"):
        run("time.sleep(60)", pause=pause, budget=Budget(seconds=1, total_seconds=2))
    assert time.monotonic() - began < 10


def test_a_stopped_child_ends_when_it_has_to(run: Run) -> None:
    """A process that stands still hears no SIGTERM; it is gone all the same, and its children too."""
    pids: list[int] = []
    body = """
import subprocess, sys
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
report("pid", os.getpid())
report("pid", other.pid)
time.sleep(60)
"""
    pause = Pause(idle_seconds=lambda: 0.0 if len(pids) == 2 else 99.0, quiet_seconds=10)
    with pytest.raises(ChildFailed):
        run(
            body,
            pause=pause,
            budget=Budget(total_seconds=3),
            on_progress=lambda e: pids.append(e["done"]) if e["step"] == "pid" else None,
        )
    assert [True, True] == [gone(pid) for pid in pids]


def test_a_child_that_cannot_stand_still_is_told_to_end(run: Run) -> None:
    """A stopped process would keep a graphics card's memory: it ends, and says that it comes back."""
    user = User(stay=60)
    pause = Pause(idle_seconds=user.idle_seconds, quiet_seconds=0.5, manner="end")
    with pytest.raises(Yielded, match="goes on when the machine is idle"):
        run('report("pid", os.getpid())\n' + COUNT, pause=pause, on_progress=user.listen)
    assert gone(user.pid)


def test_a_child_that_is_told_to_end_may_keep_what_it_did(run: Run, tmp_path: Path) -> None:
    """It has its parting seconds for that; one that takes longer is made to end."""
    body = """
import signal
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
report("pid", os.getpid())
report("count", 0)
while not told:
    time.sleep(0.01)
open(job["mark"], "w").write("begun")
time.sleep(SAVING)
open(job["mark"], "w").write("done")
return {}
"""
    for saving, parting, left in ((0.5, 30.0, "done"), (60.0, 0.5, "begun")):
        user = User(stay=60)
        mark = tmp_path / left
        with pytest.raises(Yielded):
            run(
                body.replace("SAVING", str(saving)),
                job={"mark": str(mark)},
                pause=Pause(
                    idle_seconds=user.idle_seconds, quiet_seconds=0.5, manner="end", parting_seconds=parting
                ),
                on_progress=user.listen,
            )
        assert left == mark.read_text()
        assert gone(user.pid)


def test_the_stopwatch_keeps_two_sums() -> None:
    """Work and standing still add up to what the clock says."""
    now = [0.0]
    watch = Stopwatch(lambda: now[0])
    for seconds, paused in ((3, True), (5, False), (2, True), (7, False)):
        now[0] += seconds
        watch.turn(paused=paused)
    now[0] += 1
    assert (3 + 2 + 1, 5 + 7) == (watch.seconds, watch.paused_seconds)


def test_budgets_name_what_is_spent() -> None:
    """Memory first: it is the one that hurts others."""
    budget = Budget(seconds=10, total_seconds=20, memory_bytes=100)
    assert budget.exceeded_by(Usage(seconds=10, paused_seconds=10, resident_bytes=100)) is None
    for usage, resource in (
        (Usage(seconds=11, resident_bytes=101), "memory"),
        (Usage(seconds=11), "time"),
        (Usage(seconds=9, paused_seconds=12), "time"),
    ):
        excess = budget.exceeded_by(usage)
        assert excess is not None
        assert resource == excess.of


def test_costs_of_a_child(run: Run) -> None:
    """Processor seconds and bytes sent to the disk are counted, of its own children too."""
    body = """
import subprocess, sys
spin = "import time; t = time.process_time()\\nwhile time.process_time() - t < 1.0: pass"
one = subprocess.Popen([sys.executable, "-c", spin])
with open("data", "wb") as file:
    file.write(os.urandom(2_000_000))
    file.flush()
    os.fsync(file.fileno())
one.wait()
time.sleep(0.5)
return {}
"""
    usage = run(body).usage
    assert 0.4 < usage.cpu_seconds < 10  # a kernel that counts in ticks counts a fifth too little
    assert usage.written_bytes >= 2_000_000 or usage.written_bytes == 0  # a file system in memory
    assert "none (no memory budget)" == usage.fence


def test_strays_are_ended_by_whoever_comes_next(run: Run, tmp_path: Path) -> None:
    """A child whose parent vanished is found by its note; a note about another process ends nobody."""
    notes: list[bytes] = []
    runs = tmp_path

    def look(event: dict) -> None:
        if event["step"] == "pid" and not notes:
            notes.append((tmp_path / "run" / NOTE).read_bytes())
            assert 1 == end_strays(runs)

    with pytest.raises(ChildFailed, match="SIGKILL"):
        run('report("pid", os.getpid())\ntime.sleep(30)', on_progress=look)
    noted = json.loads(notes[0])
    assert gone(noted["pid"])
    own = psutil.Process()
    for plain in (noted, {"pid": own.pid, "born": own.create_time()}, {"pid": own.pid, "born": 0}, {}):
        (tmp_path / "run" / NOTE).write_text(json.dumps(plain))
        assert 0 == end_strays(runs)
        assert not (tmp_path / "run" / NOTE).exists()
