"""No secret is committed: detect-secrets over every file that git knows, against the audited baseline.

`python -m tests.house.check_secrets --write` takes what is found into `.secrets.baseline`. Whoever looked at it says so
there by hand: `"is_secret": false`.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings, transient_settings

ROOT = Path(__file__).resolve().parent.parent.parent
BASELINE = ROOT / ".secrets.baseline"
PLUGIN = "tests/house/key_detector.py"
#: Tests and the generated description are full of made-up passwords and ids. What goes by words and randomness alone is
#: not asked there; keys of a known form are looked for as everywhere.
GUESSES = frozenset({"Secret Keyword", "Hex High Entropy String", "Base64 High Entropy String"})
MADE_UP = re.compile(r"(^|/)(tests/|docs/openapi\.yaml$)")
# Hashes of packages, pictures, fonts, and scripts of others.
PASSED_OVER = (".txt", ".png", ".ttf", ".woff2", ".ico", ".min.js", ".baseline")


def configuration() -> dict[str, object]:
    """Every detector that detect-secrets has, and ours; nothing is sent anywhere to be verified."""
    with default_settings() as settings:
        plugins = [{"name": name, **options} for name, options in settings.plugins.items()]
    # It remembers which there are, and would not look for ours.
    get_mapping_from_secret_type_to_class.cache_clear()
    own = {"name": "OrgBillingKeyDetector", "path": f"file://{ROOT / PLUGIN}"}
    filters = [
        {"path": "detect_secrets.filters.allowlist.is_line_allowlisted"},
        {"path": "detect_secrets.filters.heuristic.is_sequential_string"},
        {"path": "detect_secrets.filters.heuristic.is_potential_uuid"},
        {"path": "detect_secrets.filters.heuristic.is_templated_secret"},
        {"path": "detect_secrets.filters.heuristic.is_indirect_reference"},
        {"path": "detect_secrets.filters.heuristic.is_not_alphanumeric_string"},
    ]
    return {"plugins_used": [*plugins, own], "filters_used": filters}


def scan(root: Path, names: list[str]) -> SecretsCollection:
    """What is found in these files."""
    found = SecretsCollection(root=str(root))
    with transient_settings(configuration()):
        for name in names:
            if not name.endswith(PASSED_OVER) and "/vendor/" not in name:
                found.scan_file(name)
    for name in found.files:
        if MADE_UP.search(name):
            found[name] = {one for one in found[name] if one.type not in GUESSES}
    return found


def committed() -> list[str]:
    """The files that git knows, those not committed yet as well, as long as they are there."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in names.split("\0") if name and (ROOT / name).is_file()]


def known() -> set[tuple[str, str, str]]:
    """What was looked at by a person and found harmless."""
    results = json.loads(BASELINE.read_text())["results"]
    return {
        (name, one["type"], one["hashed_secret"])
        for name, ones in results.items()
        for one in ones
        if one.get("is_secret") is False
    }


def write(found: SecretsCollection) -> None:
    """Keep what is found, without the places, which every change would move; what was looked at stays looked at."""
    before = known()
    results: dict[str, list[dict[str, object]]] = {}
    for name, one in found:
        entry: dict[str, object] = {"type": one.type, "hashed_secret": one.secret_hash}
        if (name, one.type, one.secret_hash) in before:
            entry["is_secret"] = False
        results.setdefault(name, []).append(entry)
    BASELINE.write_text(json.dumps({"results": results}, indent=2) + "\n")


def main() -> int:
    """Complain about what is new; returns the exit status."""
    found = scan(ROOT, committed())
    if "--write" in sys.argv:
        write(found)
    allowed = known()
    new = [
        f"{name}:{one.line_number}: {one.type}"
        for name, one in found
        if (name, one.type, one.secret_hash) not in allowed
    ]
    if new:
        print("\n".join(new))
        print(
            "\nIf it is a secret: revoke it first, then take it out. If it is made up, end its line with"
            "\n`# pragma: allowlist secret`."  # pragma: allowlist secret
        )
    print(f"{len(committed())} files, {len(new)} new findings, {len(allowed)} known to be made up")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
