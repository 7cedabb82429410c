"""docker-compose.yml holds together: valid, its secrets and files exist, the service is what the page says."""

import os
import re
import subprocess

import pytest
import yaml

from tests.production.environment import ROOT
from tests.programs import needed

TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES = yaml.safe_load(TEXT)["services"]
GIVEN = dict.fromkeys(re.findall(r"\$\{(\w+):\?", TEXT), "x")
OURS = ("roles", "migrate", "grants", "web", "worker", "maintenance")
ONCE = ("roles", "migrate", "grants", "maintenance")


def config(program, **env):
    """What it makes of the file; Debian's is older than the project's name, which later ones read."""
    return subprocess.run(
        [program, "-f", "-", "config"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **env},
        input=re.sub(r"^name: .*\n", "", TEXT, flags=re.MULTILINE),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("profiles", ["", "monitoring", "pgbouncer", "monitoring,pgbouncer"])
def test_docker_compose_takes_it(profiles):
    program = needed("docker-compose", "docker-compose")
    done = config(program, COMPOSE_PROFILES=profiles, **GIVEN)
    assert done.returncode == 0, done.stderr
    shown = yaml.safe_load(done.stdout)
    assert set(shown["services"]) >= {"postgres", "valkey", "web", "worker", *ONCE[:3]}


@pytest.mark.parametrize("missing", sorted(GIVEN))
def test_it_insists_on_what_has_no_default(missing):
    program = needed("docker-compose", "docker-compose")
    given = {name: value for name, value in GIVEN.items() if name != missing}
    done = config(program, **given)
    assert done.returncode != 0
    assert missing in done.stderr


def test_every_secret_is_a_file_and_none_is_in_the_environment():
    document = yaml.safe_load(TEXT)
    used = set()
    for service in document["services"].values():
        secrets = service.get("secrets", [])
        used |= {one if isinstance(one, str) else one["source"] for one in secrets}
        for name, value in service.get("environment", {}).items():
            path = str(value)
            if path.startswith("/run/secrets/"):
                assert path.removeprefix("/run/secrets/") in secrets, name
    assert used == set(document["secrets"])
    assert not re.search(r"PASSWORD: \$", TEXT)


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_write_nothing_but_their_scratch_space(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service, "the image's user is 10001"


def test_who_stays_is_limited_restarted_and_asked_how_it_is():
    for name, service in SERVICES.items():
        if name in ONCE:
            assert "restart" not in service
            continue
        assert service["restart"] == "unless-stopped", name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name
    # The worker, loki and vector serve nothing that could be asked inside their images.
    asked = {name for name, service in SERVICES.items() if "test" in service.get("healthcheck", {})}
    assert asked == set(SERVICES) - {*ONCE, "worker", "loki", "vector"}


def test_the_web_serves_as_the_application_and_the_owner_only_migrates():
    def user(name):
        return re.search(r"postgresql://(\w+)@", SERVICES[name]["environment"]["DATABASE_URL"])[1]

    assert {name: user(name) for name in OURS} == {
        "roles": "postgres",
        "migrate": "orgbilling_owner",
        "grants": "orgbilling_owner",
        "web": "orgbilling_app",
        "worker": "orgbilling_app",
        "maintenance": "orgbilling_owner",
    }
    for first, then in (("roles", "migrate"), ("migrate", "grants"), ("grants", "web")):
        assert SERVICES[then]["depends_on"][first] == {
            "condition": "service_completed_successfully"
        }


def test_nothing_is_published_beyond_this_machine():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_files_that_are_mounted_exist():
    mounted = re.findall(r"\./(deploy/[^:\"]+):", TEXT)
    assert "deploy/pgbouncer/pgbouncer.ini" in mounted
    assert [path for path in mounted if not (ROOT / path).exists()] == []


def test_docker_compose_takes_the_citus_file_too(tmp_path):
    program = needed("docker-compose", "docker-compose")
    base = tmp_path / "docker-compose.yml"
    base.write_text(re.sub(r"^name: .*\n", "", TEXT, flags=re.MULTILINE))
    done = subprocess.run(
        [program, "-f", str(base), "-f", str(ROOT / "docker-compose.citus.yml"), "config"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **GIVEN},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    assert {"postgres", "worker-1", "worker-2", "cluster", "distribute"} <= set(services)
    assert (
        services["postgres"]["image"] == services["worker-1"]["image"] == "citusdata/citus:14.0.1"
    )
