"""Requests in the shapes that agents and chat programs send, and answers as those programs read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from serve_parts import Served, parse_events, running

RECORDED = Path(__file__).parent / "recorded"
NAMES = sorted(file.stem for file in RECORDED.glob("*.json"))
STREAMED = [name for name in NAMES if name != "claude_code_count_tokens"]


def recorded(name: str) -> dict[str, Any]:
    return json.loads((RECORDED / f"{name}.json").read_text())


def replay(served: Served, given: dict[str, Any]) -> Any:
    answer = served.post(given["path"], given["body"], **given["headers"])
    assert 200 == answer.status_code, answer.text
    return answer


@pytest.mark.parametrize("name", STREAMED)
def test_each_request_is_understood(name: str) -> None:
    """The engine is asked what the client meant, and the turn is kept in the client's conversation."""
    given = recorded(name)
    expected = given["expect"]
    with running([given["reply"]]) as served:
        replay(served, given)
        (turn,) = served.desk.turns

        assert expected["roles"] == [message.role for message in served.prompt.messages]
        assert expected["tools"] == [tool["function"]["name"] for tool in served.prompt.tools]
        assert expected["conversation"] == turn.conversation
        assert served.prompt == turn.prompt
        if "origin" in expected:
            assert expected["origin"] == served.prompt.messages[-1].origin


@pytest.mark.parametrize("name", STREAMED)
def test_each_answer_ends_as_its_client_waits_for(name: str) -> None:
    """The last event is the one without which the client takes the answer for broken."""
    given = recorded(name)
    with running([given["reply"]]) as served:
        events = parse_events(replay(served, given).text)

        if given["path"].startswith("/v1/messages"):
            assert "message_stop" == events[-1][0]
            assert {"stop_reason", "stop_sequence"} == events[-2][1]["delta"].keys()
        elif given["path"] == "/v1/responses":
            assert "response.completed" == events[-1][0]
            assert {"id", "usage"} <= events[-1][1]["response"].keys()
        else:
            assert (None, "[DONE]") == events[-1]
            assert events[-2][1]["usage"]["total_tokens"] > 0


def test_what_changes_with_every_request_is_not_in_the_prompt() -> None:
    """A header that a client hides in its system prompt would make every prompt a new one."""
    given = recorded("claude_code_first_turn")
    with running([given["reply"]]) as served:
        replay(served, given)

        assert "billing" not in served.prompt.messages[0].content
        assert served.prompt.messages[0].content.startswith("You are Claude Code")


def test_a_coding_agent_gets_its_free_form_call() -> None:
    """The patch comes as plain text in the item that the agent runs."""
    given = recorded("codex_first_turn")
    with running([given["reply"]]) as served:
        events = parse_events(replay(served, given).text)
        done = [data["item"] for name, data in events if name == "response.output_item.done"]

        assert [("custom_tool_call", "apply_patch", "*** Begin Patch\n*** End Patch\n")] == [
            (item["type"], item["name"], item["input"]) for item in done
        ]


def test_a_call_of_a_namespace_is_the_one_that_was_made() -> None:
    """History names a tool as its answer did, so the model sees one name throughout."""
    given = recorded("codex_tool_result")
    with running([given["reply"]]) as served:
        replay(served, given)
        made = [call.name for message in served.prompt.messages for call in message.tool_calls]

        assert ["apply_patch", "mcp__calendar__list"] == made


def test_tokens_are_counted_for_a_coding_agent() -> None:
    """The request that only asks for the length of its prompt."""
    given = recorded("claude_code_count_tokens")
    with running([]) as served:
        assert given["expect"] == replay(served, given).json()
