"""Equal values have equal bytes and equal digests; JSON that could mean two things is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.digest import canonical, digest, digest_file, parse, plain, tagged_digest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=JSON)
def test_writing_and_reading_gives_the_same_value_and_the_same_bytes(value: object) -> None:
    """Canonical JSON is a round trip for every value, lone surrogates and huge numbers included."""
    assert value == parse(canonical(value))
    assert canonical(value) == canonical(parse(canonical(value)))
    assert value == plain(value)


def test_the_order_of_keys_does_not_matter() -> None:
    """Nor does the kind of mapping or sequence."""
    wanted = b'{"a":[1,2.5],"b":"\\u00e9"}'
    assert wanted == canonical({"b": "é", "a": [1, 2.5]})
    assert wanted == canonical(MappingProxyType({"a": (1, 2.5), "b": "é"}))


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {1: 2}, {"a": {None: 1}}, b"x", {1, 2}, Path()]
)
def test_what_is_not_json_is_refused(value: object) -> None:
    """Silently writing something else would give two values one digest."""
    with pytest.raises(ValueError):
        canonical(value)


@pytest.mark.parametrize(
    "data",
    [b'{"a":1,"a":1}', b'[{"a":1,"a":2}]', b"NaN", b"[Infinity]", b"", b"\xff", b"[" * 99_999, b"1 2"],
)
def test_json_that_means_two_things_or_nothing_is_refused(data: bytes) -> None:
    """Repeated keys, NaN, bad UTF-8, endless nesting: ValueError, never a crash."""
    with pytest.raises(ValueError):
        parse(data)


def test_a_digest_names_its_algorithm(tmp_path: Path) -> None:
    """And a file's is that of its content."""
    wanted = "sha256:" + hashlib.sha256(b"data").hexdigest()
    (tmp_path / "file").write_bytes(b"data")
    assert wanted == digest(b"data") == digest_file(tmp_path / "file")


def test_a_tagged_digest_depends_on_its_tag() -> None:
    """Values of different kinds never share one; the form is stable, since it is written to disk."""
    one = tagged_digest("build1", {"a": 1})
    other = tagged_digest("build2", {"a": 1})
    assert one.partition("-")[2] != other.partition("-")[2]
    assert "build1-sha256:" + hashlib.sha256(b'build1\n{"a":1}').hexdigest() == one
