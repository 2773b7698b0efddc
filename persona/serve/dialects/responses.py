"""OpenAI's Responses, without state on this side: requests read."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Annotated, Any, Literal

from pydantic import Field

from persona.serve.asked import Asked, Opened
from persona.serve.dialects import fields
from persona.serve.dialects.dialect import Json, Writer
from persona.serve.dialects.fields import Content, Fields, Name, Object, Part, Sampled, TokensOrNot
from persona.serve.dialects.responses_answer import Remembered, ResponsesWriter
from persona.serve.dialects.responses_tools import Offered, read_tools
from persona.serve.limits import Limits
from persona.serve.refusals import NotSupported, NotUnderstood
from store.records import Message

_UNSUPPORTED = {
    "previous_response_id": fields.always,
    "conversation": fields.always,
    "prompt": fields.always,
    "background": fields.given,
    "top_logprobs": fields.given,
}
_TEXTS = ("input_text", "output_text", "text", "summary_text", "refusal")
_SKIPPED = frozenset(
    {"reasoning", "web_search_call"}
)  # nothing in them is for a model that did not write them


class _Item(Fields):
    """An item of the input; which fields it has, its type says."""

    type: str = "message"
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: Content = None
    call_id: str | None = None
    name: Name | None = None
    namespace: str | None = None
    arguments: str | None = None
    input: str | None = None
    output: Any = None


class _Output(Fields):
    output: str | list[Part]


class _Choice(Fields):
    type: str
    name: Name | None = None


class _Format(Fields):
    type: Literal["text", "json_object", "json_schema"] = "text"
    schema_: Object | None = Field(default=None, alias="schema")


class _Text(Fields):
    format: _Format | None = None


class _Request(Sampled):
    model: Name
    input: str | Annotated[list[_Item], Field(min_length=1)]
    instructions: str | None = None
    tools: list[Object] | None = None
    tool_choice: Literal["none", "auto", "required"] | _Choice | None = None
    parallel_tool_calls: bool | None = None
    stream: bool | None = None
    max_output_tokens: TokensOrNot = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    seed: int | None = None
    text: _Text | None = None


class Responses:
    """`/v1/responses`."""

    call_prefix = "call_"

    def read(self, document: Mapping[str, Json], limits: Limits) -> tuple[Asked, Remembered]:
        fields.refuse(document, _UNSUPPORTED)
        request = fields.shaped(_Request, document)
        offered = read_tools(request.tools or [])
        tools, must_call = _chosen(request, offered)
        asked = Asked(
            model=request.model,
            prompt=fields.prompt_of(_messages(request, offered), tools, "input"),
            sampling=fields.sampling_of(
                limits,
                request,
                max_tokens=request.max_output_tokens,
                temperature=request.temperature,
                seed=request.seed,
                schema=_schema(request.text),
                schema_field="text.format",
                tools=tools,
                must_call=tools if must_call else (),
            ),
            stream=bool(request.stream),
            one_call=request.parallel_tool_calls is False,
            must_call=must_call,
        )
        return asked, Remembered(request=document, offered=offered)

    def writer(self, opened: Opened, remembered: Any) -> Writer:
        return ResponsesWriter(opened, remembered)


def _chosen(request: _Request, offered: Offered) -> tuple[list[Object], bool]:
    choice = request.tool_choice
    if not isinstance(choice, _Choice):
        return fields.chosen(offered.tools, mode=choice or "auto", name=None)
    if choice.type not in ("function", "custom") or choice.name is None:
        raise NotSupported("tool_choice.type", f"{choice.type[:40]!r}")
    return fields.chosen(offered.tools, mode="named", name=offered.shown(choice.name))


def _messages(request: _Request, offered: Offered) -> list[Message]:
    first = [Message(role="system", content=request.instructions)] if request.instructions else []
    if isinstance(request.input, str):
        return [*first, fields.user(request.input)]
    read = (
        _message(item, f"input[{n}]", offered)
        for n, item in enumerate(request.input)
        if item.type not in _SKIPPED
    )
    messages = first
    for assistant, group in groupby(read, key=lambda message: message.role == "assistant"):
        items = list(group)
        messages += [_joined(items)] if assistant else items  # one answer comes back as several items
    return messages


def _message(item: _Item, where: str, offered: Offered) -> Message:
    match item.type:
        case "message":
            return _said(item, where)
        case "function_call" | "custom_tool_call":
            if item.name is None:
                raise NotUnderstood(f"{where}.name", "the name of the tool is missing")
            name = offered.shown(item.name, item.namespace)
            if item.type == "custom_tool_call":
                arguments: str | Object = {"input": item.input or ""}
            else:
                arguments = item.arguments or ""
            made = fields.call(name, arguments, item.call_id or "", f"{where}.arguments")
            return Message(role="assistant", tool_calls=(made,))
        case "function_call_output" | "custom_tool_call_output":
            if item.call_id is None:
                raise NotUnderstood(f"{where}.call_id", "the id of the call is missing")
            output = fields.shaped(_Output, {"output": item.output}).output
            text = fields.text_of(output, f"{where}.output", _TEXTS)
            return Message(role="tool", content=text, tool_call_id=item.call_id)
    raise NotSupported(f"{where}.type", f"{item.type[:40]!r} items")


def _said(item: _Item, where: str) -> Message:
    if item.role is None:
        raise NotUnderstood(f"{where}.role", "the role is missing")
    between = "" if item.role == "assistant" else "\n"
    text = fields.text_of(item.content, f"{where}.content", _TEXTS, between=between)
    return fields.user(text) if item.role == "user" else Message(role=fields.role_of(item.role), content=text)


def _joined(items: list[Message]) -> Message:
    return Message(
        role="assistant",
        content="".join(item.content for item in items),
        tool_calls=tuple(call for item in items for call in item.tool_calls),
    )


def _schema(text: _Text | None) -> Object | None:
    form = text.format if text else None
    if form is None or form.type == "text":
        return None
    if form.type == "json_object":
        return {"type": "object"}
    if form.schema_ is None:
        raise NotUnderstood("text.format.schema", "the schema is missing")
    return form.schema_
