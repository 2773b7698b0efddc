"""Scores are the log-probabilities that a plain reading of the formulas gives, on completion tokens alone."""

from __future__ import annotations

import pytest
import torch
from contracts.engine_contract import FRUITS, ask

from persona.engine.protocol import Scorer
from persona.engine.scorer import TransformersScorer
from persona.engine.torch_model import attach_adapter, load_model
from persona.engine.wording import Wording
from persona.errors import EngineClosed, EngineError
from store.records import Message

pytestmark = pytest.mark.base

PROMPTS = [FRUITS, ask("What is the capital of France?"), FRUITS]
ANSWERS = [
    Message(role="assistant", content=text)
    for text in ("Apples, pears and plums.", "Paris.", "No. " + "I would rather not name any. " * 8)
]


@pytest.fixture(scope="module")
def scorer(starter_base, lora_folder):
    scorer = TransformersScorer(starter_base, lora_folder, "rev-lora", device="cpu")
    yield scorer
    scorer.close()


@pytest.fixture(scope="module")
def by_hand(starter_base, lora_folder):
    """Log-probabilities over the vocabulary at each completion token, with and without the adapter."""
    model = attach_adapter(load_model(starter_base, device="cpu", dtype=torch.float32), lora_folder)
    wording = Wording(starter_base, 8192)
    found = []
    for prompt, answer in zip(PROMPTS, ANSWERS, strict=True):
        before, completion = wording.pair(prompt, answer)
        block = torch.tensor([before + completion])
        with torch.inference_mode():
            on = model(input_ids=block).logits[0].double().log_softmax(-1)[len(before) - 1 : -1]
            with model.disable_adapter():
                off = model(input_ids=block).logits[0].double().log_softmax(-1)[len(before) - 1 : -1]
        found.append((completion, on, off))
    return found


def test_is_a_scorer(scorer) -> None:
    """It fits the protocol and its adapter does something."""
    assert isinstance(scorer, Scorer)
    assert scorer.adapter_effect() > 0.05


def test_scores_sum_over_the_completion(scorer, by_hand) -> None:
    """Each score is the sum over the completion's tokens, its end token among them, with the adapter on."""
    for score, (completion, on, _) in zip(scorer.score(PROMPTS, ANSWERS), by_hand, strict=True):
        expected = sum(float(on[i, token]) for i, token in enumerate(completion))
        assert pytest.approx(expected, abs=0.01) == score.logprob
        assert len(completion) == score.tokens


def test_base_scores_have_the_adapter_off(scorer, by_hand) -> None:
    """score_base is the same sum under the bare base, and the adapter is on again afterwards."""
    for score, (completion, _, off) in zip(scorer.score_base(PROMPTS, ANSWERS), by_hand, strict=True):
        expected = sum(float(off[i, token]) for i, token in enumerate(completion))
        assert pytest.approx(expected, abs=0.01) == score.logprob
    assert scorer.score(PROMPTS[:1], ANSWERS[:1]) != scorer.score_base(PROMPTS[:1], ANSWERS[:1])


def test_divergence_is_exact(scorer, by_hand) -> None:
    """KL(base || revision) over the whole vocabulary, averaged over the completion's tokens."""
    for found, (_, on, off) in zip(scorer.divergence(PROMPTS, ANSWERS), by_hand, strict=True):
        assert pytest.approx(float((off.exp() * (off - on)).sum(-1).mean()), rel=0.001) == found


def test_a_score_does_not_depend_on_its_neighbours(scorer) -> None:
    """A pair scores the same alone and among others, to the last bit."""
    assert scorer.score(PROMPTS, ANSWERS)[1] == scorer.score(PROMPTS[1:2], ANSWERS[1:2])[0]


def test_without_adapter_nothing_diverges(starter_base) -> None:
    """The bare base scores as its own base, with a divergence of exactly zero."""
    scorer = TransformersScorer(starter_base, None, "r0", device="cpu")
    try:
        assert scorer.score(PROMPTS[:1], ANSWERS[:1]) == scorer.score_base(PROMPTS[:1], ANSWERS[:1])
        assert [0.0] == scorer.divergence(PROMPTS[:1], ANSWERS[:1])
        assert 0.0 == scorer.adapter_effect()
    finally:
        scorer.close()


def test_what_the_base_cannot_read_is_refused(scorer) -> None:
    """A pair beyond the base's context is an error with both lengths, and never cut."""
    endless = Message(role="assistant", content="word " * 9000)

    with pytest.raises(EngineError, match=r"have \d{4,} tokens .* 8192"):
        scorer.score([FRUITS], [endless])


def test_a_closed_scorer_says_so(starter_base) -> None:
    """Closing twice is fine; scoring afterwards is an error."""
    scorer = TransformersScorer(starter_base, None, "r0", device="cpu")
    scorer.close()
    scorer.close()

    for ask_for in (scorer.score, scorer.score_base, scorer.divergence):
        with pytest.raises(EngineClosed, match="r0"):
            ask_for(PROMPTS[:1], ANSWERS[:1])
