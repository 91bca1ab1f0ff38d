"""The one way out: calls to addresses a site's administrator allowed, and to no machine inside.

A host is resolved once and the connection goes to that very address, so a name that leads elsewhere a moment later
gains nothing. Redirects are not followed; time and size are limited.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from kangqiao.kernel.errors import RuleBroken

SECONDS = 10.0
MOST_BYTES = 1_000_000
_WRITTEN = re.compile(r"https://[a-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?")
# Ways to write an IPv4 address as an IPv6 one, beyond those Python names (RFC 6052, RFC 8215).
_V4_INSIDE = tuple(ipaddress.ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96"))
# Where clouds tell machines their secrets; some lie in ranges that count as public.
_METADATA = {
    ipaddress.ip_address(one) for one in ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254")
}

# What a call raises when nobody answers as they should.
UNANSWERED = (OSError, http.client.HTTPException)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status 200 to 299 or 400 and above, never a redirect."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def allowed() -> dict[str, Address | None]:
    """`host:port` → the address it is pinned to, or None; from KANGQIAO_OUTBOUND, and the provider of single sign-on.

    Pinned, a host may be a machine of the site's own network; by its name alone never.
    """
    found: dict[str, Address | None] = {}
    for entry in filter(None, (one.strip().lower() for one in (_provider(), *settings.OUTBOUND))):
        host, _equals, pinned = entry.partition("=")
        found[host if ":" in host else f"{host}:443"] = ipaddress.ip_address(pinned) if pinned else None
    return found


def _provider() -> str:
    """The provider is allowed by being named: `host:port`, or the whole beginning of an address on the loopback."""
    beginning = re.match(r"(https://|http://127\.0\.0\.1:)([a-z0-9.-]+)(:[0-9]+)?", settings.SSO["issuer"].lower())
    if beginning is None:
        return ""
    return beginning[0].removeprefix("https://")


def call(
    method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS, most_bytes: int = MOST_BYTES,
) -> Answer:  # fmt: skip
    """One call over TLS. Raises RuleBroken when the address is not allowed, leads inside, redirects or sends too much;
    OSError or http.client.HTTPException when nobody answers as they should."""
    deadline = time.monotonic() + seconds
    connection, path = _line_to(url, seconds)
    try:
        connection.request(method, path, body=body, headers={**(headers or {}), "Connection": "close"})
        answer = connection.getresponse()
        if 300 <= answer.status < 400:
            raise _refused(url, _("对方要转到别的地址。"))
        pieces, size = [], 0
        while piece := answer.read1(65_536):
            size += len(piece)
            if size > most_bytes:
                raise _refused(url, _("对方发来的内容太多。"))
            if time.monotonic() > deadline:
                raise TimeoutError("the answer comes too slowly")
            pieces.append(piece)
        return Answer(answer.status, dict(answer.headers), b"".join(pieces))
    finally:
        connection.close()


def _line_to(url: str, seconds: float) -> tuple[http.client.HTTPConnection, str]:
    """The connection for an address, not yet made, and the path to ask it for. Raises RuleBroken."""
    beside = re.fullmatch(r"(http://127\.0\.0\.1:([0-9]{1,5}))(/[!-~]*)?", url)
    if beside and beside[1] in allowed():
        # A program beside us on this machine, named with its port: the one case without TLS.
        return http.client.HTTPConnection("127.0.0.1", int(beside[2]), timeout=seconds), beside[3] or "/"
    host, port, path = _read(url)
    return _Pinned(host, port, target_of(host, port), timeout=seconds), path


def target_of(host: str, port: int) -> Address:
    """The one address a call goes to. Raises RuleBroken unless host and port are allowed and lead outside."""
    places = allowed()
    if f"{host}:{port}" not in places:
        raise _refused(host, _("不在允许的地址里。"))
    pinned = places[f"{host}:{port}"]
    if pinned is not None:
        found = [pinned]
    else:
        told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in told]
    # One that leads inside spoils the others: whoever controls the name would only have to try again.
    if not found or not all(is_outside(one, is_pinned=pinned is not None) for one in found):
        raise _refused(host, _("它指向内部的机器。"))
    return found[0]


def is_outside(address: Address, *, is_pinned: bool = False) -> bool:
    """Whether a call may go there; a pinned one may be private, but never this machine or a cloud's own."""
    inner = _inside(address)
    if inner is not None:
        return is_outside(inner, is_pinned=is_pinned)
    is_never = (
        address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
        or address.is_reserved or address in _METADATA
    )  # fmt: skip
    return not is_never and (is_pinned or address.is_global)


def _inside(address: Address) -> Address | None:
    """The IPv4 address written inside an IPv6 one."""
    if isinstance(address, ipaddress.IPv4Address) or address.is_unspecified or address.is_loopback:
        return None
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if any(address in network for network in _V4_INSIDE):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _read(url: str) -> tuple[str, int, str]:
    """Host, port and path of an address written in the one plain way; any other spelling is refused unread."""
    if not _WRITTEN.fullmatch(url):
        raise _refused(url, _("地址要写成 https://主机/路径。"))
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    return host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class _Pinned(http.client.HTTPSConnection):
    """A connection to one address, whose certificate must be the host's."""

    def __init__(self, host: str, port: int, target: Address, *, timeout: float) -> None:
        self.tls = ssl.create_default_context()
        super().__init__(host, port, timeout=timeout, context=self.tls)
        self.target = target

    def connect(self) -> None:
        bare = socket.create_connection((str(self.target), self.port), self.timeout)
        self.sock = self.tls.wrap_socket(bare, server_hostname=self.host)


def _refused(where: str, why: str) -> RuleBroken:
    # What stands behind the question mark may be a secret of the site.
    return RuleBroken(
        _("没有连接 %(where)s：%(why)s") % {"where": where.partition("?")[0][:100], "why": why},
        next_step=_("请系统管理员核对 KANGQIAO_OUTBOUND。"),
    )
