"""The other model server, and what it offers: asked when a client wants the list, remembered for a moment.

A server that is slow, away or answers in another way offers nothing, and nobody waits for it twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

import httpx2
from pydantic import BaseModel, ValidationError

from persona.config import UpstreamSettings
from persona.serve.desk import Upstream

_PATIENCE = 2.0  # seconds that a list may take
_REMEMBERED = 30.0  # seconds
_MOST = 1000
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


def is_near(url: str) -> bool:
    """On this machine: a proxy that the environment names is for others."""
    try:
        return urlsplit(url).hostname in _LOOPBACK
    except ValueError:
        return False  # no address at all: whoever connects says so


class Beyond:
    """The model server of the settings. Thread-safe. `only` are the models that it answers for; none: all."""

    def __init__(self, upstream: Upstream, *, only: Collection[str] = ()) -> None:
        self.upstream = upstream
        self._only = tuple(only)
        self._lock = threading.Lock()
        self._known: tuple[str, ...] = ()
        self._until = 0.0

    @classmethod
    def of(cls, settings: UpstreamSettings, environ: Mapping[str, str]) -> Beyond | None:
        """None when there is no such server."""
        if settings.url is None:
            return None
        key = environ.get(settings.api_key_env, "") if settings.api_key_env else ""
        return cls(Upstream(url=settings.url.rstrip("/"), key=key), only=settings.models)

    def answers_for(self, model: str) -> bool:
        return not self._only or model in self._only

    def models(self) -> tuple[str, ...]:
        """Those that it answers for, or that it lists, in its order; none when it does not say."""
        if self._only:
            return self._only
        with self._lock:
            if time.monotonic() >= self._until:
                self._known = self._listed()
                self._until = time.monotonic() + _REMEMBERED
            return self._known

    def _listed(self) -> tuple[str, ...]:
        url, key = self.upstream.url, self.upstream.key
        headers = {"authorization": f"Bearer {key}"} if key else {}
        try:
            with httpx2.Client(timeout=_PATIENCE, trust_env=not is_near(url)) as client:
                listed = client.get(f"{url}/models", headers=headers).raise_for_status()
            found = _Models.model_validate_json(listed.content)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValidationError):
            return ()
        return tuple(dict.fromkeys(model.id for model in found.data[:_MOST]))
