"""DatasetSnapshot -> candidate files, in a process of its own. Importing this loads no torch."""

from persona.train.job import TrainingJob, TrainingOutcome
from persona.train.launch import Trained, train
from persona.train.recipe import LoraShape, Losses, Recipe, Schedule

__all__ = ["LoraShape", "Losses", "Recipe", "Schedule", "Trained", "TrainingJob", "TrainingOutcome", "train"]
