"""The transformers engine keeps the engine's contract; an adapter means the same to it as to llama.cpp."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from contracts.engine_contract import FRUITS, SEVERAL, SHORT, DrawnContract, EngineContract, OpenEngine
from engine_parts import likeliest

from persona.engine.llama_cpp import LlamaCppEngine
from persona.engine.protocol import Sampling
from persona.engine.torch_model import attach_adapter, load_model
from persona.engine.transformers_engine import TransformersEngine
from persona.engine.wording import Wording
from persona.errors import EngineError, PromptTooLong

pytestmark = pytest.mark.base

TEXTS = [
    "The weather today is",
    "<|im_start|>user\nName three fruits.<|im_end|>\n<|im_start|>assistant\n",
    "Once upon a time there was a",
    "def fibonacci(n):\n    ",
    "The capital of France is",
]


@pytest.fixture(scope="module")
def bare(starter_base):
    engine = TransformersEngine(starter_base, None, "r0", device="cpu")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def adapted(starter_base, lora_folder):
    engine = TransformersEngine(starter_base, lora_folder, "rev-lora", device="cpu")
    yield engine
    engine.close()


class TestTransformersEngine(DrawnContract, EngineContract):
    @pytest.fixture
    def revision(self) -> str:
        return "r0"

    @pytest.fixture
    def engine(self, bare) -> TransformersEngine:
        return bare

    @pytest.fixture
    def fresh(self, starter_base) -> OpenEngine:
        return lambda: TransformersEngine(starter_base, None, "r0", device="cpu")


def test_an_adapter_changes_the_answers(bare, adapted) -> None:
    """The adapter is applied, and seen to be."""
    assert 0.0 == bare.adapter_effect()
    assert adapted.adapter_effect() > 0.05
    assert bare.complete([FRUITS], SHORT)[0].text != adapted.complete([FRUITS], SHORT)[0].text


def test_batches_are_padded_without_trace(starter_base) -> None:
    """Prompts of different lengths that are answered together get whole answers with their own counts."""
    engine = TransformersEngine(starter_base, None, "r0", device="cpu", batch=4)
    try:
        together = engine.complete(SEVERAL, Sampling(max_tokens=20))
    finally:
        engine.close()

    assert len({answer.prompt_tokens for answer in together}) > 1
    assert "stop" == together[0].finish_reason
    assert "1. Bananas" == together[0].text.splitlines()[0]
    assert "length" == together[1].finish_reason
    assert 20 == together[1].completion_tokens
    assert "Paris" in together[2].text


def test_a_schema_is_refused(bare) -> None:
    """The error names the engine that can."""
    with pytest.raises(EngineError, match=r"llama\.cpp"):
        bare.complete([FRUITS], Sampling(json_schema={"type": "object"}))


def test_a_prompt_beyond_the_context_is_refused_by_torch_too(starter_base) -> None:
    """What does not fit is an error that gives both lengths."""
    engine = TransformersEngine(starter_base, None, "r0", device="cpu", context=20)
    try:
        with pytest.raises(PromptTooLong, match=r"has \d+ tokens .* 20"):
            engine.complete([FRUITS], SHORT)
    finally:
        engine.close()


def test_both_engines_serve_the_same_adapter(starter_base, lora_folder, lora_gguf) -> None:
    """What the adapter does to the likeliest next tokens is the same under llama.cpp and under torch.

    The adapter is strong on queries and keys, whose rows the two keep in different orders: with the wrong
    order the correlation below is under 0.3, and with the right one 0.98. The bases themselves differ by
    about 0.1 nats, since llama.cpp computes in 8 bits.
    """
    encode = Wording(starter_base, 512).encode
    loaded = load_model(starter_base, device="cpu", dtype=torch.float32)
    model = attach_adapter(loaded, lora_folder)
    engines = [LlamaCppEngine(starter_base, adapter, "x", context=512) for adapter in (None, lora_gguf)]
    in_llama, in_torch, same_choice = [], [], 0
    try:
        for tokens in map(encode, TEXTS):
            off, on = (likeliest(engine, tokens, 400) for engine in engines)
            block = torch.tensor([tokens])
            with torch.inference_mode():
                revised = model(input_ids=block).logits[0, -1].log_softmax(-1)
                with model.disable_adapter():
                    base = model(input_ids=block).logits[0, -1].log_softmax(-1)
            both = sorted(on.keys() & off.keys(), key=lambda token: -off[token])[:100]
            in_llama += [on[token] - off[token] for token in both]
            in_torch += (revised - base)[both].tolist()
            same_choice += max(on, key=lambda token: on[token]) == int(revised.argmax())
    finally:
        for engine in engines:
            engine.close()

    assert np.std(in_torch) > 0.5
    assert np.corrcoef(in_llama, in_torch)[0, 1] > 0.9
    assert np.abs(np.subtract(in_llama, in_torch)).mean() < 0.25
    assert same_choice >= len(TEXTS) - 1
