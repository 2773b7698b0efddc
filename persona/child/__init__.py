"""Work in another process, with budgets: the parent's side (`run_child`) and the child's (`serve_job`)."""

from persona.child.budget import Budget, Usage
from persona.child.parent import ChildResult, run_child
from persona.child.pause import IdleSeconds, Pause
from persona.child.strays import end_strays
from persona.child.worker import Report, serve_job

__all__ = [
    "Budget",
    "ChildResult",
    "IdleSeconds",
    "Pause",
    "Report",
    "Usage",
    "end_strays",
    "run_child",
    "serve_job",
]
