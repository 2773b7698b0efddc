"""The plan: fair, bounded, repeatable."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.train.plan import plan, steps_for
from persona.train.recipe import Schedule
from persona.train.rows import Family

lengths = st.lists(st.integers(1, 400), min_size=1, max_size=40)
schedules = st.builds(
    Schedule,
    epochs=st.floats(0.5, 4),
    batch=st.integers(1, 8),
    replay_batch=st.integers(0, 4),
    practice_batch=st.integers(0, 4),
    min_steps=st.integers(1, 10),
    max_steps=st.integers(10, 40),
    micro_tokens=st.integers(50, 2000),
)


@given(lengths, lengths, schedules, st.integers(0, 9))
def test_rows_are_seen_equally_often(user, replay, schedule, seed):
    """No user row is seen more than once more than another."""
    made = plan(user_lengths=user, replay_lengths=replay, schedule=schedule, seed=seed)
    seen = Counter(i for micro in made.micros for i in micro.user)
    counts = [seen[i] for i in range(len(user))]
    assert max(counts) - min(counts) <= 1


@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), schedules)
def test_rows_of_one_prompt_take_turns(sizes, schedule):
    """A prompt with more pairs is visited as often as one with fewer, and its pairs equally often."""
    starts = [sum(sizes[:n]) for n in range(len(sizes))]
    groups = [list(range(start, start + size)) for start, size in zip(starts, sizes, strict=True)]
    made = plan(user_lengths=[5] * sum(sizes), replay_lengths=[], schedule=schedule, seed=0, groups=groups)
    seen = Counter(i for micro in made.micros for i in micro.user)
    visits = [sum(seen[i] for i in group) for group in groups]
    assert max(visits) - min(visits) <= 1
    for group in groups:
        assert max(seen[i] for i in group) - min(seen[i] for i in group) <= 1


@given(lengths, lengths, schedules, st.integers(0, 9))
def test_steps_hold_what_the_schedule_says(user, replay, schedule, seed):
    """Each step has the batch of user rows and of replay rows, however it is divided."""
    made = plan(user_lengths=user, replay_lengths=replay, schedule=schedule, seed=seed)
    assert steps_for(len(user), schedule) == made.steps
    assert list(range(made.steps)) == sorted({micro.step for micro in made.micros})
    for step in range(made.steps):
        mine = made.of_step(step)
        assert min(schedule.batch, len(user)) == sum(len(m.user) for m in mine)
        assert min(schedule.replay_batch, len(replay)) == sum(len(m.replay) for m in mine)


@given(lengths, schedules, st.integers(1, 4))
def test_micro_batches_fit_their_budget(user, schedule, workers):
    """Padded to its longest row, a micro-batch fits, unless it is one row that is longer alone."""
    made = plan(user_lengths=user, replay_lengths=[], schedule=schedule, seed=0, workers=workers)
    for micro in made.micros:
        if len(micro.user) > 1:
            assert max(user[i] for i in micro.user) * len(micro.user) <= schedule.micro_tokens


@given(lengths, schedules, st.integers(2, 4))
def test_workers_share_what_one_would_do(user, schedule, workers):
    """A step sees the same rows, in no more portions than the workers need to have equally many."""
    one, shared = (
        plan(user_lengths=user, replay_lengths=[], schedule=schedule, seed=0, workers=n) for n in (1, workers)
    )
    for step in range(one.steps):
        alone, together = one.of_step(step), shared.of_step(step)
        assert sorted(i for m in alone for i in m.user) == sorted(i for m in together for i in m.user)
        assert len(alone) <= len(together) < len(alone) + workers


def test_two_workers_end_a_step_together():
    """Three portions would leave one of two workers idle for a third of a step; four do not."""
    schedule = Schedule(batch=12, min_steps=1, max_steps=1, micro_tokens=320)
    made = plan(user_lengths=[80] * 12, replay_lengths=[], schedule=schedule, seed=0, workers=2)
    assert [3, 3, 3, 3] == [len(micro.user) for micro in made.micros]


@pytest.mark.parametrize(
    ("prose", "rows"),
    [([70, 75, 75, 75], [4, 2]), ([60, 80, 100, 100], [2, 1, 1, 2])],
    ids=["one portion is enough", "two would make three"],
)
def test_a_bundle_of_calls_occupies_a_worker(prose: list[int], rows: list[int]):
    """Prose is divided so that its portions and the bundle go evenly into two workers."""
    user = [*prose, 200, 200]
    made = plan(
        user_lengths=user,
        replay_lengths=[],
        schedule=Schedule(batch=4, call_batch=2, min_steps=1, max_steps=1, micro_tokens=320),
        seed=0,
        groups=[[0], [1], [2], [3]],
        calls=[Family(groups=((4,), (5,)), shared=150)],
        workers=2,
    )
    assert rows == [len(micro.user) for micro in made.micros]
    assert 250 == made.widest(user, [])


@given(lengths, st.integers(0, 9))
def test_the_same_seed_gives_the_same_plan(user, seed):
    """A build can be repeated."""
    first, second = (
        plan(user_lengths=user, replay_lengths=[9], schedule=Schedule(), seed=seed) for _ in "ab"
    )
    assert first == second


def test_few_rows_are_stretched_and_many_are_cut():
    """Few examples still teach, and a large set costs no more than max_steps."""
    schedule = Schedule(epochs=3, batch=4, min_steps=24, max_steps=120)
    assert [24, 48, 120] == [steps_for(n, schedule) for n in (4, 64, 1000)]


def test_nothing_to_plan_is_an_error():
    """A plan without user rows would train on replay alone and call it learning."""
    with pytest.raises(ValueError, match="no user rows"):
        plan(user_lengths=[], replay_lengths=[5], schedule=Schedule(), seed=0)


def test_what_was_only_said_is_practised():
    """Without a row of the user's, a build has as few steps as may be, each with practice and replay."""
    schedule = Schedule(min_steps=3, practice_batch=2, replay_batch=1)
    made = plan(
        user_lengths=[5] * 4, replay_lengths=[5], schedule=schedule, seed=0, groups=[], practice=range(4)
    )
    steps = [made.of_step(step) for step in range(made.steps)]
    assert [(2, 1)] * 3 == [
        (sum(len(each.user) for each in step), sum(len(each.replay) for each in step)) for step in steps
    ]


@given(lengths, st.integers(1, 30), schedules)
def test_practice_goes_round_for_itself(user, practice, schedule):
    """Its rows are seen equally often, and neither lengthen a build nor take the place of a user's rows."""
    every = [*user, *[7] * practice]
    made = plan(
        user_lengths=every,
        replay_lengths=[],
        schedule=schedule,
        seed=0,
        groups=[[i] for i in range(len(user))],
        practice=range(len(user), len(every)),
    )
    assert steps_for(len(user), schedule) == made.steps
    seen = Counter(i for micro in made.micros for i in micro.user)
    counts = [seen[i] for i in range(len(user), len(every))]
    assert max(counts) - min(counts) <= 1
    assert made.steps * min(schedule.practice_batch, practice) == sum(counts)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(1, 5), st.integers(60, 400))
def test_calls_of_one_family_stand_together(sizes, batch, bundle):
    """A step asks one family, within the bundle's budget; over the steps all its calls come equally often."""
    starts = [sum(sizes[:n]) for n in range(len(sizes))]
    each = [
        Family(groups=tuple((i,) for i in range(start, start + size)), shared=40)
        for start, size in zip(starts, sizes, strict=True)
    ]
    made = plan(
        user_lengths=[50] * sum(sizes),
        replay_lengths=[],
        schedule=Schedule(call_batch=batch, min_steps=8, max_steps=8, bundle_tokens=bundle),
        seed=0,
        groups=[],
        calls=each,
    )

    family_of = {group[0]: n for n, family in enumerate(each) for group in family.groups}
    seen = Counter(i for micro in made.micros for i in micro.user)
    for micro in made.micros:
        assert 1 == len({family_of[i] for i in micro.user})
        assert (40 if len(micro.user) > 1 else 0) == micro.shared
        assert len(micro.user) == 1 or 40 + 10 * len(micro.user) <= bundle
    for family in each:
        counts = [seen[group[0]] for group in family.groups]
        assert max(counts) - min(counts) <= 1
    for step in range(made.steps):
        rows = [i for micro in made.of_step(step) for i in micro.user]
        assert min(batch, sizes[family_of[rows[0]]]) == len(rows)


@given(st.integers(0, 5), st.integers(0, 3))
def test_what_is_beside_calls_takes_turns(beside, batch):
    """Each step has as many as the schedule says, and none comes twice before all came once."""
    family = Family(groups=((0,), (1,)), shared=40, beside=tuple(range(2, 2 + beside)))
    made = plan(
        user_lengths=[50] * (2 + beside),
        replay_lengths=[],
        schedule=Schedule(call_batch=2, offer_batch=batch, min_steps=7, max_steps=7),
        seed=0,
        groups=[],
        calls=[family],
    )
    seen = Counter(i for micro in made.micros for i in micro.user)
    counts = [seen[i] for i in family.beside]
    assert 7 * min(batch, beside) == sum(counts)
    assert not counts or max(counts) - min(counts) <= 1
    assert [7, 7] == [seen[0], seen[1]]


def test_calls_that_are_many_lengthen_a_build():
    """Their epochs count as those of prose do."""
    schedule = Schedule(epochs=2, batch=4, call_batch=4, min_steps=1, max_steps=100)
    assert [4, 10, 10] == [steps_for(8, schedule), steps_for(8, schedule, 20), steps_for(0, schedule, 20)]
