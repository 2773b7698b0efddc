"""The three terms against their definitions."""

import math

import pytest
import torch
from torch.nn import functional

from persona.train.losses import per_sequence, preference_loss, replay_divergence, starts, token_logprobs


def test_token_logprobs_are_the_log_softmax_at_the_target():
    """The plain definition, term by term."""
    logits = torch.randn(5, 11, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([0, 3, 10, 7, 3])
    expected = functional.log_softmax(logits, -1)[torch.arange(5), targets]
    torch.testing.assert_close(expected, token_logprobs(logits, targets))


def test_sequences_are_summed_apart():
    """A sequence without tokens sums to zero."""
    sums = per_sequence(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 2, 2]), 3)
    assert [1.0, 0.0, 6.0] == sums.tolist()


def test_preference_loss_is_log_two_without_a_margin():
    """An adapter that changes nothing is exactly undecided."""
    same = torch.tensor([-3.0])
    assert math.log(2) == pytest.approx(preference_loss(same, same, same, same, beta=0.1).item())


def test_preference_loss_falls_as_the_chosen_side_gains_on_the_base():
    """What counts is the gain over the base, not the likelihood itself."""
    base = torch.tensor([-50.0]), torch.tensor([-10.0])
    gain = preference_loss(torch.tensor([-40.0]), torch.tensor([-10.0]), *base, beta=0.1)
    loss = preference_loss(torch.tensor([-60.0]), torch.tensor([-10.0]), *base, beta=0.1)
    assert gain.item() < math.log(2) < loss.item()


def test_replay_divergence_over_all_tokens_is_the_kl():
    """With every token kept but one, the bucket is that token, and the sum is the whole divergence."""
    generator = torch.Generator().manual_seed(2)
    base, student = torch.randn(2, 6, 9, generator=generator)
    kept = torch.arange(8).expand(6, 8)
    base_logprobs = functional.log_softmax(base, -1)
    expected = functional.kl_div(
        functional.log_softmax(student, -1), base_logprobs, log_target=True, reduction="none"
    ).sum(-1)
    torch.testing.assert_close(
        expected, replay_divergence(student, kept, base_logprobs.gather(-1, kept)), atol=1e-4, rtol=1e-3
    )


def test_replay_divergence_never_exceeds_the_kl():
    """The bucket hides differences inside it and invents none."""
    generator = torch.Generator().manual_seed(3)
    base, student = torch.randn(2, 40, 50, generator=generator) * 3
    values, kept = functional.log_softmax(base, -1).topk(4, -1)
    full = functional.kl_div(
        functional.log_softmax(student, -1),
        functional.log_softmax(base, -1),
        log_target=True,
        reduction="none",
    ).sum(-1)
    bounded = replay_divergence(student, kept, values)
    assert (bounded <= full + 1e-4).all()
    assert (bounded >= -1e-5).all()


def test_replay_divergence_of_the_base_with_itself_is_zero():
    """The term pulls nowhere while the adapter changes nothing."""
    logits = torch.randn(4, 30, generator=torch.Generator().manual_seed(4))
    values, kept = functional.log_softmax(logits, -1).topk(5, -1)
    torch.testing.assert_close(torch.zeros(4), replay_divergence(logits, kept, values), atol=1e-5, rtol=0)


def test_every_completion_starts_once() -> None:
    """Where the number of the completion changes, and at the very beginning."""
    numbers = torch.tensor([0, 0, 1, 2, 2, 2])
    assert [True, False, True, True, False, False] == starts(numbers).tolist()
