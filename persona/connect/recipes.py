"""What each client needs to know: pure functions from an address and a token to files and a command.

A client gets files of its own wherever it can read one; what the user has is only added to where it cannot.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import platformdirs

MODEL = "persona"
_ANSWER = 4  # the share of a context that is for an answer is one in so many


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigFile:
    """`how` the text goes in: "whole" is a file of ours; "block" is put between two comments of ours, and
    replaced there; "merge" is a JSON object that is laid over the one that is there.
    """

    path: Path
    text: str
    how: Literal["whole", "block", "merge"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """`start` is the command line that uses the files."""

    files: tuple[ConfigFile, ...]
    start: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """`url` is where the daemon is reached, without a path. `folder` is where files of ours may lie.
    `context` is how many tokens a prompt and its answer may have together; None: nothing is said of it.
    """

    url: str
    token: str
    folder: Path
    home: Path
    environ: Mapping[str, str]
    context: int | None = None

    @property
    def v1(self) -> str:
        return f"{self.url}/v1"


def _llm(terms: Terms) -> Setup:
    given = terms.environ.get("LLM_USER_PATH")
    folder = Path(given) if given else platformdirs.user_config_path("io.datasette.llm", appauthor=False)
    models = (
        f"- model_id: {MODEL}\n"
        f"  model_name: {MODEL}\n"
        f"  api_base: {json.dumps(terms.v1)}\n"
        f"  api_key_name: {MODEL}\n"
        "  supports_tools: true\n"
        "  supports_schema: true\n"
    )
    return Setup(
        files=(
            ConfigFile(path=folder / "extra-openai-models.yaml", text=models, how="block"),
            ConfigFile(path=folder / "keys.json", text=_json({MODEL: terms.token}), how="merge"),
        ),
        start=f"llm -m {MODEL} 'Hello'",
    )


def _openai(terms: Terms) -> Setup:
    return _with_variables(
        terms,
        "openai",
        {"OPENAI_BASE_URL": terms.v1, "OPENAI_API_KEY": terms.token},
        "python your_program.py",
    )


def _aider(terms: Terms) -> Setup:
    model = f"openai/{MODEL}"
    settings = {"model": model, "openai-api-base": terms.v1, "openai-api-key": terms.token}
    files: tuple[ConfigFile, ...] = ()
    if terms.context is not None:  # of a model that it does not know it keeps a thousand tokens of the talk
        known = terms.folder / "aider.models.json"
        settings["model-metadata-file"] = str(known)
        lengths = {
            "max_input_tokens": terms.context,
            "max_output_tokens": terms.context // _ANSWER,
            "litellm_provider": "openai",
            "mode": "chat",
        }
        files = (ConfigFile(path=known, text=_json({model: lengths}), how="whole"),)
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items())
    file = terms.folder / "aider.conf.yml"
    return Setup(
        files=(ConfigFile(path=file, text=text + "show-model-warnings: false\n", how="whole"), *files),
        start=f"aider --config {shlex.quote(str(file))}",
    )


def _open_webui(terms: Terms) -> Setup:
    variables = {
        "OPENAI_API_BASE_URL": terms.v1,
        "OPENAI_API_KEY": terms.token,
        "ENABLE_OLLAMA_API": "false",
    }
    return _with_variables(terms, "open-webui", variables, "open-webui serve")


def _codex(terms: Terms) -> Setup:
    given = terms.environ.get("CODEX_HOME")
    folder = Path(given) if given else terms.home / ".codex"
    # Codex takes a model that it does not know for one with 272,000 tokens, and compacts at nine tenths.
    window = "" if terms.context is None else f"model_context_window = {terms.context}\n"
    text = (
        f'model = "{MODEL}"\n'
        'model_provider = "persona"\n'
        f"{window}"
        "\n"
        "[model_providers.persona]\n"
        'name = "persona"\n'
        f"base_url = {json.dumps(terms.v1)}\n"
        'wire_api = "responses"\n'
        f"experimental_bearer_token = {json.dumps(terms.token)}\n"
    )
    return Setup(
        files=(ConfigFile(path=folder / "persona.config.toml", text=text, how="whole"),),
        start="codex --profile persona",
    )


def _claude_code(terms: Terms) -> Setup:
    variables = {
        "ANTHROPIC_BASE_URL": terms.url,
        "ANTHROPIC_AUTH_TOKEN": terms.token,
        "ANTHROPIC_MODEL": MODEL,
        # Whatever asks for a tier by its name: agents, plans, titles.
        "ANTHROPIC_DEFAULT_OPUS_MODEL": MODEL,
        "ANTHROPIC_DEFAULT_SONNET_MODEL": MODEL,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": MODEL,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    if terms.context is not None:  # else it counts on 200,000 tokens
        variables["CLAUDE_CODE_AUTO_COMPACT_WINDOW"] = str(terms.context)
        variables["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = str(terms.context // _ANSWER)
    return _with_variables(terms, "claude-code", variables, "claude")


def _opencode(terms: Terms) -> Setup:
    given = terms.environ.get("XDG_CONFIG_HOME")
    folder = (Path(given) if given else terms.home / ".config") / "opencode"
    # Without it opencode asks for answers of 32,000 tokens and never compacts.
    context = terms.context
    limit = {} if context is None else {"limit": {"context": context, "output": context // _ANSWER}}
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "persona",
        "options": {"baseURL": terms.v1, "apiKey": terms.token},
        "models": {MODEL: {"name": "persona", **limit}},
    }
    text = _json({"$schema": "https://opencode.ai/config.json", "provider": {"persona": provider}})
    return Setup(
        files=(ConfigFile(path=folder / "opencode.json", text=text, how="merge"),),
        start=f"opencode --model persona/{MODEL}",
    )


RECIPES: Mapping[str, Callable[[Terms], Setup]] = {
    "llm": _llm,
    "openai": _openai,
    "aider": _aider,
    "open-webui": _open_webui,
    "codex": _codex,
    "claude-code": _claude_code,
    "opencode": _opencode,
}


def _with_variables(terms: Terms, name: str, variables: Mapping[str, str], command: str) -> Setup:
    """For clients that read nothing but their environment: a file to read into a shell."""
    file = terms.folder / f"{name}.env"
    text = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in variables.items())
    return Setup(
        files=(ConfigFile(path=file, text=text, how="whole"),),
        start=f". {shlex.quote(str(file))} && {command}",
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"
