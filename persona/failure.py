"""What an expected error is to the person who caused it: one line and an exit code, whoever raised it.

Errors that are not known here are bugs.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import adapters.errors as registry
from persona.errors import (
    BadInput,
    Busy,
    Damaged,
    EngineError,
    Mismatch,
    NoSpace,
    PersonaError,
    TrainingError,
)

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_OF_THE_MACHINE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)
_KINDS = {kind.exit_code: kind for kind in (PersonaError, BadInput, Mismatch, EngineError, TrainingError)}


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
        case OSError(errno=number) if number in _NO_SPACE:
            return Failure(
                line=f"{_os_line(error)}; free some space and try again", exit_code=NoSpace.exit_code
            )
        case OSError(errno=number) if number in _OF_THE_MACHINE:
            return Failure(line=_os_line(error), exit_code=1)
    return _store_failure(error)


@contextmanager
def in_one_tree() -> Iterator[None]:
    """What the store, the registry and the machine raise leaves as a PersonaError with the same line and exit
    code; bugs leave as they are.
    """
    try:
        yield
    except PersonaError:
        raise
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        told = _KINDS.get(failure.exit_code, PersonaError)(failure.line)
        told.exit_code = failure.exit_code
        raise told from error


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


def _os_line(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror}"
