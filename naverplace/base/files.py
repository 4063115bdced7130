"""Files of ours: written as a whole or not at all, and for our own user's eyes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from naverplace.base.errors import Permanent

_TRIED = 64 * 1024  # bytes; a full disk may still take an empty file


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file aside and rename it, so that nobody reads half of it. Raises Permanent."""
    data = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    with file_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A name of its own, for two processes may write the same file; its mode is 0600.
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
        try:
            with open(handle, "wb") as file:
                file.write(data)
            Path(aside).replace(path)
        except OSError:
            Path(aside).unlink(missing_ok=True)
            raise


def try_folder(folder: Path) -> None:
    """Prove that files can be written there, without leaving anything. Raises Permanent."""
    above = (folder.absolute(), *folder.absolute().parents)
    with file_errors(folder):
        existing = next(path for path in above if path.exists())
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"\0" * _TRIED)
            file.flush()


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Say in our words what is wrong with a file or folder, and what would be right."""
    try:
        yield
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise Permanent(
            f"{path}: {what}; look at the disk's space and the folder's rights"
        ) from error
