"""Downloads a model from the Hugging Face hub: the files on a fixed list, at one commit, and no code.

This is the only module that speaks with the hub.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from persona.base.model_folder import WANTED, is_weights
from persona.errors import BadInput, PreparationFailed

PREFIX = "hf:"


@dataclass(frozen=True, kw_only=True, slots=True)
class HubModel:
    """One commit of a repository, and the sizes in bytes of the files that a base takes of it."""

    repository: str
    commit: str
    files: dict[str, int]

    @property
    def size(self) -> int:
        return sum(self.files.values())

    def download(self, folder: Path, arrived: Callable[[int], None]) -> None:
        """Put the files into `folder`; `arrived` is told the bytes as they come. PreparationFailed if not."""
        from huggingface_hub import hf_hub_download

        for name, size in sorted(self.files.items()):
            left = _Left(size, arrived)
            _ask(
                self.repository,
                hf_hub_download,
                self.repository,
                name,
                revision=self.commit,
                local_dir=folder,
                tqdm_class=_quiet_bar(left.less),
            )
            left.nothing()


class _Left:
    """The bytes of one file that are still to come; the hub's counts of retries and parts overlap."""

    def __init__(self, size: int, arrived: Callable[[int], None]) -> None:
        self._size, self._arrived = size, arrived

    def less(self, count: float) -> None:
        taken = max(0, min(int(count), self._size))
        self._size -= taken
        self._arrived(taken)

    def nothing(self) -> None:
        self.less(self._size)


def _quiet_bar(advanced: Callable[[float], None]) -> type:
    """A progress bar that draws nothing and passes on how far it is: the hub's only way to tell."""
    from tqdm.std import tqdm  # type: ignore[import-untyped]  # the hub brings it, and it has no types

    class QuietBar(tqdm):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **{**options, "file": io.StringIO()})

        def update(self, n: float | None = 1) -> bool | None:
            advanced(n or 0)
            return super().update(n)  # type: ignore[no-any-return]

    return QuietBar


def look_up(spec: str) -> HubModel:
    """The model that "hf:OWNER/NAME" or "hf:OWNER/NAME@REVISION" names now."""
    from huggingface_hub import HfApi

    repository, _, revision = spec.removeprefix(PREFIX).partition("@")
    info = _ask(repository, HfApi().model_info, repository, revision=revision or None, files_metadata=True)
    listed = {file.rfilename: file.size or 0 for file in info.siblings or []}
    files = {name: size for name, size in listed.items() if name in WANTED or is_weights(name)}
    if not any(map(is_weights, files)):
        raise BadInput(f"{spec}: it has no model.safetensors; a base needs its weights as safetensors")
    return HubModel(repository=repository, commit=info.sha, files=files)


def _ask(repository: str, question: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Ask the hub, its many errors as one of ours."""
    from huggingface_hub.errors import HFValidationError

    try:
        return question(*arguments, **options)
    except HFValidationError as error:
        raise BadInput(f"hf:{repository}: {_first_line(error)}") from None
    # Its errors, and those of the HTTP library below it, change their tree from version to version.
    except Exception as error:  # noqa: BLE001  # told in full, as ours
        raise PreparationFailed(
            f"hf:{repository}",
            f"the hub says: {_first_line(error)}",
            "check the name and the network; for a gated model set HF_TOKEN",
        ) from None


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
