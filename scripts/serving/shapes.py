# ruff: noqa: SLF001  # the shapes are private to the routes, and nobody else's business but this one's
"""An OpenAPI document of every route, from what the routes read: persona serves none, schemathesis needs one.

Answers are kept short, so that most of the time goes into requests; the endless stream of events and nights
of training are left out.
"""

from __future__ import annotations

import inspect
from typing import Any

from pydantic import BaseModel

from persona.answers.asking import QUESTIONS
from persona.serve.app import routes
from persona.serve.desk import READS
from persona.serve.dialects import chat, messages, responses
from persona.serve.limits import Limits
from persona.serve.routes import own
from persona.serve.routes.service import Service


class _Passed(BaseModel):
    """What is read of a body that only another server answers."""

    model: str


_BODIES: dict[str, type[BaseModel]] = {
    "/v1/chat/completions": chat._Request,
    "/v1/responses": responses._Request,
    "/v1/messages": messages._Request,
    "/v1/messages/count_tokens": messages._Request,
    "/v1/completions": _Passed,
    "/v1/embeddings": _Passed,
    "/persona/feedback": own._Feedback,
}
_LONGEST = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_ENDLESS = "/persona/events"
_MODELS = ["persona", "persona:base", "persona:r1", "persona:r9", "gpt-4o"]
_ANSWERED = {"default": {"description": "an answer or a refusal"}}


def document(*, tokens: int = 4) -> dict[str, Any]:
    """OpenAPI 3.1 for all routes that end. An answer has at most so many tokens."""
    shapes: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for route in routes(Service.within(Limits())):
        path = route.path.replace("{id:path}", "{id}")
        if path == _ENDLESS:
            continue
        methods = sorted((route.methods or set()) - {"HEAD"})
        paths[path] = {method.lower(): _operation(path, method, shapes, tokens) for method in methods}
    return {
        "openapi": "3.1.0",
        "info": {"title": "persona", "version": "1"},
        "paths": paths,
        "components": {"schemas": shapes},
    }


def _operation(path: str, method: str, shapes: dict[str, Any], tokens: int) -> dict[str, Any]:
    operation: dict[str, Any] = {"responses": _ANSWERED}
    if path == "/v1/models/{id}":
        operation["parameters"] = [_parameter("id", "path", {"enum": _MODELS})]
    elif path == "/persona/{name}" and method == "GET":
        names = sorted({argument for arguments in READS.values() for argument in arguments})
        operation["parameters"] = [_parameter("name", "path", {"enum": sorted(READS)})]
        operation["parameters"] += [_parameter(name, "query", {"type": "string"}) for name in names]
    elif path == "/persona/{name}":
        arguments = {
            name for question in QUESTIONS.values() for name in inspect.signature(question).parameters
        }
        operation["parameters"] = [_parameter("name", "path", {"enum": sorted(QUESTIONS)})]
        operation |= _body(
            {"type": "object", "properties": {name: {} for name in sorted(arguments - {"persona"})}}
        )
    elif method == "POST":
        operation |= _body(_shape(path, shapes, tokens))
    return operation


def _shape(path: str, shapes: dict[str, Any], tokens: int) -> dict[str, Any]:
    """What the route reads, with its parts among `shapes` under names of their own."""
    prefix = path.strip("/").replace("/", "_")
    shape = _BODIES[path].model_json_schema(
        by_alias=True, ref_template=f"#/components/schemas/{prefix}{{model}}"
    )
    for name, part in shape.pop("$defs", {}).items():
        shapes[prefix + name] = part
    properties = shape["properties"]
    if "model" in properties:
        properties["model"] = {"enum": _MODELS}
    lengths = [name for name in _LONGEST if name in properties]
    for name in lengths:
        properties[name] = {"type": "integer", "minimum": 1, "maximum": tokens}
    shape["required"] = sorted({*shape.get("required", []), *lengths})
    return shape


def _parameter(name: str, where: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": schema}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
