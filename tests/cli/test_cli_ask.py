"""One answer on standard output, and a record of it in the store."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cli_parts import Past, Shell, Troupe, preference, snapshot

from persona.distill.stand_ins import stand_in_prompts
from persona.errors import EngineError
from store.records import Message, ToolCall


def test_only_the_answer(shell: Shell, past: Past, troupe: Troupe) -> None:
    """Standard output has the champion's answer and nothing else."""
    troupe.lines = ["Because of scattering."]

    ran = shell.run("ask", "Why is the sky blue?")

    assert (0, "Because of scattering.\n", "") == (ran.code, ran.out, ran.err)
    (engine,) = troupe.engines
    assert past.r2.id == engine.revision
    assert (Message(role="user", content="Why is the sky blue?"),) == troupe.asked[0].messages
    assert (512, 0.0) == (troupe.sampled[0].max_tokens, troupe.sampled[0].temperature)


def test_the_answer_is_kept(shell: Shell, past: Past, troupe: Troupe) -> None:
    """Prompt, completion and the revision that answered are in the store."""
    troupe.lines = ["Because."]
    found = shell.run("ask", "Why?", "--json").json

    with shell.store() as store:
        (kept,) = store.interactions.all()
    assert kept.id == found["interaction"]
    assert ("Why?", "Because.", past.r2.id, "ask") == (
        kept.prompt[0].content,
        kept.completion.content,
        kept.revision,
        kept.source,
    )


@pytest.mark.parametrize(("text", "stdin"), [("-", b"Why\xff?"), ("Why\udcff?", b"")])
def test_a_question_that_is_no_text(
    shell: Shell, past: Past, troupe: Troupe, text: str, stdin: bytes
) -> None:
    """One line says so, before an engine is loaded."""
    ran = shell.run("ask", text, stdin=stdin)

    assert (2, "persona: the question is not UTF-8 text: convert it first\n") == (ran.code, ran.err)
    assert [] == troupe.engines


def test_no_keep(shell: Shell, past: Past, troupe: Troupe) -> None:
    """--no-keep leaves the store as it was."""
    troupe.lines = ["Because."]
    found = shell.run("ask", "Why?", "--no-keep", "--json").json

    assert found["interaction"] is None
    with shell.store() as store:
        assert 0 == store.interactions.count()


def test_options_reach_the_engine(shell: Shell, past: Past, troupe: Troupe) -> None:
    """Revision, length, temperature: what was asked for is what is used, and JSON names the revision."""
    troupe.lines = ["Because."]
    options = ["--revision", "base", "--max-tokens", "7", "--temperature", "0.5"]

    found = shell.run("ask", "Why?", *options, "--json").json

    assert ("Because.", "r0", "r0", "stop") == (
        found["answer"],
        found["revision"],
        found["ref"],
        found["finish_reason"],
    )
    assert (7, 0.5) == (troupe.sampled[0].max_tokens, troupe.sampled[0].temperature)


def test_standard_input(shell: Shell, past: Past, troupe: Troupe) -> None:
    """- reads the question from standard input."""
    troupe.lines = ["Fine."]
    shell.run("ask", "-", stdin="How\nare you?\n")

    assert "How\nare you?" == troupe.asked[0].messages[0].content


def test_tools(shell: Shell, past: Past, troupe: Troupe, tmp_path: Path) -> None:
    """Tools on offer reach the prompt; a call is one line of JSON."""
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]
    (tmp_path / "tools.json").write_text(json.dumps(tools))
    troupe.lines = [ToolCall(name="get_weather", arguments={"city": "Bern"})] * 2

    ran = shell.run("ask", "Weather in Bern?", "--tools", str(tmp_path / "tools.json"))
    found = shell.run("ask", "Weather?", "--tools", str(tmp_path / "tools.json"), "--json").json

    assert '{"name": "get_weather", "arguments": {"city": "Bern"}}\n' == ran.out
    assert tuple(tools) == troupe.asked[0].tools
    assert ("", [{"name": "get_weather", "arguments": {"city": "Bern"}}]) == (
        found["answer"],
        found["tool_calls"],
    )


@pytest.mark.parametrize("content", ["{", "{}", '[{"name": "x"}]', '[{"type": "function", "function": {}}]'])
def test_tools_that_are_none(shell: Shell, past: Past, tmp_path: Path, content: str) -> None:
    """A file that lists no tools is exit code 2 with its name, before an engine starts."""
    (tmp_path / "tools.json").write_text(content)
    ran = shell.run("ask", "x", "--tools", str(tmp_path / "tools.json"))

    assert (2, "") == (ran.code, ran.out)
    assert str(tmp_path / "tools.json") in ran.err
    assert 2 == shell.run("ask", "x", "--tools", str(tmp_path / "none.json")).code


def test_an_answer_cannot_command_the_terminal(shell: Shell, past: Past, troupe: Troupe) -> None:
    """Control characters of an answer are shown as text; JSON has them escaped."""
    troupe.lines = ["\x1b]52;c;ZXZpbA==\x07done"] * 2

    assert "\\x1b]52;c;ZXZpbA==\\x07done\n" == shell.run("ask", "x").out
    assert "\x1b" not in shell.run("ask", "x", "--json").out


def test_the_engine_is_closed(shell: Shell, past: Past, troupe: Troupe) -> None:
    """Also when it fails, which is exit code 6 and leaves nothing in the store."""
    troupe.lines = [EngineError("no more memory")]
    ran = shell.run("ask", "x")

    assert (6, "", "persona: no more memory\n") == (ran.code, ran.out, ran.err)
    assert [True] == [engine.closed for engine in troupe.engines]
    with shell.store() as store:
        assert 0 == store.interactions.count()


def test_questions_without_anything(shell: Shell, past: Past) -> None:
    """An empty question is refused before an engine starts."""
    assert 2 == shell.run("ask", " ").code
    assert 2 == shell.run("ask", "-", stdin="").code


def test_diff_shows_answers_data_and_scores(shell: Shell, past: Past, troupe: Troupe) -> None:
    """Held-out prompts are asked of both; what was learned and unlearned, and the numbers, too."""
    troupe.lines = ["Old style.", "New style. Cheers, M."]

    found = shell.run("diff", "r1", "r2", "--json").json

    assert [{"prompt": "Question 4?", "a": "Old style.", "b": "New style. Cheers, M."}] == found["answers"]
    assert {
        "examples_added": 2,
        "examples_removed": 1,
        "preferences_added": ["End with Cheers."],
        "preferences_removed": [],
    } == found["data"]
    assert (1, 9) == (found["scores"]["a"]["pairs"]["passed"], found["scores"]["b"]["pairs"]["passed"])
    assert [past.r1.id, past.r2.id] == [engine.revision for engine in troupe.engines]
    assert all(engine.closed for engine in troupe.engines)


def test_diff_with_the_base(shell: Shell, past: Past, troupe: Troupe) -> None:
    """The base was built from nothing, and its scores are those beside the other's."""
    troupe.lines = ["Base.", "Ours."]
    ran = shell.run("diff", "r0", "r2")

    assert "examples: 3 more, 0 gone" in ran.out
    assert "  + “Answer shortly.”\n  + “End with Cheers.”\n" in ran.out
    assert "> Question 4?\n[r0] Base.\n[r2] Ours.\n" in ran.out
    row = next(line for line in ran.out.splitlines() if line.startswith("preferred answer"))
    assert ["10 % (1 of 10)", "90 % (9 of 10)"] == [row[27:].split("  ")[0], row.split("  ")[-1]]


def test_diff_without_a_held_out_prompt(shell: Shell, past: Past, troupe: Troupe) -> None:
    """What stands in for the user's own is asked: of a wish alone there are answers to see."""
    brief = replace(preference("Be brief."), checker={"kind": "max_sentences", "n": 2})
    with shell.store() as store:
        snapshot(store, train=[], held_out=[], entries=[brief], day=9)
    troupe.lines = ["a", "b", "c", "d"]

    found = shell.run("diff", "r1", "r2", "--prompts", "2", "--json").json["answers"]

    assert [("a", "c"), ("b", "d")] == [(each["a"], each["b"]) for each in found]
    assert stand_in_prompts("en")[:2] == [each["prompt"] for each in found]


def test_diff_keeps_nothing(shell: Shell, past: Past, troupe: Troupe) -> None:
    """Answers to held-out prompts never become interactions; without prompts no engine starts."""
    troupe.lines = ["a", "b"]
    shell.run("diff", "r1", "r2")
    shell.run("diff", "r1", "r2", "--prompts", "0")

    assert 2 == len(troupe.engines)
    with shell.store() as store:
        assert 0 == store.interactions.count()


def test_preferences_act_before_any_night(shell: Shell, past: Past, troupe: Troupe) -> None:
    """What the weights do not carry is in the prompt, unless it is withheld; what is kept is the question."""
    troupe.lines = ["Blue.", "Blue."]

    kept = shell.run("ask", "Why?", "--json").json["interaction"]
    shell.run("ask", "Why?", "--withhold")

    first, second = troupe.told
    assert ["system", "user"] == [message.role for message in first.messages]
    assert first.messages[0].content.endswith("- End with Cheers.")
    assert "shortly" not in first.messages[0].content
    assert ["user"] == [message.role for message in second.messages]
    with shell.store() as store:
        assert ["user"] == [message.role for message in store.interactions.get(kept).prompt]
