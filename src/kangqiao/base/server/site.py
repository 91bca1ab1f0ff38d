"""One site: its data folder, its database wherever that is, and what its processes must know."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kangqiao.base.server import address
from kangqiao.base.server.folder import DataFolder
from kangqiao.base.server.problems import PortTaken

DEFAULT_FOLDER = "var"
SEARCHED_PORTS = 50


@dataclass
class Site:
    """A data folder and, if the environment names one, the user's own database."""

    folder: DataFolder
    own_url: str = ""

    @classmethod
    def at(cls, path: str | pathlib.Path) -> Site:
        """The site of a data folder; DATABASE_URL in the environment replaces the embedded server."""
        return cls(DataFolder(pathlib.Path(path)), os.environ.get("DATABASE_URL", "").strip())

    def environment(self, url: str, *, demo: str = "") -> Mapping[str, str]:
        """What our own processes find in their environment."""
        facts = {
            "DATABASE_URL": url,
            "KANGQIAO_DATA": str(self.folder.path),
            "DJANGO_SETTINGS_MODULE": "kangqiao.config.settings",
            "PYTHONUNBUFFERED": "1",
        }
        if demo:
            facts["KANGQIAO_DEMO"] = demo
        self.folder.secret()
        (self.folder.path / "static").mkdir(exist_ok=True)  # Django's place for collected files must exist
        inherited = dict(os.environ)
        if inherited.pop("PYTHONDONTWRITEBYTECODE", None):
            # Where nothing may be written beside the sources, every process of ours would compile all of them anew.
            facts["PYTHONPYCACHEPREFIX"] = str(self.folder.path / "bytecode")
        return inherited | facts

    def application_url(self, url: str) -> str:
        """The address web server and worker connect with, given the owner's.

        Raises DatabaseProblem where a server of the user's own has no login for them and lets us make none.
        """
        from kangqiao.base.server import application
        from kangqiao.base.server.postgres import EmbeddedPostgres

        if self.own_url:
            return application.beside(url, self.folder)
        return EmbeddedPostgres(self.folder).url(role=application.ROLE)

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The address of the database for one command: the user's own, the running site's, or one started for it."""
        if self.own_url:
            address.check(self.own_url)
            yield self.own_url
            return
        from kangqiao.base.server.postgres import EmbeddedPostgres

        server = EmbeddedPostgres(self.folder)
        if self.folder.holder():
            yield server.url()
            return
        self.folder.lock()
        try:
            with server:
                yield server.url()
        finally:
            self.folder.release()


def is_free(host: str, port: int) -> bool:
    """True if nobody listens there.

    The web server shares ports between its own processes, so the system itself would not object to a second one.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        return False
    with socket.socket(family[0], socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(family[4])
        except OSError:
            return False
    return True


def require_port(host: str, port: int) -> None:
    """Refuse a port that is taken, and name the next one that is free."""
    if is_free(host, port):
        return
    if port < 1024 and os.geteuid() != 0:
        raise PortTaken(
            f"Port {port} is reserved for the system's administrator.", next_step="Choose one above 1023 with PORT=…."
        )
    free = next(
        (other for other in range(port + 1, port + SEARCHED_PORTS) if other < 65536 and is_free(host, other)), 0
    )
    raise PortTaken(
        f"Port {port} on {host} is taken by another program.",
        next_step=f"Port {free} is free: make up PORT={free} (kangqiao up --port {free})." if free else "",
    )
