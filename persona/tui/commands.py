"""What can be typed behind a slash: one table, which completion, help and the palette read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """`action` is what the chat does, with the rest of the line as its argument where `takes` names one.

    A `takes` in brackets may be left out.
    """

    name: str
    says: str
    action: str
    takes: str = ""

    @property
    def written(self) -> str:
        return f"/{self.name} {self.takes}".strip()

    @property
    def needs_argument(self) -> bool:
        return bool(self.takes) and not self.takes.startswith("[")


TALK, TEACH, SEE, BACK = "Talk", "Teach", "See", "Go back"

COMMANDS: dict[str, tuple[Command, ...]] = {
    TALK: (
        Command("new", "begin another conversation", "new"),
        Command("conversations", "go on with an earlier one", "conversations"),
        Command("search", "find words in all that was ever said", "search", "[WORDS]"),
        Command("regenerate", "another answer to the same question", "regenerate"),
        Command("copy", "the last answer, as it was written", "copy"),
        Command("code", "the last block of code", "copy_code", "[N]"),
        Command("save", "write the last answer to a file", "save", "[FILE]"),
        Command("rename", "give this conversation a title", "rename", "[TITLE]"),
        Command("delete", "forget this conversation", "delete"),
        Command("tools", "what the model may ask for, and of which server", "tools"),
        Command("incognito", "talk without being remembered", "incognito"),
        Command("theme", "colours; ansi-dark and ansi-light are the terminal's own", "theme", "[NAME]"),
        Command("help", "keys and commands", "help"),
        Command("quit", "leave", "leave"),
    ),
    TEACH: (
        Command("up", "the answer was good", "up", "[WHY]"),
        Command("down", "the answer was not good", "down", "[WHY]"),
        Command("better", "write the answer as it should have been", "better", "[TEXT]"),
        Command("pick", "see two answers and take one", "pick"),
        Command("ab", "base, the one before and the one now, blind: vote", "blind", "[QUESTION]"),
        Command("prefer", "say what you like, in your own words", "prefer", "TEXT"),
        Command("tonight", "what will be learned tonight", "tonight"),
        Command("train", "learn now instead of tonight", "train"),
    ),
    SEE: (
        Command("why", "what stands behind this answer", "why"),
        Command("morning", "how the last night went", "morning"),
        Command("preferences", "what persona takes you to like, and why", "preferences"),
        Command("habits", "the same for tools", "habits"),
        Command("revisions", "every revision, its verdict and scores", "revisions"),
        Command("report", "why a revision was taken or refused", "report", "[R]"),
        Command("compare", "two revisions on one question", "compare", "A B QUESTION"),
        Command("status", "what is going on", "status"),
    ),
    BACK: (
        Command("base", "talk to the base, and back", "base"),
        Command("revision", "hold this conversation to a revision", "revision", "[R]"),
        Command("rollback", "the revision before this one, after a look", "rollback", "[R]"),
        Command("promote", "make a revision the one that answers", "promote", "R"),
    ),
}


def every() -> Iterator[Command]:
    for commands in COMMANDS.values():
        yield from commands


def matching(text: str) -> list[Command]:
    """The commands that `text`, the beginning of a line, may become; none once its arguments begin."""
    if not text.startswith("/") or text.startswith("//") or " " in text or "\n" in text:
        return []
    begun = text[1:].lower()
    by_name = [command for command in every() if command.name.startswith(begun)]
    return by_name or [command for command in every() if begun in command.says]


def parse(text: str) -> tuple[Command, str] | str | None:
    """A command and its argument; what is wrong with it; None for a text that is to be said."""
    if not text.startswith("/") or text.startswith("//"):
        return None
    name, _, rest = text[1:].partition(" ")
    command = next((each for each in every() if each.name == name.lower()), None)
    if command is None:
        near = matching(f"/{name}")
        return f"/{name} is not known" + (
            f"; did you mean /{near[0].name}?" if near else ": F1 lists what is"
        )
    if command.needs_argument and not rest.strip():
        return f"/{name} needs more: /{name} {command.takes}"
    return command, rest.strip()


def plain_text(text: str) -> str:
    """What is said: a line may begin with two slashes to say one."""
    return text[1:] if text.startswith("//") else text
