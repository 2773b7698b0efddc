"""The conversation: what was said, what is being said, and the line to write on.

What a key or a command does stands in persona.tui.acts; this screen shows it, and says what went wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from persona.notebook import NEW
from persona.thread import Answer, Thread, Turn
from persona.tui.acts import acts
from persona.tui.clean import line
from persona.tui.commands import matching, parse, plain_text
from persona.tui.daemon import Daemon
from persona.tui.errors import Away, Trouble
from persona.tui.keys import CHAT
from persona.tui.link import Seen
from persona.tui.screens.closing import unless_closed
from persona.tui.talking import UnderWay
from persona.tui.widgets.bars import Foot, Notice, Offers, TopBar
from persona.tui.widgets.markdown import SafeMarkdown
from persona.tui.widgets.prompt import Prompt
from persona.tui.widgets.transcript import Transcript
from persona.tui.widgets.turns import AnswerView, QuestionView

if TYPE_CHECKING:
    from persona.tui.app import PersonaApp

_DRAFT_REST = 0.4  # seconds of quiet before a draft is written down


class ChatScreen(Screen[None]):
    """`held` is the model that this conversation is held to; empty follows the champion."""

    BINDINGS: ClassVar[list[BindingType]] = CHAT

    def __init__(self, *, held: str = "", max_tokens: int | None = None, temperature: float | None = None):
        super().__init__()
        self.thread = Thread()
        self.held = held
        self.max_tokens = max_tokens
        self.temperature = temperature
        self.incognito = False
        self.title_of_thread = ""
        self.speaking: UnderWay | None = None
        self.asking = ""  # a question on its way, until there is a first word to it
        self._greeting = ""
        self._drafted = NEW  # where the draft is kept

    @property
    def persona(self) -> PersonaApp:
        return cast("PersonaApp", self.app)

    @property
    def daemon(self) -> Daemon:
        """Raises Away and Loading."""
        return self.persona.link.the_daemon()

    @property
    def speaker(self) -> str:
        """Who answers in this conversation."""
        return self.held.removeprefix("persona:") or self.persona.link.seen.champion

    @property
    def on_a_question(self) -> bool:
        return isinstance(self.focused, QuestionView)

    @property
    def busy(self) -> bool:
        """Something is asked, or answered: no other conversation can be gone to."""
        return self.speaking is not None or bool(self.asking)

    def the_daemon_is_there(self) -> None:
        """Raises Away and Loading."""
        self.persona.link.the_daemon()
        if self.persona.link.seen.state == "away":
            raise Away

    def compose(self) -> ComposeResult:
        yield TopBar(id="top")
        yield Transcript(id="transcript")
        yield Notice(id="notice", markup=False)
        yield Offers(id="offers")
        with Horizontal(id="writing"):
            yield Static("›", id="mark")
            yield Prompt(self.persona.wishes.keys, id="prompt")
        yield Foot()

    def on_mount(self) -> None:
        self.notice.hush()
        self.prompt.earlier = self.persona.notebook.prompts()
        self.prompt.put(self.persona.notebook.draft())
        self.prompt.focus()
        self._draft = self.set_timer(_DRAFT_REST, self.keep_draft, pause=True)
        self.show_seen(self.persona.link.seen)

    @property
    def prompt(self) -> Prompt:
        return self.query_one("#prompt", Prompt)

    @property
    def notice(self) -> Notice:
        return self.query_one("#notice", Notice)

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    # what is shown

    def show_seen(self, seen: Seen) -> None:
        """How the daemon is."""
        if not self.query(TopBar) or not self.query(Notice):
            return  # the screen is on its way out
        self.query_one(TopBar).show(
            seen,
            speaker=self.held.removeprefix("persona:") or seen.champion,
            title=self.title_of_thread or (self.thread.turns[0].question if self.thread.turns else ""),
            held=bool(self.held),
            incognito=self.incognito,
        )
        self.prompt.placeholder = (
            f"Ask anything. / for commands, {self.persona.wishes.keys.shown('help')} for help"
            if seen.state == "ready"
            else "Write; it can be sent soon"
        )
        if seen.news:
            self.notice.tell(seen.news)
        elif seen.says:
            self.notice.tell(seen.says, kind="error" if seen.state == "away" else "warning")
        elif seen.state == "ready" and self.notice.has_class("-error", "-warning"):
            self.notice.hush()

    async def greet(self, markdown: str) -> None:
        """What an empty conversation shows."""
        self._greeting = markdown
        if not self.thread.turns:
            await self.show_thread(self.thread)

    async def show_thread(self, thread: Thread, *, at: Turn | None = None) -> None:
        """As its way is chosen now: its end, or around `at`."""
        self.thread = thread
        empty = SafeMarkdown(self._greeting, classes="greeting") if self._greeting else None
        await self.transcript.show(thread, at=at, empty=empty)
        self.show_seen(self.persona.link.seen)

    async def open(
        self,
        thread: Thread,
        title: str = "",
        *,
        at: Turn | None = None,
        typed: str = "",
        text: str | None = None,
    ) -> None:
        """Another conversation; this one keeps its draft, and that one's is back, with `typed` behind it; or
        `text` where that is given."""
        self.keep_draft()
        self.thread, self.title_of_thread = thread, line(title)
        self._drafted = self._draft_key()
        self.prompt.put(self.persona.notebook.draft(self._drafted) + typed if text is None else text)
        self.prompt.focus()
        await self.show_thread(thread, at=at)

    async def show_answer(self, answer: Answer) -> None:
        """Once more, after its text changed."""
        view = self.view_of(answer)
        if view is not None:
            await view.finish(answer)

    def refresh_answer(self, answer: Answer) -> None:
        view = self.view_of(answer)
        if view is not None:
            view.refresh_foot()

    def view_of(self, answer: Answer) -> AnswerView | None:
        return self.transcript.view_of(answer)

    def chosen(self) -> Turn | None:
        """The turn that keys act on: the one gone to, else the last that was answered."""
        if isinstance(self.focused, AnswerView | QuestionView):
            return self.focused.turn
        answered = [turn for turn in self.thread.path() if turn.answer is not None]
        return answered[-1] if answered else self.thread.last

    # what is done

    def action_do(self, name: str) -> None:
        self.do(name)

    def do(self, name: str, argument: str = "", *, written: str = "") -> None:
        """Begin an act; what goes wrong is said in the notice, and `written` is back in the prompt then."""
        self._act(name, argument, written)

    @work(group="acts", exit_on_error=True)
    async def _act(self, name: str, argument: str, written: str) -> None:
        with unless_closed(self, Notice):
            try:
                await acts()[name](self, argument)
            except Trouble as trouble:
                self.notice.tell(str(trouble), kind="error")
                if written:
                    self.prompt.give_back(written)

    def action_stop(self) -> None:
        if self.speaking is not None:
            self.speaking.stop()
        else:
            self.notice.hush()

    def action_write(self) -> None:
        self.prompt.focus()

    def on_key(self, event: events.Key) -> None:
        """A letter that no answer or question has a use for begins a text."""
        on_a_turn = isinstance(self.focused, AnswerView | QuestionView)
        if on_a_turn and event.is_printable and event.character and event.key not in self.active_bindings:
            event.stop()
            self.prompt.focus()
            self.prompt.insert(event.character)

    async def action_move(self, by: int) -> None:
        """To the question or answer before or after; below the last one is the prompt."""
        stops = self._stops()
        at = stops.index(self.focused) if self.focused in stops else len(stops) - 1
        if at + by < 0 and await self.transcript.earlier(self._see_focused):
            stops = self._stops()
            at = stops.index(self.focused) if self.focused in stops else len(stops) - 1
        to = stops[min(max(0, at + by), len(stops) - 1)]
        to.focus()
        to.scroll_visible(animate=False)

    def _see_focused(self) -> None:
        if self.focused is not None:
            self.focused.scroll_visible(animate=False)

    def action_page(self, by: int) -> None:
        """A screenful up or down, wherever the user is."""
        if by < 0:
            self.transcript.scroll_page_up(animate=False)
        else:
            self.transcript.scroll_page_down(animate=False)

    def _stops(self) -> list[Widget]:
        return [*self.query("QuestionView, AnswerView").results(), self.prompt]

    async def action_sibling(self, by: int) -> None:
        """The answer before or after, to the same question."""
        turn = self.chosen()
        if turn is not None and 0 <= turn.at + by < len(turn.answers):
            turn.at += by
            await self._show_again(turn)

    async def action_branch(self, by: int) -> None:
        turn = self.chosen()
        other = self.thread.step(turn, by) if turn is not None else None
        if other is not None:
            await self.show_thread(self.thread, at=other)
            next(view for view in self.query(QuestionView) if view.turn is other).focus()

    async def _show_again(self, turn: Turn) -> None:
        await self.show_thread(self.thread, at=turn)
        view = turn.answer and self.view_of(turn.answer)
        if view:
            view.focus()

    # the line to write on

    def on_prompt_sent(self, event: Prompt.Sent) -> None:
        text, parsed = event.text, parse(event.text)
        if parsed is None and self.busy:
            parsed = "the answer is still coming: Esc stops it"
        if isinstance(parsed, str):
            self.notice.tell(parsed, kind="warning")
            self.prompt.give_back(text)
            return
        if parsed is None:
            self.asking = plain_text(text)
        self.keep_draft()
        self.remember(text)
        if parsed is None:
            self.do("say", plain_text(text))
        else:
            command, argument = parsed
            self.do(command.action, argument, written=text if argument else "")

    def remember(self, text: str) -> None:
        """A prompt that was sent can be brought back; not in incognito."""
        if self.incognito:
            return
        self.persona.notebook.sent(text)
        self.prompt.earlier = [text, *(each for each in self.prompt.earlier if each != text)]

    async def on_prompt_leave(self) -> None:
        await self.action_move(-1)

    def on_text_area_changed(self) -> None:
        self.query_one(Offers).show(matching(self.prompt.text))
        self._draft.stop()  # a timer that has fired does so no more
        self._draft = self.set_timer(_DRAFT_REST, self.keep_draft)

    def keep_draft(self) -> None:
        """Write down what stands in the prompt, and what was asked and has no answer yet, for whenever it is
        needed."""
        if self.incognito:
            return
        book, key = self.persona.notebook, self._draft_key()
        if self._drafted != key:  # the conversation has begun: this is no draft of another new one
            book.keep_draft("", self._drafted)
            self._drafted = key
        book.keep_draft("\n".join(filter(None, (self.asking, self.prompt.text))), key)

    def _draft_key(self) -> str:
        """Nobody knows a conversation in which nothing was answered."""
        return self.thread.id if any(turn.answers for turn in self.thread.turns) else NEW

    def retitle(self, title: str) -> None:
        self.title_of_thread = line(title)
        self.show_seen(self.persona.link.seen)
