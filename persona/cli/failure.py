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

import errno
from dataclasses import dataclass

import typer

import adapters.errors as registry
from persona.errors import (
    BadInput,
    Busy,
    Damaged,
    Mismatch,
    NoSpace,
    PersonaError,
    TrainingError,
)

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_OF_THE_MACHINE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    line: str
    exit_code: int


def failure_of(error: Exception) -> Failure | None:
    """None for a bug."""
    match error:
        case PersonaError():
            return _failure(error, error.exit_code)
        case registry.RegistryError():
            return _failure(error, _registry_code(error))
        case typer.TyperException():
            return _usage(error)
        case typer.Abort():
            return Failure(line="stopped", exit_code=1)
        case OSError(errno=number) if number in _NO_SPACE:
            return Failure(
                line=f"{_os_line(error)}; free some space and try again", exit_code=NoSpace.exit_code
            )
        case OSError(errno=number) if number in _OF_THE_MACHINE:
            return Failure(line=_os_line(error), exit_code=1)
    return _store_failure(error)


def _failure(error: Exception, exit_code: int) -> Failure:
    return Failure(line=" ".join(str(error).split("\n")), exit_code=exit_code)


def _registry_code(error: registry.RegistryError) -> int:
    match error:
        case registry.BadReference() | registry.BadName() | registry.NotARegistry() | registry.NotAllowed():
            return BadInput.exit_code
        case registry.UnknownFormat():
            return Mismatch.exit_code
        case registry.Damaged():
            return Damaged.exit_code
        case registry.NotPublishable():
            return TrainingError.exit_code
        case registry.ChampionMoved() | registry.Locked():
            return Busy.exit_code
        case registry.WriteFailed(errno=number) if number in _NO_SPACE:
            return NoSpace.exit_code
    return PersonaError.exit_code


def _store_failure(error: Exception) -> Failure | None:
    """Imported here: the store brings SQLite along, and a command that failed before needs none of it."""
    import store.errors as store

    match error:
        case store.StoreFull():
            code = NoSpace.exit_code
        case store.StoreBusy() | store.RunOpen():
            code = Busy.exit_code
        case store.StoreDamaged() | store.NotAStore():
            code = Damaged.exit_code
        case store.SchemaTooNew() | store.SqliteTooOld():
            code = Mismatch.exit_code
        case store.UnknownId() | store.Unstorable() | store.StoreMissing():
            code = BadInput.exit_code
        case store.StoreError():
            code = PersonaError.exit_code
        case _:
            return None
    return _failure(error, code)


def _usage(error: typer.TyperException) -> Failure:
    """A mistake on the command line, with where to read on."""
    said = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "persona"
    line = " ".join(said.split("\n")).rstrip(".")
    return Failure(line=f"{line}; see `{where} --help`", exit_code=BadInput.exit_code)


def _os_line(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror}"
