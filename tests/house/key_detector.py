"""For detect-secrets: the form of this service's API keys (`organizations/keys.py`)."""

import re

from detect_secrets.plugins.base import RegexBasedDetector


class OrgBillingKeyDetector(RegexBasedDetector):
    """Finds keys as they are shown once to whoever makes one."""

    secret_type = "Org billing API key"  # pragma: allowlist secret
    denylist = (re.compile(r"obk_(?:live_|test_)?[0-9A-Za-z]{38}"),)
