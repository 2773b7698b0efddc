"""NightTrainer: trl's SFTTrainer with persona's step.

trl and transformers bring the loop, the optimiser, the schedule of rates, mixed precision and placement.
Ours are the order of the rows (planned beforehand, so that a build can be repeated), and the loss: one
forward pass gives the demonstration, preference and replay terms of a step together. On a CPU a step's
micro-batches are computed side by side: see persona.engine.workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.utils.data import SequentialSampler
from transformers import PrinterCallback, TrainerCallback
from trl import SFTConfig, SFTTrainer

from persona.engine.turns import Turns
from persona.engine.workers import Workers
from persona.train import guards
from persona.train.batches import Material, collate, totals
from persona.train.interruption import StopsWhenTold
from persona.train.losses import per_sequence, preference_loss, replay_divergence, starts, token_logprobs
from persona.train.memory import releaser
from persona.train.model import KeysValues, completion_hidden, logits_of
from persona.train.opening import Opening
from persona.train.plan import Plan
from persona.train.recipe import Losses, Recipe

_OF_A_STEP = "loss"  # in what transformers logs: the end of a training is logged without it
_KNOWN = ("learning_rate", "epoch", "step")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Share:
    """What one micro-batch adds to a step: gradients of the adapter, and what goes back to the opening."""

    loss: Tensor
    terms: dict[str, float]
    of_adapter: Sequence[Tensor]
    at_opening: Sequence[Tensor]


class NightTrainer(SFTTrainer):
    """Trains the adapter of `model` on a plan's micro-batches; `history` has one entry per step.

    `rate` is the highest of the steps' learning rates. Told to end, it writes a checkpoint into `scratch` and
    stops after the step that runs.
    """

    def __init__(
        self,
        *,
        model: Any,
        tokenizer: Any,
        recipe: Recipe,
        plan: Plan,
        rate: float,
        material: Material,
        scratch: Path,
        workers: Workers,
        device: str,
        bf16: bool,
        on_step: Callable[[int, int, dict[str, float]], None],
        told: Event,
    ) -> None:
        self._losses: Losses = recipe.losses
        self._workers = workers
        # A row that is longer than a portion waits until there is room for what it keeps for its way back.
        self._release = releaser()
        self._opening = material.opening
        schedule = recipe.schedule
        room = max(workers.count * schedule.micro_tokens, schedule.micro_tokens + schedule.bundle_tokens)
        self._turns = Turns(workers.count, room=room)
        practised = [row for row in material.rows if row.practised]
        # What practice leaves out is learnt from what was written alone.
        self._prose = "written" if practised and all(row.whole for row in practised) else "demonstration"
        self._terms: dict[str, float] = {}
        step_totals = totals(plan, material)
        super().__init__(
            model=model,
            processing_class=tokenizer,
            train_dataset=Dataset.from_dict({"step": list(range(plan.steps))}),
            data_collator=lambda picked: {
                "micros": [
                    collate(micro, material, step_totals[picked[0]["step"]])
                    for micro in plan.of_step(picked[0]["step"])
                ]
            },
            callbacks=[_Watch(on_step), StopsWhenTold(told)],
            args=SFTConfig(
                output_dir=str(scratch),
                max_steps=plan.steps,
                per_device_train_batch_size=1,
                gradient_accumulation_steps=1,
                learning_rate=rate,
                lr_scheduler_type="cosine",
                warmup_steps=max(1, round(plan.steps * schedule.warmup)),
                weight_decay=0.0,
                max_grad_norm=schedule.max_grad_norm,
                optim="adamw_torch" if device == "cpu" else "paged_adamw_8bit",
                bf16=bf16,
                fp16=False,
                use_cpu=device == "cpu",
                gradient_checkpointing=device != "cpu",
                seed=recipe.seed,
                data_seed=recipe.seed,
                dataset_kwargs={"skip_prepare_dataset": True},
                remove_unused_columns=False,
                max_length=None,
                logging_steps=1,
                logging_strategy="steps",
                save_strategy="no",
                report_to=[],
                disable_tqdm=True,
                dataloader_pin_memory=False,
            ),
        )
        self.remove_callback(PrinterCallback)  # standard output belongs to our progress

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(train_dataset if train_dataset is not None else self.train_dataset)

    def floating_point_ops(self, inputs: Any) -> int:  # noqa: ARG002  # transformers' signature
        """Not counted: transformers would look for one block of inputs."""
        return 0

    def training_step(
        self,
        model: Any,
        inputs: dict[str, Any],
        num_items_in_batch: Any = None,  # noqa: ARG002  # transformers' signature
    ) -> Tensor:
        """One step's gradients, summed over its micro-batches in an order that the plan gives; its loss."""
        model.train()
        micros: list[dict[str, Tensor]] = self._prepare_inputs(inputs)["micros"]
        if self.args.device.type == "cpu":
            return self._side_by_side(model, micros)
        total = torch.zeros((), device=self.args.device)
        for micro in micros:
            loss, terms = self.loss_of(model, micro)
            self.accelerator.backward(loss)
            self._add_terms(terms)
            total += loss.detach()
        return total

    def _side_by_side(self, model: Any, micros: list[dict[str, Tensor]]) -> Tensor:
        parameters = [p for p in model.parameters() if p.requires_grad]
        opening = None
        if any(micro["behind"] for micro in micros):
            with self._autocast():
                opening = Opening(model, self._opening)

        def one(micro: dict[str, Tensor]) -> _Share:
            before, wanted = opening.branched() if opening is not None and micro["behind"] else ((), [])
            with self._turns.using(micro["input_ids"].numel()):
                loss, terms = self.loss_of(model, micro, before)
                gradients = torch.autograd.grad(loss, [*parameters, *wanted], materialize_grads=True)
            self._release()
            of_adapter, at_opening = gradients[: len(parameters)], gradients[len(parameters) :]
            return _Share(loss=loss.detach(), terms=terms, of_adapter=of_adapter, at_opening=at_opening)

        # The longest first: begun last, it would be computed alone.
        longest_first = sorted(micros, key=lambda micro: micro["input_ids"].numel(), reverse=True)
        total = torch.zeros(())
        ends = []
        for share in self._workers.each(one, longest_first):
            _add(share.of_adapter, parameters)
            if share.at_opening:
                ends.append(share.at_opening)
            self._add_terms(share.terms)
            total += share.loss
        if opening is not None and ends:
            arrived = [torch.stack(each).sum(0) for each in zip(*ends, strict=True)]
            _add(opening.gradients(arrived, parameters), parameters)
        return total

    def _add_terms(self, terms: dict[str, float]) -> None:
        for name, value in terms.items():
            self._terms[name] = self._terms.get(name, 0.0) + value

    def loss_of(
        self, model: Any, micro: dict[str, Tensor], opening: KeysValues = ()
    ) -> tuple[Tensor, dict[str, float]]:
        """One micro-batch's share of the step's loss, and its terms unweighted."""
        with self._autocast():
            return self._loss(model, micro, opening)

    def _autocast(self) -> torch.autocast:
        # accelerate's own autocast is put around model.forward, which this step goes round: without this
        # one the adapter would be multiplied in float32, at half the speed and twice the memory. The cache
        # of casts is shared by threads, and hardly a weight is used twice in a pass.
        return torch.autocast(
            self.args.device.type, dtype=torch.bfloat16, enabled=self.args.bf16, cache_enabled=False
        )

    def _loss(
        self, model: Any, inputs: dict[str, Tensor], opening: KeysValues
    ) -> tuple[Tensor, dict[str, float]]:
        weights = self._losses
        prose_tokens, call_tokens, practice_tokens, pairs, replay_tokens = inputs["norms"].tolist()
        completions = int(inputs["completions"])
        hidden = completion_hidden(model, inputs, opening)
        learnt = ~inputs["base"]
        sums = per_sequence(
            token_logprobs(logits_of(model, hidden[learnt]), inputs["targets"][learnt]),
            inputs["completion"][learnt],
            completions,
        )
        terms: dict[str, Tensor] = {}
        for name, kind, tokens in (
            (self._prose, "prose", prose_tokens),
            ("call", "calls", call_tokens),
            ("practice", "practised", practice_tokens),
        ):
            if len(inputs[kind]) and tokens:
                terms[name] = -sums[inputs[kind]].sum() / tokens
        if len(inputs["chosen"]):
            base = inputs["base_logprobs"]
            terms["preference"] = (
                preference_loss(
                    sums[inputs["chosen"]],
                    sums[inputs["rejected"]],
                    base[:, 0],
                    base[:, 1],
                    beta=weights.beta,
                ).sum()
                / pairs
            )
        if "kept" in inputs:
            logits = logits_of(model, hidden[inputs["base"]])
            divergence = replay_divergence(logits, inputs["kept"], inputs["kept_logprobs"])
            counts = torch.where(starts(inputs["completion"])[inputs["base"]], weights.first, 1.0)
            terms["replay"] = (divergence * counts).sum() / replay_tokens
        weighted = [getattr(weights, name) * term for name, term in terms.items()]
        return torch.stack(weighted).sum(), {name: float(term.detach()) for name, term in terms.items()}

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """The step's unweighted terms go with its loss, into the history that a checkpoint keeps."""
        if _OF_A_STEP in logs:
            logs.update(self._terms)
            self._terms = {}
        super().log(logs, start_time)

    @property
    def history(self) -> list[dict[str, float]]:
        """Loss, grad_norm and the terms, unweighted; one entry per step, those before a checkpoint too."""
        return [_entry(logs) for logs in self.state.log_history if _OF_A_STEP in logs]

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """None: trl writes one beside each checkpoint, and a checkpoint is nobody's model."""


class _Watch(TrainerCallback):
    """Guards each step and reports it; those of an earlier try are reported again: none is missing."""

    def __init__(self, on_step: Callable[[int, int, dict[str, float]], None]) -> None:
        self._on_step = on_step

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        for logs in state.log_history:
            self._on_step(logs["step"], state.max_steps, _entry(logs))

    def on_log(self, _args: Any, state: Any, _control: Any, logs: Any = None, **_: Any) -> None:
        if not logs or _OF_A_STEP not in logs:
            return
        entry = _entry(logs)
        guards.finite_step(state.global_step, entry["loss"], entry["grad_norm"])
        self._on_step(state.global_step, state.max_steps, entry)


def _add(gradients: Sequence[Tensor], parameters: Sequence[Tensor]) -> None:
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)


def _entry(logs: Mapping[str, float]) -> dict[str, float]:
    """What transformers logs of a step, without what everybody knows of it."""
    entry = {"loss": 0.0, "grad_norm": 0.0, **{name: float(value) for name, value in logs.items()}}
    return {name: value for name, value in entry.items() if name not in _KNOWN}
