"""What the image does, without Docker."""

import re
import subprocess
import sys

from tests.production.environment import ROOT, environment
from tests.production.image import DOCKERFILE, built, command, files, rehearse


def test_its_commands_work_in_a_clean_folder(stage):
    with built(stage, full=False) as image:
        rehearse(image)
        assert (image.app / "static" / "console" / "console.css").exists()
        # Where it may write it keeps the figures of its processes, and nothing else.
        assert {path.name for path in image.scratch.iterdir()} == {"metrics"}


def test_what_it_copies_is_what_docker_is_let_to_see():
    copied = set(re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE))
    assert copied == set(files())
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_it_runs_without_rights_and_in_production():
    last = DOCKERFILE.split("FROM ")[-1]
    assert "USER 10001" in last
    assert "PRODUCTION=true" in last
    assert "HEALTHCHECK" in last


def test_its_check_fails_where_nobody_answers():
    env = environment(PORT="1")
    done = subprocess.run(
        [sys.executable, *command("HEALTHCHECK")[1:]],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no answer" in done.stdout
