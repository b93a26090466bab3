"""The admin HTTP port and the admin socket, used well and badly."""

import http.client
import json
import re
import socket

import pytest

import wire
from server import AdminConnection
from session import log_in


def test_livez_and_readyz_say_ok(open_server):
    for path in ("/livez", "/readyz"):
        assert open_server.get(path) == (200, "text/plain", "ok\n")


def test_live_page_is_html_and_needs_nothing_from_elsewhere(open_server):
    status, kind, body = open_server.get("/")
    assert status == 200 and kind.startswith("text/html")
    assert "http://" not in body and "https://" not in body


def test_unknown_page_is_404(open_server):
    assert open_server.get("/nonsense")[0] == 404


def test_varz_names_the_server_and_counts(open_server):
    with log_in(open_server.address, "varz"):
        varz = json.loads(open_server.get("/varz")[2])
    assert varz["ok"] and varz["server"]["name"] == "a.example"
    assert varz["server"]["shards"] == 2
    assert re.fullmatch(r"\d+\.\d+\.\d+", varz["server"]["version"])
    assert varz["stats"]["sessions_now"] >= 1
    assert varz["stats"]["logins"] >= 1


def test_connz_lists_who_is_connected(open_server):
    with log_in(open_server.address, "connz") as session:
        local = "%s:%d" % session.socket.getsockname()
        items = json.loads(open_server.get("/connz")[2])["items"]
    assert any(local in item["text"] and "user connz" in item["text"] for item in items)


def test_linkz_of_a_server_without_peers_has_no_links(open_server):
    status, kind, body = open_server.get("/linkz")
    assert status == 200 and kind == "application/json"
    assert json.loads(body) == {"ok": True, "links": []}


def test_metrics_are_valid_prometheus_text(open_server):
    status, kind, body = open_server.get("/metrics")
    assert status == 200 and kind.startswith("text/plain; version=0.0.4")
    assert body.endswith("\n")
    described, kinds, seen = set(), {}, set()
    family = None
    for line in body.splitlines():
        if match := re.fullmatch(r"# HELP (solec_[a-z_]+) (\S.*)", line):
            family = match[1]
            assert family not in described, f"{family} is described twice"
            described.add(family)
        elif match := re.fullmatch(r"# TYPE (solec_[a-z_]+) (counter|gauge)", line):
            assert match[1] == family
            kinds[family] = match[2]
        else:
            match = re.fullmatch(r'(solec_[a-z_]+)(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})? '
                                 r"-?\d+(\.\d+)?", line)
            assert match, line
            assert match[1] == family, f"{line} stands under {family}"
            assert (match[1], match[2]) not in seen, f"{line} comes twice"
            seen.add((match[1], match[2]))
            assert (kinds[family] == "counter") == family.endswith("_total"), line
    for name in ("solec_connections_now", "solec_sessions_now", "solec_messages_received_total",
                 "solec_messages_delivered_total", "solec_connections_closed_total",
                 "solec_resident_bytes", "solec_cpu_seconds_total", "solec_build_info"):
        assert name in described


def test_metrics_follow_what_happens(open_server):
    before = open_server.metrics()
    with log_in(open_server.address, "counted") as one, log_in(open_server.address, "other") as two:
        one.send(wire.message("other", "hello"))
        two.expect("Message")
        after = open_server.metrics()
    for name, by in (("solec_messages_received_total", 1), ("solec_messages_delivered_total", 1),
                     ("solec_logins_total", 2), ("solec_connections_accepted_total", 2)):
        assert after[name] - before[name] == by, name


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_admin_port_changes_nothing_and_takes_no_body(open_server, method):
    connection = http.client.HTTPConnection(open_server.ready["admin"], timeout=20)
    # A body that is announced and never comes must not be waited for.
    connection.putrequest(method, "/metrics")
    connection.putheader("Content-Length", str(1 << 40))
    connection.endheaders()
    assert connection.getresponse().status == 405
    connection.close()


def test_admin_port_answers_while_others_stay_connected_and_silent(open_server):
    host, port = open_server.ready["admin"].rsplit(":", 1)
    idle = []
    for _ in range(8):
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        connection.request("GET", "/livez")
        assert connection.getresponse().read() == b"ok\n"
        idle.append(connection)
    assert open_server.get("/livez")[0] == 200
    for connection in idle:
        connection.close()


def test_http_rubbish_hurts_nobody(open_server):
    host, port = open_server.ready["admin"].rsplit(":", 1)
    for rubbish in (b"\0" * 5000, b"GET " + b"x" * 100_000, b"\r\n\r\n\r\n",
                    b"GET /varz HTTP/1.1\r\n" + b"a: b\r\n" * 20_000):
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            try:
                connection.sendall(rubbish)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 16):
                    pass
            except OSError:
                pass  # closed in the middle of it: as good an answer
    assert open_server.get("/livez")[0] == 200


@pytest.mark.parametrize("line", [
    b"", b"{", b"[]", b"null", b"17", b'"x"', b"{}", b'{"command":17}', b'{"command":"nonsense"}',
    b'{"command":"user add"}', b'{"command":"user add","name":"x"}',
    b'{"command":"user add","name":17,"password":"x"}', b'{"command":"user add","name":"\xff"}',
    b"[" * 60_000, b'{"command":"user add","name":"a\\u0000b","password":"x"}',
    b'{"command":"channel create","name":"nohash"}', b'{"command":"user remove","name":"#x"}'],
    ids=lambda line: repr(line[:40]))
def test_admin_command_that_makes_no_sense_is_refused_and_the_next_works(open_server, line):
    with AdminConnection(open_server.folder / "admin.sock") as connection:
        answer = connection.ask_line(line)
        assert answer["ok"] is False
        assert answer["code"] in ("usage", "invalid") and answer["error"]
        assert connection.ask({"command": "stats"})["ok"]


def test_admin_line_that_never_ends_is_cut_off(open_server):
    with AdminConnection(open_server.folder / "admin.sock") as connection:
        try:
            for _ in range(64):
                connection.socket.sendall(b"x" * 16384)
        except OSError:
            pass
        try:
            rest = connection.lines.read()
        except ConnectionResetError:
            rest = b""
        assert rest == b"" or json.loads(rest)["code"] == "usage"
    with AdminConnection(open_server.folder / "admin.sock") as connection:
        assert connection.ask({"command": "stats"})["ok"]


def test_operators_get_in_though_many_stay_connected_in_silence(open_server):
    path = open_server.folder / "admin.sock"
    idle = [AdminConnection(path) for _ in range(100)]
    with AdminConnection(path) as connection:
        assert connection.ask({"command": "stats"})["ok"]
    for connection in idle:
        connection.__exit__()


def test_admin_client_that_never_reads_does_not_stop_the_others(open_server):
    path = open_server.folder / "admin.sock"
    with AdminConnection(path) as deaf:
        deaf.socket.setblocking(False)
        line = b'{"command":"stats"}\n' * 1000
        try:
            for _ in range(1000):
                deaf.socket.send(line)
        except BlockingIOError:
            pass
        with AdminConnection(path) as connection:
            assert connection.ask({"command": "stats"})["ok"]


def test_pipelined_commands_are_answered_in_order(open_server):
    with AdminConnection(open_server.folder / "admin.sock") as connection:
        names = [f"#pipelined{i}" for i in range(20)]
        connection.socket.sendall(b"".join(
            json.dumps({"command": "channel create", "name": name}).encode() + b"\n"
            for name in names + names[:1]))
        answers = [json.loads(connection.lines.readline()) for _ in range(21)]
    assert [answer["ok"] for answer in answers] == [True] * 20 + [False]
    assert answers[20]["code"] == "exists"


def test_user_commands_over_the_socket(closed_server):
    ask = closed_server.admin
    assert ask("user add", name="ann", password="one") == {"ok": True, "items": []}
    assert ask("user add", name="ann", password="two")["code"] == "exists"
    assert ask("user passwd", name="nobody", password="x")["code"] == "not_found"
    assert ask("user add", name="server", password="x")["code"] == "invalid"
    with log_in(closed_server.address, "ann", "one") as session:
        listed = {item["text"]: item["flags"] for item in ask("user list")["items"]}
        assert listed["ann"] == 1
        # Who knew the old password is out.
        assert ask("user passwd", name="ann", password="three")["ok"]
        session.expect_error_and_end(wire.AUTH_FAILED)
    with log_in(closed_server.address, "ann", "three") as session:
        assert ask("user remove", name="ann")["ok"]
        session.expect_error_and_end(wire.AUTH_FAILED)
    assert ask("user remove", name="ann")["code"] == "not_found"
    assert "ann" not in [item["text"] for item in ask("user list")["items"]]
