"""Other programs' configuration: what it says, and that nothing of the user's is lost."""

from __future__ import annotations

import json
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from persona.connect.files import text_of, write
from persona.connect.recipes import RECIPES, ConfigFile, Terms
from persona.errors import BadInput

URL, TOKEN = "http://127.0.0.1:7437", "t0ken-'with a quote"


@pytest.fixture
def terms(tmp_path) -> Terms:
    environ = {"LLM_USER_PATH": str(tmp_path / "llm"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    folder = tmp_path / "persona's"
    return Terms(url=URL, token=TOKEN, folder=folder, home=tmp_path, environ=environ, context=8192)


def written(terms: Terms, name: str) -> dict[str, str]:
    setup = RECIPES[name](terms)
    for file in setup.files:
        write(file)
    return {file.path.name: file.path.read_text() for file in setup.files}


@pytest.mark.parametrize("name", RECIPES)
def test_each_client_learns_where_and_with_what(terms, name: str) -> None:
    """Address and token are in every client's files, which nobody else may read, and in no command line."""
    setup = RECIPES[name](terms)
    texts = "".join(written(terms, name).values())

    assert URL in texts
    assert TOKEN.split("'")[0] in texts
    assert TOKEN not in setup.start
    assert {0o600} == {file.path.stat().st_mode & 0o777 for file in setup.files}


@pytest.mark.parametrize("name", ["openai", "open-webui", "claude-code"])
def test_variables_survive_a_shell(terms, name: str) -> None:
    """A shell that reads the file passes on the token letter by letter."""
    (file,) = RECIPES[name](terms).files
    write(file)
    command = f". '{str(file.path).replace(chr(39), chr(39) + chr(92) + chr(39) + chr(39))}'; env -0"
    seen = subprocess.run(["sh", "-c", command], capture_output=True, check=True, text=True).stdout

    assert any(variable.endswith(f"={TOKEN}") for variable in seen.split("\0"))


def test_formats_are_what_the_programs_read(terms) -> None:
    """TOML, YAML and JSON that parse, with the keys that each program asks for."""
    codex = tomllib.loads(written(terms, "codex")["persona.config.toml"])
    aider = yaml.safe_load(written(terms, "aider")["aider.conf.yml"])
    llm = written(terms, "llm")
    opencode = json.loads(written(terms, "opencode")["opencode.json"])

    assert ("persona", "responses") == (codex["model"], codex["model_providers"]["persona"]["wire_api"])
    assert TOKEN == codex["model_providers"]["persona"]["experimental_bearer_token"]
    assert ("openai/persona", f"{URL}/v1", TOKEN) == (
        aider["model"],
        aider["openai-api-base"],
        aider["openai-api-key"],
    )
    (model,) = yaml.safe_load(llm["extra-openai-models.yaml"])
    assert ("persona", f"{URL}/v1") == (model["model_id"], model["api_base"])
    assert {"persona": TOKEN} == json.loads(llm["keys.json"])
    assert TOKEN == opencode["provider"]["persona"]["options"]["apiKey"]


def test_clients_learn_how_long_a_conversation_may_be(terms) -> None:
    """Those that compact by a length are told the one that is served, and to ask for no longer answers."""
    codex = tomllib.loads(written(terms, "codex")["persona.config.toml"])
    opencode = json.loads(written(terms, "opencode")["opencode.json"])
    claude = variables(written(terms, "claude-code")["claude-code.env"])
    aider = written(terms, "aider")
    lengths = json.loads(aider["aider.models.json"])["openai/persona"]

    assert 8192 == codex["model_context_window"]
    assert (8192, 2048) == (lengths["max_input_tokens"], lengths["max_output_tokens"])
    where = terms.folder / "aider.models.json"
    assert str(where) == yaml.safe_load(aider["aider.conf.yml"])["model-metadata-file"]
    assert {"context": 8192, "output": 2048} == opencode["provider"]["persona"]["models"]["persona"]["limit"]
    assert ("8192", "2048") == (
        claude["CLAUDE_CODE_AUTO_COMPACT_WINDOW"],
        claude["CLAUDE_CODE_MAX_OUTPUT_TOKENS"],
    )


def test_a_length_that_is_not_known_is_not_made_up(terms) -> None:
    """Before there is a base, what is written holds no length, and is whole otherwise."""
    unknown = replace(terms, context=None)
    codex = tomllib.loads(written(unknown, "codex")["persona.config.toml"])
    opencode = json.loads(written(unknown, "opencode")["opencode.json"])
    claude = variables(written(unknown, "claude-code")["claude-code.env"])

    assert ["aider.conf.yml"] == list(written(unknown, "aider"))
    assert {"model", "model_provider", "model_providers"} == codex.keys()
    assert {"name": "persona"} == opencode["provider"]["persona"]["models"]["persona"]
    assert not [name for name in claude if name.endswith(("_WINDOW", "_TOKENS"))]


def test_no_tier_leads_elsewhere(terms) -> None:
    """Whichever of its models Claude Code asks for by tier, it is persona."""
    claude = variables(written(terms, "claude-code")["claude-code.env"])

    tiers = [claude[f"ANTHROPIC_DEFAULT_{tier}_MODEL"] for tier in ("OPUS", "SONNET", "HAIKU")]
    assert ["persona"] * 4 == [claude["ANTHROPIC_MODEL"], *tiers]


def variables(text: str) -> dict[str, str]:
    return dict(line.removeprefix("export ").split("=", 1) for line in text.splitlines())


def test_what_the_user_has_stays(terms, tmp_path) -> None:
    """Other models and keys are kept, and the old file lies beside the new one."""
    folder = tmp_path / "llm"
    folder.mkdir()
    models, keys = folder / "extra-openai-models.yaml", folder / "keys.json"
    models.write_text("# mine\n- model_id: other\n  api_base: http://other")
    keys.write_text('{"other": "secret", "persona": "old"}')
    before = models.read_text(), keys.read_text()
    kept = [write(file) for file in RECIPES["llm"](terms).files]

    assert ["other", "persona"] == [entry["model_id"] for entry in yaml.safe_load(models.read_text())]
    assert {"other": "secret", "persona": TOKEN} == json.loads(keys.read_text())
    assert before == tuple(old.read_text() for old in kept)


@pytest.mark.parametrize("name", RECIPES)
def test_every_client_s_old_files_are_kept(terms, name: str) -> None:
    """Whatever is written over lies beside it, byte for byte, and what only grew still holds the old."""
    old = {
        "merge": b'{"mine":\t"h\xc3\xa9"}',
        "block": b"# mine\r\n- model_id: h\xc3\xa9\r\n",
        "whole": b"\xff mine",
    }
    for file in RECIPES[name](terms).files:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.path.write_bytes(old[file.how])
        kept = write(file)

        assert kept is not None
        assert kept.parent == file.path.parent
        assert old[file.how] == kept.read_bytes()
        assert (file.how == "whole") is ("hé" not in file.path.read_bytes().decode())
        assert 0o600 == kept.stat().st_mode & 0o777


def test_a_link_to_a_file_elsewhere_stays_a_link(terms, tmp_path) -> None:
    """Who keeps configuration in a folder of its own finds the change there."""
    (file,) = RECIPES["opencode"](terms).files
    theirs = tmp_path / "dotfiles.json"
    theirs.write_text('{"theme": "dark"}')
    file.path.parent.mkdir(parents=True)
    file.path.symlink_to(theirs)
    kept = write(file)

    assert file.path.is_symlink()
    assert {"theme", "provider", "$schema"} == json.loads(theirs.read_text()).keys()
    assert kept is not None
    assert (tmp_path, '{"theme": "dark"}') == (kept.parent, kept.read_text())


def test_what_is_right_already_is_made_private(terms) -> None:
    """A file that holds our token is its owner's alone, also when nothing else has to change."""
    (file,) = RECIPES["codex"](terms).files
    write(file)
    file.path.chmod(0o644)

    assert write(file) is None
    assert 0o600 == file.path.stat().st_mode & 0o777


def test_writing_again_changes_what_is_ours_alone(terms, tmp_path) -> None:
    """The same again touches nothing; a new token replaces the old block where it stands."""
    (models, _) = RECIPES["llm"](terms).files
    write(models)
    models.path.write_text("# before\n" + models.path.read_text() + "# after\n")
    again = write(models)
    moved = ConfigFile(path=models.path, text="- model_id: moved\n", how="block")
    kept = write(moved)
    text = models.path.read_text()

    assert again is None
    assert kept is not None
    assert text.startswith("# before\n")
    assert text.endswith("# after\n")
    assert [{"model_id": "moved"}] == yaml.safe_load(text)


def test_several_old_files_are_kept(tmp_path) -> None:
    """An earlier backup is never written over."""
    file = tmp_path / "a.env"
    kept = [write(ConfigFile(path=file, text=text, how="whole")) for text in ("one", "two", "three")]

    assert [None, "one", "two"] == [old and old.read_text() for old in kept]


@pytest.mark.parametrize("old", [b"// a comment\n{}", b"[1]", b"{", b'{"a": "\xff"}'])
def test_a_file_that_cannot_be_added_to_stays(tmp_path, old: bytes) -> None:
    """JSON with comments is the user's; what to do instead is said."""
    file = tmp_path / "opencode.json"
    file.write_bytes(old)
    with pytest.raises(BadInput, match="by hand"):
        write(ConfigFile(path=file, text="{}", how="merge"))

    assert [file] == list(Path(tmp_path).iterdir())
    assert old == file.read_bytes()


def test_half_a_block_is_not_guessed_at(tmp_path) -> None:
    """Where our last line was taken out nobody knows where the block ends."""
    file = ConfigFile(path=tmp_path / "models.yaml", text="- a\n", how="block")
    torn = text_of(file, None).replace("# persona ends here\n", "")
    with pytest.raises(BadInput, match="missing"):
        text_of(file, torn)
