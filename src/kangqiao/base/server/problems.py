"""What can keep Kangqiao from starting, as a sentence and a next step."""

from __future__ import annotations

from kangqiao.kernel.errors import KangqiaoError


class ServerProblem(KangqiaoError):
    """A start, stop, backup or build that cannot be done; nothing was damaged. The command ends with status 1."""


class FolderInUse(ServerProblem):
    """Another Kangqiao holds the data folder."""


class PortTaken(ServerProblem):
    """Somebody else listens on the port."""


class NoSpace(ServerProblem):
    """The disk has too little room."""


class DatabaseProblem(ServerProblem):
    """The database cannot be reached, is too old, or is not ours to touch."""
