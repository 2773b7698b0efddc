"""Reads habits with tools: "always use metric units for the weather", "use ripgrep, not grep".

Only what the schemas of tools seen so far name clearly is mapped: a value of an enumeration or a whole
argument name, together with a word of the tool or the argument.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from persona.checker.statement.masked import Masked
from persona.checker.statement.parsed import Parsed, tool_scope
from persona.checker.tool_calls import ToolArgument, ToolChoice
from store.records import Json

_GENERIC_WORDS = (
    "get set list fetch search find create make run do call use read write the tool add new by to of for in "
    "on a an and or is it no as at be me us my we he if up go so not all name type value mode format"
)
_GENERIC = frozenset(_GENERIC_WORDS.split())
_CUE = re.compile(r"\b(?:always|use|using|prefer|set|give|show|pass|want|should|must|like|default|make|in)\b")
_NEGATED_TAIL = re.compile(
    r",?\s*(?:\band\s+|\bbut\s+)?\b(?:not|instead of|rather than|over|never)\b[^.;!?\n]*"
)
_NEGATION = re.compile(r"\b(?:don't|dont|do not|never|avoid|stop|without|no longer|no)\b")
_NOT_THAT = "(?:not|over|never|instead of|rather than)"
_DO_NOT_USE = r"\b(?:don't|do not|never|stop|avoid) (?:use|using|call|calling|run|running)"
_SET = r"(?P<value>\"[^\"]*\"|-?\d+(?:\.\d+)?|[\w./:+-]+)"


@dataclass(frozen=True, kw_only=True)
class _Argument:
    tool: str
    name: str
    schema: Mapping[str, Json]

    @property
    def choices(self) -> Sequence[Json]:
        choices = self.schema.get("enum")
        return choices if isinstance(choices, list) else ()


def read_tools(statement: Masked, tools: Iterable[Mapping[str, Json]]) -> Iterator[Parsed]:
    """The habits that the statement sets for these tools (OpenAI tool objects).

    A schema that is not what it should be is passed over: programs send all kinds.
    """
    text = re.sub(r"⟦(\d+)⟧", lambda found: f'"{statement.literals[int(found[1])].lower()}"', statement.text)
    known = dict(_functions(tools))
    yield from _choices(text, sorted(known))
    arguments = [
        _Argument(tool=tool, name=name, schema=schema)
        for tool, function in sorted(known.items())
        for name, schema in _properties(function)
    ]
    wanted = _NEGATED_TAIL.sub("", text)
    if not _CUE.search(wanted) or _NEGATION.search(wanted):
        return
    for argument, value in _assigned(wanted, arguments) or _enumerated(wanted, arguments):
        yield Parsed(
            attribute=f"tool.{argument.tool}.{argument.name}",
            scope=tool_scope(argument.tool),
            checker=ToolArgument(tool=argument.tool, argument=argument.name, value=value),
        )


def _functions(tools: Iterable[Mapping[str, Json]]) -> Iterator[tuple[str, Mapping[str, Json]]]:
    for tool in tools:
        function = tool.get("function")
        name = function.get("name") if isinstance(function, Mapping) else None
        if isinstance(function, Mapping) and isinstance(name, str) and name.strip():
            yield name, function


def _properties(function: Mapping[str, Json]) -> Iterator[tuple[str, Mapping[str, Json]]]:
    parameters = function.get("parameters")
    properties = parameters.get("properties") if isinstance(parameters, Mapping) else None
    if isinstance(properties, Mapping):
        for name, schema in sorted(properties.items()):
            if isinstance(name, str) and name.strip() and isinstance(schema, Mapping):
                yield name, schema


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"[\s_\-.]+|(?<=[a-z])(?=[A-Z])", name) if part]


def _phrase(name: str) -> str:
    """A pattern for the name as people write it: get_weather, get weather, getWeather."""
    body = r"[\s_\-.]*".join(re.escape(part.lower()) for part in _parts(name)) or re.escape(name.lower())
    return rf"(?<!\w){body}(?!\w)"


def _said(name: str, text: str) -> bool:
    """Does the text have a telling word of this name, in singular or plural?"""
    telling = {part.lower() for part in _parts(name)} - _GENERIC
    stems = {word.rstrip("s") for word in telling if len(word) > 2}
    return any(word.rstrip("s") in stems for word in re.findall(r"[a-z0-9]+", text))


def _choices(text: str, names: Sequence[str]) -> Iterator[Parsed]:
    """Pairs of known tools of which the statement takes one over the other."""
    spoken = [name for name in names if re.search(_phrase(name), text)]
    verb, link = r"\b(?:use|prefer|call|choose|pick|take|run)\s+(?:the )?", r"(?: tool)?\s*,?\s*"
    for one in spoken:
        for other in spoken:
            if one == other or one.lower() == other.lower():
                continue
            good, bad = _phrase(one), _phrase(other)
            patterns = (
                rf"{verb}{good}{link}(?:and |but )?{_NOT_THAT}(?: use| using| the| call)*\s+{bad}",
                rf"{good}{link}(?:instead of|rather than)(?: the| using)*\s+{bad}",
                rf"\binstead of (?:using )?(?:the )?{bad}{link}{verb}{good}",
                rf"{_DO_NOT_USE} (?:the )?{bad}(?: tool)?\s*[,;.]?\s*(?:but |and )?{verb}{good}",
            )
            match = next(
                (found for found in (re.search(pattern, text) for pattern in patterns) if found), None
            )
            if match is None or _NEGATION.search(text, 0, match.start()):
                continue
            first, second = sorted((one, other))
            yield Parsed(
                attribute=f"tool.choice.{first}.{second}",
                scope=tool_scope(first),  # the same for both directions, so that they supersede one another
                checker=ToolChoice(tool=one, instead_of=other),
            )


def _assigned(text: str, arguments: Sequence[_Argument]) -> list[tuple[_Argument, Json]]:
    """Arguments that the statement gives a value by name: "set max_results to 5"."""
    found = []
    for argument in arguments:
        if len(argument.name) < 3:
            continue
        name = _phrase(argument.name)
        pattern = (
            rf"{name}\s*(?:=|\bto\b|\b(?:should|must) (?:always )?be\b)\s*{_SET}"
            rf"|\buse {_SET.replace('value', 'before')} (?:as|for) (?:the )?{name}"
        )
        if match := re.search(pattern, text):
            written = (match["value"] or match["before"]).strip('"').rstrip(".")
            value = _coerced(written, argument)
            if value is not None:
                found.append((argument, value))
    named = [pair for pair in found if _said(pair[0].tool, text)]
    return named or found


def _coerced(written: str, argument: _Argument) -> Json:
    if argument.choices:
        return next((choice for choice in argument.choices if str(choice).lower() == written), None)
    match argument.schema.get("type"):
        case "integer" if re.fullmatch(r"-?\d{1,15}", written):
            return int(written)
        case "number" if re.fullmatch(r"-?\d{1,15}(?:\.\d{1,15})?", written):
            return float(written) if "." in written else int(written)
        case "boolean" if written in ("true", "false", "on", "off", "yes", "no"):
            return written in ("true", "on", "yes")
        case _:
            return None  # free text has no telling limits: the statement stays for people to read


def _enumerated(text: str, arguments: Sequence[_Argument]) -> list[tuple[_Argument, Json]]:
    """Arguments of which the statement says exactly one allowed value.

    Where it has a word of the tool, the tool's best match counts. Where it has only words of arguments, all
    that match have to be one argument with one value, whatever tools have it.
    """
    by_tool: dict[str, list[tuple[int, _Argument, Json]]] = {}
    for argument in arguments:
        values = [
            choice for choice in argument.choices if isinstance(choice, str) and _says_value(choice, text)
        ]
        score = 2 * _said(argument.tool, text) + _said(argument.name, text)
        if len(values) == 1 and score:
            by_tool.setdefault(argument.tool, []).append((score, argument, values[0]))
    best = []
    for found in by_tool.values():
        top = max(score for score, _, _ in found)
        matches = [match for match in found if match[0] == top]
        best += matches if len(matches) == 1 else []
    named = [(argument, value) for score, argument, value in best if score >= 2]
    if named:
        return named
    same = {(argument.name, value) for _, argument, value in best}
    return [(argument, value) for _, argument, value in best] if len(same) == 1 else []


def _says_value(value: str, text: str) -> bool:
    if len(value) < 2 or value.lower() in _GENERIC:
        return False
    return re.search(_phrase(value), text) is not None
