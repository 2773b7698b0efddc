"""Means are over people, intervals over prompts."""

from __future__ import annotations

from pathlib import Path

import pytest
from learning import tables
from learning.figures import in_common, leads, summaries, whole, wilson
from learning_parts import case, cell

from persona.report import Rate


@pytest.mark.parametrize(
    ("passed", "asked", "low", "high"), [(8, 10, 0.4902, 0.9433), (0, 12, 0.0, 0.2425), (12, 12, 0.7575, 1.0)]
)
def test_wilsons_interval(passed: int, asked: int, low: float, high: float) -> None:
    """As in the tables; at the edges it stays within 0 and 1."""
    found = wilson(Rate(passed=passed, asked=asked))
    assert found == pytest.approx((low, high), abs=1e-4)


def test_nothing_asked_has_no_interval() -> None:
    """And no share: it is not 0 of 0."""
    assert wilson(Rate(passed=0, asked=0)) is None


def test_each_person_counts_once() -> None:
    """Whatever number of seeds and prompts they have; the interval counts prompts."""
    cells = [
        cell(case(person="nell", seed=0), passed=2, asked=2),
        cell(case(person="nell", seed=1), passed=0, asked=2),
        cell(case(person="otto"), passed=10, asked=10),
    ]
    (found,) = summaries(cells, ["base"])
    assert 0.75 == found.adoption.mean
    assert Rate(passed=12, asked=14) == found.adoption.rate
    assert (3, 2) == (found.cells, found.people)
    assert found.retention.mean is None


def test_means_compare_only_what_every_arm_has() -> None:
    """A person whom one arm has not got to yet is in no mean."""
    cells = [cell(case(arm, person)) for arm, person in (("a", "nell"), ("a", "otto"), ("b", "nell"))]
    assert {"nell"} == {each.case.person for each in in_common(cells, ["a", "b"])}
    assert [] == in_common([], [])


def test_a_lead_is_over_people_and_not_over_prompts() -> None:
    """Each person counts once, whatever their seeds; the interval is of people, and the same every time."""
    cells = [
        cell(case(arm, person, seed=seed), passed=passed, asked=10)
        for person, one, other in (("nell", 10, 2), ("otto", 8, 4), ("wim", 9, 9))
        for arm, passed in (("a", one), ("b", other))
        for seed in (0, 1)
    ]
    (found,) = leads(cells, "a", ["b"])
    assert (3, 40.0) == (found.people, pytest.approx(found.points))
    assert 0.0 <= found.low < 40.0 < found.high <= 80.0
    assert [found] == leads(cells, "a", ["b"])
    assert [] == leads([each for each in cells if each.case.person != "wim"], "a", ["b"])


def test_a_variant_that_was_cut_short_is_not_compared() -> None:
    """Its mean would be over other people than the default's; it is named instead."""
    cells = [cell(case(arm, person)) for arm, person in (("d", "nell"), ("d", "tomas"), ("e", "nell"))]
    kept, short = whole(cells)
    assert (["d", "d"], ["e"]) == ([each.case.arm for each in kept], short)
    assert ([], []) == whole([])


def test_verdicts_are_counted() -> None:
    """Promoted nights of those that were judged; arms without a gate have none."""
    cells = [
        cell(case("persona", person), verdict={"outcome": outcome, "reasons": []})
        for person, outcome in (("nell", "promoted"), ("otto", "rejected"))
    ]
    (found,) = summaries(cells, ["persona"])
    assert Rate(passed=1, asked=2) == found.accepted


def test_tables_hold_what_was_measured_and_no_zero_for_what_was_not() -> None:
    """A dash stands for a number that nobody has."""
    cells = [cell(case("base"), training={}), cell(case("persona", night=2), verdict={"outcome": "rejected",
             "reasons": ["only 4 held-out checks"]})]  # fmt: skip
    text = tables.arms_table(summaries(cells, ["base", "persona"]))
    base, persona = text.splitlines()[2:]
    assert "50 %" in base
    assert "–" in base.split()
    assert "60 s" in persona
    own = tables.people_table(cells)
    assert "rejected, only 4 held-out checks" in own
    assert "Be brief. 1/2" in own


def test_contested_wishes_stand_beside_those_of_the_base() -> None:
    """So that a reader sees to which side an arm leans; who contradicts nothing has no such line."""
    lists = {"Lists.": Rate(passed=1, asked=9), "No lists.": Rate(passed=8, asked=9)}
    leaning = {"Lists.": Rate(passed=7, asked=9), "No lists.": Rate(passed=2, asked=9)}
    cells = [cell(case("base"), contested=lists), cell(case("persona"), contested=leaning)]
    told = [line.strip() for line in tables.people_table(cells).splitlines() if "contested" in line]
    assert ["contested: Lists. 1/9; No lists. 8/9", "contested: Lists. 7/9; No lists. 2/9"] == told
    assert "contested" not in tables.people_table([cell(case())])


def test_a_sweep_marks_the_default() -> None:
    """And says how many steps each variant took."""
    text = tables.sweep_table([cell(case("default")), cell(case("rank 1"))])
    default, rank = text.splitlines()[2:4]
    assert default.startswith("default *")
    assert "*" not in rank
    assert " 24 " in rank


def test_where_cells_were_measured_is_told() -> None:
    """Seconds of two machines do not compare; cells that do not say are not counted."""
    cells = [cell(case(person=person), machine=machine) for person, machine in (("a", "X"), ("b", ""))]
    assert "X (1 cells)" == tables.machines(cells)


def test_mixed_states_of_the_code_are_told() -> None:
    """Cells of two states compare badly."""
    same = [cell(case("a")), cell(case("b"))]
    assert tables.states_of_code(same) == ""
    assert "2 states" in tables.states_of_code([*same, cell(case("c"), code="other")])


def test_plots_are_written(tmp_path: Path) -> None:
    """PNG files, also where an arm has one night and one has no drift."""
    pytest.importorskip("matplotlib")
    from learning import plots

    cells = [cell(case("base", night=n)) for n in (1, 2)] + [cell(case("prompt"), drift=None)]
    found = summaries(cells, ["base", "prompt"])
    variants = [cell(case("default")), *(cell(case(f"rank {n}", person=f"p{n}")) for n in (1, 2))]
    tried = summaries(variants, [each.case.arm for each in variants])
    written = plots.write_arms(found, tmp_path) + plots.write_sweep(tried, ["rate", "rank"], tmp_path)
    assert 3 == len(written)
    assert [] == plots.write_sweep(tried[:1], ["rank"], tmp_path)
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in written)
