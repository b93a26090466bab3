"""Fixtures of the whole-process tests. SOLEC_BUILD names the folder with the programs under test."""

import contextlib
import os
import resource

import pytest

from federation import Federation
from server import BUILD, SOLEC, SOLECD, Server

OPEN = {"policy": {"accounts": "any", "contacts": "open"}}


def pytest_configure(config):
    for program in (SOLECD, SOLEC):
        if not os.access(program, os.X_OK):
            pytest.exit(f"{program} is not there: set SOLEC_BUILD to a build folder ({BUILD})", 2)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture
def start(tmp_path):
    """Starts servers, each in a folder of its own, and stops them at the end of the test."""
    servers = []

    def start_one(extra=None, **options):
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        server = Server(folder, extra, start=False)
        servers.append(server)
        server.start(**options)
        return server

    yield start_one
    for server in servers:
        server.stop()


@pytest.fixture
def start_kept(start, tmp_path):
    """Starts a server that keeps what it has in a folder that the next one can be given too."""
    def start_one(extra=None, **options):
        extra = extra or {}
        data_dir = {"data_dir": str(tmp_path / "data")}
        return start({**extra, "server": {**data_dir, **extra.get("server", {})}}, **options)
    return start_one


@pytest.fixture
def federate(tmp_path):
    """Makes servers that are linked with each other, as `Federation` does; they are not started yet,
    and stop at the end of the test."""
    with contextlib.ExitStack() as stack:
        yield lambda names="ab", **options: stack.enter_context(
            Federation(tmp_path, names, **options))


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    """One for all tests of a file: any name logs in and may write to anybody. Tests take names of
    their own."""
    with Server(tmp_path_factory.mktemp("open"), OPEN) as server:
        yield server


@pytest.fixture(scope="module")
def closed_server(tmp_path_factory):
    """One for all tests of a file, with accounts and contacts as in production."""
    with Server(tmp_path_factory.mktemp("closed")) as server:
        yield server
