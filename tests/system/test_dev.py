"""solecd --dev: the server that a newcomer starts first. Its ports are fixed, so it gets a network of
its own where that can be had."""

import json
import re
import socket
import sys

import pytest

import network
from server import SOLEC, SOLECD, Server, run
from terminal import Terminal

DEV_PORTS = 7653, 7680


@pytest.fixture(scope="module")
def own_network():
    if network.can_be_had():
        return True
    for port in DEV_PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                pytest.skip(f"port {port} is in use, and no network of our own can be had here")
    return False


@pytest.fixture
def dev(tmp_path, own_network):
    with Server(tmp_path, start=False) as server:
        server.prepare = network.enter_new if own_network else None
        server.visit_again = lambda: (network.enter_that_of(server.process.pid)
                                      if own_network else None)
        server.launch([SOLECD, "--dev"], server.prepare)
        server.read_ready()
        server.visit = server.visit_again()
        yield server


def test_dev_is_localhost_on_loopback_with_its_data_in_var(dev):
    assert re.fullmatch(r"ready name=localhost listen=127\.0\.0\.1:7653 listen_tls=- "
                        r"admin=127\.0\.0\.1:7680 shards=\d+", dev.ready_line)
    assert (dev.folder / "var").is_dir()


def test_dev_warns_of_nothing(dev):
    assert [line for line in dev.log.lines if " warn" in line] == []


def test_dev_keeps_what_it_has_and_gives_back_the_passwords_that_it_prints(dev):
    def operate(*words, text=None):
        answer = run(SOLEC, *words, "--socket", "var/admin.sock", cwd=dev.folder, text=text)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    def send(text):
        return run(SOLEC, "send", "alice@localhost", "bob", text, prepare=dev.visit,
                   env={"SOLEC_PASSWORD": "alice-password"})

    assert send("before").returncode == 0
    operate("user", "add", "carol", text="hers\n")
    operate("user", "passwd", "alice", text="changed\n")
    assert send("with the old password").returncode == 77
    dev.stop()
    dev.launch([SOLECD, "--dev"], dev.prepare)
    dev.read_ready()
    dev.visit = dev.visit_again()
    assert operate("user", "list").split() == ["alice", "bob", "carol"]
    dev.log.wait("alice-password")
    assert send("after").returncode == 0
    answer = run(SOLEC, "listen", "bob@localhost", "--count", "2", "--json", prepare=dev.visit,
                 env={"SOLEC_PASSWORD": "bob-password"})
    texts = [json.loads(line)["message_content"] for line in answer.stdout.splitlines()]
    assert texts == ["before", "after"]


def test_dev_prints_two_lines_to_try_and_they_work(dev):
    dev.log.wait("alice-password")
    lines = [line.strip() for line in dev.log.lines if " chat " in line]
    assert len(lines) == 2, dev.log.text()
    one, two = (Terminal(["sh", "-c", line], prepare=dev.visit) for line in lines)
    with one, two:
        one.wait("^bob> $")
        two.wait("^alice> $")
        one.type("hello from the first line\r")
        two.wait(r"alice@localhost: hello from the first line")
        two.type("/to #lobby\r")
        two.wait("Writing to #lobby")
        two.type("hello lobby\r")
        one.wait(r"#lobby@localhost bob@localhost: hello lobby")
        for terminal in (one, two):
            terminal.type("/quit\r")
            assert terminal.end() == 0


def test_dev_has_an_admin_socket_and_a_live_page(dev):
    answer = run(SOLEC, "user", "list", "--socket", "var/admin.sock", "--json", cwd=dev.folder)
    assert [json.loads(line)["text"] for line in answer.stdout.splitlines()] == ["alice", "bob"]
    page = re.search(r"http://\S+", dev.log.text())[0]
    answer = run(sys.executable, "-c",
                 "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).status)", page,
                 prepare=dev.visit)
    assert answer.stdout == "200\n", answer.stderr


def test_second_dev_server_says_that_the_port_is_in_use(dev, tmp_path):
    folder = tmp_path / "second"
    folder.mkdir()
    answer = run(SOLECD, "--dev", cwd=folder, prepare=dev.visit)
    assert answer.returncode == 69
    assert "127.0.0.1:7653" in answer.stderr and "in use" in answer.stderr


def test_dev_cannot_reload_and_says_why(dev):
    answer = run(SOLEC, "reload", "--socket", "var/admin.sock", cwd=dev.folder)
    assert answer.returncode == 1
    assert "without a configuration file" in answer.stderr
