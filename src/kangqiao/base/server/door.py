"""The door of a site: its web server and its worker load the product behind it while the data is still being set up.

Loading takes as long as making the database does, and needs none of it. A process of the site waits at the door once
it is loaded; the supervisor opens it when the tables are there. The door is a lock of the system on a file, so it
opens by itself when its holder is gone, and whoever starts later finds it open.
"""

from __future__ import annotations

import fcntl
import os
import pathlib

VARIABLE = "KANGQIAO_DOOR"
NAME = "door"


class Door:
    """Closed from its making until `open`."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.path = folder / NAME
        self._handle: int | None = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    @property
    def is_open(self) -> bool:
        """True once everybody may come in."""
        return self._handle is None

    def open(self) -> None:
        """Let in all who wait, and all who come later."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def is_there() -> bool:
    """True for a process that was started behind a door."""
    return VARIABLE in os.environ


def wait() -> None:
    """Until the door is open; at once where the environment names none."""
    if path := os.environ.get(VARIABLE):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
        finally:
            os.close(handle)
