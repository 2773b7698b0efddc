"""EvalReport -> Verdict -> Operation."""

from persona.promote.gate import GatePolicy, Verdict, judge
from persona.promote.heed import Concern, concern, heed, taken_back
from persona.promote.promotion import apply
from persona.promote.retention import Plan, RetentionPolicy, carry_out, plan, standings
from persona.promote.watch import Finding, Votes, Watched, WatchPolicy, watch

__all__ = [
    "Concern",
    "Finding",
    "GatePolicy",
    "Plan",
    "RetentionPolicy",
    "Verdict",
    "Votes",
    "WatchPolicy",
    "Watched",
    "apply",
    "carry_out",
    "concern",
    "heed",
    "judge",
    "plan",
    "standings",
    "taken_back",
    "watch",
]
