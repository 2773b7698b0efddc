"""A child is held to its budget from outside, and always accounted for: real processes, no mocks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from child_parts import SERVE, gone, indented

from persona.child import Budget, ChildResult
from persona.errors import BadInput, BrokenNumerics, ChildFailed


def test_result_and_progress(run: Callable[..., ChildResult]) -> None:
    """The child's mapping comes back, its progress lines arrive in order, memory and time are measured."""
    events: list[Mapping[str, Any]] = []
    body = (
        'report("load", 1, 2)\nreport("fit", 2, 2, loss=0.5)\ntime.sleep(0.5)\nreturn {"twice": job["n"] * 2}'
    )

    outcome = run(body, {"n": 21}, on_progress=events.append)

    assert {"twice": 42} == outcome.result
    assert [
        {"event": "progress", "step": "load", "done": 1, "total": 2},
        {"event": "progress", "step": "fit", "done": 2, "total": 2, "loss": 0.5},
    ] == events
    assert 0 == outcome.exit_code
    assert 0.5 <= outcome.usage.seconds < 30
    assert outcome.usage.peak_bytes > 5_000_000


def test_a_child_is_a_child(run: Callable[..., ChildResult]) -> None:
    """It runs at low priority, in its own session, first to go when memory runs out, without our folder."""
    body = (
        'return {"nice": os.nice(0), "session": os.getsid(0) == os.getpid(), "cwd": os.getcwd(),'
        ' "oom": open("/proc/self/oom_score_adj").read().strip() if os.path.exists("/proc/self") else "800"}'
    )

    result = run(body).result

    assert result["nice"] >= 10
    assert result["session"] is True
    assert "800" == result["oom"]
    assert "run" == Path(result["cwd"]).name


def test_no_secret_reaches_the_child(
    run: Callable[..., ChildResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only listed variables pass, and the network is off for Hugging Face libraries."""
    monkeypatch.setenv("HF_TOKEN", "hf_hush")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hush")
    monkeypatch.setenv("XDG_SECRET", "x-hush")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    seen = run("return dict(os.environ)").result

    assert [] == [value for value in seen.values() if "hush" in value]
    assert "1" == seen["OMP_NUM_THREADS"]
    assert ("1", "1", "false") == (
        seen["HF_HUB_OFFLINE"],
        seen["HF_HUB_DISABLE_TELEMETRY"],
        seen["TOKENIZERS_PARALLELISM"],
    )


def test_threads_of_a_child_spin_a_little(
    run: Callable[..., ChildResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the user says otherwise: threads that spin for long starve beside other work."""
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    assert "20000" == run("return dict(os.environ)").result["GOMP_SPINCOUNT"]
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    assert "7" == run("return dict(os.environ)").result["GOMP_SPINCOUNT"]


def test_files_are_private(run: Callable[..., ChildResult], tmp_path: Path) -> None:
    """Job, result and log hold the user's texts: 0600 whatever the umask."""
    before = os.umask(0)
    try:
        run("return {}")
    finally:
        os.umask(before)

    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "run").iterdir()}
    assert {"job.json": 0o600, "result.json": 0o600, "train.log": 0o600} == modes


def test_an_expected_error_travels(run: Callable[..., ChildResult]) -> None:
    """A PersonaError of the child is raised here as the same class with the same line."""
    with pytest.raises(BrokenNumerics, match=r"^loss became nan at step 3$"):
        run('from persona.errors import BrokenNumerics\nraise BrokenNumerics("loss became nan at step 3")')
    with pytest.raises(BadInput) as caught:
        run('from persona.errors import UnknownRevision\nraise UnknownRevision("r9")')
    assert "no revision 'r9'" in str(caught.value)
    assert 2 == caught.value.exit_code


def test_a_crash_ends_in_its_last_line(run: Callable[..., ChildResult], tmp_path: Path) -> None:
    """Any other exception is ChildFailed with the exception's line, and the log has the traceback."""
    with pytest.raises(
        ChildFailed, match=r"train did not finish: ValueError: no good; see .*train\.log"
    ) as caught:
        run('raise ValueError("no good")')
    assert 7 == caught.value.exit_code
    assert "Traceback" in (tmp_path / "run" / "train.log").read_text()


def test_killed_from_outside(run: Callable[..., ChildResult]) -> None:
    """kill -9 of the child is named."""
    with pytest.raises(ChildFailed, match="ended by SIGKILL"):
        run("os.kill(os.getpid(), signal.SIGKILL)")


def test_a_result_is_needed(run: Callable[..., ChildResult]) -> None:
    """A child that ends well without writing a result has failed, even if an older result lies there."""
    run('return {"old": True}')
    with pytest.raises(ChildFailed, match="ended without a result"):
        run("import sys", plain=True)


def test_wall_clock(run: Callable[..., ChildResult]) -> None:
    """A child that spins is stopped soon after its time is up."""
    began = time.monotonic()
    with pytest.raises(ChildFailed, match="its budget is 1 s"):
        run("while True: pass", budget=Budget(seconds=1))
    assert time.monotonic() - began < 10


def test_a_stubborn_child_is_killed(run: Callable[..., ChildResult]) -> None:
    """Ignoring SIGTERM only delays the end."""
    began = time.monotonic()
    pids: list[int] = []
    body = (
        'signal.signal(signal.SIGTERM, signal.SIG_IGN)\nreport("pid", os.getpid())\nwhile True: time.sleep(1)'
    )
    with pytest.raises(ChildFailed, match="its budget is 2 s"):
        run(body, budget=Budget(seconds=2), on_progress=lambda event: pids.append(event["done"]))
    assert time.monotonic() - began < 15
    assert gone(pids[0])


def test_memory(run: Callable[..., ChildResult]) -> None:
    """A child that allocates without end is stopped at its budget, descendants included."""
    body = """
import subprocess, sys
pig = subprocess.Popen([sys.executable, "-c", "import time; x = bytearray(300_000_000); time.sleep(60)"])
report("pid", pig.pid)
pig.wait()
return {}
"""
    pids: list[int] = []
    with pytest.raises(ChildFailed, match=r"its budget is 0\.20 GB"):
        run(
            body,
            budget=Budget(seconds=60, memory_bytes=200_000_000),
            on_progress=lambda e: pids.append(e["done"]),
        )
    assert gone(pids[0])


def test_peak_memory_is_reported(run: Callable[..., ChildResult]) -> None:
    """What was allocated and freed again still shows in the peak."""
    outcome = run("x = bytearray(150_000_000)\ntime.sleep(0.6)\ndel x\nreturn {}")

    assert 150_000_000 < outcome.usage.peak_bytes < 400_000_000


def test_leftover_grandchildren_end(run: Callable[..., ChildResult]) -> None:
    """A process that the child leaves behind in its group does not live on."""
    body = """
import subprocess, sys
left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
return {"pid": left.pid}
"""
    pid = run(body).result["pid"]
    deadline = time.monotonic() + 5
    while not gone(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(pid)


def test_prints_of_libraries_go_to_the_log(run: Callable[..., ChildResult], tmp_path: Path) -> None:
    """A line on standard output that is no event is logged and is no progress."""
    events: list[Mapping[str, Any]] = []

    run(
        'print("Loading…")\nprint("[1, 2]")\nprint("{}")\nprint("end", end="")\nreturn {}',
        on_progress=events.append,
    )

    assert [] == events
    assert "Loading…\n[1, 2]\n{}\nend" == (tmp_path / "run" / "train.log").read_text()


def test_a_flood_of_output_does_not_stop_the_clock(run: Callable[..., ChildResult]) -> None:
    """A child that prints without pause is stopped in time all the same."""
    began = time.monotonic()
    with pytest.raises(ChildFailed, match="its budget is 1 s"):
        run("while True: print('{}' * 3000)", budget=Budget(seconds=1))
    assert time.monotonic() - began < 10


def test_cancel(run: Callable[..., ChildResult]) -> None:
    """Setting the event ends the child and raises KeyboardInterrupt."""
    cancel = threading.Event()
    pids: list[int] = []

    def cancel_at_first_sight(event: Mapping[str, Any]) -> None:
        pids.append(event["done"])
        cancel.set()

    with pytest.raises(KeyboardInterrupt):
        run('report("pid", os.getpid())\ntime.sleep(60)', on_progress=cancel_at_first_sight, cancel=cancel)
    assert gone(pids[0])


def test_an_error_in_the_callback_ends_the_child(run: Callable[..., ChildResult]) -> None:
    """An exception of on_progress comes out, and the child does not live on."""
    pids: list[int] = []

    def fail(event: Mapping[str, Any]) -> None:
        pids.append(event["done"])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run('report("pid", os.getpid())\ntime.sleep(60)', on_progress=fail)
    assert gone(pids[0])


PARENT = """
import signal
import sys
from pathlib import Path
from persona.child import Budget, run_child
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts jobs that ignore it
run_child("the_child", {}, folder=Path(sys.argv[1]), stage="train", budget=Budget(),
          on_progress=lambda event: print(event["done"], flush=True))
"""


def parent_of_a_sleeper(tmp_path: Path) -> tuple[subprocess.Popen[str], int]:
    """A process of its own that runs a child which sleeps; and the child's pid."""
    (tmp_path / "run").mkdir()
    body = 'report("pid", os.getpid())\ntime.sleep(60)\nreturn {}'
    (tmp_path / "the_child.py").write_text(SERVE.format(imports="import os, time", body=indented(body)))
    path = os.pathsep.join([str(tmp_path), *(entry or str(Path.cwd()) for entry in sys.path)])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "run")],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def test_ctrl_c_ends_the_child_first(tmp_path: Path) -> None:
    """SIGINT in the parent ends the child, then the parent stops with KeyboardInterrupt."""
    parent, child = parent_of_a_sleeper(tmp_path)
    parent.send_signal(signal.SIGINT)
    _, errors = parent.communicate(timeout=30)

    assert gone(child)
    assert "KeyboardInterrupt" == errors.strip().splitlines()[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="the parent's death is signalled on Linux only")
def test_the_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    """kill -9 of the parent takes the child along."""
    parent, child = parent_of_a_sleeper(tmp_path)
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 10
    while not gone(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(child)


def test_not_a_number_is_not_a_result(run: Callable[..., ChildResult]) -> None:
    """A NaN in a result is a failure: it is not JSON, and nothing may be decided on it."""
    with pytest.raises(ChildFailed, match="not JSON compliant"):
        run('return {"loss": float("nan")}')


def test_job_arrives_whole(run: Callable[..., ChildResult]) -> None:
    """What the job says is what the child reads."""
    job = {"text": "a “quoted” \u202e text\n", "n": [1, 2.5, None]}

    assert job == json.loads(json.dumps(dict(run("return dict(job)", job).result)))
