"""Jinja for chat templates that came with downloaded models: data, never code, and never endless.

Nothing a template does reaches an attribute outside the sandbox. Its loops and calls are counted, and
everything that it builds is measured (persona.template.meter).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jinja2
import jinja2.ext
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from persona.template.meter import LimitReached, Meter, current

# Methods of strings that make any length from a number or a table. The others make about what they are given.
_REFUSED_METHODS = frozenset(
    {"center", "encode", "expandtabs", "format", "format_map", "ljust", "rjust", "translate", "zfill"}
)
# What chat templates use. The others pad or repeat by a number, or answer differently each time.
_FILTERS = frozenset(
    {"abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "groupby"}
    | {
        "int",
        "items",
        "last",
        "length",
        "list",
        "lower",
        "map",
        "max",
        "min",
        "reject",
        "rejectattr",
        "reverse",
    }
    | {"safe", "select", "selectattr", "sort", "string", "sum", "title", "trim", "unique", "upper"}
)


def compile_template(source: str) -> Callable[[dict[str, Any], Meter], str]:
    """A function that renders `source` with the given variables inside the given limits.

    Raises jinja2.TemplateError when the source does not parse. The function raises it too, and the usual
    Python errors where a template does to a value what cannot be done.
    """
    template = _environment.from_string(source)

    def render(variables: dict[str, Any], meter: Meter) -> str:
        token = current.set(meter)
        try:
            pieces = []
            length = 0
            for piece in template.generate(variables):
                length += len(piece)
                meter.fit(length)
                meter.work(len(piece))
                pieces.append(piece)
        finally:
            current.reset(token)
        return "".join(pieces)

    return render


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str) and attr in _REFUSED_METHODS:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        meter = current.get()
        if operator == "**" and not (_small(left, 1_000_000) and _small(right, 16)):
            raise LimitReached("the template computes too large a power")
        if operator == "%" and isinstance(left, str):
            raise SecurityError("% on a string pads by a number")
        if operator == "*":
            for sequence, count in ((left, right), (right, left)):
                if isinstance(sequence, str | list | tuple) and isinstance(count, int):
                    meter.fit(len(sequence) * count)
        return _measured(super().call_binop(context, operator, left, right))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        meter = current.get()
        meter.step()
        owner = getattr(__obj, "__self__", None)
        if isinstance(owner, str):
            meter.work(len(owner))
            if __obj.__name__ == "replace" and len(args) >= 2:
                _check_replace(owner, *args[:2])
            if __obj.__name__ == "join" and args:
                args = (_checked_join(owner, args[0]), *args[1:])
        return _measured(super().call(__context, __obj, *args, **kwargs))

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(nodes.For):
            loop.iter = _filtered(loop.iter, _COUNTED)
        for assigned in tree.find_all(nodes.AssignBlock):
            assigned.filter = _filtered(assigned.filter, _MEASURED)
        for block in tree.find_all(nodes.FilterBlock):
            block.filter = _filtered(block.filter, _MEASURED)
        return _BuildingsMeasured().visit(tree)  # type: ignore[no-any-return]


_COUNTED, _JOINED, _MEASURED = " counted", " joined", " measured"  # names that no template can write


class _BuildingsMeasured(NodeTransformer):
    """`a ~ b`, `[a]`, `(a,)` and `{a: b}` have no hook of their own; they become filters that measure."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), _JOINED)

    def visit_List(self, node: nodes.List) -> nodes.Expr:  # noqa: N802
        return self._measured(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:  # noqa: N802
        return node if node.ctx == "store" else self._measured(node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Expr:  # noqa: N802
        return self._measured(node)

    def _measured(self, node: nodes.Expr) -> nodes.Expr:
        self.generic_visit(node)
        return _filtered(node, _MEASURED)


def _filtered(node: Any, name: str) -> nodes.Filter:
    lineno = node.lineno if node is not None else 0
    return nodes.Filter(node, name, [], [], None, None, lineno=lineno)


def _small(value: Any, limit: int) -> bool:
    return isinstance(value, int | float) and abs(value) <= limit


def _check_replace(text: str, old: Any, new: Any) -> None:
    if isinstance(old, str) and isinstance(new, str):
        current.get().fit(len(text) + text.count(old) * len(new))


def _checked_join(separator: str, items: Iterable[Any]) -> list[Any]:
    kept = []
    length = 0
    for item in _counted(items):
        length += len(str(item)) + len(separator)
        current.get().fit(length)
        kept.append(item)
    return kept


def _counted(items: Iterable[Any]) -> Iterator[Any]:
    meter = current.get()
    for item in items:
        meter.step()
        yield item


def _measured(value: Any) -> Any:
    current.get().value(value)
    return value


def _joined(parts: list[Any]) -> str:
    _measured(parts)
    return "".join(str(part) for part in parts)


def _join(items: Iterable[Any], separator: str = "", attribute: str | None = None) -> str:
    if attribute is not None:
        items = [item[attribute] for item in items]
    return str(_measured(separator.join(str(item) for item in _checked_join(separator, items))))


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    _check_replace(text, old, new)
    return str(_measured(text.replace(old, new, count)))


def to_json(value: Any, indent: int | None = None, **options: Any) -> str:
    """JSON as json.dumps writes it, letters beyond ASCII as they are and nothing escaped for HTML.

    Chat templates were written for this and not for Jinja's own `tojson`.
    """
    if indent is not None and not _small(indent, 16):
        raise LimitReached("the template indents too deep")
    allowed = {key: options[key] for key in ("ensure_ascii", "separators", "sort_keys") if key in options}
    return json.dumps(value, indent=indent, **{"ensure_ascii": False, **allowed})


class _Namespace(Namespace):
    """The one thing that a template can change. Its text says nothing, so it hides nothing that is large."""

    def __repr__(self) -> str:
        return "<namespace>"


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
    environment.filters = {name: environment.filters[name] for name in _FILTERS} | {
        "join": _join,
        "replace": _replace,
        "tojson": lambda value, *arguments, **options: _measured(to_json(value, *arguments, **options)),
        _COUNTED: _counted,
        _MEASURED: _measured,
        _JOINED: _joined,
    }
    environment.globals = {
        "dict": dict,
        "namespace": _Namespace,
        "range": environment.globals["range"],  # the sandbox's, which has an end
        "raise_exception": _refuse,
    }
    return environment


_environment = _make_environment()
