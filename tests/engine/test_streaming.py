"""An answer that is computed in a thread of its own, as its reader gets it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from persona.engine.protocol import Completion
from persona.engine.streaming import OnText, streamed
from persona.errors import EngineError
from store.records import Message


def _completion(text: str) -> Completion:
    return Completion(
        text=text,
        message=Message(role="assistant", content=text),
        finish_reason="stop",
        prompt_tokens=1,
        completion_tokens=1,
        seconds=0.0,
    )


def _giving(
    pieces: list[str], then: Callable[[], Completion]
) -> Callable[[OnText, threading.Event], Completion]:
    def answer(on_text: OnText, _: threading.Event) -> Completion:
        for piece in pieces:
            on_text(piece)
        return then()

    return answer


def test_what_comes_fast_comes_together_and_whole() -> None:
    """A thousand pieces at once are a few, in their order, and the completion is the last of all."""
    pieces = [f"{number} " for number in range(1000)]
    *given, last = streamed(_giving(pieces, lambda: _completion("done")))
    assert "".join(delta.text for delta in given) == "".join(pieces)
    assert len(given) < 50
    assert last.completion == _completion("done")
    assert not last.text


def test_the_first_piece_waits_for_no_other() -> None:
    """The reader has the first text while the answer has no second one yet."""
    read = threading.Event()

    def answer(on_text: OnText, _: threading.Event) -> Completion:
        on_text("first")
        assert read.wait(10)
        on_text("second")
        return _completion("")

    deltas = streamed(answer)
    assert next(deltas).text == "first"
    read.set()
    assert "".join(delta.text for delta in deltas) == "second"


def test_an_answer_that_breaks_has_given_its_text() -> None:
    """What came before an error is read before it."""

    def breaks() -> Completion:
        raise EngineError("the model broke")

    read: list[str] = []
    with pytest.raises(EngineError, match="the model broke"):
        read.extend(delta.text for delta in streamed(_giving(["some ", "text"], breaks)))
    assert "".join(read) == "some text"


def test_who_closes_it_cancels_the_answer() -> None:
    """The answer sees its event set, whatever it has not given yet."""
    cancelled = threading.Event()

    def answer(on_text: OnText, cancel: threading.Event) -> Completion:
        on_text("text")
        if cancel.wait(10):
            cancelled.set()
        return _completion("text")

    deltas = streamed(answer)
    next(deltas)
    deltas.close()  # type: ignore[attr-defined]
    assert cancelled.wait(10)
