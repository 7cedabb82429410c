"""PostgreSQL refuses to run as root; this finds what root can become for it, without new users.

Both ways leave every folder's mode alone and work inside a 0700 home. In both, the server keeps
the caller's file rights, so the application never connects as the database's superuser.
"""

import ctypes
import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from orgbilling.embedded.errors import NoRootlessWay

CLONE_NEWUSER = 0x10000000
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True)
class Identity:
    """Who runs the server: the owner of its files, and what its programs do before exec."""

    uid: int
    become: Callable[[], None] | None


@cache
def identity() -> Identity:
    """Returns the identity for PostgreSQL's programs; raises NoRootlessWay when root has none."""
    if os.geteuid() != 0:
        return Identity(os.geteuid(), None)
    for candidate in (in_user_namespace(), as_nobody()):
        if _works(candidate):
            return candidate
    raise NoRootlessWay


def in_user_namespace() -> Identity:
    """A namespace of its own, where root is nobody to itself and root on the disk."""
    libc = ctypes.CDLL(None, use_errno=True)

    def become() -> None:
        if libc.unshare(CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "unshare")

    return Identity(0, become)


def as_nobody() -> Identity:
    """The user nobody, with one of root's rights left: to reach files below 0700 folders."""
    libc = ctypes.CDLL(None, use_errno=True)
    nobody = pwd.getpwnam("nobody")
    mask = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # effective, permitted, inheritable: capabilities 0-31, then 32-63.
    wanted = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)

    def become() -> None:
        os.setgroups([])
        os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
        kept = libc.capset(header, wanted)
        raised = libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)
        if kept != 0 or raised != 0:
            raise OSError(ctypes.get_errno(), "capset")

    return Identity(nobody.pw_uid, become)


def _works(candidate: Identity) -> bool:
    probe = [sys.executable, "-ISc", "import os, sys; sys.exit(os.geteuid() == 0)"]
    try:
        done = subprocess.run(probe, preexec_fn=candidate.become, capture_output=True, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
