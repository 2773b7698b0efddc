"""One build: examples and a recipe in, the files of an adapter out.

Runs in the trainer's process only. Nothing in `out` counts before the parent publishes it, and the parent
does so only when this process has ended with a result.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
from peft.helpers import disable_input_dtype_casting
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from persona.base import load_base
from persona.child import Report
from persona.engine.own_answers import OwnAnswer
from persona.engine.torch_model import LoadedModel, load_model, pick_device
from persona.engine.workers import Workers
from persona.errors import BaseMismatch, TooLittleToLearn, TrainingError, Yielded
from persona.offers import offers
from persona.paths import Home
from persona.train import guards
from persona.train.batches import Material, lengths
from persona.train.ingredients import (
    encoder,
    practice_answers,
    practice_rows,
    reference_logprobs,
    replay_answers,
    scored_replay,
)
from persona.train.interruption import keep, told_to_end
from persona.train.job import TrainingJob, TrainingOutcome
from persona.train.model import Passes, attention_for, require_plain_attention
from persona.train.offered import offered_rows
from persona.train.opening import opening_of
from persona.train.plan import Plan, plan
from persona.train.practice import can_be_practised
from persona.train.recipe import LoraShape
from persona.train.replay import ReplayRow, prompts, talk_prompts
from persona.train.restraint import parted, restrain
from persona.train.rows import Row, by_prompt, families, make_rows
from persona.train.trainer import NightTrainer

SCORED_TOKENS = 384  # by one worker at once, prompts and padding included, when nothing is trained
VERSIONED = ("torch", "transformers", "peft", "trl", "bitsandbytes", "tokenizers", "safetensors")


def build(job: TrainingJob, report: Report) -> TrainingOutcome:
    """Trains one adapter into `job.out` (adapter_config.json, adapter_model.safetensors).

    Deterministic on one machine and one number of threads: the same job writes the same bytes, whether it
    went through at once or goes on from `job.checkpoint`. Raises BaseMismatch, BrokenNumerics, TrainingError,
    and Yielded when it was told to end and has kept a checkpoint.
    """
    clock = _Clock()
    base = load_base(Home(job.home), job.base)
    if base.fingerprint != job.base_fingerprint:
        raise BaseMismatch("to be built", job.base_fingerprint, base.fingerprint)
    recipe = job.recipe
    torch.manual_seed(recipe.seed)
    device = pick_device(job.device)
    encode = encoder(base)
    made = make_rows(job.examples, base.template, encode, max_tokens=recipe.schedule.max_tokens)
    eos = encode(base.eos)[0]
    guards.ends_with_eos((row.chosen for row in made.rows), eos)
    practice_of_base = practice_answers(job, base, report)
    if not made.rows or len(job.examples) < job.least_examples:
        _require_practice(job, practice_of_base)
    clock.lap("practice")
    replay_of_base = replay_answers(base, recipe, prompts()[: recipe.replay_prompts], encode, report)
    offered_tools = offers(job.examples) if recipe.schedule.offer_batch else ()
    talk = talk_prompts()[: recipe.talk_prompts] if offered_tools else []
    talk_of_base = replay_answers(base, recipe, talk, encode, report)
    clock.lap("replay")
    report("load", 0, 1)
    loaded = load_model(base, device=device, quantisation=recipe.quantisation)
    require_plain_attention(loaded.model.config)
    loaded.model.set_attn_implementation("sdpa")
    clock.lap("load")
    with Workers(device=device, threads=job.threads) as workers:
        passes = Passes(device=device, pad=eos, workers=workers, budget=SCORED_TOKENS >> job.halvings)
        replay = scored_replay(replay_of_base, base, recipe, loaded, passes)
        small_talk = scored_replay(talk_of_base, base, recipe, loaded, passes)
        clock.lap("replay")
        practice = practice_rows(practice_of_base, job, base, encode, loaded, passes)
        clock.lap("practice")
        reference = reference_logprobs(job.reference, base, made.rows, loaded, passes, report)
        clock.lap("reference")
        parts = parted(replay.rows, recipe.restraint)
        most = recipe.schedule.max_tokens
        offered = offered_rows(
            offered_tools, small_talk.rows, parts[0], base.template, encode, max_tokens=most
        )
        outcome = _train(job, made.rows, practice, offered, reference, parts, loaded, passes, report, clock)
    return replace(outcome, too_long=made.too_long, replay=replay.digest)


def _require_practice(job: TrainingJob, answers: Sequence[OwnAnswer]) -> None:
    if can_be_practised(answers, job.preferences):
        return
    if len(job.examples) >= job.least_examples:
        raise TrainingError(
            f"none of {len(job.examples)} examples fits {job.recipe.schedule.max_tokens} tokens, request and "
            "answer together: edit, pick or vote on shorter ones too"
        )
    raise TooLittleToLearn(len(job.examples), job.least_examples)


def _train(
    job: TrainingJob,
    own: tuple[Row, ...],
    practice: tuple[Row, ...],
    offered: tuple[Row, ...],
    reference: list[tuple[float, float] | None],
    replay: tuple[tuple[ReplayRow, ...], tuple[ReplayRow, ...]],
    loaded: LoadedModel,
    passes: Passes,
    report: Report,
    clock: _Clock,
) -> TrainingOutcome:
    recipe = job.recipe
    torch.manual_seed(recipe.seed)  # the adapter's start must not depend on which caches were warm
    model = get_peft_model(
        loaded.model,
        LoraConfig(
            r=recipe.shape.rank,
            lora_alpha=recipe.shape.alpha,
            target_modules=_targets(recipe.shape, loaded.model.config.num_hidden_layers),
            lora_dropout=0.0,
            bias="none",
            task_type="CAUSAL_LM",
        ),
    )
    if job.start is not None:
        _go_on_from(model, job.start)
    before = _adapter_tensors(model)
    trained_on, apart = replay
    rows = own + practice + offered
    groups = by_prompt(own)
    called = [group for group in groups if own[group[0]].calls]
    # A pass that is computed again on its way back, as on a GPU, would do so without what is before it.
    opening = opening_of(trained_on) if loaded.device == "cpu" else ()
    user_lengths, replay_lengths = lengths(rows, opening), lengths(trained_on, opening)
    steps = plan(
        user_lengths=user_lengths,
        groups=[group for group in groups if not own[group[0]].calls],
        calls=families(rows, called, beside=range(len(own) + len(practice), len(rows))),
        practice=range(len(own), len(own) + len(practice)),
        replay_lengths=replay_lengths,
        schedule=recipe.schedule.halved(job.halvings),
        seed=recipe.seed,
        workers=passes.workers.count,
    )
    if loaded.device == "cpu" and not job.halvings:
        widest = len(opening) + steps.widest(user_lengths, replay_lengths)
        loaded.model.set_attn_implementation(attention_for(widest))
    beside = None if job.checkpoint is None else job.checkpoint.parent
    with TemporaryDirectory(dir=beside) as scratch, told_to_end(listen=beside is not None) as told:
        trainer = NightTrainer(
            model=model,
            tokenizer=AutoTokenizer.from_pretrained(loaded.weights),
            recipe=recipe,
            plan=steps,
            rate=recipe.schedule.rate(len(called) / len(groups) if groups else 0.0),
            material=Material(
                rows=rows,
                base_logprobs=[*reference, *[None] * (len(rows) - len(own))],
                replay=trained_on,
                pad=passes.pad,
                opening=opening,
            ),
            scratch=Path(scratch),
            workers=passes.workers,
            device=loaded.device,
            bf16=loaded.dtype == torch.bfloat16,
            on_step=lambda step, of, entry: report("train", step, of, **entry),
            told=told,
        )
        with disable_input_dtype_casting(model):  # autocast takes the adapter's weights to the input's type
            trainer.train(resume_from_checkpoint=_begun(job))
        if trainer.state.global_step < steps.steps:
            assert job.checkpoint is not None
            keep(Path(scratch), job.checkpoint)
            raise Yielded("train")
    clock.lap("train")
    history = trainer.history
    guards.learnt(entry["grad_norm"] for entry in history)
    guards.changed(before, _adapter_tensors(model))
    model.eval()
    loaded.model.set_attn_implementation("sdpa")  # as what it is held against was computed
    restrained = restrain(model, apart, recipe.restraint, passes)
    clock.lap("restrain")
    after = _adapter_tensors(model)
    guards.finite_tensors(after)
    _write(job, model, after)
    clock.lap("write")
    tail = history[-max(1, len(history) // 10) :]
    return TrainingOutcome(
        rows=len(own),
        pairs=sum(1 for row in own if row.rejected),
        practice=len(practice),
        too_long=(),
        steps=steps.steps,
        trained_tokens=_tokens(steps, user_lengths, replay_lengths, len(opening)),
        parameters=sum(t.numel() for t in after.values()),
        device=loaded.device,
        dtype=str(loaded.dtype).removeprefix("torch."),
        quantisation=loaded.quantisation,
        replay="",
        losses={name: sum(e.get(name, 0.0) for e in tail) / len(tail) for name in sorted(set().union(*tail))},
        seconds=clock.laps,
        versions={name: version(name) for name in VERSIONED},
        scale=restrained.scale,
        drift=restrained.drift,
    )


def _targets(shape: LoraShape, blocks: int) -> str | list[str]:
    """As peft takes it: suffixes of names, or a pattern for a whole name where only some blocks are meant."""
    first = min(blocks - 1, int(shape.untouched * blocks))
    if first == 0:
        return list(shape.modules)
    return rf".+\.({'|'.join(map(str, range(first, blocks)))})\..*\b({'|'.join(shape.modules)})"


def _go_on_from(model: Any, folder: Path) -> None:
    """Raises TrainingError unless the adapter there has just the tensors of this one."""
    tensors = load_file(folder / "adapter_model.safetensors")
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if shapes != {name: tensor.shape for name, tensor in _adapter_tensors(model).items()}:
        raise TrainingError(f"{folder}: an adapter of another shape, which this recipe cannot go on with")
    set_peft_model_state_dict(model, tensors)


def _begun(job: TrainingJob) -> str | None:
    return str(job.checkpoint) if job.checkpoint is not None and job.checkpoint.is_dir() else None


def _tokens(steps: Plan, user: Sequence[int], replay: Sequence[int], opening: int) -> int:
    return steps.steps * opening + sum(
        sum(user[i] for i in micro.user)
        - micro.shared * (len(micro.user) - 1)
        + sum(replay[i] for i in micro.replay)
        for micro in steps.micros
    )


def _adapter_tensors(model: Any) -> dict[str, torch.Tensor]:
    """A copy of every trained tensor, in float32, by the name that peft writes."""
    return {
        name.replace(".default.", "."): parameter.detach().to("cpu", torch.float32, copy=True)
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def _write(job: TrainingJob, model: Any, tensors: dict[str, torch.Tensor]) -> None:
    """The two files that peft, llama.cpp's converter and other tools read.

    Written by hand and not by `save_pretrained`, which adds a model card with local paths.
    """
    config = model.peft_config["default"].to_dict()
    config["base_model_name_or_path"] = job.base
    config["inference_mode"] = True
    if not isinstance(config["target_modules"], str):
        config["target_modules"] = sorted(config["target_modules"])
    plain = json.dumps(config, indent=2, sort_keys=True, default=_plain)
    (job.out / "adapter_config.json").write_text(plain + "\n", encoding="utf-8")
    half = {name: tensor.to(torch.float16) for name, tensor in tensors.items()}
    guards.finite_tensors(half)
    save_file(half, job.out / "adapter_model.safetensors", metadata={"format": "pt"})


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set) else str(value)


class _Clock:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name] = self.laps.get(name, 0.0) + now - self._last
        self._last = now
