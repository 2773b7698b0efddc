"""A base that was touched is noticed, and made anew."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from persona.base import load_base, prepare_base, verify_base
from persona.errors import Damaged, TemplateMismatch


@pytest.mark.parametrize(
    "name", ["weights/config.json", "weights/tokenizer.json", "template.jinja", "base.json"]
)
def test_a_small_file_that_changed_is_noticed_when_the_base_is_read(home, base, name):
    """Each time, not only in a check."""
    file = base.path / name
    file.write_bytes(file.read_bytes().replace(b"m", b"n", 1))

    with pytest.raises(Damaged, match="persona init"):
        load_base(home, base.name)


@pytest.mark.parametrize("name", ["weights/config.json", "weights/model.safetensors", "template.jinja"])
def test_a_missing_or_cut_file_is_noticed_when_the_base_is_read(home, base, name):
    """By its length, whatever its size."""
    file = base.path / name
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(Damaged, match="bytes"):
        load_base(home, base.name)

    file.unlink()
    with pytest.raises(Damaged, match="missing"):
        load_base(home, base.name)


def test_a_link_in_place_of_a_file_is_refused(home, base, tmp_path):
    """What lies outside the base can change under it."""
    file = base.weights / "model.safetensors"
    file.rename(tmp_path / "moved")
    file.symlink_to(tmp_path / "moved")

    with pytest.raises(Damaged, match="plain file"):
        load_base(home, base.name)


def test_a_changed_weight_is_found_by_verification(home, base, monkeypatch):
    """Large files are hashed by verify_base only; their headers are looked at each time."""
    monkeypatch.setattr("persona.base.folder._SMALL", 10_000)
    file = base.weights / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)

    loaded = load_base(home, base.name)
    with pytest.raises(Damaged, match="content has changed"):
        verify_base(loaded)

    data[8] = ord("[")
    file.write_bytes(data)
    with pytest.raises(Damaged, match="header"):
        load_base(home, base.name)


def test_a_damaged_base_is_made_anew(home, model, base):
    """The advice in the error works."""
    (base.weights / "model.safetensors").unlink()

    again = prepare_base(home, str(model))

    assert base.fingerprint == again.fingerprint
    verify_base(again)


def test_a_template_that_would_render_otherwise_now_is_told(home, model, base, monkeypatch):
    """A later persona that renders the same source differently says so; making the base anew settles it."""
    monkeypatch.setattr("persona.template.chat._RENDERING", 99)

    with pytest.raises(TemplateMismatch, match="persona init"):
        load_base(home, base.name)

    assert base.fingerprint != prepare_base(home, str(model)).fingerprint


def test_the_fingerprint_follows_from_the_content(home, model, base, tmp_path):
    """The same model elsewhere is the same base; who wrote config.json does not matter, what it says does."""
    copy = shutil.copytree(model, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"transformers_version": "99"}))
    assert base.fingerprint == prepare_base(home, str(copy)).fingerprint

    (copy / "config.json").write_text(json.dumps(config | {"rope_theta": 5.0}))
    other = prepare_base(home, str(copy), name="other")
    assert base.parts.weights != other.parts.weights
    assert base.parts.tokenizer == other.parts.tokenizer
    assert base.fingerprint != other.fingerprint


def test_a_file_that_does_not_belong_to_the_weights_is_refused(home, base):
    """A library that loads the folder would pick it up: an adapter, a pickle, a module."""
    (base.weights / "adapter_config.json").write_text("{}")

    with pytest.raises(Damaged, match="not part of the base"):
        load_base(home, base.name)


def test_verification_finds_a_missing_file(base):
    """Since it was loaded, somebody removed it."""
    (base.weights / "model.safetensors").unlink()

    with pytest.raises(Damaged, match="missing"):
        verify_base(base)


def test_files_that_others_put_beside_a_base_do_not_disturb_it(home, base):
    """The trainer keeps what depends on the base alone there."""
    (base.path / "replay").mkdir()
    (base.path / "replay" / "cache").write_text("x")

    verify_base(load_base(home, base.name))


def test_reading_a_base_loads_no_torch(home, base):
    """The daemon serves without it."""
    code = (
        "import sys; from pathlib import Path;"
        "from persona.base import load_base; from persona.paths import Home;"
        f"load_base(Home(Path({str(home.root)!r})), {base.name!r});"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'gguf')))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    assert 0 == subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode
