"""NightTrainer: trl's SFTTrainer with persona's step.

trl and transformers bring the loop, the optimiser, the schedule of rates, mixed precision and placement.
Ours are the order of the rows (planned beforehand, so that a build can be repeated), and the loss: one
forward pass gives the demonstration, preference and replay terms of a step together. On a CPU a step's
micro-batches are computed side by side: see persona.engine.workers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
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
from persona.train.losses import per_sequence, preference_loss, replay_divergence, starts, token_logprobs
from persona.train.memory import releaser
from persona.train.model import completion_logits
from persona.train.plan import Plan
from persona.train.recipe import Losses, Recipe


class NightTrainer(SFTTrainer):
    """Trains the adapter of `model` on a plan's micro-batches; `history` has one entry per step."""

    def __init__(
        self,
        *,
        model: Any,
        tokenizer: Any,
        recipe: Recipe,
        plan: Plan,
        material: Material,
        scratch: Path,
        workers: Workers,
        device: str,
        bf16: bool,
        on_step: Callable[[int, int, dict[str, float]], None],
    ) -> None:
        self._losses: Losses = recipe.losses
        self._workers = workers
        # A row that is longer than a portion waits until there is room for what it keeps for its way back.
        self._release = releaser()
        self._turns = Turns(workers.count, room=workers.count * recipe.schedule.micro_tokens)
        self._prose = "written" if any(row.practised for row in material.rows) else "demonstration"
        self._terms: dict[str, float] = {}
        self.history: list[dict[str, float]] = []
        step_totals = totals(plan, material)
        schedule = recipe.schedule
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
            callbacks=[_Watch(self, on_step)],
            args=SFTConfig(
                output_dir=str(scratch),
                max_steps=plan.steps,
                per_device_train_batch_size=1,
                gradient_accumulation_steps=1,
                learning_rate=schedule.learning_rate,
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
        """One step's gradients, summed over its micro-batches in the order of the plan; the step's loss."""
        model.train()
        micros: list[dict[str, Tensor]] = self._prepare_inputs(inputs)["micros"]
        if self._workers.count > 1:
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

        def one(micro: dict[str, Tensor]) -> tuple[Tensor, dict[str, float], tuple[Tensor, ...]]:
            with self._turns.using(micro["input_ids"].numel()):
                loss, terms = self.loss_of(model, micro)
                gradients = torch.autograd.grad(loss, parameters)
            self._release()
            return loss.detach(), terms, gradients

        total = torch.zeros(())
        for loss, terms, gradients in self._workers.map(one, micros):
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)
            self._add_terms(terms)
            total += loss
        return total

    def _add_terms(self, terms: dict[str, float]) -> None:
        for name, value in terms.items():
            self._terms[name] = self._terms.get(name, 0.0) + value

    def loss_of(self, model: Any, micro: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
        """One micro-batch's share of the step's loss, and its terms unweighted."""
        # accelerate's own autocast is put around model.forward, which this step goes round: without this
        # line the adapter would be multiplied in float32, at half the speed and twice the memory. The cache
        # of casts is shared by threads, and each weight is used once in a pass.
        with torch.autocast(
            self.args.device.type, dtype=torch.bfloat16, enabled=self.args.bf16, cache_enabled=False
        ):
            return self._loss(model, micro)

    def _loss(self, model: Any, inputs: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
        weights = self._losses
        prose_tokens, call_tokens, practice_tokens, pairs, replay_tokens = inputs["norms"].tolist()
        completions = int(inputs["completions"])
        logits = completion_logits(model, inputs)
        learnt = ~inputs["base"]
        sums = per_sequence(
            token_logprobs(logits[learnt], inputs["targets"][learnt]),
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
            divergence = replay_divergence(logits[inputs["base"]], inputs["kept"], inputs["kept_logprobs"])
            counts = torch.where(starts(inputs["completion"])[inputs["base"]], weights.first, 1.0)
            terms["replay"] = (divergence * counts).sum() / replay_tokens
        weighted = [getattr(weights, name) * term for name, term in terms.items()]
        return torch.stack(weighted).sum(), {name: float(term.detach()) for name, term in terms.items()}

    def take_terms(self) -> dict[str, float]:
        """The terms of the step that just ended, unweighted."""
        terms, self._terms = self._terms, {}
        return terms


class _Watch(TrainerCallback):
    """Guards each step and reports it."""

    def __init__(self, trainer: NightTrainer, on_step: Callable[[int, int, dict[str, float]], None]) -> None:
        self._trainer = trainer
        self._on_step = on_step

    def on_log(self, _args: Any, state: Any, _control: Any, logs: Any = None, **_: Any) -> None:
        if not logs or "loss" not in logs:
            return
        loss, grad_norm = float(logs["loss"]), float(logs.get("grad_norm", 0.0))
        guards.finite_step(state.global_step, loss, grad_norm)
        entry = {"loss": loss, "grad_norm": grad_norm, **self._trainer.take_terms()}
        self._trainer.history.append(entry)
        self._on_step(state.global_step, state.max_steps, entry)
