"""Running PostgreSQL, which refuses root, when we are root; and never letting it outlive us.

Three ways: `plain` for an ordinary user; `namespace` for root, in a user namespace where it is nobody in particular
but still owns its files; `account` for root where namespaces are refused (a hardened container), as an unprivileged
account of the system.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Literal

Way = Literal["plain", "namespace", "account"]

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522
ACCOUNTS = ("postgres", "nobody")
NO_NAMESPACE, NO_ACCOUNT = 97, 98

libc = ctypes.CDLL(None, use_errno=True)
ON_LINUX = sys.platform == "linux"


def die_with_parent(signal_number: int, parent: int) -> None:
    """Ask the kernel for a signal when the parent ends, however it ends; for use between fork and exec.

    Must come after any change of user, which clears it.
    """
    if ON_LINUX:
        libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:  # it ended before we asked
            os.kill(os.getpid(), signal.SIGKILL)


def account() -> pwd.struct_passwd | None:
    """The unprivileged account to borrow."""
    for name in ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid:
            return found
    return None


def enter_namespace() -> bool:
    """Leave root by a user namespace without a mapping; false where the kernel refuses."""
    return ON_LINUX and libc.unshare(CLONE_NEWUSER) == 0 and os.geteuid() != 0


def become_account() -> bool:
    """Leave root for the unprivileged account, keeping only the right to walk and write past folder modes.

    That one right makes a data folder below /root usable without opening /root to everybody; a namespace allows as
    much. Where the kernel does not grant it, ordinary modes decide.
    """
    who = account()
    if who is None:
        return False
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    try:
        os.setgroups([])
        os.setgid(who.pw_gid)
        os.setuid(who.pw_uid)
    except OSError:
        return False
    bit = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if libc.capset(header, sets) == 0:
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)
    return os.geteuid() != 0


def works_in_child(attempt: Callable[[], bool]) -> bool:
    """Try something that cannot be undone in a child that is thrown away."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if attempt() else 1)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def choose_way() -> Way | None:
    """The first way that works here; None for a root who may not become anybody else."""
    if os.geteuid() != 0:
        return "plain"
    if works_in_child(enter_namespace):
        return "namespace"
    return "account" if works_in_child(become_account) else None


def preparation(way: Way, *, dies_with_us: bool) -> Callable[[], None]:
    """What a child does between fork and exec."""
    parent = os.getpid()

    def prepare() -> None:
        if way == "namespace" and not enter_namespace():
            os._exit(NO_NAMESPACE)
        if way == "account" and not become_account():
            os._exit(NO_ACCOUNT)
        os.umask(0o077)
        if dies_with_us:
            die_with_parent(signal.SIGINT, parent)

    return prepare


def start(
    command: list[str], way: Way, *, log: int, environment: dict[str, str], dies_with_us: bool
) -> subprocess.Popen[bytes]:
    """Start a program of the server's in a process group of its own: Ctrl-C reaches us, and we decide the order."""
    return subprocess.Popen(
        command,
        preexec_fn=preparation(way, dies_with_us=dies_with_us),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=environment,
        cwd="/",
        process_group=0,
    )
