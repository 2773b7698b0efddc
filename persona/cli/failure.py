"""What an expected error is to the person at the terminal: one line and an exit code.

exit  meaning                         exit  meaning
   0  done                               6  the engine failed
   1  not possible as things are         7  the training failed
   2  a name, file or option is wrong    8  no space left
   3  a part was skipped                 9  a base could not be prepared
   4  parts do not belong together      75  busy, or moved on meanwhile: try again
   5  a file is damaged                130  interrupted

Errors that are not known here are bugs.
"""

from __future__ import annotations

import typer

from persona.errors import BadInput
from persona.failure import Failure
from persona.failure import failure_of as _failure_of


def failure_of(error: Exception) -> Failure | None:
    """None for a bug."""
    match error:
        case typer.TyperException():
            return _usage(error)
        case typer.Abort():
            return Failure(line="stopped", exit_code=1)
    return _failure_of(error)


def _usage(error: typer.TyperException) -> Failure:
    """A mistake on the command line, with where to read on."""
    said = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "persona"
    line = " ".join(said.split("\n")).rstrip(".")
    return Failure(line=f"{line}; see `{where} --help`", exit_code=BadInput.exit_code)
