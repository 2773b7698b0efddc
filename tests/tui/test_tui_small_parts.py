"""The notebook, the clipboard, the table of commands, the daemon that is started."""

from __future__ import annotations

import json
import re
import stat
import sys
import threading
from pathlib import Path

import pytest

from persona.daemon.place import find_daemon, only_daemon, tell_place
from persona.daemon.starting import StartedDaemon
from persona.errors import DaemonNotStarted
from persona.notebook import Notebook
from persona.paths import Home
from persona.tui.clipboard import Tool, code_blocks, copy
from persona.tui.commands import every, matching, parse, plain_text
from persona.tui.keys import Keys
from persona.tui.screens.help import help_text
from persona.tui.talking import joined_calls


def test_the_notebook_outlives_the_chat(tmp_path: Path) -> None:
    """Drafts, titles and prompts are there again, for their owner alone."""
    file = tmp_path / "notes" / "chat.db"
    book = Notebook(file)
    book.keep_draft("half a thought")
    book.keep_draft("another", "c-1")
    book.rename("c-1", "Garden")
    book.sent("one")
    book.sent("two")
    book.sent("one")

    again = Notebook(file)
    assert ("half a thought", "another") == (again.draft(), again.draft("c-1"))
    assert {"c-1": "Garden"} == again.titles()
    assert ["one", "two"] == again.prompts()
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    again.forget("c-1")
    assert ("", {}) == (again.draft("c-1"), again.titles())


def test_only_proven_copies_are_called_copied(tmp_path: Path) -> None:
    """The terminal is always asked; a tool that worked is proof, a tool that failed is not."""
    asked: list[str] = []
    to = tmp_path / "clipboard"
    works = Tool(
        command=(sys.executable, "-c", f"import sys; open({str(to)!r}, 'w').write(sys.stdin.read())")
    )
    fails = Tool(command=(sys.executable, "-c", "raise SystemExit(1)"))

    assert copy("text", asked.append, {}, (fails, works)).proven
    assert "text" == to.read_text()
    assert not copy("text", asked.append, {}, (fails,)).proven
    assert not copy("text", asked.append, {"SSH_CONNECTION": "x"}, (works,)).proven
    assert not copy("text", asked.append, {}, (Tool(command=("pbcopy",), needs="NO_SUCH"),)).proven
    assert ["text"] * 4 == asked


def test_code_blocks_are_source() -> None:
    """As they were written, without the fence."""
    assert ["a = 1\n\nb", "c"] == code_blocks("x\n```py\na = 1\n\nb\n```\ny\n\n    c\n")


def test_commands_are_found_by_how_they_begin() -> None:
    """Completion offers names first, then meanings; behind a space there is nothing left to offer."""
    assert ["pick", "prefer", "preferences", "promote"] == sorted(c.name for c in matching("/p"))
    assert ["ab"] == [c.name for c in matching("/blind")]
    assert [] == matching("/a b")
    assert [] == matching("//p")
    assert [] == matching("hello")


def test_a_line_is_a_command_or_a_text() -> None:
    """What is not known, or needs more, is said; two slashes say one."""
    parsed = parse("/down far too long")
    assert isinstance(parsed, tuple)
    assert ("down", "far too long") == (parsed[0].action, parsed[1])
    assert "did you mean /regenerate" in str(parse("/regen"))
    assert "needs more" in str(parse("/prefer"))
    assert (None, "/etc/hosts") == (parse("//etc/hosts"), plain_text("//etc/hosts"))


def test_every_command_does_something() -> None:
    """The table and the acts agree."""
    from persona.tui.acts import acts

    assert {command.action for command in every()} <= set(acts())
    with pytest.raises(KeyError):
        acts()["no such act"]


def test_keys_are_the_users() -> None:
    """One that was chosen takes the place of ours, in help too; the others stay."""
    keys = Keys(chosen={"down": "ctrl+g, f12", "newline": "ctrl+e"})
    assert (["ctrl+g", "f12"], ["f2"], ["ctrl+e"]) == (keys.of("down"), keys.of("up"), keys.of("newline"))
    assert {"down": "ctrl+g,f12"} == keys.rebound()
    assert ("Ctrl+G", "") == (keys.shown("down"), keys.shown("copy"))
    assert "| `/down [WHY]` | the answer was not good | Ctrl+G |" in help_text(keys)


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"donw": "f12"}, "did you mean down"),
        ({"down": "ctlr+g"}, "is no key"),
        ({"down": ""}, "is no key"),
        ({"down": "f2"}, "f2 is the key for up already"),
        ({"send": "ctrl+j"}, "ctrl+j is the key for send already: newline needs another"),
    ],
)
def test_keys_that_cannot_be(chosen: dict[str, str], says: str) -> None:
    """What is wrong with them is said, with what to do."""
    with pytest.raises(ValueError, match=re.escape(says)):
        Keys(chosen=chosen)


FAKE = """
import json, os, sys, time
sys.path[:0] = {path!r}
from persona.daemon.place import only_daemon, tell_place
from persona.paths import Home
if {busy} and "--port" not in sys.argv:
    sys.exit("persona: 127.0.0.1:1 cannot be listened on: address already in use; choose another --port")
home = Home(__import__("pathlib").Path(os.environ["PERSONA_HOME"]))
with only_daemon(home):
    tell_place(home, host="127.0.0.1", port=4)
    time.sleep(60)
"""


@pytest.mark.parametrize("busy", [False, True])
def test_a_daemon_is_started_and_ended(tmp_path: Path, busy: bool) -> None:
    """It is found where it says; a port that is taken leads to a free one; whoever started it may end it."""
    home = Home(tmp_path)
    path = [str(Path(__file__).parents[2])]
    started = StartedDaemon(home, {}, [sys.executable, "-c", FAKE.format(path=path, busy=busy)])
    try:
        assert "http://127.0.0.1:4" == started.start().url
        assert find_daemon(home) is not None
        assert 4 == json.loads(home.daemon.read_text())["port"]
    finally:
        process = started._process
        started.end()
    assert process is not None
    process.wait(10)
    assert find_daemon(home) is None


def test_a_daemon_that_is_still_loading_is_waited_for(tmp_path: Path) -> None:
    """Our own gives way to one that somebody else started, and leaves what that one said in the log."""
    home = Home(tmp_path)
    (tmp_path / "daemon.log").write_text("said by the first\n")
    command = [sys.executable, "-c", "import sys; print('busy', file=sys.stderr); sys.exit(75)"]
    with only_daemon(home):
        ready = threading.Timer(1.0, tell_place, [home], {"host": "127.0.0.1", "port": 4})
        ready.start()
        assert "http://127.0.0.1:4" == StartedDaemon(home, {}, command).start().url
        ready.join()
    assert "said by the first\nbusy\n" == (tmp_path / "daemon.log").read_text()


def test_what_kept_a_daemon_out_and_is_gone_is_not_waited_for(tmp_path: Path) -> None:
    """Then it is said, from what it said itself; of what others said long ago no more is kept than 1 MB."""
    log = tmp_path / "daemon.log"
    log.write_text("said by the first\n" * 100_000)
    command = [sys.executable, "-c", "import sys; print('persona: busy', file=sys.stderr); sys.exit(75)"]
    with pytest.raises(DaemonNotStarted, match="did not start: busy; see"):
        StartedDaemon(Home(tmp_path), {}, command).start()
    assert "persona: busy\n" == log.read_text()


def test_a_daemon_that_does_not_start_says_why(tmp_path: Path) -> None:
    """Its last line is the reason."""
    command = [
        sys.executable,
        "-c",
        "raise SystemExit('persona: nothing here yet: run `persona init` first')",
    ]
    with pytest.raises(
        DaemonNotStarted, match="did not start: nothing here yet: run `persona init` first; see"
    ):
        StartedDaemon(Home(tmp_path), {}, command).start()


def test_pieces_of_calls_are_joined() -> None:
    """A call comes in two pieces or more."""
    pieces = [
        {"index": 0, "id": "x", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"a"'}},
        {"index": 0, "function": {"arguments": ": 1}"}},
    ]
    assert (("x", "f", '{"a": 1}'),) == joined_calls(pieces)
