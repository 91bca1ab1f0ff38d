"""Calls to the outside reach what was allowed and nothing inside, however the address is written (T-SSRF)."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kangqiao.base import outbound
from kangqiao.edges.commands.outbound import outbound as outbound_command
from kangqiao.kernel.errors import RuleBroken

# {port} is a listener on this machine, which must never hear anything.
WRITTEN = (
    "https://127.0.0.1:{port}/", "http://127.0.0.1:{port}/", "https://localhost:{port}/", "https://localhost.:{port}/",
    "https://LOCALHOST:{port}/", "https://2130706433:{port}/", "https://0x7f000001:{port}/", "https://0x7f.0.0.1:{port}/",
    "https://0177.0.0.1:{port}/", "https://017700000001:{port}/", "https://127.1:{port}/", "https://127.0.1:{port}/",
    "https://0:{port}/", "https://0.0.0.0:{port}/", "https://127.000.000.001:{port}/", "https://[::1]:{port}/",
    "https://[::]:{port}/", "https://[::ffff:127.0.0.1]:{port}/", "https://[::ffff:7f00:1]:{port}/",
    "https://[0:0:0:0:0:ffff:127.0.0.1]:{port}/", "https://[64:ff9b::7f00:1]:{port}/", "https://[2002:7f00:1::]:{port}/",
    "https://[fe80::1%25lo]:{port}/", "https://①②⑦.0.0.1:{port}/", "https://127。0。0。1:{port}/",
    "https://%31%32%37.0.0.1:{port}/", "https://sso.example@127.0.0.1:{port}/", "https://127.0.0.1:{port}@sso.example/",
    "https://127.0.0.1:{port}#@sso.example/", "https://127.0.0.1:{port}\\@sso.example/", "https:127.0.0.1:{port}/",
    "https:///127.0.0.1:{port}/", "https://127.0.0.1:{port}\t/", "https://sso.example:{port}\r\nHost: 127.0.0.1/",
    " https://127.0.0.1:{port}/", "HTTPS://127.0.0.1:{port}/", "file:///etc/passwd", "gopher://127.0.0.1:{port}/_a",
    "dict://127.0.0.1:{port}/", "ftp://127.0.0.1:{port}/", "jar:https://127.0.0.1:{port}!/", "//127.0.0.1:{port}/",
    "https://169.254.169.254:{port}/latest/meta-data/", "https://metadata.google.internal:{port}/",
)  # fmt: skip
# What an allowed name may turn out to lead to.
INSIDE = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "100.100.100.200",
    "169.254.169.254", "168.63.129.16", "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::1",
    "::",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::7f00:1",
)  # fmt: skip


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """A listener on this machine, and who connected to it."""
    heard: list[str] = []
    server = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                connection, address = server.accept()
            except OSError:
                return
            heard.append(str(address))
            connection.close()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield server.getsockname()[1], heard
    server.close()
    thread.join(2)


def refused(url: str) -> bool:
    """Whether a call is not made; a host that cannot be found is one too."""
    try:
        outbound.call("GET", url, seconds=1)
    except (RuleBroken, OSError, ValueError):
        return True
    return False


@pytest.mark.trust("T-SSRF")
def test_no_spelling_reaches_this_machine(
    listener: tuple[int, list[str]], settings: Any, measured: Callable[[str], None]
) -> None:
    port, heard = listener
    names = ("127.0.0.1", "localhost", "localhost.", "sso.example", "2130706433", "0x7f000001", "0x7f.0.0.1",
             "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0", "0.0.0.0", "127.000.000.001", "169.254.169.254",
             "metadata.google.internal")  # fmt: skip
    open_to = []

    for allowed in ([], ["sso.example"], [f"{name}:{port}" for name in names], [f"sso.example:{port}=127.0.0.1"]):
        settings.OUTBOUND = allowed
        open_to += [url for url in (one.format(port=port) for one in WRITTEN) if not refused(url)]
        open_to += [] if refused(f"https://sso.example:{port}/") else ["sso.example"]

    measured(f"{len(WRITTEN)} spellings × 4 lists of allowed hosts, {len(heard)} connections")
    assert open_to == []
    assert heard == []


@pytest.mark.trust("T-SSRF")
@pytest.mark.parametrize("address", INSIDE)
@pytest.mark.parametrize("beside", [(), ("93.184.215.14",)])
def test_allowed_name_that_leads_inside_is_refused(
    address: str, beside: tuple[str, ...], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTBOUND = ["sso.example"]
    monkeypatch.setattr(
        outbound.socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", (one, 443)) for one in (*beside, address)]
    )

    with pytest.raises(RuleBroken, match="指向内部"):
        outbound.target_of("sso.example", 443)


def test_name_is_resolved_once_and_that_address_is_called(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads inside at the second question is never asked a second time."""
    settings.OUTBOUND = ["sso.example"]
    told = iter(["93.184.215.14", "127.0.0.1"])
    called: list[Any] = []

    def connect(address: Any, timeout: float) -> None:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(outbound.socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", (next(told), 443))])
    monkeypatch.setattr(outbound.socket, "create_connection", connect)

    with pytest.raises(ConnectionRefusedError):
        outbound.call("GET", "https://sso.example/")
    assert called == [("93.184.215.14", 443)]


@pytest.mark.parametrize(("pinned", "is_let"), [("10.1.2.3", True), ("127.0.0.1", False), ("169.254.169.254", False)])
def test_pinned_host_may_be_of_the_own_network_and_never_this_machine(settings: Any, pinned: str, is_let: bool) -> None:
    settings.OUTBOUND = [f"his.local:8443={pinned}"]

    if is_let:
        assert str(outbound.target_of("his.local", 8443)) == pinned
    else:
        with pytest.raises(RuleBroken):
            outbound.target_of("his.local", 8443)


@pytest.fixture
def far(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], str]]:
    """A far server that answers with given bytes over TLS; only here may the far one be this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "far.example")])
    now = datetime.datetime.now(datetime.UTC)
    paper = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("far.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = tmp_path / "far.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + paper.public_bytes(serialization.Encoding.PEM)
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    trusting = ssl.create_default_context(cafile=str(file))
    monkeypatch.setattr(outbound.ssl, "create_default_context", lambda: trusting)
    monkeypatch.setattr(outbound, "is_outside", lambda address, is_pinned=False: True)
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    settings.OUTBOUND = [f"far.example:{port}=127.0.0.1", f"other.example:{port}=127.0.0.1"]

    def serve(answer: bytes) -> str:
        def once() -> None:
            try:
                with tls.wrap_socket(server.accept()[0], server_side=True) as line:
                    line.recv(65_536)
                    line.sendall(answer)
            except OSError:
                return

        threading.Thread(target=once, daemon=True).start()
        return f"https://far.example:{port}/a?b=1"

    yield serve
    server.close()


def test_allowed_call_answers(far: Callable[[bytes], str]) -> None:
    answer = outbound.call("GET", far(b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok"))

    assert (answer.status, answer.headers["X-A"], answer.body) == (200, "b", b"ok")


def test_redirect_is_not_followed(far: Callable[[bytes], str]) -> None:
    url = far(b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n")

    with pytest.raises(RuleBroken, match="转到别的地址"):
        outbound.call("GET", url)


def test_more_than_was_asked_for_is_refused(far: Callable[[bytes], str]) -> None:
    url = far(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 300_000)

    with pytest.raises(RuleBroken, match="太多"):
        outbound.call("GET", url, most_bytes=100_000)


def test_certificate_must_be_the_hosts(far: Callable[[bytes], str]) -> None:
    url = far(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").replace("far.example", "other.example")

    with pytest.raises(ssl.SSLCertVerificationError):
        outbound.call("GET", url)


def test_public_addresses_are_outside() -> None:
    assert outbound.is_outside(ipaddress.ip_address("93.184.215.14"))
    assert outbound.is_outside(ipaddress.ip_address("2606:4700::1111"))


def test_command_says_what_the_site_would_do(settings: Any) -> None:
    settings.OUTBOUND = []

    done = CliRunner().invoke(outbound_command, ["https://sso.example/"])

    assert isinstance(done.exception, RuleBroken)
    assert "不在允许的地址里" in str(done.exception)
