"""A text in the user's own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from persona.errors import BadInput


def edited(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """What the user makes of `text` in $VISUAL or $EDITOR; BadInput when the editor does not end well."""
    command = shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or "vi")
    descriptor, name = tempfile.mkstemp(prefix="persona-", suffix=".txt")  # 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        try:
            done = subprocess.run([*command, name], check=False)
        except OSError as error:
            raise BadInput(
                f"{command[0]}: {error.strerror}; set EDITOR, or write /edit and the text"
            ) from None
        if done.returncode != 0:
            raise BadInput(f"{command[0]} ended with exit code {done.returncode}; nothing was changed")
        try:
            return Path(name).read_text(encoding="utf-8").rstrip("\n")
        except UnicodeDecodeError:
            raise BadInput(f"what {command[0]} left is not UTF-8 text; nothing was changed") from None
    finally:
        Path(name).unlink(missing_ok=True)
