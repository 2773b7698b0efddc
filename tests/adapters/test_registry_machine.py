"""Random lives of a registry, crashes included, against an oracle in memory; verify() after every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fault_parts import at_hit, failing, fast_directory, run_and_kill
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from registry_parts import build, fill, noon

from adapters import ProblemKind, Registry
from adapters.errors import ChampionMoved, NotAllowed, WriteFailed
from adapters.failpoint import armed


@dataclass
class Oracle:
    """What should be true, kept the plain way: a list of numbers and a list of champions. r0 is 0."""

    parents: list[int] = field(default_factory=list)
    champions: list[int] = field(default_factory=lambda: [0])
    rejected: set[int] = field(default_factory=set)
    retired: set[int] = field(default_factory=set)
    was_champion: set[int] = field(default_factory=lambda: {0})
    erased: set[int] = field(default_factory=set)
    operations: int = 0

    def copy(self) -> Oracle:
        return Oracle(
            parents=list(self.parents),
            champions=list(self.champions),
            rejected=set(self.rejected),
            retired=set(self.retired),
            was_champion=set(self.was_champion),
            erased=set(self.erased),
            operations=self.operations,
        )

    @property
    def champion(self) -> int:
        return self.champions[-1]

    @property
    def previous(self) -> int | None:
        fit = [n for n in self.champions[:-1] if n != self.champion and n not in self.rejected | self.retired]
        return fit[-1] if fit else None

    def state(self, number: int) -> str:
        if number == self.champion:
            return "champion"
        if number in self.retired:
            return "retired"
        if number in self.rejected:
            return "rejected"
        return "former" if number in self.was_champion else "candidate"

    def takes_office(self, number: int) -> None:
        self.operations += 1
        self.rejected.discard(number)
        self.was_champion.add(number)

    def promoted(self, number: int) -> None:
        self.takes_office(number)
        self.champions.append(number)

    def rolled_back(self, number: int) -> None:
        self.takes_office(number)
        if number in self.champions:
            last = max(i for i, champion in enumerate(self.champions) if champion == number)
            self.champions = self.champions[: last + 1]
        else:
            self.champions.append(number)

    def is_rejected(self, number: int) -> None:
        self.operations += 1
        self.rejected.add(number)

    def is_retired(self, number: int) -> None:
        self.operations += 1
        self.retired.add(number)
        self.rejected.discard(number)


Action = Callable[[Registry], object]
Effect = Callable[[Oracle], object]


class RegistryMachine(RuleBasedStateMachine):
    """Each rule is an action on the registry and its effect on the oracle. How it ends is drawn as well:
    done, killed at some failpoint in a child process, or failed by the disk.
    """

    fate = st.one_of(
        st.just(("done", 0)), st.tuples(st.sampled_from(["killed", "failed"]), st.integers(1, 18))
    )
    choice = st.integers(0, 1000)

    @initialize()
    def start(self) -> None:
        self._directory = fast_directory()
        self._root = self._directory.__enter__() / "adapters"
        self.registry = Registry.open(self._root, clock=noon)
        self.oracle = Oracle()
        self.runs = 0

    def teardown(self) -> None:
        self._directory.__exit__(None, None, None)

    # Parts

    def _id(self, number: int) -> str:
        return "r0" if number == 0 else self.registry.resolve(f"r{number}").id

    def _pick(self, choice: int, *, at_least: int = 1) -> int:
        return at_least + choice % (len(self.oracle.parents) + 1 - at_least)

    def _matches(self, oracle: Oracle) -> bool:
        registry = self.registry
        revisions = registry.revisions()
        ids = ["r0", *(revision.id for revision in revisions)]
        return (
            list(range(1, len(oracle.parents) + 1)) == [revision.number for revision in revisions]
            and [ids[parent] for parent in oracle.parents] == [revision.parent for revision in revisions]
            and oracle.operations == len(registry.operations())
            and ids[oracle.champion] == registry.champion()
            and (None if oracle.previous is None else ids[oracle.previous]) == registry.previous()
            and {id_: oracle.state(number) for number, id_ in enumerate(ids)} == registry.states()
            and all(self._is_bare(revisions[number - 1].path) for number in oracle.erased)
        )

    def _is_bare(self, folder: Path) -> bool:
        return ["manifest.json"] == [path.name for path in folder.iterdir()]

    def _do(self, action: Action, effect: Effect, fate: tuple[str, int]) -> None:
        after = self.oracle.copy()
        effect(after)
        how, number = fate
        if how == "killed" and run_and_kill(lambda: action(self.registry), number):
            self.registry = Registry.open(self._root, clock=noon)
            assert self._matches(self.oracle) or self._matches(after)
            if self._matches(after):
                self.oracle = after
            return
        if how == "failed":
            try:
                with armed(at_hit(number, failing(5))):
                    action(self.registry)
            except WriteFailed:
                return  # the invariant says that nothing changed
        elif how == "done":
            action(self.registry)
        self.oracle = after

    def _refused(self, action: Action, error: type[Exception]) -> None:
        try:
            action(self.registry)
        except error:
            return
        raise AssertionError(f"{error.__name__} expected")

    # Rules

    @rule(fate=fate, choice=choice)
    def publish(self, fate: tuple[str, int], choice: int) -> None:
        self.runs += 1
        parent = self._pick(choice, at_least=0)
        staged = fill(self.registry.stage(f"run-{self.runs}"), seed=self.runs, gguf=bool(self.runs % 2))
        inputs = build(seed=self.runs, parent=self._id(parent))
        self._do(lambda r: r.publish(staged, inputs), lambda o: o.parents.append(parent), fate)

    @precondition(lambda self: self.oracle.parents)
    @rule(fate=fate, choice=choice)
    def promote(self, fate: tuple[str, int], choice: int) -> None:
        number, champion = self._pick(choice), self._id(self.oracle.champion)
        revision = self._id(number)
        if self.oracle.state(number) in ("champion", "retired"):
            self._refused(lambda r: r.promote(revision, expected=champion, reason=""), NotAllowed)
            return
        self._do(
            lambda r: r.promote(revision, expected=champion, reason="better"),
            lambda o: o.promoted(number),
            fate,
        )

    @precondition(lambda self: self.oracle.champion != 0)
    @rule(choice=choice)
    def promote_against_a_champion_that_moved(self, choice: int) -> None:
        revision = self._id(self._pick(choice))
        self._refused(lambda r: r.promote(revision, expected="r0", reason=""), ChampionMoved)

    @rule(fate=fate)
    def rollback(self, fate: tuple[str, int]) -> None:
        number = self.oracle.previous
        if number is None:
            self._refused(lambda r: r.rollback(None, reason=""), NotAllowed)
            return
        self._do(lambda r: r.rollback(None, reason="worse"), lambda o: o.rolled_back(number), fate)

    @rule(fate=fate, choice=choice)
    def rollback_to(self, fate: tuple[str, int], choice: int) -> None:
        number = self._pick(choice, at_least=0)
        revision = self._id(number)
        if self.oracle.state(number) in ("champion", "retired"):
            self._refused(lambda r: r.rollback(revision, reason=""), NotAllowed)
            return
        self._do(lambda r: r.rollback(revision, reason="worse"), lambda o: o.rolled_back(number), fate)

    @precondition(lambda self: self.oracle.parents)
    @rule(fate=fate, choice=choice)
    def reject(self, fate: tuple[str, int], choice: int) -> None:
        number = self._pick(choice)
        revision = self._id(number)
        if self.oracle.state(number) in ("champion", "retired", "rejected"):
            self._refused(lambda r: r.reject(revision, ""), NotAllowed)
            return
        self._do(lambda r: r.reject(revision, "worse"), lambda o: o.is_rejected(number), fate)

    @precondition(lambda self: self.oracle.parents)
    @rule(fate=fate, choice=choice)
    def retire(self, fate: tuple[str, int], choice: int) -> None:
        number = self._pick(choice)
        revision = self._id(number)
        if self.oracle.state(number) in ("champion", "retired"):
            self._refused(lambda r: r.retire(revision, ""), NotAllowed)
            return
        self._do(lambda r: r.retire(revision, "forgotten"), lambda o: o.is_retired(number), fate)

    @precondition(lambda self: self.oracle.retired)
    @rule(fate=fate, choice=choice)
    def erase(self, fate: tuple[str, int], choice: int) -> None:
        number = sorted(self.oracle.retired)[choice % len(self.oracle.retired)]
        revision = self._id(number)
        self._do(lambda r: r.erase(revision), lambda o: o.erased.add(number), fate)

    @rule()
    def reopen(self) -> None:
        self.registry = Registry.open(self._root, create=False, clock=noon)

    # What always holds

    @invariant()
    def the_registry_is_as_the_oracle_says(self) -> None:
        assert self._matches(self.oracle)

    @invariant()
    def nothing_is_damaged(self) -> None:
        assert [] == [p for p in self.registry.verify(deep=True) if p.kind is not ProblemKind.LEFTOVER]

    @invariant()
    def every_lineage_ends_at_the_bare_base(self) -> None:
        for number, parent in enumerate(self.oracle.parents, start=1):
            wanted = [number]
            while parent:
                wanted.append(parent)
                parent = self.oracle.parents[parent - 1]
            assert wanted == [revision.number for revision in self.registry.lineage(self._id(number))]


RegistryMachine.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestRegistryMachine = RegistryMachine.TestCase
