"""A daemon that goes away at any moment, and comes back elsewhere: nothing that was typed or sent is lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from tui_parts import Lodging, Talk

from persona.tui.app import PersonaApp, Wishes
from persona.tui.daemon import Address
from persona.tui.errors import Away
from persona.tui.screens.asking import AskLine, WriteBetter
from persona.tui.screens.learned import Learned

pytestmark = pytest.mark.anyio

STEPS = ("asked", "headed", "speaks", "spoke", "ended")


class Wire:
    """What lies between the chat and the daemon. It breaks `at` one of the steps of an answer, and nobody is
    there until it is `mended`, on another port then."""

    def __init__(self, lodging: Lodging) -> None:
        self._lodging = lodging
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.at = ""
        self.broke = asyncio.Event()

    @property
    def address(self) -> Address | None:
        if self._server is None:
            return None
        port = self._server.sockets[0].getsockname()[1]
        return Address(url=f"http://127.0.0.1:{port}", token=self._lodging.token)

    async def mend(self) -> None:
        self.at = ""
        self.broke.clear()
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)

    async def break_off(self) -> None:
        server, self._server = self._server, None
        self.broke.set()
        if server is not None:
            server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        there, back = await asyncio.open_connection("127.0.0.1", self._lodging.port)
        self._open |= {writer, back}
        asked = asyncio.Event()
        both = (self._carry(reader, back, asked, up=True), self._carry(there, writer, asked, up=False))
        with suppress(OSError):
            await asyncio.gather(*both)
        for end in (writer, back):
            end.close()
        self._open -= {writer, back}

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: asyncio.Event, *, up: bool
    ) -> None:
        said, there = b"", b"127.0.0.1:%d" % self._lodging.port
        here = there if self.address is None else self.address.url.removeprefix("http://").encode()
        while got := await reader.read(4096):
            if up and b"POST /v1/chat/completions" in got:
                asked.set()
                if self.at == "asked":
                    return await self.break_off()
            writer.write(got.replace(here, there) if up else got)  # the daemon answers to its own name alone
            await writer.drain()
            if not up and asked.is_set():
                said += got
                if self._is_over(said):
                    return await self.break_off()
        return None

    def _is_over(self, said: bytes) -> bool:
        match self.at:
            case "headed":
                return b"\r\n\r\n" in said
            case "speaks":
                return b"word0" in said
            case "spoke":
                return b"word9" in said
            case "ended":
                return b"finish_reason" in said and b'"interaction"' in said
        return False


@asynccontextmanager
async def chatting(lodging: Lodging, notes: Path, wire: Wire) -> AsyncIterator[Talk]:
    """The chat over the wire, once the daemon is reached."""
    app = PersonaApp(lambda: wire.address, notes=notes)
    async with app.run_test(size=(100, 32)) as pilot:
        talk = Talk(app=app, pilot=pilot)
        await talk.until(lambda: app.link.seen.state == "ready")
        yield talk


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes.db"


@pytest.fixture
async def wire(lodging: Lodging) -> AsyncIterator[Wire]:
    lodging.stage.reply = lambda *_: " ".join(f"word{n}" for n in range(10))
    lodging.stage.seconds_a_word = 0.02
    wire = Wire(lodging)
    await wire.mend()
    yield wire
    await wire.break_off()


def is_kept(talk: Talk, text: str) -> bool:
    """It stands in the prompt, to be sent again, or in the conversation with what was said to it."""
    turn = talk.screen.thread.last
    answered = turn is not None and turn.question == text and turn.answer is not None
    return answered != (text in talk.screen.prompt.text.split("\n"))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("before", [False, True])
async def test_a_question_outlives_the_daemon(
    lodging: Lodging, wire: Wire, notes: Path, step: str, before: bool
) -> None:
    """It is back in the prompt, before what was typed since, or has the part that was said; in a conversation
    that begins and in one that goes on. The daemon that comes back answers it, elsewhere too."""
    async with chatting(lodging, notes, wire) as talk:
        if before:
            await talk.ask("And before?")
        wire.at = step
        talk.screen.prompt.put("Are you there?")
        talk.press_at_once("enter", *"and")
        await asyncio.wait_for(wire.broke.wait(), 20)
        await talk.until(lambda: not talk.screen.busy and talk.app.link.seen.state == "away")
        await talk.until(lambda: is_kept(talk, "Are you there?"))
        await talk.until(lambda: talk.screen.prompt.text.endswith("and"))
        await wire.mend()
        await talk.until(lambda: talk.app.link.seen.state == "ready")
        talk.screen.prompt.put("")
        assert "word9" in await talk.ask("Are you back?")


async def test_a_question_outlives_the_chat(lodging: Lodging, wire: Wire, notes: Path) -> None:
    """Left while nothing was said to it yet, it is there when the chat is opened again; once it is answered,
    it is no draft any more, of this conversation or of a new one."""
    speaks = threading.Event()
    lodging.stage.reply = lambda *_: "word9" if speaks.wait(30) else ""
    async with chatting(lodging, notes, wire) as talk:
        await talk.say("Are you there?")
        await talk.until(lambda: talk.screen.speaking is not None)
        await talk.pilot.press("ctrl+q")
        await talk.until(lambda: not talk.app.is_running)
    speaks.set()
    async with chatting(lodging, notes, wire) as talk:
        assert "Are you there?" == talk.screen.prompt.text
        await talk.pilot.press("enter")
        await talk.until(lambda: talk.last is not None and not talk.screen.busy)
        assert "" == talk.app.notebook.draft()
        assert "" == talk.app.notebook.draft(talk.screen.thread.id)
        await talk.pilot.press("ctrl+n")
        await talk.until(lambda: not talk.screen.thread.turns)
        assert "" == talk.screen.prompt.text


async def test_two_questions_at_once(lodging: Lodging, wire: Wire, notes: Path) -> None:
    """The second, sent before the first is on its way, is back in the prompt, and the first is answered."""
    async with chatting(lodging, notes, wire) as talk:
        talk.press_at_once(*"one", "enter", *"two", "enter", *"three")
        await talk.until(lambda: talk.last is not None and not talk.screen.busy)
        assert ["one"] == [turn.question for turn in talk.screen.thread.path()]
        await talk.until(lambda: talk.screen.prompt.text.replace("\n", "") == "twothree")


async def test_no_other_conversation_comes_between(lodging: Lodging, wire: Wire, notes: Path) -> None:
    """A key for a new one that comes behind Enter waits for nobody: the question stays where it was asked."""
    async with chatting(lodging, notes, wire) as talk:
        talk.press_at_once(*"one", "enter", "ctrl+n")
        await talk.until(lambda: talk.last is not None and not talk.screen.busy)
        assert ["one"] == [turn.question for turn in talk.screen.thread.path()]


async def test_what_is_taught_outlives_the_daemon(lodging: Lodging, wire: Wire, notes: Path) -> None:
    """The reason of a vote, a better answer, a preference, a question that is asked otherwise."""
    async with chatting(lodging, notes, wire) as talk:
        await talk.ask("a")
        answer = talk.last

        await talk.pilot.press("f3")
        await talk.until(lambda: isinstance(talk.app.screen, AskLine))
        await talk.pilot.press(*"far too long")
        await wire.break_off()
        await talk.pilot.press("enter")
        await talk.until(lambda: talk.screen.prompt.text == "/down far too long")

        talk.screen.prompt.put("")
        await talk.pilot.press("f4")
        await talk.until(lambda: isinstance(talk.app.screen, WriteBetter))
        await talk.pilot.press("!", "ctrl+s")
        await talk.shows("the daemon is away")
        assert talk.app.notebook.draft(f"better:{answer.interaction}").endswith("word9!")

        await talk.say("/prefer Short.")
        await talk.until(lambda: talk.screen.prompt.text == "/prefer Short.")

        talk.screen.prompt.put("")
        await talk.pilot.press("ctrl+up", "up", "enter")
        await talk.until(lambda: isinstance(talk.app.screen, WriteBetter))
        await talk.pilot.press(*"bc", "ctrl+s")
        await talk.until(lambda: talk.screen.prompt.text == "abc")

        await wire.mend()
        await talk.until(lambda: talk.app.link.seen.state == "ready")
        await talk.pilot.press("f4")
        await talk.until(lambda: isinstance(talk.app.screen, WriteBetter))
        await talk.pilot.press("?", "ctrl+s")
        await talk.until(lambda: answer.better is not None)
        assert answer.better.endswith("word9!?")
        assert "" == talk.app.notebook.draft(f"better:{answer.interaction}")


async def test_a_window_goes_on_with_a_daemon_that_is_elsewhere(
    lodging: Lodging, wire: Wire, notes: Path
) -> None:
    """What was opened over one that went away asks the one that came."""
    async with chatting(lodging, notes, wire) as talk:
        await talk.pilot.press("f7")
        await talk.until(lambda: isinstance(talk.app.screen, Learned))
        await wire.break_off()
        await talk.until(lambda: talk.app.link.seen.state == "away")
        await talk.pilot.press("right")
        await talk.shows("the daemon is away")
        await wire.mend()
        await talk.until(lambda: talk.app.link.seen.state == "ready")
        await talk.pilot.press("left")
        await talk.until(lambda: "the daemon is away" not in talk.text())


async def test_a_daemon_that_was_closed_is_away(lodging: Lodging) -> None:
    """What still asks it hears so, and is no defect."""
    async with lodging.chat(wishes=Wishes()) as talk:
        daemon = talk.app.link.the_daemon()
        await talk.app.link.close()
        with pytest.raises(Away):
            await daemon.look("status")
        with pytest.raises(Away):
            async for _ in daemon.happenings(None):
                pass
