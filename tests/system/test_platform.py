"""What the kernel or a container forbids is found at start and named with its remedy."""

import errno
import os
import pathlib
import resource

import pytest

from conftest import OPEN
from platform_limits import forbid_io_uring, forbid_low_ports, forbid_raising_limits
from server import SOLECD, Server, run
from session import Session, log_in

NOT_PERMITTED = 77


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOSYS], ids=["EPERM", "ENOSYS"])
@pytest.mark.parametrize("flags", [(), ("--check",)], ids=["start", "check"])
def test_io_uring_forbidden_is_77_and_says_what_to_do(tmp_path, error, flags):
    server = Server(tmp_path, start=False)
    server.write_config()
    answer = run(SOLECD, "--config", server.config_file, *flags, prepare=forbid_io_uring(error))
    assert answer.returncode == NOT_PERMITTED
    assert answer.stdout == ""
    assert "io_uring" in answer.stderr
    for remedy in ("seccomp",) if error == errno.EPERM else ("kernel",):
        assert remedy in answer.stderr


def test_port_below_1024_without_permission_is_77_and_says_what_to_do(tmp_path):
    first = int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if first <= 1:
        pytest.skip("every port is free to all here (ip_unprivileged_port_start)")
    low = min(first - 1, 1023)
    prepare = forbid_low_ports if os.geteuid() == 0 else None
    for number, table in enumerate(({"server": {"listen": [f"127.0.0.1:{low}"]}},
                                    {"admin": {"listen": f"127.0.0.1:{low}"}})):
        folder = tmp_path / str(number)
        folder.mkdir()
        server = Server(folder, table, start=False)
        server.write_config()
        answer = run(SOLECD, "--config", server.config_file, prepare=prepare)
        assert answer.returncode == NOT_PERMITTED, answer.stderr
        assert f"127.0.0.1:{low}" in answer.stderr and "CAP_NET_BIND_SERVICE" in answer.stderr


def open_files(count):
    """For preexec_fn: so many and no more; root could raise the limit again."""
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
        if os.geteuid() == 0:
            forbid_raising_limits()
    return limit


def test_too_few_open_files_are_warned_of_with_the_remedy(start):
    server = start({"limits": {"connections_max": 1000}}, prepare=open_files(256))
    line = server.log.wait("256 files").string
    assert "ulimit" in line and "connections_max" in line


def test_enough_open_files_are_no_reason_to_warn(start):
    server = start({"limits": {"connections_max": 100}})
    server.stop()
    assert "files may be open" not in server.log.text()


def test_connections_beyond_the_open_files_wait_and_do_not_kill_the_server(start):
    server = start({**OPEN, "limits": {"connections_max": 1000}}, prepare=open_files(128))
    crowd = [Session(server.address) for _ in range(200)]
    for session in crowd:
        session.close()
    log_in(server.address, "late").close()
