"""What is kept through the daemon, and what happens when the store cannot take it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from persona.capture.writer import Writer
from persona.errors import BadInput, NotKept
from store import Store
from store.database import Database
from store.errors import StoreBusy, StoreFull, StoreMissing
from store.records import Feedback, FeedbackKind, Message, Origin

AT = datetime(2026, 11, 1, 21, 4, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    Store.open(tmp_path / "store.db").close()
    return tmp_path / "store.db"


@pytest.fixture
def writer(path):
    writer = Writer(path, now=lambda: AT)
    yield writer
    writer.close()


def user(text: str, **more: Any) -> Message:
    return Message(role="user", content=text, **more)


def answer(text: str) -> Message:
    return Message(role="assistant", content=text)


def keep(writer: Writer, *prompt: Message, says: str = "Because.", **more: Any) -> str:
    return writer.keep(prompt=prompt, completion=answer(says), **{"source": "llm", "revision": "r0", **more})


def conversation_of(path, interaction: str) -> str:
    with Store.open(path) as store:
        return store.interactions.get(interaction).conversation


def test_a_turn_is_durable_when_its_id_is_there(path, writer: Writer) -> None:
    """Another connection finds the whole turn as it was said, origins as they came in."""
    system = Message(role="system", content="Be brief.")
    pasted = user("a file's content", origin=Origin.CLIENT)
    tools = ({"type": "function", "function": {"name": "look"}},)
    kept = keep(writer, system, pasted, user("Why?"), tools=tools, source="aider", revision=None)

    with Store.open(path) as store:
        found = store.interactions.get(kept)
    assert (system, pasted, user("Why?")) == found.prompt
    assert (answer("Because."), "aider", None, tools, AT) == (
        found.completion,
        found.source,
        found.revision,
        found.tools,
        found.at,
    )
    assert [Origin.CLIENT, Origin.CLIENT, Origin.USER] == [message.origin for message in found.prompt]


def test_the_clients_own_name_for_a_conversation(path, writer: Writer) -> None:
    """A name that the client gives is the conversation's."""
    assert "session-7" == conversation_of(path, keep(writer, user("Why?"), conversation="session-7"))


def test_a_prompt_that_goes_on_stays_in_its_conversation(path, writer: Writer) -> None:
    """The next turn of a talk is found by what was said; another talk gets a conversation of its own."""
    first = keep(writer, user("Why?"))
    second = keep(writer, user("Why?"), answer("Because."), user("Really?"), says="Yes.")
    other = keep(writer, user("What?"))

    assert conversation_of(path, first) == conversation_of(path, second)
    assert conversation_of(path, first) != conversation_of(path, other)


def test_a_talk_goes_on_after_a_restart(path, writer: Writer) -> None:
    """A new daemon finds a talk in the store that is sent back word for word, for the same client only."""
    first = keep(writer, user("Why?"))
    writer.close()
    again = Writer(path)
    second = keep(again, user("Why?"), answer("Because."), user("Really?"))
    foreign = keep(again, user("Why?"), answer("Because."), user("Really?"), source="aider")
    again.close()

    assert conversation_of(path, first) == conversation_of(path, second)
    assert conversation_of(path, first) != conversation_of(path, foreign)


def test_an_act_is_kept_on_its_interaction(path, writer: Writer) -> None:
    """Feedback by id is an act on that one, under the id of its content."""
    first, _ = keep(writer, user("Why?")), keep(writer, user("What?"))
    kept = writer.act(Feedback(id="", kind=FeedbackKind.UP, at=AT, interaction=first), source="llm")

    with Store.open(path) as store:
        assert [kept] == store.feedback.all(interaction=first)


def test_an_act_on_the_last_answer_of_this_client(path, writer: Writer) -> None:
    """Without an id it is about what this client was answered last, whoever else was answered since."""
    keep(writer, user("Why?"))
    mine = keep(writer, user("What?"))
    keep(writer, user("Who?"), source="aider")
    kept = writer.act(Feedback(id="", kind=FeedbackKind.DOWN, at=AT), source="llm")

    assert mine == kept.interaction


def test_an_act_on_nothing(writer: Writer) -> None:
    """There has to be an answer, and an id has to be one."""
    with pytest.raises(BadInput, match="no answer yet"):
        writer.act(Feedback(id="", kind=FeedbackKind.UP, at=AT), source="llm")
    with pytest.raises(BadInput, match="i-none"):
        writer.act(Feedback(id="", kind=FeedbackKind.UP, at=AT, interaction="i-none"), source="llm")

    assert {"kept": 0, "lost": 0, "trouble": None, "unread": 0, "unread_for": None} == writer.state()


def test_turns_that_wait_share_a_transaction(path, writer: Writer, monkeypatch) -> None:
    """While the disk is at work others wait, and go into the next transaction together."""
    commits, hold, at_work = _watched_commits(monkeypatch)
    threads = [threading.Thread(target=keep, args=(writer, user("first?")))]
    threads[0].start()
    assert at_work.wait(5)
    threads += [threading.Thread(target=keep, args=(writer, user(f"{n}?"))) for n in range(20)]
    for thread in threads[1:]:
        thread.start()
    while writer._jobs.qsize() < 20:
        pass
    hold.set()
    for thread in threads:
        thread.join()

    assert 2 == len(commits)
    with Store.open(path) as store:
        assert 21 == store.interactions.count()


def test_one_that_does_not_fit_takes_no_other_along(path, writer: Writer, monkeypatch) -> None:
    """A text that is no Unicode is refused by itself; what shared its transaction is kept."""
    _, hold, at_work = _watched_commits(monkeypatch)
    results: list[Any] = []

    def attempt(text: str) -> None:
        try:
            results.append(keep(writer, user(text)))
        except BadInput as error:
            results.append(error)

    threads = [threading.Thread(target=attempt, args=(text,)) for text in ("first", "bad \ud800", "good")]
    threads[0].start()
    assert at_work.wait(5)
    for thread in threads[1:]:
        thread.start()
    while writer._jobs.qsize() < 2:
        pass
    hold.set()
    for thread in threads:
        thread.join()

    assert 1 == sum(isinstance(result, BadInput) for result in results)
    with Store.open(path) as store:
        assert {"first", "good"} == {each.prompt[0].content for each in store.interactions.all()}


def _watched_commits(monkeypatch) -> tuple[list[None], threading.Event, threading.Event]:
    """Every outermost commit is counted, and waits until the event is set; the second says that one waits."""
    commits: list[None] = []
    hold, at_work = threading.Event(), threading.Event()
    keep_ = Database._keep

    def watched(self: Database, sql: str) -> None:
        if sql == "COMMIT":
            commits.append(None)
            at_work.set()
            assert hold.wait(5)
        keep_(self, sql)

    monkeypatch.setattr(Database, "_keep", watched)
    return commits, hold, at_work


def test_a_full_disk_is_told_and_counted_and_gets_over(path, writer: Writer, monkeypatch) -> None:
    """Whoever waits is told; when there is room again, what comes then is kept without a restart."""
    _full_disk(monkeypatch)
    with pytest.raises(NotKept, match="full"):
        keep(writer, user("Why?"))
    told = writer.state()
    monkeypatch.undo()
    kept = keep(writer, user("What?"))

    assert (0, 1) == (told["kept"], told["lost"])
    assert "full" in told["trouble"]
    assert 1 == writer.state()["kept"]
    with Store.open(path) as store:
        assert [kept] == [each.id for each in store.interactions.all()]


def _full_disk(monkeypatch) -> None:
    """SQLite refuses what is inserted and undoes the transaction, as it does when the disk is full."""
    insert = Database.insert

    def refuse(self: Database, table: str, values: Any) -> bool:
        if table == "interactions":
            self._connection.execute("ROLLBACK")
            raise StoreFull(self.path)
        return insert(self, table, values)

    monkeypatch.setattr(Database, "insert", refuse)


def test_another_process_that_writes_is_waited_for(path, writer: Writer, monkeypatch) -> None:
    """A store that is busy is tried again before a turn counts as lost."""
    transaction, refused = Database.transaction, []

    def busy_once(self: Database) -> Any:
        if not refused:
            refused.append(1)
            raise StoreBusy(self.path, 10)
        return transaction(self)

    monkeypatch.setattr(Database, "transaction", busy_once)
    keep(writer, user("Why?"))

    assert 1 == writer.state()["kept"]
    assert [1] == refused


def test_closing_keeps_what_was_asked_for(path) -> None:
    """Close is idempotent, and what comes after it is not kept."""
    writer = Writer(path)
    keep(writer, user("Why?"))
    writer.close()
    writer.close()

    with pytest.raises(NotKept, match="stopping"):
        keep(writer, user("What?"))
    with Store.open(path) as store:
        assert 1 == store.interactions.count()


def test_a_store_that_is_not_there(tmp_path) -> None:
    """Opening says so at once, not with the first turn."""
    with pytest.raises(StoreMissing):
        Writer(tmp_path / "store.db")
