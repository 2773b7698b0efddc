"""The models of another server, in the list that clients choose from."""

from __future__ import annotations

import socket

import pytest
from serve_parts import TOKEN, running

from persona.config import UpstreamSettings
from persona.engine.fake import ScriptedEngine
from persona.errors import BadInput
from persona.serve.beyond import Beyond
from persona.serve.desk import Upstream

LLAMA = {"llama3": ScriptedEngine([], revision="far")}


def test_what_another_server_lists_is_offered() -> None:
    """In its order, asked with its key, and once for many questions."""
    with running([], others=LLAMA) as far:
        beyond = Beyond(Upstream(url=f"{far.url}/v1", key=TOKEN))
        first = beyond.models()
        far.desk.trouble["models"] = BadInput("asked again")

        assert ("persona", "persona:r7", "llama3") == first == beyond.models()
        assert beyond.answers_for("anything")


def test_a_server_that_does_not_say_offers_nothing() -> None:
    """Nobody there, the wrong key, an address that is none: no error, and no models."""
    with running([], others=LLAMA) as far, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        places = [
            Upstream(url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1"),
            Upstream(url=f"{far.url}/v1", key="wrong"),
            Upstream(url=f"{far.url}/nowhere", key=TOKEN),
            Upstream(url="http://[wrong/v1"),
        ]

        assert [()] * 4 == [Beyond(place).models() for place in places]


def test_models_of_the_settings_are_not_asked_for() -> None:
    """Who names some means these alone."""
    settings = UpstreamSettings(url="http://127.0.0.1:1/v1/", api_key_env="KEY", models=("a", "b"))
    beyond = Beyond.of(settings, {"KEY": "secret"})

    assert beyond is not None
    assert (("a", "b"), True, False) == (beyond.models(), beyond.answers_for("a"), beyond.answers_for("c"))
    assert Upstream(url="http://127.0.0.1:1/v1", key="secret") == beyond.upstream


@pytest.mark.parametrize("environ", [{}, {"KEY": ""}])
def test_a_key_that_is_not_there_is_none(environ: dict[str, str]) -> None:
    """The other server is asked without one, and says what it thinks of it."""
    beyond = Beyond.of(UpstreamSettings(url="http://127.0.0.1:1/v1", api_key_env="KEY"), environ)

    assert beyond is not None
    assert "" == beyond.upstream.key
    assert Beyond.of(UpstreamSettings(), environ) is None
