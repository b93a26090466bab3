"""From the ready line to the end: drain, reload, crash, log lines."""

import json
import re
import signal
import stat

import pytest

import wire
from conftest import OPEN
from server import SOLECD, AdminConnection, Server, run
from session import Session, log_in


def test_ready_line_holds_the_real_addresses(start):
    server = start({"server": {"listen": ["127.0.0.1:0", "127.0.0.1:0"]}})
    match = re.fullmatch(r"ready name=a\.example listen=(127\.0\.0\.1:\d+),(127\.0\.0\.1:\d+) "
                         r"listen_tls=- admin=127\.0\.0\.1:\d+ shards=2", server.ready_line)
    assert match
    server.add_users("alice")
    for address in match.groups():
        log_in(address, "alice").close()
    assert server.get("/livez")[0] == 200
    assert server.out.lines == [server.ready_line]


def test_ready_line_without_an_admin_port_says_so(start):
    assert " admin=- " in start({"admin": {"listen": None}}).ready_line


def test_listens_on_ipv6_if_there_is_any(start):
    try:
        server = start({"server": {"listen": ["[::1]:0"]}})
    except AssertionError as error:
        pytest.skip(f"no IPv6 loopback here: {error}")
    assert re.fullmatch(r"\[::1\]:\d+", server.address)


def test_start_is_logged_with_version_name_shards_and_cpus(start):
    server = start()
    version = run(SOLECD, "--version").stdout.split()[1]
    line = server.log.wait(r"solecd \d").string
    for word in (version, "a.example", "2 shards", "cpu"):
        assert word in line


def test_memory_store_is_announced(start):
    start().log.wait("memory.*end with the server")


def test_json_log_is_an_object_a_line(start):
    server = start({"log": {"format": "json"}})
    server.stop()
    assert server.log.lines
    for line in server.log.lines:
        assert {"time", "level", "message"} <= json.loads(line).keys()


def test_log_level_is_obeyed(start):
    server = start({"log": {"level": "error"}})
    server.stop()
    assert server.log.lines == []


def test_term_drains_sessions_with_0x44_and_exits_0(start):
    server = start(OPEN)
    sessions = [log_in(server.address, f"drained{i}") for i in range(8)]
    unfinished = Session(server.address)
    server.signal(signal.SIGTERM)
    for session in sessions:
        session.expect_error_and_end(wire.SHUTTING_DOWN)
        session.close()
    unfinished.close()
    assert server.wait() == 0
    server.log.wait("draining")
    server.log.wait("stopped")
    with pytest.raises(ConnectionRefusedError):
        Session(server.address)


def test_message_accepted_before_term_still_arrives(start):
    server = start(OPEN)
    bob = log_in(server.address, "bob")
    with log_in(server.address, "alice", features=wire.RECEIPTS) as alice:
        alice.send(wire.message("bob", "the last word"))
        alice.expect("Accepted", up_to=1)
        server.signal(signal.SIGTERM)
        alice.expect_error_and_end(wire.SHUTTING_DOWN)
    bob.expect("Message", message_content="the last word")
    bob.expect_error_and_end(wire.SHUTTING_DOWN)
    bob.close()
    assert server.wait() == 0


def test_int_drains_too(start):
    server = start()
    server.signal(signal.SIGINT)
    assert server.wait() == 0


def test_second_term_stops_at_once(start):
    server = start(OPEN)
    # A peer that neither reads on nor closes keeps the drain waiting.
    session = log_in(server.address, "stubborn")
    server.signal(signal.SIGTERM)
    server.log.wait("draining")
    session.expect("Error", code=wire.SHUTTING_DOWN)
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    server.log.wait("at once")
    session.close()


def test_readyz_turns_503_while_draining_and_livez_stays(start):
    server = start(OPEN)
    session = log_in(server.address, "stubborn")
    assert server.get("/readyz")[0] == 200
    server.signal(signal.SIGTERM)
    session.expect("Error", code=wire.SHUTTING_DOWN)
    assert server.get("/readyz")[0] == 503
    assert server.get("/livez")[0] == 200
    session.close()
    assert server.wait() == 0


def test_drain_command_is_a_term(start):
    server = start(OPEN)
    with log_in(server.address, "alice") as session:
        assert server.admin("drain") == {"ok": True}
        session.expect_error_and_end(wire.SHUTTING_DOWN)
    assert server.wait() == 0


def reload(server):
    server.write_config()
    server.signal(signal.SIGHUP)


def test_hup_takes_new_limits_and_sessions_stay(start):
    server = start(OPEN)
    with log_in(server.address, "alice") as alice, log_in(server.address, "bob") as bob:
        alice.send(wire.message("bob", "x" * 100))
        bob.expect("Message")
        server.merge({"limits": {"message_bytes_max": "50B"}})
        reload(server)
        server.log.wait("configuration reloaded")
        # Reloading is told by the control thread; each shard has its new limits a moment later.
        server.admin("connections")
        alice.send(wire.message("bob", "x" * 51), wire.message("bob", "x" * 50))
        alice.expect("Error", code=wire.OVER_LIMIT)
        bob.expect("Message", message_content="x" * 50)


@pytest.mark.parametrize("wrong", [
    {"limits": {"message_bytes_max": "50B", "login_tries": 0}},
    {"limits": {"message_bytes_max": "50B"}, "server": {"name": "b.example"}},
    {"limits": {"message_bytes_max": "50B"}, "server": {"shards": 1}},
    {"limits": {"message_bytes_max": "50B", "memory_store_bytes_max": "5MiB"}},
    {"limits": {"message_bytes_max": "50B"}, "server": {"bogus": 1}},
    {"limits": {"message_bytes_max": "50B"}, "log": {"level": "loud"}},
], ids=str)
def test_hup_with_anything_wrong_changes_nothing(start, wrong):
    server = start(OPEN)
    with log_in(server.address, "alice") as alice, log_in(server.address, "bob") as bob:
        server.merge(wrong)
        reload(server)
        server.log.wait("not reloaded")
        server.admin("connections")
        alice.send(wire.message("bob", "x" * 51))
        bob.expect("Message")
        answer = server.admin("reload")
        assert not answer["ok"] and answer["code"] == "invalid" and answer["error"]


def test_hup_under_traffic_loses_nothing(start):
    server = start(OPEN)
    alice, bob = log_in(server.address, "alice"), log_in(server.address, "bob")
    for number in range(50):
        alice.send(*[wire.message("bob", f"{number}.{i}") for i in range(20)])
        if number % 10 == 0:
            reload(server)
    for number in range(50):
        for i in range(20):
            bob.expect("Message", message_content=f"{number}.{i}")
    alice.close()
    bob.close()


def test_killed_server_comes_back_on_its_socket_and_port(start):
    server = start({**OPEN, "policy": {"accounts": "closed"}})
    server.merge({"server": {"listen": [server.address]}})
    server.add_users("alice")
    session = log_in(server.address, "alice")
    server.signal(signal.SIGKILL)
    assert server.wait() == -signal.SIGKILL
    try:
        assert session.receive() is None
    except ConnectionResetError:
        pass
    assert server.folder.joinpath("admin.sock").exists(), "a stale socket is what is tested here"
    server.stop()
    server.start()
    # The memory store says that it forgets, and has forgotten.
    server.log.wait("memory.*end with the server")
    assert server.admin("user list")["items"] == []
    server.add_users("alice")
    log_in(server.address, "alice").close()


def test_admin_socket_is_for_its_owner_alone_and_goes_with_the_server(start):
    server = start()
    path = server.folder / "admin.sock"
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    server.stop()
    assert not path.exists()


def test_second_server_does_not_take_the_admin_socket_of_a_live_one(start, tmp_path):
    first = start()
    second = Server(tmp_path, {"admin": {"socket": str(first.folder / "admin.sock")}}, start=False)
    second.write_config()
    answer = run(SOLECD, "--config", second.config_file)
    assert answer.returncode == 69
    assert "admin.sock" in answer.stderr and "another server" in answer.stderr
    with AdminConnection(first.folder / "admin.sock") as connection:
        assert connection.ask({"command": "stats"})["ok"]


def test_file_in_the_admin_sockets_place_is_not_touched(tmp_path):
    precious = tmp_path / "admin.sock"
    precious.write_text("precious")
    server = Server(tmp_path, start=False)
    server.write_config()
    answer = run(SOLECD, "--config", server.config_file)
    assert answer.returncode == 69
    assert precious.read_text() == "precious"
