"""The bridge: what the user prefers acts through the prompt until the weights carry it.

A preference crosses when the revision that answers was seen to keep it with its statement withheld, and comes
back when a later revision is not. Pure, but for `live_for`, which reads the store. Invariant: the bridged
prompt is for the engine alone; what is stored is the prompt as the client sent it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from persona.checker import asked_of, is_tool_scope
from persona.engine.protocol import Prompt
from persona.report import Arm, EvalReport, Rate
from store import Store
from store.records import Message, Preference, PreferenceStatus

CARRIED_SHARE = 0.8  # of the held-out prompts that a preference speaks about
CARRIED_ASKED = 3  # so many at least: fewer show nothing, and a statement too many does less harm than none
LONGEST = 1200  # characters of statements, about 300 tokens: a small base has a small context
_HEAD = "What the user prefers; keep to it in every answer:"


def live(
    preferences: Iterable[Preference], report: EvalReport | None, *, revision: str | None = None
) -> tuple[Preference, ...]:
    """The active ones of `preferences` that this revision's weights do not carry yet.

    `report` is the revision's own: it answered with every statement withheld, so what it kept there comes
    from its weights. `revision` names the arm to look at, the candidate without it. Without a report (the
    bare base, a revision that was never judged) nothing is carried. What has no checker is never carried,
    since nobody can tell. What was seen to make this revision's answers worse when it is said
    (`Spoken.harms`) stays unsaid, unless the user pinned it. In the order in which `bridged` takes them: what
    the user pinned, then what was stated, then what was inferred; each with the latest first.
    """
    arm = None if report is None else _arm(report, revision)
    harmful = () if report is None or arm is not report.candidate else _harmful(report)
    waiting = [
        entry
        for entry in preferences
        if entry.status is PreferenceStatus.ACTIVE
        and not (arm is not None and carried(arm.adoption.get(entry.id)))
        and (entry.pinned or entry.id not in harmful)
    ]
    return tuple(sorted(waiting, key=_rank))


def live_for(store: Store, revision: str) -> tuple[Preference, ...]:
    """`live` for the revision with this content id ("r0" for the bare base), from the store's own rows."""
    run = store.runs.of_revision(revision)
    report = None if run is None or run.report is None else EvalReport.from_json(run.report)
    return live(store.ledger.active(), report, revision=revision)


def carried(rate: Rate | None) -> bool:
    """Whether a revision that kept a preference this often, its statement withheld, has it in its weights."""
    if rate is None or rate.asked < CARRIED_ASKED:
        return False
    return rate.passed >= CARRIED_SHARE * rate.asked


def bridged(prompt: Prompt, preferences: Iterable[Preference]) -> Prompt:
    """The prompt with the statements of `preferences` that speak about it, behind the client's own words.

    Only scopes that cover the prompt count: a kind of request, a tool on offer. The statements go into the
    system message, one a line, whole or not at all, LONGEST characters at most, in the order given. The same
    prompt and preferences give the same prompt; without any statement it is the prompt itself.
    """
    return saying(prompt, (entry.statement for entry in _said_to(prompt, preferences)))


def borne(prompt: Prompt, preferences: Iterable[Preference]) -> tuple[str, ...]:
    """The ids of those that the prompt would bear if no weights carried any, in the order of `live`."""
    return tuple(entry.id for entry in _said_to(prompt, sorted(preferences, key=_rank)))


def _said_to(prompt: Prompt, preferences: Iterable[Preference]) -> list[Preference]:
    """Those that speak about the prompt, in their order: about a tool where it is on offer, before anyone
    knows which one will be called; and of two about the same, the one for this kind of request."""
    return [
        entry
        for entry in asked_of(preferences, prompt.messages, prompt.tools)
        if prompt.tools or not is_tool_scope(entry.scope)
    ]


def saying(prompt: Prompt, statements: Iterable[str]) -> Prompt:
    """The prompt with these statements in it, as `bridged` puts them there."""
    said = _fitting(statements)
    if not said:
        return prompt
    wanted = "\n".join([_HEAD, *(f"- {statement}" for statement in said)])
    first, rest = prompt.messages[:1], prompt.messages[1:]
    if first and first[0].role == "system":
        own = first[0].content.rstrip()
        system = replace(first[0], content=f"{own}\n\n{wanted}" if own else wanted)
        return replace(prompt, messages=(system, *rest))
    return replace(prompt, messages=(Message(role="system", content=wanted), *prompt.messages))


def _fitting(statements: Iterable[str]) -> list[str]:
    said: list[str] = []
    left = LONGEST
    for each in statements:
        statement = " ".join(each.split())
        if statement and statement not in said and len(statement) <= left:
            said.append(statement)
            left -= len(statement)
    return said


def _arm(report: EvalReport, revision: str | None) -> Arm | None:
    arms: Sequence[Arm] = (report.candidate, report.champion, report.base)
    if revision is None:
        return report.candidate
    return next((arm for arm in arms if arm.revision == revision), None)


def _harmful(report: EvalReport) -> tuple[str, ...]:
    return () if report.told is None else report.told.harmful


def _rank(entry: Preference) -> tuple[bool, bool, float, str]:
    return not entry.pinned, entry.source != "stated", -entry.last_seen.timestamp(), entry.id
