"""Which models there are, in a form that clients of every dialect read."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from persona.errors import UnknownModel
from persona.serve.desk import ModelCard
from persona.serve.routes.service import Service, visitor_of


class Models:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def every(self, request: Request) -> Response:
        models = [_entry(card) for card in await self._service.call(visitor_of(request).desk.models)]
        edges = {"first_id": models[0]["id"], "last_id": models[-1]["id"]} if models else {}
        return JSONResponse({"object": "list", "data": models, "has_more": False, **edges})

    async def one(self, request: Request) -> Response:
        wanted = request.path_params["id"]
        for card in await self._service.call(visitor_of(request).desk.models):
            if card.id == wanted:
                return JSONResponse(_entry(card))
        raise UnknownModel(wanted)


def _entry(card: ModelCard) -> dict[str, Any]:
    # By the names that clients read: vllm's, and the one of OpenRouter and LM Studio.
    length = {} if card.context is None else {"max_model_len": card.context, "context_length": card.context}
    return {
        "id": card.id,
        "object": "model",
        "created": int(card.created.timestamp()),
        "owned_by": "persona",
        "root": card.root,
        "parent": card.parent,
        "type": "model",
        "display_name": card.id,
        "created_at": card.created.isoformat(),
        **length,
    }
