"""EvalReport -> Verdict -> Operation."""

from persona.promote.gate import GatePolicy, Verdict, judge
from persona.promote.promotion import apply

__all__ = ["GatePolicy", "Verdict", "apply", "judge"]
