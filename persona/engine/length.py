"""How long an answer may get where several share one context.

Clients ask for far more than their answers need: agents for 32,000 tokens and more, of which a title takes
ten. So what is kept for an answer at first is only what it is sure of, and it takes more as it grows, as long
as there is any. llama.cpp breaks off all answers that run when the context they share is full: an answer that
finds no more room ends before that, and says that its length ended it.
"""

from __future__ import annotations

from collections.abc import Callable

AHEAD = 128  # tokens that may have been computed before the last one was looked at
_STEP = 32  # tokens that an answer takes at once


class Length:
    """One answer's. Behind a prompt of `prompt` tokens at most `most` tokens, whatever the company; `sure` of
    them in any company: half of an even part of the context, whose other half is for its prompt.
    """

    def __init__(self, *, prompt: int, wanted: int, context: int, together: int) -> None:
        self.most = min(wanted, context - prompt)
        self.sure = self.most if together == 1 else min(self.most, context // (2 * together))
        self._prompt = prompt
        self._kept = min(self.most, self.sure + AHEAD)

    @property
    def room(self) -> int:
        """What has to be kept for it, its prompt included."""
        return self._prompt + self._kept

    def ends(self, tokens: int, grow: Callable[[int], bool]) -> bool:
        """Whether it has to end, with so many tokens as it has now. `grow` keeps more for it where there is
        more, and says whether there was."""
        while self._kept < self.most and tokens >= self._kept - AHEAD:
            step = min(_STEP, self.most - self._kept)
            if not grow(step):
                return True
            self._kept += step
        return False
