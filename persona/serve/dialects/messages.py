"""Anthropic's Messages: requests read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from persona.engine.protocol import Prompt
from persona.serve.asked import Asked, Opened
from persona.serve.dialects import fields
from persona.serve.dialects.dialect import Json, Writer
from persona.serve.dialects.fields import Content, Fields, Name, Object, Part, Sampled, Stops, Tokens
from persona.serve.dialects.messages_answer import MessagesWriter, Remembered
from persona.serve.limits import Limits
from persona.serve.refusals import NotSupported, NotUnderstood
from store.records import Message, ToolCall

_UNSUPPORTED = {"container": fields.always, "mcp_servers": fields.given}
_THOUGHTS = ("thinking", "redacted_thinking")
# Anthropic's own server would run these; a client that offers them can do without.
_HOSTED = ("web_search_", "web_fetch_", "code_execution_", "tool_search_", "advisor_")
_BILLING = "x-anthropic-billing-header:"  # different with every request, and nothing to a model


class _Block(Part):
    """A block of a message's content; which fields it has, its type says."""

    id: str | None = None
    name: Name | None = None
    input: Object | None = None
    tool_use_id: str | None = None
    content: Content = None


class _Message(Fields):
    role: Literal["user", "assistant", "system"]
    content: str | list[_Block]


class _Tool(Fields):
    type: str | None = None
    name: Name
    description: str | None = None
    input_schema: Object | None = None


class _Choice(Fields):
    type: Literal["auto", "any", "tool", "none"]
    name: Name | None = None
    disable_parallel_tool_use: bool | None = None


class _Format(Fields):
    type: Literal["json_schema"]
    schema_: Object = Field(alias="schema")


class _Output(Fields):
    format: _Format | None = None


class _Thinking(Fields):
    type: str


class _Request(Sampled):
    model: Name
    messages: Annotated[list[_Message], Field(min_length=1)]
    max_tokens: Tokens | None = None
    system: Content = None
    tools: list[_Tool] | None = None
    tool_choice: _Choice | None = None
    stop_sequences: Stops | None = None
    stream: bool | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    thinking: _Thinking | None = None
    output_config: _Output | None = None
    output_format: _Format | None = None


class Messages:
    """`/v1/messages`."""

    call_prefix = "toolu_"

    def read(self, document: Mapping[str, Json], limits: Limits) -> tuple[Asked, Remembered]:
        fields.refuse(document, _UNSUPPORTED)
        request = fields.shaped(_Request, document)
        if request.max_tokens is None:
            raise NotUnderstood("max_tokens", "field required")
        asked = _asked(request, limits)
        thinks = request.thinking is not None and request.thinking.type != "disabled"
        return asked, Remembered(thinks=thinks)

    def to_count(self, document: Mapping[str, Json], limits: Limits) -> tuple[str, Prompt]:
        """The model and the prompt of a request that only wants to know how long it is."""
        fields.refuse(document, _UNSUPPORTED)
        asked = _asked(fields.shaped(_Request, document), limits)
        return asked.model, asked.prompt

    def writer(self, opened: Opened, remembered: Any) -> Writer:
        return MessagesWriter(opened, remembered)


def _asked(request: _Request, limits: Limits) -> Asked:
    choice = request.tool_choice or _Choice(type="auto")
    mode = {"any": "required", "tool": "named"}.get(choice.type, choice.type)
    tools, must_call = fields.chosen(_tools(request.tools or []), mode=mode, name=choice.name)
    form = request.output_format or (request.output_config.format if request.output_config else None)
    return Asked(
        model=request.model,
        prompt=fields.prompt_of(_messages(request), tools, "messages"),
        sampling=fields.sampling_of(
            limits,
            request,
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            stop=request.stop_sequences,
            schema=form.schema_ if form else None,
            schema_field="output_config.format",
            tools=tools,
            must_call=tools if must_call else (),
        ),
        stream=bool(request.stream),
        one_call=bool(choice.disable_parallel_tool_use),
        must_call=must_call,
        counted=bool(request.stream),
    )


def _tools(tools: list[_Tool]) -> list[Object]:
    read = []
    for n, each in enumerate(tools):
        kind = each.type or "custom"
        if kind.startswith(_HOSTED):
            continue
        if kind != "custom":
            raise NotSupported(f"tools[{n}].type", f"tools of type {kind[:40]!r}")
        read.append(fields.tool(each.name, each.description, each.input_schema))
    return read


def _messages(request: _Request) -> list[Message]:
    messages: list[Message] = []
    system = _system(request.system)
    if system:
        messages.append(Message(role="system", content=system))
    for n, message in enumerate(request.messages):
        messages += _read(message, f"messages[{n}]")
    return messages


def _system(content: Content) -> str:
    if isinstance(content, list):
        content = [part for part in content if not (part.text or "").startswith(_BILLING)]
    return fields.text_of(content, "system", between="\n\n")


def _read(message: _Message, where: str) -> list[Message]:
    """One message as one or more: results of tools stand in a user's message here, and are messages of their
    own for a template.
    """
    if isinstance(message.content, str):
        blocks = [_Block(type="text", text=message.content)]
    else:
        blocks = message.content
    results: list[Message] = []
    calls: list[ToolCall] = []
    parts: list[Part] = []
    for n, block in enumerate(blocks):
        place = f"{where}.content[{n}]"
        if block.type == "tool_result" and message.role == "user":
            results.append(_result(block, place))
        elif block.type == "tool_use" and message.role == "assistant":
            calls.append(_call(block, place))
        elif block.type == "text" and block.text is not None:
            parts.append(block)
        elif block.type == "text":
            raise NotUnderstood(f"{place}.text", "a text is missing")
        elif block.type not in _THOUGHTS:
            raise NotSupported(f"{place}.type", f"{block.type[:40]!r} content of the {message.role}")
    if message.role == "assistant":
        text = fields.text_of(parts, where, between="")
        return [Message(role="assistant", content=text, tool_calls=tuple(calls))]
    text = fields.text_of(parts, where)
    if message.role == "system":
        return [Message(role="system", content=text)]
    return [*results, fields.user(text)] if parts or not results else results


def _result(block: _Block, where: str) -> Message:
    if block.tool_use_id is None:
        raise NotUnderstood(f"{where}.tool_use_id", "the id of the call is missing")
    text = fields.text_of(block.content, f"{where}.content")
    return Message(role="tool", content=text, tool_call_id=block.tool_use_id)


def _call(block: _Block, where: str) -> ToolCall:
    if block.name is None:
        raise NotUnderstood(f"{where}.name", "the name of the tool is missing")
    return ToolCall(name=block.name, arguments=block.input or {}, id=block.id or "")
