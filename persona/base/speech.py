"""What a base's tokenizer and template agree on: the tokens that a template uses and that end an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from persona.errors import BadInput, TemplateRefused
from persona.template import Template

_NAMED = ("bos_token", "eos_token", "pad_token", "unk_token")


@dataclass(frozen=True, kw_only=True, slots=True)
class Speech:
    """`stops` begins with the template's own end token."""

    template: Template
    tokens: Mapping[str, str]
    controls: tuple[str, ...]
    stops: tuple[str, ...]


def own_speech(weights: Path, source: str) -> Speech:
    """For a template that came with the model in the folder `weights`. BadInput if it cannot be used."""
    tokenizer = _tokenizer(weights)
    tokens = _named_tokens(weights)
    controls = tuple(sorted(_special_tokens(tokenizer)))
    ends = _end_tokens(weights, tokenizer)
    try:
        template = Template(source, tokens=tokens, controls=controls)
    except TemplateRefused as error:
        raise BadInput(f"{weights}: {error}") from None
    return _checked(tokenizer, weights, template, tokens, controls, ends)


def our_speech(weights: Path, source: str, ends: tuple[str, ...]) -> Speech:
    """For a template of ours, which needs nothing of the tokenizer; `ends` are more tokens that end."""
    return _checked(_tokenizer(weights), weights, Template(source, controls=ends), {}, ends, ends)


def _checked(
    tokenizer: Tokenizer,
    weights: Path,
    template: Template,
    tokens: Mapping[str, str],
    controls: tuple[str, ...],
    ends: tuple[str, ...],
) -> Speech:
    if tokenizer.token_to_id(template.eos) is None:
        raise BadInput(f"{weights}: its template ends an answer with {template.eos!r}, which is not a token")
    stops = tuple(dict.fromkeys((template.eos, *ends)))
    return Speech(template=template, tokens=tokens, controls=controls, stops=stops)


def _tokenizer(weights: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(weights / "tokenizer.json"))
    except Exception as error:  # the library raises bare Exception for a file that it cannot read
        if type(error) is not Exception:
            raise
        raise BadInput(f"{weights / 'tokenizer.json'}: not a tokenizer: {error}") from None


def _special_tokens(tokenizer: Tokenizer) -> set[str]:
    added = tokenizer.get_added_tokens_decoder()
    return {token.content for token in added.values() if token.special}


def _end_tokens(weights: Path, tokenizer: Tokenizer) -> tuple[str, ...]:
    """Those that generation_config.json, or else config.json, names by number."""
    for name in ("generation_config.json", "config.json"):
        ids = _settings(weights / name).get("eos_token_id")
        numbers = ids if isinstance(ids, list) else [ids]
        found = [tokenizer.id_to_token(number) for number in numbers if type(number) is int and number >= 0]
        if any(found):
            return tuple(token for token in found if token)
    return ()


def _named_tokens(weights: Path) -> dict[str, str]:
    named: dict[str, str] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        settings = _settings(weights / name)
        for key in _NAMED:
            value = settings.get(key)
            text = value.get("content") if isinstance(value, dict) else value
            if isinstance(text, str):
                named[key] = text
    return named


def _settings(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    value = json.loads(file.read_bytes())
    return value if isinstance(value, dict) else {}
