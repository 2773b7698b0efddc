"""Broken numerics never become a revision."""

import math

import pytest
import torch

from persona.errors import BrokenNumerics
from persona.train import guards


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_loss_or_gradient_that_is_not_finite_stops_the_training(broken):
    """The message names the step and what to change."""
    with pytest.raises(BrokenNumerics, match=r"loss became .* at step 3.*learning_rate"):
        guards.finite_step(3, broken, 1.0)
    with pytest.raises(BrokenNumerics, match="gradient became"):
        guards.finite_step(3, 1.0, broken)


def test_training_without_any_gradient_is_refused():
    """A frozen adapter trains without complaint otherwise."""
    with pytest.raises(BrokenNumerics, match="no step had a gradient"):
        guards.learnt([0.0, 0.0])
    guards.learnt([0.0, 0.1])


def test_one_tensor_that_did_not_move_is_named():
    """Lost gradients of single layers show nowhere else."""
    before = {"a": torch.zeros(3), "b": torch.zeros(3)}
    after = {"a": torch.ones(3), "b": torch.zeros(3)}
    with pytest.raises(BrokenNumerics, match="1 of 2 adapter tensors did not move, the first is b"):
        guards.changed(before, after)
    guards.changed(before, {"a": torch.ones(3), "b": torch.ones(3)})


def test_one_value_that_is_not_finite_is_named():
    """Also one that only the half precision of the file makes infinite."""
    with pytest.raises(BrokenNumerics, match="layer holds a value"):
        guards.finite_tensors({"layer": torch.tensor([1.0, 70000.0]).half()})


@pytest.mark.parametrize("completion", [(), (5, 6)])
def test_a_completion_without_its_end_token_is_refused(completion):
    """The model would never learn to stop."""
    with pytest.raises(BrokenNumerics, match="completion 1 does not end"):
        guards.ends_with_eos([(5, 2), completion], 2)
