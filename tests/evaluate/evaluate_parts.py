"""What an engine is made to answer in these tests."""

from __future__ import annotations

from persona.engine.protocol import Completion, FinishReason
from store.records import Message


def completion(said: str | Message, reason: FinishReason = "stop") -> Completion:
    message = said if isinstance(said, Message) else Message(role="assistant", content=said)
    return Completion(
        text=message.content,
        message=message,
        finish_reason=reason,
        prompt_tokens=1,
        completion_tokens=1,
        seconds=0.1,
    )
