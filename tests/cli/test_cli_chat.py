"""The chat: answers as they come, and every act on them kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cli_parts import Past, Ran, Shell, Troupe, publish

from persona.errors import EngineError
from store.records import Feedback, FeedbackKind, Interaction, Origin


def chat(shell: Shell, *lines: str, options: tuple[str, ...] = ()) -> Ran:
    return shell.run("chat", *options, stdin="".join(f"{line}\n" for line in lines))


def kept(shell: Shell) -> tuple[list[Interaction], list[Feedback]]:
    with shell.store() as store:
        return list(store.interactions.all()), store.feedback.all()


def test_turns_follow_one_another(shell: Shell, past: Past, troupe: Troupe) -> None:
    """Each answer is on standard output, sees all that was said before, and is kept with its revision."""
    troupe.lines = ["Hi there.", "Blue."]

    ran = chat(shell, "Hello", "Which colour?")

    assert (0, "Hi there.\nBlue.\n", "r2 answers\n") == (ran.code, ran.out, ran.err)
    assert ["Hello", "Hi there.", "Which colour?"] == [m.content for m in troupe.asked[1].messages]
    interactions, _ = kept(shell)
    assert [("Hi there.", past.r2.id, "chat"), ("Blue.", past.r2.id, "chat")] == [
        (i.completion.content, i.revision, i.source) for i in interactions
    ]
    assert 1 == len({i.conversation for i in interactions})
    assert [True] == [engine.closed for engine in troupe.engines]


def test_votes(shell: Shell, past: Past, troupe: Troupe) -> None:
    """/up and /down are acts on the last answer, with the reason that was given."""
    troupe.lines = ["One.", "Two."]

    chat(shell, "a", "/up", "b", "/down far too   long")

    interactions, feedback = kept(shell)
    assert [
        (FeedbackKind.UP, "", interactions[0].id),
        (FeedbackKind.DOWN, "far too   long", interactions[1].id),
    ] == [(f.kind, f.reason, f.interaction) for f in feedback]


def test_edit_on_the_line(shell: Shell, past: Past, troupe: Troupe) -> None:
    """The edit is kept as the user's own text, and the conversation goes on from it."""
    troupe.lines = ["A long answer.", "Next."]

    chat(shell, "a", "/edit Short. Cheers, M.", "b")

    interactions, (edit,) = kept(shell)
    assert (FeedbackKind.EDIT, "Short. Cheers, M.", interactions[0].id) == (
        edit.kind,
        edit.content,
        edit.interaction,
    )
    assert "A long answer." == interactions[0].completion.content
    said = troupe.asked[1].messages[1]
    assert ("Short. Cheers, M.", Origin.USER) == (said.content, said.origin)


def test_edit_in_the_editor(
    shell: Shell, past: Past, troupe: Troupe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/edit alone opens $EDITOR with the answer in it; nothing of it stays on disk."""
    editor = tmp_path / "my editor"
    editor.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/name\nsed -i s/long/short/ "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", f"'{editor}'")
    troupe.lines = ["A long answer."]

    chat(shell, "a", "/edit")

    _, (edit,) = kept(shell)
    assert "A short answer." == edit.content
    assert not Path((tmp_path / "name").read_text().strip()).exists()


@pytest.mark.parametrize("command", ["false", "/no/such/editor"])
def test_an_editor_that_fails(
    shell: Shell, past: Past, troupe: Troupe, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Nothing is kept, and the chat goes on."""
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", command)
    troupe.lines = ["One.", "Two."]

    ran = chat(shell, "a", "/edit", "b")

    assert "One.\nTwo.\n" == ran.out
    assert command in ran.err
    assert [] == kept(shell)[1]


def test_an_editor_that_leaves_no_text(
    shell: Shell, past: Past, troupe: Troupe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is kept, and the chat goes on."""
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nprintf '\\377' > \"$1\"\n")
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))
    troupe.lines = ["One.", "Two."]

    ran = chat(shell, "a", "/edit", "b")

    assert "One.\nTwo.\n" == ran.out
    assert "is not UTF-8 text; nothing was changed" in ran.err
    assert [] == kept(shell)[1]


def test_regenerate_and_pick(shell: Shell, past: Past, troupe: Troupe) -> None:
    """All answers are kept; picking one names those not taken, and the conversation goes on from it."""
    troupe.lines = ["First.", "Second.", "Third.", "Next."]

    chat(shell, "a", "/regenerate", "/regenerate", "/pick 2", "b")

    interactions, (pick,) = kept(shell)
    second = next(i for i in interactions if i.completion.content == "Second.")
    assert (FeedbackKind.PICK, second.id, ("First.", "Third.")) == (pick.kind, pick.interaction, pick.over)
    assert ["a", "Second.", "b"] == [m.content for m in troupe.asked[3].messages]
    assert ["a"] == [m.content for m in troupe.asked[2].messages]
    assert 0 == troupe.sampled[0].temperature
    assert all(s.temperature > 0 for s in troupe.sampled[1:3])
    assert troupe.sampled[1].seed != troupe.sampled[2].seed


def test_the_same_answer_again_is_no_choice(shell: Shell, past: Past, troupe: Troupe) -> None:
    """There is nothing to pick between equal answers."""
    troupe.lines = ["Same.", "Same."]

    ran = chat(shell, "a", "/regenerate", "/pick 1")

    assert "there is one answer only" in ran.err
    assert [] == kept(shell)[1]


def test_prefer(shell: Shell, past: Past, troupe: Troupe) -> None:
    """/prefer states a preference in this conversation, and the ledger shows it."""
    troupe.lines = ["One."]

    chat(shell, "a", "/prefer Answer in at most two sentences.")

    (interaction,), (stated,) = kept(shell)
    assert (FeedbackKind.PREFERENCE, "Answer in at most two sentences.", interaction.conversation) == (
        stated.kind,
        stated.content,
        stated.conversation,
    )
    assert "Answer in at most two sentences." in shell.run("preferences").out


def test_revision_pins_who_answers(shell: Shell, past: Past, troupe: Troupe) -> None:
    """/revision R changes who answers from then on; the old engine is closed."""
    troupe.lines = ["One.", "Two."]

    ran = chat(shell, "a", "/revision r1", "b", "/revision")

    assert [past.r2.id, past.r1.id] == [i.revision for i in kept(shell)[0]]
    assert [True, True] == [engine.closed for engine in troupe.engines]
    assert f"r1 ({past.r1.id})" in ran.err


def test_a_promotion_takes_over(shell: Shell, past: Past, troupe: Troupe) -> None:
    """A chat follows the champion that a night promotes, unless it is pinned."""
    r3 = publish(shell.registry(), 3)
    troupe.lines = ["One.", "Two."]
    answers = iter(["a", "b"])

    class Promotes:
        """A user who is away for a night between two questions."""

        def readline(self) -> str:
            question = next(answers, "")
            if question == "b":
                shell.registry().promote(r3.id, expected=past.r2.id, reason="a night")
            return f"{question}\n" if question else ""

        def isatty(self) -> bool:
            return False

    ran = shell.run("chat", stdin=Promotes())

    assert "r2 answers\nr3 answers\n" == ran.err
    assert [past.r2.id, r3.id] == [i.revision for i in kept(shell)[0]]


def test_the_given_revision_answers(shell: Shell, past: Past, troupe: Troupe) -> None:
    """--revision pins from the start."""
    troupe.lines = ["One."]
    chat(shell, "a", options=("--revision", "r0", "--max-tokens", "9"))

    assert (["r0"], 9) == ([e.revision for e in troupe.engines], troupe.sampled[0].max_tokens)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/frob", "/frob is not known"),
        ("/up", "there is no answer yet"),
        ("/regenerate", "there is no answer yet"),
        ("/pick 1", "there is no answer yet"),
        ("/pick one", "/pick needs a number"),
        ("/prefer", "/prefer needs a text"),
        ("/revision r9", "no revision 'r9'"),
        ("/help", "/regenerate       another answer"),
    ],
)
def test_no_line_ends_the_chat(shell: Shell, past: Past, troupe: Troupe, line: str, expected: str) -> None:
    """What cannot be done is one line on standard error, and the next line is read."""
    troupe.lines = ["One."]

    ran = chat(shell, line, "a")

    assert (0, "One.\n") == (ran.code, ran.out)
    assert expected in ran.err


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_line_that_is_no_text_is_not_asked(
    shell: Shell, past: Past, troupe: Troupe, options: tuple[str, ...]
) -> None:
    """It says so, and the lines around it are read as they are."""
    troupe.lines = ["One.", "Two."]

    ran = shell.run("chat", *options, stdin="Grüße\n".encode() + b"Gr\xfc\xdfe\n" + b"b\n")

    assert 0 == ran.code
    assert "this line is not UTF-8 text" in (ran.out if options else ran.err)
    assert ["Grüße", "b"] == [prompt.messages[-1].content for prompt in troupe.asked]


def test_pick_out_of_range(shell: Shell, past: Past, troupe: Troupe) -> None:
    """Only answers that are there can be picked."""
    troupe.lines = ["One.", "Two."]
    ran = chat(shell, "a", "/regenerate", "/pick 3", "/pick 0")

    assert 2 == ran.err.count("there are answers 1 to 2")
    assert [] == kept(shell)[1]


def test_a_failing_engine(shell: Shell, past: Past, troupe: Troupe) -> None:
    """Its error is a line; what it said until then is not kept, and the question can be asked again."""
    troupe.lines = [EngineError("no more memory"), "Fine."]

    ran = chat(shell, "a", "a")

    assert "no more memory" in ran.err
    (interaction,), _ = kept(shell)
    assert "Fine." == interaction.completion.content
    assert ["a"] == [m.content for m in troupe.asked[1].messages]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_what_broke_off_is_no_part_of_the_next_answer(
    shell: Shell, past: Past, troupe: Troupe, options: tuple[str, ...]
) -> None:
    """On the terminal its line ends; for programs it is as if it had not begun."""
    troupe.lines = [EngineError("no more memory"), "Fine."]

    ran = chat(shell, "a", "a", options=options)

    if options:
        answers = [line for each in ran.out.splitlines() if "answer" in (line := json.loads(each))]
        assert ["Fine."] == [line["answer"] for line in answers]
    else:
        assert "Half \nFine.\n" == ran.out


def test_ctrl_c_keeps_the_part(shell: Shell, past: Past, troupe: Troupe) -> None:
    """Ctrl-C during an answer ends the answer; what was said is kept and the chat goes on."""
    troupe.lines = [KeyboardInterrupt(), "Fine."]

    ran = chat(shell, "a", "b")

    assert (0, "Half \nFine.\n") == (ran.code, ran.out)
    assert ["Half ", "Fine."] == [i.completion.content for i in kept(shell)[0]]
    assert ["a", "Half ", "b"] == [m.content for m in troupe.asked[1].messages]


@pytest.mark.parametrize(
    ("config", "options", "expected"),
    [
        ("", (), (512, 0.0)),
        ("[chat]\nmax_tokens = 7\ntemperature = 0.4\n", (), (7, 0.4)),
        (
            "[chat]\nmax_tokens = 7\ntemperature = 0.4\n",
            ("--max-tokens", "9", "--temperature", "0"),
            (9, 0.0),
        ),
    ],
)
def test_how_answers_are_sampled(
    shell: Shell,
    past: Past,
    troupe: Troupe,
    config: str,
    options: tuple[str, ...],
    expected: tuple[int, float],
) -> None:
    """As the options say, else as the settings do, else short and greedy."""
    troupe.lines = ["One."]
    shell.persona().home.config.write_text(config)

    chat(shell, "a", options=options)

    (sampled,) = troupe.sampled
    assert expected == (sampled.max_tokens, sampled.temperature)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ["--revision", "champion"]),
        (
            ("--max-tokens", "9", "--temperature", "0", "--resume", "last"),
            ["--revision", "champion", "--resume=last", "--max-tokens=9", "--temperature=0.0"],
        ),
    ],
)
def test_a_browser_shows_the_chat_that_was_asked_for(
    shell: Shell, past: Past, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], expected: list[str]
) -> None:
    """Every wish goes on to the chats that its pages start."""
    served: list[str] = []
    monkeypatch.setenv("PERSONA_HOME", "")
    monkeypatch.setattr("persona.tui.web.serve", served.extend)

    ran = shell.run("chat", "--web", *options)

    assert (0, expected) == (ran.code, served[4:])


def test_quit_and_slashes(shell: Shell, past: Past, troupe: Troupe) -> None:
    """/quit leaves at once; a line with two slashes is said with one; empty lines are nothing."""
    troupe.lines = ["One."]

    chat(shell, "", "  ", "//etc/hosts is what?", "/quit", "never said")

    assert ["/etc/hosts is what?"] == [m.content for m in troupe.asked[0].messages]


def test_answers_cannot_command_the_terminal(shell: Shell, past: Past, troupe: Troupe) -> None:
    """Pieces are shown with their control characters as text; the store has them as they were."""
    troupe.lines = ["a\x1b[2Jb \u202edone"]

    assert "a\\x1b[2Jb \\u202edone\n" == chat(shell, "a").out
    assert "a\x1b[2Jb \u202edone" == kept(shell)[0][0].completion.content


def test_json_lines(shell: Shell, past: Past, troupe: Troupe) -> None:
    """With --json every line of output is an object: an answer with its interaction, or a note."""
    troupe.lines = ["One."]

    ran = chat(shell, "a", "/up", "/frob", options=("--json",))

    found: list[Any] = [json.loads(line) for line in ran.out.splitlines()]
    assert [
        {"note": "r2 answers"},
        {
            "answer": "One.",
            "interaction": kept(shell)[0][0].id,
            "revision": past.r2.id,
            "ref": "r2",
        },
        {"note": "noted"},
        {"note": "/frob is not known: /help lists what is"},
    ] == found
    assert "" == ran.err


def test_chat_needs_a_home(shell: Shell, troupe: Troupe) -> None:
    """Before init it ends at once with exit code 2."""
    assert 2 == chat(shell, "a").code


TERMINAL = """
import sys
from pathlib import Path
from persona.__main__ import main
from persona.bootstrap import Persona
from persona.engine.fake import ScriptedEngine
from persona.paths import Home

words = " ".join(f"word{number}" for number in range(1000))
engine = ScriptedEngine([words], seconds_a_word=0.05)
sys.exit(main(["chat", "--plain"], open_persona=lambda: Persona(
    home=Home(Path(sys.argv[1])), environ={}, engine_opener=lambda persona, revision: engine)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_real_terminal(shell: Shell, past: Past, tmp_path: Path) -> None:
    """Ctrl-C stops an answer but not the chat, and at the prompt it says how to leave."""
    ours, theirs = os.openpty()
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    process = subprocess.Popen(
        [sys.executable, "-c", TERMINAL, str(shell.root)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": path, "TERM": "xterm"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        wait_for(ours, "> ")
        os.write(ours, b"hello\n")
        wait_for(ours, "word3")
        process.send_signal(signal.SIGINT)
        wait_for(ours, "> ")
        process.send_signal(signal.SIGINT)
        wait_for(ours, "Ctrl-D or /quit leaves")
        os.write(ours, b"/quit\n")
        assert 0 == process.wait(20)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    (interaction,), _ = kept(shell)
    assert interaction.completion.content.startswith("word0 word1 ")
    assert len(interaction.completion.content.split()) < 900


def wait_for(terminal: int, text: str) -> None:
    """Reads until `text` was shown."""
    os.set_blocking(terminal, False)
    seen, deadline = "", time.monotonic() + 20
    while text not in seen:
        assert time.monotonic() < deadline, f"{text!r} was not shown, but {seen!r}"
        try:
            seen += os.read(terminal, 4096).decode(errors="replace")
        except (BlockingIOError, OSError):
            time.sleep(0.02)
