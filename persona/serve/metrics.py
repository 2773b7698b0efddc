"""What the routes count, for Prometheus: never a word of what was said, and no names of people."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

_FIRST = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_WHOLE = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class Metrics:
    """One set of counters. Thread-safe."""

    media_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self) -> None:
        own = self._registry = CollectorRegistry()
        self.requests = Counter(
            "persona_requests", "Answered requests", ["route", "method", "status"], registry=own
        )
        self.rejected = Counter("persona_rejected", "Refused requests", ["code"], registry=own)
        self.running = Gauge("persona_answers_running", "Answers generated or waited for now", registry=own)
        self.answers = Counter("persona_answers", "Answers by how they ended", ["ended"], registry=own)
        self.tokens = Counter(
            "persona_tokens", "Tokens of answered prompts and answers", ["of"], registry=own
        )
        self.until_first = Histogram(
            "persona_time_to_first_token_seconds", "Until the first text", buckets=_FIRST, registry=own
        )
        self.seconds = Histogram(
            "persona_answer_seconds", "From the request to the whole answer", buckets=_WHOLE, registry=own
        )
        self.not_kept = Counter("persona_not_kept", "Turns that the store did not take", registry=own)

        self.not_read = Counter(
            "persona_not_read", "Turns of other models that could not be read, so not kept", registry=own
        )

    def text(self) -> bytes:
        """The exposition format, version 0.0.4."""
        return generate_latest(self._registry)
