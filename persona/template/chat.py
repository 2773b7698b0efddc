"""One pinned chat template: the only way from messages to text and back, for training and serving alike.

`render_completion` is what a trainer learns from and `render` is what an engine is asked; both come from the
same source, so a revision is served exactly the text that it was trained on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jinja2

from adapters.digest import canonical, digest
from persona.errors import TemplateRefused
from persona.template.calls import read_message
from persona.template.controls import Controls, literal_tokens
from persona.template.folding import Folding, Row
from persona.template.meter import Meter
from persona.template.sandbox import compile_template
from store.records import Message, ToolCall

# Part of the digest: raise it when the same source would render to other text than before.
_RENDERING = 1

_TOOL_MARKERS = ("<tools>", "</tools>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
_WORD = "persona-probe"
_ASKED = Message(role="user", content="Hello.")
_SYSTEM = Message(role="system", content=_WORD)
_TOOL = {"type": "function", "function": {"name": _WORD, "description": "", "parameters": {"type": "object"}}}
_CALL = Message(role="assistant", tool_calls=(ToolCall(name=_WORD, arguments={"a": 1}, id="probe1234"),))
_ANSWER = "persona-answer"
_RESULT = Message(role="tool", content=_ANSWER, tool_call_id="probe1234")

# Templates that ask for today get this day: a prompt must be the same tomorrow, and the day of training is
# not what a model should learn. Those that can do without are left without, and have a day of their own.
_DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Template:
    """A chat template in Jinja. Immutable, thread-safe.

    `tokens` are the variables that templates expect of a tokenizer (bos_token and the like). `controls` are
    control tokens besides those that `source` spells out. `eos` ends an assistant's turn; without it, it is
    the first control token that the template writes after an answer. A template that knows no system
    messages or no tools (in the form that `parse` reads) is given them in plain turns, see
    persona.template.folding.
    Everything raises TemplateRefused when the template refuses, fails or reaches a limit.
    """

    def __init__(
        self,
        source: str,
        *,
        eos: str | None = None,
        tokens: Mapping[str, str] | None = None,
        controls: Iterable[str] = (),
    ) -> None:
        self.source = source
        self._tokens = dict(tokens or {})
        given = {*_TOOL_MARKERS, *self._tokens.values(), *controls, *([eos] if eos else [])}
        self._controls = Controls(literal_tokens(source) | given)
        self._extras = dict(self._tokens) | ({} if _is_optional(source) else {"strftime_now": _DAY.strftime})
        try:
            self._render = compile_template(source)
        except (jinja2.TemplateError, RecursionError) as error:
            raise TemplateRefused(f"it is not a Jinja template: {error}") from None
        self._folding = Folding()
        self.eos = eos or self._find_eos()
        self._folding = Folding(system=not self._takes_system())
        self._folding = Folding(system=self._folding.system, tools=not self._takes_tools())
        pinned = [_RENDERING, source, self.eos, self._tokens, self._controls.tokens]
        self.digest = digest(canonical(pinned))

    @property
    def control_tokens(self) -> tuple[str, ...]:
        """The tokens that are broken wherever they stand in contents."""
        return self._controls.tokens

    def render(
        self,
        messages: Sequence[Message],
        tools: Sequence[Mapping[str, Any]] = (),
        *,
        add_generation_prompt: bool,
    ) -> str:
        """The text of a conversation; with `add_generation_prompt`, up to where the assistant goes on.

        Control tokens inside contents, calls and tools are broken (persona.template.controls), so that none
        of them can end a turn or begin another.
        """
        rows, shown = self._folding.fold(
            [self._row(message, messages) for message in messages], self._controls.shield(list(tools))
        )
        limit = 1_000_000 + 4 * (_characters(rows) + _characters(shown))
        parts = len(rows) + len(shown)
        meter = Meter(steps=50_000 + 1_000 * parts, characters=limit, work=limit * (50 + parts))
        variables = {
            **self._extras,
            "messages": rows,
            "tools": shown or None,
            "add_generation_prompt": add_generation_prompt,
            "enable_thinking": False,  # thoughts are not part of a preference, and small bases have none
        }
        try:
            return self._render(variables, meter)
        except (
            jinja2.TemplateError,
            TypeError,
            ValueError,
            LookupError,
            ArithmeticError,
            AttributeError,
            RecursionError,
            MemoryError,
        ) as error:
            raise TemplateRefused(str(error) or type(error).__name__) from None

    def render_completion(
        self, prompt: Sequence[Message], tools: Sequence[Mapping[str, Any]], message: Message
    ) -> tuple[str, str]:
        """The prompt's text, and what the model has to write after it: `message` up to and with `eos`.

        Put together they are what the whole conversation renders to, less what a template writes after the
        last end token (a line break in ChatML), which no model is asked to write.
        """
        before = self.render(prompt, tools, add_generation_prompt=True)
        whole = self.render([*prompt, message], tools, add_generation_prompt=False)
        if not whole.startswith(before):
            raise TemplateRefused("it renders a finished answer differently from the prompt before it")
        answer, found, _ = whole[len(before) :].partition(self.eos)
        return before, answer + (found or self.eos)

    def parse(self, text: str) -> Message:
        """What the model wrote as a message: content and tool calls. Never raises; broken calls stay content.

        What follows an end token is dropped.
        """
        return read_message(text.partition(self.eos)[0], self._controls)

    def _row(self, message: Message, messages: Sequence[Message]) -> Row:
        row: Row = {"content": message.content}
        if message.tool_calls:
            row["tool_calls"] = [
                {
                    "type": "function",
                    "id": call.id,
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in message.tool_calls
            ]
        if message.tool_call_id is not None:
            row["tool_call_id"] = message.tool_call_id
            name = _called(message.tool_call_id, messages)
            row |= {"name": name} if name else {}
        return {"role": message.role, **self._controls.shield(row, role=message.role)}

    def _find_eos(self) -> str:
        answer = Message(role="assistant", content=_WORD)
        after = self.render([_ASKED, answer], add_generation_prompt=False).partition(_WORD)[2]
        eos = self._controls.first_in(after)
        if eos is None:
            raise TemplateRefused("it writes no end token after an answer; name one")
        return eos

    def _takes_system(self) -> bool:
        try:
            return _WORD in self.render([_SYSTEM, _ASKED], add_generation_prompt=True)
        except TemplateRefused:
            return False

    def _takes_tools(self) -> bool:
        """Whether tools, a call and its result are shown, and the call in the form that `parse` reads."""
        try:
            before, call = self.render_completion([_ASKED], [_TOOL], _CALL)
            after = self.render([_ASKED, _CALL, _RESULT], [_TOOL], add_generation_prompt=True)
        except TemplateRefused:
            return False
        read = [(made.name, made.arguments) for made in self.parse(call).tool_calls]
        return _WORD in before and _ANSWER in after and read == [(_WORD, {"a": 1})]


def _is_optional(source: str) -> bool:
    """Whether the template can do without today's date."""
    return "strftime_now is defined" in source


def _called(call_id: str, messages: Sequence[Message]) -> str | None:
    """The name of the tool that the call with this id asked for."""
    names = (call.name for message in messages for call in message.tool_calls if call.id == call_id)
    return next(names, None)


def _characters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_characters(key) + _characters(item) for key, item in value.items())
    if isinstance(value, list):
        return sum(map(_characters, value))
    return 16  # a number, at most
