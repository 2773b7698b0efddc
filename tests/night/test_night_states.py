"""The night's states: every end is written, nothing half stays, and what is known is not done again."""

from __future__ import annotations

import shutil
from collections import namedtuple
from dataclasses import fields, replace
from datetime import timedelta

import pytest
from night_parts import NOON, Place

from adapters import RevisionState
from persona.distill.probes import CHATS
from persona.engine.fake import ScriptedEngine
from persona.engine.own_answers import own_answers
from persona.errors import ChildFailed, NoSpace, TooLittleToLearn
from persona.nightly.curve import Curve
from persona.nightly.judging import room_for
from persona.promote import judge
from persona.train import Losses
from persona.train.practice import practice_prompts
from store.identity import with_id
from store.records import (
    Feedback,
    FeedbackKind,
    LedgerEvent,
    Message,
    PreferenceStatus,
    RunState,
    ToolCall,
)


def terminal(place: Place) -> list[RunState]:
    """The state of every run, oldest first, once it is sure that nothing half is left."""
    assert [] == place.store.runs.open_runs()
    assert [] == place.registry.verify(deep=True)
    assert [] == place.store.verify()
    assert [] == list(place.registry.root.glob("staging/*"))
    return [run.state for run in place.store.runs.all()]


def say(place: Place, wish: str, *, days: int = 0) -> None:
    """As `persona prefer` does it, outside any conversation."""
    said = Feedback(id="", kind=FeedbackKind.PREFERENCE, at=NOON + timedelta(days=days), content=wish)
    place.store.feedback.add(with_id(said))


@pytest.mark.parametrize(("longest", "room"), [(20, 128), (600, 200), (9000, 512)])
def test_an_answer_has_room_for_what_the_user_wants(longest, room):
    """Nine of ten of the wanted answers; one that is an essay does not make the night long."""
    wanted = [Message(role="assistant", content="x" * longest)] * 9
    essay = Message(role="assistant", content="x" * 90_000)
    call = Message(role="assistant", tool_calls=(ToolCall(name="t", arguments={}),))
    assert room == room_for([*wanted, essay, *[call] * 20])
    assert 256 == room_for([call])


def test_the_curve_has_every_term_of_the_loss():
    """What is not listed would be missing from the report without a word."""
    terms = {each.name for each in fields(Losses)} - {"beta", "first", "replay_top_k"}
    curve = Curve()
    curve.seen({"step": "train", "loss": 2.0, **dict.fromkeys(terms, 1.0)})
    assert {"loss": (2.0,), **dict.fromkeys(terms, (1.0,))} == curve.losses()


def test_a_night_that_learnt_moves_the_champion(place):
    """The run names snapshot, revision, reasons, report and costs; the registry names the operation."""
    place.live(12)
    result = place.night()
    run = place.store.runs.get(result.run)
    assert (RunState.PROMOTED, "r1") == (result.outcome, result.revision)
    assert run.revision == place.registry.champion() == place.registry.resolve("r1").id
    assert place.store.snapshots.latest().id == run.snapshot == place.registry.resolve("r1").snapshot
    assert result.report is not None
    assert result.report.to_json() == run.report
    assert {"distill", "train", "publish", "evaluate", "promote"} == set(run.costs)
    assert "cgroup v2" == run.costs["train"]["fence"]
    assert [RunState.PROMOTED] == terminal(place)


def test_held_out_examples_are_judged_on_and_never_trained_on(place):
    """No prompt of the evaluation is in the training job, by conversation."""
    place.live(30)
    place.night()
    trained = {example.conversation for example in place.stages.trained[0].examples}
    held_out = {pair.conversation for pair in place.stages.judged[0].pairs}
    assert held_out
    assert trained.isdisjoint(held_out)
    assert 30 == len(trained | held_out)


def test_a_candidate_that_is_no_better_is_rejected_and_kept_for_its_report(place):
    """The champion stays, and the reasons are the gate's."""
    place.live(12)
    place.stages.score = 0.0
    result = place.night()
    assert RunState.REJECTED is result.outcome
    assert "r0" == place.registry.champion()
    assert RevisionState.REJECTED is place.registry.state(place.registry.resolve("r1").id)
    assert "no better than r0" in result.reasons[0]
    assert [RunState.REJECTED] == terminal(place)


def test_nothing_to_learn_is_an_outcome(place):
    """An empty store, and a second night on the same examples: no trainer is started, the reason says why."""
    assert "0 examples to learn from" in place.night().reasons[0]
    place.live(12)
    place.night()
    again = place.night()
    assert RunState.NOTHING_TO_LEARN is again.outcome
    assert "nothing new since r1" in again.reasons[0]
    assert 1 == len(place.stages.trained)
    assert [RunState.NOTHING_TO_LEARN, RunState.PROMOTED, RunState.NOTHING_TO_LEARN] == terminal(place)


def test_the_judge_is_told_what_took_the_place_of_what(place):
    """A style that was given up, the one in its place, and what the bridge would say to every prompt."""
    say(place, 'End every answer with "Aye."')
    place.live(12)
    place.night()
    say(place, 'From now on end every answer with "Bye."', days=1)
    place.night()
    before, now = place.stages.judged
    (old,) = before.checkers
    (new,) = now.checkers
    assert ({}, {}) == (before.superseded, before.instead)
    assert ({old}, {old: new}) == (now.superseded.keys(), now.instead)
    assert {(old,)} == {probe.bears for probe in before.probes}
    assert {(new,)} == {probe.bears for probe in now.probes}


def test_a_wish_alone_is_learnt_where_it_can_be_practised(place):
    """Said outside any conversation; judged on the prompts that stand in, with room for what a base says."""
    say(place, "Answer in at most two sentences.")
    assert RunState.PROMOTED is place.night().outcome
    assert [((), 4)] == [(job.examples, job.least_examples) for job in place.stages.trained]
    (judged,) = place.stages.judged
    assert (CHATS, 256) == (len(judged.probes), judged.max_tokens)
    assert all(probe.preferences for probe in judged.probes)
    assert [RunState.PROMOTED] == terminal(place)


def test_what_cannot_be_practised_needs_examples(place):
    """Only the trainer can tell, and its word ends the night like any other with nothing to learn."""

    def refuse(job):
        raise TooLittleToLearn(len(job.examples), job.least_examples)

    place.stages.before_training = refuse
    say(place, "Answer in German.")
    result = place.night()
    assert RunState.NOTHING_TO_LEARN is result.outcome
    assert "0 examples to learn from, at least 4 are needed" in result.reasons[0]
    assert [RunState.NOTHING_TO_LEARN] == terminal(place)


@pytest.mark.parametrize(
    ("wish", "outcome"),
    [
        ("Answer in German.", RunState.NOTHING_TO_LEARN),
        ("Answer in at most two sentences.", RunState.PROMOTED),
    ],
)
def test_a_night_knows_what_practice_can_do_once_the_base_has_answered(place, wish, outcome):
    """The answers are kept beside the base: no trainer starts night after night to find nothing in them."""
    prompts = practice_prompts()[: place.recipe.practice_prompts]
    engine = ScriptedEngine(lambda _: "One. Two. Three.")
    own_answers(
        place.base,
        prompts,
        tokens=place.recipe.practice_tokens,
        open_engine=lambda: engine,
        on_progress=lambda done, of: None,
    )
    say(place, wish)
    assert outcome is place.night().outcome
    assert (outcome is RunState.PROMOTED) == bool(place.stages.trained)


@pytest.mark.parametrize("wish", ["Be a little kinder.", "Use rg instead of grep."])
def test_no_trainer_starts_for_what_no_prose_shows(place, wish):
    """A wish that no checker reads, a habit of a tool: without examples there is nothing to practise."""
    say(place, wish)
    assert RunState.NOTHING_TO_LEARN is place.night().outcome
    assert [] == place.stages.trained


def test_no_trainer_starts_for_a_wish_where_practice_is_off(place):
    """A recipe may do without; then examples alone teach."""
    place.recipe = replace(place.recipe, practice_prompts=0)
    say(place, "Answer in at most two sentences.")
    assert RunState.NOTHING_TO_LEARN is place.night().outcome
    assert [] == place.stages.trained


def retire(place: Place, statement: str) -> None:
    (entry,) = [each for each in place.store.ledger.active() if each.statement == statement]
    place.store.ledger.append(
        LedgerEvent(
            preference=entry.id,
            at=NOON + timedelta(days=2),
            status=PreferenceStatus.RETIRED,
            reason="asked",
        )
    )


SHORT, SIGNED = "Answer in at most two sentences.", 'End every answer with "Aye."'


@pytest.mark.parametrize(
    ("taken_back", "taught", "back"),
    [
        ([SIGNED], f"“{SIGNED}”", "r1"),  # what is left was built before: nothing new
        ([SHORT], f"“{SHORT}”", ""),  # another build: the closing alone
        ([SHORT, SIGNED], "and 1 more", "r0"),  # nothing is left to build from
    ],
)
def test_what_holds_no_more_and_nothing_unlearns_is_said(place, taken_back, taught, back):
    """The champion was taught a wish that was taken back; the reason names whom to go back to."""
    say(place, SHORT)
    place.night()
    say(place, SIGNED, days=1)
    place.night()
    for statement in taken_back:
        retire(place, statement)
    result = place.night()
    if not back:
        assert ("r3", 3) == (result.revision, len(place.stages.trained))
        return
    assert RunState.NOTHING_TO_LEARN is result.outcome
    assert "r2 was taught" in result.reasons[0]
    assert taught in result.reasons[0]
    assert f"`persona rollback {back}`" in result.reasons[0]


def test_a_rejected_build_is_not_built_again(place):
    """The same inputs would give the same bytes and the same verdict."""
    place.live(12)
    place.stages.score = 0.0
    place.night()
    assert RunState.NOTHING_TO_LEARN is place.night().outcome


def test_news_makes_a_new_revision(place):
    """More feedback, another snapshot, r2 on the whole set from the base."""
    place.live(12)
    place.night()
    place.live(4, first=12)
    result = place.night()
    assert "r2" == result.revision
    assert "r0" == place.registry.resolve("r2").parent
    assert place.stages.judged[1].champion == place.registry.resolve("r1").id


def test_the_gate_is_told_of_the_earlier_champions(place, monkeypatch):
    """Each as its own night measured it, but for the present one and for what the user took back."""
    told: list[list[str]] = []

    def judged(report, policy, earlier):
        told.append([place.registry.resolve(arm.revision).ref for arm in earlier])
        assert all(20 == arm.adoption["p"].passed for arm in earlier)
        return judge(report, policy, earlier)

    monkeypatch.setattr("persona.nightly.run.judge", judged)
    for night in range(4):
        place.live(12, first=12 * night)
        place.night()
    assert [[], [], ["r1"], ["r1", "r2"]] == told
    place.registry.rollback(place.registry.resolve("r2").id, reason="by hand")
    place.live(12, first=48)
    place.night()
    assert ["r1"] == told[-1]


def test_an_earlier_champion_whose_report_was_forgotten_is_left_out(place):
    """Its numbers went with what they quoted; the night goes on without them."""
    for night in range(2):
        place.live(12, first=12 * night)
        place.night()
    place.store.forget(at=NOON, conversations=["c-1"])
    assert place.store.runs.of_revision(place.registry.resolve("r1").id).report is None
    place.live(12, first=24)
    assert RunState.PROMOTED is place.night().outcome


class Cut(BaseException):
    """Not an Exception: what a killed process leaves is what this leaves."""


def fail(error: BaseException):
    def raising(_: object) -> None:
        raise error

    return raising


FAILURES = {
    "the trainer failed": (ChildFailed("train", "it was killed", __file__), RunState.FAILED, "it was killed"),
    "a bug": (ZeroDivisionError("oops"), RunState.FAILED, "ZeroDivisionError: oops"),
    "Ctrl-C": (KeyboardInterrupt(), RunState.INTERRUPTED, "interrupted"),
}


@pytest.mark.parametrize(("error", "state", "said"), FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("stage", ["before_training", "before_report"])
def test_whatever_stops_a_night_is_written_and_the_next_one_goes_on(place, stage, error, state, said):
    """The champion stays, no staged file stays, and the next night ends as if nothing had happened."""
    place.live(12)
    setattr(place.stages, stage, fail(error))
    with pytest.raises(type(error)):
        place.night()
    assert [state] == terminal(place)
    assert said in place.store.runs.latest().reasons[0]
    assert "r0" == place.registry.champion()
    setattr(place.stages, stage, lambda _: None)
    assert RunState.PROMOTED is place.night().outcome
    assert [state, RunState.PROMOTED] == terminal(place)


def test_a_candidate_that_was_never_judged_is_judged_and_not_built_again(place):
    """An evaluation that failed costs no second training."""
    place.live(12)
    place.stages.before_report = fail(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        place.night()
    place.stages.before_report = lambda _: None
    assert "r1" == place.night().revision
    assert (1, 2) == (len(place.stages.trained), len(place.stages.judged))


def test_a_run_that_was_cut_off_gets_its_end_from_the_next_night(place):
    """A power cut leaves a run without an end; it is interrupted, not running for ever."""
    place.live(12)
    place.stages.before_training = fail(Cut())
    with pytest.raises(Cut):
        place.night()
    assert 1 == len(place.store.runs.open_runs())
    place.stages.before_training = lambda _: None
    place.night()
    assert [RunState.INTERRUPTED, RunState.PROMOTED] == terminal(place)


def test_a_champion_that_moved_meanwhile_is_not_overwritten(place):
    """The verdict was about another champion, so it changes nothing."""
    place.live(12)
    place.night()
    place.live(4, first=12)
    place.stages.before_report = lambda _: place.registry.rollback("r0", reason="by hand")
    with pytest.raises(Exception, match="champion"):
        place.night()
    assert "r0" == place.registry.champion()
    assert [RunState.PROMOTED, RunState.FAILED] == terminal(place)


def test_a_full_disk_stops_the_night_before_it_begins_to_train(place, monkeypatch):
    """One line that says where, how much is needed and how much is free."""
    place.live(12)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    with pytest.raises(NoSpace, match=r"268 MB needed and 1 MB free"):
        place.night()
    assert [] == place.stages.trained
    assert [RunState.FAILED] == terminal(place)


def test_what_the_children_were_given_does_not_stay_on_disk(place):
    """Job files hold what the user wrote."""
    place.live(12)
    place.stages.before_training = lambda job: (place.home.runs / job.out.name / "job.json").write_text(
        "private"
    )
    place.night()
    assert [] == list(place.home.runs.rglob("*.json"))
