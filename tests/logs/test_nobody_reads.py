"""Standard error that nobody reads, and then nobody holds: every charge is made and answered."""

import http.client
import json
import os
import subprocess
from contextlib import closing

from orgbilling.supervisor.instance import HOST
from orgbilling.supervisor.programs import programs
from tests.faults.stage import free_port
from tests.logs.reading import BASE
from tests.service import ROOT, await_answers

# A pipe holds 64 KB: some 80 charges, whose two lines have 800 bytes.
CHARGES = 300


class Program:
    """The web server with a pipe for what it writes."""

    def __init__(self, port, env, output):
        command = programs(port)[0].command
        self.process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=output, stderr=output)

    def check(self):
        assert self.process.poll() is None


def test_charges_go_on_without_a_reader(logged):
    member = logged.service.demo["users"][0]
    port = free_port()
    reading, writing = os.pipe()
    program = Program(port, logged.service.env, writing)
    os.close(writing)
    try:
        await_answers(program, port)
        with closing(http.client.HTTPConnection(HOST, port, timeout=30)) as connection:
            answers = [charge(connection, logged, member, n) for n in range(CHARGES)]
            os.close(reading)
            answers += [charge(connection, logged, member, n) for n in range(CHARGES, CHARGES + 50)]
        program.check()
    finally:
        program.process.terminate()
        program.process.wait(30)
    assert answers == [201] * (CHARGES + 50)


def charge(connection, logged, member, number):
    body = {
        "org_id": member["org_id"],
        "user_id": member["id"],
        "credits": 1,
        "service_name": "contact_lookup",
        "request_id": f"nobody-reads-{number}",
    }
    headers = logged.service.key(bound=False)["headers"] | {"Content-Type": "application/json"}
    connection.request("POST", f"{BASE}/credits/deduct", json.dumps(body), headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status
