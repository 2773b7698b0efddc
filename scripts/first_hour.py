"""The first hour of somebody's use of the chat: a fresh home, the starter base, a real terminal (tmux).

Each scene does what a person does, by keys, and waits for what a person waits for. One line a scene; what did
not happen is shown with the screen as it was, and the scenes behind it are still played.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from night_place import starter
from serving.place import make_home

from persona.daemon.place import find_daemon
from persona.paths import Home
from scripts.chatting.tmux import Tmux

SIZE = (100, 30)
PERSONA = Path(sys.executable).parent / "persona"
COMING = ("Esc stops", "     …\n")  # an answer that is being written, or is yet to begin
PAGES = {"F1": "command", "F7": "Tonight", "F8": "r0, the bare base", "C-o": "conversations"}
ANSWERED = 120.0  # seconds that an answer may take, unless the machine is busier than one person makes it


class Hour:
    def __init__(self, tmux: Tmux, home: Home, *, patience: float) -> None:
        self.tmux = tmux
        self.home = home
        self.patience = patience

    def ask(self, question: str) -> None:
        """Until the answer is whole: its foot tells the tokens. Not when nothing was said."""
        self.tmux.enter(question)
        asked = " " * 5 + question[:40]  # as it stands in the conversation; the prompt has less of a margin
        self.tmux.waits_for(asked)
        self.tmux.waits_for("a second", gone=COMING, below=asked, within=self.patience)
        self.tmux.waits_for("● ready", gone=("nothing was said",), within=1)

    def starts(self) -> None:
        """`persona chat` starts a daemon, says what can be done, and is ready."""
        self.tmux.enter(f"{PERSONA} chat --max-tokens 160")
        self.tmux.waits_for("Good to see you", "● ready", within=self.patience)

    def talks(self) -> None:
        self.ask("What is a lighthouse for?")

    def votes_up(self) -> None:
        """F2 and a digit."""
        self.tmux.press("F2")
        self.tmux.waits_for("good, because")
        self.tmux.press("1")
        self.tmux.waits_for("▲ good: right to the point")

    def votes_down(self) -> None:
        """F3 and own words."""
        self.ask("And who lives in one?")
        self.tmux.press("F3")
        self.tmux.waits_for("not good, because")
        self.tmux.enter("far too long")
        self.tmux.waits_for("▼ not good: far too long")

    def writes_better(self) -> None:
        """F4 opens the answer; what is written there stands in its place."""
        self.tmux.press("F4")
        self.tmux.waits_for("the better answer")
        self.tmux.type(" Keepers did, once.")
        self.tmux.press("C-s")
        self.tmux.waits_for("✎ your version", "Keepers did, once.")

    def prefers(self) -> None:
        """/prefer acts at once."""
        self.tmux.enter("/prefer Answer in at most two sentences.")
        self.tmux.waits_for("it acts from now on")

    def writes_lines(self) -> None:
        """Ctrl+J begins a line, Up brings back what was sent."""
        self.tmux.type("Two lines:")
        self.tmux.press("C-j")
        self.ask("name a colour.")
        self.tmux.press("Up")
        screen = self.tmux.waits_for("› Two lines:")
        assert screen.count("name a colour.") == 2, screen
        self.tmux.press("Down")

    def stops(self) -> None:
        """Esc keeps the part."""
        self.tmux.enter("Write a very long story about the sea, with every detail.")
        self.tmux.waits_for("Esc stops")
        time.sleep(0.5)
        self.tmux.press("Escape")
        self.tmux.waits_for("stopped", gone=COMING)

    def asks_again(self) -> None:
        """F5 gives another answer; both stay."""
        self.tmux.press("F5")
        self.tmux.waits_for("‹ 2 of 2 ›", gone=COMING, within=self.patience)

    def asks_otherwise(self) -> None:
        """An earlier question is changed, as a branch."""
        self.tmux.press("C-Up", "Up")
        self.tmux.waits_for("Ask otherwise")
        self.tmux.press("Enter")
        self.tmux.waits_for("ask it otherwise")
        self.tmux.type(" Three words.")
        self.tmux.press("C-s")
        self.tmux.waits_for("‹ 2 of 2 ›", "Three words.")
        # An Esc before the first word gives the question back, and what is typed next would be added to it.
        self.tmux.waits_for("a second", gone=COMING, below="Three words.", within=self.patience)
        self.tmux.press("Escape")

    def is_incognito(self) -> None:
        """Nothing of it is kept, and it cannot be judged; then all is as before."""
        self.tmux.enter("/incognito")
        self.tmux.waits_for("nothing is remembered from here on")
        self.ask("Keep this to yourself: plums.")
        self.tmux.press("F2")
        self.tmux.waits_for("cannot be judged")
        self.tmux.enter("/incognito")
        self.tmux.waits_for("is kept again")

    def sees_preferences(self) -> None:
        self.tmux.enter("/preferences")
        self.tmux.waits_for("Answer in at most two sentences.", "you said so")
        self.tmux.press("Enter")
        self.tmux.waits_for("sure")
        self.tmux.press("Escape")

    def sees_tonight(self) -> None:
        """What will be learned, each item with a way out of it."""
        self.tmux.press("F7")
        self.tmux.waits_for("new  Answer in at most two sentences.", "right to the point", "far too long")
        self.tmux.press("Down", "x")
        self.tmux.waits_for("forget this exchange?")
        self.tmux.press("n")
        self.tmux.press("Escape")
        self.tmux.waits_for("Ask anything", gone=("Preferences",))

    def sees_revisions(self) -> None:
        self.tmux.press("F8")
        self.tmux.waits_for("revisions", "r0, the bare base")
        self.tmux.press("F1")
        self.tmux.waits_for("help", "goes back")
        self.tmux.press("Escape", "Escape")
        self.tmux.waits_for("Ask anything", gone=("r0, the bare base",))

    def goes_to_the_base(self) -> None:
        """F9 and back; there is nothing to roll back to and nothing to vote on yet, and both say so."""
        self.tmux.press("F9")
        self.tmux.waits_for("base held")
        self.tmux.press("F9")
        self.tmux.waits_for("the champion answers again", gone=("base held",))
        self.tmux.press("F10")
        self.tmux.waits_for("nothing to go back to")
        self.tmux.press("F6")
        self.tmux.waits_for("only the base answers yet")

    def searches(self) -> None:
        """Ctrl+F finds words in all that was said, and goes there."""
        self.tmux.press("C-f")
        self.tmux.waits_for("search all that was ever said")
        self.tmux.type("lighthouse")
        self.tmux.waits_for("What is a lighthouse for?")
        self.tmux.type(" plums")
        self.tmux.waits_for("nothing has all of these words")
        self.tmux.press(*["BSpace"] * 6)
        self.tmux.waits_for("What is a lighthouse for?")
        self.tmux.press("Enter")
        self.tmux.waits_for("u Good", gone=("search all",))  # the answer that was gone to is what keys act on

    def goes_on(self) -> None:
        """A new conversation, and back by the list."""
        self.tmux.press("C-n")
        self.tmux.waits_for("Good to see you")
        self.ask("Name a tree.")
        self.tmux.enter("/rename Trees")
        self.tmux.waits_for("Trees")
        self.tmux.press("C-o")
        self.tmux.waits_for("conversations", "What is a lighthouse for?")
        self.tmux.type("lighthouse")
        time.sleep(0.3)
        self.tmux.press("Enter")
        self.tmux.waits_for("Two lines:", gone=("type to narrow down", "Name a tree."))

    def asks_why(self) -> None:
        self.tmux.enter("/why")
        self.tmux.waits_for("why this answer", "It was given by")
        self.tmux.press("Escape")
        self.tmux.waits_for("Ask anything", gone=("why this answer",))

    def is_helped(self) -> None:
        self.tmux.press("F1")
        self.tmux.waits_for("help", "Esc Close")
        self.tmux.press("Escape")
        self.tmux.waits_for("Ask anything", gone=("Esc Close",))

    def is_narrow(self) -> None:
        """60 columns are enough for everything."""
        self.tmux.resize(60, 24)
        self.tmux.waits_for("▁" * 60 + "\n", "● ready", gone=("▁" * 61,))
        for key, shown in PAGES.items():
            self.tmux.press(key)
            screen = self.tmux.waits_for(shown, gone=("Ask anything",))
            assert all(len(line) <= 60 for line in screen.splitlines())
            self.tmux.press("Escape")
            self.tmux.waits_for("Ask anything")
        self.tmux.resize(*SIZE)
        self.tmux.waits_for("▁" * SIZE[0], "● ready")

    def loses_the_daemon(self) -> None:
        """It is said in place; what was typed stays, and it goes on when there is a daemon again."""
        os.kill(self._daemon(), signal.SIGTERM)
        self.tmux.waits_for("○ away")
        self.tmux.enter("Are you there?")
        self.tmux.waits_for("your text is kept", "› Are you there?")
        self._serve()
        self.tmux.waits_for("● ready", within=self.patience)
        self.tmux.press("Enter")
        time.sleep(1)
        self.tmux.waits_for("Are you there?", "a second", gone=COMING, within=self.patience)

    def leaves(self) -> None:
        """A draft is kept, the terminal is as it was, and the daemon goes on."""
        self.tmux.type("half a thou")
        time.sleep(1)
        self.tmux.press("C-q")
        self.tmux.waits_for("$\n", gone=("Ask anything", "half a thou"))
        assert self._daemon()

    def comes_back(self) -> None:
        """`--resume last` is where we were, and so is the draft."""
        self.tmux.enter(f"clear; {PERSONA} chat --resume last")
        self.tmux.waits_for("Are you there?", "half a thou", "● ready", within=self.patience)
        self.tmux.press("C-q")
        self.tmux.waits_for("$\n", gone=("Ask anything", "half a thou"))

    def is_inline(self) -> None:
        """Below the prompt, what stood above stays."""
        self.tmux.enter("clear; echo what stood here")
        self.tmux.enter(f"{PERSONA} chat --inline")
        self.tmux.waits_for("what stood here", "● ready", within=self.patience)
        self.ask("Name a fish.")
        self.tmux.press("C-q")
        time.sleep(1)
        self.tmux.enter("echo and below")
        self.tmux.waits_for("and below")

    def is_plain(self) -> None:
        """Line by line, in a pipe."""
        self.tmux.enter(
            f"clear; printf 'Name a bird.\\n/up\\n/nonsense\\n' | {PERSONA} chat --plain; echo left $?"
        )
        self.tmux.waits_for("noted", "/nonsense is not known", "left 0", within=self.patience)

    def _daemon(self) -> int:
        """Its process, which the home knows."""
        place = find_daemon(self.home)
        assert place is not None, "there is no daemon"
        return place.pid

    def _serve(self) -> None:
        os.spawnve(
            os.P_NOWAIT,
            PERSONA,
            [str(PERSONA), "serve", "--port", "0"],
            {**os.environ, "PERSONA_HOME": str(self.home.root)},
        )


SCENES: tuple[Callable[[Hour], None], ...] = (
    Hour.starts,
    Hour.talks,
    Hour.votes_up,
    Hour.votes_down,
    Hour.writes_better,
    Hour.prefers,
    Hour.writes_lines,
    Hour.stops,
    Hour.asks_again,
    Hour.asks_otherwise,
    Hour.is_incognito,
    Hour.goes_on,
    Hour.sees_preferences,
    Hour.sees_tonight,
    Hour.sees_revisions,
    Hour.goes_to_the_base,
    Hour.asks_why,
    Hour.searches,
    Hour.is_helped,
    Hour.is_narrow,
    Hour.loses_the_daemon,
    Hour.leaves,
    Hour.comes_back,
    Hour.is_inline,
    Hour.is_plain,
)
_NAMES = [scene.__name__ for scene in SCENES]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screens", type=Path, help="a folder for the screen at the end of each scene")
    parser.add_argument("--only", nargs="+", metavar="SCENE", choices=_NAMES, help="these scenes alone")
    parser.add_argument(
        "--patience", type=float, default=ANSWERED, metavar="SECONDS", help="that an answer may take"
    )
    options = parser.parse_args()
    scenes = [scene for scene in SCENES if not options.only or scene.__name__ in options.only]
    if options.screens:
        options.screens.mkdir(parents=True, exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="first-hour-") as folder:
        root = Path(folder) / "home"
        home = make_home(root, starter())
        environ = {"PERSONA_HOME": str(root), "PERSONA_SCHEDULE__ENABLED": "false"}
        os.environ.update(environ)
        tmux = Tmux(size=SIZE, environ=environ)
        hour = Hour(tmux, home, patience=options.patience)
        try:
            for number, scene in enumerate(scenes):
                failed += not _play(scene, hour, number, options.screens)
        finally:
            tmux.close()
            _end(home)
    print(f"{len(scenes) - failed} of {len(scenes)} scenes")
    return int(failed > 0)


def _play(scene: Callable[[Hour], None], hour: Hour, number: int, to: Path | None) -> bool:
    began = time.monotonic()
    try:
        scene(hour)
    except (AssertionError, RuntimeError, OSError) as error:
        print(f"FAILED {scene.__name__}: {error}", flush=True)
        hour.tmux.press("Escape", "Escape")
        return False
    finally:
        if to is not None:
            (to / f"{number:02}-{scene.__name__}.txt").write_text(hour.tmux.screen())
    print(f"ok     {scene.__name__.replace('_', ' ')} ({time.monotonic() - began:.1f} s)", flush=True)
    return True


def _end(home: Home) -> None:
    """The daemon that the chat started, and left running as it should."""
    place = find_daemon(home)
    if place is not None:
        os.kill(place.pid, signal.SIGTERM)
        time.sleep(2)


if __name__ == "__main__":
    sys.exit(main())
