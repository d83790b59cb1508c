"""No network in a worker: whatever a text makes the engine do, the kernel refuses to open a connection (seccomp, Linux).

The lexer finds SERVICE and LOAD; this is for the text that it does not see through.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import platform
import struct
from typing import Final

_PR_SET_NO_NEW_PRIVS: Final = 38  # prctl(2)
_PR_SET_SECCOMP: Final = 22
_MODE_FILTER: Final = 2
_AF_UNIX: Final = 1
_ALLOW: Final = 0x7FFF0000
_ERROR: Final = 0x00050000 | errno.EACCES
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # instructions of the packet filter (linux/bpf_common.h)
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data (little endian: the low half of the argument)
_X32: Final = 0x40000000  # numbers of system calls of a second kind on x86-64
_MACHINES: Final = {"x86_64": (0xC000003E, 41, 425), "aarch64": (0xC00000B7, 198, 425)}  # architecture, socket, io_uring_setup
_log = logging.getLogger(__name__)


def forbid_network() -> bool:
    """From now on this process and its threads open no socket but those of the same machine (AF_UNIX); it cannot be undone.

    False where the system has no such filter; that is logged, and the lexer is what remains.
    """
    machine = _MACHINES.get(platform.machine())
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    if machine is None or prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        _log.warning("Workers can open connections: there is no filter of system calls for %s.", platform.machine())
        return False
    program = ctypes.create_string_buffer(b"".join(_program(*machine)))
    length = (len(program) - 1) // 8
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", length, ctypes.addressof(program)))
    if prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(header), 0, 0):
        _log.warning("Workers can open connections: the system refused the filter (%s).", errno.errorcode.get(ctypes.get_errno()))
        return False
    return True


def _program(architecture: int, socket: int, io_uring: int) -> list[bytes]:
    """Allows every system call but `socket` of other families, `io_uring_setup` (it opens sockets too) and those of other architectures."""

    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("HBBI", code, if_true, if_false, value)

    at_least = 0x35
    return [
        step(_LOAD, _ARCHITECTURE),
        step(_EQUAL, architecture, 0, 7),  # else refuse
        step(_LOAD, _NUMBER),
        step(at_least, _X32, 5, 0),  # refuse
        step(_EQUAL, io_uring, 4, 0),  # refuse
        step(_EQUAL, socket, 0, 2),  # else allow
        step(_LOAD, _FIRST_ARGUMENT),
        step(_EQUAL, _AF_UNIX, 0, 1),  # else refuse
        step(_RETURN, _ALLOW),
        step(_RETURN, _ERROR),
    ]
