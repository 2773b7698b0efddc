"""The revision registry: a library about one directory, and nothing else."""

from adapters.operation import Operation, OperationKind
from adapters.registry import Registry
from adapters.revision import BARE, Bare, BaseRef, Build, FileRecord, Revision, RevisionState, build_key
from adapters.verify import Problem, ProblemKind

__all__ = [
    "BARE",
    "Bare",
    "BaseRef",
    "Build",
    "FileRecord",
    "Operation",
    "OperationKind",
    "Problem",
    "ProblemKind",
    "Registry",
    "Revision",
    "RevisionState",
    "build_key",
]
