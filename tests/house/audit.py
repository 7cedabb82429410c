"""`make audit`: known faults of what is pinned, secrets, and the bill of materials of the image.

Findings fail. That the list of advisories can't be had from here fails nothing, and is said loudly: then nothing is
known about any version, and the audit has to be repeated where the list can be reached.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
LOCKS = (
    "requirements.txt",
    "requirements-demo.txt",
    "requirements-dev.txt",
    "requirements-bench.txt",
    "requirements-bootstrap.txt",
)
BILL = ROOT / "build" / "sbom.cdx.json"
TIMEOUT_SECONDS = 300


class Verdict(NamedTuple):
    """What is known about the versions of one lock."""

    lock: str
    faults: list[str]
    asked: int
    unknown: int

    @property
    def line(self) -> str:
        """One line for people."""
        known = self.asked - self.unknown
        said = f"{len(self.faults)} known faults in {known} of {self.asked} packages"
        return f"   {self.lock:<28}{said}{'' if known == self.asked else '; NOT AUDITED: the rest'}"


def audit(lock: str) -> Verdict:
    """Ask about every version of a lock."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        options = [
            "--disable-pip",
            "--require-hashes",
            "--progress-spinner",
            "off",
            "--timeout",
            "10",
        ]
        command = [str(BIN / "pip-audit"), "-r", lock, *options, "-f", "json", "-o", str(answer)]
        try:
            subprocess.run(
                command, cwd=ROOT, capture_output=True, check=False, timeout=TIMEOUT_SECONDS
            )
            return judge(lock, json.loads(answer.read_text())["dependencies"])
        except (subprocess.TimeoutExpired, OSError, ValueError):
            pinned = sum("==" in line for line in (ROOT / lock).read_text().splitlines())
            return Verdict(lock, [], pinned, pinned)


def judge(lock: str, dependencies: Sequence[dict[str, object]]) -> Verdict:
    """Read pip-audit's answer. A package that it could not look up it passes over, and calls the lock sound."""
    faults = [
        f"{one['name']} {one['version']}: {fault['id']}, fixed in {', '.join(fault['fix_versions']) or 'no version'}"
        for one in dependencies
        for fault in one.get("vulns", ())  # type: ignore[attr-defined]
    ]
    unknown = sum("skip_reason" in one for one in dependencies)
    return Verdict(lock, faults, len(dependencies), unknown)


def bill_of_materials() -> int:
    """Write what the image installs, with versions and hashes, in CycloneDX; returns how many components."""
    BILL.parent.mkdir(exist_ok=True)
    tool = str(BIN / "cyclonedx-py")
    options = ["--output-reproducible", "--of", "JSON", "-o", str(BILL)]
    subprocess.run(
        [tool, "requirements", "requirements.txt", *options],
        cwd=ROOT,
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    return len(json.loads(BILL.read_text())["components"])


def main() -> int:
    """Run all of it; returns the exit status."""
    verdicts = [audit(lock) for lock in LOCKS]
    print("Known faults (pip-audit)")
    for verdict in verdicts:
        print(verdict.line)
        for fault in verdict.faults:
            print(f"      {fault}")
    if any(verdict.unknown for verdict in verdicts):
        print(
            "   The list of advisories could not be asked about these packages from here. Nothing is known about them:"
            "\n   run `make audit` again where the list can be reached, before a release."
        )
    print("Secrets (detect-secrets)")
    secrets = subprocess.run(
        [sys.executable, "-m", "tests.house.check_secrets"], cwd=ROOT, check=False
    )
    print(f"Bill of materials\n   {bill_of_materials()} components in {BILL.relative_to(ROOT)}")
    return 1 if secrets.returncode or any(verdict.faults for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
