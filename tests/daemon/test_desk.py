"""One identity's desk: answers, what is kept, what it says of itself, and its nights."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import pytest
from daemon_parts import AT, House, Stage, asked, eventually, publish, said, turn

from persona.daemon.desk import LocalDesk
from persona.daemon.door import LocalDoor
from persona.daemon.tokens import Tokens
from persona.engine.protocol import Sampling
from persona.errors import BadInput, EngineError, NightRuns, NotInitialised, PersonaError
from persona.paths import Home
from persona.serve.desk import Desk, Door, Upstream
from store.records import Feedback, FeedbackKind

SHORT = Sampling(max_tokens=10)


@pytest.fixture
def house(tmp_path) -> House:
    house = House(tmp_path)
    house.create()
    return house


@pytest.fixture
def opened(house):
    """Opens desks of the house, and closes them."""
    desks: list[LocalDesk] = []

    def open_desk(**more) -> LocalDesk:
        desks.append(LocalDesk(house.persona, **more))
        return desks[-1]

    yield open_desk
    for desk in desks:
        desk.close()


def answer(desk: LocalDesk, text: str, model: str = "persona") -> str:
    with desk.lease(model) as lease:
        (completion,) = lease.engine.complete([asked(text)], SHORT)
        return completion.text


def test_it_is_a_desk(opened) -> None:
    """What the routes need is there, for the identity that is configured."""
    desk: Desk = opened()

    assert "me" == desk.identity
    assert ["persona", "persona:base"] == [card.id for card in desk.models()]
    assert [512, 512] == [card.context for card in desk.models()]


def test_a_home_without_the_identity_is_said_to_be_so(tmp_path) -> None:
    """Nothing is made by looking."""
    with pytest.raises(NotInitialised):
        LocalDesk(House(tmp_path / "none").persona)


def test_the_champion_answers_and_a_promotion_is_answered_by_the_next(house, opened) -> None:
    """After promote returns, the next answer is the new champion's; rollback goes the same way."""
    desk = opened()
    one = publish(house.registry(), 1)
    said = [answer(desk, "Why?")]
    promoted = desk.ask("promote", {"revision": "r1"})
    said.append(answer(desk, "Why?"))
    desk.ask("rollback", {})
    said.append(answer(desk, "Why?"))

    assert ["answered by r0", f"answered by {one.id}", "answered by r0"] == said
    assert ("r1", "r0") == (promoted["ref"], promoted["before_ref"])


def test_a_clean_up_leaves_what_is_loaded(house, opened) -> None:
    """Whoever asks for it; what nobody has loaded goes."""
    house.environ = {"PERSONA_KEEP__REJECTED_DAYS": "0"}
    registry = house.registry()
    one, two = publish(registry, 1), publish(registry, 2)
    desk = opened()
    with desk.lease("persona:r1"):
        for each in (one, two):
            registry.reject(each.id, "it is no better")
        said = desk.ask("gc", {"yes": True})

    assert ["r2"] == said["removed"]
    assert "in use" in [row["reason"] for row in said["revisions"] if row["ref"] == "r1"]


def test_a_turn_is_kept_and_judged(opened) -> None:
    """A kept turn is found again by questions, with the feedback on it."""
    desk = opened()
    kept = desk.keep(turn(asked("Why?"), "Because."))
    act = desk.feedback(Feedback(id="", kind=FeedbackKind.UP, at=AT), source="llm")
    (found,) = desk.ask("conversations", {})["conversations"]
    (said,) = desk.ask("conversation", {"id": found["id"]})["interactions"]

    assert kept == act.interaction == said["id"]
    assert ("llm", "Why?") == (found["source"], found["opening"])
    assert [act.id] == [given["id"] for given in said["feedback"]]
    assert kept == desk.ask("search", {"text": "because"})["hits"][0]["interaction"]
    json.dumps([found, said])


def test_a_conversation_in_brief(opened) -> None:
    """Each message once, behind the interaction that it goes on from; `last` is the newest alone."""
    desk = opened()
    first = desk.keep(turn(asked("Why?"), "Because."))
    desk.keep(turn(asked("How?", *asked("Why?").messages, said("Because.")), "So."))
    (found,) = desk.ask("conversations", {})["conversations"]
    brief = desk.ask("conversation", {"id": found["id"], "brief": "true"})["interactions"]
    (last,) = desk.ask("conversation", {"id": found["id"], "brief": "true", "last": "1"})["interactions"]

    assert [None, first] == [each["after"] for each in brief]
    assert [["Why?"], ["How?"]] == [[one["content"] for one in each["said"]] for each in brief]
    assert brief[-1] == last


@pytest.mark.parametrize("wished", [True, False])
def test_votes_go_back_where_that_is_wished(house, opened, wished: bool) -> None:
    """As soon as they prove that the champion is worse; the next answer is of the one before."""
    house.environ = {"PERSONA_GATE__AUTO_ROLLBACK": str(wished)}
    desk = opened()
    one = publish(house.registry(), 1)
    desk.ask("promote", {"revision": "r1"})
    for revision, kind in (("r0", FeedbackKind.UP), (one.id, FeedbackKind.DOWN)):
        for number in range(8):
            kept = desk.keep(turn(asked(f"Why {number}?"), "Because.", revision=revision))
            desk.feedback(Feedback(id="", kind=kind, at=AT, interaction=kept), source="llm")

    assert ("r0" if wished else one.id) == house.registry().champion()
    assert f"answered by {'r0' if wished else one.id}" == answer(desk, "Why?")


def test_a_stated_preference_waits_for_its_revision(opened) -> None:
    """What the user states is in the ledger at once, and in the next prompt, until weights carry it."""
    desk = opened()
    desk.feedback(
        Feedback(id="", kind=FeedbackKind.PREFERENCE, at=AT, content="Answer in at most two sentences."),
        source="llm",
    )
    with desk.lease("persona") as lease:
        (stated,) = lease.statements
    (listed,) = desk.ask("preferences", {})["preferences"]
    desk.ask("preferences", {"retire": listed["id"]})
    with desk.lease("persona") as lease:
        assert () == lease.statements

    assert "Answer in at most two sentences." == stated == listed["statement"]


def test_a_stated_preference_needs_no_statistics(opened, monkeypatch) -> None:
    """What many answers have in common is looked for at night: it is nothing that its act waits for."""

    def infer(_: object) -> None:
        pytest.fail("statistics for one stated preference")

    monkeypatch.setattr("persona.distill.snapshot.observe", infer)
    desk = opened()
    desk.feedback(
        Feedback(id="", kind=FeedbackKind.PREFERENCE, at=AT, content="Answer in at most two sentences."),
        source="llm",
    )
    assert 1 == len(desk.ask("preferences", {})["preferences"])


def test_prefer_shows_in_the_next_prompt(opened) -> None:
    """So it does when it is said through a question."""
    desk = opened()
    answer(desk, "Why?")
    desk.ask("prefer", {"text": "Answer in at most two sentences."})
    with desk.lease("persona") as lease:
        assert ("Answer in at most two sentences.",) == lease.statements


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("nothing", {}),
        ("status", {"nothing": 1}),
        ("runs", {"limit": "many"}),
        ("report", {"revision": "r9"}),
        ("conversation", {"id": "c-none"}),
        ("promote", {}),
        ("prefer", {"text": " "}),
        ("train", {"now": True}),
    ],
)
def test_what_is_not_understood(opened, name: str, arguments) -> None:
    """Questions and arguments that are not known are the asker's mistake, and cost nothing."""
    with pytest.raises(BadInput):
        opened().ask(name, arguments)


def test_status_says_what_only_the_daemon_knows(opened) -> None:
    """Who serves, what was kept, whether a night runs: as plain JSON."""
    desk = opened()
    desk.keep(turn(asked("Why?"), "Because."))
    status = json.loads(json.dumps(desk.ask("status", {})))

    assert "persona:base" == status["daemon"]["serving"]["model"]
    assert 1 == status["daemon"]["capture"]["kept"] == status["interactions"]
    assert (False, None) == tuple(status["daemon"]["night"][name] for name in ("running", "last"))


def test_status_says_what_passed_by_unread(opened) -> None:
    """Turns of other models that cannot be kept are counted, with the last one's reason."""
    desk = opened()
    before = desk.ask("status", {})["daemon"]["capture"]
    for why in ("aider: n", "codex: an image"):
        desk.miss(why)
    capture = desk.ask("status", {})["daemon"]["capture"]

    assert (0, None) == (before["unread"], before["unread_for"])
    assert (2, "codex: an image", 0) == (capture["unread"], capture["unread_for"], capture["lost"])


def test_a_night_runs_beside_the_answers(house, opened) -> None:
    """The desk answers meanwhile, which the night is told, and tells how it went."""
    go_on = threading.Event()
    idle = []

    def night(on_progress, *, cancel, idle_seconds):
        on_progress({"step": "distill"})
        go_on.wait(10)
        idle.append(idle_seconds())
        return SimpleNamespace(
            run="run-1", outcome="nothing_to_learn", revision=None, reasons=("0 examples",)
        )

    house.night = night
    desk = opened()
    desk.ask("train", {})
    with pytest.raises(NightRuns):
        desk.ask("train", {})
    said = answer(desk, "Why?")
    during = desk.state()["night"]["running"]
    go_on.set()

    assert eventually(lambda: not desk.state()["night"]["running"])
    told = [happening.data for happening in desk.happenings(after=0, wait=0) if happening.kind == "night"]
    assert during
    assert idle[0] < 5
    assert "answered by r0" == said
    assert ["started", "running", "ended"] == [data["state"] for data in told]
    assert ("distill", "nothing_to_learn") == (told[1]["step"], told[-1]["outcome"])


def test_a_night_that_fails_says_why(house, opened) -> None:
    """The line and the exit code are told, and the next night may begin."""

    def night(*_, **__):
        raise EngineError("it broke")

    house.night = night
    desk = opened()
    desk.ask("train", {})
    assert eventually(lambda: not desk.state()["night"]["running"])

    assert {"state": "failed", "exit_code": 6, "why": "it broke"} == desk.state()["night"]["last"]
    desk.ask("train", {})


def test_closing_ends_the_night(house) -> None:
    """A desk that closes leaves nothing at work."""

    def night(_, *, cancel, idle_seconds):
        cancel.wait(10)
        raise KeyboardInterrupt

    house.night = night
    desk = LocalDesk(house.persona)
    desk.ask("train", {})
    desk.close()

    assert not desk.state()["night"]["running"]


def test_models_of_an_upstream(house, opened) -> None:
    """Ids that are not persona's go upstream when there is one, and only those it is configured for."""
    none = opened().upstream("gpt-4o")
    house.environ = {
        "PERSONA_UPSTREAM__URL": "http://127.0.0.1:11434/v1/",
        "PERSONA_UPSTREAM__API_KEY_ENV": "THEIR_KEY",
        "THEIR_KEY": "secret",
    }
    every = opened()
    house.environ = {**house.environ, "PERSONA_UPSTREAM__MODELS": "llama, qwen"}
    some = opened()

    assert none is None
    assert Upstream(url="http://127.0.0.1:11434/v1", key="secret") == every.upstream("gpt-4o")
    assert [None, None] == [every.upstream("persona"), every.upstream("persona:r9")]
    assert [None, "http://127.0.0.1:11434/v1"] == [some.upstream("gpt-4o"), some.upstream("llama").url]
    assert "secret" not in repr(every.upstream("gpt-4o"))
    assert ["persona", "persona:base", "llama", "qwen"] == [card.id for card in some.models()]
    assert [512, 512, None, None] == [card.context for card in some.models()]


def test_a_champion_that_cannot_be_served_is_in_the_log(house, opened, caplog) -> None:
    """Whoever starts a daemon by hand reads there that the base answers in its place, and why."""
    one = publish(house.registry(), 1)
    house.registry().promote(one.id, expected="r0", reason="better")
    house.stage.broken[one.id] = EngineError("its adapter is damaged")
    desk = opened()

    assert "answered by r0" == answer(desk, "Why?")
    assert [f"{one.id} cannot be served: its adapter is damaged"] == caplog.messages


@pytest.fixture
def household(house):
    """The door of a house with two people in it, and their tokens."""
    house.create("ana")
    tokens = Tokens(Home(house.root), own_identity="me")
    door = LocalDoor(tokens, lambda identity: LocalDesk(lambda: house.persona(identity)))
    yield door, tokens.own(), tokens.add("llm", identity="ana").token
    door.close()


def test_a_token_opens_one_identity(household) -> None:
    """Two people's clients never see each other's words, even with the same conversation's name."""
    door, mine, anas = household
    typed: Door = door
    me, ana = typed.admit(mine), typed.admit(anas)
    me.desk.keep(turn(asked("My secret?"), "Hush.", source=me.name, conversation="c-1"))
    ana.desk.keep(turn(asked("Her secret?"), "Hush.", source=ana.name, conversation="c-1"))

    assert ("persona", "me", "llm", "ana") == (me.name, me.desk.identity, ana.name, ana.desk.identity)
    assert [[], ["Her secret?"]] == [
        [hit["excerpt"] for hit in visitor.desk.ask("search", {"text": "her"})["hits"]]
        for visitor in (me, ana)
    ]
    assert typed.admit("nobody's") is None
    assert me.desk is typed.admit(mine).desk


def test_the_watcher_follows_a_promotion(house, household) -> None:
    """A promotion by another process is served within a second, without anybody asking."""
    door, mine, _ = household
    desk = door.admit(mine).desk
    one = publish(house.registry(), 1)
    house.registry().promote(one.id, expected="r0", reason="better")

    assert eventually(lambda: answer(desk, "Why?") == f"answered by {one.id}", within=1.0)


def test_a_desk_that_cannot_be_opened_is_tried_again(tmp_path) -> None:
    """An identity whose home is not ready is an error for its client, not for the daemon."""
    house = House(tmp_path, stage=Stage())
    tokens = Tokens(Home(tmp_path), own_identity="me")
    own = tokens.own()
    door = LocalDoor(tokens, lambda identity: LocalDesk(lambda: house.persona(identity)))
    with pytest.raises(PersonaError):
        door.admit(own)
    house.create()

    assert "me" == door.admit(own).desk.identity
    door.close()
