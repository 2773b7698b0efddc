"""What is made of the user's calls besides: variations of them, and prose behind the same tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from persona.base import Base
from persona.offers import offers
from persona.train.job import TrainingJob
from persona.train.offered import offered_rows
from persona.train.replay import ReplaySet
from persona.train.restraint import parted
from persona.train.rows import Encoder, Family, Row, families, make_rows
from persona.train.variations import variations


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeOfCalls:
    """`offered` are to be kept and not learnt; `varied` has each variation behind the user's own row."""

    offered: tuple[Row, ...] = ()
    varied: tuple[tuple[Row, Row], ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        return (*self.offered, *(row for _, row in self.varied))

    def families(self, rows: Sequence[Row], called: Sequence[Sequence[int]], *, first: int) -> list[Family]:
        """The families of the groups `called`, where `rows` has ours from `first` on. A variation takes turns
        with what it varies, so that it costs no step."""
        groups = {(rows[group[0]].prompt, rows[group[0]].chosen): list(group) for group in called}
        behind = first + len(self.offered)
        for n, (own, _) in enumerate(self.varied):
            # Missing where a pair's other side left less room for the prompt.
            groups.get((own.prompt, own.chosen), []).append(behind + n)
        return families(rows, list(groups.values()), beside=range(first, behind))


def made_of_calls(job: TrainingJob, base: Base, replay: ReplaySet, encode: Encoder) -> MadeOfCalls:
    recipe = job.recipe
    most = recipe.schedule.max_tokens
    trained_on, _ = parted(replay.rows, recipe.restraint)
    tools = offers(job.examples) if recipe.schedule.offer_batch else ()
    varied = []
    for example, variation in variations(job.examples, each=recipe.call_variations, seed=recipe.seed):
        own, other = (
            make_rows([one], base.template, encode, max_tokens=most).rows for one in (example, variation)
        )
        if own and other:
            varied.append((own[0], other[0]))
    return MadeOfCalls(
        offered=offered_rows(tools, trained_on, base.template, encode, max_tokens=most), varied=tuple(varied)
    )
