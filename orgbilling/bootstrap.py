"""Makes `.venv/` from a hashed lock file: `python3 orgbilling/bootstrap.py demo|dev`. `browser` finds or gets one.

Runs before anything is installed: standard library only, and readable by old Pythons so that
they get a sentence instead of a SyntaxError. A second run with the same lock does nothing.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".installed.json"
PYTHON = VENV / "bin" / "python"
LOCKS = {"demo": ROOT / "requirements-demo.txt", "dev": ROOT / "requirements-dev.txt"}
MINIMUM = (3, 11)
# What a Chromium is called: the first one found is used. CHROMIUM names another.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_BROWSER = (
    "The browser tests and the screenshots need Chromium, and there is none.\n"
    "Debian: apt-get install --no-install-recommends chromium.\n"
    "Elsewhere: .venv/bin/playwright install --with-deps chromium, or say CHROMIUM=/path/to/one."
)


def fail(message: str) -> "None":
    """Prints the message and ends with status 1."""
    sys.stderr.write("\n" + message + "\n")
    raise SystemExit(1)


def say(message: str) -> "None":
    """Prints one progress line."""
    sys.stdout.write("   " + message + "\n")
    sys.stdout.flush()


def digest(name: str) -> str:
    """What the stamp remembers of an installed set."""
    return hashlib.sha256(LOCKS[name].read_bytes()).hexdigest()


def place() -> str:
    """What an environment is bound to: the interpreter's version, and its own path in scripts."""
    return "{}.{} {}".format(sys.version_info[0], sys.version_info[1], VENV)


def installed() -> "dict[str, str]":
    """The stamp of a usable `.venv`: the set that it holds and its digest; else empty."""
    try:
        stamp = json.loads(STAMP.read_text())
        subprocess.run([str(PYTHON), "-c", ""], check=True, capture_output=True)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return {}
    return stamp if stamp.get("place") == place() else {}


def environment() -> "dict[str, str]":
    """The environment for the installers: never another Python, never a foreign venv."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONHOME"}
    env.update(
        VIRTUAL_ENV=str(VENV), UV_PYTHON_DOWNLOADS="never", PIP_DISABLE_PIP_VERSION_CHECK="1"
    )
    env["PIP_ROOT_USER_ACTION"] = "ignore"
    return env


def make_venv() -> "None":
    """Creates an empty `.venv`, or says which system package is missing."""
    if VENV.exists():
        shutil.rmtree(str(VENV))
    probe = subprocess.run([sys.executable, "-c", "import venv, ensurepip"], capture_output=True)
    if probe.returncode == 0:
        say("creating .venv")
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        return
    uv = shutil.which("uv")
    if uv is None:
        fail(
            "This Python cannot make virtual environments (venv or ensurepip is missing).\n"
            "Debian, Ubuntu: apt-get install python3-venv. Elsewhere: install uv, then try again."
        )
    say("creating .venv (with the installed uv)")
    command = [uv, "venv", "--quiet", "--seed", "--python", sys.executable, str(VENV)]
    subprocess.run(command, check=True, env=environment())


def uv_command() -> "list[str] | None":
    """The pinned uv inside `.venv`; None when it cannot be installed here."""
    lock = str(ROOT / "requirements-bootstrap.txt")
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock]
    done = subprocess.run(command, env=environment(), capture_output=True)
    return [str(VENV / "bin" / "uv")] if done.returncode == 0 else None


def install(name: str) -> "None":
    """Brings `.venv` to exactly the set's lock, with uv, or with pip when uv cannot do it."""
    lock = str(LOCKS[name])
    say("installing " + LOCKS[name].name)
    uv = uv_command()
    if uv is not None:
        # The system's certificates: some networks have an authority of their own.
        sync = ["pip", "sync", "--quiet", "--system-certs", "--require-hashes"]
        sync += ["--python", str(PYTHON), lock]
        done = subprocess.run(uv + sync, env=environment(), capture_output=True, text=True)
        if done.returncode == 0:
            return
        say("uv could not: " + (done.stderr.strip().splitlines() or ["no reason given"])[-1])
    say("falling back to pip (about a minute)")
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock]
    if subprocess.run(command, env=environment()).returncode != 0:
        fail("Installing the requirements failed; the reason is above.")


def bring_up(name: str) -> "None":
    """Makes the set available in `.venv`; a larger set that is already there stays."""
    present = installed()
    wanted = "dev" if "dev" in present else name
    if present.get(wanted) == digest(wanted):
        return
    started = time.monotonic()
    print("Preparing the Python environment")
    if not present:
        make_venv()
    if STAMP.exists():
        STAMP.unlink()
    install(wanted)
    STAMP.write_text(json.dumps({"place": place(), wanted: digest(wanted)}))
    say("ready in {:.1f} s".format(time.monotonic() - started))


def browser() -> "str | None":
    """The path of a Chromium: the one that CHROMIUM names, the system's, or the one that playwright downloaded."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    for name in BROWSERS:
        found = shutil.which(name)
        if found is not None:
            return found
    cache = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or "~/.cache/ms-playwright"
    downloaded = sorted(Path(cache).expanduser().glob("chromium-*/chrome-linux*/chrome"))
    return str(downloaded[-1]) if downloaded else None


def bring_browser() -> "None":
    """Gets a Chromium when there is none: Debian's as root, else playwright's.

    Where none can be had it says so and lets the caller go on: only the browser's tests fail, with the same words.
    """
    if browser() is not None or os.environ.get("CHROMIUM"):
        return
    print("Getting a browser for the tests")
    for command in browser_commands():
        say(" ".join(command))
        env = dict(environment(), DEBIAN_FRONTEND="noninteractive")
        if subprocess.run(command, env=env, stdin=subprocess.DEVNULL).returncode != 0:
            break
    if browser() is None:
        say(NO_BROWSER)


def browser_commands() -> "list[list[str]]":
    """What installs a Chromium here."""
    if os.geteuid() == 0 and shutil.which("apt-get") is not None:
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        return [["apt-get", "update", "-qq"], install]
    return [[str(VENV / "bin" / "playwright"), "install", "chromium"]]


def main() -> "None":
    """Checks the interpreter, then installs one set, or gets a browser, while no other bootstrap runs."""
    if sys.version_info < MINIMUM:
        found = ".".join(map(str, sys.version_info[:3]))
        fail(
            "Python 3.11 or newer is needed; {} is {}.\n"
            "Choose another one with: make PYTHON=/path/to/python3.11 ...".format(
                sys.executable, found
            )
        )
    if len(sys.argv) != 2 or sys.argv[1] not in (*LOCKS, "browser"):
        fail("usage: bootstrap.py demo|dev|browser")
    gate = ROOT / ".data" / "bootstrap.lock"
    gate.parent.mkdir(mode=0o700, exist_ok=True)
    with gate.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            if sys.argv[1] == "browser":
                bring_browser()
            else:
                bring_up(sys.argv[1])
        except subprocess.CalledProcessError as error:
            fail("{} failed with status {}.".format(error.cmd[0], error.returncode))


if __name__ == "__main__":
    main()
