"""What most prompts begin with, computed once a step for all rows that begin so.

A template puts the same tokens before each request: with the starter base they were a fifth of a night of
short answers. What the model makes of them hangs on the adapter, and so is made anew each step; the
gradients that reach it from all micro-batches of the step go back through it together.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from persona.train.model import KeysValues, causal_and_trunk
from persona.train.replay import ReplayRow

_LEAST = 8  # tokens: fewer are not worth a pass of their own


def opening_of(replay: Sequence[ReplayRow]) -> tuple[int, ...]:
    """What the template puts before a plain request: what all prompts of replay begin with, if enough."""
    if len(replay) < 2:
        return ()
    together = zip(*(row.prompt[:-1] for row in replay), strict=False)
    begin = tuple(each[0] for each in takewhile(lambda tokens: len(set(tokens)) == 1, together))
    return begin if len(begin) >= _LEAST else ()


class Opening:
    """The keys and values that each layer makes of `tokens`, with the way back to the adapter.

    A pass goes on from `branched`, tensors that know no way back, so that passes in other threads end there.
    """

    def __init__(self, model: Any, tokens: Sequence[int]) -> None:
        _, trunk = causal_and_trunk(model)
        cache = DynamicCache()
        trunk(input_ids=torch.tensor([tokens]), past_key_values=cache, use_cache=True)
        self._states = [state for layer in cache.layers for state in (layer.keys, layer.values)]
        self._learning = [state for state in self._states if state.requires_grad]

    def branched(self) -> tuple[KeysValues, list[Tensor]]:
        """The keys and values, and those of them whose gradients are wanted back."""
        states = [state.detach().requires_grad_(state.requires_grad) for state in self._states]
        pairs = list(zip(states[::2], states[1::2], strict=True))
        return pairs, [state for state in states if state.requires_grad]

    def gradients(self, arrived: Sequence[Tensor], parameters: Sequence[Tensor]) -> Sequence[Tensor]:
        """Of each parameter, from what arrived at the keys and values; 0 where it has no part in them."""
        return torch.autograd.grad(self._learning, parameters, arrived, materialize_grads=True)
