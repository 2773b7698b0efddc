"""OpenAI's Chat Completions: requests read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from persona.serve.asked import Asked, Opened
from persona.serve.dialects import fields
from persona.serve.dialects.chat_answer import ChatWriter, Remembered
from persona.serve.dialects.dialect import Json, Writer
from persona.serve.dialects.fields import Content, Fields, Name, Object, Sampled, Stops, TokensOrNot
from persona.serve.limits import Limits
from persona.serve.refusals import NotSupported, NotUnderstood
from store.records import Message

_UNSUPPORTED = {
    "n": lambda value: value != 1,
    "logprobs": fields.given,
    "top_logprobs": fields.given,
    "logit_bias": fields.given,
    "modalities": lambda value: value != ["text"],
    "audio": fields.always,
    "functions": fields.given,
    "function_call": lambda value: value not in ("none", "auto"),
    "web_search_options": fields.always,
}
_PLAIN = ("text", "refusal")


class _Function(Fields):
    name: Name
    arguments: str = ""


class _Call(Fields):
    id: str = ""
    type: str = "function"
    function: _Function | None = None


class _Message(Fields):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Content = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None


class _Signature(Fields):
    name: Name
    description: str | None = None
    parameters: Object | None = None


class _Tool(Fields):
    type: str = "function"
    function: _Signature | None = None


class _Named(Fields):
    name: Name


class _Choice(Fields):
    type: str
    function: _Named | None = None


class _Schema(Fields):
    schema_: Object = Field(alias="schema")


class _Format(Fields):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _Schema | None = None


class _StreamOptions(Fields):
    include_usage: bool | None = None


class _Request(Sampled):
    model: Name
    messages: Annotated[list[_Message], Field(min_length=1)]
    tools: list[_Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | _Choice | None = None
    parallel_tool_calls: bool | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: TokensOrNot = None
    max_completion_tokens: TokensOrNot = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    seed: int | None = None
    stop: Stops | None = None
    response_format: _Format | None = None


class Chat:
    """`/v1/chat/completions`."""

    call_prefix = "call_"

    def read(self, document: Mapping[str, Json], limits: Limits) -> tuple[Asked, Remembered]:
        fields.refuse(document, _UNSUPPORTED)
        request = fields.shaped(_Request, document)
        tools, must_call = _tools(request)
        asked = Asked(
            model=request.model,
            prompt=fields.prompt_of(
                [_message(each, f"messages[{n}]") for n, each in enumerate(request.messages)],
                tools,
                "messages",
            ),
            sampling=fields.sampling_of(
                limits,
                request,
                max_tokens=request.max_completion_tokens or request.max_tokens,
                temperature=request.temperature,
                seed=request.seed,
                stop=request.stop,
                schema=_schema(request.response_format),
                tools=tools,
                must_call=tools if must_call else (),
            ),
            stream=bool(request.stream),
            one_call=request.parallel_tool_calls is False,
            must_call=must_call,
        )
        options = request.stream_options
        return asked, Remembered(include_usage=bool(options and options.include_usage))

    def writer(self, opened: Opened, remembered: Any) -> Writer:
        return ChatWriter(opened, remembered)


def _message(message: _Message, where: str) -> Message:
    role = fields.role_of(message.role)
    text = fields.text_of(
        message.content, f"{where}.content", _PLAIN, between="" if role == "assistant" else "\n"
    )
    if role == "user":
        return fields.user(text)
    if message.tool_calls and role != "assistant":
        raise NotUnderstood(f"{where}.tool_calls", "only the assistant calls tools")
    calls = []
    for n, made in enumerate(message.tool_calls or ()):
        place = f"{where}.tool_calls[{n}]"
        if made.function is None:
            raise NotSupported(f"{place}.type", f"calls of type {made.type[:40]!r}")
        calls.append(
            fields.call(made.function.name, made.function.arguments, made.id, f"{place}.function.arguments")
        )
    return Message(role=role, content=text, tool_calls=tuple(calls), tool_call_id=message.tool_call_id)


def _tools(request: _Request) -> tuple[list[Object], bool]:
    tools = []
    for n, each in enumerate(request.tools or ()):
        if each.function is None:
            raise NotSupported(f"tools[{n}].type", f"tools of type {each.type[:40]!r}")
        signature = each.function
        tools.append(fields.tool(signature.name, signature.description, signature.parameters))
    choice = request.tool_choice
    if isinstance(choice, _Choice):
        if choice.type != "function" or choice.function is None:
            raise NotSupported("tool_choice.type", f"{choice.type[:40]!r}")
        return fields.chosen(tools, mode="named", name=choice.function.name)
    return fields.chosen(tools, mode=choice or "auto", name=None)


def _schema(form: _Format | None) -> Object | None:
    if form is None or form.type == "text":
        return None
    if form.type == "json_object":
        return {"type": "object"}
    if form.json_schema is None:
        raise NotUnderstood("response_format.json_schema", "the schema is missing")
    return form.json_schema.schema_
