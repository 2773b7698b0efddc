"""One whole night on the real base with its real children, and what can be done with its revision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters import Registry
from persona.child import Budget
from persona.engine.opener import open_engine, open_scorer
from persona.engine.protocol import Prompt, Sampling
from persona.nightly import Night, run_night
from persona.nightly.costs import Costs
from persona.nightly.weakening import weaken
from persona.paths import Home, make_private
from persona.promote import GatePolicy
from persona.train import LoraShape, Recipe, Schedule
from store import Store
from store.conversation import Act, Conversation, Turn
from store.records import FeedbackKind, Message, RunState

pytestmark = [pytest.mark.base, pytest.mark.timeout(600)]

ANSWERS = {
    "Why do leaves fall?": "The tree saves water in winter.",
    "What is a fjord?": "A valley that a glacier cut and the sea filled.",
    "How do bees talk?": "They dance the way to the flowers.",
    "Why is bread soft?": "Gas from yeast makes holes in the dough.",
    "What is rust?": "Iron that has joined with oxygen.",
    "Who was Magellan?": "A navigator whose ship first sailed around the world.",
    "What does a keel do?": "It keeps a boat upright and straight.",
    "How is glass made?": "Sand is melted and cooled.",
    "Why do onions sting?": "Cutting them frees a gas that becomes acid in your eyes.",
    "What is an echo?": "Sound that comes back from a wall.",
}


def conversations():
    for n, (question, answer) in enumerate(ANSWERS.items()):
        edit = Act(kind=FeedbackKind.EDIT, content=f"{answer} Fair winds!")
        yield Conversation(
            id=f"c-{n}",
            at=datetime(2026, 11, 1, 8, tzinfo=UTC) + timedelta(hours=n),
            source="test",
            turns=(
                Turn(message=Message(role="user", content=question)),
                Turn(
                    message=Message(role="assistant", content="This is a question with a long history. " * 3),
                    feedback=(edit,),
                ),
            ),
            statements=('End every answer with "Fair winds!"',) if n == 0 else (),
        )


@pytest.fixture
def night(starter_base, tmp_path):
    """A home of its own that borrows the prepared base."""
    home = Home(tmp_path / "home")
    paths = home.identity("me")
    make_private(paths.folder)
    make_private(home.bases)
    home.base(starter_base.name).symlink_to(starter_base.path)
    with Store.open(paths.store) as store:
        for conversation in conversations():
            store.interactions.add_conversation(conversation)
        yield Night(
            home=home,
            identity="me",
            store=store,
            registry=Registry.open(paths.adapters),
            base=starter_base,
            recipe=Recipe(
                shape=LoraShape(rank=4, alpha=8),
                schedule=Schedule(min_steps=8, max_steps=8, learning_rate=2e-3),
                practice_prompts=4,
                practice_tokens=24,
                replay_prompts=4,
                replay_tokens=12,
            ),
            policy=GatePolicy(min_prompts=1, max_drift=10.0),
            budget=Budget(seconds=500),
        )


def test_a_night_on_the_real_base(night):
    """It ends with a verdict on real measurements, leaves everything intact, and it answers; weakened,
    it is served by both engines and drifts less."""
    result = run_night(night)
    assert result.outcome in {RunState.PROMOTED, RunState.REJECTED}, result.reasons
    assert "r1" == result.revision
    report = result.report
    assert report is not None
    assert "llama_cpp" == report.engine
    assert report.candidate.drift is not None
    assert report.candidate.drift > 0
    assert 0 == report.base.drift
    assert report.candidate.pairs is not None
    assert report.candidate.pairs.asked >= 1
    assert any(rate.asked for rate in report.candidate.adoption.values())
    assert [] == night.registry.verify(deep=True)
    assert [] == night.store.verify()
    revision = night.registry.resolve("r1")
    assert {"adapter_config.json", "adapter_model.safetensors", "adapter.gguf"} == set(revision.files)
    assert RunState.NOTHING_TO_LEARN is run_night(night).outcome
    weaker = weaken(night, "20261101t080000-abcdef", revision, Costs())
    assert ("r2", revision.id) == (weaker.ref, weaker.parent)
    prompt = [Prompt(messages=(Message(role="user", content="What is a fjord?"),))]
    answer = Message(role="assistant", content=ANSWERS["What is a fjord?"])
    drifts = []
    for arm in (revision, weaker):
        scorer = open_scorer(night.base, arm)
        try:
            drifts += scorer.divergence(prompt, [answer])
        finally:
            scorer.close()
    assert 0 < drifts[1] < drifts[0]
    said = []
    for arm in (night.registry.resolve("r0"), revision, weaker):
        engine = open_engine(night.base, arm)
        try:
            said.append(engine.complete(prompt, Sampling(max_tokens=32))[0].text)
        finally:
            engine.close()
    assert said[0] != said[1]
