"""What the terminal chat promises: nothing foreign gets through, long sessions open, reading is cheap.

The daemon runs in a process of its own, its engine speaks from a script; the chat runs in a real terminal of
a fixed size, is used by keys, and is judged by the bytes that it writes there.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx2

from persona.paths import Home
from scripts.chatting.hostile import blind_spots, foreign, tag
from scripts.chatting.house import LAST, LONG, TURNS, Talkative, furnish, write_hostile, write_long
from scripts.chatting.talkative import END
from scripts.chatting.terminal import Terminal

SIZE = (110, 34)
HIGH = (120, 300)  # room for a whole answer, so that all of it is drawn
ENTER, NEW, EARLIER, UP = "\r", "\x0e", "\x0f", "\x1b[5~"
GREETING = "Good to see you"  # what a conversation shows that has not begun
BATCH = 40  # strings of one answer: what fits on the screen
BARE = 8  # the bare client reads this part of the tokens before, and again after
STEPS = ("hostile", "open", "stream")


def chat(daemon: Talkative, size: tuple[int, int]) -> Terminal:
    """The chat in a terminal, once it has reached the daemon."""
    client = Path(__file__).parent / "chatting" / "seen.py"
    terminal = Terminal([sys.executable, str(client), daemon.url, daemon.token], size=size)
    terminal.shows("ready")
    time.sleep(0.5)
    return terminal


def hostile(home: Home, *, count: int) -> dict[str, Any]:
    """Four of five strings are streamed as answers, the others stood in the store already."""
    assert not blind_spots(), f"the count would not see {blind_spots()}"
    began, streamed = time.monotonic(), count * 4 // 5
    write_hostile(home, streamed, count)
    daemon = Talkative(home)
    terminal = chat(daemon, HIGH)
    try:
        for first in range(0, streamed, BATCH):
            last = min(first + BATCH, streamed)
            mark = terminal.mark()
            terminal.type(f"hostile {first} {last}{ENTER}")
            terminal.shows(f"{END}{last}", since=mark)
            terminal.shows(" tokens, ", since=mark)
            mark = terminal.mark()
            terminal.type(NEW)  # all that is on the screen is laid out with every piece that comes
            terminal.shows(GREETING, since=mark)
        for number in range((count - streamed) // (10 * TURNS)):
            mark = terminal.mark()
            terminal.type(EARLIER)
            terminal.shows("type to narrow down", since=mark)
            time.sleep(0.5)
            first = streamed + number * 10 * TURNS
            terminal.type(tag(first) + ENTER)
            terminal.shows(tag(first + 10 * TURNS - 1), since=mark)
            _up_to(terminal, tag(first + 4), since=mark)
        time.sleep(1)
        written, shown = terminal.written(), terminal.said()
    finally:
        terminal.close()
        daemon.close()
    drawn = len(set(re.findall(r"s\d{5}s", shown)) & {tag(number) for number in range(count)})
    return {
        "strings": count,
        "drawn": drawn,
        "foreign": foreign(written, HIGH),
        "bytes_to_the_terminal": len(written),
        "seconds": round(time.monotonic() - began),
    }


def _up_to(terminal: Terminal, text: str, *, since: int, screens: int = 60) -> None:
    """A screenful at a time, since what stands further up is loaded when somebody comes near it."""
    for _ in range(screens):
        terminal.type(UP)
        with suppress(TimeoutError):
            terminal.shows(text, since=since, within=0.5)
            return
    terminal.shows(text, since=since, within=1)


def opened(home: Home, *, messages: int, rounds: int) -> dict[str, Any]:
    """From Enter in the list of conversations until the last word stands there; the list too."""
    write_long(home, messages)
    daemon = Talkative(home)
    took = []
    try:
        for _ in range(rounds):
            terminal = chat(daemon, SIZE)
            try:
                terminal.type(EARLIER)
                terminal.shows(LONG)
                terminal.type("summer")
                time.sleep(0.5)
                mark, began = terminal.mark(), time.perf_counter()
                terminal.type(ENTER)
                took.append(terminal.shows(LAST, since=mark) - began)
            finally:
                terminal.close()
    finally:
        daemon.close()
    return {
        "messages": messages,
        "seconds": round(statistics.median(took), 3),
        "most_seconds": round(max(took), 3),
    }


def streamed(home: Home, *, tokens: int) -> dict[str, Any]:
    """One answer read by a bare client, by the chat, by the bare client again: how long it is generated."""
    daemon = Talkative(home)
    try:
        _read_bare(daemon, min(tokens, 500))  # warm
        bare = [_read_bare(daemon, tokens // BARE)]
        terminal = chat(daemon, SIZE)
        try:
            before, mark = terminal.cpu_seconds(), terminal.mark()
            terminal.type(f"tokens {tokens}{ENTER}")
            seen = daemon.said()  # once it is generated
            used = terminal.cpu_seconds() - before
            terminal.shows(END, since=mark)
            drawn = len(terminal.written(mark))
        finally:
            terminal.close()
        bare.append(_read_bare(daemon, tokens // BARE))
    finally:
        daemon.close()
    assert (tokens, 2 * (tokens // BARE)) == (seen["tokens"], sum(each["tokens"] for each in bare))
    first, second = (each["seconds"] / each["tokens"] for each in bare)
    alone, read = (first + second) / 2, seen["seconds"] / tokens
    return {
        "tokens": tokens,
        "tokens_per_s_bare": round(1 / alone, 1),
        "tokens_per_s_chat": round(1 / read, 1),
        "slower_percent": round(100 * (read / alone - 1), 2),
        "bare_differ_percent": round(100 * abs(first - second) / alone, 2),
        "chat_cpu_seconds_per_s": round(used / seen["seconds"], 3),
        "bytes_to_the_terminal": drawn,
    }


def _read_bare(daemon: Talkative, tokens: int) -> dict[str, Any]:
    body = {
        "model": "persona",
        "stream": True,
        "max_tokens": tokens,
        "messages": [{"role": "user", "content": f"tokens {tokens}"}],
    }
    headers = {"Authorization": f"Bearer {daemon.token}"}
    url = f"{daemon.url}/v1/chat/completions"
    with (
        httpx2.Client(timeout=600, trust_env=False) as client,
        client.stream("POST", url, json=body, headers=headers) as answer,
    ):
        for _ in answer.iter_raw():
            pass
    return daemon.said()


def measure(root: Path, steps: Sequence[str], *, strings: int, tokens: int, rounds: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "hostile" in steps:
        found["hostile"] = hostile(furnish(root / "hostile"), count=strings)
    if "open" in steps:
        found["open"] = opened(furnish(root / "open"), messages=2000, rounds=rounds)
    if "stream" in steps:
        found["stream"] = streamed(furnish(root / "stream"), tokens=tokens)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("--quick", action="store_true", help="less of everything: a minute")
    parser.add_argument("--strings", type=int, metavar="N", help="so many hostile strings")
    parser.add_argument("--tokens", type=int, metavar="N", help="an answer of so many tokens")
    parser.add_argument("--steps", default=",".join(STEPS), help="which parts, with commas between")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-chat-") as root:
        found = measure(
            Path(root),
            options.steps.split(","),
            strings=options.strings or (1000 if options.quick else 5000),
            tokens=options.tokens or (2000 if options.quick else 20_000),
            rounds=1 if options.quick else 5,
        )
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for step, figures in found.items():
        print(f"{step}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
