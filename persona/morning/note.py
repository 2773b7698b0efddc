"""The morning note: learnt or refused, why, before and after, and what it cost. Plain lines, no markup."""

from __future__ import annotations

from collections.abc import Sequence

from persona.morning.scores import left_out_line, restraint_line, score_rows
from persona.morning.story import Cost, Learnt, Morning
from persona.visible import one_line

_MOST_REASONS, _MOST_LEARNT, _MOST_SAMPLES = 6, 8, 2
_ANSWER = 240  # characters of an answer; the page has all of it
_BY_EYE = ("old:", "cut off", "looping", "empty", "words per answer")  # rows that a note leaves to the page


def note(morning: Morning) -> list[str]:
    """A few lines, most important first. Text that a model or a stranger wrote is in it as it is: whoever
    prints it makes it printable."""
    return [
        f"{morning.headline}.",
        *_offer(morning),
        *_section("why", _cut(morning.run.reasons, _MOST_REASONS)),
        *_section("learnt" if morning.promoted else "wanted", _learnt(morning.learnt)),
        *_section("measured", _measured(morning)),
        *_section("before and after", _samples(morning)),
        *_section("cost", [cost_line(morning.cost)] if morning.cost.minutes else []),
        *_section("votes", [morning.votes] if morning.votes and not morning.offer else []),
    ]


def _offer(morning: Morning) -> list[str]:
    if not morning.offer:
        return []
    return [
        "",
        f"The votes say that {morning.champion} is worse: {morning.offer}.",
        f"`persona rollback` goes back to {morning.back_to}.",
    ]


def _section(name: str, lines: Sequence[str]) -> list[str]:
    return ["", name, *(f"  {line}" for line in lines)] if lines else []


def _cut(lines: Sequence[str], most: int) -> list[str]:
    left = len(lines) - most
    return [*lines[:most], f"and {left} more: `persona report`"] if left > 0 else list(lines)


def _learnt(entries: Sequence[Learnt]) -> list[str]:
    return _cut([_entry(entry) for entry in entries], _MOST_LEARNT)


def _entry(entry: Learnt) -> str:
    how = "you said so" if entry.stated else "from what you did"
    conversations = len(entry.sources)
    seen = f", in {conversations} conversation{'' if conversations == 1 else 's'}" if conversations else ""
    first = next((source.opening for source in entry.sources if source.opening), "")
    opening = f", the first “{first}”" if first else ""
    where = f" ({entry.scope})" if entry.scope != "always" else ""
    return f"{'new: ' if entry.is_new else ''}“{entry.statement}”{where}: {how}{seen}{opening}"


def _measured(morning: Morning) -> list[str]:
    report = morning.report
    if report is None:
        return []
    rows = score_rows((report.champion, report.candidate), report.statements)
    taken_back = report.training is not None and report.training.scale < 1
    return [
        *(
            f"{name}: {after} (before {before})"
            for name, before, after in rows
            if not name.startswith(_BY_EYE) and before != after
        ),
        *([restraint_line(report.training)] if taken_back else []),
        *([left_out] if (left_out := left_out_line(report)) else []),
    ]


def _samples(morning: Morning) -> list[str]:
    if morning.report is None:
        return []
    lines: list[str] = []
    changed = [sample for sample in morning.report.samples if sample.champion != sample.candidate]
    for sample in changed[:_MOST_SAMPLES]:
        lines += [
            f"> {one_line(sample.prompt, _ANSWER)}",
            f"[{morning.before or 'before'}] {one_line(sample.champion, _ANSWER)}",
            f"[{morning.ref or 'candidate'}] {one_line(sample.candidate, _ANSWER)}",
        ]
    return lines


def cost_line(cost: Cost) -> str:
    """The price of the night, in one line."""
    parts = [f"{cost.minutes:.1f} minutes"]
    if cost.paused_minutes >= 0.1:
        parts.append(f"{cost.paused_minutes:.1f} more standing still for you")
    if cost.cpu_minutes:
        parts.append(f"{cost.cpu_minutes:.1f} of processor time")
    parts.append(f"{cost.peak_gb:.1f} GB of memory at most")
    if cost.written_mb:
        parts.append(f"{cost.written_mb:.0f} MB written")
    if cost.tries > 1:
        parts.append(f"memory ran out: {cost.tries} tries")
    return ", ".join(parts)
