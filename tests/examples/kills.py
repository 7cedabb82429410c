"""`make agent-kills`: the example agent is killed at hundreds of points; what is charged has to equal the work done.

Two ways. *Chains*: one run is killed again and again until it is through; each start finds what a killed one left.
*Fresh*: a new run for each point, which is drawn evenly from all lines that an undisturbed run executes, or from all
moments that it takes; then it may finish. Every run has to end up with the rows, the files and the balance of one that
nobody disturbed.
"""

import argparse
import functools
import os
import random
import secrets
import shutil
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.examples.evidence import Payer, files
from tests.examples.killing import WATCHED, Ending, run_killed, run_killed_at
from tests.faults.stage import staged

#: Enough for every kind of ending: found in the cache and not, unknown, with and without contacts.
COMPANIES = ("acme", "umbrella", "hooli", "wonka")
#: How often each kind of line is drawn.
SHARES = {"agent": 6, "client": 2, "http": 2}
#: A link of a chain gets mostly a little further, and now and then far enough for the last step of all.
STEEPNESS = 4
MOMENTS = 0.2
RESTARTS_KILLED = 0.25
ENDLESS = 60.0
CREDITS = 10_000


class Kills:
    """Runs of the same list, each in a folder of its own and paid by a member of its own."""

    def __init__(self, payer: Payer, home: Path, seed: int) -> None:
        self._payer, self._home = payer, home
        self._draw = random.Random(seed)
        self._stamp = secrets.token_hex(4)
        self._input = home / "companies.csv"
        rows = [f"{name.title()},{name}.example" for name in COMPANIES]
        self._input.write_text("\n".join(["company,domain", *rows, ""]), encoding="utf-8")
        self._log = home / "agent.log"
        self._payers: dict[str, Payer] = {}
        self._lines: dict[str, int] = {}
        self._seconds = 0.0
        self._expected: list[tuple[str, str, int]] = []
        self.killed: Counter[str] = Counter()
        self.wrong: list[str] = []

    def measure(self) -> None:
        """Run it undisturbed: what comes of it, how many lines it takes and how long."""
        for watched in WATCHED:
            ending = self._run(f"undisturbed-{watched}", watched)
            assert ending.status == 0, ending.said
            self._lines[watched] = ending.lines
        began = time.monotonic()
        assert self._run_for("undisturbed", ENDLESS).status == 0
        self._seconds = time.monotonic() - began
        self._expected = self._charged("undisturbed")
        assert sum(credits for *_, credits in self._expected) > 0

    def measured(self) -> str:
        """What an undisturbed run takes."""
        lines = ", ".join(f"{count} of {watched}" for watched, count in self._lines.items())
        return f"An undisturbed run executes {lines} lines in {self._seconds:.2f} s."

    def chain(self, number: int) -> None:
        """Kill one run again and again until it is through."""
        run = f"chain-{number}"
        while self._kill_at_a_line(run, STEEPNESS).status is None:
            pass
        self._judge(run)

    def fresh(self, number: int) -> None:
        """Kill a new run once, perhaps its restart too, and let it finish."""
        run = f"fresh-{number}"
        if self._draw.random() < MOMENTS:
            ending = self._run_for(run, self._draw.uniform(0, self._seconds))
            self.killed["moment"] += ending.status is None
        else:
            ending = self._kill_at_a_line(run)
        if ending.status is None and self._draw.random() < RESTARTS_KILLED:
            self._kill_at_a_line(run)
        self._judge(run)

    def _kill_at_a_line(self, run: str, steepness: int = 1) -> Ending:
        watched = self._draw.choices(list(SHARES), list(SHARES.values()))[0]
        line = 1 + int(self._lines[watched] * self._draw.random() ** steepness)
        ending = self._run(run, watched, line)
        self.killed[watched] += ending.status is None
        return ending

    def _judge(self, run: str) -> None:
        """Let it finish, and compare it with one that nobody disturbed."""
        ending = self._run(run, "agent")
        if ending.status != 0:
            self.wrong.append(f"{run}: ended with {ending.status}\n{ending.said}")
        if files(self._home / run) != files(self._home / "undisturbed"):
            self.wrong.append(f"{run}: its files differ from an undisturbed run's.")
        charged = self._charged(run)
        if charged != self._expected:
            self.wrong.append(f"{run}: charged {charged}, not {self._expected}")
        allocation = self._payers[run].allocation()
        if allocation["held_credits"]:
            self.wrong.append(f"{run}: {allocation['held_credits']} credits are still held.")
        if allocation["remaining_credits"] != CREDITS - sum(one[-1] for one in charged):
            self.wrong.append(f"{run}: {allocation['remaining_credits']} credits are left.")

    def _run(self, run: str, watched: str, line: int | None = None) -> Ending:
        return run_killed(self._command(run), self._log, watched=watched, line=line)

    def _run_for(self, run: str, seconds: float) -> Ending:
        return run_killed_at(self._command(run), self._log, seconds)

    def _command(self, run: str) -> list[str]:
        if run not in self._payers:
            self._payers[run] = self._payer.another(CREDITS)
        folder, user_id = str(self._home / run), self._payers[run].user_id
        paths = ["--input", str(self._input), "--output", folder]
        return [*paths, "--run", self._name(run), "--user", user_id]

    def _name(self, run: str) -> str:
        """A name that no earlier run of this program used either: keys live for ever."""
        return f"{self._stamp}-{run}"

    def _charged(self, run: str) -> list[tuple[str, str, int]]:
        """What the run was charged, with its name left out of the request ids."""
        charged = self._payers[run].charged()
        name = self._name(run)
        return [(one.replace(name, "run"), service, credits) for one, service, credits in charged]


def main() -> int:
    """Kill as often as is wanted; returns 1 when anything is wrong."""
    chosen = parsed()
    # Reading certificates, which nobody asks for here, takes longer than most children live: once is enough for all.
    ssl.create_default_context = functools.cache(ssl.create_default_context)
    say(f"seed {chosen.seed}")
    with service() as payer, scratch() as home:
        os.environ |= payer.environment()
        kills = Kills(payer, home, chosen.seed)
        kills.measure()
        say(kills.measured())
        number = 0
        while kills.killed.total() < chosen.kills and not kills.wrong:
            number += 1
            if number <= chosen.chains:
                kills.chain(number)
            else:
                kills.fresh(number)
    say(
        "\n".join(kills.wrong)
        or "Charges equal work done; nothing was charged twice, lost or left held."
    )
    counted = ", ".join(f"{count} by {kind}" for kind, count in sorted(kills.killed.items()))
    say(f"Killed {kills.killed.total()} times ({counted}) in {number} runs.")
    return 1 if kills.wrong else 0


def parsed() -> argparse.Namespace:
    """What the caller chose."""
    parser = argparse.ArgumentParser(prog="python -m tests.examples.kills", description=__doc__)
    parser.add_argument("--seed", type=int, default=6, help="the same draws; 6")
    parser.add_argument("--kills", type=int, default=200, help="200")
    parser.add_argument("--chains", type=int, default=4, help="runs killed again and again; 4")
    return parser.parse_args()


@contextmanager
def service() -> Iterator[Payer]:
    """The service that the environment names, or one of its own."""
    if "ORGBILLING_API_KEY" in os.environ:
        yield Payer(
            os.environ["ORGBILLING_URL"],
            os.environ["ORGBILLING_API_KEY"],
            os.environ["ORGBILLING_ORG_ID"],
            os.environ["LOOPNET_USER_ID"],
        )
        return
    with staged() as stage:
        key, cast = stage.fill()
        member = cast.members[0]
        yield Payer(f"http://127.0.0.1:{stage.port}", key, member.org_id, member.user_id)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for the runs."""
    home = Path(tempfile.mkdtemp(prefix="orgbilling-agent-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
