"""What the scripted engines say in the pictures, and what was said before."""

from __future__ import annotations

SAID: tuple[tuple[str, str, tuple[str, str] | None], ...] = (
    (
        "What should I cook with leeks and potatoes?",
        "Leek and potato soup: soften the leeks in butter, add potatoes and stock, simmer, blend.",
        ("up", "right to the point"),
    ),
    (
        "When does the last train to Oslo leave?",
        "The last one usually leaves at 11:09 pm; check the timetable before you go.",
        ("edit", "At 23:09. Check the timetable before you go."),
    ),
    ("Translate: the library is closed on Mondays", "Biblioteket er stengt på mandager.", None),
    ("How do I rename a branch in git?", "`git branch -m old new`", ("up", "")),
    (
        "Explain what a mutex is",
        "A mutex, short for mutual exclusion, is a synchronisation primitive that is used in concurrent …",
        ("down", "too long"),
    ),
)

PYTHON = """\
```python
from pathlib import Path

def largest(folder: Path, count: int = 5) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(files, key=lambda path: path.stat().st_size, reverse=True)[:count]
```

It walks the folder once and keeps the biggest files. For millions of files, `heapq.nlargest` needs less
memory."""

_ANSWERS = {
    "largest": {
        "r4": PYTHON,
        "r2": "You can use `pathlib` for this.\n\n" + PYTHON,
        "r0": "To find the largest files in a folder, you can use the following Python code. First, import "
        "the necessary modules. Then, iterate over all of the files in the folder using a loop…",
    },
    "shop": {
        "r4": "Most close at 18:00 on Saturdays; call ahead to be sure.",
        "r2": "Most close at 6 pm on Saturdays. Call ahead to be sure.",
        "r0": "The closing time of a hardware shop can vary depending on its location, the season and the "
        "owner. Many hardware shops are open until the evening, and some of them close earlier…",
    },
    "weather": {
        "r4": '<tool_call>{"name": "get_weather", "arguments": {"city": "Bergen", "units": "metric"}}'
        "</tool_call>",
    },
}


def reply(ref: str, question: str) -> str:
    """What the revision answers; each in its own words."""
    for word, answers in _ANSWERS.items():
        if word in question:
            return answers.get(ref) or answers.get("r4", "")
    return "Of course. **Short and to the point**, as you like it."
