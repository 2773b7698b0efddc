"""Persona's own routes: feedback, questions and acts, what happens; and what is kept of an answer."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from serve_parts import REVISION, Served, parse_events, running, wait_until

from persona.errors import (
    BadInput,
    Busy,
    EnginesBusy,
    NoSpace,
    NotInitialised,
    NotKept,
    PersonaError,
    TemplateRefused,
    UnknownRevision,
)
from store.records import FeedbackKind, ToolCall

CHAT = "/v1/chat/completions"
ASKED = {"model": "persona", "messages": [{"role": "user", "content": "Hello?"}]}
FEEDBACK = "/persona/feedback"


def test_the_turn_is_kept_before_the_answer_is_whole() -> None:
    """Whoever reads the end of an answer finds its turn kept already, streamed or not."""
    with running(lambda _: "One two.") as served:
        served.post(CHAT, ASKED)
        assert 1 == len(served.desk.turns)

        with served.client() as client, client.stream("POST", CHAT, json={**ASKED, "stream": True}) as answer:
            for line in answer.iter_lines():
                if 'finish_reason":"stop' in line:
                    assert 2 == len(served.desk.turns)

        kept = served.desk.turns[1]
        assert ("tests", REVISION, None) == (kept.source, kept.revision, kept.conversation)
        assert "One two." == kept.completion.message.content
        assert "Hello?" == kept.prompt.messages[0].content


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_cannot_be_kept_is_still_an_answer(stream: bool) -> None:
    """The client gets it whole; the loss is counted and logged, and no interaction is named."""
    with running(lambda _: "One two.") as served:
        served.desk.trouble["keep"] = NotKept("the disk is full")
        answer = served.post(CHAT, {**ASKED, "stream": stream})

        assert 200 == answer.status_code
        assert "One two." == content(answer.text, stream)
        assert "x-persona-interaction" not in answer.headers
        assert "persona_not_kept_total 1.0" in served.get("/metrics").text


def content(text: str, stream: bool) -> str:
    if not stream:
        return json.loads(text)["choices"][0]["message"]["content"]
    *events, _ = [data for _, data in parse_events(text)]
    return "".join(event["choices"][0]["delta"].get("content", "") for event in events)


@pytest.mark.parametrize("wish", ["no", "No", "0", "false"])
def test_what_shall_not_be_kept_is_not_kept(wish: str) -> None:
    """A client that says so is answered and forgotten."""
    with running(["Yes."]) as served:
        answer = served.post(CHAT, ASKED, **{"X-Persona-Keep": wish})

        assert 200 == answer.status_code
        assert [] == served.desk.turns
        assert None is answer.json()["persona"]["interaction"]


def test_a_wish_that_is_not_understood_is_refused() -> None:
    """Better no answer than one that is kept against a wish."""
    with running(["Yes."]) as served:
        answer = served.post(CHAT, ASKED, **{"X-Persona-Keep": "nope"})

        assert (400, []) == (answer.status_code, served.desk.turns)


@pytest.mark.parametrize(
    ("headers", "conversation"),
    [
        ({}, None),
        ({"X-Persona-Conversation": "c-1"}, "c-1"),
        ({"X-Claude-Code-Session-Id": "s-1"}, "s-1"),
        ({"X-Claude-Code-Session-Id": "s-1", "X-Claude-Code-Agent-Id": "a-1"}, "s-1/a-1"),
        ({"X-Persona-Conversation": "c-1", "X-Claude-Code-Session-Id": "s-1"}, "c-1"),
        ({"Session_id": "s-2"}, "s-2"),
        ({"Session_id": "two words"}, None),
        ({"X-Claude-Code-Session-Id": "x" * 201, "Session-Id": "s-2"}, "s-2"),
        ({"X-Claude-Code-Agent-Id": "a-1"}, None),
    ],
)
def test_a_turn_belongs_to_the_clients_conversation(
    headers: dict[str, str], conversation: str | None
) -> None:
    """The client's own name for it decides; a sub-agent's is one of its own. What names none is ignored."""
    with running(["Yes."]) as served:
        served.post(CHAT, ASKED, **headers)

        assert conversation == served.desk.turns[0].conversation


def test_a_name_of_a_conversation_has_to_be_one() -> None:
    """No blanks, nothing endless, where it is persona's own header that says it."""
    with running(["Yes."]) as served:
        for name in ("two words", "x" * 201):
            assert 400 == served.post(CHAT, ASKED, **{"X-Persona-Conversation": name}).status_code


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"kind": "up"}, {}),
        ({"kind": "down", "reason": "too long"}, {"reason": "too long"}),
        ({"kind": "edit", "content": "Hi."}, {"content": "Hi."}),
        (
            {"kind": "edit", "tool_calls": [{"function": {"name": "f", "arguments": '{"a": 1}'}}]},
            {"tool_calls": (ToolCall(name="f", arguments={"a": 1}),)},
        ),
        (
            {"kind": "edit", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": {"a": 1}}}]},
            {"tool_calls": (ToolCall(name="f", arguments={"a": 1}, id="1"),)},
        ),
        ({"kind": "pick", "over": ["Hey."]}, {"over": ("Hey.",)}),
        ({"kind": "correction", "content": "It is Oslo."}, {"content": "It is Oslo."}),
    ],
)
def test_feedback_on_an_answer(said: dict[str, Any], kept: dict[str, Any]) -> None:
    """Every kind of act, on an interaction by its id and on the last one."""
    with running(["Hello.", "Hello again."]) as served:
        first = served.post(CHAT, ASKED).headers["x-persona-interaction"]
        served.post(CHAT, ASKED)
        named = served.post(FEEDBACK, {**said, "interaction": first})
        last = served.post(FEEDBACK, {**said, "last": True})

        assert (200, 200) == (named.status_code, last.status_code)
        assert [("tests", "i-1"), ("tests", "i-2")] == [
            (source, act.interaction) for source, act in served.desk.acts
        ]
        act = served.desk.acts[0][1]
        assert FeedbackKind(said["kind"]) is act.kind
        assert kept == {name: getattr(act, name) for name in kept}
        assert (act.id, "i-1") == (named.json()["id"], named.json()["interaction"])


def test_a_preference_is_about_no_answer() -> None:
    """It is stated, and may name the conversation that it was said in."""
    with running(["Hello."]) as served:
        answer = served.post(FEEDBACK, {"kind": "preference", "content": "Be brief.", "conversation": "c-1"})
        act = served.desk.acts[0][1]

        assert 200 == answer.status_code
        assert ("Be brief.", "c-1", None) == (act.content, act.conversation, act.interaction)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"kind": "shrug", "last": True}, "kind"),
        ({"kind": "up"}, "interaction"),
        ({"kind": "up", "last": True, "interaction": "i-1"}, "interaction"),
        ({"kind": "edit", "last": True}, "content"),
        ({"kind": "pick", "last": True, "over": []}, "over"),
        ({"kind": "correction", "last": True}, "content"),
        ({"kind": "preference"}, "content"),
        (
            {"kind": "edit", "last": True, "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]},
            "tool_calls[0].function.arguments",
        ),
    ],
)
def test_feedback_that_means_nothing_is_refused(said: dict[str, Any], field: str) -> None:
    """The field at fault is named."""
    with running(["Hello."]) as served:
        served.post(CHAT, ASKED)
        answer = served.post(FEEDBACK, said)

        assert (400, field) == (answer.status_code, answer.json()["error"]["param"])
        assert [] == served.desk.acts


def test_feedback_before_any_answer_is_refused() -> None:
    """There is nothing that it could be about."""
    with running(["Hello."]) as served:
        assert 400 == served.post(FEEDBACK, {"kind": "up", "last": True}).status_code


def test_questions_by_get_and_acts_by_post() -> None:
    """Arguments come in the query or in the body, and the desk's answer goes back as it is."""
    with running([], answers={"report": {"revision": "r7"}, "prefer": {"statement": "Be brief."}}) as served:
        report = served.get("/persona/report?revision=r7")
        prefer = served.post("/persona/prefer", {"text": "Be brief."})

        assert ({"revision": "r7"}, {"statement": "Be brief."}) == (report.json(), prefer.json())
        assert [("report", {"revision": "r7"}), ("prefer", {"text": "Be brief."})] == served.desk.asked


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/persona/rollback", 405),
        ("/persona/train", 405),
        ("/persona/preferences?retire=p-1", 400),
        ("/persona/Status", 404),
        ("/persona/..%2fstatus", 404),
        ("/persona/status/more", 404),
    ],
)
def test_a_link_cannot_act(path: str, status: int) -> None:
    """A GET only looks: what changes something is refused by it, by name and by argument."""
    with running([], answers={"rollback": {}, "preferences": {}, "status": {}}) as served:
        assert status == served.get(path).status_code
        assert [] == served.desk.asked


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadInput("what?"), 400),
        (UnknownRevision("r99"), 404),
        (TemplateRefused("no tools"), 400),
        (Busy(Path("/home")), 409),
        (EnginesBusy("persona", 3), 429),
        (NoSpace(Path("/home"), 2, 1), 507),
        (NotKept("disk full"), 507),
        (NotInitialised(Path("/home")), 503),
    ],
)
def test_errors_have_their_status(error: PersonaError, status: int) -> None:
    """Each error that persona expects has one, and its message goes to the client."""
    with running([], answers={"status": {}}) as served:
        served.desk.trouble = {"ask": error, "feedback": error}
        asked = served.get("/persona/status")
        told = served.post(FEEDBACK, {"kind": "preference", "content": "Be brief."})

        assert (status, status) == (asked.status_code, told.status_code)
        assert str(error) == asked.json()["error"]["message"]


def test_a_defect_is_no_ones_secret() -> None:
    """A bug is a 500 without a word of what happened inside."""
    with running([], answers={"status": {1, 2}}) as served:
        served.desk.trouble = {"ask": ZeroDivisionError("the secret")}  # type: ignore[dict-item]
        answer = served.get("/persona/status")

        assert 500 == answer.status_code
        assert "secret" not in answer.text
        assert "internal_error" == answer.json()["error"]["code"]


def follow(served: Served, path: str, count: int, **headers: str) -> list[tuple[str | None, Any]]:
    """The first events of a stream that does not end."""
    text = ""
    with served.client(**headers) as client, client.stream("GET", path) as answer:
        for piece in answer.iter_text():
            text += piece
            if len(parse_events(text)) >= count:
                break
    return parse_events(text)


def test_what_happens_is_told_as_it_happens() -> None:
    """From now on; what happened before is not told again unless it is asked for."""
    with running([]) as served:
        served.desk.happen("champion", model="persona:r6")
        timer = threading.Timer(0.3, lambda: served.desk.happen("champion", model="persona:r7"))
        timer.start()
        ((kind, data),) = follow(served, "/persona/events", 1)
        later = follow(served, "/persona/events?after=0", 2)
        again = follow(served, "/persona/events", 1, **{"Last-Event-ID": "1"})

        assert ("champion", "persona:r7", 2) == (kind, data["model"], data["number"])
        assert ["persona:r6", "persona:r7"] == [data["model"] for _, data in later]
        assert ["persona:r7"] == [data["model"] for _, data in again]


def test_listeners_are_bounded_and_leave_their_place() -> None:
    """A third listener is put off; when one leaves, there is room."""
    with running([]) as served, served.client() as client:
        with client.stream("GET", "/persona/events") as one, client.stream("GET", "/persona/events") as two:
            assert (200, 200) == (one.status_code, two.status_code)
            assert 429 == served.get("/persona/events").status_code

        def has_room() -> bool:
            with client.stream("GET", "/persona/events") as answer:
                return answer.status_code == 200

        assert wait_until(has_room) < 3


def test_asking_for_the_head_of_the_events_ends() -> None:
    """A HEAD listens to nothing, and takes no place."""
    with running([]) as served, served.client() as client:
        assert [200] * 4 == [client.head("/persona/events").status_code for _ in range(4)]


def test_an_event_that_never_was_is_refused() -> None:
    """`after` is a number."""
    with running([]) as served:
        assert 400 == served.get("/persona/events?after=yesterday").status_code


def test_health_says_nothing_but_that() -> None:
    """Nothing about whose model it is or what it has learnt."""
    with running([]) as served:
        assert {"status": "ok"} == served.get("/health").json()


def test_metrics_count_what_happened() -> None:
    """Requests by route and status, tokens, times, and refusals by reason; no path makes a new counter."""
    with running(["One two."]) as served:
        served.post(CHAT, ASKED)
        served.post(CHAT, {**ASKED, "n": 2})
        served.get("/secret/path/of/ada")
        served.get("/health", Authorization="Bearer wrong")
        text = served.get("/metrics").text

        for line in (
            'persona_requests_total{method="POST",route="/v1/chat/completions",status="200"} 1.0',
            'persona_requests_total{method="POST",route="/v1/chat/completions",status="400"} 1.0',
            'persona_requests_total{method="GET",route="other",status="404"} 1.0',
            'persona_rejected_total{code="unsupported_parameter"} 1.0',
            'persona_rejected_total{code="invalid_api_key"} 1.0',
            'persona_tokens_total{of="prompt"} 1.0',
            'persona_tokens_total{of="completion"} 2.0',
            'persona_answers_total{ended="whole"} 1.0',
            "persona_time_to_first_token_seconds_count 1.0",
            "persona_answers_running 0.0",
        ):
            assert line in text
        assert "ada" not in text
