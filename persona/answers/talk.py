"""What was said: conversations, one of them, and the search over all."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from persona.answers.limits import Limit
from persona.bootstrap import Persona  # by name: the arguments are checked at run time
from persona.errors import BadInput


def conversations(persona: Persona, limit: Limit = 50) -> dict[str, Any]:
    """The newest conversations, newest first."""
    newest = sorted(
        persona.store.interactions.conversations(), key=lambda each: (each.last_at, each.id), reverse=True
    )
    return {"conversations": [asdict(each) for each in newest[:limit]]}


def conversation(persona: Persona, id: str) -> dict[str, Any]:  # noqa: A002  # as it is asked for
    """Every interaction of one conversation, oldest first, with the feedback that each got."""
    from store.json_forms import message_json

    interactions = list(persona.store.interactions.all(conversation=id))
    if not interactions:
        raise BadInput(f"no conversation {id!r}")
    given = persona.store.feedback.all(conversation=id)
    return {
        "id": id,
        "interactions": [
            {
                "id": each.id,
                "at": each.at,
                "source": each.source,
                "revision": each.revision,
                "prompt": [message_json(message) for message in each.prompt],
                "completion": message_json(each.completion),
                "feedback": [
                    {"id": act.id, "kind": str(act.kind), "reason": act.reason, "content": act.content}
                    for act in given
                    if act.interaction == each.id
                ],
            }
            for each in interactions
        ],
    }


def search(persona: Persona, text: str, limit: Limit = 20) -> dict[str, Any]:
    """Messages that hold every word of `text`, best first."""
    return {"hits": [asdict(hit) for hit in persona.store.interactions.search(text, limit=limit)]}
