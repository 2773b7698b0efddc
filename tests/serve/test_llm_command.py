"""The `llm` command, set up by `persona connect llm` and used as people use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from serve_parts import TOKEN, Served, call_text, running

from persona.connect.files import write
from persona.connect.recipes import RECIPES, Terms

LOOK = """
def look(city: str) -> str:
    "The weather in a city"
    return "sunny in " + city
"""


def llm(served: Served, folder: Path, *arguments: str, asks: str = "") -> str:
    """What the command prints, with persona among its models and nothing else of the user's."""
    environ = {"LLM_USER_PATH": str(folder)}
    terms = Terms(url=served.url, token=TOKEN, folder=folder, home=folder, environ=environ)
    for file in RECIPES["llm"](terms).files:
        write(file)
    ran = subprocess.run(
        [sys.executable, "-m", "llm", *arguments],
        input=asks,
        env={**os.environ, **environ, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert 0 == ran.returncode, ran.stderr
    return ran.stdout


def test_it_lists_persona(tmp_path) -> None:
    """The model is there under its name."""
    with running([]) as served:
        assert "persona" in llm(served, tmp_path, "models", "list", "-q", "persona")


@pytest.mark.parametrize("how", [(), ("--no-stream",)])
def test_it_asks_and_is_answered(tmp_path, how: tuple[str, ...]) -> None:
    """Streamed and not, with a system prompt and what is piped in; the turn is kept."""
    with running(["So it is."]) as served:
        said = llm(served, tmp_path, "-m", "persona", *how, "-s", "Be brief.", "Why?", asks="It rains.")
        (turn,) = served.desk.turns

    assert "So it is." == said.strip()
    assert [("system", "Be brief."), ("user", "It rains. Why?")] == [
        (message.role, message.content) for message in turn.prompt.messages
    ]


def test_it_goes_on_with_a_conversation(tmp_path) -> None:
    """What was said before comes along."""
    with running(["Because.", "Yes."]) as served:
        llm(served, tmp_path, "-m", "persona", "Why?")
        said = llm(served, tmp_path, "-c", "Really?")

        assert "Yes." == said.strip()
        assert ["Why?", "Because.", "Really?"] == [message.content for message in served.prompt.messages]


def test_its_options_reach_the_engine(tmp_path) -> None:
    """Sampling as its options name it."""
    with running(["Yes."]) as served:
        options = {"temperature": "0.5", "max_tokens": "7", "seed": "3", "top_p": "0.9", "stop": "END"}
        pairs = [part for name, value in options.items() for part in ("-o", name, value)]
        llm(served, tmp_path, "-m", "persona", *pairs, "Why?")
        asked = served.sampling

    assert (0.5, 7, 3, 0.9) == (asked.temperature, asked.max_tokens, asked.seed, asked.top_p)
    assert "END" in asked.stop


def test_its_tools_are_called(tmp_path) -> None:
    """It runs the call that the model made, sends the result, and prints what the model says to it."""
    (tmp_path / "tools.py").write_text(LOOK)
    with running([call_text("look", city="Oslo"), "It is sunny."]) as served:
        said = llm(served, tmp_path, "-m", "persona", "--functions", str(tmp_path / "tools.py"), "Weather?")
        *_, call, result = served.prompt.messages

    assert said.strip().endswith("It is sunny.")
    assert [("look", {"city": "Oslo"})] == [(made.name, made.arguments) for made in call.tool_calls]
    assert ("tool", "sunny in Oslo") == (result.role, result.content)


def test_its_schemas_hold_the_answer(tmp_path) -> None:
    """Structured output as it asks for it."""
    answer = {"name": "Ada", "age": 36}
    with running([json.dumps(answer)]) as served:
        said = llm(served, tmp_path, "-m", "persona", "--schema", "name, age int", "Invent somebody.")
        schema = served.sampling.json_schema

    assert answer == json.loads(said)
    assert schema is not None
    assert {"name", "age"} == schema["properties"].keys()
