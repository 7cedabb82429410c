"""The search for secrets finds one that is committed, and the audit calls nothing sound that it knows nothing about."""

import json

import pytest

from organizations.keys import generate_key
from tests.house.audit import ROOT, Verdict, bill_of_materials, judge
from tests.house.check_secrets import BASELINE, known, scan

# Put together here, so that this file holds none.
PLANTED = {
    "Org billing API key": generate_key,
    "AWS Access Key": lambda: "AKIA" + "IOSFODNN7EXAMPLF",
    "Stripe Access Key": lambda: "sk_live" + "_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "Private Key": lambda: "-----BEGIN " + "RSA PRIVATE KEY-----",
}


@pytest.mark.parametrize("kind", sorted(PLANTED))
@pytest.mark.parametrize("folder", ["deploy", "tests"])
def test_a_key_is_found_wherever_it_is(tmp_path, kind, folder):
    file = tmp_path / folder / "settings.py"
    file.parent.mkdir()
    file.write_text(f'thing = "{PLANTED[kind]()}"\n')
    found = scan(tmp_path, [f"{folder}/settings.py"])
    assert kind in {one.type for _name, one in found}


def test_a_password_is_guessed_at_in_code_and_not_in_tests(tmp_path):
    for folder in ("deploy", "tests"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_text('password = "Xk29dkwPq81"\n')
    found = scan(tmp_path, ["deploy/a.py", "tests/a.py"])
    assert {name for name, _one in found} == {"deploy/a.py"}


def test_everything_in_the_baseline_was_looked_at_and_is_still_there():
    results = json.loads(BASELINE.read_text())["results"]
    entries = [(name, one) for name, ones in results.items() for one in ones]
    assert len(entries) == len(known())
    assert [name for name, _one in entries if not (ROOT / name).exists()] == []


def dependency(name, **more):
    return {"name": name, "version": "1", **more}


def test_what_could_not_be_looked_up_is_not_called_sound():
    fault = {"id": "PYSEC-1", "fix_versions": ["2"]}
    verdict = judge(
        "requirements.txt",
        [
            dependency("sound", vulns=[]),
            dependency("faulty", vulns=[fault]),
            dependency("unknown", skip_reason="not found"),
        ],
    )
    assert verdict == Verdict("requirements.txt", ["faulty 1: PYSEC-1, fixed in 2"], 3, 1)
    assert "1 known faults in 2 of 3 packages" in verdict.line
    assert "NOT AUDITED" in verdict.line
    assert "NOT AUDITED" not in judge("a", [dependency("sound", vulns=[])]).line


def test_the_bill_of_materials_has_every_package_of_the_image(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.house.audit.BILL", tmp_path / "sbom.json")
    monkeypatch.setattr("tests.house.audit.ROOT", ROOT)
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = sum("==" in line and line[0].isalpha() for line in lines)
    assert bill_of_materials() >= pinned
    components = json.loads((tmp_path / "sbom.json").read_text())["components"]
    assert {"django", "psycopg", "granian"} <= {one["name"].lower() for one in components}
