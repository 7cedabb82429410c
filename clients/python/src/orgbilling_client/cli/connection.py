"""Which service, key and organization a command uses, and where each of them was said."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from orgbilling_client.cli.profiles import BadSettings, Profiles, config_path, read_profiles

ENVIRONMENT = {
    "url": "ORGBILLING_URL",
    "api_key": "ORGBILLING_API_KEY",  # pragma: allowlist secret
    "org_id": "ORGBILLING_ORG_ID",
    "journal": "ORGBILLING_JOURNAL",
}
FLAGS = {"url": "--url", "api_key": "--api-key-file", "org_id": "--org", "journal": "--journal"}
KEY_FILE_BYTES_MAX = 4096


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, and where it comes from; without a value, nowhere."""

    name: str
    value: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Flags:
    """What was given on the command line before the command."""

    profile: str | None = None
    url: str | None = None
    api_key_file: str | None = None
    timeout: float = 10.0


class Connection:
    """The settings of this run: a flag goes before the environment, and that before the file's profile."""

    def __init__(self, flags: Flags, profiles: Profiles) -> None:
        self.flags, self.profiles = flags, profiles
        self.profile = flags.profile or os.environ.get("ORGBILLING_PROFILE") or profiles.default
        self._in_profile = profiles.named(self.profile)

    @classmethod
    def of(cls, flags: Flags) -> "Connection":
        """Read the environment and the file.

        Raises:
            BadSettings: the file can't be used, or lacks the profile.
        """
        return cls(flags, read_profiles(config_path()))

    def setting(self, name: str, flag: str | None = None) -> Setting:
        """One setting: by its flag, the environment or the profile."""
        if flag:
            return Setting(name, flag, FLAGS[name])
        named = os.environ.get(ENVIRONMENT[name])
        if named:
            return Setting(name, named, ENVIRONMENT[name])
        if name in self._in_profile:
            source = f"{self.profiles.path} [profiles.{self.profile}]"
            return Setting(name, self._in_profile[name], source)
        return Setting(name, None, "")

    def url(self) -> Setting:
        """The service's address."""
        return self.setting("url", self.flags.url)

    def api_key(self) -> Setting:
        """The key. It is never an argument: those can be seen by everybody on the machine.

        Raises:
            BadSettings: the file of the key can't be read, or is no key.
        """
        if self.flags.api_key_file is None:
            return self.setting("api_key")
        return self.setting("api_key", _key_in(self.flags.api_key_file))

    def needed(self, setting: Setting) -> str:
        """The value.

        Raises:
            BadSettings: it was said nowhere; the message says where it can be.
        """
        if setting.value is None:
            message = (
                f"No {setting.name.replace('_', ' ')} is set. Use {FLAGS[setting.name]},"
                f" {ENVIRONMENT[setting.name]}, or a profile: `orgbilling config set --help`."
            )
            raise BadSettings(message)
        return setting.value


def masked(api_key: str) -> str:
    """What may be shown of a key: enough to tell it from others."""
    return f"{api_key[:12]}…" if len(api_key) > 16 else "…"


def _key_in(name: str) -> str:
    try:
        text = (
            sys.stdin.read(KEY_FILE_BYTES_MAX)
            if name == "-"
            else Path(name).read_text(encoding="utf-8")[:KEY_FILE_BYTES_MAX]
        ).strip()
    except (OSError, UnicodeDecodeError) as error:
        message = f"The file of the API key can't be read: {error}."
        raise BadSettings(message) from error
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        message = "The file of the API key must hold the key alone, on one line."
        raise BadSettings(message)
    return text
