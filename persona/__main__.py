"""The `persona` command: one way in, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from persona import __version__

if TYPE_CHECKING:
    from persona.bootstrap import Persona

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None, *, open_persona: Callable[[], Persona] | None = None) -> int:
    """Run one command and return its exit code. `open_persona` replaces the composition root (for tests).

    An expected error is one line on standard error; anything else is a bug and leaves as a traceback.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if list(arguments) == ["--version"]:
        print(f"persona {__version__}")  # noqa: T201  # before the command line is built: that takes longer
        return 0
    try:
        from persona.cli.app import run  # not needed above

        code = run(arguments, open_persona)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return 1
    except Exception as error:
        from persona.cli.failure import failure_of

        failure = failure_of(error)
        if failure is None:
            raise
        print(f"persona: {failure.line}", file=sys.stderr)  # noqa: T201
        return failure.exit_code
    return code


def _forget_output() -> None:
    """The reader is gone; without this Python complains about it once more at its end."""
    try:
        sys.stdout.close()
    except BrokenPipeError:
        return


if __name__ == "__main__":
    sys.exit(main())
