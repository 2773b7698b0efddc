"""How the chat that goes line by line reads and speaks: for people, and for programs."""

from __future__ import annotations

import sys
from typing import Protocol

from persona.cli.output import say, say_json_line, tell
from persona.visible import visible

_HOW = "y does it this once, a always in this chat, n says that it may not; any other line stops here"


class Voice(Protocol):
    """How a chat shows itself."""

    def read(self) -> str | None:
        """The next line, None at the end of input."""
        ...

    def piece(self, text: str) -> None: ...

    def answered(self, *, interaction: str | None, revision: str, ref: str) -> None:
        """After the last piece; no interaction when there was nothing to keep."""
        ...

    def broke_off(self) -> None:
        """Instead of `answered`: an error ended it, and what was said of it is not kept."""
        ...

    def note(self, text: str) -> None: ...

    def asked(self, *, server: str, tool: str, arguments: str) -> None:
        """A call that waits for a yes: the next line that is read answers it. All of it is shown as it is."""
        ...


class TextVoice:
    """For people: answers on standard output as they come, the rest on standard error."""

    def __init__(self) -> None:
        self._in_a_line = False

    def read(self) -> str | None:
        try:
            return _input("> ")
        except EOFError:
            return None

    def piece(self, text: str) -> None:
        sys.stdout.write(visible(text))
        sys.stdout.flush()
        self._in_a_line = True

    def answered(self, **_: object) -> None:
        say()
        self._in_a_line = False

    def broke_off(self) -> None:
        if self._in_a_line:
            self.answered()

    def note(self, text: str) -> None:
        tell(text)

    def asked(self, *, server: str, tool: str, arguments: str) -> None:
        tell(f"may {server} do {tool}({arguments})?\n{_HOW}")


class JsonVoice:
    """For programs: one JSON object a line, an answer when it is complete."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def read(self) -> str | None:
        return sys.stdin.readline() or None

    def piece(self, text: str) -> None:
        self._pieces.append(text)

    def answered(self, *, interaction: str | None, revision: str, ref: str) -> None:
        answer, self._pieces = "".join(self._pieces), []
        say_json_line({"answer": answer, "interaction": interaction, "revision": revision, "ref": ref})

    def broke_off(self) -> None:
        self._pieces = []

    def note(self, text: str) -> None:
        say_json_line({"note": text})

    def asked(self, *, server: str, tool: str, arguments: str) -> None:
        say_json_line({"asked": {"server": server, "tool": tool, "arguments": arguments}})


def _input(prompt: str) -> str:
    """One line from standard input; the prompt is never part of the data."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        import readline  # noqa: F401  # editing and history for input()

        return input(prompt)
    if sys.stdin.isatty():
        print(prompt, end="", file=sys.stderr, flush=True)  # noqa: T201
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line
