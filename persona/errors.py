"""Every error that persona expects, with the exit code that the command line gives it.

PersonaError                 1
├── BadInput                 2   a line, name or file that the user gave
│   ├── UnknownBase
│   ├── UnknownRevision
│   ├── UnknownModel
│   ├── UnknownIdentity
│   ├── NotInstalled
│   └── NotInitialised
├── SomeSkipped              3   the rest was done
├── Mismatch                 4   parts that do not belong together
│   ├── BaseMismatch
│   ├── TemplateMismatch
│   └── TemplateRefused
├── Damaged                  5   a file is not what it was written as
├── EngineError              6
│   ├── EngineClosed
│   └── PromptTooLong
├── TrainingError            7
│   ├── BrokenNumerics
│   ├── TooLittleToLearn
│   └── ChildFailed
│       └── OutOfMemory
├── NoSpace                  8
│   └── DiskFull
├── PreparationFailed        9   a base could not be fetched or converted
├── NotKept                  1   an answer or an act that the store did not take
├── ServiceFailed            1   the system's service manager refused
├── DaemonNotStarted         1
├── DaemonLate               1
├── RefusedAsRoot            1
├── EnginesBusy             75   every engine that fits in memory is answering
├── Busy                    75   another process holds the home
└── Yielded                 75   the user came first; the work goes on later

130 is an interrupt (Ctrl-C). Errors of `store` and `adapters` are translated where they are caught.
Messages are built here, from typed arguments: what, where, what to do.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path


class PersonaError(Exception):
    """Expected: shown as one line, without a traceback."""

    exit_code = 1


class BadInput(PersonaError):
    exit_code = 2


class UnknownBase(BadInput):
    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(
            f"unknown base {name!r}: known are {', '.join(known)}; or give hf:OWNER/NAME or a folder"
        )


class UnknownRevision(BadInput):
    def __init__(self, ref: str) -> None:
        super().__init__(f"no revision {ref!r}: `persona revisions` lists them")


class UnknownModel(BadInput):
    def __init__(self, model: str, why: str = "") -> None:
        super().__init__(f"no model {model!r}{': ' + why if why else ''}; GET /v1/models lists what there is")


class UnknownIdentity(BadInput):
    def __init__(self, identity: str, folder: Path) -> None:
        super().__init__(
            f"no identity {identity!r}: there is no {folder}; `PERSONA_IDENTITY__NAME={identity} "
            "persona init` makes it"
        )


class NotInstalled(BadInput):
    """`extra` is the group of pyproject.toml that `package` is in; empty: it is always needed. No index has
    persona: it is installed from its own folder."""

    def __init__(self, package: str, extra: str = "", *, instead: str = "") -> None:
        source = Path(__file__).parents[1]
        known = (source / "pyproject.toml").is_file()
        what = f"{source if known else '.'}{f'[{extra}]' if extra else ''}"
        command = shlex.join([sys.executable, "-m", "pip", "install", "-e", what])
        where = "" if known else " in the folder of its source"
        super().__init__(
            f"{package} is not installed: `{command}`{where} brings it{f'; {instead}' if instead else ''}"
        )


class NotInitialised(BadInput):
    def __init__(self, home: Path) -> None:
        super().__init__(f"nothing at {home} yet: run `persona init` first")


class SomeSkipped(PersonaError):
    exit_code = 3

    def __init__(self, skipped: int, what: str) -> None:
        super().__init__(f"{skipped} {what} skipped, the rest is in: the lines above say where and why")


class Mismatch(PersonaError):
    exit_code = 4


class BaseMismatch(Mismatch):
    def __init__(self, revision: str, wanted: str, found: str) -> None:
        super().__init__(
            f"revision {revision} was built on base {wanted[:19]} and this base is {found[:19]}: "
            "use the base that it was built on, or train again on this one"
        )


class TemplateMismatch(Mismatch):
    def __init__(self, base: str, wanted: str, found: str) -> None:
        super().__init__(
            f"base {base} was prepared with template {wanted[:19]} and this persona renders with "
            f"{found[:19]}: run `persona init` again"
        )


class TemplateRefused(Mismatch):
    def __init__(self, why: str) -> None:
        super().__init__(f"the base's chat template does not render this conversation: {why}")


class Damaged(PersonaError):
    exit_code = 5

    def __init__(self, path: Path, why: str, advice: str) -> None:
        super().__init__(f"{path}: {why}; {advice}")


class EngineError(PersonaError):
    exit_code = 6


class EngineClosed(EngineError):
    def __init__(self, revision: str) -> None:
        super().__init__(f"the engine of revision {revision} is closed")


class PromptTooLong(EngineError):
    def __init__(self, tokens: int, context: int) -> None:
        self.tokens = tokens
        self.context = context
        super().__init__(
            f"the prompt has {tokens} tokens and the context has room for {context}, answer included: "
            "shorten it, or raise serve.context"
        )


class TrainingError(PersonaError):
    exit_code = 7


class BrokenNumerics(TrainingError):
    """A guard of the trainer fired; nothing is published."""


class TooLittleToLearn(TrainingError):
    """Not an error of a night, which ends with nothing to learn."""

    def __init__(self, examples: int, needed: int) -> None:
        super().__init__(
            f"{examples} examples to learn from, at least {needed} are needed, or wishes that rules can "
            "practise on the base's own answers (few sentences, how to begin or end; no language, no tone): "
            "edit, pick or vote on some answers"
        )


class ChildFailed(TrainingError):
    def __init__(self, stage: str, why: str, log: Path) -> None:
        self.why = why
        self.log = log
        super().__init__(f"{stage} did not finish: {why}; see {log}")


class OutOfMemory(ChildFailed):
    """A budget, the system or a library said so. `tries` counts all that ended this way."""

    advice = "close other programs, raise train.memory_gb, or choose a smaller base"

    def __init__(self, stage: str, why: str, log: Path, *, tries: int = 1) -> None:
        self.tries = tries
        often = "" if tries == 1 else f", the last of {tries} tries"
        super().__init__(
            stage,
            f"out of memory ({why}{often}); {self.advice}",
            log,
        )
        self._parts = (stage, why, log)

    def after(self, tries: int) -> OutOfMemory:
        """The same end, after this many tries."""
        return OutOfMemory(*self._parts, tries=tries)


class NoSpace(PersonaError):
    exit_code = 8

    def __init__(self, path: Path, need: int, free: int) -> None:
        super().__init__(
            f"{path}: {need / 1e6:.0f} MB needed and {free / 1e6:.0f} MB free; free some space and try again"
        )


class DiskFull(NoSpace):
    def __init__(self, place: Path, stage: str) -> None:
        PersonaError.__init__(
            self, f"the disk of {place} was full in the middle of {stage}; free some space and try again"
        )


class PreparationFailed(PersonaError):
    exit_code = 9

    def __init__(self, base: str, why: str, advice: str) -> None:
        super().__init__(f"base {base} could not be prepared: {why}; {advice}")


class NotKept(PersonaError):
    def __init__(self, why: str) -> None:
        super().__init__(f"not kept: {why}")


class ServiceFailed(PersonaError):
    def __init__(self, command: Sequence[str], why: str) -> None:
        line = " ".join(command)
        super().__init__(
            f"{line}: {why.rstrip('.')}; `persona serve` runs without a service manager, and "
            "`persona service install --print` shows what to give to another one"
        )


class DaemonNotStarted(PersonaError):
    def __init__(self, why: str, log: Path) -> None:
        super().__init__(f"the daemon did not start: {why.removeprefix('persona: ')}; see {log}")


class DaemonLate(PersonaError):
    """It is there and was asked; it may be at work."""

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__(f"the daemon at {url} did not answer within {seconds:g} seconds")


class RefusedAsRoot(PersonaError):
    def __init__(self) -> None:
        super().__init__(
            "not as root: a service of persona belongs to the person whose model it is; run it as that person"
        )


class EnginesBusy(PersonaError):
    exit_code = 75

    def __init__(self, model: str, loaded: int) -> None:
        super().__init__(
            f"{model} is not loaded, and all {loaded} engines are answering: try again soon, or raise "
            "serve.engines"
        )


class Busy(PersonaError):
    exit_code = 75

    def __init__(self, home: Path) -> None:
        super().__init__(f"another persona process is at work in {home}: wait for it, or stop it")


class Yielded(PersonaError):
    """Work that cannot stand still was told to end; a training kept what it had done, if there was time."""

    exit_code = 75

    def __init__(self, stage: str) -> None:
        super().__init__(f"{stage} made room for you; it goes on when the machine is idle")


class DaemonRuns(Busy):
    """`pid` and `url` where they are known: a daemon that is still loading has told neither."""

    def __init__(self, home: Path, *, pid: int | None = None, url: str | None = None) -> None:
        who = "a daemon" if pid is None else f"a daemon (pid {pid})"
        where = f" at {url}" if url else ""
        what = "stop that one first" if pid is None else f"`kill {pid}` ends it, then try again"
        PersonaError.__init__(self, f"{who} serves {home} already{where}: {what}")


class NightRuns(Busy):
    def __init__(self) -> None:
        PersonaError.__init__(self, "a night is running already: wait for it")
