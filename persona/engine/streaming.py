"""An answer that is computed in a thread of its own, as an iterator of its pieces."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

from persona.engine.protocol import Completion, Delta

_PATIENCE = 0.25  # seconds

OnText = Callable[[str], None]
Answering = Callable[[OnText, threading.Event], Completion]


def streamed(answer: Answering) -> Iterator[Delta]:
    """What `answer` gives its first argument, piece by piece, and at last its completion.

    Nothing runs before the first piece is asked for. Closing the iterator sets the event that `answer` got;
    while a long prompt is read no text comes, so an empty delta comes several times a second instead: a
    reader cannot close an iterator that it waits for.
    """
    pieces: queue.SimpleQueue[Delta | BaseException] = queue.SimpleQueue()
    cancel = threading.Event()

    def work() -> None:
        try:
            done = answer(lambda text: pieces.put(Delta(text=text)), cancel)
            pieces.put(Delta(completion=done))
        except BaseException as error:  # noqa: BLE001  # raised where the answer is read
            pieces.put(error)

    threading.Thread(target=work, name="persona-answer", daemon=True).start()
    try:
        while True:
            try:
                piece = pieces.get(timeout=_PATIENCE)
            except queue.Empty:
                yield Delta()
                continue
            if isinstance(piece, BaseException):
                raise piece
            yield piece
            if piece.completion is not None:
                return
    finally:
        cancel.set()


def whole(answer: Answering) -> Completion:
    """The completion of `answer`, computed in a thread of its own too, so that Ctrl-C ends the waiting."""
    for piece in streamed(answer):
        if piece.completion is not None:
            return piece.completion
    raise AssertionError("an answer ends with its completion")
