"""Reading conversations from a file: all that is good goes in, and every other line is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from persona.capture import lines
from persona.capture.interchange import ImportReport, Skipped, import_file
from persona.errors import BadInput
from store import Added, Store
from store.errors import Unstorable
from store.records import Feedback, FeedbackKind, Message, Origin, ToolCall

Write = Callable[..., Path]
CALL = {"id": "k1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.db") as opened:
        yield opened


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def writes(*rows: object) -> Path:
        path = tmp_path / "in.jsonl"
        path.write_bytes(
            b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
        )
        return path

    return writes


def talk(name: str = "c-1", *messages: dict[str, object], **more: object) -> dict[str, object]:
    said = messages or ({"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."})
    return {"id": name, "at": "2026-11-01T21:04:00Z", "messages": list(said), **more}


def ask(content: str = "Hi") -> dict[str, object]:
    return {"role": "user", "content": content}


def answer(content: str | None = "Hello.", **more: object) -> dict[str, object]:
    return {"role": "assistant", "content": content, **more}


def test_a_whole_conversation_goes_in(store: Store, write: Write) -> None:
    """Messages, tools, tool calls in OpenAI's form, feedback and stated preferences reach the store."""
    path = write(
        talk(
            "c-17",
            {"role": "system", "content": "Be a sailor."},
            ask("Weather?"),
            answer(
                None,
                tool_calls=[CALL],
                feedback=[
                    {
                        "kind": "edit",
                        "tool_calls": [
                            {
                                "function": {
                                    "name": "get_weather",
                                    "arguments": {"city": "Oslo", "units": "metric"},
                                }
                            }
                        ],
                    }
                ],
            ),
            {"role": "tool", "tool_call_id": "k1", "content": "12"},
            answer(
                "It is 12.",
                feedback=[
                    {"kind": "up"},
                    {"kind": "down", "reason": "dull"},
                    {"kind": "edit", "content": "12 degrees."},
                    {"kind": "pick", "over": ["A", "B"]},
                    {"kind": "correction", "content": "too short"},
                ],
            ),
            source="import:demo",
            tools=[TOOL],
            preferences=[{"statement": "Answer in at most two sentences."}],
            colour="unknown fields are ignored",
        )
    )
    report = import_file(store, path)
    expected = ImportReport(
        conversations=1, added=Added(interactions=2, messages=5, feedback=6, statements=1), skipped=()
    )
    assert expected == report
    call, final = store.interactions.all()
    assert ("c-17", "import:demo", (TOOL,)) == (call.conversation, call.source, call.tools)
    assert (ToolCall(id="k1", name="get_weather", arguments={"city": "Oslo"}),) == call.completion.tool_calls
    assert ["system", "user", "assistant", "tool"] == [message.role for message in final.prompt]
    assert Origin.TOOL is final.prompt[-1].origin
    assert [FeedbackKind.EDIT] == [given.kind for given in store.feedback.all(interaction=call.id)]
    (edit,) = store.feedback.all(interaction=call.id)
    assert {"city": "Oslo", "units": "metric"} == edit.tool_calls[0].arguments
    given = {each.kind: each for each in store.feedback.all(interaction=final.id)}
    assert ("dull", "12 degrees.", ("A", "B"), "too short") == (
        given[FeedbackKind.DOWN].reason,
        given[FeedbackKind.EDIT].content,
        given[FeedbackKind.PICK].over,
        given[FeedbackKind.CORRECTION].content,
    )
    (stated,) = store.feedback.all(kind=FeedbackKind.PREFERENCE)
    assert ("Answer in at most two sentences.", "c-17") == (stated.content, stated.conversation)
    assert datetime(2026, 11, 1, 21, 4, tzinfo=UTC) == stated.at
    assert [] == store.verify()


def test_importing_again_changes_nothing(store: Store, write: Write) -> None:
    """A second import of the same file adds nothing; a conversation that grew brings only its new part."""
    path = write(talk(preferences=[{"statement": "No emoji"}]), talk("c-2", ask("Other"), answer("No.")))
    first = import_file(store, path)
    again = import_file(store, path)
    assert Added(interactions=2, messages=4, statements=1) == first.added
    assert Added() == again.added
    assert 2 == again.conversations
    grown = write(
        talk("c-2", ask("Other"), answer("No.", feedback=[{"kind": "up"}]), ask("More?"), answer("No."))
    )
    assert Added(interactions=1, messages=2, feedback=1) == import_file(store, grown).added


BAD = [
    (b"{not json", "not JSON: Expecting property name"),
    (b"[]", "not a JSON object"),
    (b'"text"', "not a JSON object"),
    (b"\xff\xfe{}", "not UTF-8 at byte 1"),
    (b'{"id": "\xc3("}', "not UTF-8 at byte 9"),
    (b'{"id": NaN}', "NaN is no number"),
    (b'{"id": 1e999}', "a number is too large"),
    (b'{"id": ' + b"9" * 5000 + b"}", "a number is too long"),
    (b'{"id": ' + b"[" * 150 + b"]" * 150 + b"}", "nested deeper than 100 levels"),
    (b"[" * 200_000, "nested deeper than 100 levels"),
    (b'{"id": "a\x00b"}', "not JSON: Invalid control character"),
    (b"{}", "id: Field required"),
    (talk(""), "id: String should have at least 1 character"),
    (talk("x" * 501), "id: String should have at most 500 characters"),
    ({**talk(), "id": 17}, "id: Input should be a valid string"),
    ({**talk(), "at": "yesterday"}, "at: not a time as in"),
    ({**talk(), "at": 17}, "at: not a time as in"),
    ({**talk(), "at": "0001-01-01T00:00:00+14:00"}, "at: not a time as in"),
    ({**talk(), "messages": {}}, "messages: Input should be a valid list"),
    ({**talk(), "messages": []}, "neither messages nor preferences"),
    (talk("c", {"role": "wizard", "content": "x"}), "messages[0].role: Input should be 'system', 'user'"),
    (talk("c", {"role": "user", "content": 3}), "messages[0].content: Input should be a valid string"),
    (talk("c", answer(), ask()), "message 1 is an answer before any prompt"),
    (talk("c", {"role": "system", "content": "x"}, answer()), "message 2 is an answer before any prompt"),
    (talk("c", ask(), {"role": "tool", "content": "x"}), "message 2 is a tool's result before any call"),
    (talk("c", {**ask(), "tool_calls": [CALL]}), "message 1 (user) calls a tool"),
    (talk("c", {**ask(), "feedback": [{"kind": "up"}]}), "message 1 (user) is no answer, and has feedback"),
    (talk("c", ask(), answer(feedback=[{"kind": "love"}])), "feedback[0].kind: Input should be 'up'"),
    (talk("c", ask(), answer(feedback=[{"kind": "edit"}])), "an edit needs content or tool_calls"),
    (talk("c", ask(), answer(feedback=[{"kind": "pick"}])), "a pick needs the answers it was taken over"),
    (talk("c", ask(), answer(feedback=[{"kind": "correction"}])), "a correction needs content"),
    (
        talk("c", ask(), answer(tool_calls=[{"function": {"name": "f", "arguments": "{"}}])),
        "messages[1].tool_calls[0].function.arguments: the arguments are not JSON",
    ),
    (
        talk("c", ask(), answer(tool_calls=[{"function": {"name": "f", "arguments": "[1]"}}])),
        "messages[1].tool_calls[0].function.arguments: the arguments are not a JSON object",
    ),
    (talk("c", ask(), answer(tool_calls=[{"name": "f"}])), "tool_calls[0].function: Field required"),
    (talk(tools=[{"name": "f"}]), "tools[0]: a tool is an object with a function that has a name"),
    (talk(preferences=[{"statement": "  "}]), "a stated preference is empty"),
    (talk(preferences=["No emoji"]), "preferences[0]: Input should be"),
]


@pytest.mark.parametrize(("row", "reason"), BAD)
def test_a_line_that_does_not_fit_is_named_and_the_rest_goes_in(
    store: Store, write: Write, row: object, reason: str
) -> None:
    """The bad line is skipped with its number and one reason; its neighbours are imported."""
    report = import_file(store, write(talk("before"), row, b"", talk("after")))
    (skipped,) = report.skipped
    assert 2 == skipped.line
    assert reason in skipped.reason
    assert "\n" not in skipped.reason
    assert ["after", "before"] == sorted(each.id for each in store.interactions.conversations())
    assert 2 == report.conversations


def test_a_reason_never_quotes_the_user(store: Store, write: Write) -> None:
    """Reasons end up on screens and in logs; what was said does not."""
    rows = [talk("c", {"role": "hush-hush", "content": 1}), {**talk(), "at": "hush-hush"}, b'{"hush-hush']
    for skipped in import_file(store, write(*rows)).skipped:
        assert "hush" not in skipped.reason


def test_a_huge_line_is_skipped_without_reading_it_at_once(
    store: Store, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line beyond the limit costs its own place only, even as the last one without a line end."""
    monkeypatch.setattr(lines, "LONGEST_LINE", 2**20)
    monkeypatch.setattr(lines, "_CHUNK", 2**10)
    huge = b'{"id": "' + b"x" * 2**21
    report = import_file(store, write(talk("a"), huge, talk("b"), huge))
    assert (
        Skipped(line=2, reason="longer than 1 MiB"),
        Skipped(line=4, reason="longer than 1 MiB"),
    ) == report.skipped
    assert 2 == report.conversations


def test_text_that_no_file_can_hold_is_replaced(store: Store, write: Write) -> None:
    """NUL and lone surrogates become U+FFFD, in arguments given as text too; true pairs stay."""
    arguments = {"function": {"name": "f", "arguments": '{"q": "\\u0000\\ud800", "n": null}'}}
    row = (
        rb'{"id": "c\u0000", "at": "2026-11-01T21:04:00", "messages": ['
        rb'{"role": "user", "content": "a\ud800b \ud83d\ude00"}, '
    )
    import_file(store, write(row + json.dumps(answer(None, tool_calls=[arguments])).encode() + b"]}"))
    (interaction,) = store.interactions.all()
    assert "c\ufffd" == interaction.conversation
    assert (Message(role="user", content="a\ufffdb 😀"),) == interaction.prompt
    assert {"q": "\ufffd\ufffd", "n": None} == interaction.completion.tool_calls[0].arguments


def test_byte_order_mark_blank_lines_and_windows_line_ends_are_no_errors(store: Store, write: Write) -> None:
    """Files from other systems are read as they are, and numbers still count every line."""
    path = write(b"\xef\xbb\xbf" + json.dumps(talk("a")).encode() + b"\r", b"  \r", b"x\r", b"")
    report = import_file(store, path)
    assert (1, 3) == (report.conversations, report.skipped[0].line)


def test_statements_alone_are_a_conversation(store: Store, write: Write) -> None:
    """Preferences can be imported without any talk."""
    path = write({"id": "c", "at": "2026-11-01T21:04:00Z", "preferences": [{"statement": " No emoji "}]})
    assert Added(statements=1) == import_file(store, path).added
    assert ["No emoji"] == [stated.content for stated in store.feedback.all()]


def test_an_interrupted_import_leaves_whole_conversations_only(
    store: Store, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the middle of a conversation, the store holds those of earlier batches, whole; a second
    import completes the rest."""
    up = [{"kind": "up"}]
    turns = (ask(), answer(feedback=up), ask("And?"), answer("So.", feedback=up))
    path = write(*(talk(f"c-{n}", *turns) for n in range(250)))
    add, seen = store.feedback.add, []

    def interrupted(feedback: Feedback) -> bool:
        seen.append(feedback)
        if len(seen) == 352:
            raise KeyboardInterrupt
        return add(feedback)

    monkeypatch.setattr(store.feedback, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        import_file(store, path)
    monkeypatch.undo()
    assert {2} == {each.interactions for each in store.interactions.conversations()}
    assert 100 == len(store.interactions.conversations())
    import_file(store, path)
    assert 500 == store.interactions.count()
    assert [] == store.verify()


def test_what_the_store_refuses_is_skipped_alone(
    store: Store, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A conversation that the store will not take is named with its line, and leaves nothing behind."""
    add = store.feedback.add

    def refusing(feedback: Feedback) -> bool:
        if feedback.conversation == "b":
            raise Unstorable("b", "it is refused here")
        return add(feedback)

    monkeypatch.setattr(store.feedback, "add", refusing)
    secret = talk("b", ask("Secret?"), answer(feedback=[{"kind": "up"}]))
    report = import_file(store, write(talk("a"), secret, talk("c")))
    assert (Skipped(line=2, reason="b cannot be stored: it is refused here"),) == report.skipped
    assert 2 == report.conversations
    assert [] == store.interactions.search("Secret")


def test_progress_ends_with_everything_done(store: Store, write: Write) -> None:
    """Progress counts bytes, grows, and ends at the file's size."""
    path = write(*(talk(f"c-{n}") for n in range(201)))
    seen: list[tuple[int, int]] = []
    import_file(store, path, on_progress=lambda done, total: seen.append((done, total)))
    size = path.stat().st_size
    assert 3 == len(seen)
    assert sorted(seen) == seen
    assert {size} == {total for _, total in seen}
    assert size == seen[-1][0]


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_one_clear_error(store: Store, tmp_path: Path, name: str) -> None:
    """The path and the cause are in the message."""
    with pytest.raises(BadInput, match="cannot be read"):
        import_file(store, tmp_path / name)


def test_the_example_of_the_readme_goes_in(store: Store, tmp_path: Path) -> None:
    """Whoever copies it into one line has a file that is taken in whole."""
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    shown = readme.split("### Interchange")[1].split("### Settings")[0]
    example = tmp_path / "example.jsonl"
    example.write_text(json.dumps(json.loads(shown[shown.index("{") :])) + "\n", "utf-8")
    report = import_file(store, example)
    assert () == report.skipped
    assert Added(interactions=1, messages=2, feedback=5, statements=1) == report.added
