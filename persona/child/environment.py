"""What a child sees of its parent's environment: a list of what it needs, so no secret slips through."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

_PASSED_ON = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP",
    "VIRTUAL_ENV", "PERSONA_HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "HF_HOME", "HF_HUB_CACHE",
})  # fmt: skip
_PASSED_ON_PREFIXES = (
    "LC_", "XDG_", "OMP_", "MKL_", "OPENBLAS_", "KMP_", "GOMP_", "MALLOC_",
    "CUDA_", "NVIDIA_", "ROCR_", "HIP_", "HSA_", "PYTORCH_", "TORCH_", "BNB_",
)  # fmt: skip
_UNLESS_GIVEN = {
    # How long threads spin while they wait for each other. The default starves a shared machine: a tenth of
    # the speed beside other work. Not spinning at all costs a quarter on a quiet one.
    "GOMP_SPINCOUNT": "20000",
    # Bytes from which on glibc asks the system for each block and gives it back at once. By itself it raises
    # this bound to 32 MB, and keeps the gaps that tensors of ever different shapes leave: gigabytes of them.
    "MALLOC_MMAP_THRESHOLD_": "4194304",
}
_SET = {
    "HF_HUB_OFFLINE": "1",  # learning never touches the network
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",  # progress is read while it happens
}


def child_environment(environ: Mapping[str, str], path: Sequence[str]) -> dict[str, str]:
    """The variables of a child that imports from `path`, where its parent does.

    Names on the list pass unless they look like a secret; everything else stays behind.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if (name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)) and not _looks_secret(name)
    }
    folders = [str(Path(entry).absolute()) for entry in path]  # "" is a folder that the child is not in
    return {**_UNLESS_GIVEN, **kept, **_SET, "PYTHONPATH": os.pathsep.join(folders)}


def _looks_secret(name: str) -> bool:
    return any(word in name for word in ("TOKEN", "SECRET", "PASSWORD", "KEY", "CREDENTIAL"))
