"""What operators see of links: solec link list and test, /linkz, the metrics of peers, the log."""

import json
import re
import socket
import threading

import pytest

import wire
from conftest import OPEN
from server import SOLEC, free_port, run
from session import Session, log_in

STEPS = ["name", "tcp", "tls", "pin", "version", "auth"]


def peer(name, address="", **changes):
    return {"name": name, "address": address, "allow_plain": True, "dial": bool(address), **changes}


@pytest.fixture
def two(start):
    """a.example, which dials, and b.example; the link is up."""
    b = start({**OPEN, "server": {"name": "b.example"}, "peer": [peer("a.example")]})
    a = start({**OPEN, "peer": [peer("b.example", b.address)]})
    a.log.wait("link to b.example: up")
    b.log.wait("link to a.example: up")
    return a, b


def solec(server, *words):
    return run(SOLEC, *words, "--config", server.config_file)


def objects(answer):
    return [json.loads(line) for line in answer.stdout.splitlines()]


def metric(server, name, of, **labels):
    more = "".join(f',{key}="{value}"' for key, value in labels.items())
    return server.metrics()[f'solec_link_{name}{{peer="{of}"{more}}}']


def send(server, user, target, *contents):
    """Sends, and returns when all are accepted."""
    with Session(server.address).log_in(user, features=wire.RECEIPTS) as session:
        session.send(*[wire.message(target, content) for content in contents])
        session.wait_accepted(len(contents))


def test_list_shows_a_link_that_is_up_on_both_sides(two):
    a, b = two
    head, line = solec(a, "link", "list").stdout.splitlines()
    assert head.split()[:4] == ["PEER", "STATE", "SINCE", "LINK"]
    assert re.match(r"b\.example +up +\d+ \S+ +dialled, plain +0 ", line)
    assert re.match(r"a\.example +up +\d+ \S+ +accepted, plain +0 ",
                    solec(b, "link", "list").stdout.splitlines()[1])
    (link,) = objects(solec(a, "link", "list", "--json"))
    assert (link["name"], link["address"], link["state"]) == ("b.example", b.address, "up")
    assert (link["dialled"], link["tls"], link["remote"]) == (True, False, b.address)
    assert link["ups"] == 1 and link["features"] & wire.RESUME
    assert json.loads(a.get("/linkz")[2])["links"][0]["name"] == "b.example"


def test_messages_are_counted_on_both_sides(two):
    a, b = two
    with log_in(b.address, "bob") as bob:
        send(a, "alice", "bob@b.example", "one", "two", "three")
        for content in ("one", "two", "three"):
            bob.expect("Message", message_content=content)
    a.wait_metric('solec_link_accepted_total{peer="b.example"}', 3)
    assert metric(a, "sent_total", "b.example") == 3
    assert metric(a, "resent_total", "b.example") == 0
    assert metric(a, "spool_messages_now", "b.example") == 0
    assert metric(a, "up_now", "b.example") == 1
    assert metric(b, "received_total", "a.example") == 3
    assert metric(b, "refused_total", "a.example", kind="source") == 0


def test_what_waits_for_a_peer_that_is_away_is_shown_and_why(start):
    port = free_port()
    a = start({**OPEN, "peer": [peer("b.example", f"127.0.0.1:{port}")]})
    a.log.wait("link to b.example: failed at tcp: .*refused")
    send(a, "alice", "bob@b.example", *["x" * 1000] * 20)
    (link,) = objects(solec(a, "link", "list", "--json"))
    assert link["state"] == "waiting" and link["last_error_step"] == "tcp"
    assert "refused" in link["last_error"] and link["dials"] >= link["dial_failures"] >= 1
    assert link["spool_messages"] == 20 and link["spool_bytes"] > 20_000
    assert "dialled" not in link
    assert metric(a, "spool_messages_now", "b.example") == 20
    assert metric(a, "up_now", "b.example") == 0
    lines = solec(a, "link", "list").stdout.splitlines()
    assert re.match(r"b\.example +waiting .* 20 +\d+\.\d KiB ", lines[1])
    assert re.match(r"    .* ago, at tcp: .*refused.*; dials again in ", lines[2])


def test_log_says_once_that_a_link_came_and_went(two):
    a, b = two
    b.stop()
    a.log.wait("link to b.example: down: ")
    assert len(re.findall("link to b.example: up", a.log.text())) == 1


def steps_of(answer):
    results = {step["step"]: step for step in objects(answer)}
    assert list(results) == STEPS
    return results


def test_test_of_a_link_that_is_up_passes(two):
    for server, name in zip(two, ("b.example", "a.example")):
        answer = solec(server, "link", "test", name)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert [line.split()[0] for line in answer.stdout.splitlines()] == STEPS
        results = steps_of(solec(server, "link", "test", name, "--json"))
        assert {step["result"] for step in results.values()} <= {"ok", "skipped"}
        assert results["auth"]["result"] == "ok"


def test_test_dials_at_once_and_its_link_stays(start):
    port = free_port()
    a = start({**OPEN, "peer": [peer("b.example", f"127.0.0.1:{port}")]})
    a.log.wait("tcp: .*refused")
    start({**OPEN, "server": {"name": "b.example", "listen": [f"127.0.0.1:{port}"]},
           "peer": [peer("a.example")]})
    assert solec(a, "link", "test", "B.example").returncode == 0
    a.log.wait("link to b.example: up")


class Answering:
    """A server that says `words` to whoever connects, and closes."""

    def __init__(self, words):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.words = words
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        # A thread that waits in accept is woken by this, and not by close.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def serve(self):
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            with one:
                one.recv(4096)
                one.sendall(self.words)
                one.shutdown(socket.SHUT_WR)
                while one.recv(4096):
                    pass


def check_failure(server, step, status, said):
    answer = solec(server, "link", "test", "b.example", "--json")
    assert answer.returncode == status, answer.stdout + answer.stderr
    results = steps_of(answer)
    at = STEPS.index(step)
    assert results[step]["result"] == "failed", results
    assert re.search(said, results[step]["text"]), results[step]
    assert all(results[later]["result"] == "skipped" for later in STEPS[at + 1:])
    assert all(results[earlier]["result"] != "failed" for earlier in STEPS[:at])
    answer = solec(server, "link", "test", "b.example")
    assert f"fails at: {step}" in answer.stderr
    assert re.search(rf"^{step} +failed ", answer.stdout, re.M)


def test_test_names_the_name_that_is_not_found(start):
    a = start({"peer": [peer("b.example", "nobody.invalid:7654")]})
    check_failure(a, "name", 69, "nobody.invalid|not known|resol")


def test_test_names_the_port_where_nobody_is(start):
    a = start({"peer": [peer("b.example", f"127.0.0.1:{free_port()}")]})
    check_failure(a, "tcp", 69, "refused")


def test_test_names_a_version_that_is_another(start):
    words = wire.encode("Handshake", ver_major=9, ver_minor=0)
    with Answering(words) as other:
        a = start({"peer": [peer("b.example", other.address)]})
        check_failure(a, "version", 1, "version|closed")


def test_test_names_the_peer_that_does_not_know_this_server(start):
    b = start({"server": {"name": "b.example"}})
    a = start({"peer": [peer("b.example", b.address)]})
    check_failure(a, "auth", 1, "unknown server name")


def test_test_does_not_keep_other_operators_waiting(start):
    # Accepts and says nothing until the end: so long lasts the test, or until login_timeout.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "127.0.0.1:%d" % silent.getsockname()[1]
        a = start({"peer": [peer("b.example", address)],
                   "limits": {"login_timeout": "10s"}})
        kept, _ = silent.accept()
        results = []
        slow = threading.Thread(target=lambda: results.append(
            solec(a, "link", "test", "b.example")))
        slow.start()
        assert solec(a, "link", "list").returncode == 0
        assert not results
        kept.close()
        slow.join()
        assert results[0].returncode == 1 and "fails at: version" in results[0].stderr
