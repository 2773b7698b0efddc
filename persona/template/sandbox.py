"""Jinja for chat templates that came with downloaded models: data, never code, and never endless.

Nothing a template does reaches an attribute outside the sandbox, and its loops, calls, intermediate strings
and output are counted. The limits are steps and characters, not seconds, so the same chat always renders
or never does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import jinja2
import jinja2.ext
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

# Methods of strings that make any length from a number or a table. The others make about what they are given.
_REFUSED_METHODS = frozenset(
    {"center", "encode", "expandtabs", "format", "format_map", "ljust", "rjust", "translate", "zfill"}
)
# Filters that pad or repeat by a number, or answer differently each time.
_REFUSED_FILTERS = ("center", "format", "filesizeformat", "random", "urlize", "wordwrap", "xmlattr", "pprint")
_REFUSED_GLOBALS = ("lipsum", "cycler", "joiner")


class LimitReached(jinja2.TemplateRuntimeError):
    """A limit of steps or characters was reached."""


class Meter:
    """Counts what one rendering uses. `steps` are loop turns and calls, `characters` the longest string."""

    def __init__(self, *, steps: int, characters: int) -> None:
        self._steps = steps
        self.characters = characters

    def step(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise LimitReached("the template loops or calls too often")

    def size(self, characters: int) -> None:
        if characters > self.characters:
            raise LimitReached("the template makes too much text")


_meter: ContextVar[Meter] = ContextVar("_meter")


def compile_template(source: str) -> Callable[[dict[str, Any], Meter], str]:
    """A function that renders `source` with the given variables inside the given limits.

    Raises jinja2.TemplateError when the source does not parse. The function raises it too, and the usual
    Python errors where a template does to a value what cannot be done.
    """
    template = _environment.from_string(source)

    def render(variables: dict[str, Any], meter: Meter) -> str:
        token = _meter.set(meter)
        try:
            pieces = []
            length = 0
            for piece in template.generate(variables):
                length += len(piece)
                meter.size(length)
                pieces.append(piece)
        finally:
            _meter.reset(token)
        return "".join(pieces)

    return render


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str) and attr in _REFUSED_METHODS:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        meter = _meter.get()
        if operator == "**" and not (_small(left, 1_000_000) and _small(right, 16)):
            raise LimitReached("the template computes too large a power")
        if operator == "%" and isinstance(left, str):
            raise SecurityError("% on a string pads by a number")
        if operator == "*":
            for sequence, count in ((left, right), (right, left)):
                if isinstance(sequence, str | list | tuple) and isinstance(count, int):
                    meter.size(len(sequence) * count)
        if operator == "+" and isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
            meter.size(len(left) + len(right))
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        _meter.get().step()
        owner = getattr(__obj, "__self__", None)
        if isinstance(owner, str) and __obj.__name__ == "replace" and len(args) >= 2:
            _check_replace(owner, *args[:2])
        if isinstance(owner, str) and __obj.__name__ == "join" and args:
            args = (_checked_join(owner, args[0]), *args[1:])
        return super().call(__context, __obj, *args, **kwargs)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(nodes.For):
            loop.iter = _filtered(loop.iter, "counted")
        for assigned in tree.find_all(nodes.AssignBlock):
            assigned.filter = _filtered(assigned.filter, "measured")
        for block in tree.find_all(nodes.FilterBlock):
            block.filter = _filtered(block.filter, "measured")
        return _JoinsMeasured().visit(tree)  # type: ignore[no-any-return]


class _JoinsMeasured(jinja2.visitor.NodeTransformer):
    """`a ~ b` has no hook of its own; it becomes a filter that measures the joined text."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), "joined")


def _filtered(node: Any, name: str) -> nodes.Filter:
    lineno = node.lineno if node is not None else 0
    return nodes.Filter(node, name, [], [], None, None, lineno=lineno)


def _small(value: Any, limit: int) -> bool:
    return isinstance(value, int | float) and abs(value) <= limit


def _check_replace(text: str, old: Any, new: Any) -> None:
    if isinstance(old, str) and isinstance(new, str):
        _meter.get().size(len(text) + text.count(old) * len(new))


def _checked_join(separator: str, items: Any) -> list[Any]:
    meter = _meter.get()
    kept = []
    length = 0
    for item in items:
        meter.step()
        length += len(str(item)) + len(separator)
        meter.size(length)
        kept.append(item)
    return kept


def _counted(items: Iterable[Any]) -> Iterator[Any]:
    meter = _meter.get()
    for item in items:
        meter.step()
        yield item


def _measured(text: str) -> str:
    _meter.get().size(len(text))
    return text


def _joined(parts: list[Any]) -> str:
    texts = [str(part) for part in parts]
    _meter.get().size(sum(map(len, texts)))
    return "".join(texts)


def _join(items: Iterable[Any], separator: str = "", attribute: str | None = None) -> str:
    if attribute is not None:
        items = [item[attribute] for item in items]
    return separator.join(str(item) for item in _checked_join(separator, items))


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    _check_replace(text, old, new)
    return text.replace(old, new, count)


def to_json(value: Any, indent: int | None = None, **options: Any) -> str:
    """JSON as json.dumps writes it, letters beyond ASCII as they are and nothing escaped for HTML.

    Chat templates were written for this and not for Jinja's own `tojson`.
    """
    if indent is not None and not _small(indent, 16):
        raise LimitReached("the template indents too deep")
    allowed = {key: options[key] for key in ("ensure_ascii", "separators", "sort_keys") if key in options}
    text = json.dumps(value, indent=indent, **{"ensure_ascii": False, **allowed})
    return _measured(text) if _meter.get(None) else text


def _refuse(message: str) -> str:
    raise jinja2.TemplateRuntimeError(message)


class _GenerationBlock(jinja2.ext.Extension):
    """`{% generation %}...{% endgeneration %}` marks what trainers learn from; it renders as its content."""

    tags = {"generation"}  # noqa: RUF012  # the base class declares it so

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _make_environment() -> _Sandbox:
    environment = _Sandbox(
        trim_blocks=True,  # the two settings that chat templates are written for
        lstrip_blocks=True,
        extensions=[_GenerationBlock, "jinja2.ext.loopcontrols"],
    )
    for name in _REFUSED_FILTERS:
        environment.filters.pop(name, None)
    for name in _REFUSED_GLOBALS:
        environment.globals.pop(name, None)
    environment.filters |= {
        "counted": _counted,
        "measured": _measured,
        "joined": _joined,
        "join": _join,
        "replace": _replace,
        "tojson": to_json,
    }
    environment.globals["raise_exception"] = _refuse
    return environment


_environment = _make_environment()
