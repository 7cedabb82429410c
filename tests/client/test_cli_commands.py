"""Every command of ``orgbilling``, for people and for programs, and what each failure exits with."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from orgbilling_client import Client, RetryPolicy
from orgbilling_client.cli.app import run
from orgbilling_client.cli.tailing import Follower
from orgbilling_client.journal import Journal, JournaledClient

from tests.client.cast import Cast
from tests.client.hostile import cut, hostile
from tests.service import Service

NOBODY = "http://127.0.0.1:1"


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Ran]


@pytest.fixture
def cli(
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Cli:
    """Runs a command line as the test's organization."""
    for name, value in {
        "ORGBILLING_URL": cast.url,
        "ORGBILLING_API_KEY": cast.key,
        "ORGBILLING_ORG_ID": cast.org_id,
        "ORGBILLING_CONFIG": str(tmp_path / "config.toml"),
    }.items():
        monkeypatch.setenv(name, value)

    def ran(*arguments: object) -> Ran:
        code = run([str(one) for one in arguments])
        return Ran(code, *capsys.readouterr())

    return ran


def test_balance(cli: Cli, client: Client, cast: Cast) -> None:
    shown = cli("balance")
    assert shown.code == 0
    (allocation,) = client.allocations()
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["available", "90,000"] in lines
    assert [allocation.user_email, "10,000", "0", "0", "10,000", "monthly", "yes"] in lines
    document = cli("balance", "--json").document
    assert document["pool"]["available_credits"] == 90_000
    assert document["allocations"][0]["user_id"] == cast.user_id
    assert "10,000" in cli("balance", allocation.user_email).out
    assert cli("balance", cast.user_id, "--json").document["user_id"] == cast.user_id


def test_the_pool_is_filled_and_handed_out(cli: Cli, client: Client, cast: Cast) -> None:
    added = cli("add", 500, "--amount", "5.00", "--notes", "by hand", "--json").document
    assert (added["pool"]["total_credits"], added["event"]["amount"]) == (100_500, "5.00")
    given = cli("allocate", cast.user_id, 100, "--once", "--json").document
    assert given["allocation"]["remaining_credits"] == 10_100
    assert given["allocation"]["budget_credits"] == 10_000
    assert "10,050 credits left" in cli("reclaim", cast.user_id, 50).out
    assert "0 credits left" in cli("reclaim", cast.user_id).out
    assert cli("allocate", cast.user_id, 1, "--reset", "hourly").code == 2


def test_a_charge_is_made_once_for_its_key(cli: Cli, cast: Cast) -> None:
    once = ("deduct", cast.user_id, "company_enrichment", "--idempotency-key", "cli-1")
    assert "Charged 50 credits; 9,950 are left." in cli(*once).out
    assert "Charged 50 credits before, and not again; 9,950 are left." in cli(*once).out


def test_metadata_is_json_or_text(cli: Cli, cast: Cast) -> None:
    pairs = ("--metadata", "rows=[1]", "--metadata", "name=acme", "--metadata", "empty=")
    charged = cli("deduct", cast.user_id, "s", "--credits", 3, *pairs, "--json").document
    assert charged["metadata"] == {"rows": [1], "name": "acme", "empty": ""}
    assert cli("deduct", cast.user_id, "s", "--metadata", "nothing").code == 2
    assert cli("deduct", cast.user_id, "s", "--credits", 1, "--quantity", 1).code == 2


def test_check_says_whether_it_would_pass(cli: Cli, cast: Cast) -> None:
    fine = cli("check", cast.user_id, "company_enrichment", "--quantity", 2)
    assert (fine.code, fine.out) == (0, "Would pass: 100 credits, and 10,000 are left.\n")
    refused = cli("check", cast.user_id, "s", "--credits", 10_001)
    assert refused.code == 1
    assert "Would be refused: 10,001 credits are needed" in refused.out
    assert not cli("check", cast.user_id, "s", "--credits", 10_001, "--json").document["sufficient"]


def test_a_hold_is_captured_or_released(cli: Cli, cast: Cast) -> None:
    hold = cli("hold", cast.user_id, "llm", 400, "--json").document
    assert hold["status"] == "pending"
    done = cli("capture", hold["id"], 150)
    assert "Charged 150 credits; 9,850 are left. The hold is captured." in done.out
    other = cli("hold", cast.user_id, "llm", 400, "--json").document
    assert cli("release", other["id"], "--json").document["status"] == "released"
    assert cli("release", "no-id").code == 2


def test_a_refund(cli: Cli, cast: Cast) -> None:
    charged = cli("deduct", cast.user_id, "s", "--credits", 30, "--json").document
    assert "Refunded 10 credits; 9,980 are left." in (
        cli("refund", charged["id"], "--reason", "half", "--credits", 10).out
    )
    refused = cli("refund", charged["id"], "--reason", "all", "--credits", 30)
    assert refused.code == 1
    assert "Refund" in refused.err


def test_usage_is_listed_and_summed_up(cli: Cli, cast: Cast) -> None:
    for number in range(3):
        cli("deduct", cast.user_id, f"service-{number}", "--credits", 10 + number)
    rows = [json.loads(line) for line in cli("usage", "--json").out.splitlines()]
    assert [row["credits_used"] for row in rows] == [12, 11, 10]
    shown = cli("usage", "--limit", 2, "--service", "service-1")
    assert [line.split()[2:4] for line in shown.out.splitlines()[1:]] == [["service-1", "11"]]
    assert "newest 2" in cli("usage", "--limit", 2).err
    assert cli("usage", "--json", "--end", "1d").out == ""
    assert cli("usage", "--start", "yesterday").code == 2
    summed = cli("summary", "--by", "service")
    assert "33 credits in 3 charges" in summed.out
    assert cli("summary", "--by", "user", "--json").document["credits_used"] == 33
    assert cli("summary", "--by", "hour").code == 2


def test_an_export_is_whole(
    cli: Cli, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgbilling_client._sync.reports.pause", lambda _: None, raising=False)
    for _ in range(3):
        cli("deduct", cast.user_id, "s", "--credits", 1)
    path = tmp_path / "usage.csv"
    assert cli("export", path).code == 0
    with path.open(newline="") as file:
        assert [row["credits_used"] for row in csv.DictReader(file)] == ["1", "1", "1"]
    size = cli("export", path, "--service", "none", "--json").document["bytes"]
    assert path.stat().st_size == size
    assert cli("export", tmp_path / "nowhere" / "usage.csv").code == 2
    # A failed one leaves what was there, and nothing beside it.
    before = path.read_bytes()
    with hostile(cut) as server:
        assert cli("--url", server.url, "export", path).code == 3
    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["usage.csv"]


def test_books_that_add_up(cli: Cli, cast: Cast) -> None:
    charged = cli("deduct", cast.user_id, "s", "--credits", 30, "--json").document
    cli("refund", charged["id"], "--reason", "half", "--credits", 10)
    cli("hold", cast.user_id, "llm", 400)
    verified = cli("verify")
    assert verified.code == 0
    assert "2 rows of usage, 20 credits" in verified.out
    assert "WRONG" not in verified.out
    document = cli("verify", "--json").document
    assert (document["ok"], document["consistent_read"]) == (True, True)
    assert len(document["checks"]) == 8


@pytest.mark.parametrize(
    ("column", "lie", "wrong"),
    [
        ("credits_used", "31", {"allocation_lifetime", "refunds"}),
        ("refunded_credits", "9", {"refunds"}),
        ("id", "00000000-0000-7000-8000-000000000000", {"refunds"}),
    ],
)
def test_books_that_dont(
    cli: Cli, cast: Cast, monkeypatch: pytest.MonkeyPatch, column: str, lie: str, wrong: set[str]
) -> None:
    charged = cli("deduct", cast.user_id, "s", "--credits", 30, "--json").document
    cli("refund", charged["id"], "--reason", "half", "--credits", 10)
    export = Client.export_usage

    def forged(client: Client, path: Any, **options: Any) -> int:
        size = export(client, path, **options)
        with Path(path).open(newline="") as file:
            rows = list(csv.DictReader(file))
        charge = next(row for row in rows if not row["refund_of"])
        if column == "credits_used":
            # The refund keeps its own; what it refunds grows beyond what was taken.
            next(row for row in rows if row["refund_of"])[column] = "-31"
        else:
            charge[column] = lie
        with Path(path).open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        return size

    monkeypatch.setattr(Client, "export_usage", forged)
    verified = cli("verify", "--json")
    assert verified.code == 1
    document = verified.document
    assert {one["name"] for one in document["checks"] if one["differences"]} == wrong
    assert cli("verify").out.count("WRONG") == len(wrong)


def test_a_refusal_says_why_and_what_would_fix_it(cli: Cli, cast: Cast) -> None:
    refused = cli("deduct", cast.user_id, "s", "--credits", 50_000)
    assert (refused.code, refused.out) == (1, "")
    title, *advice = refused.err.splitlines()
    assert title.startswith("Insufficient credits: ")
    assert "Allocate at least 40000 more credits" in advice[0]
    assert "request id" in advice[-1]


def test_names_are_looked_up_and_missed_with_advice(cli: Cli, client: Client, cast: Cast) -> None:
    (member,) = client.members()
    (name,) = (one.name for one in client.organizations() if one.id == cast.org_id)
    charged = cli("deduct", member.email.upper(), "s", "--credits", 1, "--org", name, "--json")
    assert charged.document["user_id"] == cast.user_id
    nobody = cli("deduct", "nobody@example.com", "s")
    assert nobody.code == 2
    assert "No member of the organization has the address" in nobody.err
    nowhere = cli("balance", "--org", "nowhere")
    assert nowhere.code == 2
    assert "It sees: " in nowhere.err


def test_nobody_there_exits_with_3(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orgbilling_client._sync.sender.pause", lambda _: None)
    away = cli("--url", NOBODY, "balance")
    assert away.code == 3
    assert "Unreachable" in away.err
    assert "Nothing was done" in away.err
    assert "Traceback" not in away.err


def test_an_unknown_outcome_exits_with_4_and_the_key_to_repeat_it(
    cli: Cli, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgbilling_client._sync.sender.pause", lambda _: None)
    command = ("deduct", cast.user_id, "company_enrichment")
    with hostile(cut) as server:
        lost = cli("--url", server.url, *command)
    assert lost.code == 4
    key = lost.err.rpartition("--idempotency-key ")[2].split()[0]
    assert server.requests[0].headers["idempotency-key"] == key
    assert cli(*command, "--idempotency-key", key).code == 0
    assert "not again" in cli(*command, "--idempotency-key", key).out


def test_wrong_usage_exits_with_2(cli: Cli) -> None:
    for arguments in (
        ["nonsense"],
        ["deduct"],
        ["deduct", "u", "s", "--credits", "0"],
        ["add", "x"],
    ):
        wrong = cli(*arguments)
        assert wrong.code == 2
        assert "Usage: orgbilling" in wrong.err
        assert "Traceback" not in wrong.err
    assert cli("--version").out == "orgbilling 0.1.0\n"


def test_what_the_service_says_cant_drive_the_terminal(cli: Cli, cast: Cast) -> None:
    cli("deduct", cast.user_id, "\x1b[31m[bold]red", "--credits", 1)
    assert "\\x1b[31m[bold]red" in cli("usage").out


def test_a_journal_is_listed_replayed_and_tended(
    cli: Cli, client: Client, cast: Cast, tmp_path: Path
) -> None:
    path = tmp_path / "charges.journal"
    assert "There is no journal" in cli("journal", "list", "--journal", path).err
    with (
        Journal(path) as journal,
        Client(NOBODY, cast.key, cast.org_id, retry=RetryPolicy(attempts=1)) as away,
    ):
        charges = JournaledClient(away, journal)
        charges.deduct(cast.user_id, "fine", credits=5)
        charges.deduct(cast.user_id, "dear", credits=10_001)
        charges.deduct(cast.user_id, "dearer", credits=20_000)
    at = ("--journal", path)
    assert "fine 5" in cli("journal", "list", *at).out
    listed = [json.loads(line) for line in cli("journal", "list", "--json", *at).out.splitlines()]
    assert [one["arguments"]["credits"] for one in listed] == [5, 10_001, 20_000]
    replayed = cli("journal", "replay", *at)
    assert (replayed.code, replayed.out) == (1, "Delivered 1, refused 2, left 0.\n")
    assert "insufficient" in cli("journal", "list", "--state", "refused", *at).out
    client.allocate(cast.user_id, 1_000)
    assert cli("journal", "retry", 2, *at).code == 0
    assert cli("journal", "dismiss", 3, "--reason", "too dear", *at).code == 0
    assert cli("journal", "replay", "--json", *at).document["delivered"] == 1
    assert [row.credits_used for row in client.usage()] == [10_001, 5]
    kept = json.loads(cli("journal", "list", "--json", *at).out)
    assert (kept["state"], kept["reason"]) == ("dismissed", "too dear")
    assert cli("journal", "retry", 77, *at).code == 2


def test_a_row_that_could_not_be_shown_is_shown_the_next_time(client: Client, cast: Cast) -> None:
    for number in range(3):
        client.deduct(cast.user_id, f"s-{number}", credits=1)
    follower = Follower(client, None, None)
    first = follower.new()
    assert [next(first).service_name, next(first).service_name] == ["s-0", "s-1"]
    # The second is being shown when that fails.
    first.close()
    assert [row.service_name for row in follower.new()] == ["s-1", "s-2"]


def test_usage_is_shown_by_id_to_a_key_that_may_not_see_members(
    cli: Cli, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    payer = next(one for one in service.demo["users"] if one["email"] == "alice@alpha.example")
    issued = httpx.post(
        f"{service.url}/api/v1/org-billing/organizations/{payer['org_id']}/api-keys",
        json={"name": "reader", "scopes": ["credits:deduct", "credits:read"]},
        **service.session(payer["email"]),
    )
    monkeypatch.setenv("ORGBILLING_API_KEY", issued.json()["key"])
    monkeypatch.setenv("ORGBILLING_ORG_ID", payer["org_id"])
    assert cli("deduct", payer["id"], "seen-by-id", "--credits", 1).code == 0
    shown = cli("usage", "--limit", 1)
    assert shown.code == 0
    assert payer["id"] in shown.out
