"""The tables of words that statements are read with, one file a language, read once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from persona.checker.statement.folding import fold

TONGUES = ("en", "de", "fr", "es", "it", "pt")  # the languages that users are understood in


@cache
def table(name: str) -> Mapping[str, Any]:
    """The table of this name, as TOML gives it."""
    with (files(__name__) / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


@cache
def language_names(tongue: str) -> Mapping[str, str]:
    """What this tongue calls languages, folded, and their ISO 639-1 codes."""
    return {fold(name): str(code) for name, code in table("languages")[tongue].items()}
