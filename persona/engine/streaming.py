"""An answer that is computed in a thread of its own, as an iterator of its pieces."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

from persona.engine.protocol import Completion, Delta

_PATIENCE = 0.25  # seconds
# Every piece wakes its readers, here, on an event loop and in a client, and what they take of the processor a
# small model does not have: four in a hundred of its tokens. Nobody reads faster than this; in seconds.
_TOGETHER = 0.04

OnText = Callable[[str], None]
Answering = Callable[[OnText, threading.Event], Completion]


def streamed(answer: Answering, on_leave: Callable[[], None] = lambda: None) -> Iterator[Delta]:
    """What `answer` gives its first argument, in pieces, and at last its completion. The first piece comes at
    once, and each later one brings all that has been given since.

    Nothing runs before the first piece is asked for. Closing the iterator sets the event that `answer` got,
    and then calls `on_leave`, which wakes an `answer` that waits for its turn. While a long prompt is read no
    text comes, so an empty delta comes several times a second instead: a reader cannot close an iterator that
    it waits for.
    """
    pieces: queue.SimpleQueue[str | Completion | BaseException] = queue.SimpleQueue()
    cancel, ended = threading.Event(), threading.Event()

    def work() -> None:
        try:
            pieces.put(answer(pieces.put, cancel))
        except BaseException as error:  # noqa: BLE001  # raised where the answer is read
            pieces.put(error)
        finally:
            ended.set()

    threading.Thread(target=work, name="persona-answer", daemon=True).start()
    try:
        while True:
            try:
                piece = pieces.get(timeout=_PATIENCE)
            except queue.Empty:
                yield Delta()
                continue
            text, count = "", 0
            while isinstance(piece, str):
                text += piece
                count += 1
                if pieces.empty():
                    break
                piece = pieces.get()
            if text:
                yield Delta(text=text, pieces=count)
            if isinstance(piece, BaseException):
                raise piece
            if isinstance(piece, Completion):
                yield Delta(completion=piece)
                return
            ended.wait(_TOGETHER)
    finally:
        cancel.set()
        on_leave()


def whole(answer: Answering, on_leave: Callable[[], None] = lambda: None) -> Completion:
    """The completion of `answer`, computed in a thread of its own too, so that Ctrl-C ends the waiting."""
    for piece in streamed(answer, on_leave):
        if piece.completion is not None:
            return piece.completion
    raise AssertionError("an answer ends with its completion")
