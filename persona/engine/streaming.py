"""An answer that is computed in a thread of its own, as an iterator of its pieces."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

from persona.engine.protocol import Completion, Delta

OnText = Callable[[str], None]
Answering = Callable[[OnText, threading.Event], Completion]


def streamed(answer: Answering) -> Iterator[Delta]:
    """What `answer` gives its first argument, piece by piece, and at last its completion.

    Nothing runs before the first piece is asked for. Closing the iterator sets the event that `answer` got.
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
            piece = pieces.get()
            if isinstance(piece, BaseException):
                raise piece
            yield piece
            if piece.completion is not None:
                return
    finally:
        cancel.set()
