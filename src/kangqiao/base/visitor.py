"""From where a request comes, as far as the server can know: an address, and words for the device."""

from __future__ import annotations

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

# First match wins: a browser names those it descends from too.
BROWSERS = (
    ("MicroMessenger", "WeChat"), ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"),
    ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def address(request: HttpRequest) -> str | None:
    """The address the request comes from.

    Behind TLS a proxy of the site stands in front and adds the address it saw to the end of `X-Forwarded-For`; what
    stands before was sent by the browser and proves nothing.
    """
    told = request.META.get("REMOTE_ADDR", "")
    if settings.TLS:
        told = request.headers.get("X-Forwarded-For", told).rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(told))
    except ValueError:
        return None


def device(request: HttpRequest) -> str:
    """Browser and system in two words, as the browser says of itself; empty when it says nothing known."""
    said = request.headers.get("User-Agent", "")
    found = (next((name for mark, name in names if re.search(mark, said)), "") for names in (BROWSERS, SYSTEMS))
    return " · ".join(word for word in found if word)
