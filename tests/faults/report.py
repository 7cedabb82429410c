"""What became of the scenarios: a table for people, a document for programs."""

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from tests.faults.answers import DOCUMENTED_503
from tests.faults.evidence import Findings

RECOVERY_SECONDS_MAX = 5.0
#: For an answer that says that the database is not to be had.
REFUSAL_SECONDS_MAX = 3.0
HEADINGS = (
    "scenario",
    "faults",
    "keys",
    "acknowledged",
    "refused",
    "retries",
    "lost",
    "twice",
    "wrong",
    "unresolved",
    "violations",
    "unexpected",
    "back, median",
    "back, max",
    "longest 503",
)


@dataclass
class Report:
    """One scenario."""

    name: str
    faults: dict[str, int] = field(default_factory=dict)
    #: What was killed, and the seconds until the first success of a request sent afterwards.
    recoveries: list[tuple[str, float | None]] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    violations: list[str] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    unexpected: dict[str, int] = field(default_factory=dict)
    #: Of each kind of answer the seconds that the longest took.
    longest: dict[str, float] = field(default_factory=dict)
    #: Answers to requests that were done and never answered.
    missed: int = 0
    #: What else was seen, as sentences.
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong, however long the recoveries took."""
        found = self.findings
        wrong = (found.lost, found.twice, found.wrong, found.unresolved, self.violations)
        returned = all(took is not None for _killed, took in self.recoveries)
        return returned and found.acknowledged > 0 and not any((*wrong, self.unexpected))

    @property
    def prompt(self) -> bool:
        """Whether the service was back in time after every fault, and said in time that it wasn't there."""
        back = all(
            took is not None and took < RECOVERY_SECONDS_MAX for _killed, took in self.recoveries
        )
        return back and (self.longest_refusal or 0.0) < REFUSAL_SECONDS_MAX

    @property
    def longest_refusal(self) -> float | None:
        """How long a caller waited for a 503 at most; None when nobody got one."""
        return max(
            (self.longest[why] for why in DOCUMENTED_503 if why in self.longest), default=None
        )

    def document(self) -> dict[str, Any]:
        """All of it."""
        return {**asdict(self), "sound": self.sound, "prompt": self.prompt}

    def cells(self) -> tuple[str, ...]:
        """Its row of the table, under HEADINGS."""
        found = self.findings
        took = [seconds for _killed, seconds in self.recoveries if seconds is not None]
        numbers = (
            sum(self.faults.values()),
            found.keys,
            found.acknowledged,
            found.refused,
            found.retries,
            len(found.lost),
            len(found.twice),
            len(found.wrong),
            len(found.unresolved),
            len(self.violations),
            sum(self.unexpected.values()),
        )
        back = (f"{median(took):.2f} s", f"{max(took):.2f} s") if took else ("-", "-")
        longest = self.longest_refusal
        refusal = "-" if longest is None else f"{longest:.2f} s"
        return (self.name, *map(str, numbers), *back, refusal)

    def details(self) -> list[str]:
        """Lines that say what was done and, where something is wrong, what."""
        counts = ", ".join(f"{number} {name}" for name, number in sorted(self.faults.items()))
        answers = ", ".join(f"{number} {why}" for why, number in sorted(self.answers.items()))
        kinds = ", ".join(
            f"{number} {kind}" for kind, number in sorted(self.findings.kinds.items())
        )
        lines = [
            f"{self.name}: {counts}; {self.seconds:.0f} s",
            f"   acknowledged: {kinds}",
            f"   answers: {answers}",
        ]
        if self.recoveries:
            took = " ".join("never" if one is None else f"{one:.2f}" for _, one in self.recoveries)
            lines.append(f"   seconds until the first success: {took}")
        lines += [f"   {remark}" for remark in self.remarks]
        found = self.findings
        lines += [f"   unexpected: {what} ({number})" for what, number in self.unexpected.items()]
        for title in ("lost", "twice", "wrong", "unresolved"):
            lines += [f"   {title}: {what}" for what in getattr(found, title)[:10]]
        return lines + [f"   violation: {what}" for what in self.violations]


def table(reports: list[Report]) -> str:
    """One row a scenario, as Markdown, aligned."""
    rows = [HEADINGS, *(report.cells() for report in reports)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
