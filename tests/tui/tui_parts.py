"""A daemon that runs in this process, its engines scripted, and the chat over it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemon_parts import House, Stage, publish
from textual import events
from textual.pilot import Pilot

from persona.daemon.desk import LocalDesk
from persona.daemon.door import LocalDoor
from persona.daemon.tokens import Tokens
from persona.engine.protocol import Prompt
from persona.paths import Home
from persona.serve.app import create_app
from persona.serve.limits import Limits
from persona.serve.listening import listen, make_server
from persona.tui.app import PersonaApp, Wishes
from persona.tui.daemon import Address
from persona.tui.screens.chat import ChatScreen
from store import Store

LIMITS = Limits(beat=0.2)


def answers(revision: str, prompt: Prompt) -> str:
    """What the scripted engines say: each revision in its own words."""
    return f"**{revision[:5]}** says: {prompt.messages[-1].content}"


@dataclass
class Lodging:
    """`stop` and `start` end and begin the server; the home and its desk stay."""

    house: House
    door: LocalDoor
    token: str
    port: int = 0
    _server: Any = None
    _thread: threading.Thread | None = None
    apps: list[PersonaApp] = field(default_factory=list)

    @classmethod
    @contextmanager
    def open(cls, root: Path, *, reply: Callable[[str, Prompt], str] = answers) -> Iterator[Lodging]:
        house = House(root, stage=Stage(reply=reply))
        house.create()
        registry = house.registry()
        for number in (1, 2):
            revision = publish(registry, number)
            registry.promote(revision.id, expected=registry.champion(), reason="a night")
        tokens = Tokens(Home(root), own_identity="me")
        door = LocalDoor(tokens, lambda name: LocalDesk(lambda: house.persona(name)))
        lodging = cls(house=house, door=door, token=tokens.own())
        lodging.start()
        try:
            yield lodging
        finally:
            lodging.stop()
            door.close()

    @property
    def stage(self) -> Stage:
        return self.house.stage

    def start(self) -> None:
        bound = listen("127.0.0.1", self.port)
        self.port = bound.getsockname()[1]
        self._server = make_server(create_app(self.door, limits=LIMITS), limits=LIMITS, drain_seconds=1)
        server = self._server
        self._thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[bound])), daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + 5
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def stop(self) -> None:
        if self._thread is not None:
            self._server.should_exit = True
            self._server.force_exit = True
            self._thread.join(10)
            self._thread = None

    def find(self) -> Address | None:
        return Address(url=f"http://127.0.0.1:{self.port}", token=self.token) if self._thread else None

    @contextmanager
    def store(self) -> Iterator[Store]:
        with Store.open(Home(self.house.root).identity("me").store) as store:
            yield store

    @asynccontextmanager
    async def chat(
        self, *, size: tuple[int, int] = (100, 32), wishes: Wishes | None = None, notes: Path | None = None
    ) -> AsyncIterator[Talk]:
        """The chat, once the daemon is reached."""
        app = PersonaApp(self.find, notes=notes, wishes=wishes)
        async with app.run_test(size=size) as pilot:
            talk = Talk(app=app, pilot=pilot)
            await talk.until(lambda: app.link.seen.state == "ready")
            yield talk


@dataclass
class Talk:
    """A person at the keyboard."""

    app: PersonaApp
    pilot: Pilot[None]

    @property
    def screen(self) -> ChatScreen:
        return self.app.chat

    async def until(self, true: Callable[[], Any], *, within: float = 30.0) -> None:
        """Wait for something that is to happen."""
        deadline = time.monotonic() + within
        while not true():
            assert time.monotonic() < deadline, f"it did not happen; the screen says\n{self.text()}"
            await self.pilot.pause(0.05)

    def press_at_once(self, *keys: str) -> None:
        """As a quick typist does, or a paste: the next key comes before the last one was seen."""
        for key in keys:
            event = events.Key(key, key if len(key) == 1 else None)
            event.set_sender(self.app)
            assert self.app._driver is not None
            self.app._driver.send_message(event)

    async def say(self, text: str) -> None:
        """Write a line and send it."""
        self.screen.prompt.put(text)
        await self.pilot.press("enter")

    async def prefer(self, wish: str) -> None:
        """State a preference, and wait until it is kept."""
        await self.say(f"/prefer {wish}")
        await self.shows("noted")

    async def ask(self, text: str) -> str:
        """The answer, once it is whole."""
        before = self.last
        await self.say(text)
        await self.until(lambda: self.screen.speaking is None and self.last not in (None, before))
        return self.last.text

    @property
    def last(self) -> Any:
        turn = self.screen.thread.last
        return turn.answer if turn is not None else None

    @property
    def notice(self) -> str:
        return str(self.screen.notice.content) if self.screen.notice.display else ""

    def text(self) -> str:
        """What the terminal shows, as lines."""
        return shown(self.app)

    async def shows(self, text: str) -> None:
        await self.until(lambda: text in self.text())


def shown(app: PersonaApp) -> str:
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in lines)
