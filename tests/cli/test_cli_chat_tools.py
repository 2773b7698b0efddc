"""Tools in the chat that goes line by line: no call without a yes, and what it told is answered."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path

import pytest
from cli_parts import Past, Ran, Shell, Troupe

from persona.cli import chat as lines
from persona.paths import Home
from store.records import Origin, ToolCall

SERVER = Path(__file__).parents[1] / "samples" / "clock_server.py"
OSLO = ToolCall(id="", name="tell_time", arguments={"zone": "Oslo"})


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """What the server was asked, a line each."""
    return tmp_path / "asked"


@pytest.fixture
def clock(shell: Shell, past: Past, asked: Path) -> Shell:
    """A home with one server of tools in its configuration."""
    asked.touch()
    config = Home(shell.root).config
    config.write_text(f'\n[chat.tools]\nclock = "{sys.executable} {SERVER} {asked}"\n')
    return shell


def chat(shell: Shell, *said: str, options: tuple[str, ...] = ("--plain",)) -> Ran:
    return shell.run("chat", *options, stdin="".join(f"{line}\n" for line in said))


def test_a_call_is_asked_about_run_and_answered(clock: Shell, troupe: Troupe, asked: Path) -> None:
    """Server, tool and arguments are shown; after a yes the model gets the result, and all of it is kept as
    what it is: the call the model's, the result the tool's."""
    troupe.lines = [OSLO, "It is noon there."]

    ran = chat(clock, "What time is it in Oslo?", "y")

    assert 0 == ran.code
    assert "It is noon there." in ran.out
    assert 'may clock do tell_time({"zone": "Oslo"})?' in ran.err
    assert "tell_time: 12:00 in Oslo" in ran.err
    assert "Oslo\n" == asked.read_text()
    first, second = troupe.asked
    assert {"tell_time", "breaks", "goes_on", "waits"} == {tool["function"]["name"] for tool in first.tools}
    *_, called, told = second.messages
    assert ("tool", "12:00 in Oslo", called.tool_calls[0].id) == (told.role, told.content, told.tool_call_id)
    with clock.store() as store:
        kept = list(store.interactions.all())
    assert [True, False] == [bool(each.completion.tool_calls) for each in kept]
    assert Origin.TOOL is kept[1].prompt[-1].origin
    assert all(each.tools for each in kept)


def test_no_is_told_to_the_model(clock: Shell, troupe: Troupe, asked: Path) -> None:
    """It may go on without the tool; nothing was called."""
    troupe.lines = [OSLO, "Then I do not know."]

    ran = chat(clock, "What time is it in Oslo?", "n")

    assert "Then I do not know." in ran.out
    assert "error: the user did not allow this call" == troupe.asked[1].messages[-1].content
    assert "" == asked.read_text()


def test_any_other_line_is_no_yes(clock: Shell, troupe: Troupe, asked: Path) -> None:
    """A script that knows of no tools, or whoever writes on: nothing is called, and the line is the next
    question. So is the end of the input."""
    troupe.lines = [OSLO, "Blue.", OSLO]

    ran = chat(clock, "What time is it in Oslo?", "Which colour?", "And in Bergen?")

    assert 0 == ran.code
    assert "Blue." in ran.out
    assert "Which colour?" == troupe.asked[1].messages[-1].content
    assert 2 == ran.err.count("stopped: no result was sent back")
    assert "" == asked.read_text()


def test_always_holds_for_this_chat(clock: Shell, troupe: Troupe, asked: Path) -> None:
    """It is asked about once; `/tools` says so, and `/tools ask` takes it back."""
    troupe.lines = [OSLO, "Noon.", OSLO, "Still noon.", OSLO, "No."]

    ran = chat(clock, "Oslo?", "a", "Again?", "/tools", "/tools ask", "And now?", "n")

    assert 2 == ran.err.count("may clock do tell_time")
    assert 1 == ran.err.count("tell_time (allowed in this chat)")
    assert "Oslo\nOslo\n" == asked.read_text()


def test_a_tool_that_fails_and_one_that_does_not_exist(clock: Shell, troupe: Troupe) -> None:
    """Both are results that begin with error: the conversation goes on."""
    troupe.lines = [
        ToolCall(id="", name="breaks", arguments={}),
        ToolCall(id="", name="unheard_of", arguments={}),
        "Neither works.",
    ]

    ran = chat(clock, "Try.", "y")

    assert "Neither works." in ran.out
    assert "error: " in troupe.asked[1].messages[-1].content
    assert "error: there is no tool unheard_of" == troupe.asked[2].messages[-1].content


def test_a_model_that_calls_for_ever_is_stopped(
    clock: Shell, troupe: Troupe, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some rounds without a word from the user."""
    monkeypatch.setattr(lines, "ROUNDS", 3)
    troupe.lines = [OSLO] * 4

    ran = chat(clock, "Oslo?", "a")

    assert "3 rounds of calls in a row" in ran.err
    assert 3 == len(asked.read_text().splitlines())


def test_programs_are_asked_in_json(clock: Shell, troupe: Troupe) -> None:
    """With --json the question is an object of its own, and the next line answers it."""
    troupe.lines = [OSLO, "Noon."]

    ran = chat(clock, "Oslo?", "y", options=("--json",))

    said = [json.loads(line) for line in ran.out.splitlines()]
    (question,) = [each["asked"] for each in said if "asked" in each]
    assert {"server": "clock", "tool": "tell_time", "arguments": '{"zone": "Oslo"}'} == question
    assert "Noon." == said[-1]["answer"]


def test_what_a_server_and_a_model_say_is_text(clock: Shell, troupe: Troupe) -> None:
    """Control sequences in a call are shown, not obeyed."""
    troupe.lines = [ToolCall(id="", name="tell_time", arguments={"zone": "\x1b[2J\u202e"}), "Noon."]

    ran = chat(clock, "Oslo?", "y")

    assert "\x1b" not in ran.err
    assert "\u202e" not in ran.err


def test_a_server_that_does_not_come_up(shell: Shell, past: Past, troupe: Troupe) -> None:
    """It is said once, and the chat goes on without it."""
    config = Home(shell.root).config
    config.write_text('\n[chat.tools]\nnone = "/no/such/command"\n')
    troupe.lines = ["Hello.", "Blue."]

    ran = chat(shell, "Hi", "Which colour?")

    assert "Hello.\nBlue.\n" == ran.out
    assert 1 == ran.err.count("tools of none: ")


def test_tools_that_nobody_named(shell: Shell, past: Past, troupe: Troupe) -> None:
    """`/tools` says where to name them."""
    assert "[chat.tools] in config.toml" in chat(shell, "/tools").err


class Hasty:
    """Says yes, and a moment later wants no more of it."""

    def __init__(self) -> None:
        self._lines = ["Wait.\n", "y\n", "Are you there?\n"]

    def isatty(self) -> bool:
        return False

    def readline(self) -> str:
        line = self._lines.pop(0) if self._lines else ""
        if line == "y\n":
            main_thread = threading.main_thread().ident
            assert main_thread is not None
            threading.Timer(0.3, signal.pthread_kill, (main_thread, signal.SIGINT)).start()
        return line


def test_ctrl_c_ends_a_tool_and_not_the_chat(clock: Shell, troupe: Troupe) -> None:
    """What does not come back is left alone, and the next line is asked."""
    troupe.lines = [ToolCall(id="", name="waits", arguments={}), "Yes."]

    ran = clock.run("chat", "--plain", stdin=Hasty())

    assert 0 == ran.code
    assert "stopped: no result was sent back" in ran.err
    assert ran.out.endswith("Yes.\n")
