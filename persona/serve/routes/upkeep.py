"""Is it there, and what has it done: nothing here says who uses it or for what."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from persona.serve.routes.service import Service


class Upkeep:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def health(self, _: Request) -> Response:
        """The guard has opened the desk by now, or said with 503 that it is loading."""
        return JSONResponse({"status": "ok"})

    async def metrics(self, _: Request) -> Response:
        metrics = self._service.metrics
        return Response(metrics.text(), media_type=metrics.media_type)
