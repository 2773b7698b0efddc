"""What happens to a daemon when strangers knock and when clients send nonsense: nothing, and no 5xx."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx2

from serving import shapes, strangers

_COUNTED = re.compile(r'^persona_requests_total\{.*status="(\d+)"\} (\d+)', re.MULTILINE)
_ANSWERS = re.compile(r"^persona_answers_total\{.*\} (\d+)", re.MULTILINE)


def knock(url: str, token: str, *, count: int) -> dict[str, Any]:
    """So many probes of strangers; `answers` is how many the model was asked for by them."""
    port = int(url.rpartition(":")[2])
    before = _answers(url, token)
    found = strangers.send_all(list(strangers.probes(count, port=port, token=token)), port)
    return {**found, "answers": _answers(url, token) - before}


def fuzz(url: str, token: str, *, examples: int, tokens: int = 4, coverage: bool = True) -> dict[str, Any]:
    """A run of schemathesis over every operation, valid requests and others; statuses as the daemon counts
    them. `coverage` adds its thousands of requests at the edges of what is allowed.
    """
    before = _statuses(url, token)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        schema = Path(folder) / "openapi.json"
        schema.write_text(json.dumps(shapes.document(tokens=tokens)))
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(schema), "--url", url),
            *("--header", f"Authorization: Bearer {token}", "--header", "X-Persona-Keep: no"),
            *("--checks", "not_a_server_error", "--mode", "all", "--max-examples", str(examples)),
            *(
                "--phases",
                "examples,coverage,fuzzing" if coverage else "fuzzing",
                "--continue-on-failure",
                "--seed",
                "1",
            ),
            *("--request-timeout", "120", "--no-color", "--suppress-health-check", "all"),
            *("--generation-database", "none"),
        ]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    after = _statuses(url, token)
    new = {status: after[status] - before.get(status, 0) for status in sorted(after)}
    return {
        "requests": sum(new.values()),
        "server_errors": sum(count for status, count in new.items() if status >= "500"),
        "statuses": {status: count for status, count in new.items() if count},
        "exit_code": ran.returncode,
        "said": [] if ran.returncode == 0 else ran.stdout.splitlines()[-40:],
    }


def _statuses(url: str, token: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for status, count in _COUNTED.findall(_metrics(url, token)):
        found[status] = found.get(status, 0) + int(count)
    return found


def _answers(url: str, token: str) -> int:
    return sum(int(count) for count in _ANSWERS.findall(_metrics(url, token)))


def _metrics(url: str, token: str) -> str:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(timeout=60, trust_env=False) as client:
        return client.get(f"{url}/metrics", headers=headers).raise_for_status().text
