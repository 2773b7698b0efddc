"""Teaching: votes with a reason, better answers, picks, blind votes, and preferences in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persona.thread import Answer, Turn
from persona.tui.acts import calls, talk
from persona.tui.clean import line
from persona.tui.daemon import Wanted
from persona.tui.errors import Trouble
from persona.tui.screens.asking import AskLine, Sure, WriteBetter
from persona.tui.screens.side_by_side import Arm, Outcome, SideBySide

if TYPE_CHECKING:
    from persona.tui.screens.chat import ChatScreen

_GOOD = ("right to the point", "good tone", "good form")
_BAD = ("too long", "too short", "wrong", "not what I asked", "wrong tone", "wrong form")


async def up(chat: ChatScreen, why: str) -> None:
    await _vote(chat, "up", why, _GOOD)


async def down(chat: ChatScreen, why: str) -> None:
    await _vote(chat, "down", why, _BAD)


async def _vote(chat: ChatScreen, kind: str, why: str, reasons: tuple[str, ...]) -> None:
    _, answer = _judged(chat)
    written = bool(why)  # behind a command, which comes back by itself
    if not why:
        asked = await chat.app.push_screen_wait(
            AskLine(
                "good, because…" if kind == "up" else "not good, because…",
                hint="a digit, your own words, or Enter for no reason",
                quick=reasons,
            )
        )
        if asked is None:
            return
        why = asked
    try:
        await chat.daemon.judge(kind, interaction=answer.interaction, reason=why)
    except Trouble:
        if why and not written:
            chat.prompt.give_back(f"/{kind} {why}")
        raise
    answer.votes.append((kind, why))
    chat.refresh_answer(answer)
    chat.notice.tell("noted: the next night learns from it")


async def better(chat: ChatScreen, text: str) -> None:
    """Write the answer as it should have been: the conversation goes on from there."""
    _, answer = _judged(chat)
    book, key = chat.persona.notebook, f"better:{answer.interaction}"
    if not text:
        screen = WriteBetter(
            "the better answer",
            answer.text,
            draft=book.draft(key),
            hint="Change it to what it should have been. It is the strongest lesson there is.",
        )
        written = await chat.app.push_screen_wait(screen)
        book.keep_draft(written or screen.left, key)
        if written is None:
            if screen.left:
                chat.notice.tell("left as it was; your version is kept for the next time")
            return
        text = written
    await chat.daemon.judge("edit", interaction=answer.interaction, content=text)
    book.keep_draft("", key)
    answer.better = text
    await chat.show_answer(answer)
    chat.notice.tell("noted; we go on from your version")


async def pick(chat: ChatScreen, number: str) -> None:
    """See the answers to a question side by side, one more if there is only one, and take the best."""
    turn, _ = _judged(chat)
    if number.isdecimal() and 1 <= int(number) <= len(turn.answers) and len(turn.answers) > 1:
        await _take(chat, turn, turn.answers[int(number) - 1], turn.answers)
        return
    arms = [Arm(name=answer.model or "answer", answer=answer) for answer in turn.answers[-2:]]
    if len(arms) == 1:
        warm = chat.temperature or talk.ANOTHER
        arms.append(Arm(name="another", model=chat.held or "persona", temperature=warm))
    outcome = await chat.app.push_screen_wait(
        SideBySide("which one is better?", turn.question, arms, await _wanted(chat, turn), chat.daemon)
    )
    await _settle(chat, turn, outcome)


async def blind(chat: ChatScreen, question: str) -> None:
    """The base, the champion before and the one now, in an order that nobody knows; the vote is a pick."""
    if chat.incognito:
        raise Trouble("a vote has to be kept: /incognito ends first")
    if chat.busy:
        raise Trouble("the answer is still coming: Esc stops it")
    chat.the_daemon_is_there()
    models = ["persona:base", "persona:prev", "persona"]
    known = await chat.daemon.look("timeline")
    if known["previous"] in (None, "r0"):
        models.remove("persona:prev")
    if known["champion"] == "r0":
        raise Trouble("only the base answers yet: after the first night there is something to compare")
    if not question:
        turn = chat.chosen()
        if turn is None or not turn.question:
            raise Trouble("ask something first, or /ab QUESTION")
    else:
        turn = chat.thread.ask(question)
    even = chat.temperature or 0.0  # unless it is asked for, chance shall not decide a vote
    arms = [Arm(name=talk.who(model), model=model, temperature=even) for model in models]
    wanted = await _wanted(chat, turn)
    outcome = await chat.app.push_screen_wait(
        SideBySide("blind: which one is best?", turn.question, arms, wanted, chat.daemon, blind=True)
    )
    if not turn.answers and not (outcome and outcome.answers):
        chat.thread.take_out(turn)
        if question:
            chat.prompt.give_back(f"/ab {question}")
    await _settle(chat, turn, outcome)


async def _wanted(chat: ChatScreen, turn: Turn) -> Wanted:
    return Wanted(
        messages=chat.thread.messages(turn),
        tools=await calls.offered(chat),
        conversation=chat.thread.id,
        keep=not chat.incognito,
        max_tokens=chat.max_tokens,
    )


async def _settle(chat: ChatScreen, turn: Turn, outcome: Outcome | None) -> None:
    """Put the answers into the conversation, and keep the pick if there was one."""
    for answer in outcome.answers if outcome else ():
        if answer not in turn.answers:
            turn.answers.append(answer)
    if outcome is not None and outcome.taken is not None:
        await _take(chat, turn, outcome.taken, outcome.answers)
        return
    await chat.show_thread(chat.thread)


async def _take(chat: ChatScreen, turn: Turn, taken: Answer, among: list[Answer]) -> None:
    turn.at = turn.answers.index(taken)
    over = [answer.said.content for answer in among if answer.said.content != taken.said.content]
    await chat.show_thread(chat.thread)
    if not over:
        raise Trouble("both say the same: there is nothing to pick")
    if taken.interaction is None:
        raise Trouble("this answer was not kept, so the pick cannot be either")
    await chat.daemon.judge("pick", interaction=taken.interaction, over=over)
    turn.pick(taken)
    await chat.show_thread(chat.thread)
    chat.notice.tell(f"noted: {line(taken.model) or 'this answer'} it is; we go on from there")
    if not taken.turns:
        await talk.go_on(chat, turn, taken)


async def prefer(chat: ChatScreen, text: str) -> None:
    """Say what you like: it acts at once, and the next night learns it."""
    conversation = chat.thread.id if chat.thread.turns and not chat.incognito else None
    more = {"conversation": conversation} if conversation else {}
    before = await _contested(chat)
    await chat.daemon.judge("preference", content=text, **more)
    if new := [said for key, said in (await _contested(chat)).items() if key not in before]:
        chat.notice.tell(f"noted, but it speaks against what you said: {line(new[0])}? /preferences decides")
    else:
        chat.notice.tell("noted: it acts from now on, and the next night learns it")


async def _contested(chat: ChatScreen) -> dict[str, str]:
    """What waits for the user's word, by id: it neither acts nor is learned."""
    found = await chat.daemon.look("preferences")
    return {each["id"]: each["statement"] for each in found["preferences"] if each["status"] == "contested"}


async def train(chat: ChatScreen, _: str) -> None:
    sure = await chat.app.push_screen_wait(
        Sure("learn now?", "A night runs now instead of later. You can go on talking; answers may be slower.")
    )
    if sure:
        await chat.daemon.act("train")


def _judged(chat: ChatScreen) -> tuple[Turn, Answer]:
    """The answer that is judged. Trouble when there is none, or nothing of it is kept."""
    turn = chat.chosen()
    if turn is None or turn.answer is None:
        raise Trouble("there is no answer yet")
    if turn.answer.interaction is None:
        why = "incognito" if chat.incognito else "it was not kept"
        raise Trouble(f"this answer cannot be judged: {why}")
    return turn, turn.answer
