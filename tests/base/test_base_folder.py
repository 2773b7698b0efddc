"""A base from a folder: what is taken, what is refused, and what is noticed afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from model_parts import CHATML, write_gguf, write_model_folder

from persona.base import Base, load_base, prepare_base, prepared_bases, verify_base
from persona.errors import BadInput, Busy, Damaged, NoSpace, TemplateMismatch, UnknownBase
from persona.lock import home_lock
from persona.paths import Home
from store.records import Message


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def model(tmp_path) -> Path:
    return write_model_folder(tmp_path / "My Model 0.6B")


@pytest.fixture
def base(home, model) -> Base:
    return prepare_base(home, str(model))


def test_a_folder_becomes_a_base(home, model):
    """Its parts are where they should be, and what the model says of itself is taken over."""
    base = prepare_base(home, str(model))

    assert "my-model-0-6b" == base.name
    assert home.base("my-model-0-6b") == base.path
    assert "llama" == base.architecture
    assert 128 == base.context_length
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


def _without(name):
    return lambda model: (model / name).unlink()


def _pickled(model):
    (model / "model.safetensors").rename(model / "pytorch_model.bin")


def _without_template(model):
    write_model_folder(model, template=None)


def _broken_template(model):
    write_model_folder(model, template="{% if %}")


def _hostile_template(model):
    loop = "{% for number in range(99999) %}"
    write_model_folder(model, template=f"{loop}{loop}{{% endfor %}}{{% endfor %}}")


def _foreign_end(model):
    write_model_folder(model, template=CHATML.replace("<|im_end|>", "<|eot_id|>"))


def _quantised(model):
    write_model_folder(model, quantization_config={"quant_method": "gptq"})


def _vision(model):
    write_model_folder(model, max_position_embeddings=None)


def _two_ggufs(model):
    write_gguf(model / "a.gguf")
    write_gguf(model / "b.gguf")


def _other_gguf(model):
    write_gguf(model / "a.gguf", layers=7)


def _cut_gguf(model):
    path = write_gguf(model / "a.gguf")
    path.write_bytes(path.read_bytes()[:-1])


def _missing_shard(model):
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (model / "model.safetensors").rename(model / "model-00001-of-00002.safetensors")
    (model / "model.safetensors.index.json").write_text(json.dumps(index))


def _broken_json(model):
    (model / "config.json").write_text('{"model_type": ')


def _broken_tokenizer(model):
    (model / "tokenizer.json").write_text("{}")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_without("config.json"), "no config.json"),
        (_without("tokenizer.json"), "no tokenizer.json"),
        (_without("model.safetensors"), "no model.safetensors"),
        (_pickled, "pickled"),
        (_without_template, "no chat template"),
        (_broken_template, "not a Jinja template"),
        (_hostile_template, "loops"),
        (_foreign_end, "which is not a token"),
        (_quantised, "quantised"),
        (_vision, "max_position_embeddings"),
        (_two_ggufs, "2 GGUF files"),
        (_other_gguf, "block_count"),
        (_cut_gguf, "cut short"),
        (_missing_shard, "names other files"),
        (_broken_json, "not JSON"),
        (_broken_tokenizer, "not a tokenizer"),
    ],
)
def test_what_cannot_be_a_base_is_refused_and_leaves_nothing(home, model, spoil, why):
    """One line says why; neither a base nor a staging folder remains."""
    spoil(model)

    with pytest.raises(BadInput, match=why) as refusal:
        prepare_base(home, str(model))

    assert "\n" not in str(refusal.value)
    assert ".staging" not in str(refusal.value)
    assert [] == prepared_bases(home)
    assert {"lock"} >= {entry.name for entry in home.bases.iterdir()}


def test_weights_that_are_cut_are_refused(home, model):
    """A download that broke off is noticed before anything is published."""
    file = model / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])

    with pytest.raises(BadInput, match=r"model.safetensors: .* get it again"):
        prepare_base(home, str(model))

    assert [] == prepared_bases(home)


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
