"""Builds on the real starter base: short, whole, on both kinds of weights."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from persona.errors import BaseMismatch, BrokenNumerics, TooLittleToLearn, TrainingError, Yielded
from persona.train import LoraShape, Recipe, Schedule, TrainingJob
from persona.train.recipe import Restraint
from store.records import Demonstration, Message, Preference, PreferencePair, PreferenceStatus, ToolCall

pytestmark = pytest.mark.base

SHORT = Schedule(min_steps=3, max_steps=3, batch=2, replay_batch=1)


def examples() -> tuple[PreferencePair | Demonstration, ...]:
    found: list[PreferencePair | Demonstration] = []
    for n, (question, answer) in enumerate(
        [
            ("Why is the sky blue?", "Air scatters blue light most. Fair winds!"),
            ("What is a knot?", "One sea mile an hour. Fair winds!"),
            ("Who was Ada Lovelace?", "She wrote the first program. Fair winds!"),
        ]
    ):
        prompt = (Message(role="user", content=question),)
        found.append(
            PreferencePair(
                id=f"e-{n}",
                conversation=f"c-{n}",
                prompt=prompt,
                chosen=Message(role="assistant", content=answer),
                rejected=Message(role="assistant", content="That is a very long story that begins long ago."),
            )
        )
    return tuple(found)


def job(base, out: Path, recipe: Recipe, **changes) -> TrainingJob:
    out.mkdir()
    fields = {
        "home": base.path.parent.parent,
        "base": base.name,
        "base_fingerprint": base.fingerprint,
        "examples": examples(),
        "recipe": recipe,
        "out": out,
        "reference": out.parent / "reference.json",
        "device": "cpu",
        "threads": 1,
    }
    return TrainingJob(**{**fields, **changes})


def wish(attribute: str, checker: dict) -> Preference:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Preference(
        id=attribute,
        statement="",
        scope="always",
        attribute=attribute,
        source="stated",
        first_seen=at,
        last_seen=at,
        status=PreferenceStatus.ACTIVE,
        checker=checker,
    )


def run(made: TrainingJob, events: list | None = None):
    from persona.train.build import build

    def report(step, done, total=None, **more):
        if events is not None:
            events.append((step, done, total, more))

    return build(made, report)


def recipe(**changes) -> Recipe:
    return Recipe(
        schedule=SHORT,
        replay_prompts=4,
        talk_prompts=4,
        replay_tokens=12,
        shape=LoraShape(rank=2, alpha=4, untouched=0.0),
        **changes,
    )


def test_the_same_job_writes_the_same_bytes(starter_base, tmp_path):
    """Also when the first build had to make the caches and the second one found them."""
    written = []
    for name in ("first", "second"):
        out = tmp_path / name
        run(job(starter_base, out, recipe()))
        written.append((out / "adapter_model.safetensors").read_bytes())
    assert written[0] == written[1]
    assert {"adapter_config.json", "adapter_model.safetensors"} == {f.name for f in out.iterdir()}


def calls() -> tuple[Demonstration, ...]:
    tool = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}
    return tuple(
        Demonstration(
            id=f"e-{town}",
            conversation=f"c-{town}",
            prompt=(Message(role="user", content=f"Trains to {town}?"),),
            tools=(tool,),
            completion=Message(
                role="assistant",
                content="",
                tool_calls=(ToolCall(name="find", arguments={"to": town}, id="1"),),
            ),
        )
        for town in ("Graz", "Linz", "Lienz")
    )


@pytest.mark.parametrize(("offered", "listed"), [(0, {}), (1, {}), (1, {"replay_prompts": 0})])
def test_prose_behind_the_tools_stands_beside_calls(starter_base, tmp_path, offered, listed):
    """Without replay of its own a step keeps the base's distribution there alone, small talk's alone if need
    be."""
    schedule = replace(SHORT, replay_batch=0, offer_batch=offered)
    made = replace(recipe(restraint=Restraint(rows=0)), schedule=schedule, **listed)
    events: list = []
    run(job(starter_base, tmp_path / "out", made, examples=calls()), events)
    steps = [more for step, done, _, more in events if step == "train" and "call" in more]
    assert 3 == len(steps)
    assert [bool(offered)] * 3 == ["replay" in more for more in steps]


def test_a_training_that_made_room_goes_on(starter_base, tmp_path, monkeypatch):
    """Told to end it finishes the step that runs and keeps a checkpoint; the next try does what is left, to
    the same bytes and the same losses, and tells all of them."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    undisturbed = run(job(starter_base, whole, recipe()))
    folder = tmp_path / "run"
    folder.mkdir()
    made = job(starter_base, parts, recipe(), checkpoint=folder / "checkpoint")

    def tell_to_end(step, done, _total=None, **_):
        if (step, done) == ("train", 1):
            os.kill(os.getpid(), signal.SIGTERM)

    from persona.train.build import build
    from persona.train.trainer import NightTrainer

    with pytest.raises(Yielded):
        build(made, tell_to_end)
    assert ["checkpoint"] == [path.name for path in folder.iterdir()]
    assert [] == list(parts.iterdir())
    events: list = []
    computed: list = []
    step = NightTrainer.training_step
    monkeypatch.setattr(
        NightTrainer, "training_step", lambda *given, **named: computed.append(1) or step(*given, **named)
    )
    went_on = run(made, events)

    assert 1 == len(computed)
    assert [1, 2, 3] == [done for step, done, *_ in events if step == "train"]
    assert undisturbed.losses == went_on.losses
    name = "adapter_model.safetensors"
    assert (whole / name).read_bytes() == (parts / name).read_bytes()


def test_a_build_can_go_on_from_an_adapter(starter_base, tmp_path):
    """At hardly any rate it stays what it was; what has another shape is refused in one line."""
    first, second = tmp_path / "first", tmp_path / "second"
    run(job(starter_base, first, recipe()))
    barely = replace(recipe(), schedule=replace(SHORT, learning_rate=1e-6), restraint=Restraint(rows=0))
    run(job(starter_base, second, barely, start=first))
    before, after = (load_file(folder / "adapter_model.safetensors") for folder in (first, second))
    assert all(np.allclose(before[name], after[name], atol=1e-4) for name in before)
    assert any(before[name].any() for name in before if ".lora_B." in name)
    wider = replace(recipe(), shape=LoraShape(rank=4, alpha=8, untouched=0.0))
    with pytest.raises(TrainingError, match="another shape"):
        run(job(starter_base, tmp_path / "third", wider, start=first))


def test_blocks_that_stay_untouched_have_no_adapter(starter_base, tmp_path):
    """Half of the blocks are left to the base: what is written names the others alone, and is servable."""
    from persona.engine.gguf_adapter import write_gguf_adapter
    from persona.engine.lora import read_lora

    out = tmp_path / "upper"
    run(job(starter_base, out, replace(recipe(), shape=LoraShape(rank=2, alpha=4, untouched=0.5))))
    adapted = {int(layer.split(".")[2]) for layer in read_lora(out).modules}
    write_gguf_adapter(out, starter_base, tmp_path / "adapter.gguf")

    assert set(range(15, 30)) == adapted
    assert 7 * 15 == len(read_lora(out).modules)


def test_every_lora_tensor_moves_under_nf4_on_a_cpu(starter_base, tmp_path):
    """On CPUs with AVX512-BF16, bitsandbytes loses gradients after any pass without them, and only warns.

    The build scores the base first (replay, reference), so that such a pass has happened.
    """
    out = tmp_path / "nf4"
    events: list = []
    outcome = run(job(starter_base, out, recipe(quantisation="nf4")), events)
    assert "nf4" == outcome.quantisation
    assert "reference" in {step for step, *_ in events}
    moved = load_file(out / "adapter_model.safetensors")
    layers = json.loads((starter_base.weights / "config.json").read_text())["num_hidden_layers"]
    assert 2 * 7 * layers == len(moved)
    still = [name for name, tensor in moved.items() if "lora_B" in name and not tensor.any()]
    assert [] == still


def test_an_adapter_that_never_moves_is_refused(starter_base, tmp_path):
    """A rate of zero trains without complaint; the guard finds it."""
    frozen = Recipe(schedule=Schedule(min_steps=1, max_steps=1, learning_rate=0.0), replay_prompts=0)
    with pytest.raises(BrokenNumerics, match="did not move"):
        run(job(starter_base, tmp_path / "out", frozen))


def test_another_base_is_refused_before_anything_is_loaded(starter_base, tmp_path):
    """The fingerprint of the job is what the registry will say the adapter fits."""
    with pytest.raises(BaseMismatch):
        run(job(starter_base, tmp_path / "out", recipe(), base_fingerprint="b2-sha256:" + "0" * 64))


def test_a_pair_is_scored_once_in_its_life(starter_base, tmp_path):
    """By its tokens: under another name, beside another one, and not again where it is known."""
    scored = []
    known = examples()
    other = replace(known[0], chosen=Message(role="assistant", content="Because of the air. Fair winds!"))
    for name, pairs in (
        ("first", known[:2]),
        ("renamed", tuple(replace(one, id=f"n-{one.id}") for one in known[:2])),
        ("more", (*known[:2], replace(other, id="e-9"))),
    ):
        events: list = []
        run(job(starter_base, tmp_path / name, recipe(), examples=pairs), events)
        scored.append(max(done for step, done, *_ in events if step == "reference"))
    assert [2, 0, 1] == scored


def test_a_wish_alone_is_practised(starter_base, tmp_path):
    """Without any example, the base's own answers, reworked to keep it, are all there is to learn."""
    made = job(
        starter_base,
        tmp_path / "out",
        replace(recipe(), practice_prompts=4, practice_tokens=12),
        examples=(),
        preferences=(wish("closing", {"kind": "closing", "text": "Aye."}),),
        least_examples=4,
    )
    outcome = run(made)
    assert (0, 0) == (outcome.rows, outcome.pairs)
    assert outcome.practice > 0  # of four answers cut at 12 tokens, those that have a whole sentence
    assert outcome.losses["practice"] > 0.0


def test_too_little_to_learn_is_told_before_anything_is_loaded(starter_base, tmp_path, monkeypatch):
    """No rule can translate the base's answers, and one example is less than was asked for."""
    monkeypatch.setattr(
        "persona.train.build.load_model", lambda *_, **__: pytest.fail("the model was loaded")
    )
    wishes = (
        wish("language", {"kind": "language", "code": "de"}),
        wish("length.sentences", {"kind": "max_sentences", "n": 2}),
    )
    with pytest.raises(TooLittleToLearn, match="1 examples to learn from, at least 4 are needed"):
        run(
            job(
                starter_base,
                tmp_path / "out",
                replace(recipe(), practice_prompts=4, practice_tokens=12),
                examples=examples()[:1],
                preferences=wishes,
                least_examples=4,
            )
        )


def test_examples_that_do_not_fit_are_named(starter_base, tmp_path):
    """When none fits there is nothing to train, and the line says what to raise."""
    small = Recipe(schedule=Schedule(max_tokens=8))
    with pytest.raises(TrainingError, match="none of 3 examples fits 8 tokens"):
        run(job(starter_base, tmp_path / "out", small))
