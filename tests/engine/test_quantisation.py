"""The choice of how weights are held is made from three numbers, and says why."""

from __future__ import annotations

import pytest
from small_parts import SHAPES, small_base

from persona.engine.quantisation import choose_quantisation, parameter_count

GB = 10**9


@pytest.mark.parametrize(
    ("device", "parameters", "free", "expected"),
    [
        ("cuda", 135_000_000, 80 * GB, "nf4"),
        ("cuda:1", 8_000_000_000, 8 * GB, "nf4"),
        ("mps", 8_000_000_000, 1 * GB, "none"),
        ("cpu", 135_000_000, 2 * GB, "none"),
        ("cpu", 1_700_000_000, 4 * GB, "nf4"),
        ("cpu", 1_700_000_000, 16 * GB, "none"),
    ],
)
def test_choice(device, parameters, free, expected) -> None:
    """NF4 on CUDA and where a CPU's memory is too small; dense weights otherwise. The reason says which."""
    choice = choose_quantisation(device=device, parameters=parameters, free_memory=free)

    assert expected == choice.quantisation
    assert choice.reason.lower().startswith("nf4" if expected == "nf4" else "dense")


def test_parameters_are_counted_from_headers(tmp_path) -> None:
    """The count is that of the files, without reading a weight."""
    assert 2 * sum(rows * columns for rows, columns in SHAPES.values()) == parameter_count(
        small_base(tmp_path / "b")
    )
