"""One llama.cpp server in this process, silent, and out of everyone else's reach.

llama.cpp opens an HTTP listener that can neither be left out nor be given a token in its URL space: ours
listens on a socket file in a private folder, which is removed as soon as it is there, and asks for a random
key besides.
"""

from __future__ import annotations

import ctypes
import platform
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import xllamacpp

from persona.engine.cores import own_cores
from persona.errors import EngineError

CHUNK = 128  # tokens of a prompt that are computed at once; a request can be cancelled in between
_SILENT = -1
_MEBIBYTE = 2**20
_KEPT_MIB = 64  # of idle talks: some 1,400 tokens of a base with 135M parameters
_KEPT_SHARE = 4  # a larger base needs more for a token: a fourth of its own size, then
# What of a prompt an idle slot has to know for it to go on there. Below that, the talk that knows most of it
# is looked for among those that are kept. A system prompt that all share reaches llama.cpp's own tenth.
_ALIKE = 0.5
# A socket's path has room for about 100 bytes, and macOS gives its temporary folders long names.
_SHORT_FOLDER = "/tmp" if platform.system() == "Darwin" else None  # noqa: S108  # mkdtemp makes it private

OnChunk = Callable[[Mapping[str, Any]], bool]


class LlamaServer:
    """A base and at most one adapter. `slots` requests may run at once, each from a thread of its own."""

    def __init__(
        self, model: Path, adapter: Path | None, *, context: int, threads: int | None, slots: int = 1
    ) -> None:
        folder = Path(tempfile.mkdtemp(prefix="persona-", dir=_SHORT_FOLDER))
        try:
            parameters = server_parameters(
                model,
                adapter,
                context=context,
                threads=threads,
                slots=slots,
                socket=folder / "s.sock",
                key=secrets.token_hex(32),
            )
            self._server: Any = xllamacpp.Server(parameters)
        except RuntimeError:
            what = f"{model} with {adapter}" if adapter else str(model)
            raise EngineError(
                f"llama.cpp cannot load {what}: `persona fsck` tells whether it is intact"
            ) from None
        finally:
            shutil.rmtree(folder)
        self._asked = False

    def generate(self, request: Mapping[str, Any], on_chunk: OnChunk) -> None:
        """Run one request; `on_chunk` gets each piece of the answer and says whether to stop."""
        self._asked = True
        raised: list[BaseException] = []

        def guarded(chunk: Mapping[str, Any]) -> bool:
            try:
                return on_chunk(chunk)
            except BaseException as error:  # noqa: BLE001  # the library would swallow it; raised below
                raised.append(error)
                return True

        self._server.handle_completions({**request, "stream": True, "return_progress": True}, guarded)
        if raised:
            raise raised[0]

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The whole answer to one request."""
        self._asked = True
        answer: Mapping[str, Any] = self._server.handle_completions(dict(request))
        if "error" in answer:
            raise EngineError(
                f"llama.cpp refused a request: {answer['error'].get('message', answer['error'])}"
            )
        return answer

    def close(self) -> None:
        """Nothing can be asked after it. Idempotent."""
        if self._server is not None and not self._asked:
            # Its destructor waits forever for a loop that had not begun when it was told to end.
            self.ask({"prompt": [0], "n_predict": 0, "cache_prompt": False})
        self._server = None  # its destructor stops the threads and frees the memory
        _give_back()


def server_parameters(
    model: Path,
    adapter: Path | None,
    *,
    context: int,
    threads: int | None,
    socket: Path,
    key: str,
    slots: int = 1,
) -> Any:
    """What llama.cpp is started with; lengths in tokens. The slots share one memory of `context` tokens, and
    each may use all of it. Whoever computes looks through all that stands there, whoever it belongs to: so
    idle slots are emptied as soon as another begins, and their talks kept beside it, the latest ones.
    """
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.n_ctx = context
    parameters.n_parallel = slots
    parameters.kv_unified = slots > 1
    parameters.n_batch = parameters.n_ubatch = CHUNK
    parameters.n_gpu_layers = 0
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads or own_cores()
    parameters.n_threads_http = 1
    parameters.hostnames = [str(socket)]  # a name that ends in .sock is a path, and no port is opened
    parameters.api_keys = [key]
    parameters.ui = parameters.endpoint_slots = parameters.endpoint_props = parameters.endpoint_metrics = (
        False
    )
    parameters.cache_idle_slots = slots > 1
    parameters.cache_ram_mib = _kept_mib(model) if slots > 1 else 0  # one slot: the engine decides
    parameters.slot_prompt_similarity = _ALIKE
    parameters.n_ctx_checkpoints = 0
    parameters.fit_params = parameters.warmup = False
    parameters.verbosity = _SILENT
    if adapter is not None:
        lora = xllamacpp.CommonAdapterLoraInfo()
        lora.path, lora.scale = str(adapter), 1.0
        parameters.lora_adapters = [lora]
    return parameters


def _give_back() -> None:
    """To the system, what glibc keeps of freed memory: after some swaps that is a fifth of a daemon."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other libraries of C have none
    if trim is not None:
        trim(0)


def _kept_mib(model: Path) -> int:
    return max(_KEPT_MIB, model.stat().st_size // _MEBIBYTE // _KEPT_SHARE)
