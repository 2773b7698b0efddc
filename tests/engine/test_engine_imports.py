"""What importing an engine brings in, and what it does not."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.strip() + done.stderr.strip()


@pytest.mark.parametrize("module", ["llama_cpp", "opener", "fake", "gguf_adapter", "quantisation"])
def test_no_torch_without_need(module) -> None:
    """Serving with llama.cpp, writing its adapters and opening engines load no torch."""
    assert "[]" == run(
        f"import sys, persona.engine.{module}\n"
        "print([name for name in ('torch', 'transformers', 'peft') if name in sys.modules])"
    )


def test_the_opener_loads_no_engine() -> None:
    """Which engine is loaded is known when one is opened."""
    assert "False" == run("import sys, persona.engine.opener; print('xllamacpp' in sys.modules)")


def test_libraries_see_their_environment_in_time() -> None:
    """Offline, without telemetry, with threads that sleep while they wait; and nothing is printed."""
    assert "True passive" == run(
        "import os\n"
        "for name in ('HF_HUB_OFFLINE', 'OMP_WAIT_POLICY'): os.environ.pop(name, None)\n"
        "import sys, persona.engine.transformers_engine, persona.engine.scorer\n"
        "import huggingface_hub.constants as hub\n"
        "print(hub.HF_HUB_OFFLINE and hub.HF_HUB_DISABLE_TELEMETRY, os.environ['OMP_WAIT_POLICY'])"
    )
