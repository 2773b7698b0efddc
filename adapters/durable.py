"""Writes that a crash or a power cut leaves whole or undone: the only place that renames.

A name appears only after everything behind it is on the disk (files, then directories, then the rename,
then the parent). A failed call raises WriteFailed and leaves the old state in view; a failed fsync is
never tried again and called good. Everything written is 0700 or 0600, whatever the umask.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from adapters.errors import NameTaken, NotPublishable, WriteFailed
from adapters.failpoint import reach

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
_TEMPORARY_SUFFIX = ".partial"
_CHUNK = 1 << 20


def write_file(path: Path, data: bytes, *, mode: int = FILE_MODE) -> None:
    """Put `data` at `path`, replacing what is there, whole or not at all; durable on return.

    The directory must exist. Several processes may write the same path: one of them wins.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}{_TEMPORARY_SUFFIX}")
    with _failing_as(path):
        try:
            _write_new(temporary, data, mode)
            _replace(temporary, path)
        except BaseException:
            with suppress(OSError):  # what stays is harmless, and sweep() removes it
                temporary.unlink()
            raise


def publish_directory(staged: Path, target: Path) -> None:
    """Move the finished directory `staged` to `target`, which must not exist; durable on return.

    Every file and directory below becomes private (0600, 0700). Both paths lie on one file system.
    Raises NotPublishable for anything but plain files and directories, NameTaken when `target` exists.
    """
    with _failing_as(target):
        files, directories = _tree(staged)
        for file in files:
            _secure_and_sync(file, FILE_MODE)
        for directory in reversed(directories):  # a directory after all that lies in it
            _secure_and_sync(directory, DIRECTORY_MODE)
        if target.is_symlink() or target.exists():
            raise NameTaken(target)
        reach("directory.rename")
        staged.rename(target)
        try:
            reach("directory.sync_parent")
            _sync_directory(target.parent)
            if staged.parent != target.parent:
                _sync_directory(staged.parent)
        except OSError as error:
            try:
                target.rename(staged)
            except OSError:
                raise WriteFailed(target, error, undone=False) from error
            raise


def make_directory(path: Path) -> None:
    """Make `path` and its missing parents, 0700; those that exist are left as they are. Durable on return."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        try:
            make_new_directory(directory)
        except NameTaken:  # another process was faster, or a file is in the way
            if not directory.is_dir():
                raise


def make_new_directory(path: Path) -> None:
    """Make the directory `path`, 0700, in one that exists; of several callers one makes it, the others get
    NameTaken. Durable on return.
    """
    with _failing_as(path):
        try:
            path.mkdir(DIRECTORY_MODE)
        except FileExistsError:
            raise NameTaken(path) from None
        _secure_and_sync(path, DIRECTORY_MODE)
        _sync_directory(path.parent)


def remove_directory(path: Path) -> None:
    """Remove the directory at `path` and all below it, if it is there. A crash may leave part of it."""
    with _failing_as(path):
        if not path.is_dir() or path.is_symlink():
            path.unlink(missing_ok=True)
            return
        for folder, directories, files in os.walk(path, topdown=False):
            for name in files:
                Path(folder, name).unlink()
            for name in directories:
                below = Path(folder, name)
                below.unlink() if below.is_symlink() else below.rmdir()
        path.rmdir()


def remove_file(path: Path) -> None:
    """Remove the file at `path`, if it is there; durable on return."""
    with _failing_as(path):
        reach("remove.file")
        path.unlink(missing_ok=True)
        reach("remove.sync_directory")
        _sync_directory(path.parent)


def is_partial(name: str) -> bool:
    """Whether a file of this name is what a killed `write_file` leaves behind."""
    return name.startswith(".") and name.endswith(_TEMPORARY_SUFFIX)


def sweep(directory: Path) -> None:
    """Remove what killed writers left in `directory`. Only for one that nobody else writes to now."""
    with _failing_as(directory):
        for path in directory.iterdir():
            if is_partial(path.name):
                path.unlink(missing_ok=True)


@contextmanager
def _failing_as(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteFailed(path, error) from error


def _write_new(path: Path, data: bytes, mode: int) -> None:
    reach("write.create")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)  # the umask may have taken bits away
        reach("write.data")
        file.write(data)
        file.flush()
        reach("write.sync")
        os.fsync(descriptor)


def _replace(temporary: Path, path: Path) -> None:
    with _content_of(path) as before:
        reach("write.rename")
        temporary.replace(path)
        try:
            reach("write.sync_directory")
            _sync_directory(path.parent)
        except OSError as error:
            # Readers must not see what the caller is told did not happen.
            try:
                _put_back(path, before, temporary)
            except OSError:
                raise WriteFailed(path, error, undone=False) from error
            raise


@contextmanager
def _content_of(path: Path) -> Iterator[int | None]:
    """A descriptor that outlives the rename over `path`; None when nothing is there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _put_back(path: Path, before: int | None, temporary: Path) -> None:
    if before is None:
        path.unlink()
        return
    status = os.fstat(before)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IMODE(status.st_mode))
    with os.fdopen(descriptor, "wb") as file:
        while chunk := os.pread(before, _CHUNK, file.tell()):
            file.write(chunk)
    temporary.replace(path)


def _tree(root: Path) -> tuple[list[Path], list[Path]]:
    """Files and directories of `root`, itself included, parents first."""
    files: list[Path] = []
    directories = [root]
    for directory in directories:  # grows while it is walked
        for path in directory.iterdir():
            kind = path.lstat().st_mode
            if stat.S_ISDIR(kind):
                directories.append(path)
            elif stat.S_ISREG(kind):
                files.append(path)
            else:
                raise NotPublishable(path, "neither a plain file nor a directory")
    return files, directories


def _secure_and_sync(path: Path, mode: int) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fchmod(descriptor, mode)
        reach("directory.sync")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
