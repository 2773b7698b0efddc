"""Keeps what is said through the daemon: one thread, one store, many turns in one transaction.

Whoever keeps a turn waits until it is durable, and nobody else waits for it: turns that come in while the
disk is at work go into the next transaction together. What is lost is counted, and never stops an answer.
"""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from persona.capture.threads import Threads
from persona.errors import BadInput, NotKept
from store import Store
from store.errors import CannotWork, Refused, StoreBusy, StoreError
from store.identity import with_id
from store.records import Feedback, FeedbackKind, Interaction, Json, Message

_MOST_AT_ONCE = 64
_TRIES = 3  # each waits ten seconds for another process that writes

Work = Callable[[Store], Any]


@dataclass(frozen=True, slots=True)
class _Job:
    work: Work
    done: Future[Any]


class Writer:
    """Thread-safe. Opening raises what opening the store raises."""

    def __init__(self, path: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._threads = Threads()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._kept = self._lost = self._unread = 0
        self._unread_for: str | None = None
        self._trouble: str | None = None
        self._closed = False
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(path, opened), name="persona-capture")
        self._thread.start()
        opened.result()

    def keep(
        self,
        *,
        prompt: Sequence[Message],
        completion: Message,
        tools: Sequence[Mapping[str, Json]] = (),
        source: str,
        revision: str | None,
        conversation: str | None = None,
    ) -> str:
        """The interaction's id, once it is durable. NotKept when the store cannot take it.

        `conversation` is the client's own name for it, or None: see persona.capture.threads. Who wrote each
        message is on it already, bound where it came in.
        """
        at = self._now()
        said = tuple(prompt)

        def work(store: Store) -> str:
            place = conversation or self._find(store, said, source, at)
            interaction = with_id(
                Interaction(
                    id="",
                    conversation=place,
                    at=at,
                    source=source,
                    prompt=said,
                    completion=completion,
                    tools=tuple(tools),
                    revision=revision,
                )
            )
            store.interactions.add(interaction)
            self._threads.remember(said, completion, source=source, conversation=place, at=at)
            return interaction.id

        return str(self._do(work))

    def act(self, feedback: Feedback, *, source: str) -> Feedback:
        """The act as kept: without an interaction it is about the last one of `source`, and its id is that of
        its content. BadInput when there is nothing that it could be about; NotKept as above.
        """

        def work(store: Store) -> Feedback:
            about = feedback.interaction
            if about is None and feedback.kind is not FeedbackKind.PREFERENCE:
                about = store.interactions.latest(source=source)
                if about is None:
                    raise BadInput("there is no answer yet that this could be about")
            kept = with_id(replace(feedback, interaction=about))
            store.feedback.add(kept)
            return kept

        kept: Feedback = self._do(work)
        return kept

    def miss(self, why: str) -> None:
        """A turn passed by that could not be read: there is nothing to keep, and it is counted."""
        self._unread += 1
        self._unread_for = why

    def state(self) -> dict[str, Any]:
        """For `status`: turns and acts kept and lost since the start, and what the last loss was about; and
        the turns of other models that could not be read, and why the last one could not."""
        return {
            "kept": self._kept,
            "lost": self._lost,
            "trouble": self._trouble,
            "unread": self._unread,
            "unread_for": self._unread_for,
        }

    def close(self) -> None:
        """What was asked for before is kept first. Idempotent; what is asked after it is NotKept."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()

    def _do(self, work: Work) -> Any:
        if self._closed:
            raise NotKept("the daemon is stopping")
        job = _Job(work, Future())
        self._jobs.put(job)
        try:
            return job.done.result()
        except Refused as error:
            raise BadInput(str(error)) from error
        except StoreError as error:
            self._lost += 1
            self._trouble = str(error)
            raise NotKept(str(error)) from error

    def _find(self, store: Store, prompt: Sequence[Message], source: str, at: datetime) -> str:
        return (
            self._threads.find(prompt, source=source, at=at)
            or store.interactions.continued(prompt, source=source)
            or f"c-{uuid.uuid4().hex}"
        )

    def _run(self, path: Path, opened: Future[None]) -> None:
        try:
            store = Store.open(path, create=False)
        except BaseException as error:  # noqa: BLE001  # raised where the writer is opened
            opened.set_exception(error)
            return
        opened.set_result(None)
        with store:
            more = True
            while more:
                jobs, more = self._next_jobs()
                if jobs:
                    self._write(store, jobs)

    def _next_jobs(self) -> tuple[list[_Job], bool]:
        """What waits, at least one, and whether there will be more."""
        jobs: list[_Job] = []
        while len(jobs) < _MOST_AT_ONCE:
            try:
                job = self._jobs.get(block=not jobs)
            except queue.Empty:
                break
            if job is None:
                return jobs, False
            jobs.append(job)
        return jobs, True

    def _write(self, store: Store, jobs: Sequence[_Job]) -> None:
        """All of them in one transaction; one that does not fit takes no other along."""
        results: list[tuple[Any, BaseException | None]] = []
        try:
            for tries_left in reversed(range(_TRIES)):
                results = []
                try:
                    with store.transaction():
                        results += [_attempt(store, job.work) for job in jobs]
                except StoreBusy:
                    if not tries_left:
                        raise
                else:
                    break
        except BaseException as error:  # noqa: BLE001  # raised where each of them waits
            # A full disk undoes the transaction under the turn that met it; what follows only sees that.
            cause = next((failure for _, failure in results if isinstance(failure, CannotWork)), error)
            results = [(None, cause)] * len(jobs)
        for job, (result, failure) in zip(jobs, results, strict=True):
            if failure is None:
                self._kept += 1
                job.done.set_result(result)
            else:
                job.done.set_exception(failure)


def _attempt(store: Store, work: Work) -> tuple[Any, BaseException | None]:
    try:
        with store.transaction():
            return work(store), None
    except Exception as error:  # noqa: BLE001  # it belongs to whoever waits for this one
        return None, error
