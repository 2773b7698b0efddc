"""What persona knows of a prepared base: where its files are and what identifies them.

A base never changes once it is published; its fingerprint covers everything that decides what a revision
built on it does: the trained weights, the served file, the tokenizer, the template and the quantisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from adapters import BaseRef
from adapters.digest import canonical, digest
from persona.template import Template


@dataclass(frozen=True, kw_only=True, slots=True)
class FingerprintParts:
    """Digests, each "sha256:" and 64 hex digits, of what must be the same for a revision to fit.

    `gguf` is None when the base has no file for llama.cpp. `quantisation` says what the served weights are
    stored as ("Q4_1"), or "none".
    """

    weights: str
    gguf: str | None
    tokenizer: str
    template: str
    quantisation: str

    def to_json(self) -> dict[str, str | None]:
        return asdict(self)

    @property
    def fingerprint(self) -> str:
        """ "b2-sha256:" and the hash over all parts."""
        return "b2-" + digest(canonical(self.to_json()))


# Tokens, where the base allows more and nobody says: what a context costs in memory is paid at the start.
SERVED_CONTEXT = 8192


@dataclass(frozen=True, kw_only=True)
class Base:
    """One prepared base.

    `weights` is a Hugging Face folder (config.json, *.safetensors, tokenizer.json), `gguf` the file that
    llama.cpp serves, or None. `eos` ends an assistant's turn; `stops` are all tokens that end a generation.
    `tokens` and `controls` are what its template is made with. `context_length` is in tokens.
    """

    name: str
    path: Path
    spec: str
    architecture: str
    weights: Path
    gguf: Path | None
    template_source: str
    eos: str
    context_length: int
    parts: FingerprintParts
    stops: tuple[str, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict)
    controls: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        return self.parts.fingerprint

    @property
    def ref(self) -> BaseRef:
        """What the manifest of a revision says of the base that it stands on."""
        return BaseRef(
            name=self.name,
            fingerprint=self.fingerprint,
            weights=self.parts.weights,
            gguf=self.parts.gguf or "",
            tokenizer=self.parts.tokenizer,
            template=self.parts.template,
            quantisation=self.parts.quantisation,
        )

    @property
    def tokenizer(self) -> Path:
        """The tokenizer.json; rendered text is encoded with it as it is, without adding special tokens."""
        return self.weights / "tokenizer.json"

    def served_context(self, wanted: int | None) -> int:
        """How many tokens an engine has for a prompt and its answer together, if `wanted` are asked for."""
        return min(wanted or SERVED_CONTEXT, self.context_length)

    @cached_property
    def template(self) -> Template:
        """The pinned template; render with this one, never with one of a tokenizer or an adapter."""
        return Template(self.template_source, eos=self.eos, tokens=self.tokens, controls=self.controls)
