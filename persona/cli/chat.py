"""The chat, line by line: lines starting with a slash act on the last answer, all others are asked.

Nothing that goes wrong with one line ends the chat, and Ctrl-C ends an answer, not the chat.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from persona.cli.conversation import LiveConversation
from persona.cli.editor import edited
from persona.cli.failure import failure_of
from persona.cli.output import say, say_json_line, tell
from persona.errors import BadInput
from persona.visible import visible
from store.records import FeedbackKind

if TYPE_CHECKING:
    from adapters import Bare, Revision
    from persona.bootstrap import Persona
    from persona.engine.protocol import Engine, Sampling

HELP = """\
/up [why]         the answer was good
/down [why]       the answer was not good
/edit [text]      what the answer should have been; without a text, in your editor
/regenerate       another answer to the same question
/pick N           which of the answers is the best (1 is the first)
/revision [R]     who answers; with R, from now on (champion follows what the nights promote)
/prefer TEXT      a preference in your own words
/help             this list
/quit             leave, as Ctrl-D does
//…               a line that starts with a slash"""


class Voice(Protocol):
    """How a chat shows itself."""

    def read(self) -> str | None:
        """The next line, None at the end of input."""
        ...

    def piece(self, text: str) -> None: ...

    def answered(self, *, interaction: str | None, revision: str, ref: str) -> None:
        """After the last piece; no interaction when there was nothing to keep."""
        ...

    def note(self, text: str) -> None: ...


class TextVoice:
    """For people: answers on standard output as they come, the rest on standard error."""

    def read(self) -> str | None:
        try:
            return _input("> ")
        except EOFError:
            return None

    def piece(self, text: str) -> None:
        sys.stdout.write(visible(text))
        sys.stdout.flush()

    def answered(self, **_: object) -> None:
        say()

    def note(self, text: str) -> None:
        tell(text)


class JsonVoice:
    """For programs: one JSON object a line, an answer when it is complete."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def read(self) -> str | None:
        return sys.stdin.readline() or None

    def piece(self, text: str) -> None:
        self._pieces.append(text)

    def answered(self, *, interaction: str | None, revision: str, ref: str) -> None:
        answer, self._pieces = "".join(self._pieces), []
        say_json_line({"answer": answer, "interaction": interaction, "revision": revision, "ref": ref})

    def note(self, text: str) -> None:
        say_json_line({"note": text})


def _input(prompt: str) -> str:
    """One line from standard input; the prompt is never part of the data."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        import readline  # noqa: F401  # editing and history for input()

        return input(prompt)
    if sys.stdin.isatty():
        print(prompt, end="", file=sys.stderr, flush=True)  # noqa: T201
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


class Chat:
    """One chat in one process. `pinned` is who answers; None follows the champion."""

    def __init__(self, persona: Persona, voice: Voice, *, sampling: Sampling, pinned: str | None) -> None:
        self._persona = persona
        self._voice = voice
        self._pinned = pinned
        self._talk = LiveConversation(persona.store, source="chat", sampling=sampling)
        self._answering: Revision | Bare | None = None
        self._engine: Engine | None = None
        self._commands: dict[str, Callable[[str], None]] = {
            "up": lambda why: self._vote(FeedbackKind.UP, why),
            "down": lambda why: self._vote(FeedbackKind.DOWN, why),
            "edit": self._edit,
            "regenerate": self._regenerate,
            "pick": self._pick,
            "revision": self._revision,
            "prefer": self._prefer,
            "help": lambda _: self._voice.note(HELP),
        }

    def run(self) -> None:
        """Until the input ends. An expected error of one line is a note; what starts the chat has to work."""
        try:
            self._follow()
            while (line := self._read()) is not None:
                self._attend(line)
        finally:
            if self._engine is not None:
                self._engine.close()

    def _read(self) -> str | None:
        """The next line that says something; None for /quit and at the end of input."""
        while True:
            try:
                line = self._voice.read()
            except KeyboardInterrupt:
                self._voice.note("\nCtrl-D or /quit leaves")
                continue
            if line is None or line.strip() == "/quit":
                return None
            if line.strip():
                return line.strip()

    def _attend(self, line: str) -> None:
        try:
            if line.startswith("/") and not line.startswith("//"):
                self._obey(line)
            else:
                engine = self._told()
                self._answer(self._talk.ask(engine, line.removeprefix("/")))
        except KeyboardInterrupt:
            self._voice.note("stopped")
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                raise
            self._voice.note(failure.line)

    def _obey(self, line: str) -> None:
        name, _, rest = line[1:].partition(" ")
        command = self._commands.get(name)
        if command is None:
            raise BadInput(f"/{name} is not known: /help lists what is")
        command(rest.strip())

    def _follow(self) -> Engine:
        """The engine of whoever answers now: a champion that a night promoted takes over here."""
        wanted = self._persona.resolve(self._pinned or "champion")
        if self._engine is None or self._answering is None or wanted.id != self._answering.id:
            engine = self._persona.engine(wanted)
            if self._engine is not None:
                self._engine.close()
            self._engine, self._answering = engine, wanted
            self._voice.note(f"{wanted.ref} answers")
        return self._engine

    def _told(self) -> Engine:
        """The engine of whoever answers now, told with every prompt what its weights do not carry yet."""
        from persona.serve.bridged import BridgedEngine

        engine = self._follow()
        assert self._answering is not None
        return BridgedEngine(engine, self._persona.live(self._answering))

    def _answer(self, pieces: Iterator[str]) -> None:
        before = self._talk.standing
        try:
            for piece in pieces:
                self._voice.piece(piece)
        except KeyboardInterrupt:
            pieces.close()  # type: ignore[attr-defined]  # a generator: it keeps what it has
        assert self._engine is not None
        assert self._answering is not None
        now = self._talk.standing
        kept = now.interaction if now is not None and now is not before else None
        self._voice.answered(interaction=kept, revision=self._engine.revision, ref=self._answering.ref)

    def _vote(self, kind: FeedbackKind, why: str) -> None:
        self._talk.vote(kind, why)
        self._voice.note("noted")

    def _edit(self, text: str) -> None:
        self._talk.edit(text or edited(self._talk.last().message.content))
        self._voice.note("noted; we go on from your version")

    def _regenerate(self, _: str) -> None:
        self._answer(self._talk.regenerate(self._told()))
        self._voice.note(
            f"answer {len(self._talk.answers)} of {len(self._talk.answers)}; /pick N says which is best"
        )

    def _pick(self, number: str) -> None:
        if not number.isdecimal():
            raise BadInput("/pick needs a number: 1 is the first answer")
        self._talk.pick(int(number))
        self._voice.note(f"noted; we go on from answer {number}")

    def _revision(self, ref: str) -> None:
        if ref:
            self._persona.resolve(ref)
            self._pinned = None if ref == "champion" else ref
            self._follow()
        assert self._answering is not None
        self._voice.note(
            f"{self._answering.ref} ({self._answering.id})" + ("" if self._pinned else ", the champion")
        )

    def _prefer(self, text: str) -> None:
        if not text:
            raise BadInput("/prefer needs a text: what you prefer, in your own words")
        self._talk.prefer(text)
        self._voice.note("noted: answers keep to it from now on, and the next night learns it")
