"""Tool calls that are valid by construction: a grammar, from the tools on offer, for whatever begins a call.

Outside a call the answer is free. `<tool_call>` begins one, and from there on only a call of a tool on offer
whose arguments fit its schema can be written, in the form that the template reads. The grammar is in the
language of llguidance, which this build of llama.cpp uses for JSON schemas too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_BEGIN, _END = "<tool_call>", "</tool_call>"
# Between the parts of a call stands what the template writes there. Keywords that llguidance does not know
# are passed over: the rest of the schema still holds.
_FORM = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False, "lenient": True}
_ANY_END = '""'  # no token of its own: llguidance's is all there is
_SPECIAL = re.compile(r"<[^<>\s]+>")


def tool_grammar(tools: Sequence[Mapping[str, Any]], ends: Iterable[str]) -> dict[str, Any]:
    """Fields of a request to llama.cpp; none without tools that have a name.

    `ends` are the control tokens that end an answer: llguidance knows one of them at most by itself, and
    would never let the others be written. Pure: the same tools give the same grammar. Arguments are written
    in the order of the schema; a schema that is not one of an object is taken for one that allows any object.
    """
    named = {name: _parameters(tool) for tool in tools if (name := _name(tool))}
    if not named:
        return {}
    rules = [
        "%llguidance {}",
        "start: call* text? end?",
        f"end: {' | '.join(each for each in ends if _SPECIAL.fullmatch(each)) or _ANY_END}",
        "text: TEXT",
        "TEXT: /(.|\\n)*/",
        # A lazy rule ends where it first can, and rules out that the text goes on past it.
        f'begin[lazy]: TEXT "{_BEGIN}"',
        f'call: begin "\\n" one "\\n{_END}"',
        f"one: {' | '.join(f'call_{n}' for n in range(len(named)))}",
    ]
    for n, (name, parameters) in enumerate(named.items()):
        head = f'{{"name": {json.dumps(name, ensure_ascii=False)}, "arguments": '
        rules += [
            f'call_{n}: {json.dumps(head)} arguments_{n} "}}"',
            f"arguments_{n}: %json {json.dumps({**parameters, 'x-guidance': _FORM})}",
        ]
    return {"grammar": "\n".join(rules) + "\n"}


def _name(tool: Mapping[str, Any]) -> str:
    function = tool.get("function")
    return str(function.get("name") or "") if isinstance(function, Mapping) else ""


def _parameters(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = tool["function"].get("parameters")
    if not isinstance(parameters, Mapping) or parameters.get("type", "object") != "object":
        return {"type": "object"}
    return {**parameters, "type": "object"}
