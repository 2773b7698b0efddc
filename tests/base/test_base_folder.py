"""A base from a folder: what is taken, where it goes, and what ends the work."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from model_parts import CHATML, write_gguf, write_model_folder

from persona.base import load_base, prepare_base, prepared_bases, verify_base
from persona.errors import BadInput, Busy, NoSpace, UnknownBase
from persona.lock import home_lock
from store.records import Message


def test_a_folder_becomes_a_base(home, model):
    """Its parts are where they should be, and what the model says of itself is taken over."""
    base = prepare_base(home, str(model))

    assert "my-model-0-6b" == base.name
    assert home.base("my-model-0-6b") == base.path
    assert "llama" == base.architecture
    assert 128 == base.context_length
    assert (128, 100, 128) == tuple(base.served_context(wanted) for wanted in (None, 100, 4096))
    assert base.gguf is None
    assert "none" == base.parts.quantisation
    assert CHATML == base.template_source
    assert "<|im_end|>" == base.eos
    assert ("<|im_end|>", "<|endoftext|>") == base.stops
    assert {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"} == base.tokens
    assert base.tokenizer.is_file()
    assert base == load_base(home, base.name)


def test_its_own_template_renders(base):
    """With the tokens that the tokenizer names, and guarded against what contents hold."""
    text = base.template.render([Message(role="user", content="a<|im_end|>")], add_generation_prompt=True)

    assert "<|im_start|>user\na<\u2060|im_end|><|im_end|>\n<|im_start|>assistant\n" == text


def test_a_whole_base_is_returned_at_once(home, model, base):
    """The second call reads; it needs neither the source nor the lock."""
    shutil.rmtree(model)
    model.mkdir()

    with home_lock(home.bases):
        assert base == prepare_base(home, str(model))


def test_a_prepared_base_can_be_asked_for_by_name(home, base):
    """What `persona init` is given may be the name that is in the settings."""
    assert base == prepare_base(home, base.name)


def test_changes_to_the_folder_do_not_reach_the_base(home, model, base):
    """Everything is a copy: not even writing into the same file is seen."""
    with (model / "model.safetensors").open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"oops")

    verify_base(load_base(home, base.name))


def test_everything_is_private_whatever_the_umask(home, model):
    """Folders 0700, files 0600."""
    before = os.umask(0)
    try:
        base = prepare_base(home, str(model))
    finally:
        os.umask(before)

    modes = {(path.is_dir(), oct(path.stat().st_mode & 0o777)) for path in [base.path, *base.path.rglob("*")]}
    assert {(True, "0o700"), (False, "0o600")} == modes
    assert 0o700 == home.bases.stat().st_mode & 0o777


def test_only_data_is_taken(home, model):
    """No code, no pickles, and what the JSON says of code is cut out; the template has one place."""
    (model / "modeling_evil.py").write_text("raise SystemExit")
    (model / "pytorch_model.bin").write_bytes(b"pickle")
    (model / "training_args.bin").write_bytes(b"pickle")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "modeling_evil.Evil"}}))

    base = prepare_base(home, str(model))

    own = {"config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json"}
    assert own | {"model.safetensors"} == {file.name for file in base.weights.iterdir()}
    assert "auto_map" not in json.loads((base.weights / "config.json").read_text())
    assert "chat_template" not in json.loads((base.weights / "tokenizer_config.json").read_text())


def test_a_template_of_its_own_file_wins(home, model):
    """Newer models keep it beside tokenizer_config.json."""
    (model / "chat_template.jinja").write_text(CHATML + "{# newer #}")

    assert prepare_base(home, str(model)).template_source.endswith("{# newer #}")


def test_a_gguf_in_the_folder_is_what_is_served(home, model):
    """It is copied, named by its type, and part of the fingerprint."""
    plain = prepare_base(home, str(model), name="plain")
    write_gguf(model / "tiny-q4_1.gguf")

    base = prepare_base(home, str(model), name="served")

    assert base.path / "model.gguf" == base.gguf
    assert "Q4_1" == base.parts.quantisation
    assert base.parts.gguf is not None
    assert plain.parts.weights == base.parts.weights
    assert plain.fingerprint != base.fingerprint


def test_shards_are_taken_with_their_index(home, model):
    """Large models come in pieces."""
    name = "model-00001-of-00001.safetensors"
    (model / "model.safetensors").rename(model / name)
    index = {"metadata": {}, "weight_map": {"model.embed_tokens.weight": name}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))

    base = prepare_base(home, str(model))

    assert (base.weights / name).is_file()
    assert (base.weights / "model.safetensors.index.json").is_file()


@pytest.mark.parametrize("spec", ["nosuch", "./nosuch/folder"])
def test_an_unknown_base_is_told_with_those_that_are_known(home, base, spec):
    """The starters, and what this home holds."""
    with pytest.raises(UnknownBase, match=r"my-model-0-6b, smollm2-135m"):
        prepare_base(home, spec)


def test_loading_an_unknown_base_names_those_that_are_known(home):
    """Nothing is made by asking."""
    with pytest.raises(UnknownBase, match="smollm2-135m"):
        load_base(home, "other")
    assert not home.root.exists()


def test_one_name_is_one_model(home, base, tmp_path):
    """Another model does not slip in under a name that is taken."""
    other = write_model_folder(tmp_path / "elsewhere" / "my model 0.6b")

    with pytest.raises(BadInput, match="another name"):
        prepare_base(home, str(other))


def test_two_preparations_exclude_each_other(home, model):
    """The second is told, and does not wait for gigabytes."""
    home.bases.mkdir(parents=True)

    with home_lock(home.bases), pytest.raises(Busy):
        prepare_base(home, str(model))


def test_a_full_disk_is_told_before_anything_is_copied(home, model, monkeypatch):
    """How much is needed and how much is free."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**6))

    with pytest.raises(NoSpace, match="1 MB free"):
        prepare_base(home, str(model))
    assert [] == prepared_bases(home)


def test_an_interrupt_leaves_nothing(home, model):
    """Ctrl-C anywhere in the work: no base, no staging folder, and the next try succeeds."""

    def interrupt(_step, done, _total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_base(home, str(model), progress=interrupt)

    assert ["lock"] == [entry.name for entry in home.bases.iterdir()]
    assert "my-model-0-6b" == prepare_base(home, str(model)).name


def test_what_a_killed_process_left_is_removed(home, model):
    """Staging folders belong to whoever holds the lock; older ones to nobody."""
    left = home.bases / ".staging-old" / "base"
    left.mkdir(parents=True)
    (left / "base.json").write_text("{}")
    assert [] == prepared_bases(home)

    prepare_base(home, str(model))

    assert not left.exists()


def test_progress_ends_at_the_total(home, model):
    """Whoever draws a bar can trust the numbers."""
    told = []

    prepare_base(home, str(model), progress=lambda *step: told.append(step))

    assert {"copy"} == {step for step, _, _ in told}
    done = [done for _, done, _ in told]
    assert sorted(done) == done
    assert told[-1][1] == told[-1][2] > 0
