"""What Django's own check for a site behind TLS says of our settings: nothing."""

from __future__ import annotations

import os
import subprocess
import sys

CHECK = """
import django
from django.conf import settings
django.setup()
from django.core.management import call_command
call_command("check", "--deploy", "--fail-level", "WARNING")
print(settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
"""


def test_deploy_check_is_silent_and_cookies_belong_to_the_host() -> None:
    # What browsers in tests need, and no site sets.
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    environment |= {"KANGQIAO_TLS": "1", "KANGQIAO_DEMO": "none", "KANGQIAO_SECRET_KEY": "k" * 30 + "abcdefghij" * 3}

    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert "__Host-sessionid __Host-csrftoken" in done.stdout
    assert "WARNINGS" not in done.stderr
