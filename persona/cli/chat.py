"""The chat, line by line: lines starting with a slash act on the last answer, all others are asked.

Nothing that goes wrong with one line ends the chat, and Ctrl-C ends an answer, not the chat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from persona.cli import earlier
from persona.cli.conversation import LiveConversation, Standing
from persona.cli.editor import edited
from persona.cli.failure import failure_of
from persona.cli.input import checked_text
from persona.cli.toolbox import Toolbox
from persona.cli.voices import Voice
from persona.errors import BadInput
from persona.tools import ROUNDS
from persona.visible import one_line
from store.records import FeedbackKind, ToolCall

if TYPE_CHECKING:
    from adapters import Bare, Revision
    from persona.bootstrap import Persona
    from persona.engine.protocol import Engine, Sampling

_LISTED, _ASKED = 10, 300  # conversations of a list; characters of a question that is shown again

HELP = """\
/up [why]         the answer was good
/down [why]       the answer was not good
/edit [text]      what the answer should have been; without a text, in your editor
/regenerate       another answer to the same question
/pick N           which of the answers is the best (1 is the first)
/revision [R]     who answers; with R, from now on (champion follows what the nights promote)
/prefer TEXT      a preference in your own words
/new              begin another conversation
/conversations    the latest ones, numbered; with a number, so many of them
/search WORDS     every message that has all of these words, numbered
/resume N         go on with that one of the list; or an id, or last
/incognito        another conversation, of which nothing is kept; again, and it is as before
/tools            what the model may ask for; `/tools ask` asks about every call again
/help             this list
/quit             leave, as Ctrl-D does
//…               a line that starts with a slash"""


class Chat:
    """One chat in one process. `pinned` is who answers; None follows the champion. `resume` is a conversation
    to go on with: its id, or "last"."""

    def __init__(
        self, persona: Persona, voice: Voice, *, sampling: Sampling, pinned: str | None, resume: str = ""
    ) -> None:
        self._persona = persona
        self._voice = voice
        self._pinned = pinned
        self._sampling = sampling
        self._resumed = resume
        self._incognito = False
        self._listed: list[earlier.Place] = []  # what the numbers of the last list mean
        self._toolbox = Toolbox(persona.settings.chat.tools, voice)
        self._talk = self._conversation()
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
            "new": self._new,
            "conversations": self._conversations,
            "search": self._search,
            "resume": self._resume,
            "incognito": self._go_incognito,
            "tools": self._toolbox.tell,
            "help": lambda _: self._voice.note(HELP),
        }

    def run(self) -> None:
        """Until the input ends. An expected error of one line is a note; what starts the chat has to work."""
        try:
            self._toolbox.start()
            self._follow()
            if self._resumed and (self._resumed != "last" or earlier.newest(self._persona.store, 1)):
                self._resume(self._resumed)
            while (line := self._read()) is not None:
                self._attend(line)
        finally:
            self._toolbox.close()
            if self._engine is not None:
                self._engine.close()

    def _read(self) -> str | None:
        """The next line that says something; None for /quit and at the end of input."""
        while True:
            try:
                line = self._toolbox.unread() or self._voice.read()
            except KeyboardInterrupt:
                self._voice.note("\nCtrl-D or /quit leaves")
                continue
            if line is None or line.strip() == "/quit":
                return None
            if line.strip():
                return line.strip()

    def _attend(self, line: str) -> None:
        try:
            checked_text(line, "this line")
            if line.startswith("/") and not line.startswith("//"):
                self._obey(line)
            else:
                engine = self._told()
                self._converse(self._talk.ask(engine, line.removeprefix("/")))
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
        """The engine of whoever answers now, told with every prompt what its weights do not carry yet, and
        shown before a call what was called before."""
        from persona.serve.bridged import BridgedEngine
        from persona.serve.preceded import PrecededEngine

        engine = self._follow()
        assert self._answering is not None
        told = BridgedEngine(engine, self._persona.live(self._answering))
        return PrecededEngine(told, self._persona.precedents(self._answering))

    def _converse(self, pieces: Iterator[str]) -> None:
        """The answer, and what follows from the calls in it, as the user allows each."""
        said = self._answer(pieces)
        for _ in range(ROUNDS):
            results = self._toolbox.results(said)
            if results is None:
                return
            said = self._answer(self._talk.tell(self._told(), results))
        if said:
            self._voice.note(f"{ROUNDS} rounds of calls in a row: say how to go on")

    def _answer(self, pieces: Iterator[str]) -> Sequence[ToolCall]:
        """Show it; what it calls."""
        before = self._talk.standing
        try:
            self._show(pieces)
        except BaseException:
            self._voice.broke_off()
            raise
        assert self._engine is not None
        assert self._answering is not None
        now = self._talk.standing
        kept = now.interaction if now is not None and now is not before else None
        self._voice.answered(interaction=kept, revision=self._engine.revision, ref=self._answering.ref)
        return now.message.tool_calls if now is not None and now is not before else ()

    def _show(self, pieces: Iterator[str]) -> None:
        try:
            for piece in pieces:
                self._voice.piece(piece)
        except KeyboardInterrupt:
            pieces.close()  # type: ignore[attr-defined]  # a generator: it keeps what it has

    def _vote(self, kind: FeedbackKind, why: str) -> None:
        self._talk.vote(kind, why)
        self._voice.note("noted")

    def _edit(self, text: str) -> None:
        self._talk.edit(text or edited(self._talk.last().message.content))
        self._voice.note("noted; we go on from your version")

    def _regenerate(self, _: str) -> None:
        self._converse(self._talk.regenerate(self._told()))
        if (count := len(self._talk.answers)) > 1:  # else results of a call were answered meanwhile
            self._voice.note(f"answer {count} of {count}; /pick N says which is best")

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

    def _conversation(self, taken_up: Standing | None = None) -> LiveConversation:
        return LiveConversation(
            self._persona.store,
            source="chat",
            sampling=self._sampling,
            kept=not self._incognito,
            taken_up=taken_up,
            tools=self._toolbox.offered,
        )

    def _new(self, _: str) -> None:
        self._talk = self._conversation()
        self._voice.note("another conversation")

    def _go_incognito(self, _: str) -> None:
        self._incognito = not self._incognito
        self._talk = self._conversation()
        self._voice.note(
            "nothing is remembered from here on" if self._incognito else "what is said is kept again"
        )

    def _conversations(self, most: str) -> None:
        if most and not most.isdecimal():
            raise BadInput("/conversations takes a number: how many to list")
        self._list(earlier.newest(self._persona.store, int(most or _LISTED)), "nothing was said yet")

    def _search(self, words: str) -> None:
        if not words:
            raise BadInput("/search needs words: all of them have to be in a message")
        self._list(earlier.said(self._persona.store, words), "nothing has all of these words")

    def _list(self, rows: earlier.Rows, none: str) -> None:
        self._listed = [place for place, _ in rows]
        for number, (_, line) in enumerate(rows, start=1):
            self._voice.note(f"{number:3}  {line}")
        self._voice.note("/resume N goes on with one" if rows else none)

    def _resume(self, which: str) -> None:
        """Show the end of an earlier conversation, and go on from there."""
        standing = earlier.taken_up(self._persona, self._place(which))
        self._talk = self._conversation(standing)
        question = next((said.content for said in reversed(standing.question) if said.role == "user"), "")
        self._voice.note(f"we go on here:\n> {one_line(question, _ASKED)}\n{standing.answer.message.content}")

    def _place(self, which: str) -> earlier.Place:
        if which.isdecimal() and 1 <= int(which) <= len(self._listed):
            return self._listed[int(which) - 1]
        if which == "last":
            latest = earlier.newest(self._persona.store, 1)
            if not latest:
                raise BadInput("nothing was said yet")
            return latest[0][0]
        if not which:
            raise BadInput("/resume needs a number of the last list, an id, or last")
        return earlier.Place(conversation=which)
