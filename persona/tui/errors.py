"""What can stand between this client and an answer, each said in one line.

Trouble            anything else that the daemon refused: its own words
├── Away           nobody listens, or the line broke        passes
├── Loading        the daemon loads a model                 passes
├── Crowded        too much is under way                    passes
├── DiskFull       nothing can be kept
├── NotLetIn       the token is not the daemon's
└── NotStarted     there is none, and none came up
"""

from __future__ import annotations


class Trouble(Exception):
    """`passes`: the same request may succeed soon. The message is clean and fits a line."""

    passes = False


class Away(Trouble):
    passes = True

    def __init__(self, *, midway: bool = False) -> None:
        super().__init__(
            "the line to the daemon broke; what was said until then stays"
            if midway
            else "the daemon is away; your text is kept"
        )


class Loading(Trouble):
    passes = True

    def __init__(self) -> None:
        super().__init__("the model is loading; ask again in a moment")


class Crowded(Trouble):
    passes = True

    def __init__(self, why: str) -> None:
        super().__init__(why or "too much is under way; ask again in a moment")


class DiskFull(Trouble):
    def __init__(self, why: str) -> None:
        super().__init__(f"the disk is full: {why or 'free some space and try again'}")


class NotLetIn(Trouble):
    def __init__(self) -> None:
        super().__init__("the daemon does not know this token: leave, and run `persona chat` again")


class NotStarted(Trouble):
    def __init__(self, why: str) -> None:
        super().__init__(f"no daemon could be started: {why}")


def trouble_of(status: int, code: str, message: str) -> Trouble:
    """What an HTTP refusal means to the person who waits."""
    match status:
        case 401:
            return NotLetIn()
        case 429:
            return Crowded(message)
        case 503:
            return Loading()
        case 507:
            return DiskFull(message)
    return Trouble(message or f"the daemon refused with status {status} ({code or 'no reason given'})")
