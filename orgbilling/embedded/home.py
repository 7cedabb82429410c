"""The `.data/` folder: everything that a clone keeps between runs."""

import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def data_dir(base_dir: Path) -> Path:
    """Returns the folder for local data: DATA_DIR, or `.data` in the clone (not created here)."""
    return Path(os.environ.get("DATA_DIR") or base_dir / ".data").absolute()


def secret_key(base_dir: Path) -> str:
    """Returns the clone's own SECRET_KEY, made at the first call and kept readable by us alone.

    Raises ImproperlyConfigured where nothing can be written: then SECRET_KEY has to be set.
    """
    path = data_dir(base_dir) / "secret_key"
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _create_once(path, secrets.token_urlsafe(50))
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise ImproperlyConfigured(f"SECRET_KEY must be set ({path}: {error.strerror})") from error


def _create_once(path: Path, text: str) -> None:
    """Writes the file whole or not at all; of several first processes one wins."""
    handle, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()
