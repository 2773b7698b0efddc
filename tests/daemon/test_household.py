"""Two people on one daemon, over HTTP: nothing of one is seen, said, judged or computed for the other."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from daemon_parts import House, publish

from persona.daemon.desk import LocalDesk
from persona.daemon.door import LocalDoor
from persona.daemon.tokens import Tokens
from persona.paths import Home
from persona.serve.app import create_app

URL = "http://127.0.0.1:7437"


class Client:
    """One person's client of the application that they share."""

    def __init__(self, loop: asyncio.AbstractEventLoop, app: Any, token: str) -> None:
        self._loop = loop
        self._http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app),
            base_url=URL,
            headers={"Authorization": f"Bearer {token}"},
        )

    def get(self, path: str) -> httpx2.Response:
        return self._loop.run_until_complete(self._http.get(path))

    def post(self, path: str, document: Any, **headers: str) -> httpx2.Response:
        return self._loop.run_until_complete(self._http.post(path, json=document, headers=headers))

    def ask(self, text: str, model: str = "persona") -> httpx2.Response:
        body = {"model": model, "messages": [{"role": "user", "content": text}]}
        return self.post("/v1/chat/completions", body, **{"X-Persona-Conversation": "ours"})

    def close(self) -> None:
        self._loop.run_until_complete(self._http.aclose())


@pytest.fixture
def house(tmp_path) -> House:
    house = House(tmp_path)
    house.create("me")
    house.create("ana")
    one = publish(house.registry("me"), 1)
    house.registry("me").promote(one.id, expected="r0", reason="better")
    return house


@pytest.fixture
def both(house):
    """A client of mine, and one of Ana's."""
    tokens = Tokens(Home(house.root), own_identity="me")
    door = LocalDoor(tokens, lambda identity: LocalDesk(lambda: house.persona(identity)))
    loop = asyncio.new_event_loop()
    app = create_app(door)
    clients = [Client(loop, app, token) for token in (tokens.own(), tokens.add("hers", identity="ana").token)]
    yield clients
    for client in clients:
        client.close()
    loop.close()
    door.close()


def test_each_is_answered_by_their_own_model(house, both) -> None:
    """The same name of a model means each one's own, and a revision of the other's is none."""
    mine, hers = both
    (one,) = house.registry("me").survey().revisions

    assert f"answered by {one.id}" == mine.ask("Who?").json()["choices"][0]["message"]["content"]
    assert "answered by r0" == hers.ask("Who?").json()["choices"][0]["message"]["content"]
    assert [404, 404] == [hers.ask("Who?", model=f"persona:{ref}").status_code for ref in ("r1", one.id)]
    assert "persona:r1" in mine.get("/v1/models").text
    assert one.id not in hers.get("/v1/models").text


def test_no_engine_answers_two_people(house, both) -> None:
    """Not even the base, whose prompt cache would know what the other one said."""
    for client in both:
        client.ask("Who?", model="persona:base")

    assert 2 == house.stage.revisions.count("r0")
    assert [1, 1] == [len(engine.asked) for engine in house.stage.opened if engine.revision == "r0"]


def test_nobody_reads_the_others_words(both) -> None:
    """Conversations with the same name, searches and events are each one's own."""
    mine, hers = both
    mine.ask("My secret?")
    hers.ask("Her secret?")

    for client, own, other in ((mine, "My secret?", "Her"), (hers, "Her secret?", "My")):
        seen = [
            client.get("/persona/conversations").text,
            client.get("/persona/conversation?id=ours").text,
            client.get("/persona/search?text=secret").text,
        ]
        assert [True, True] == [own in text for text in seen[:2]]
        assert not any(f"{other} secret" in text for text in seen)


def test_nobody_judges_the_others_answers(house, both) -> None:
    """By its id it is unknown, the last one is one's own, and the other's store stays as it was."""
    mine, hers = both
    kept = mine.ask("My secret?").headers["x-persona-interaction"]
    by_id = hers.post("/persona/feedback", {"kind": "down", "interaction": kept})
    last = hers.post("/persona/feedback", {"kind": "down", "last": True})

    assert [400, 400] == [by_id.status_code, last.status_code]
    assert "secret" not in by_id.text + last.text
    for identity in ("me", "ana"):
        with house.persona(identity) as persona:
            assert [] == persona.store.feedback.all()


def test_what_one_states_is_told_to_no_other_model(house, both) -> None:
    """A preference waits in the prompts of the one who stated it."""
    mine, hers = both
    mine.post("/persona/prefer", {"text": "Answer in at most two sentences."})
    mine.ask("Why?")
    hers.ask("Why?")
    prompts = {
        engine.revision: "".join(message.content for message in engine.asked[-1][0].messages)
        for engine in house.stage.opened
        if engine.asked
    }

    assert ["r0"] == [name for name, prompt in prompts.items() if "two sentences" not in prompt]
    assert 2 == len(prompts)
