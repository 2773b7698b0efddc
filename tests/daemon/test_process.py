"""The daemon as a process: it listens, answers, is found, drains and ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from daemon_parts import House, eventually, publish

from persona.daemon.place import Place, find_daemon
from persona.daemon.process import serve
from persona.errors import BadInput, DaemonRuns, NotInitialised
from persona.paths import Home

HERE = Path(__file__).parent


@contextmanager
def daemon(root: Path, *, seconds_a_word: float = 0.0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A real process with a scripted engine in it, and its URL; killed if it is still there at the end."""
    with starting(root, seconds_a_word=seconds_a_word) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()


@contextmanager
def starting(
    root: Path, *, port: int = 0, seconds_a_word: float = 0.0, seconds_to_load: float = 0.0
) -> Iterator[subprocess.Popen[str]]:
    """The same before it is ready."""
    program = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(HERE)!r})
        from pathlib import Path
        from daemon_parts import House, Stage
        from persona.daemon.process import serve
        stage = Stage(reply=lambda revision, _: "word " * 20, seconds_a_word={seconds_a_word},
                      seconds_to_load={seconds_to_load})
        house = House(Path({str(root)!r}), stage=stage)
        with house.persona() as persona:
            serve(persona, host="127.0.0.1", port={port}, on_ready=lambda place: print(place.url, flush=True))
        print("torch" in sys.modules, flush=True)
        print([sampling.temperature for engine in stage.opened for _, sampling in engine.asked], flush=True)
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def house(tmp_path) -> House:
    house = House(tmp_path)
    house.create()
    return house


def client(house: House, url: str) -> httpx2.Client:
    token = Home(house.root).token.read_text()
    return httpx2.Client(
        base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=20
    )


ASK = {"model": "persona", "messages": [{"role": "user", "content": "Why?"}], "max_tokens": 100}


def test_a_day_of_a_daemon(house) -> None:
    """It is found, answers, keeps, follows a promotion of another process, refuses a second one, and ends."""
    one = publish(house.registry(), 1)
    with daemon(house.root) as (process, url), client(house, url) as http:
        place = find_daemon(Home(house.root))
        first = http.post("/v1/chat/completions", json=ASK).json()
        house.registry().promote(one.id, expected="r0", reason="better")
        deadline = time.monotonic() + 5
        while (second := http.post("/v1/chat/completions", json=ASK).json())["model"] == first["model"]:
            assert time.monotonic() < deadline
        kept = http.get("/persona/status").json()["daemon"]["capture"]["kept"]
        with pytest.raises(DaemonRuns, match=url), house.persona() as persona:
            serve(persona, host="127.0.0.1", port=0)
        process.send_signal(signal.SIGTERM)
        said, complained = process.communicate(timeout=20)

    assert Place(pid=process.pid, host="127.0.0.1", port=int(url.rpartition(":")[2])) == place
    assert ("persona:base", "persona:r1") == (first["model"], second["model"])
    assert kept >= 2
    assert (0, "False", "") == (process.returncode, said.splitlines()[0], complained)
    assert find_daemon(Home(house.root)) is None


def test_what_a_request_leaves_out_is_as_the_settings_have_it(house) -> None:
    """A length and a temperature of one's own, for clients that say nothing of them."""
    Home(house.root).config.write_text("[serve]\nmax_tokens = 5\ntemperature = 0.25\n")
    asked = {name: value for name, value in ASK.items() if name != "max_tokens"}
    with daemon(house.root) as (process, url), client(house, url) as there:
        said = there.post("/v1/chat/completions", json=asked).json()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)

    assert ("length", 5) == (said["choices"][0]["finish_reason"], said["usage"]["completion_tokens"])
    assert "[0.25]" in out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_answer_that_runs_is_finished_first(house, number: signal.Signals) -> None:
    """Told to end in the middle of an answer: the answer is whole and kept, and who listens is let go."""
    with daemon(house.root, seconds_a_word=0.05) as (process, url), client(house, url) as http:
        listener = threading.Thread(target=lambda: http.get("/persona/events"))
        listener.start()
        with http.stream("POST", "/v1/chat/completions", json={**ASK, "stream": True}) as answer:
            lines = answer.iter_lines()
            next(line for line in lines if "word" in line)
            process.send_signal(number)
            said = "".join(lines)
        process.communicate(timeout=15)
        listener.join(5)

    assert "[DONE]" in said
    assert 0 == process.returncode
    with house.persona() as persona:
        assert 1 == persona.store.interactions.count()


def test_a_killed_daemon_leaves_the_home_free(house) -> None:
    """Whatever kills it, the next one starts without help."""
    with daemon(house.root) as (process, _):
        process.kill()
        process.wait()
        with daemon(house.root) as (again, url), client(house, url) as http:
            assert 200 == http.post("/v1/chat/completions", json=ASK).status_code
            assert again.pid == find_daemon(Home(house.root)).pid


def test_a_port_that_is_taken(house) -> None:
    """The error says so before anything is loaded, and the home is free again."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        house.persona() as persona,
        pytest.raises(BadInput, match="choose another --port"),
    ):
        serve(persona, host="127.0.0.1", port=taken.getsockname()[1])

    assert find_daemon(Home(house.root)) is None
    assert [] == house.stage.revisions


def test_a_name_that_is_nowhere(house) -> None:
    """A host that cannot be found is said to be so, in words."""
    with house.persona() as persona, pytest.raises(BadInput, match=r"nowhere\.invalid:0 cannot .* not known"):
        serve(persona, host="nowhere.invalid", port=0, expose=True)


def test_who_comes_while_the_model_loads_is_answered_when_it_is_there(house) -> None:
    """The port is taken first, so that a client at the login waits and does not fail."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with starting(house.root, port=port, seconds_to_load=1.0):
        assert eventually(lambda: is_listened_on(port), within=30)
        ready_then = Home(house.root).daemon.exists()
        with client(house, f"http://127.0.0.1:{port}") as http:
            status = http.get("/health").status_code

    assert (False, 200) == (ready_then, status)


def is_listened_on(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def test_a_home_that_is_not_ready(tmp_path) -> None:
    """Nothing is locked, written or loaded."""
    house = House(tmp_path / "none")
    with pytest.raises(NotInitialised), house.persona() as persona:
        serve(persona, host="127.0.0.1", port=0)

    assert not (tmp_path / "none" / "token").exists()
    assert [] == house.stage.loaded


def test_the_daemon_of_llama_cpp_loads_no_torch() -> None:
    """What the daemon imports, engine and all, brings none of torch's family in."""
    program = (
        "import sys, persona.daemon.process, persona.engine.llama_cpp, persona.engine.opener;"
        "print(sorted({'torch', 'transformers', 'peft', 'trl', 'bitsandbytes'} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={**os.environ}
    )

    assert "[]" == said.stdout.strip()
