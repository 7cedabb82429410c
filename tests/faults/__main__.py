"""`make faults`: real servers are killed and connections cut under load; nothing may be lost or charged twice."""

import argparse
import json
import secrets
import sys
from pathlib import Path

from tests.faults.report import Report, table
from tests.faults.scenarios import FULL, QUICK, Scenarios
from tests.faults.stage import staged

NAMES = [
    "postgresql",
    "web",
    "requests",
    "commits",
    "stopped",
    "frozen",
    "exhausted",
    "sigterm",
    "disk_full",
    "redis",
    "pooler",
]


def main() -> int:
    """Play the scenarios; returns 1 when anything is wrong, in the full form a slow recovery too."""
    chosen = parsed()
    say(f"seed {chosen.seed}")
    reports: list[Report] = []
    with staged() as stage:
        token, cast = stage.fill()
        say(f"serving on port {stage.port}")
        size = QUICK if chosen.quick else FULL
        scenarios = Scenarios(stage, token, cast, chosen.seed, size)
        for play in scenarios.chosen(chosen.only):
            report = play()
            reports.append(report)
            say("\n".join(report.details()))
            if stage.ended():
                break
    say("\n" + table(reports))
    sound = all(report.sound and (chosen.quick or report.prompt) for report in reports)
    if chosen.json:
        document = {
            "seed": chosen.seed,
            "sound": sound,
            "scenarios": [one.document() for one in reports],
        }
        chosen.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    say("\n" + ("Nothing lost, nothing charged twice." if sound else "FAILED."))
    return 0 if sound else 1


def parsed() -> argparse.Namespace:
    """What the caller chose."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(10**6), help="printed; the same draws"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="2 kills and 100 scripts; slow recoveries only reported",
    )
    parser.add_argument("--only", nargs="+", choices=NAMES)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    return parser.parse_args()


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
