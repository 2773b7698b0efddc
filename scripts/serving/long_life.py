"""What a long life costs: swaps under load, memory and handles over many chats, and keeping a turn."""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from adapters import Registry, Revision
from persona.capture.writer import Writer
from persona.paths import Home
from serving.arms import Daemon, Timed, at_once, said
from store.records import Message


@dataclass
class _Seen:
    """What the clients of the swaps met. `firsts` are (revision, when its first text came)."""

    answers: int = 0
    failed: int = 0
    mixed: int = 0
    firsts: list[tuple[str, float]] = field(default_factory=list)


def swaps(daemon: Daemon, home: Home, revisions: Sequence[Revision], *, count: int, clients: int) -> Any:
    """Promote one revision after the other while `clients` are answered without a pause."""
    registry = Registry.open(home.identity("me").adapters)
    seen, lock, over = _Seen(), threading.Lock(), threading.Event()

    def client(number: int) -> None:
        with daemon.client() as http:
            asked = 0
            while not over.is_set():
                asked += 1
                began = time.perf_counter()
                try:
                    question = said(f"Client {number}, {asked}: tell me a tale.")
                    timed, models, revision = daemon.stream(http, question, 12)
                except Exception:  # noqa: BLE001  # counted: there should be none
                    with lock:
                        seen.failed += 1
                    continue
                with lock:
                    seen.answers += 1
                    seen.mixed += len(models) != 1
                    seen.firsts.append((revision or "", began + timed.first))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    took = []
    try:
        time.sleep(1)
        for number in range(count):
            revision = revisions[number % len(revisions)]
            if registry.champion() == revision.id:
                continue
            with lock:
                seen.firsts.clear()
            registry.promote(revision.id, expected=registry.champion(), reason="bench")
            promoted = time.perf_counter()
            while not (firsts := _firsts_of(seen, lock, revision.id)):
                if time.perf_counter() - promoted > 60:
                    raise RuntimeError("a promotion was not followed within a minute")
                time.sleep(0.005)
            took.append(min(firsts) - promoted)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    return {
        "swaps": len(took),
        "clients": clients,
        "answers": seen.answers,
        "failed": seen.failed,
        "mixed": seen.mixed,
        "first_text_after_promotion_s": spread(took),
    }


def _firsts_of(seen: _Seen, lock: threading.Lock, revision: str) -> list[float]:
    with lock:
        return [at for by, at in seen.firsts if by == revision]


def memory(daemon: Daemon) -> float:
    """What the daemon holds now, in MB."""
    return round(psutil.Process(daemon.process.pid).memory_info().rss / 1e6, 1)


def soak(daemon: Daemon, *, chats: int, clients: int) -> Any:
    """Memory and handles of the daemon, after the first tenth of the chats (of a word each) and after all.

    The clients rest while they are looked at: a request that is under way has a handle of its own.
    """
    process = psutil.Process(daemon.process.pid)
    marks = []

    def chat(part: tuple[int, int, int]) -> None:
        first, end, step = part
        with daemon.client() as http:
            for number in range(first, end, step):
                daemon.stream(http, [Message(role="user", content=f"{number}?")], 1)

    with ThreadPoolExecutor(clients) as pool:
        for begin, end in itertools.pairwise((0, max(1, chats // 10), chats)):
            list(pool.map(chat, [(begin + client, end, clients) for client in range(clients)]))
            time.sleep(1)  # until the last connections are closed
            marks.append((process.memory_info().rss, process.num_fds(), process.num_threads()))
    (early, *_), (late, *_) = marks
    return {
        "chats": chats,
        "clients": clients,
        "resident_mb": [round(mark[0] / 1e6) for mark in marks],
        "growth": round(late / early - 1, 4),
        "handles": [mark[1] for mark in marks],
        "threads": [mark[2] for mark in marks],
    }


def capture(store: Path, *, turns: int) -> Any:
    """Milliseconds until a turn is durable, one after the other and eight at once."""
    writer = Writer(store)
    try:
        alone = [_keep(writer, f"Turn {number}?", 0).end for number in range(turns)]
        together, seconds = at_once(
            lambda text, _: _keep_many(writer, text, turns // 8), [f"Client {n}" for n in range(8)], 0
        )
    finally:
        writer.close()
    return {
        "alone_ms": spread([1000 * seconds for seconds in alone]),
        "eight_at_once_turns_per_s": round(sum(each.tokens for each in together) / seconds, 1),
    }


def _keep(writer: Writer, text: str, _: int) -> Timed:
    began = time.perf_counter()
    writer.keep(
        prompt=(Message(role="user", content=text),),
        completion=Message(role="assistant", content="A sentence of ten words, as answers go. " * 8),
        source="bench",
        revision="r0",
    )
    took = time.perf_counter() - began
    return Timed(tokens=1, first=took, end=took)


def _keep_many(writer: Writer, text: str, count: int) -> Timed:
    took = sum(_keep(writer, f"{text}, {number}?", 0).end for number in range(count))
    return Timed(tokens=count, first=took, end=took)


def spread(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 4),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 4),
        "most": round(ordered[-1], 4),
    }
