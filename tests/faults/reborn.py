"""A web server that is started again whenever its worker was killed; the product is loaded once and forked each time.

`python -m tests.faults.reborn PORT`. Granian's own respawning is off: it takes two ends within 5.5 s for a crash loop
and gives up.
"""

from __future__ import annotations

import os
import signal
import sys

from django.test import RequestFactory
from granian import Granian
from granian.constants import Interfaces

from kangqiao.base.server.unprivileged import die_with_parent
from kangqiao.config import wsgi


def serve(port: int) -> None:
    """One life of the server: one worker, until it ends."""
    Granian(
        "kangqiao.config.wsgi:application",
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=2,
        websockets=False,
        log_enabled=False,
        workers_kill_timeout=3,
    ).serve()


def main(port: int) -> None:
    """One life after the other, until asked to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    parent = os.getpid()
    # The first answer loads views and templates; this one asks no database, so no connection is shared.
    wsgi.application(RequestFactory().get("/nowhere/", SERVER_NAME="localhost").environ, lambda *_: None)
    while True:
        if (life := os.fork()) == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            die_with_parent(signal.SIGTERM, parent)
            serve(port)
            os._exit(0)
        os.waitpid(life, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
