"""The child's side: read the job, report progress, write the result last and whole.

A result that is there is complete: it is written in one step, after the work. Standard output belongs to
progress, one JSON object a line; everything else goes to standard error, which is the log.
"""

from __future__ import annotations

import contextlib
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import persona.errors
from adapters.durable import write_file
from persona.child.exhaustion import out_of_memory, out_of_space
from persona.errors import NoSpace, PersonaError, TrainingError

RESULT = "result.json"
DISK_FULL = NoSpace.exit_code  # the end of a child that may not have been able to write even its result


class Report(Protocol):
    """Tells the parent how far the work is. `step` names what is being done; more may be said by name."""

    def __call__(self, step: str, done: int, total: int | None = None, **more: Any) -> None: ...


def serve_job(work: Callable[[Mapping[str, Any], Report], Mapping[str, Any]]) -> int:
    """Do `work` on the job file named on the command line; the exit code for `sys.exit`.

    The work's mapping becomes the result. A PersonaError is the result as well, so that the parent can
    raise it again, and so is the end of memory or disk space; any other exception is left to Python, whose
    traceback ends in the log.
    """
    job_file = Path(sys.argv[1])
    try:
        job = json.loads(job_file.read_bytes())
        result, code = work(job, _report), 0
    except PersonaError as error:
        result, code = {"error": _error_to_json(error)}, error.exit_code
    except Exception as error:
        if out_of_space(error):
            _log(error)
            return DISK_FULL
        if not out_of_memory(error):
            raise
        _log(error)
        result, code = {"out_of_memory": _first_line(error)}, TrainingError.exit_code
    try:
        write_file(job_file.with_name(RESULT), json.dumps(result, allow_nan=False).encode())
    except Exception as error:
        if not out_of_space(error):
            raise
        _log(error)
        return DISK_FULL
    return code


def _report(step: str, done: int, total: int | None = None, **more: Any) -> None:
    event = {"event": "progress", "step": step, "done": done, "total": total, **more}
    print(json.dumps(event), flush=True)  # noqa: T201  # the protocol


def _log(error: Exception) -> None:
    with contextlib.suppress(OSError):  # the log lies on the same disk
        traceback.print_exception(error)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def _error_to_json(error: PersonaError) -> dict[str, Any]:
    return {"type": type(error).__name__, "message": str(error), "exit_code": error.exit_code}


def error_from_json(plain: Mapping[str, Any]) -> PersonaError:
    """A child's error as its class, where there is one of that name; the message is already built."""
    kind = getattr(persona.errors, str(plain["type"]), None)
    if not (isinstance(kind, type) and issubclass(kind, PersonaError)):
        kind = PersonaError
    error = kind.__new__(kind)
    Exception.__init__(error, plain["message"])
    error.exit_code = plain["exit_code"]
    return error
