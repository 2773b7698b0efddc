"""Fields that the dialects share, read with an error that names the one at fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from persona.engine.protocol import Prompt, Sampling
from persona.serve.asked import calls_schema
from persona.serve.bodies import parse_object
from persona.serve.limits import Limits
from persona.serve.origins import origin_of
from persona.serve.refusals import NotSupported, NotUnderstood, Refused
from store.records import Json, Message, Role, ToolCall

Shape = TypeVar("Shape", bound=BaseModel)


class Fields(BaseModel):
    """Unknown fields are ignored; null is what leaving a field out is."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Name = Annotated[str, Field(min_length=1, max_length=256)]
Stops = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=1000)]], BeforeValidator(_listed), Field(max_length=16)
]
Share = Annotated[float, Field(ge=0, le=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Repeat = Annotated[float, Field(ge=0.1, le=10)]  # 1 is none
Tokens = Annotated[int, Field(ge=1)]
# -1 is what clients of llama.cpp and others send to say nothing of it.
TokensOrNot = Annotated[Tokens | None, BeforeValidator(lambda value: None if value == -1 else value)]
Object = dict[str, Json]


class Sampled(Fields):
    """What every dialect may say of how an answer is drawn: its own, and what llama.cpp's server calls the
    rest, under which name other servers take `repetition_penalty` too.
    """

    top_p: Share | None = None
    top_k: Annotated[int, Field(ge=-1)] | None = None
    min_p: Share | None = None
    repeat_penalty: Repeat | None = None
    repetition_penalty: Repeat | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None


class Part(Fields):
    """One part of a content; `text` where it is one of text."""

    type: str
    text: str | None = None


Content = str | list[Part] | None


def shaped(shape: type[Shape], document: Mapping[str, Json]) -> Shape:
    """The document as `shape`, or NotUnderstood with the path of the first wrong field."""
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise NotUnderstood(_path(first["loc"]), _plain(first["msg"])) from None


def refuse(document: Mapping[str, Json], unsupported: Mapping[str, Callable[[Json], bool]]) -> None:
    """NotSupported for the first field whose value asks for what persona does not do."""
    for name, asks in unsupported.items():
        value = document.get(name)
        if value is not None and asks(value):
            raise NotSupported(
                name, "this" if isinstance(value, (dict, list)) else f"{str(value)[:40]!r} here"
            )


def always(_value: Json) -> bool:
    return True


def given(value: Json) -> bool:
    """Anything but an empty value."""
    return bool(value)


def text_of(content: Content, where: str, kinds: Iterable[str] = ("text",), *, between: str = "\n") -> str:
    """The text of a content; NotSupported names a part of another kind."""
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for place, part in enumerate(content):
        if part.type not in kinds:
            raise NotSupported(f"{where}[{place}].type", f"{part.type[:40]!r} content")
        if part.text is None:
            raise NotUnderstood(f"{where}[{place}].text", "a text is missing")
        texts.append(part.text)
    return between.join(texts)


def user(text: str) -> Message:
    return Message(role="user", content=text, origin=origin_of(text))


def arguments_of(text: str, where: str) -> Object:
    """A call's arguments, which clients send back as a text of JSON."""
    try:
        return parse_object(text.encode()) if text.strip() else {}
    except Refused:
        raise NotUnderstood(where, "the arguments are not a JSON object") from None


def tool(name: str, description: str | None, parameters: Object | None) -> Object:
    """An OpenAI tool object, which is what templates show."""
    function: Object = {"name": name, "description": description or ""}
    function["parameters"] = parameters or {"type": "object", "properties": {}}
    return {"type": "function", "function": function}


def prompt_of(messages: list[Message], tools: list[Object], where: str) -> Prompt:
    """The prompt; NotUnderstood where no answer can follow it."""
    if not messages:
        raise NotUnderstood(where, "there is no message")
    if messages[-1].role == "assistant":
        raise NotUnderstood(where, "the last one is the assistant's: what it should answer to is missing")
    name, often = max(
        Counter(each["function"]["name"] for each in tools).items(), key=_often, default=("", 1)
    )
    if often > 1:
        raise NotUnderstood("tools", f"{name!r} is there {often} times")
    return Prompt(messages=tuple(messages), tools=tuple(tools))


def _often(counted: tuple[str, int]) -> int:
    return counted[1]


def chosen(
    tools: list[Object], *, mode: str, name: str | None, where: str = "tool_choice"
) -> tuple[list[Object], bool]:
    """The tools that may be called, and whether one must be. `mode` is auto, none, required or named."""
    if mode == "none":
        return [], False
    if mode == "named":
        tools = [each for each in tools if each["function"]["name"] == name]
    if mode != "auto" and not tools:
        raise NotUnderstood(where, "no such tool is among the tools")
    return tools, mode != "auto"


def sampling_of(
    limits: Limits,
    said: Sampled,
    *,
    max_tokens: int | None,
    temperature: float | None,
    seed: int | None = None,
    stop: list[str] | None = None,
    schema: Object | None = None,
    schema_field: str = "response_format",
    must_call: Iterable[Object] = (),
    tools: Iterable[Object] = (),
) -> Sampling:
    """One dialect's numbers as an engine takes them; what was left out is as `limits` have it, or off."""
    forced = tuple(must_call)
    if schema is not None and tuple(tools):
        raise NotSupported(schema_field, "a schema beside tools; send `tool_choice` none, or no tools")
    return Sampling(
        max_tokens=min(max_tokens or limits.answer_tokens, limits.most_answer_tokens),
        temperature=limits.temperature if temperature is None else float(temperature),
        top_p=1.0 if said.top_p is None else max(float(said.top_p), 1e-6),
        top_k=max(0, min(said.top_k or 0, 2**31 - 1)),  # -1 is another way to say: all
        min_p=float(said.min_p or 0),
        repeat_penalty=float(said.repeat_penalty or said.repetition_penalty or 1),
        frequency_penalty=float(said.frequency_penalty or 0),
        presence_penalty=float(said.presence_penalty or 0),
        seed=None if seed is None else seed % (2**32 - 1),  # the last one would mean any
        stop=tuple(stop or ()),
        json_schema=calls_schema(forced) if forced else schema,
    )


def role_of(role: str) -> Role:
    """A dialect's role as the store names it."""
    if role == "developer":
        return "system"
    return "tool" if role == "function" else role  # type: ignore[return-value]  # callers validate it


def call(name: str, arguments: str | Object, call_id: str, where: str) -> ToolCall:
    read = arguments_of(arguments, where) if isinstance(arguments, str) else arguments
    return ToolCall(name=name, arguments=read, id=call_id)


def _path(loc: tuple[int | str, ...]) -> str | None:
    parts = [part for part in loc if not (isinstance(part, str) and ("[" in part or part == "str"))]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return path.lstrip(".") or None


def _plain(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message[0].lower() + message[1:]
