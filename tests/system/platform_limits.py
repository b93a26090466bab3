"""Takes rights away from a child before it becomes the program under test: as a container does."""

import ctypes
import errno
import struct

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 24, 38, 22
SECCOMP_MODE_FILTER = 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 0x7FFF0000, 0x00050000
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
IO_URING_SETUP = 425  # on every architecture
CAP_NET_BIND_SERVICE, CAP_SYS_RESOURCE = 10, 24

libc = ctypes.CDLL(None, use_errno=True)


class Program(ctypes.Structure):
    _fields_ = [("size", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def prctl(*arguments):
    if libc.prctl(*arguments) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def forbid_io_uring(error=errno.EPERM):
    """Returns a function for preexec_fn: io_uring_setup fails with `error` from then on."""
    def forbid():
        code = [(LOAD, 0, 0, 0), (JUMP_IF_EQUAL, 0, 1, IO_URING_SETUP),
                (RETURN, 0, 0, SECCOMP_RET_ERRNO | error), (RETURN, 0, 0, SECCOMP_RET_ALLOW)]
        data = b"".join(struct.pack("HBBI", *line) for line in code)
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(Program(len(code), data)), 0, 0)
    return forbid


def forbid_low_ports():
    """For preexec_fn, as root: what exec gives the program lacks CAP_NET_BIND_SERVICE."""
    prctl(PR_CAPBSET_DROP, CAP_NET_BIND_SERVICE, 0, 0, 0)


def forbid_raising_limits():
    """Likewise without CAP_SYS_RESOURCE."""
    prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0)
