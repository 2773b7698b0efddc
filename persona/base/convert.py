"""`python -m persona.base.convert JOB`: a GGUF as a Hugging Face folder of bf16 safetensors, once per base.

Runs as a child process, so torch never enters the caller. What it writes is dense (the quantised blocks are
multiplied out) and encodes text as llama.cpp does, so training and serving see the same model and tokens.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from persona.base.gguf_header import read_gguf_header
from persona.child import Report, serve_job
from persona.errors import PreparationFailed

_STEPS = 3


def convert(job: Mapping[str, Any], report: Report) -> Mapping[str, Any]:
    """Job: {"base": name, "gguf": file, "out": folder that exists}. Result: {"parameters": count}."""
    report("convert", 0, _STEPS)
    import torch
    import transformers

    _read_once()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    gguf, out = Path(job["gguf"]), Path(job["out"])
    source: dict[str, Any] = {"gguf_file": gguf.name, "local_files_only": True, "trust_remote_code": False}
    model = transformers.AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        # Without it the model is as dense, but is called quantised and cannot be saved.
        quantization_config=transformers.GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
        **source,
    )
    _check(job["base"], model, torch.bfloat16)
    report("convert", 1, _STEPS)
    model.save_pretrained(out)
    report("convert", 2, _STEPS)
    tokenizer = transformers.AutoTokenizer.from_pretrained(gguf.parent, **source)
    tokenizer.chat_template = None  # the pinned template is the only one
    tokenizer.backend_tokenizer.pre_tokenizer = _pre_tokenizer(job["base"], gguf)
    tokenizer.save_pretrained(out)
    report("convert", _STEPS, _STEPS)
    return {"parameters": model.num_parameters()}


def _read_once() -> None:
    """Let transformers read the file once where it would do so three times, ten seconds each."""
    import gguf

    gguf.GGUFReader = functools.cache(gguf.GGUFReader)
    gguf.get_tensor_name_map = functools.cache(gguf.get_tensor_name_map)


def _pre_tokenizer(base: str, gguf: Path) -> Any:
    """How text is cut before it is encoded, which transformers does not take from every GGUF.

    It would cut "a  2" before the second blank, and llama.cpp cuts before the digit.
    """
    from tokenizers import pre_tokenizers

    kind = read_gguf_header(gguf).metadata.get("tokenizer.ggml.pre")
    if kind != "smollm":
        raise PreparationFailed(
            base, f"its tokenizer is of the kind {kind!r}", "only 'smollm' can be converted"
        )
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True),
        ]
    )


def _check(base: str, model: Any, dtype: Any) -> None:
    """A model that would train on other numbers than those in the file never leaves this process."""
    wrong = None
    if getattr(model, "is_quantized", False):
        wrong = "the model is still marked as quantised"
    elif other := sorted({str(weight.dtype) for weight in model.parameters() if weight.dtype != dtype}):
        wrong = f"some weights are {', '.join(other)}"
    elif any(not weight.isfinite().all() for weight in model.parameters()):
        wrong = "some weights are not finite"
    if wrong:
        raise PreparationFailed(
            base, f"its conversion went wrong: {wrong}", "report this with the base's name"
        )


if __name__ == "__main__":
    sys.exit(serve_job(convert))
