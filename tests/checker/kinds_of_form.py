"""Examples of either outcome for the checkers of structure, tone, conventions and code."""

from __future__ import annotations

from persona.checker import KINDS, Checker, from_json

_PYTHON = "```python\ndef f(x):\n    return 'a'\n```"
_TYPED = '```python\ndef f(x: int) -> str:\n  # why\n  return "a"\n```'

# (kind and its fields, what keeps it, what does not)
_TABLE: list[tuple[dict[str, object], list[str], list[str]]] = [
    ({"kind": "min_words", "n": 3}, ["one two three"], ["one two"]),
    ({"kind": "headings"}, ["# Title\ntext"], ["text", "```\n# comment\n```"]),
    ({"kind": "numbered"}, ["1. one\n2. two"], ["1. one", "- one\n- two"]),
    ({"kind": "code_block"}, [_PYTHON], ["use `f(x)`"]),
    ({"kind": "no_code_block"}, ["use `f(x)`"], [_PYTHON]),
    ({"kind": "bold"}, ["a **bold** word"], ["2 ** 3 ** 4", "`**x**`"]),
    (
        {"kind": "bold_lead"},
        ["**In short**\n- one", "**It is late.**\n\nGo home.", "**Late**:\ntext"],
        ["text\n**bold**", "**In** short\ntext", "- **one**\n- two"],
    ),
    ({"kind": "no_bold"}, ["2 ** 3 ** 4"], ["a **bold** word"]),
    ({"kind": "no_marker", "marker": "apology"}, ["It is late."], ["I'm sorry, it is late."]),
    (
        {"kind": "no_marker", "marker": "hedging"},
        ["It is a kind of boat.", "Every sort of wood will do."],
        ["It is kind of a boat.", "Perhaps it floats.", "It sort of works."],
    ),
    ({"kind": "no_marker", "marker": "offer"}, ["Done."], ["Done. Let me know if you need more."]),
    ({"kind": "contractions"}, ["It's late."], ["It is late."]),
    ({"kind": "exclamation"}, ["Great!"], ["Great.", "`a != b`"]),
    ({"kind": "final_question"}, ["It is. Is it?"], ["Is it? It is."]),
    ({"kind": "no_final_question"}, ["Is it? It is."], ["It is. Is it?"]),
    ({"kind": "convention", "convention": "units", "style": "metric"}, ["It is 5 km."], ["It is 3 miles."]),
    ({"kind": "convention", "convention": "clock", "style": "24"}, ["At 18:30."], ["At 6:30 pm."]),
    (
        {"kind": "address", "code": "de", "manner": "formal"},
        ["Heizen Sie den Ofen vor.", "Das geht mit Ihrem Schlüssel.", "Sie können das so lassen."],
        ["Heize den Ofen vor.", "Sie ist fertig.", "Nehmen Sie es, wenn du willst."],
    ),
    (
        {"kind": "address", "code": "fr", "manner": "informal"},
        ["Tu peux le faire."],
        ["Vous pouvez le faire.", "C'est facile."],
    ),
    ({"kind": "code_style", "habit": "quotes", "style": "single"}, [_PYTHON], [_TYPED]),
    ({"kind": "code_style", "habit": "types", "style": "some"}, [_TYPED], [_PYTHON]),
]

PASSES: list[tuple[Checker, str]] = [(from_json(each), text) for each, kept, _ in _TABLE for text in kept]
FAILS: list[tuple[Checker, str]] = [(from_json(each), text) for each, _, broken in _TABLE for text in broken]

assert {str(each["kind"]) for each, _, _ in _TABLE} <= set(KINDS)
