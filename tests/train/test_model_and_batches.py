"""Blocks: what a model gives for them is what it gives for each prompt and completion alone."""

import pytest
import torch
from torch.nn import functional

from persona.engine.workers import Workers
from persona.errors import TrainingError
from persona.train.batches import Material, Stem, StepTotals, block_of, collate, totals
from persona.train.model import (
    Passes,
    completion_logits,
    require_plain_attention,
    sequence_logprobs,
    top_logprobs,
)
from persona.train.plan import Micro, Plan
from persona.train.replay import ReplayRow
from persona.train.rows import Likeliest, Row

SEQUENCES = [
    ((5, 6, 7, 8), (9, 10, 2), (11, 12, 13, 14, 2)),
    ((20, 21), (22, 2)),
    ((30, 31, 32, 33, 34, 35, 36), (37, 2), (38, 39, 2)),
]


def alone(model, prompt, completion):
    """log p of each completion token, computed by the model's own forward pass on one sequence."""
    ids = torch.tensor([[*prompt, *completion]])
    logits = model(input_ids=ids).logits[0, len(prompt) - 1 : -1]
    return functional.log_softmax(logits.float(), -1)[range(len(completion)), list(completion)]


def test_a_shared_prompt_changes_no_logit(tiny_model):
    """Both sides of a pair in one sequence, padded among others: as if each had been computed alone."""
    block = block_of([Stem(branches=[sequence]) for sequence in SEQUENCES], pad=2)
    logits = completion_logits(tiny_model, block)
    found = functional.log_softmax(logits.float(), -1)[range(len(block["targets"])), block["targets"]]
    expected = [alone(tiny_model, prompt, c) for prompt, *completions in SEQUENCES for c in completions]
    torch.testing.assert_close(torch.cat(expected), found, atol=1e-4, rtol=1e-4)
    owners = [n for n, c in enumerate(c for _, *cs in SEQUENCES for c in cs) for _ in c]
    assert owners == block["completion"].tolist()


def test_a_shared_beginning_changes_no_logit(tiny_model):
    """Several prompts that begin alike, with one or two completions each: as if each were alone."""
    begin = (3, 4, 5, 6)
    stem = Stem(tokens=begin, branches=SEQUENCES)
    block = block_of([stem, Stem(branches=[SEQUENCES[1]])], pad=2)
    logits = completion_logits(tiny_model, block)
    found = functional.log_softmax(logits.float(), -1)[range(len(block["targets"])), block["targets"]]
    expected = [alone(tiny_model, (*begin, *prompt), c) for prompt, *cs in SEQUENCES for c in cs]
    expected.append(alone(tiny_model, *SEQUENCES[1]))

    assert (2, len(stem)) == tuple(block["input_ids"].shape)
    torch.testing.assert_close(torch.cat(expected), found, atol=1e-4, rtol=1e-4)


def test_sequence_logprobs_are_sums_whatever_the_portions(tiny_model):
    """The budget divides the work and changes nothing else."""
    pairs = [(prompt, c) for prompt, *completions in SEQUENCES for c in completions]
    expected = [alone(tiny_model, prompt, c).sum().item() for prompt, c in pairs]
    for budget in (1, 20, 1000):
        with Workers(device="cpu", threads=2) as workers:
            passes = Passes(device="cpu", pad=2, workers=workers, budget=budget)
            found = sequence_logprobs(tiny_model, pairs, passes)
        assert expected == pytest.approx(found, abs=1e-3)


def test_top_logprobs_are_the_likeliest_tokens_in_order(tiny_model):
    """Ids and values of each position, handed back in the order of the sequences."""
    pairs = [(prompt, completion) for prompt, completion, *_ in SEQUENCES]
    with Workers(device="cpu", threads=2) as workers:
        found = top_logprobs(tiny_model, pairs, 4, Passes(device="cpu", pad=2, workers=workers, budget=12))
    for (prompt, completion), (ids, values) in zip(pairs, found, strict=True):
        logits = tiny_model(input_ids=torch.tensor([[*prompt, *completion]])).logits[0, len(prompt) - 1 : -1]
        expected_values, expected_ids = functional.log_softmax(logits.float(), -1).topk(4, -1)
        assert expected_ids.tolist() == ids.tolist()
        torch.testing.assert_close(expected_values, values, atol=1e-4, rtol=1e-4)


def test_a_base_with_other_layers_is_refused(tiny_model):
    """Our mask would be ignored by them, and pairs would read each other's answers."""
    require_plain_attention(tiny_model.config)
    tiny_model.config.layer_types = ["full_attention", "linear_attention"]
    with pytest.raises(TrainingError, match="linear_attention"):
        require_plain_attention(tiny_model.config)


LIKELIEST = Likeliest(kept=torch.zeros(2, 4), logprobs=torch.zeros(2, 4))
MATERIAL = Material(
    rows=[
        Row(prompt=(5, 6), chosen=(7, 2), rejected=(8, 9, 2)),
        Row(prompt=(5,), chosen=(6, 6, 2), calls=True),
        Row(prompt=(4,), chosen=(3, 2), rejected=(2,)),
        Row(prompt=(4,), chosen=(3, 6, 5, 2), practised=True, own=LIKELIEST),
    ],
    base_logprobs=[(-1.0, -2.0), None, (-3.0, -4.0), None],
    replay=[ReplayRow(prompt=(1,), completion=(2, 3), likeliest=LIKELIEST)],
    pad=2,
)


def test_collated_tensors_name_the_completions_of_each_term():
    """Wanted completions of all rows, both sides of the pairs, their base log-probabilities in that order."""
    block = collate(
        Micro(step=0, user=(1, 2, 0), replay=(0,)),
        MATERIAL,
        StepTotals(prose_tokens=4, call_tokens=3, practice_tokens=0, pairs=2, replay_tokens=2),
    )
    assert 5 == block["completions"]
    assert [False] * 11 + [True] * 2 == block["base"].tolist()
    assert ([1, 3], [0]) == (block["prose"].tolist(), block["calls"].tolist())
    assert ([1, 3], [2, 4]) == (block["chosen"].tolist(), block["rejected"].tolist())
    assert [[-3.0, -4.0], [-1.0, -2.0]] == block["base_logprobs"].tolist()
    assert [0, 0, 0, 1, 1, 2, 3, 3, 4, 4, 4, 5, 5] == block["completion"].tolist()


def test_what_rows_share_is_in_their_block_once():
    """A micro-batch of calls is one sequence: what their prompts begin with, then each one's rest."""
    rows = [
        Row(prompt=(5, 6, 7), chosen=(8, 2), rejected=(9, 2), calls=True),
        Row(prompt=(5, 6, 4), chosen=(3, 2), calls=True),
    ]
    material = Material(rows=rows, base_logprobs=[(-1.0, -2.0), None], replay=[], pad=2)
    total = StepTotals(prose_tokens=0, call_tokens=4, practice_tokens=0, pairs=1, replay_tokens=0)
    block = collate(Micro(step=0, user=(0, 1), shared=2), material, total)

    assert [[5, 6, 7, 8, 2, 9, 2, 4, 3, 2]] == block["input_ids"].tolist()
    assert [[0, 1, 2, 3, 4, 3, 4, 2, 3, 4]] == block["position_ids"].tolist()
    assert [0, 2] == block["calls"].tolist()
    assert ([0], [1]) == (block["chosen"].tolist(), block["rejected"].tolist())


def test_prose_behind_tools_is_kept_and_not_learnt():
    """It stands beside the calls, and adds to what the base's distribution is kept at."""
    rows = [
        Row(prompt=(5, 6, 7), chosen=(8, 2), calls=True),
        Row(prompt=(5, 6, 4), chosen=(3, 2), own=LIKELIEST, calls=True),
    ]
    material = Material(rows=rows, base_logprobs=[None, None], replay=[], pad=2)
    micro = Micro(step=0, user=(0, 1), shared=2)
    (total,) = totals(Plan(steps=1, micros=(micro,)), material)
    block = collate(micro, material, total)

    assert (2, 2) == (total.call_tokens, total.replay_tokens)
    assert [False, False, True, True] == block["base"].tolist()
    assert 2 == len(block["kept"])


def test_totals_count_a_step_however_it_is_divided():
    """Two micro-batches of one step share the step's totals."""
    plan = Plan(steps=1, micros=(Micro(step=0, user=(0,)), Micro(step=0, user=(1,), replay=(0,))))
    assert [StepTotals(prose_tokens=2, call_tokens=3, practice_tokens=0, pairs=1, replay_tokens=2)] == totals(
        plan, MATERIAL
    )


def test_the_own_part_of_a_practised_answer_belongs_to_replay():
    """Its first two tokens keep the base's distribution, the others are learnt, and both are counted so."""
    micro = Micro(step=0, user=(3,), replay=(0,))
    total = StepTotals(prose_tokens=0, call_tokens=0, practice_tokens=2, pairs=0, replay_tokens=4)
    assert [total] == totals(Plan(steps=1, micros=(micro,)), MATERIAL)
    block = collate(micro, MATERIAL, total)
    assert [True, True, False, False, True, True] == block["base"].tolist()
    assert (4, 4) == tuple(block["kept"].shape)
    assert ([], [], [0]) == tuple(block[kind].tolist() for kind in ("prose", "calls", "practised"))
