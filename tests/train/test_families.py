"""Which rows a build visits together."""

from hypothesis import given
from hypothesis import strategies as st

from persona.train.rows import Row, by_prompt, families

ROWS = [
    Row(prompt=(1,), chosen=(2, 3)),
    Row(prompt=(4,), chosen=(5, 3), rejected=(6, 3), calls=True),
    Row(prompt=(4,), chosen=(5, 3), rejected=(7, 3), calls=True),
]


def test_rows_of_one_prompt_are_one_visit():
    """Its pairs take turns."""
    assert [[0], [1, 2]] == by_prompt(ROWS)


def test_prompts_with_the_same_tools_are_a_family():
    """What they begin with is shared; another set of tools is another family."""
    begins = [(9, 9, 9, 9, 9, 1), (8, 8, 8, 8, 8, 1), (9, 9, 9, 9, 9, 2, 3), (8, 8, 8, 8, 8, 1, 2)]
    rows = [Row(prompt=begin, chosen=(5,), calls=True) for begin in begins]
    found = families(rows, [[0], [1], [2], [3]])

    assert [((1,), (3,)), ((0,), (2,))] == [family.groups for family in found]
    assert [5, 5] == [family.shared for family in found]


def test_prose_behind_the_same_tools_goes_with_their_calls():
    """What it shares with them is all that the family shares; behind other tools it is left out."""
    begins = [(9, 9, 9, 9, 9, 1, 1), (9, 9, 9, 9, 9, 1, 2)]
    rows = [
        *(Row(prompt=begin, chosen=(5,), calls=True) for begin in begins),
        Row(prompt=(9, 9, 9, 9, 9, 4, 4), chosen=(6,), calls=True),
        Row(prompt=(8, 8, 8, 8, 8, 1, 1), chosen=(6,), calls=True),
    ]
    (found,) = families(rows, [[0], [1]], beside=[2, 3])

    assert ((0,), (1,)) == found.groups
    assert (2,) == found.beside
    assert 5 == found.shared


def test_requests_longer_than_their_tools_have_prose_beside_them():
    """What both share is little then; what matters is that a call is not all that is ever shown."""
    rows = [
        Row(prompt=(9, 9, 9, *range(20, 40)), chosen=(5,), calls=True),
        Row(prompt=(9, 9, 9, 4, 4), chosen=(6,), calls=True),
        Row(prompt=(8, 8, 8, 4, 4), chosen=(6,), calls=True),
    ]
    (found,) = families(rows, [[0]], beside=[1, 2])

    assert ((1,), 3) == (found.beside, found.shared)


def test_a_request_alone_with_another_day_before_its_tools_has_prose_too():
    """The system's message differs before the tools begin, and a single group loses nothing by it."""
    rows = [
        Row(prompt=(7, 1, 9, 9, 9, 9, 3), chosen=(5,), calls=True),
        Row(prompt=(7, 2, 9, 9, 9, 9, 4), chosen=(6,), calls=True),
    ]
    (found,) = families(rows, [[0]], beside=[1])

    assert ((1,), 1) == (found.beside, found.shared)


prompts = st.lists(st.integers(0, 2), min_size=1, max_size=12).map(tuple)


@given(st.lists(prompts, min_size=1, max_size=12))
def test_families_hold_every_group_once_and_what_all_of_them_share(begins):
    """Nothing is lost, and behind what is shared every prompt has a token of its own."""
    rows = [Row(prompt=begin, chosen=(5,), calls=True) for begin in begins]
    found = families(rows, [[n] for n in range(len(rows))])

    assert sorted((n,) for n in range(len(rows))) == sorted(g for family in found for g in family.groups)
    for family in found:
        members = [begins[group[0]] for group in family.groups]
        assert len({begin[: family.shared] for begin in members}) == 1
        assert all(family.shared < len(begin) for begin in members)
        if len(members) > 1:
            assert all(2 * family.shared >= len(begin) - 1 for begin in members)
