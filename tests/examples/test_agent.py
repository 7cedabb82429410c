"""The example agent against a running service: what it charges, where it stops, and how it goes on."""

import csv
import errno
import json
import re
import shutil
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from examples.loopnet_agent import agent as agent_module
from examples.loopnet_agent import companies, till
from examples.loopnet_agent.__main__ import DIFFERENT, DONE, MISUSED, STOPPED, main
from examples.loopnet_agent.companies import Company
from examples.loopnet_agent.exporting import Exporter
from examples.loopnet_agent.journal import Journal, Run
from examples.loopnet_agent.output import Output
from examples.loopnet_agent.provider import ROLES, FailedForNow, MadeUpProvider
from examples.loopnet_agent.till import CAPTURE, REFUND
from examples.loopnet_agent.units import Kind, State, cache_unit, contact_unit, key_of
from tests.docs.markdown import ROOT
from tests.examples.conftest import known
from tests.examples.evidence import Payer, files
from tests.examples.killing import run_killed_in

# Four cache look-ups, one of them a hit; three enrichments, one of them of an unknown company; seven contacts, two of
# them unknown; three companies and five contacts exported.
CHARGED = {
    "intelligence_cache_lookup": 4,
    "company_enrichment": 3 * 50 - 50,
    "contact_lookup": 7 * 10 - 2 * 10,
    "bulk_export": 3 + 5,
}
TOTAL = sum(CHARGED.values())


def run(listed: Path, folder: Path, *options: str) -> int:
    return main(["--input", str(listed), "--output", str(folder), *options])


def by_service(payer: Payer) -> Counter[str]:
    total: Counter[str] = Counter()
    for row in payer.rows():
        total[row["service_name"]] += row["credits_used"]
    return total


def await_no_hold(payer: Payer) -> None:
    deadline = time.monotonic() + 60
    while payer.allocation()["held_credits"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_is_charged_for_what_it_did(payer, listed, tmp_path, capsys):
    assert run(listed, tmp_path / "out", "--run", "first") == DONE
    assert by_service(payer) == CHARGED
    with (tmp_path / "out" / "companies.csv").open(encoding="utf-8") as file:
        exported = list(csv.DictReader(file))
    assert [one["domain"].split(".")[0] for one in exported] == ["acme", "umbrella", "hooli"]
    with (tmp_path / "out" / "contacts.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 5
    said = capsys.readouterr().out
    assert (
        f"all                           0    13         3      {TOTAL}             {TOTAL}" in said
    )
    assert said.endswith("The service agrees.\n")
    assert payer.allocation()["held_credits"] == 0


def test_its_rows_say_what_they_are_for(payer, listed, tmp_path):
    assert run(listed, tmp_path / "out", "--run", "first") == DONE
    rows = {row["request_id"]: row["metadata"] for row in payer.rows() if not row["refund_of"]}
    caller = {"name": "loopnet-agent", "version": "0.1.0"}
    form = json.loads((ROOT / "docs/schemas/usage-metadata.schema.json").read_text())
    for metadata in rows.values():
        jsonschema.validate(metadata, form)
    assert rows["loopnet:first:contact:acme.example:head-of-sales:1"] == {
        "caller": caller,
        "job_id": "first",
        "outcome": "reserved",
        "source": "live",
        "subject": {
            "type": "contact",
            "id": "acme.example/head-of-sales",
            "domain": "acme.example",
        },
    }
    assert rows["loopnet:first:export:companies:1:capture"] == {
        "caller": caller,
        "job_id": "first",
        "outcome": "partial",
        "subject": {"type": "record_set", "id": "companies"},
        "units": {"unit": "record", "requested": 4, "delivered": 3},
    }


def test_where_the_customers_key_pays_the_provider_there_is_nothing_to_refund(
    payer_of, monkeypatch, listed, tmp_path
):
    payer = known(payer_of(1_000, plan="byok"), monkeypatch)
    assert run(listed, tmp_path / "out") == DONE
    assert by_service(payer) == CHARGED | {"company_enrichment": 0, "contact_lookup": 0}
    assert sum(row["service_name"] == "contact_lookup" for row in payer.rows()) == 7


def test_a_second_run_of_the_same_costs_nothing(payer, listed, tmp_path):
    assert run(listed, tmp_path / "out") == DONE
    before = payer.rows()
    assert run(listed, tmp_path / "out") == DONE
    assert payer.rows() == before


def test_a_lost_journal_costs_nothing(payer, listed, tmp_path):
    assert run(listed, tmp_path / "out") == DONE
    before, found = payer.rows(), files(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    assert run(listed, tmp_path / "out") == DONE
    assert payer.rows() == before
    assert files(tmp_path / "out") == found


def test_a_name_that_paid_for_something_else_is_refused(payer, listed, tmp_path, capsys):
    assert run(listed, tmp_path / "one", "--run", "taken") == DONE
    other = payer.another(1_000)
    assert run(listed, tmp_path / "two", "--run", "taken", "--user", other.user_id) == MISUSED
    assert "choose another --run" in capsys.readouterr().err
    assert other.rows() == []


def test_another_name_is_another_run(payer, listed, tmp_path):
    assert run(listed, tmp_path / "one", "--run", "one") == DONE
    assert run(listed, tmp_path / "two", "--run", "two") == DONE
    assert by_service(payer) == {service: 2 * credits for service, credits in CHARGED.items()}


def test_it_stops_where_the_credits_end_and_goes_on_once_there_are_more(
    payer_of, monkeypatch, listed, tmp_path, capsys
):
    payer = known(payer_of(100), monkeypatch)
    assert run(listed, tmp_path / "out", "--workers", "1") == STOPPED
    said = capsys.readouterr()
    assert "It costs " in said.out
    assert "Stopped: There are not enough credits for the next step.\n" in said.err
    assert "Allocate at least" in said.err
    spent = 100 - payer.allocation()["remaining_credits"]
    assert 0 < spent <= 100
    assert spent == sum(row["credits_used"] for row in payer.rows())
    payer.allocate(1_000)
    assert run(listed, tmp_path / "out") == DONE
    assert by_service(payer) == CHARGED


def test_it_begins_nothing_that_has_to_be_paid_whole_and_can_not(
    payer_of, monkeypatch, listed, tmp_path
):
    payer = known(payer_of(100), monkeypatch)
    assert run(listed, tmp_path / "out", "--whole") == STOPPED
    assert payer.rows() == []


def test_a_refusal_that_a_check_did_not_foresee_uses_up_its_key_only(
    payer_of, monkeypatch, listed, tmp_path
):
    payer = known(payer_of(30), monkeypatch)
    # Somebody else spends between the check and the charge: here, a check that always says yes.
    monkeypatch.setattr("orgbilling_client.Check.__bool__", lambda _check: True)
    monkeypatch.setattr(agent_module, "MOST_STEPS", 7)
    assert run(listed, tmp_path / "out", "--run", "r", "--workers", "1") == STOPPED
    assert payer.allocation()["remaining_credits"] == 26
    monkeypatch.undo()
    known(payer, monkeypatch)
    payer.allocate(1_000)
    assert run(listed, tmp_path / "out", "--run", "r") == DONE
    assert by_service(payer) == CHARGED
    (enriched,) = [
        row["request_id"]
        for row in payer.rows()
        if row["request_id"].startswith("loopnet:r:enrich:acme")
    ]
    assert int(enriched.rpartition(":")[2]) > 1


def test_a_provider_that_is_away_leaves_the_unit_paid_and_open(
    payer, listed, tmp_path, monkeypatch
):
    def away(self, name, domain):
        raise FailedForNow("Come back later.")

    with monkeypatch.context() as patched:
        patched.setattr(MadeUpProvider, "company", away)
        assert run(listed, tmp_path / "out") == STOPPED
    assert by_service(payer)["company_enrichment"] == 150
    with closing(Journal(tmp_path / "out" / "journal.sqlite")) as journal:
        assert {unit.state for unit in journal.units(Kind.ENRICH)} == {State.CHARGED}
    assert run(listed, tmp_path / "out") == DONE
    assert by_service(payer) == CHARGED


def test_a_hold_that_expired_is_placed_again_under_the_next_key(payer, listed, tmp_path):
    command = ["--input", str(listed), "--output", str(tmp_path / "out"), "--run", "r"]
    command += ["--hold-seconds", "1"]
    # Dead before the hold can be given back.
    assert run_killed_in(command, tmp_path / "log", Exporter, "_settle").status is None
    assert payer.allocation()["held_credits"] == 4
    await_no_hold(payer)
    assert run(listed, tmp_path / "out", "--run", "r") == DONE
    assert by_service(payer) == CHARGED
    captured = {row["request_id"] for row in payer.rows() if row["hold_id"]}
    assert captured == {
        "loopnet:r:export:companies:2:capture",
        "loopnet:r:export:contacts:1:capture",
    }
    assert payer.allocation()["held_credits"] == 0


def test_a_full_disk_stops_it_and_gives_the_hold_back(payer, listed, tmp_path, monkeypatch, capsys):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Output, "write_part", full)
        assert run(listed, tmp_path / "out") == STOPPED
    assert "Stopped: [Errno 28] No space left on device" in capsys.readouterr().err
    assert payer.allocation()["held_credits"] == 0
    assert run(listed, tmp_path / "out") == DONE
    assert by_service(payer) == CHARGED


def test_a_table_without_records_is_not_paid(payer, tmp_path):
    listed = tmp_path / "companies.json"
    listed.write_text(json.dumps([{"company": "Wonka", "domain": "wonka.example"}]))
    assert run(listed, tmp_path / "out") == DONE
    assert by_service(payer) == {"intelligence_cache_lookup": 1, "company_enrichment": 0}
    assert not list((tmp_path / "out").glob("*.csv*"))
    assert payer.allocation()["held_credits"] == 0


def test_an_unreachable_service_stops_it_and_nothing_is_lost(payer, listed, tmp_path, capsys):
    nowhere = ["--url", "http://127.0.0.1:1", "--patience", "1"]
    assert run(listed, tmp_path / "out", *nowhere) == STOPPED
    assert "Nothing is lost: the same command goes on from here." in capsys.readouterr().err
    assert run(listed, tmp_path / "out") == DONE


def test_reconciling_finds_what_the_journal_does_not_know(payer, listed, tmp_path, capsys):
    assert run(listed, tmp_path / "out", "--run", "r") == DONE
    body = {
        "org_id": payer.org_id,
        "user_id": payer.user_id,
        "service_name": "contact_lookup",
        "quantity": 1,
        "request_id": "loopnet:r:contact:stranger.example:sales:1",
    }
    payer.call("POST", "credits/deduct", body)
    assert run(listed, tmp_path / "out", "--run", "r", "--reconcile") == DIFFERENT
    said = capsys.readouterr().out
    assert "Different: loopnet:r:contact:stranger.example:sales:1: the service has [10]" in said
    assert said.endswith("The service has other charges.\n")


def test_reconciling_knows_what_a_killed_run_had_no_time_to_note(payer, listed, tmp_path, capsys):
    command = ["--input", str(listed), "--output", str(tmp_path / "out"), "--workers", "1"]
    ending = run_killed_in(command, tmp_path / "log", till, "_charged")
    assert ending.status is None
    assert run(listed, tmp_path / "out", "--reconcile") == DONE
    said = capsys.readouterr().out
    assert said.count("Charged, but not noted yet: ") == 1
    assert payer.rows()[0]["request_id"] in said
    assert run(listed, tmp_path / "out") == DONE
    assert by_service(payer) == CHARGED


def test_two_agents_do_not_work_in_one_folder(payer, listed, tmp_path, capsys):
    with Output(tmp_path / "out").reserved():
        assert run(listed, tmp_path / "out") == MISUSED
    assert "Another agent works in" in capsys.readouterr().err
    assert payer.rows() == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--run", "other"], "belongs to run first, not other"),
        (["--run", "first", "--user", "019ac0de-0000-7000-8000-000000000000"], "is paid by user"),
    ],
)
def test_a_folder_belongs_to_its_run(payer, listed, tmp_path, capsys, change, says):
    with closing(Journal(prepared(tmp_path / "out"))) as journal:
        digest = companies.digest(companies.read(listed))
        journal.begin(Run("first", digest, payer.org_id, payer.user_id), [])
    assert run(listed, tmp_path / "out", *change) == MISUSED
    assert says in capsys.readouterr().err


def test_a_folder_belongs_to_its_input(payer, listed, tmp_path, capsys):
    with closing(Journal(prepared(tmp_path / "out"))) as journal:
        journal.begin(Run("first", "of another list", payer.org_id, payer.user_id), [])
    assert run(listed, tmp_path / "out", "--run", "first") == MISUSED
    assert "of another input" in capsys.readouterr().err


def prepared(folder: Path) -> Path:
    folder.mkdir()
    return folder / "journal.sqlite"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("company,domain\n", "names no companies"),
        ("name,site\nAcme,acme.example\n", "Row 1: company has to be a name"),
        ("company,domain\nAcme,acme.example\nB,not a domain\n", "Row 2: domain has to be"),
        ("company,domain\nAcme,-acme.example\n", "Row 1: domain has to be"),
        ("company,domain\nAcme\n", "Row 1: domain has to be"),
    ],
)
def test_a_bad_list_is_refused_before_anything_is_charged(payer, tmp_path, capsys, text, says):
    listed = tmp_path / "companies.csv"
    listed.write_text(text)
    assert run(listed, tmp_path / "out") == MISUSED
    assert says in capsys.readouterr().err
    assert payer.rows() == []


@pytest.mark.parametrize("text", ["{", "null", "[]", '{"company": 1}', "[1]", '[{"company": 1}]'])
def test_a_bad_json_list_is_refused_too(payer, tmp_path, text):
    listed = tmp_path / "companies.json"
    listed.write_text(text)
    assert run(listed, tmp_path / "out") == MISUSED


def test_a_domain_is_looked_up_once(tmp_path):
    listed = tmp_path / "companies.csv"
    listed.write_text("company,domain\nAcme,acme.example\nAcme again, ACME.example \n")
    assert companies.read(listed) == [Company("Acme", "acme.example")]


def test_a_key_is_needed_and_is_no_option(payer, listed, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("ORGBILLING_API_KEY")
    with pytest.raises(SystemExit) as ended:
        run(listed, tmp_path / "out")
    assert ended.value.code == 2
    assert "ORGBILLING_API_KEY has to hold an API key" in capsys.readouterr().err


def test_every_key_is_a_request_id_that_the_service_takes():
    role = max(ROLES, key=len)
    subject = {"company": "x", "domain": "x" * 249 + ".com"}
    for unit in (cache_unit("x", subject["domain"]), contact_unit(subject, role)):
        for step in ("", CAPTURE, REFUND):
            key = key_of("r" * 40, replace(unit, attempt=1000), step)
            assert re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", key)
