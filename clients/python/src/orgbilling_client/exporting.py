"""Where an export is written: whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self


class Destination:
    """A path that is replaced at the end, or a file, pipe or device that is written to at the end.

    Until then the bytes are in a temporary file, beside the path so that replacing it is one step.
    """

    def __init__(self, path_or_file: str | os.PathLike[str] | BinaryIO) -> None:
        self._path: Path | None = None
        self._target: BinaryIO | None = None
        self._device: Path | None = None
        if not isinstance(path_or_file, str | os.PathLike):
            self._target = path_or_file
        elif (path := Path(path_or_file)).exists() and not path.is_file() and not path.is_dir():
            # A pipe or a device, as /dev/stdout: written to, where a file would be put in its place.
            self._device = path
        else:
            # Of a link, the file that it leads to.
            self._path = Path(os.path.realpath(path))
        self._file: BinaryIO | None = None
        self._part: Path | None = None
        self.size = 0

    def __enter__(self) -> Self:
        if self._path is None:
            self._file = tempfile.TemporaryFile()
        else:
            handle, name = tempfile.mkstemp(
                prefix=f".{self._path.name}.", suffix=".part", dir=self._path.parent
            )
            self._file, self._part = os.fdopen(handle, "w+b"), Path(name)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
        if self._part is not None:
            self._part.unlink(missing_ok=True)

    @property
    def _open(self) -> BinaryIO:
        if self._file is None:
            raise RuntimeError("A destination is written to inside its block.")
        return self._file

    def begin(self) -> None:
        """Forget what was written: an attempt begins."""
        self._open.seek(0)
        self._open.truncate()
        self.size = 0

    def write(self, content: bytes) -> None:
        """Keep a piece."""
        self._open.write(content)
        self.size += len(content)

    def keep(self) -> int:
        """Put what was written to where it belongs; return its bytes."""
        if self._target is not None:
            self._open.seek(0)
            shutil.copyfileobj(self._open, self._target)
        elif self._device is not None:
            self._open.seek(0)
            with self._device.open("wb") as device:
                shutil.copyfileobj(self._open, device)
        elif self._path is not None and self._part is not None:
            self._open.flush()
            os.fsync(self._open.fileno())
            self._part.replace(self._path)
            self._part = None
        return self.size
