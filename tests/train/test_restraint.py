"""An adapter that drifts too far is taken back, in its tensors, as far as needed and no further."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from persona.engine.workers import Workers
from persona.train.model import Passes, top_logprobs
from persona.train.recipe import Restraint
from persona.train.replay import ReplayRow
from persona.train.restraint import divergence, parted, restrain
from persona.train.rows import Likeliest

PAIRS = [((5, 6, 7), (8, 9, 10, 2)), ((20, 21), (22, 23, 2)), ((30, 31, 32, 33), (34, 2))]
PASSES = Passes(device="cpu", pad=2, workers=Workers(device="cpu", threads=1), budget=12)


@pytest.fixture
def rows(tiny_model: Any) -> list[ReplayRow]:
    tops = top_logprobs(tiny_model, PAIRS, 8, PASSES)
    return [
        ReplayRow(prompt=prompt, completion=completion, likeliest=Likeliest(kept=kept, logprobs=logprobs))
        for (prompt, completion), (kept, logprobs) in zip(PAIRS, tops, strict=True)
    ]


def adapted(tiny_model: Any, strength: float) -> Any:
    config = LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj", "up_proj"])
    model = get_peft_model(tiny_model, config)
    torch.manual_seed(3)
    for name, parameter in model.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=strength)
    return model.eval()


def norms(model: Any) -> dict[str, float]:
    return {name: float(p.detach().norm()) for name, p in model.named_parameters() if p.requires_grad}


def test_one_that_drifts_little_is_left_alone(tiny_model: Any, rows: Sequence[ReplayRow]) -> None:
    """Below the limit no tensor changes."""
    model = adapted(tiny_model, 0.01)
    before = norms(model)

    found = restrain(model, rows, Restraint(drift=1.0), PASSES)

    assert 1.0 == found.scale
    assert before == norms(model)
    assert found.drift is not None
    assert 0 < found.drift < 1.0


def test_one_that_drifts_is_taken_back_below_the_limit(tiny_model: Any, rows: Sequence[ReplayRow]) -> None:
    """Its B factors bear the scale, its A factors stay, and the drift told is the drift that is there."""
    model = adapted(tiny_model, 0.2)
    before, first = norms(model), divergence(model, rows, PASSES)
    limit = Restraint(drift=first / 3, least=0.01)

    found = restrain(model, rows, limit, PASSES)

    assert found.drift is not None
    assert limit.drift >= found.drift > limit.drift / 3
    assert found.drift == pytest.approx(divergence(model, rows, PASSES))
    for name, norm in norms(model).items():
        assert before[name] * (found.scale if ".lora_B." in name else 1.0) == pytest.approx(norm, rel=1e-5)


def test_never_below_the_least(tiny_model: Any, rows: Sequence[ReplayRow]) -> None:
    """What drifts even then keeps the least scale, for the gate to refuse."""
    model = adapted(tiny_model, 2.0)

    found = restrain(model, rows, Restraint(drift=1e-9, least=0.5), PASSES)

    assert 0.5 == found.scale
    assert found.drift is not None
    assert found.drift > 1e-9


def test_without_rows_nothing_is_measured(tiny_model: Any) -> None:
    """A recipe without replay has nothing to hold the adapter against."""
    found = restrain(adapted(tiny_model, 0.5), [], Restraint(), PASSES)

    assert (1.0, None) == (found.scale, found.drift)


@pytest.mark.parametrize(("have", "wanted", "apart"), [(64, 24, 16), (200, 24, 24), (3, 24, 0), (40, 0, 0)])
def test_rows_kept_apart(rows: Sequence[ReplayRow], have: int, wanted: int, apart: int) -> None:
    """Spread over the whole set, at most a quarter, and never trained on."""
    many = [ReplayRow(prompt=(n,), completion=(1, 2), likeliest=rows[0].likeliest) for n in range(have)]

    trained_on, held = parted(many, Restraint(rows=wanted))

    assert apart == len(held)
    assert {row.prompt for row in many} == {row.prompt for row in (*trained_on, *held)}
    assert have == len(trained_on) + len(held)
    if apart:
        assert held[-1].prompt[0] >= have * (apart - 1) // apart
