"""The files of deploy/: Prometheus takes them, each alert is tested and explained, and all they name exists."""

import json
import re
import shutil

import pytest
import yaml

from tests.docs.markdown import ROOT, codes, rows, section
from tests.metrics.names import every_figure, named_in
from tests.metrics.promtool import checked

PROMETHEUS = ROOT / "deploy" / "prometheus"
GRAFANA = ROOT / "deploy" / "grafana"
PAGE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
RULES = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
TESTS = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]
DASHBOARD = json.loads((GRAFANA / "dashboards" / "orgbilling.json").read_text())
EACH = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
WANTED = {
    "TargetDown",
    "DatabaseDown",
    "PoolExhausted",
    "LedgerViolation",
    "LedgerProofTooOld",
    "FailedTransactions",
    "ErrorRatio",
    "SlowAnswers",
    "UnauthenticatedBurst",
    "ForbiddenBurst",
    "RateLimitedBurst",
    "WorkerGone",
    "JobLag",
    "BackupTooOld",
    "RestoreDrillTooOld",
    "LowCredits",
}


def test_what_an_operator_has_to_know_has_an_alert():
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))
    assert set(names) >= WANTED


@EACH
def test_an_alert_says_how_bad_it_is_what_it_is_and_what_to_do(rule):
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"]["summary"]
    assert len(rule["annotations"]["description"]) > 60
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert page == "docs/monitoring.md"
    assert anchor == rule["alert"].lower()
    entry = section(PAGE, f"### {rule['alert']}")
    assert "**Do:**" in entry
    assert "**Means:**" in entry


def test_the_page_explains_no_alert_that_there_is_not():
    explained = re.findall(r"^### ([A-Z]\w+)$", section(PAGE, "## Alerts"), re.MULTILINE)
    assert explained == [rule["alert"] for rule in RULES]


@EACH
def test_an_alert_is_made_to_fire_and_to_resolve(rule):
    expected = [
        bool(case["exp_alerts"])
        for test in TESTS
        for case in test["alert_rule_test"]
        if case["alertname"] == rule["alert"]
    ]
    assert expected == [True, False]


@EACH
def test_what_an_alert_looks_at_exists(rule):
    assert named_in(rule["expr"]) <= set(every_figure())


def test_promtool_takes_the_rules_and_their_tests():
    checked("check", "rules", "alerts.yml", cwd=PROMETHEUS)
    checked("test", "rules", "alerts_test.yml", cwd=PROMETHEUS)


def test_promtool_takes_the_configuration(tmp_path):
    shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    (tmp_path / "prometheus" / "metrics_token").write_text("a token that nobody guesses")
    checked("check", "config", "prometheus.yml", cwd=tmp_path / "prometheus")


def test_amtool_takes_the_alertmanagers_configuration():
    checked("check-config", "alertmanager.yml", tool="amtool", cwd=PROMETHEUS)


def test_nothing_that_is_told_no_more_keeps_an_alert_from_being_told():
    manager = yaml.safe_load((PROMETHEUS / "alertmanager.yml").read_text())
    names = {rule["alert"] for rule in RULES}
    for inhibited in manager["inhibit_rules"]:
        for matcher in (*inhibited["source_matchers"], *inhibited["target_matchers"]):
            label, _, value = re.fullmatch(r'(\w+)(=~|!?=)"(.*)"', matcher).groups()
            if label == "alertname":
                assert set(value.split("|")) <= names


def expressions():
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]


def test_what_the_dashboard_shows_exists():
    known = set(every_figure())
    for expression in expressions():
        assert named_in(expression) <= known, expression
        assert named_in(expression) or expression == 'min(up{job="orgbilling"})'


def test_promtool_takes_every_expression_of_the_dashboard(tmp_path):
    made = [
        {"record": f"dashboard:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(expressions())
    ]
    file = tmp_path / "dashboard.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": made}]}))
    checked("check", "rules", file)


def test_the_dashboard_reads_the_source_that_is_provided():
    provided = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())
    uids = {source["uid"] for source in provided["datasources"]}
    used = {panel["datasource"]["uid"] for panel in DASHBOARD["panels"] if "datasource" in panel}
    assert used == uids


def test_panels_have_a_place_and_a_word_of_their_own():
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert all(panel["description"] for panel in panels)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _y in taken) == 23


def test_the_page_lists_every_figure_with_its_labels():
    listed = {}
    for name, labels, _meaning in rows(section(PAGE, "## Figures")):
        (figure,) = codes(name)
        assert figure not in listed
        listed[figure] = tuple(codes(labels))
    assert listed == every_figure()
