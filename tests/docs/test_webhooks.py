"""The page of webhooks: its tables are the code's, and its receivers receive what a running service sends."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection
from standardwebhooks import Webhook

from organizations.event_types import REGISTRY
from organizations.managers.webhook_deliveries import REPLAY_MAX
from organizations.managers.webhook_endpoints import ENDPOINTS_MAX, OVERLAP, OVERLAP_MAX
from organizations.webhooks.schedule import FAILING_FOR, JITTER, SCHEDULE
from organizations.webhooks.secrets import new_secret
from orgbilling.supervisor.programs import Child, programs
from tests.docs import webhook_events
from tests.docs.markdown import ROOT, blocks, rows, section
from tests.service import running

PAGE = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
PORT_OF_THE_PAGE = "9100"
#: What a shell may wait for an event.
PATIENCE_SECONDS = 60
UNITS = {"second": 1, "minute": 60, "hour": 3600}


def test_the_page_of_events_is_the_registrys() -> None:
    assert webhook_events.PAGE.read_text(encoding="utf-8") == webhook_events.page(), (
        "Bring docs/webhook-events.md up to date with: make event-docs"
    )


def test_every_type_is_in_the_table() -> None:
    table = list(rows(section(PAGE, "## The types of events")))
    assert table == [[f"`{kind.name}`", kind.summary] for kind in REGISTRY.values()]


def test_the_schedule_is_the_codes() -> None:
    table = list(rows(section(PAGE, "## When delivery fails")))
    assert [int(number) for number, _ in table] == list(range(1, len(SCHEDULE) + 1))
    assert [told(text) for _, text in table] == list(SCHEDULE)
    said = " ".join(PAGE.split())
    assert f"up to {JITTER:.0%} shorter or longer".replace("%", " %") in said
    assert f"everything failed for {FAILING_FOR.days} days" in said
    assert f"at most {REPLAY_MAX:,} at a time" in said
    assert f"At most {ENDPOINTS_MAX} an organization" in said
    hours, most = OVERLAP // timedelta(hours=1), OVERLAP_MAX // timedelta(hours=1)
    assert f"0 to {most} hours, {hours} if you don't say" in said


def told(text: str) -> timedelta:
    if text == "at once":
        return timedelta(0)
    number, unit = text.split()
    return timedelta(seconds=int(number) * UNITS[unit.removesuffix("s")])


@pytest.mark.django_db
def test_the_receivers_table_takes_an_event_once() -> None:
    (block,) = [block.text for block in blocks(PAGE) if block.language == "sql"]
    create, insert = (part for part in block.split(";\n") if part.strip())
    with connection.cursor() as cursor:
        cursor.execute(create)
        cursor.execute(insert)
        assert len(cursor.fetchall()) == 1
        cursor.execute(insert)
        assert cursor.fetchall() == []


def test_the_fastapi_receiver_takes_what_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = [block.text for block in blocks(PAGE) if "FastAPI()" in block.text]
    secret = new_secret()
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(code, "receiver.py", "exec"), names)
    taken: list[str] = []
    names["take"] = lambda event_id, event: taken.append(f"{event_id} {event['type']}")
    body, moment = '{"type": "credits.low", "data": {}}', datetime.now(UTC)
    signed = {
        "webhook-id": "one",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign("one", moment, body),
    }

    async def statuses() -> list[int]:
        transport = httpx.ASGITransport(app=names["app"])
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            return [
                (await client.post("/webhooks/billing", content=sent, headers=headers)).status_code
                for sent, headers in ((body, signed), (f"{body} ", signed), (body, {}))
            ]

    assert asyncio.run(statuses()) == [204, 401, 401]
    assert taken == ["one credits.low"]


def test_the_quick_start_and_all_that_follows(tmp_path: Path) -> None:
    port = str(free_port())
    shell = [block.text for block in blocks(PAGE) if block.language == "bash"]
    start, *steps = [text.replace(PORT_OF_THE_PAGE, port) for text in shell]
    assert len(steps) == 7
    *settings, _make, _run = start.split()
    code = next(block.text for block in blocks(PAGE) if "HTTPServer((" in block.text)
    (tmp_path / "receiver.py").write_text(code.replace(PORT_OF_THE_PAGE, port))
    script = "\n".join(
        [
            "trap 'kill $(jobs -p)' EXIT",
            *steps[:3],
            # What the reader sees arrive, the script has to wait for.
            "for type in webhook.test credits.added; do",
            "until grep -q $type printed; do sleep 0.1; done; done",
            *steps[3:],
        ]
    )
    data = tmp_path / ".data"
    data.mkdir()
    allowed = dict(setting.split("=", maxsplit=1) for setting in settings)
    with running(data, **allowed) as service:
        worker = Child(programs(service.port)[1], tmp_path / "worker.log", service.env, ROOT)
        try:
            printed = run_in_bash(script, tmp_path)
        finally:
            worker.stop()
        org = next(key["org_id"] for key in service.demo["api_keys"] if key["org_id"])
        (endpoint,) = service.get(f"organizations/{org}/webhook-endpoints")["results"]
    received = sorted(line.split()[0] for line in printed.splitlines() if line.endswith("}"))
    # The second test was signed by hand.
    assert received == [
        "credits.added",
        "webhook.test",
        "webhook.test",
        '{"replayed":0,"more":false}',
    ]
    answers = [line for line in printed.splitlines() if not line.startswith(tuple(REGISTRY))]
    assert answers == ["pending", "204", "pending", '{"replayed":0,"more":false}']
    assert endpoint["previous_secret_until"] is not None


def run_in_bash(script: str, folder: Path) -> str:
    """What the script prints; it finds the library that the page tells to install."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with (folder / "printed").open("w") as printed:
        done = subprocess.run(
            [shutil.which("bash") or "bash"],
            input=script,
            cwd=folder,
            env=env,
            stdout=printed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    errors = [line for line in done.stderr.splitlines() if '"POST / HTTP/1.1" 204' not in line]
    assert (done.returncode, errors) == (0, [])
    return (folder / "printed").read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
