"""Where the command line's settings come from, and that a key is neither shown nor left for others to read."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from orgbilling_client.cli.app import run
from orgbilling_client.cli.profiles import Profiles, read_profiles

Cli = Callable[..., tuple[int, str, str]]
KEY = "obk_live_0123456789abcdefghijklmnopqrstuvwxyz"
DEMO = {
    "base_url": "http://127.0.0.1:1",
    "api_keys": [
        {"org_id": "x", "key": "obk_bound"},
        {"org_id": None, "key": KEY},
    ],
}


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("URL", "API_KEY", "ORG_ID", "JOURNAL", "PROFILE"):
        monkeypatch.delenv(f"ORGBILLING_{name}", raising=False)
    path = tmp_path / "settings" / "config.toml"
    monkeypatch.setenv("ORGBILLING_CONFIG", str(path))
    return path


@pytest.fixture
def cli(path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    def ran(*arguments: object) -> tuple[int, str, str]:
        code = run([str(one) for one in arguments])
        return (code, *capsys.readouterr())

    return ran


def shown(cli: Cli, *before: str) -> dict[str, dict[str, str | None]]:
    code, out, _ = cli(*before, "config", "show", "--json")
    assert code == 0
    settings: dict[str, dict[str, str | None]] = json.loads(out)["settings"]
    return settings


def test_without_any_it_says_where_to_set_them(cli: Cli) -> None:
    code, _, err = cli("balance")
    assert code == 2
    assert "--url, ORGBILLING_URL, or a profile" in err
    assert {one["value"] for one in shown(cli).values()} == {None}


def test_a_flag_goes_before_the_environment_and_that_before_the_file(
    cli: Cli, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("config", "set", "work", "--url", "https://file.example", "--org", "alpha")
    assert shown(cli)["url"] == {
        "value": "https://file.example",
        "source": f"{path} [profiles.work]",
    }
    monkeypatch.setenv("ORGBILLING_URL", "https://environment.example")
    assert shown(cli)["url"]["source"] == "ORGBILLING_URL"
    assert shown(cli, "--url", "https://flag.example")["url"]["source"] == "--url"
    assert shown(cli)["org_id"]["value"] == "alpha"


def test_profiles_are_chosen_by_name(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("config", "set", "one", "--url", "https://one.example")
    cli("config", "set", "two", "--url", "https://two.example", "--journal", "charges.journal")
    assert shown(cli)["url"]["value"] == "https://one.example"
    assert shown(cli, "--profile", "two")["journal"]["value"] == "charges.journal"
    monkeypatch.setenv("ORGBILLING_PROFILE", "two")
    assert shown(cli)["url"]["value"] == "https://two.example"
    code, _, err = cli("--profile", "three", "config", "show")
    assert code == 2
    assert "Its profiles: one, two." in err
    cli("config", "set", "two", "--default")
    monkeypatch.delenv("ORGBILLING_PROFILE")
    assert shown(cli)["url"]["value"] == "https://two.example"
    assert cli("config", "set", "a.b")[0] == 2


def test_a_key_is_asked_for_and_never_shown(
    cli: Cli, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n"))
    code, out, err = cli("config", "set", "work", "--url", "https://a.example", "--api-key")
    assert code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert KEY in path.read_text()
    for said in (out, err, *cli("config", "show")[1:], json.dumps(shown(cli))):
        assert KEY not in said
    assert shown(cli)["api_key"]["value"] == f"{KEY[:12]}…"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert cli("config", "set", "work", "--api-key")[0] == 2


def test_a_file_with_a_key_that_others_may_read_is_refused(cli: Cli, path: Path) -> None:
    cli("config", "set", "work", "--url", "https://a.example")
    path.chmod(0o644)
    assert cli("config", "show")[0] == 0
    path.write_text(f'[profiles.work]\napi_key = "{KEY}"\n')
    code, _, err = cli("config", "show")
    assert code == 2
    assert f"chmod 600 {path}" in err
    assert KEY not in err


def test_a_key_may_be_in_a_file_of_its_own(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    assert shown(cli, "--api-key-file", str(file))["api_key"]["source"] == "--api-key-file"
    monkeypatch.setattr("sys.stdin", io.StringIO(KEY))
    assert shown(cli, "--api-key-file", "-")["api_key"]["value"] == f"{KEY[:12]}…"
    file.write_text("two\nlines")
    code, _, err = cli("--api-key-file", file, "config", "show")
    assert code == 2
    assert "two" not in err
    assert cli("--api-key-file", tmp_path / "none", "config", "show")[0] == 2


@pytest.mark.parametrize(
    "text",
    [
        "profile = 1",
        "other = 'x'",
        "profiles = 1",
        "[profiles.work]\nport = 'x'",
        "[profiles.work]\nurl = 1",
        "[profiles.'a b']\nurl = 'x'",
        "[profiles",
    ],
)
def test_a_file_that_cant_be_understood_says_what_would_be_right(
    cli: Cli, path: Path, text: str
) -> None:
    path.parent.mkdir()
    path.write_text(text)
    code, _, err = cli("config", "show")
    assert code == 2
    assert err.startswith("Error: ")
    assert "Traceback" not in err


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    odd = {"url": 'a"b\\c\n\t\x7f\u00e9\U0001f600', "org_id": "'"}
    Profiles(tmp_path / "config.toml", "work", {"work": odd}).save()
    read = read_profiles(tmp_path / "config.toml")
    assert (read.default, read.profiles) == ("work", {"work": odd})


def test_the_demo_is_taken_over(cli: Cli, path: Path, tmp_path: Path) -> None:
    file = tmp_path / "demo.json"
    file.write_text(json.dumps(DEMO))
    assert cli("config", "import-demo", file)[0] == 0
    settings = shown(cli)
    assert settings["url"]["value"] == DEMO["base_url"]
    assert (settings["org_id"]["value"], settings["api_key"]["value"]) == ("globex", f"{KEY[:12]}…")
    for bad in ("{}", "[]", "no JSON", json.dumps(DEMO | {"api_keys": []})):
        file.write_text(bad)
        assert cli("config", "import-demo", file)[0] == 2
