"""The text of an answer while its tokens come, for engines that give tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from persona.engine.wording import Wording


class AnswerText:
    """Tokens in, pieces of text out: whole characters only, and nothing that may turn out a stop string.

    The pieces that went to `on_text`, put together, are what `finish` returns.
    """

    def __init__(self, wording: Wording, stops: Sequence[str], on_text: Callable[[str], None]) -> None:
        self.stopped = False
        self.tokens = 0
        self._pieces = wording.pieces()
        self._ends = wording.stops
        self._stops = stops
        self._on_text = on_text
        self._sent = ""
        self._held = ""

    def take(self, token: int) -> None:
        """The next token; ignored once the answer has ended."""
        if self.stopped:
            return
        self.tokens += 1
        if token in self._ends:
            self.stopped = True
            return
        self._held += self._pieces(token)
        found = [at for at in map(self._held.find, self._stops) if at >= 0]
        if found:
            self.stopped = True
            self._held = self._held[: min(found)]
        self._send(len(self._held) if found else len(self._held) - self._doubtful())

    def finish(self) -> str:
        """The whole text, after the last token."""
        self._send(len(self._held))
        return self._sent

    def _doubtful(self) -> int:
        """How many characters at the end may be the beginning of a stop string."""
        return max(
            (n for stop in self._stops for n in range(1, len(stop)) if self._held.endswith(stop[:n])),
            default=0,
        )

    def _send(self, count: int) -> None:
        piece, self._held = self._held[:count], self._held[count:]
        if piece:
            self._sent += piece
            self._on_text(piece)
