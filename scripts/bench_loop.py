"""Figures of the loop: adoption on held-out prompts, drift, and what the night cost.

Works on the home that PERSONA_HOME names, after a night promoted something (scripts/run makes one). The
prompts of samples/held_out.jsonl are in no conversation of the week and were tuned on by nobody. Start-up
times are the fastest of several whole processes, so that other work on the machine counts least.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from persona.bootstrap import bootstrap
from persona.checker import from_json
from persona.engine.protocol import Completion, Prompt, Sampling
from persona.errors import BadInput, PersonaError
from persona.evaluate.calls import exact, valid
from persona.evaluate.form import form_of
from store.records import Message, PreferenceStatus, ToolCall

HELD_OUT = Path(__file__).parent.parent / "samples" / "held_out.jsonl"
WEEK = HELD_OUT.with_name("week.jsonl")
MAX_TOKENS = 160


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--revision", default="champion", help="the revision beside the base")
    options = parser.parse_args()
    try:
        found = figures(options.revision)
    except PersonaError as error:
        print(f"bench_loop: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(found, indent=1) if options.json else table(found))
    return 0


def figures(ref: str) -> dict[str, Any]:
    chats, calls = prompts()
    with bootstrap() as persona:
        revision = persona.resolve(ref)
        if revision.id == "r0":
            raise BadInput("the champion is the bare base: run scripts/run first, or name a --revision")
        run = persona.store.runs.of_revision(revision.id)
        ledger = persona.store.ledger.all()
        active = [p for p in ledger if p.status is PreferenceStatus.ACTIVE and p.checker]
        given_up = [p for p in ledger if p.status is PreferenceStatus.SUPERSEDED and p.checker]
        arms = {}
        for arm in (persona.resolve("r0"), revision):
            engine = persona.engine(arm)
            try:
                began = time.monotonic()
                done = engine.complete([*chats, *(p for p, _ in calls)], Sampling(max_tokens=MAX_TOKENS))
                seconds = time.monotonic() - began
            finally:
                engine.close()
            arms[arm.ref] = arm_figures(done, len(chats), calls, active, given_up, seconds)
    report = run.report if run else None
    return {
        "machine": this_machine(),
        "prompts": {"chat": len(chats), "tools": len(calls)},
        "arms": arms,
        "drift_nats_per_token": report["candidate"]["drift"] if report else None,
        "night": dict(run.costs) if run else None,
        "start_up_seconds": start_up(),
    }


def arm_figures(
    done: Sequence[Completion],
    chats: int,
    calls: Sequence[tuple[Prompt, ToolCall]],
    active: Sequence[Any],
    given_up: Sequence[Any],
    seconds: float,
) -> dict[str, Any]:
    prose, called = done[:chats], list(zip(done[chats:], calls, strict=True))
    found: dict[str, Any] = {"adoption": {}, "residue": {}}
    for entry in active:
        checker = from_json(entry.checker)
        tool = entry.scope.removeprefix("tool:") if entry.scope.startswith("tool:") else None
        asked = [a for a, (_, c) in called if c.name == tool] if tool else prose
        found["adoption"][entry.statement] = share([checker.passes(a.message) for a in asked])
    always = [from_json(e.checker) for e in active if e.scope == "always"]
    found["adoption"]["all of the above that are for every answer"] = share(
        [all(c.passes(a.message) for c in always) for a in prose]
    )
    for entry in given_up:
        found["residue"][entry.statement] = share([from_json(entry.checker).passes(a.message) for a in prose])
    found["calls_valid"] = share([valid(a.message, p.tools) for a, (p, _) in called])
    found["calls_exact"] = share([exact(a.message, [c]) for a, (_, c) in called])
    form = form_of(prose)
    assert form is not None
    found["form"] = {"words": round(form.words, 1), "truncated": form.truncated, "looping": form.looping}
    found["tokens_per_second"] = round(sum(a.completion_tokens for a in done) / seconds, 1)
    return found


def share(passed: Sequence[bool]) -> dict[str, Any]:
    return {"passed": sum(passed), "asked": len(passed), "share": round(sum(passed) / max(1, len(passed)), 3)}


def prompts() -> tuple[list[Prompt], list[tuple[Prompt, ToolCall]]]:
    lines = [json.loads(line) for line in HELD_OUT.read_text(encoding="utf-8").splitlines()]
    tools = next(
        tuple(conversation["tools"])
        for conversation in map(json.loads, WEEK.read_text(encoding="utf-8").splitlines())
        if conversation.get("tools")
    )
    chats = [ask(line["prompt"]) for line in lines if line["kind"] == "chat"]
    calls = [
        (ask(line["prompt"], tools), ToolCall(name=line["call"]["name"], arguments=line["call"]["arguments"]))
        for line in lines
        if line["kind"] == "tool"
    ]
    return chats, calls


def ask(text: str, tools: tuple[dict[str, Any], ...] = ()) -> Prompt:
    return Prompt(messages=(Message(role="user", content=text),), tools=tools)


def start_up(runs: int = 5) -> dict[str, float]:
    found = {}
    for name in ("--version", "revisions"):
        times = []
        for _ in range(runs):
            began = time.monotonic()
            subprocess.run(
                [Path(sys.executable).with_name("persona"), name],
                check=True,
                capture_output=True,
                env=os.environ,
            )
            times.append(time.monotonic() - began)
        found[f"persona {name}"] = round(min(times), 3)
    return found


def this_machine() -> dict[str, Any]:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "system": platform.platform(),
    }


def table(found: dict[str, Any]) -> str:
    base, other = found["arms"].values()
    names = list(found["arms"])
    machine = found["machine"]
    lines = [
        f"machine: {machine['cpu']}, {machine['cores']} cores, load {machine['load']}",
        f"held-out prompts: {found['prompts']['chat']} chat, {found['prompts']['tools']} tool requests",
        "",
        f"{'':64} {names[0]:>8} {names[1]:>8}",
    ]
    row = "{:64.64} {:>8} {:>8}".format
    percent = lambda rate: f"{rate['share'] * 100:.0f} %"  # noqa: E731
    for kind in ("adoption", "residue"):
        for statement in base[kind]:
            label = statement if kind == "adoption" else f"(given up) {statement}"
            lines.append(row(label, percent(base[kind][statement]), percent(other[kind][statement])))
    lines.append(row("valid tool calls", percent(base["calls_valid"]), percent(other["calls_valid"])))
    lines.append(row("exact tool calls", percent(base["calls_exact"]), percent(other["calls_exact"])))
    lines.append(row("words an answer", base["form"]["words"], other["form"]["words"]))
    lines.append(row("tokens per second, 4 at once", base["tokens_per_second"], other["tokens_per_second"]))
    lines += [
        "",
        f"drift from the base: {found['drift_nats_per_token']:.4f} nats per token on neutral prompts",
        "",
    ]
    lines += [
        f"{stage:12} {cost['seconds']:8.1f} s {cost['peak_bytes'] / 1e9:6.2f} GB"
        for stage, cost in (found["night"] or {}).items()
    ]
    total = sum(cost["seconds"] for cost in (found["night"] or {}).values())
    lines += [f"{'the night':12} {total:8.1f} s", ""]
    lines += [f"{name:20} {seconds:.2f} s" for name, seconds in found["start_up_seconds"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
