"""The file of settings: profiles, each the address of a service with its key and organization."""

import json
import os
import re
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROFILE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
FIELDS = ("url", "api_key", "org_id", "journal")
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class BadSettings(Exception):
    """Settings that can't be used; the message says what would be right."""


@dataclass
class Profiles:
    """What the file holds: profiles by name, and which one is used when none is named."""

    path: Path
    default: str | None = None
    profiles: dict[str, dict[str, str]] = field(default_factory=dict)

    def named(self, name: str | None) -> dict[str, str]:
        """The settings of a profile, or of the default one; none where the file has none.

        Raises:
            BadSettings: a profile was named that the file doesn't have.
        """
        wanted = name or self.default
        if wanted is None:
            return {}
        if wanted not in self.profiles:
            known = ", ".join(sorted(self.profiles)) or "none"
            message = f"{self.path} has no profile {wanted!r}. Its profiles: {known}."
            raise BadSettings(message)
        return self.profiles[wanted]

    def save(self) -> None:
        """Write the file anew, whole or not at all, readable by its owner alone."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(self._text())
                file.flush()
                os.fsync(handle)
            draft.replace(self.path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def _text(self) -> str:
        lines = ["# Written by `orgbilling config`; may be edited.\n"]
        if self.default is not None:
            lines.append(f"profile = {_quoted(self.default)}\n")
        for name, settings in self.profiles.items():
            lines.append(f"\n[profiles.{name}]\n")
            lines += [f"{key} = {_quoted(value)}\n" for key, value in settings.items()]
        return "".join(lines)


def _quoted(text: str) -> str:
    """A basic string of TOML: as JSON writes it, but for one character that only TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def config_path() -> Path:
    """Where the file is: ``ORGBILLING_CONFIG``, or in the user's folder of configuration."""
    named = os.environ.get("ORGBILLING_CONFIG")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "orgbilling" / "config.toml"


def read_profiles(path: Path) -> Profiles:
    """Read the file; without one there are no profiles.

    Raises:
        BadSettings: it can't be read or understood, or others may read a key in it.
    """
    try:
        text = path.read_text(encoding="utf-8")
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return Profiles(path)
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} can't be read: {error}."
        raise BadSettings(message) from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{path} is not TOML: {error}."
        raise BadSettings(message) from error
    read = _checked(path, document)
    if mode & OTHERS and any("api_key" in profile for profile in read.profiles.values()):
        message = f"{path} holds an API key and others may read it (mode {mode:04o}). Do: chmod 600 {path}"
        raise BadSettings(message)
    return read


def check_name(name: str) -> str:
    """A profile's name, as it may stand in the file.

    Raises:
        BadSettings: it may not.
    """
    if PROFILE_NAME.fullmatch(name) is None:
        message = f"{name!r} is no name of a profile: use up to 64 letters, digits, - and _."
        raise BadSettings(message)
    return name


def _checked(path: Path, document: dict[str, Any]) -> Profiles:
    unknown = document.keys() - {"profile", "profiles"}
    profiles = document.get("profiles", {})
    default = document.get("profile")
    if unknown or not isinstance(profiles, dict) or not isinstance(default, str | None):
        message = f"{path} may hold `profile`, a name, and tables `[profiles.NAME]`" + (
            f"; it doesn't know {', '.join(sorted(unknown))}." if unknown else "."
        )
        raise BadSettings(message)
    for name, settings in profiles.items():
        check_name(name)
        if not isinstance(settings, dict) or not all(
            key in FIELDS and isinstance(value, str) for key, value in settings.items()
        ):
            message = f"{path}: [profiles.{name}] may hold {', '.join(FIELDS)}, each a text."
            raise BadSettings(message)
    return Profiles(path, default, profiles)
