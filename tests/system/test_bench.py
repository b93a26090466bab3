"""solec-bench: its scenarios go through, and it notices what a server must not do."""

import json

import pytest

import tls
import wire
from bent_server import BentServer
from conftest import OPEN
from server import BUILD, Server, free_port, run

BENCH = BUILD / "solec-bench"
SHORT = ("--duration", "300ms", "--warmup", "0", "--json", "-")

pytestmark = pytest.mark.skipif(not BENCH.exists(), reason="built without solec-bench")


def bench(address, *words, status=0):
    """The results of a run, which must end with that status."""
    done = run(BENCH, *words, "--connect", address, *SHORT)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def faults(results):
    return {key: results[key] for key in ("lost", "doubled", "reordered", "damaged", "unaccepted")
            if results[key] != 0}


def test_direct_counts_what_is_accepted(open_server):
    results = bench(open_server.address, "direct", "--pairs", "5", "--receipts",
                    "--receivers-answer", "--server-pid", open_server.process.pid)
    assert faults(results) == {}
    figures = results["figures"]
    assert 0 < figures["accepted"] <= figures["sent"]
    assert results["latencies_ns"]["receipts"]["count"] > 0


@pytest.mark.parametrize("words", [
    ("direct", "--form", "single"), ("direct", "--form", "one", "--receipts"),
    ("latency", "--rate", "500", "--receipts"), ("fanout", "--members", "5", "--receipts"),
    ("churn", "--churn", "1", "--receipts", "--receivers-answer")], ids=" ".join)
def test_a_scenario_finds_nothing_wrong_with_the_server(open_server, words):
    assert faults(bench(open_server.address, *words, "--pairs", "5")) == {}


@pytest.mark.parametrize("words", [(), ("--receipts", "--receivers-answer"), ("--rate", "500")],
                         ids=" ".join)
def test_federation_wants_full_addresses_and_measures_both_servers(open_server, words):
    # Both servers are the same one: what differs is where the clients connect, and the targets.
    pid = open_server.process.pid
    results = bench(open_server.address, "federation", "--peer", open_server.address, "--peer-name",
                    "a.example", "--pairs", "5", "--server-pid", pid, "--peer-pid", pid, *words)
    assert faults(results) == {}
    figures = results["figures"]
    assert figures["deliveries"] > 0
    assert figures["peer_resident_bytes"] == figures["server_resident_bytes"]


def two_servers(start, way=None):
    """b.example, and a.example that dials it, at `way` if that is given."""
    peer = {"name": "a.example", "dial": False, "allow_plain": True}
    b = start({**OPEN, "server": {"name": "b.example"}, "peer": [peer]})
    peer = {"name": "b.example", "address": way or b.address, "allow_plain": True}
    a = start({**OPEN, "peer": [peer], "limits": {"link_backoff_max": "100ms"}})
    return a, ("--peer", b.address, "--peer-name", "b.example", "--server-pid", a.process.pid,
               "--peer-pid", b.process.pid)


def test_federation_goes_over_a_link(start):
    a, flags = two_servers(start)
    results = bench(a.address, "federation", "--pairs", "5", "--receipts", *flags)
    assert faults(results) == {}
    assert results["figures"]["deliveries"] > 0
    assert a.metrics()['solec_link_sent_total{peer="b.example"}'] >= results["figures"]["sent"]


def test_partition_loses_nothing_and_doubles_nothing(start):
    way = f"127.0.0.1:{free_port()}"
    a, flags = two_servers(start, way)
    results = bench(a.address, "partition", "--pairs", "5", "--fill", "3000", "--link-listen", way,
                    *flags)
    assert faults(results) == {}
    figures = results["figures"]
    assert figures["spool_accepted"] == 3000
    assert 0 < figures["catch_up_deliveries"] <= 3000
    assert a.metrics()['solec_link_ups_total{peer="b.example"}'] == 2


@pytest.mark.parametrize("words, said", [
    (("federation",), "--peer"), (("federation", "--peer", "127.0.0.1:1"), "--peer-name"),
    (("direct", "--peer", "127.0.0.1:1"), "--peer: for federation"),
    (("partition", "--peer", "127.0.0.1:1", "--peer-name", "b.example"), "--link-listen"),
    (("partition", "--peer", "127.0.0.1:1", "--peer-name", "b.example", "--link-listen",
      "127.0.0.1:2", "--fill", "1", "--rate", "5"), "--rate")], ids=lambda value: " ".join(value)
    if isinstance(value, tuple) else None)
def test_flags_of_two_servers_go_together(words, said):
    done = run(BENCH, *words, "--connect", "127.0.0.1:1", *SHORT)
    assert done.returncode == 64 and said in done.stderr


def test_login_is_measured_cold_and_warm(open_server):
    figures = bench(open_server.address, "login")["figures"]
    assert figures["cold_logins"] > 0 and figures["warm_logins"] > 0
    assert "warm_logins" not in bench(open_server.address, "login", "--cold")["figures"]
    assert "cold_logins" not in bench(open_server.address, "login", "--warm")["figures"]


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    with Server(folder, {**tls.Certificate(folder).config(), **OPEN}) as server:
        yield server


def test_tls_is_measured_with_whole_handshakes_and_short_ones(tls_server):
    figures = bench(tls_server.ready["listen_tls"], "tls")["figures"]
    assert figures["full_logins"] > 0 and figures["resumed_logins"] > 0


@pytest.mark.parametrize("words", [
    ("direct", "--receipts"), ("direct", "--size", "50000", "--window", "32"),
    ("churn", "--churn", "1", "--receipts", "--receivers-answer"), ("fanout", "--members", "5"),
    ("latency",)], ids=" ".join)
def test_a_scenario_over_tls_finds_nothing_wrong(tls_server, words):
    assert faults(bench(tls_server.ready["listen_tls"], *words, "--tls", "--pairs", "5")) == {}


def test_idle_connections_over_tls_stay(tls_server):
    figures = bench(tls_server.ready["listen_tls"], "idle", "--tls", "--connections", "100",
                    "--server-pid", tls_server.process.pid)["figures"]
    assert figures["connections"] == 100


def third(change):
    """Bends the third message of a session only."""
    return lambda number, fields: change(fields) if number == 3 else [fields]


def swapped(number, fields, held=[]):
    if number == 3:
        held.append(fields)
        return []
    return [fields, held.pop()] if held else [fields]


@pytest.mark.parametrize("bend, found", [
    (None, {}),
    (third(lambda fields: []), {"lost": 1}),
    (third(lambda fields: [fields, fields]), {"doubled": 1}),
    (swapped, {"reordered": 1}),
    (third(lambda fields: [{**fields, "message_content": fields["message_content"][:-1] + "!"}]),
     {"lost": 1, "damaged": 1}),
    (third(lambda fields: None), {"unaccepted": 1}),
], ids=["nothing", "lost", "doubled", "reordered", "damaged", "rejected"])
def test_what_a_server_does_to_messages_is_noticed(bend, found):
    with BentServer(bend) as server:
        results = bench(server.address, "direct", "--pairs", "1", "--window", "4", "--receipts",
                        status=1 if found else 0)
    assert faults(results) == found


def test_receivers_say_how_much_they_got():
    with BentServer(third(lambda fields: [fields, fields])) as server:
        bench(server.address, "direct", "--pairs", "2", "--receivers-answer", status=1)
        assert server.delivered
        assert server.acknowledged == server.delivered


def stamped(number):
    """A content as solec-bench writes it: seven bits a byte, low ones first."""
    return "".join(chr(number >> 7 * i & 0x7F) for i in range(8)) + "\0" * 8 + "x" * 48


WHOLE = [(7 * number, stamped(number)) for number in range(1, 251)]


@pytest.mark.parametrize("history, found", [
    (WHOLE, set()),
    (WHOLE[:200] + WHOLE[201:], {"lost"}),
    (WHOLE[:200] + [(WHOLE[200][0], WHOLE[100][1])] + WHOLE[201:], {"lost", "reordered"}),
], ids=["whole", "a hole", "a message twice"])
def test_what_is_wrong_with_a_history_is_noticed(history, found):
    with BentServer(history=history) as server:
        results = bench(server.address, "history", "--pairs", "3", "--readers", "2",
                        status=1 if found else 0)
    assert set(faults(results)) == found
    assert results["figures"]["pages"] > 0 and results["figures"]["tail_tails"] > 0


def test_what_a_store_keeps_is_read_back_whole(start, tmp_path):
    server = start({**OPEN, "server": {"shards": 2, "data_dir": str(tmp_path / "data")}})
    results = bench(server.address, "history", "--fill", "3000", "--pairs", "5", "--page", "70",
                    "--tail", "90")
    assert faults(results) == {}
    figures = results["figures"]
    assert figures["fill_accepted"] == 3000
    assert figures["pages"] > 0 and figures["tail_tails"] > 0
    # Another run finds what the first one left.
    figures = bench(server.address, "history", "--pairs", "5")["figures"]
    assert figures["page_messages_per_second"] > 0


def test_a_server_without_histories_is_told_apart():
    class Deaf(BentServer):
        def answer(self, socket, session, frame):
            if frame.name == "Handshake":
                return wire.encode("Handshake", ver_major=0, ver_minor=4, features=wire.RECEIPTS)
            return super().answer(socket, session, frame)

    with Deaf() as server:
        done = run(BENCH, "history", "--pairs", "1", "--connect", server.address, *SHORT)
    assert done.returncode == 69
    assert "data_dir" in done.stderr
