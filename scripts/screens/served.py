"""The daemon's own application over the home of the pictures, its engines speaking from a script."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

from adapters import Bare, Revision
from persona.base import Base
from persona.base.record import FingerprintParts
from persona.bootstrap import Persona
from persona.daemon.desk import LocalDesk
from persona.daemon.door import LocalDoor
from persona.daemon.tokens import Tokens
from persona.engine.fake import ScriptedEngine
from persona.engine.protocol import Prompt
from persona.paths import Home
from persona.serve.app import create_app
from persona.serve.limits import Limits
from persona.serve.listening import listen, make_server
from persona.tui.daemon import Address
from scripts.screens.script import reply


class Served:
    """It answers until `stop`; `close` it at last."""

    def __init__(self, root: Path) -> None:
        home = Home(root)
        tokens = Tokens(home, own_identity="me")
        self._door = LocalDoor(tokens, lambda _: LocalDesk(lambda: persona_of(home)))
        bound = listen("127.0.0.1", 0)
        limits = Limits()
        self._server = make_server(create_app(self._door, limits=limits), limits=limits, drain_seconds=1)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._server.serve(sockets=[bound])), daemon=True
        )
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self._address = Address(url=f"http://127.0.0.1:{bound.getsockname()[1]}", token=tokens.own())

    def find(self) -> Address | None:
        return self._address if self._thread.is_alive() else None

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)

    def close(self) -> None:
        self.stop()
        self._door.close()


def persona_of(home: Home) -> Persona:
    def engine(_: Persona, revision: Revision | Bare) -> ScriptedEngine:
        return ScriptedEngine(
            lambda prompt: _say(revision, prompt), revision=revision.id, seconds_a_word=0.004
        )

    persona = Persona(home=home, environ={"PERSONA_IDENTITY__NAME": "me"}, engine_opener=engine)
    persona.__dict__["base"] = small_base(home)
    return persona


def _say(revision: Revision | Bare, prompt: Prompt) -> str:
    return reply(revision.ref, prompt.messages[-1].content)


def small_base(home: Home) -> Base:
    """A base without weights: enough for what never loads it."""
    folder = home.root / "bases" / "smollm2-135m"
    folder.mkdir(parents=True, exist_ok=True)
    return Base(
        name="smollm2-135m",
        path=folder,
        spec="smollm2-135m",
        architecture="llama",
        weights=folder,
        gguf=None,
        template_source="{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}",
        eos="<|end|>",
        context_length=2048,
        parts=FingerprintParts(weights="w", gguf=None, tokenizer="t", template="c", quantisation="none"),
    )
