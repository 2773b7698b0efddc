"""Which rows a build visits, and how often."""

from persona.train.rows import Row, visits

ROWS = [
    Row(prompt=(1,), chosen=(2, 3)),
    Row(prompt=(4,), chosen=(5, 3), rejected=(6, 3), calls=True),
    Row(prompt=(4,), chosen=(5, 3), rejected=(7, 3), calls=True),
]


def test_rows_of_one_prompt_are_one_visit():
    """Its pairs take turns."""
    assert [[0], [1, 2]] == visits(ROWS, calls_again=False)


def test_calls_are_visited_twice_where_style_is_practised():
    """Nothing else teaches them."""
    assert [[0], [1, 2], [1, 2]] == visits(ROWS, calls_again=True)
