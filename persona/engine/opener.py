"""From a base and a revision to a loaded engine or scorer: everything is checked before it is loaded.

An adapter is loaded only on the base that it was built on, byte for byte as it was published, and used only
when it is seen to do something: a wrong adapter mostly looks like none at all.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from adapters import BARE, Bare, Revision
from adapters.errors import Damaged as DamagedFile
from adapters.layout import GGUF
from adapters.survey import check_content, check_shape
from persona.base import Base
from persona.engine.protocol import Engine, Scorer
from persona.engine.quantisation import Quantisation
from persona.errors import BadInput, BaseMismatch, Damaged, EngineError

EngineKind = Literal["auto", "llama_cpp", "transformers"]

_NVIDIA = (Path("/dev/nvidiactl"), Path("/dev/dxg"))  # the driver's device, on Linux and under WSL


class _Probed(Protocol):
    def adapter_effect(self) -> float: ...
    def close(self) -> None: ...


Loaded = TypeVar("Loaded", bound=_Probed)


def open_engine(
    base: Base,
    revision: Revision | Bare,
    *,
    kind: EngineKind = "auto",
    device: str = "auto",
    context: int | None = None,
    threads: int | None = None,
    parallel: int = 1,
) -> Engine:
    """An engine for `revision` on `base`; whoever opens it closes it.

    "auto" is llama.cpp on a CPU where base and revision have a GGUF file, and transformers otherwise.
    `context` is in tokens. With `parallel` above 1 so many answers are computed together where the engine
    can, for clients that wait; then a greedy answer may depend on its company. Raises BaseMismatch, Damaged,
    BadInput and EngineError, and leaves nothing loaded.
    """
    _check(base, revision)
    if kind == "auto" and not isinstance(revision, Bare) and GGUF not in revision.files:
        kind = "transformers"
    if engine_kind(base, kind, device=device) == "llama_cpp":
        from persona.engine.llama_cpp import LlamaCppEngine  # loads no torch

        adapter = None if isinstance(revision, Bare) else _gguf_of(revision)
        return _seen_to_apply(
            LlamaCppEngine(base, adapter, revision.id, context=context, threads=threads, parallel=parallel),
            revision,
        )
    from persona.engine.transformers_engine import TransformersEngine  # torch: seconds and much memory

    return _seen_to_apply(
        TransformersEngine(
            base, _folder(revision), revision.id, device=device, quantisation=_quantisation(revision)
        ),
        revision,
    )


def open_base_engine(base: Base, *, kind: EngineKind = "auto", parallel: int = 1) -> Engine:
    """The same for the base without adapter."""
    return open_engine(base, BARE, kind=kind, parallel=parallel)


def open_scorer(
    base: Base, revision: Revision | Bare, *, device: str = "auto", quantisation: Quantisation | None = None
) -> Scorer:
    """A scorer for `revision` on `base`, with the same checks; `quantisation` None means the recipe's."""
    _check(base, revision)
    from persona.engine.scorer import TransformersScorer  # torch

    return _seen_to_apply(
        TransformersScorer(
            base,
            _folder(revision),
            revision.id,
            device=device,
            quantisation=quantisation or _quantisation(revision),
        ),
        revision,
    )


def engine_kind(
    base: Base, kind: EngineKind = "auto", *, device: str = "auto"
) -> Literal["llama_cpp", "transformers"]:
    """What `kind` means for this base on this machine."""
    if kind != "auto":
        return kind
    on_cpu = device == "cpu" or (device == "auto" and not _has_cuda())
    return "llama_cpp" if on_cpu and base.gguf is not None else "transformers"


def _check(base: Base, revision: Revision | Bare) -> None:
    if isinstance(revision, Bare):
        return
    if revision.base.fingerprint != base.fingerprint:
        raise BaseMismatch(revision.ref, revision.base.fingerprint, base.fingerprint)
    try:
        check_shape(revision)
        check_content(revision)
    except DamagedFile as error:
        raise Damaged(
            error.path, error.why, "restore it from a backup, or retire the revision and build again"
        ) from None


def _seen_to_apply(loaded: Loaded, revision: Revision | Bare) -> Loaded:
    """`loaded` if it is bare or its adapter changes what the base says to a short text."""
    try:
        applies = isinstance(revision, Bare) or loaded.adapter_effect() > 0.0
    except BaseException:
        loaded.close()
        raise
    if not applies:
        loaded.close()
        raise EngineError(f"revision {revision.ref} changes nothing on its base: retire it and build again")
    return loaded


def _gguf_of(revision: Revision) -> Path:
    if GGUF not in revision.files:
        raise BadInput(f"revision {revision.ref} has no {GGUF}: serve it with the transformers engine")
    return revision.file(GGUF)


def _folder(revision: Revision | Bare) -> Path | None:
    return None if isinstance(revision, Bare) else revision.path


def _quantisation(revision: Revision | Bare) -> Quantisation:
    """What the adapter was trained over; it fits other weights a little worse."""
    return (
        "nf4" if not isinstance(revision, Bare) and revision.recipe.get("quantisation") == "nf4" else "none"
    )


def _has_cuda() -> bool:
    """Whether torch would use a GPU; torch is only loaded to ask when there is one."""
    if importlib.metadata.version("torch").endswith("+cpu") or not any(path.exists() for path in _NVIDIA):
        return False
    import torch

    return torch.cuda.is_available()
