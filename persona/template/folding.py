"""Tools and system messages for templates that know neither: written into the contents of plain turns.

Tools take the Hermes form, whatever the model's own form may be, because that is the form that persona reads
back. Contents were shielded before, so the markup written here is the only markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from persona.template.sandbox import to_json

Row = dict[str, Any]  # one message as templates see it

_INTRODUCTION = (
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>"
)
_INSTRUCTION = (
    "</tools>\n\nFor each function call, return a json object with function name and arguments within "
    "<tool_call></tool_call> XML tags:\n<tool_call>\n"
    '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Folding:
    """What a template does not know of itself."""

    tools: bool = False
    system: bool = False

    def fold(self, rows: Sequence[Row], tools: Sequence[Mapping[str, Any]]) -> tuple[list[Row], list[Any]]:
        """Rows and tools as the template can take them."""
        folded, shown = list(rows), list(tools)
        if self.tools:
            folded = _with_tools(_with_results([_with_calls(row) for row in folded]), shown)
            shown = []
        if self.system:
            folded = _without_system(folded)
        return folded, shown


def _with_calls(row: Row) -> Row:
    if "tool_calls" not in row:
        return row
    blocks = [f"<tool_call>\n{to_json(call['function'])}\n</tool_call>" for call in row["tool_calls"]]
    return {"role": row["role"], "content": "\n".join([*filter(None, [row["content"]]), *blocks])}


def _with_results(rows: Sequence[Row]) -> list[Row]:
    """Answers of tools as user turns; those in a row share one, since roles often have to alternate."""
    folded: list[Row] = []
    previous = ""
    for row in rows:
        if row["role"] == "tool":
            block = f"<tool_response>\n{row['content']}\n</tool_response>"
            if previous == "tool":
                folded[-1] = {"role": "user", "content": f"{folded[-1]['content']}\n{block}"}
            else:
                folded.append({"role": "user", "content": block})
        else:
            folded.append(row)
        previous = row["role"]
    return folded


def _with_tools(rows: list[Row], tools: Sequence[Mapping[str, Any]]) -> list[Row]:
    if not tools:
        return rows
    text = "\n".join([_INTRODUCTION, *map(to_json, tools), _INSTRUCTION])
    if rows and rows[0]["role"] == "system":
        return [{"role": "system", "content": f"{rows[0]['content']}\n\n{text}"}, *rows[1:]]
    return [{"role": "system", "content": text}, *rows]


def _without_system(rows: Sequence[Row]) -> list[Row]:
    """System messages at the head of the next user turn."""
    folded: list[Row] = []
    waiting: list[str] = []
    for row in rows:
        if row["role"] == "system":
            waiting.append(row["content"])
        elif row["role"] == "user":
            folded.append({"role": "user", "content": "\n\n".join([*waiting, row["content"]])})
            waiting = []
        else:
            folded.append(row)
    if waiting:
        folded.append({"role": "user", "content": "\n\n".join(waiting)})
    return folded
