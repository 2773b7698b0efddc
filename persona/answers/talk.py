"""What was said: conversations, one of them, and the search over all."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from persona.answers.limits import Limit
from persona.bootstrap import Persona  # by name: the arguments are checked at run time
from persona.errors import BadInput

if TYPE_CHECKING:
    from store import Told
    from store.records import Interaction


def conversations(persona: Persona, limit: Limit = 50) -> dict[str, Any]:
    """The newest conversations, newest first."""
    newest = sorted(
        persona.store.interactions.conversations(), key=lambda each: (each.last_at, each.id), reverse=True
    )
    return {"conversations": [asdict(each) for each in newest[:limit]]}


def conversation(
    persona: Persona,
    id: str,  # noqa: A002  # as it is asked for
    brief: bool = False,
    last: Limit | None = None,
) -> dict[str, Any]:
    """Every interaction of one conversation, oldest first, with the feedback that each got; the `last` ones
    where that is given. `brief` says each message once: what was `said` behind the interaction `after`, in
    place of the whole prompt."""
    store = persona.store
    told = store.interactions.told(id) if brief else list(store.interactions.all(conversation=id))
    if not told:
        raise BadInput(f"no conversation {id!r}")
    given: dict[str | None, list[dict[str, Any]]] = {}
    for act in store.feedback.all(conversation=id):
        row = {"id": act.id, "at": act.at, "kind": str(act.kind), "reason": act.reason}
        row["content"] = act.content
        given.setdefault(act.interaction, []).append(row)
    wanted = told[-(last or len(told)) :]
    return {
        "id": id,
        "interactions": [{**_interaction(each), "feedback": given.get(each.id, [])} for each in wanted],
    }


def _interaction(each: Interaction | Told) -> dict[str, Any]:
    from store import Told
    from store.json_forms import message_json

    before: dict[str, Any]
    if isinstance(each, Told):
        before = {"after": each.after, "said": [message_json(message) for message in each.said]}
    else:
        before = {"prompt": [message_json(message) for message in each.prompt]}
    return {
        "id": each.id,
        "at": each.at,
        "source": each.source,
        "revision": each.revision,
        **before,
        "completion": message_json(each.completion),
    }


def search(persona: Persona, text: str, limit: Limit = 20) -> dict[str, Any]:
    """Messages that hold every word of `text`, best first."""
    return {"hits": [asdict(hit) for hit in persona.store.interactions.search(text, limit=limit)]}
