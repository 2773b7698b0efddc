"""`python -m learning.chain_child job.json`: one night of a chain, with trl as it comes.

SFTTrainer or DPOTrainer, LoRA by peft, bf16 on the CPU, trl's defaults for all that the recipe does not say:
a linear schedule of rates, no replay, no packing. Yesterday's adapter is loaded as trainable; then trl takes
a copy of it as DPO's reference.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from persona.child import Report, serve_job


def _work(job: Mapping[str, Any], report: Report) -> Mapping[str, Any]:
    from learning.chain_recipe import ChainRecipe

    report("load", 0, 1)
    import torch
    from datasets import Dataset
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback

    recipe = ChainRecipe.from_json(job["recipe"])
    tokenizer = AutoTokenizer.from_pretrained(job["weights"])
    tokenizer.eos_token = job["eos"]
    model: Any = AutoModelForCausalLM.from_pretrained(
        job["weights"], dtype=torch.bfloat16, local_files_only=True
    )
    torch.manual_seed(recipe.seed)
    if job["start"] is not None:
        model = PeftModel.from_pretrained(model, job["start"], is_trainable=True)

    class Telling(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
            report("train", state.global_step, state.max_steps)

    with TemporaryDirectory() as scratch:
        trainer = _trainer(
            recipe,
            model=model,
            fresh=job["start"] is None,
            train_dataset=Dataset.from_list(job["rows"]),
            processing_class=tokenizer,
            callbacks=[Telling()],
            scratch=scratch,
            steps=job["steps"],
        )
        began = time.monotonic()
        trainer.train()
        seconds = time.monotonic() - began
    # Not the frozen copy that DPO compares with, which would be written too.
    trainer.model.save_pretrained(job["out"], selected_adapters=["default"])
    (Path(job["out"]) / "README.md").unlink(missing_ok=True)
    return {"steps": trainer.state.global_step, "tokens": _tokens(trainer), "loop_seconds": seconds}


def _trainer(
    recipe: Any, *, model: Any, fresh: bool, callbacks: list[Any], scratch: str, steps: int, **given: Any
) -> Any:
    from peft import LoraConfig
    from transformers import PrinterCallback, ProgressCallback
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    settings: dict[str, Any] = {
        "output_dir": scratch,
        "max_steps": steps,
        # The same mean over the rows of a step, without padding and with logits of one row in memory.
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": recipe.batch,
        "learning_rate": recipe.learning_rate,
        "max_length": recipe.max_tokens,
        "bf16": True,
        "use_cpu": True,
        "gradient_checkpointing": False,  # trl's default saves memory that a model this small does not need
        "dataloader_pin_memory": False,
        "seed": recipe.seed,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
    }
    lora = LoraConfig(
        r=recipe.rank, lora_alpha=recipe.alpha, target_modules=list(recipe.modules), task_type="CAUSAL_LM"
    )
    more = {**given, "model": model, "peft_config": lora if fresh else None}
    trainer: Any
    if recipe.trainer == "dpo":
        # What the reference says of a row stays the same: once is enough.
        args = DPOConfig(**settings, beta=recipe.beta, precompute_ref_log_probs=True)
        trainer = DPOTrainer(args=args, **more)
    else:
        trainer = SFTTrainer(args=SFTConfig(**settings), **more)
    for talkative in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(talkative)  # standard output belongs to our progress
    for callback in callbacks:
        trainer.add_callback(callback)
    return trainer


def _tokens(trainer: Any) -> float:
    """As trl counts them: prompts included; for DPO prompt and both sides of a pair."""
    counted = [entry["num_tokens"] for entry in trainer.state.log_history if "num_tokens" in entry]
    return float(counted[-1]) if counted else 0.0


if __name__ == "__main__":
    sys.exit(serve_job(_work))
