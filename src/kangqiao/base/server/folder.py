"""The data folder of one site: who holds it, what lies where, how much room is left."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pathlib
import secrets
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

from kangqiao.base.server.problems import FolderInUse, NoSpace, ServerProblem

MEGABYTE = 1024 * 1024
# sun_path holds 108 bytes with its closing zero.
LONGEST_SOCKET_PATH = 107
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_LOG_BYTES = 20 * MEGABYTE


@dataclass
class DataFolder:
    """Everything a site owns on this machine; held by one Kangqiao at a time through a lock on `kangqiao.lock`."""

    path: pathlib.Path
    lock_file: int | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.path = pathlib.Path(self.path).expanduser().absolute()

    @property
    def postgres(self) -> pathlib.Path:
        """The cluster of the embedded server."""
        return self.path / "postgres"

    @property
    def logs(self) -> pathlib.Path:
        """One log for each process."""
        return self.path / "log"

    @property
    def lock_path(self) -> pathlib.Path:
        """Locked while a Kangqiao runs; its text tells who."""
        return self.path / "kangqiao.lock"

    def create(self) -> None:
        """Make the folder for its owner alone, or say why it cannot be."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            raise ServerProblem(
                f"The data folder {self.path} cannot be made or written: {error.strerror}.",
                next_step="Choose another with DATA=… (kangqiao up --data …).",
            ) from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise ServerProblem(
                f"The data folder {self.path} belongs to another user and cannot be written.",
                next_step="Choose another with DATA=… (kangqiao up --data …).",
            )

    def lock(self) -> None:
        """Take the folder for this process until it ends; FolderInUse names the one that has it."""
        self.create()
        handle = os.open(self.lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            holder = self.holder()
            raise FolderInUse(
                f"The data folder {self.path} is in use by another Kangqiao (process {holder.get('pid', 'unknown')}"
                + (f", {holder['address']}" if holder.get("address") else "")
                + ").",
                next_step=f"Stop it with: kangqiao down --data {self.path}",
            ) from error
        self.lock_file = handle
        self.tell(pid=os.getpid())

    def tell(self, **facts: Any) -> None:
        """Write into the lock file who holds it; only the holder may."""
        assert self.lock_file is not None
        text = json.dumps(facts).encode()
        os.ftruncate(self.lock_file, 0)
        os.pwrite(self.lock_file, text, 0)

    def release(self) -> None:
        """Give the folder back."""
        if self.lock_file is not None:
            os.ftruncate(self.lock_file, 0)
            os.close(self.lock_file)
            self.lock_file = None

    def holder(self) -> dict[str, Any]:
        """What the running Kangqiao tells about itself; empty if none runs.

        The text counts only while the lock is held, so a file left by a killed process is never believed.
        """
        try:
            handle = os.open(self.lock_path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return {}
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return {}
        except OSError:
            for _ in range(20):  # the holder writes its facts just after it took the lock
                try:
                    told = json.loads(os.pread(handle, 4096, 0))
                    if isinstance(told, dict):
                        return told
                except ValueError:
                    time.sleep(0.05)
            return {"pid": None}
        finally:
            os.close(handle)

    def require_space(self, megabytes: int) -> None:
        """Refuse to start what would fill the disk half-way."""
        free = shutil.disk_usage(self.path).free // MEGABYTE
        if free < megabytes:
            raise NoSpace(
                f"The disk of {self.path} has {free} MB left; Kangqiao needs {megabytes} MB.",
                next_step="Free some space or choose another folder with DATA=…. Nothing was changed.",
            )

    def secret(self) -> str:
        """The site's secret key: made once, readable by its owner only."""
        place = self.path / "secret-key"
        if not place.exists():
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(50))
        return place.read_text().strip()

    def log(self, name: str) -> pathlib.Path:
        """The log of one process; a large one is set aside once, so that logs never fill the disk."""
        place = self.logs / f"{name}.log"
        if place.exists() and place.stat().st_size > LONGEST_LOG_BYTES:
            place.replace(place.with_suffix(".log.1"))
        return place

    def socket_folder(self) -> pathlib.Path:
        """A folder for the server's socket, open to its owner only, with a path short enough for the system."""
        near = self.path / "run"
        if len(os.fsencode(near / SOCKET_NAME)) > LONGEST_SOCKET_PATH:
            name = f"kangqiao-{os.getuid()}-{hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]}"
            near = pathlib.Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / name
            if len(os.fsencode(near / SOCKET_NAME)) > LONGEST_SOCKET_PATH:
                near = pathlib.Path("/tmp") / name
        near.mkdir(mode=0o700, exist_ok=True)
        found = near.lstat()
        # In a shared folder somebody else may have made that name first.
        if not stat.S_ISDIR(found.st_mode) or (found.st_uid != os.getuid() and os.getuid() != 0):
            raise ServerProblem(f"{near} is not ours to put the database's socket in.", next_step="Remove it.")
        near.chmod(0o700)
        return near
