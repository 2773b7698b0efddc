"""The HTTP application: every route, behind one guard."""

from __future__ import annotations

import logging
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from persona.errors import PersonaError
from persona.serve.calls import Calls
from persona.serve.desk import Door
from persona.serve.dialects.chat import Chat
from persona.serve.dialects.messages import Messages
from persona.serve.dialects.responses import Responses
from persona.serve.guard import Guard
from persona.serve.limits import Access, Limits
from persona.serve.refusals import NotThere, NotThisWay, Refused, refusal_of
from persona.serve.refused import refused_response
from persona.serve.routes.answers import Answers, Counts, Elsewhere
from persona.serve.routes.models import Models
from persona.serve.routes.own import Own
from persona.serve.routes.service import Service
from persona.serve.routes.upkeep import Upkeep

_LEFT = 499  # never sent: the client is gone
_log = logging.getLogger(__name__)


def create_app(door: Door, *, limits: Limits | None = None, access: Access | None = None) -> Starlette:
    """The application for whoever `door` lets in. Opens nothing; belongs to one event loop."""
    service = Service.within(limits or Limits())
    guard = Middleware(
        Guard,
        door=door,
        calls=Calls(service.limits.desk_calls),  # of its own: long acts must not keep the next client out
        limits=service.limits,
        access=access or Access(),
        metrics=service.metrics,
    )
    app = Starlette(
        routes=routes(service),
        middleware=[guard],
        exception_handlers={
            HTTPException: _not_routed,
            Refused: _refused(service),
            PersonaError: _refused(service),
            ClientDisconnect: _left,
            Exception: _broken,
        },
    )
    app.router.redirect_slashes = False  # a redirect would be built from the Host header
    return app


def routes(service: Service) -> list[Route]:
    """All there is."""
    models, own, upkeep = Models(service), Own(service), Upkeep(service)
    return [
        Route("/v1/chat/completions", Answers(service, Chat()).answer, methods=["POST"]),
        Route("/v1/responses", Answers(service, Responses()).answer, methods=["POST"]),
        Route("/v1/messages", Answers(service, Messages()).answer, methods=["POST"]),
        Route("/v1/messages/count_tokens", Counts(service).count, methods=["POST"]),
        Route("/v1/completions", Elsewhere(service, "bare completions").answer, methods=["POST"]),
        Route("/v1/embeddings", Elsewhere(service, "embeddings").answer, methods=["POST"]),
        Route("/v1/models", models.every),
        Route("/v1/models/{id:path}", models.one),
        Route("/health", upkeep.health),
        Route("/metrics", upkeep.metrics),
        Route("/persona/feedback", own.feedback, methods=["POST"]),
        Route("/persona/events", own.events),
        Route("/persona/{name}", own.ask, methods=["GET", "POST"]),
    ]


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.scope["path"]
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return refused_response(path, NotThisWay(request.method, path, allowed))
    if error.status_code == 404:
        return refused_response(path, NotThere("such route"))
    return refused_response(path, Refused(error.detail, status=error.status_code, code="refused"))


def _refused(service: Service) -> Any:
    async def handle(request: Request, error: Exception) -> Response:
        refused = refusal_of(error) if isinstance(error, PersonaError) else error
        assert isinstance(refused, Refused)
        if refused.status >= 500:
            _log.warning("%s %s: %s", request.method, request.scope["path"], error)
        service.metrics.rejected.labels(code=refused.code).inc()
        return refused_response(request.scope["path"], refused)

    return handle


async def _left(_: Request, __: Exception) -> Response:
    return Response(status_code=_LEFT)


async def _broken(request: Request, _: Exception) -> Response:
    """A defect of ours; the traceback goes to the log and nothing of it to the client."""
    refused = Refused("persona broke; its log says where", status=500, code="internal_error")
    return refused_response(request.scope["path"], refused)
