"""Work in another process, with budgets: the parent's side (`run_child`) and the child's (`serve_job`)."""

from persona.child.budget import Budget
from persona.child.parent import ChildResult, run_child
from persona.child.worker import Report, serve_job

__all__ = ["Budget", "ChildResult", "Report", "run_child", "serve_job"]
