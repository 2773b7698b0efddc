"""Tools of the Responses dialect: functions, free-form ones, namespaces; a model sees functions only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from persona.serve.dialects import fields
from persona.serve.dialects.dialect import Json
from persona.serve.dialects.fields import Fields, Name, Object
from persona.serve.refusals import NotSupported
from store.records import ToolCall

# The client's server would run these. What is left out cannot be called, and the rest works.
_HOSTED = ("web_search", "file_search", "code_interpreter", "image_generation", "tool_search", "mcp")

_FREE_FORM: Object = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "the whole input of the tool, as plain text"}},
    "required": ["input"],
}


class _Tool(Fields):
    type: str
    name: Name | None = None
    description: str | None = None
    parameters: Object | None = None
    tools: list[Object] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Origin:
    """What the client calls a tool that a model is shown."""

    name: str
    namespace: str | None
    free_form: bool


class Offered:
    """The tools of one request: `tools` as a model sees them, and the way back."""

    def __init__(self, tools: Sequence[Object], origins: Mapping[str, _Origin]) -> None:
        self.tools = list(tools)
        self._origins = origins

    def shown(self, name: str, namespace: str | None = None) -> str:
        """The name that a model sees for the client's."""
        if namespace:
            return _composed(namespace, name)
        if name in self._origins:
            return name
        return next((shown for shown, origin in self._origins.items() if origin.name == name), name)

    def item(self, call: ToolCall, arguments: str) -> dict[str, Json]:
        """The client's item for a call, without its id and status."""
        origin = self._origins.get(call.name)
        if origin is None:
            return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments}
        item: dict[str, Json] = {"type": "function_call", "call_id": call.id, "name": origin.name}
        if origin.namespace:
            item["namespace"] = origin.namespace
        if origin.free_form:
            text = call.arguments.get("input")
            return item | {"type": "custom_tool_call", "input": text if isinstance(text, str) else arguments}
        return item | {"arguments": arguments}


def read_tools(tools: Sequence[Object]) -> Offered:
    """NotSupported names a tool that only the client's own server could run in a way of its own."""
    shown: list[Object] = []
    origins: dict[str, _Origin] = {}
    _read(tools, "tools", None, shown, origins)
    return Offered(shown, origins)


def _read(
    tools: Sequence[Object],
    where: str,
    namespace: str | None,
    shown: list[Object],
    origins: dict[str, _Origin],
) -> None:
    for n, document in enumerate(tools):
        tool = fields.shaped(_Tool, document)
        if tool.type.startswith(_HOSTED):
            continue
        if tool.type == "namespace" and tool.name and namespace is None:
            _read(tool.tools or [], f"{where}[{n}].tools", tool.name, shown, origins)
            continue
        if tool.type not in ("function", "custom") or not tool.name:
            raise NotSupported(f"{where}[{n}].type", f"tools of type {tool.type[:40]!r}")
        name = _composed(namespace, tool.name) if namespace else tool.name
        free_form = tool.type == "custom"
        shown.append(fields.tool(name, tool.description, _FREE_FORM if free_form else tool.parameters))
        origins[name] = _Origin(name=tool.name, namespace=namespace, free_form=free_form)


def _composed(namespace: str, name: str) -> str:
    return f"{namespace}{name}" if namespace.endswith("__") else f"{namespace}__{name}"
