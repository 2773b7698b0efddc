"""What a model id stands for, and who answers while revisions come and go."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from daemon_parts import AT, Stage, asked, eventually, publish, together

from adapters import BARE, Registry
from persona.engine.protocol import Prompt, Sampling
from persona.errors import EngineError, UnknownModel
from persona.precedents import Precedent
from persona.serve.engines import Engines
from persona.serve.leases import Leases
from store.records import Message, Preference, PreferenceStatus, ToolCall

LONG = Sampling(max_tokens=100_000)


class Scene:
    def __init__(self, folder, **more) -> None:
        self.registry = Registry.open(folder / "adapters")
        self.stage = Stage()
        self.told: list[tuple[str, dict]] = []
        self.engines = Engines(self.stage.open, patience=1)
        self.leases = Leases(
            self.registry,
            self.engines,
            base_name="tiny",
            base_made=AT,
            tell=lambda kind, data: self.told.append((kind, dict(data))),
            **more,
        )

    def promote(self, revision) -> None:
        self.registry.promote(revision.id, expected=self.registry.champion(), reason="better")

    def who(self, model: str = "persona") -> str:
        with self.leases.lease(model) as lease:
            assert lease.revision == lease.engine.revision
            return lease.model


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path)
    yield scene
    scene.engines.close()


def test_names_of_revisions(scene) -> None:
    """persona is the champion; base, numbers, ids, candidate and prev mean what they say."""
    one, two, three = (publish(scene.registry, number) for number in (1, 2, 3))
    scene.promote(one)
    scene.promote(two)
    scene.leases.follow()

    names = ["persona", "persona:base", "persona:r0", "persona:r1", "persona:prev", "persona:candidate"]
    assert ["persona:r2", "persona:base", "persona:base", "persona:r1", "persona:r1", "persona:r3"] == [
        scene.who(name) for name in names
    ]
    assert "persona:r3" == scene.who(f"persona:{three.id}")


@pytest.mark.parametrize(
    "model", ["gpt-4", "persona:r9", "persona:", "persona:../x", "", "persona:candidate", "persona:prev"]
)
def test_what_is_not_there_is_unknown(scene, model: str) -> None:
    """An id of somebody else's, and one of ours that means nothing now, are unknown models."""
    scene.leases.follow()
    with pytest.raises(UnknownModel):
        scene.who(model)


def test_a_retired_revision_is_not_served(scene) -> None:
    """What is out of service for good cannot be asked for."""
    one = publish(scene.registry, 1)
    scene.registry.retire(one.id, "forgotten")
    scene.leases.follow()

    with pytest.raises(UnknownModel, match="retired"):
        scene.who("persona:r1")
    assert ["persona", "persona:base"] == [card.id for card in scene.leases.models()]


def test_aliases(tmp_path) -> None:
    """The user's own names lead where the user says."""
    scene = Scene(tmp_path, aliases={"gpt-4o-mini": "persona", "old": "persona:r1"})
    publish(scene.registry, 1)
    scene.leases.follow()

    assert ["persona:base", "persona:r1"] == [scene.who("gpt-4o-mini"), scene.who("old")]
    assert scene.leases.knows("old")
    assert not scene.leases.knows("gpt-4")
    assert ["persona", "persona:base", "persona:r1", "gpt-4o-mini", "old"] == [
        card.id for card in scene.leases.models()
    ]
    scene.engines.close()


def test_cards_name_root_parent_and_time(scene) -> None:
    """Each card says which revision it stands for, what that was built on and when."""
    one = publish(scene.registry, 1)
    scene.promote(one)
    scene.leases.follow()
    cards = {card.id: card for card in scene.leases.models()}

    assert (one.id, "tiny", AT) == (cards["persona"].root, cards["persona"].parent, cards["persona"].created)
    assert "r0" == cards["persona:base"].root
    assert one.id == cards["persona:r1"].root


def test_a_promotion_is_followed_and_told(scene) -> None:
    """A champion that another process promoted answers the next request, and clients hear of it."""
    scene.leases.follow()
    one = publish(scene.registry, 1)
    Registry.open(scene.registry.root).promote(one.id, expected="r0", reason="better")

    assert "persona:base" == scene.who()
    assert scene.leases.follow()
    assert not scene.leases.follow()
    assert "persona:r1" == scene.who()
    assert ("serving", {"model": "persona:r1", "revision": one.id, "before": "persona:base"}) == scene.told[
        -1
    ]


def test_a_running_stream_is_not_touched(scene) -> None:
    """A swap in the middle of an answer: that answer ends as it began, and then its engine is closed."""
    one = publish(scene.registry, 1)
    scene.stage.reply = lambda revision, _: f"{revision} " * 200
    scene.leases.follow()
    with scene.leases.lease("persona") as lease:
        stream = lease.engine.stream(asked("Why?"), LONG)
        said = [next(stream).text]
        scene.promote(one)
        scene.leases.follow()
        assert "persona:r1" == scene.who()
        said += [delta.text for delta in stream]

    assert {"r0"} == set("".join(said).split())
    assert [one.id] == scene.stage.loaded


def test_many_swaps_under_eight_clients(scene) -> None:
    """Every request is answered, by one revision from its first word to its last."""
    revisions = [publish(scene.registry, number) for number in range(1, 5)]
    scene.stage.reply = lambda revision, _: f"{revision} " * 20
    scene.leases.follow()
    done = threading.Event()
    served = set()

    def client() -> int:
        answers = 0
        while not done.is_set():
            with scene.leases.lease("persona") as lease:
                words = "".join(delta.text for delta in lease.engine.stream(asked("Why?"), LONG)).split()
                assert {lease.revision} == set(words)
                assert 20 == len(words)
                served.add(lease.model)
            answers += 1
        return answers

    def swapper() -> None:
        for _ in range(4):
            for revision in revisions:
                scene.promote(revision)
                scene.leases.follow()
        done.set()

    *answers, _ = together(*[client] * 8, swapper)
    assert all(answers)
    assert len(served) > 2
    assert eventually(lambda: scene.stage.loaded == [revisions[-1].id])


def test_a_champion_that_cannot_be_loaded(scene) -> None:
    """The one before goes on, the reason is on record and told once, and it is not tried at every look."""
    one = publish(scene.registry, 1)
    scene.leases.follow()
    scene.stage.broken[one.id] = EngineError("its file is damaged")
    scene.promote(one)

    assert not scene.leases.follow()
    assert not scene.leases.follow()
    assert "persona:base" == scene.who()
    assert {"revision": one.id, "why": "its file is damaged"} == scene.leases.state()["not_loaded"]
    assert [("not_loaded", {"revision": one.id, "why": "its file is damaged"})] == scene.told[1:]


def test_rolling_back_from_a_broken_champion_clears_the_reason(scene) -> None:
    """When the champion answers again, nothing is wrong any more."""
    one = publish(scene.registry, 1)
    scene.leases.follow()
    scene.stage.broken[one.id] = EngineError("its file is damaged")
    scene.promote(one)
    scene.leases.follow()
    scene.registry.rollback(reason="by hand")
    scene.leases.follow()

    assert scene.leases.state()["not_loaded"] is None


def test_starting_with_a_broken_champion_falls_back(scene) -> None:
    """At the start the last champion that can be loaded answers."""
    one, two = publish(scene.registry, 1), publish(scene.registry, 2)
    scene.promote(one)
    scene.promote(two)
    scene.stage.broken[two.id] = EngineError("its file is damaged")

    assert scene.leases.follow()
    assert "persona:r1" == scene.who()
    assert two.id == scene.leases.state()["not_loaded"]["revision"]


def test_starting_with_a_damaged_registry_serves_the_base(scene) -> None:
    """When nobody can say who the champion is, the bare base answers and the reason is on record."""
    (scene.registry.root / "HEAD").write_bytes(b"scribble")
    scene.leases.follow()

    assert "persona:base" == scene.who()
    assert "HEAD" in scene.leases.state()["not_loaded"]["why"]


def test_state_says_what_is_loaded(scene) -> None:
    """Status names who serves, and how many requests each engine answers."""
    scene.leases.follow()
    with scene.leases.lease("persona"):
        state = scene.leases.state()

    assert {"model": "persona:base", "revision": "r0"} == state["serving"]
    assert [{"model": "persona:base", "answering": 1}] == state["engines"]


def test_preferences_that_wait_go_into_the_prompt(tmp_path) -> None:
    """What the weights do not carry yet is told to the engine with the prompt; the lease says what it was."""
    wish = Preference(
        id="p-1",
        statement="Answer in French.",
        scope="always",
        attribute="language",
        source="stated",
        first_seen=AT,
        last_seen=AT,
        status=PreferenceStatus.ACTIVE,
    )
    retired = replace(wish, statement="", id="p-2")
    scene = Scene(tmp_path, waiting=lambda revision: (wish, retired) if revision is BARE else ())
    publish(scene.registry, 1)
    scene.leases.follow()
    with scene.leases.lease("persona") as lease:
        lease.engine.complete([asked("Why?")], LONG)
        list(lease.engine.stream(asked("Why?"), LONG))
        counted = lease.engine.count(asked("Why?"))
    with scene.leases.lease("persona:r1") as carried:
        carried.engine.complete([asked("Why?")], LONG)

    base, r1 = scene.stage.opened
    assert ("Answer in French.", "") == lease.statements
    assert all("Answer in French." in prompt.messages[0].content for prompt, _ in base.asked)
    assert counted > 1
    assert () == carried.statements
    assert [asked("Why?")] == [prompt for prompt, _ in r1.asked]
    scene.engines.close()


def test_precedents_stand_before_a_request_of_the_revision_that_they_help(tmp_path) -> None:
    """The same words twice are a call for sure; another revision is asked as the client asks."""
    tool = {"type": "function", "function": {"name": "note", "parameters": {"type": "object"}}}
    answer = Message(role="assistant", tool_calls=(ToolCall(name="note", arguments={}),))
    known = tuple(Precedent(request=f"Why? {mark}", answer=answer) for mark in ("!", "?"))
    scene = Scene(tmp_path, precedents=lambda revision: known if revision is BARE else ())
    publish(scene.registry, 1)
    scene.leases.follow()
    prompt = Prompt(messages=asked("Why?").messages, tools=(tool,))
    for model in ("persona", "persona:r1"):
        with scene.leases.lease(model) as lease:
            lease.engine.complete([prompt], LONG)

    base, r1 = scene.stage.opened
    assert [1, 5] == [len(each.messages) for each, _ in base.asked]
    assert [prompt] == [each for each, _ in r1.asked]
    scene.engines.close()
