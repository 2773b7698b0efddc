"""How well the detectors read a labelled log: precision and recall by kind, and by language.

One line a conversation: {"id", "language", "messages": [{"role", "content", ...}],
"labels": [{"turn", "kind", "span"}]}, where `turn` is the place of the assistant message that a label is
about. A finding is right when its turn has a label of its kind. A statement stands in a user's message, so it
counts for the answers before and after it alike.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from persona.checker import parse_statement
from persona.distill.detectors import Exchange, detect
from persona.distill.detectors.tongues import tongues
from persona.distill.exchanges import lines
from persona.distill.signals import Detector
from store import Conversation, Turn
from store.records import Message, ToolCall

KINDS = {
    Detector.FOLLOW_UP: "correction",
    Detector.RESTATED: "restated",
    Detector.RETRIED: "retried",
    Detector.ABANDONED: "abandoned",
    Detector.THANKS: "thanks",
    Detector.ADOPTED: "adopted",
    Detector.TOOL_OK: "tool_ok",
    Detector.TOOL_ERROR: "tool_error",
    Detector.STATED_IN_CHAT: "stated",
}
STATED = "stated"


@dataclass
class Score:
    """Findings and labels of one kind."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    mistakes: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, float | int | None]:
        found, there = self.right + self.wrong, self.right + self.missed
        return {
            "labels": there,
            "found": found,
            "right": self.right,
            "precision": round(self.right / found, 4) if found else None,
            "recall": round(self.right / there, 4) if there else None,
        }


def conversation(line: Mapping[str, Any]) -> Conversation:
    """The conversation of one line; fields that the store does not know are left out."""
    turns = []
    for said in line["messages"]:
        calls = tuple(
            ToolCall(
                name=call["function"]["name"],
                arguments=_arguments(call["function"].get("arguments")),
                id=call.get("id", ""),
            )
            for call in said.get("tool_calls") or ()
        )
        turns.append(
            Turn(
                message=Message(
                    role=said["role"],
                    content=said.get("content") or "",
                    tool_calls=calls,
                    tool_call_id=said.get("tool_call_id"),
                )
            )
        )
    return Conversation(
        id=line["id"], at=datetime(2026, 11, 1, tzinfo=UTC), source="bench", turns=tuple(turns)
    )


def _arguments(given: Any) -> dict[str, Any]:
    arguments = json.loads(given) if isinstance(given, str) else given
    return arguments if isinstance(arguments, dict) else {}


def findings(talk: Conversation) -> list[tuple[str, frozenset[int], str]]:
    """(kind, turns that it may be labelled at, span) of everything found."""
    messages = talk.messages
    interactions = list(talk.interactions())
    last = interactions[-1] if interactions else None
    rest = messages[len(last.prompt) + 1 :] if last else ()
    found = []
    for line in lines(interactions, lambda name: rest if last and name == last.id else ()):
        turn = len(line.interaction.prompt)
        exchange = Exchange(interaction=line.interaction, after=line.after, others=line.others)
        for finding in detect(exchange):
            kind = KINDS.get(finding.detector)
            if kind is None:
                continue
            turns = {turn}
            if kind == STATED and finding.place is not None:
                said = turn + 1 + finding.place
                if finding.place < 0:
                    said = max(number for number in range(turn) if messages[number].role == "user")
                answers = [number for number, one in enumerate(messages) if one.role == "assistant"]
                turns = {said}
                turns.update([number for number in answers if number < said][-1:])
                turns.update([number for number in answers if number > said][:1])
            found.append((kind, frozenset(turns), finding.span))
    return found


def measure(log: Iterable[Mapping[str, Any]]) -> tuple[dict[str, dict[str, Score]], int, float]:
    """Scores by language ("all" among them) and kind, the number of turns, and the seconds it took."""
    for tongue in tongues():  # compiled once a process, a second of its own
        parse_statement(tongue.name)
    scores: dict[str, dict[str, Score]] = defaultdict(lambda: defaultdict(Score))
    turns, seconds = 0, 0.0
    for line in log:
        talk = conversation(line)
        turns += len(talk.turns)
        began = time.perf_counter()
        found = findings(talk)
        seconds += time.perf_counter() - began
        open_labels = Counter(
            (label["kind"], label["turn"]) for label in line["labels"] if label["kind"] != "none"
        )
        for kind, places, span in sorted(found, key=lambda each: (each[0], sorted(each[1]))):
            hit = next(((kind, turn) for turn in sorted(places) if open_labels[kind, turn] > 0), None)
            if hit is not None:
                open_labels[hit] -= 1
            for score in (scores["all"][kind], scores[line["language"]][kind]):
                score.right += hit is not None
                score.wrong += hit is None
                if hit is None:
                    score.mistakes.append(f"wrong  {line['id']} at {sorted(places)}: {span[:100]!r}")
        for (kind, turn), left in open_labels.items():
            for score in (scores["all"][kind], scores[line["language"]][kind]):
                score.missed += left
                if left:
                    said = next(
                        (m["content"] for m in line["messages"][turn + 1 :] if m["role"] == "user"), ""
                    )
                    score.mistakes.append(f"missed {line['id']} at {turn}: {said[:100]!r}")
    return scores, turns, seconds


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("log", type=Path, nargs="?", default=Path("samples/labelled_turns.jsonl"))
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--mistakes", action="store_true", help="list what was wrong and what was missed")
    asked = parser.parse_args()
    try:
        log = [
            json.loads(line) for line in asked.log.read_text(encoding="utf-8").splitlines() if line.strip()
        ]
    except (OSError, ValueError) as error:
        print(f"{asked.log}: {error}", file=sys.stderr)
        return 2
    scores, turns, seconds = measure(log)
    report = {
        "conversations": len(log),
        "turns": turns,
        "seconds": round(seconds, 3),
        "kinds": {kind: score.figures() for kind, score in sorted(scores["all"].items())},
        "languages": {
            language: {kind: score.figures() for kind, score in sorted(kinds.items())}
            for language, kinds in sorted(scores.items())
            if language != "all"
        },
    }
    if asked.json:
        print(json.dumps(report, indent=1))
        return 0
    print(f"{len(log)} conversations, {turns} turns, {seconds:.2f} s")
    for language, kinds in [("all", scores["all"]), *sorted((k, v) for k, v in scores.items() if k != "all")]:
        print(f"\n{language:<10}{'labels':>8}{'found':>8}{'precision':>11}{'recall':>8}")
        for kind, score in sorted(kinds.items()):
            figures = score.figures()
            precision, recall = (
                "-" if figures[name] is None else f"{figures[name]:.3f}" for name in ("precision", "recall")
            )
            print(f"{kind:<10}{figures['labels']:>8}{figures['found']:>8}{precision:>11}{recall:>8}")
    if asked.mistakes:
        for kind, score in sorted(scores["all"].items()):
            for mistake in score.mistakes:
                print(f"{kind}: {mistake}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
