"""Candidate, champion and base -> EvalReport, in a process of its own. Importing this loads no engine."""

from persona.evaluate.job import EvaluationJob, Probe
from persona.evaluate.launch import Evaluated, evaluate

__all__ = ["Evaluated", "EvaluationJob", "Probe", "evaluate"]
