"""What prompts begin with, computed once: nothing that goes on from it notices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch.nn import functional

from persona.train.batches import Material, StepTotals, collate, lengths
from persona.train.model import attention_for, completion_hidden, logits_of
from persona.train.opening import Opening, opening_of
from persona.train.plan import Micro, plan
from persona.train.recipe import Schedule
from persona.train.replay import ReplayRow
from persona.train.rows import Family, Likeliest, Row

BEGIN = (3, 4, 5, 6, 7, 8, 9, 10)
ROWS = [
    Row(prompt=(*BEGIN, 20, 21), chosen=(22, 23, 2), rejected=(24, 25, 26, 2)),
    Row(prompt=(30, 31, 32), chosen=(33, 2)),
    Row(prompt=(*BEGIN, 40), chosen=(41, 42, 2)),
    Row(prompt=BEGIN, chosen=(12, 2)),
]
NONE = StepTotals(prose_tokens=1, call_tokens=0, practice_tokens=0, pairs=1, replay_tokens=0)


def replayed(*prompt: int) -> ReplayRow:
    likeliest = Likeliest(kept=torch.zeros(1, 4), logprobs=torch.zeros(1, 4))
    return ReplayRow(prompt=prompt, completion=(2,), likeliest=likeliest)


def block(opening: tuple[int, ...]) -> dict[str, torch.Tensor]:
    material = Material(
        rows=ROWS,
        base_logprobs=[(-1.0, -2.0), None, None, None],
        replay=[],
        pad=2,
        opening=opening,
    )
    return collate(Micro(step=0, user=(0, 1, 2, 3)), material, NONE)


def adapted(tiny_model: Any) -> Any:
    torch.manual_seed(5)
    modules = ["q_proj", "k_proj", "v_proj", "up_proj"]
    return get_peft_model(tiny_model, LoraConfig(r=2, target_modules=modules, init_lora_weights=False))


def test_it_is_what_the_template_puts_before_a_request() -> None:
    """What replay prompts begin with; nothing where that is little, or there is nothing to compare."""
    assert opening_of([replayed(*BEGIN, 20, 21), replayed(*BEGIN, 30)]) == BEGIN
    assert opening_of([replayed(*BEGIN[:4], 20, 21), replayed(*BEGIN)]) == ()
    assert opening_of([replayed(*BEGIN, 20)]) == ()
    assert opening_of([]) == ()


def test_a_prompt_that_is_no_more_than_it_is_computed_in_full() -> None:
    """Its last token is where its completion begins, so that it has to be in the block."""
    assert opening_of([replayed(*BEGIN), replayed(*BEGIN)]) == ()
    assert [row.length - 8 * begins for row, begins in zip(ROWS, (1, 0, 1, 0), strict=True)] == lengths(
        ROWS, BEGIN
    )


def test_a_plan_counts_what_a_step_computes() -> None:
    """Prose goes on from the opening, calls bring their own beginning, and no block is wider than planned."""
    calls = [Row(prompt=(*BEGIN, 60, 61, n), chosen=(70, n, 2), calls=True) for n in range(80, 84)]
    rows = [*(replace(row, rejected=()) for row in ROWS[:3]), *calls]
    material = Material(rows=rows, base_logprobs=[None] * 7, replay=[], pad=2, opening=BEGIN)
    schedule = Schedule(batch=3, call_batch=3, min_steps=3, max_steps=3, micro_tokens=10, bundle_tokens=22)
    sizes = lengths(rows, BEGIN)
    family = Family(groups=((3,), (4,), (5,), (6,)), shared=10)
    made = plan(
        user_lengths=sizes,
        replay_lengths=[],
        schedule=schedule,
        seed=1,
        groups=[[0], [1], [2]],
        calls=[family],
    )
    shapes = [(micro, collate(micro, material, NONE)["input_ids"].shape) for micro in made.micros]
    assert made.widest(sizes, []) == max(shape[1] for _, shape in shapes)
    assert {True, False} == {micro.shared > 0 for micro, _ in shapes}
    for micro, shape in shapes:
        assert shape.numel() <= (22 if micro.user[0] > 2 else 10)


@pytest.mark.parametrize(("widest", "expected"), [(384, "eager"), (385, "sdpa")])
def test_long_sequences_keep_no_square_of_their_length(widest: int, expected: str) -> None:
    """What plain attention keeps for the way back grows with it, for each head of each layer."""
    assert expected == attention_for(widest)


def test_rows_go_on_from_it_as_if_they_had_computed_it(tiny_model: Any) -> None:
    """Beside rows that begin otherwise, and with an adapter: each token is as likely as it is alone."""
    model = adapted(tiny_model)
    states, _ = Opening(model, BEGIN).branched()
    found = block(BEGIN)
    logits = logits_of(model, completion_hidden(model, found, states))
    logprobs = functional.log_softmax(logits.float(), -1)[range(len(found["targets"])), found["targets"]]

    expected = []
    for row in ROWS:
        for completion in row.completions:
            ids = torch.tensor([[*row.prompt, *completion]])
            alone = model(input_ids=ids).logits[0, len(row.prompt) - 1 : -1]
            expected.append(
                functional.log_softmax(alone.float(), -1)[range(len(completion)), list(completion)]
            )
    assert found["input_ids"].numel() < block(())["input_ids"].numel()
    torch.testing.assert_close(torch.cat(expected), logprobs, atol=1e-4, rtol=1e-4)


def test_gradients_go_back_through_it(tiny_model: Any) -> None:
    """With those that arrived at the opening's end they are what they would be without one."""
    model = adapted(tiny_model)
    parameters = [each for each in model.parameters() if each.requires_grad]

    def loss(opening: tuple[int, ...], states: Any) -> torch.Tensor:
        found = block(opening)
        logits = logits_of(model, completion_hidden(model, found, states))
        return functional.cross_entropy(logits.float(), found["targets"])

    expected = torch.autograd.grad(loss((), ()), parameters)
    opening = Opening(model, BEGIN)
    states, ends = opening.branched()
    own = torch.autograd.grad(loss(BEGIN, states), [*parameters, *ends])
    through = opening.gradients(own[len(parameters) :], parameters)
    assert any(each.abs().max() > 1e-4 for each in through)
    for wanted, here, back in zip(expected, own[: len(parameters)], through, strict=True):
        torch.testing.assert_close(wanted, here + back, atol=1e-5, rtol=1e-3)
