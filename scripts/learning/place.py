"""Where a measurement happens: the base, borrowed from a home, and a folder for all that is kept."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import persona.engine  # noqa: F401  # before torch or llama.cpp is loaded: it says how their threads wait
from learning import lanes
from learning.asking import Asking
from learning.code_state import code_state
from learning.journal import Journal
from learning.judging import Judge
from learning.kept import Kept
from learning.running import JOURNAL
from persona.base import prepare_base
from persona.errors import BadInput
from persona.lock import home_lock
from persona.paths import Home

CACHE = Path.home() / ".cache" / "persona-bench"


def base_home() -> Home:
    """$PERSONA_HOME, or where the tests keep their bases."""
    if os.environ.get("PERSONA_HOME"):
        return Home.default()
    given = os.environ.get("PERSONA_TEST_BASES")
    return Home(Path(given) if given else Path.home() / ".cache" / "persona-tests")


@contextmanager
def occupied(out: Path, known: Path | None = None) -> Iterator[Path]:
    """The folder, made if need be, for this process alone, with the cells of `known` in its journal. Raises
    Busy, and BadInput for a journal without a cell.
    """
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    with home_lock(out):
        if known is not None:
            other = Journal(known / JOURNAL if known.is_dir() else known)
            if not other.cells:
                raise BadInput(f"--known {known}: no cell is there; give a {JOURNAL} or its folder")
            Journal(out / JOURNAL).take_in(other)
        yield out


def judge_in(out: Path, spec: str, asking: Asking, code: str) -> Judge:
    """A judge of the base that `spec` names, which is fetched and converted unless it is there."""
    home = base_home()
    return Judge(home=home, base=prepare_base(home, spec), kept=Kept(out / "kept"), asking=asking, code=code)


def add_common(parser: argparse.ArgumentParser, *, out: Path) -> None:
    """The options that both measurements have."""
    parser.add_argument("--out", type=Path, default=out, help=f"where cells are kept (default: {out})")
    parser.add_argument("--base", default="smollm2-135m", help="as for `persona init --base`")
    parser.add_argument("--known", type=Path, metavar="FILE", help="cells that were measured elsewhere")
    parser.add_argument("--people", metavar="A,B", help="ids of scripts/people, or all")
    parser.add_argument("--seeds", default="0", metavar="0,1", help="of teaching and training")
    parser.add_argument("--prompts", type=int, metavar="N", help="held-out prompts of each person")
    parser.add_argument("--tokens", type=int, metavar="N", help="of an answer at most")
    parser.add_argument(
        "--steps", type=int, metavar="N", help="of every training, instead of the recipe's own"
    )
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="of the recipe")
    parser.add_argument(
        "--lanes",
        type=int,
        default=lanes.usual(),
        metavar="N",
        help="lives at a time, each on its share of the cores (default: %(default)s)",
    )
    parser.add_argument("--minutes", type=float, metavar="N", help="begin no cell after so long")
    parser.add_argument("--same-code", action="store_true", help="count only cells of this state of the code")
    parser.add_argument("--quick", action="store_true", help="little of everything, to see that it works")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="write PNG files there")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")


def code_of(options: argparse.Namespace) -> str:
    return code_state() if options.same_code else ""
