"""A network of one's own for programs that want fixed ports: for preexec_fn."""

import ctypes
import errno
import fcntl
import os
import socket
import struct

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

libc = ctypes.CDLL(None, use_errno=True)


def enter_new():
    """The process gets a network of its own, with nothing but a loopback."""
    if libc.unshare(CLONE_NEWNET) != 0 and libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def enter_that_of(pid):
    """Returns a function: the process comes into the network of process `pid`."""
    def enter():
        # A network made by a user without rights belongs to a user namespace of that process.
        for name, kind in (("user", CLONE_NEWUSER), ("net", CLONE_NEWNET)):
            fd = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
            result = libc.setns(fd, kind)
            os.close(fd)
            # EINVAL: it is in that user namespace already.
            if result != 0 and not (kind == CLONE_NEWUSER and ctypes.get_errno() == errno.EINVAL):
                raise OSError(ctypes.get_errno(), "setns")
    return enter


def can_be_had():
    """Tried in a child."""
    pid = os.fork()
    if pid == 0:
        try:
            enter_new()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0
