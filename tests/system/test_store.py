"""What is in data_dir is there again after a restart, however the server ended."""

import json
import signal
import time

import pytest

import wire
from server import SOLEC, SOLECD, WAIT_SECONDS, Server, run
from session import log_in

RECEIPTS = {"features": wire.RECEIPTS}


def accounts(server):
    users = [item["text"] for item in server.admin("user list")["items"]]
    return {user: server.admin("user contact list", name=user)["items"] for user in users}


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["TERM", "KILL"])
def test_accounts_contacts_and_channels_are_there_after_a_restart(start_kept, end):
    server = start_kept()
    server.add_users("alice", "bob", "carol", contacts=True)
    assert server.admin("user passwd", name="carol", password="new")["ok"]
    assert server.admin("user contact remove", name="carol", address="bob")["ok"]
    # The other side hears of it by mail, a moment after the answer.
    deadline = time.monotonic() + WAIT_SECONDS
    while {"text": "carol@a.example", "flags": 0} not in accounts(server)["bob"]:
        assert time.monotonic() < deadline
    assert server.admin("channel create", name="#room")["ok"]
    assert server.admin("channel join", name="#room", user="alice")["ok"]
    assert server.admin("user add", name="gone", password="x")["ok"]
    assert server.admin("user remove", name="gone")["ok"]
    before = accounts(server)
    assert set(before) == {"alice", "bob", "carol"}
    server.restart(end)
    assert accounts(server) == before
    assert server.admin("channel list")["items"] == [{"text": "#room", "flags": 0}]
    members = server.admin("channel members", name="#room")["items"]
    assert [item["text"] for item in members] == ["alice@a.example"]
    with log_in(server.address, "carol", "new"), log_in(server.address, "alice"):
        pass


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["TERM", "KILL"])
def test_what_was_accepted_for_somebody_away_arrives_after_a_restart(start_kept, end):
    server = start_kept()
    server.add_users("alice", "bob", contacts=True)
    with log_in(server.address, "alice", **RECEIPTS) as alice:
        alice.send(*[wire.message("bob", f"message {i}") for i in range(200)])
        while alice.expect("Accepted")["up_to"] < 200:
            pass
    server.restart(end)
    with log_in(server.address, "bob") as bob:
        for i in range(200):
            bob.expect("Message", source="alice@a.example", message_content=f"message {i}")


def test_a_drain_keeps_what_came_right_before_it(start_kept):
    server = start_kept()
    server.add_users("alice", "bob", contacts=True)
    with log_in(server.address, "alice") as alice:
        alice.send(*[wire.message("bob", f"message {i}") for i in range(100)])
        alice.fence()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    server.stop()
    server.start()
    with log_in(server.address, "bob") as bob:
        for i in range(100):
            bob.expect("Message", message_content=f"message {i}")


def test_second_server_on_the_same_data_is_refused(start_kept, tmp_path):
    first = start_kept()
    first.add_users("alice")
    second = Server(tmp_path, {"server": {"data_dir": first.config["server"]["data_dir"]}},
                    start=False)
    second.write_config()
    answer = run(SOLECD, "--config", second.config_file)
    assert answer.returncode == 69, answer.stderr
    assert first.config["server"]["data_dir"] in answer.stderr
    assert "in use" in answer.stderr
    assert first.admin("user list")["items"][0]["text"] == "alice"


def test_data_of_another_server_is_refused_and_left_alone(start_kept):
    server = start_kept()
    server.add_users("alice")
    server.stop()
    server.merge({"server": {"name": "b.example"}})
    server.write_config()
    answer = run(SOLECD, "--config", server.config_file)
    assert answer.returncode == 78, answer.stderr
    assert "a.example" in answer.stderr and "b.example" in answer.stderr
    server.merge({"server": {"name": "a.example"}})
    server.start()
    assert server.admin("user list")["items"][0]["text"] == "alice"


@pytest.mark.parametrize("flags", [(), ("--check",)], ids=["start", "check"])
def test_data_dir_that_cannot_be_is_a_configuration_error(tmp_path, flags):
    (tmp_path / "file").write_text("precious")
    for data_dir in (tmp_path / "file", tmp_path / "not" / "mounted"):
        server = Server(tmp_path, {"server": {"data_dir": str(data_dir)}}, start=False)
        server.write_config()
        answer = run(SOLECD, "--config", server.config_file, *flags)
        assert answer.returncode == 78, answer.stderr
        assert answer.stderr.count(f"data_dir {data_dir}: ") == 1
    assert (tmp_path / "file").read_text() == "precious"
    assert not (tmp_path / "not").exists()


def test_data_dir_that_may_not_be_made_is_not_permitted(tmp_path):
    # Not even root may make a folder there.
    server = Server(tmp_path, {"server": {"data_dir": "/sys/solec-data"}}, start=False)
    server.write_config()
    answer = run(SOLECD, "--config", server.config_file)
    assert answer.returncode == 77, answer.stderr
    assert "/sys/solec-data" in answer.stderr


def test_check_with_a_data_dir_changes_nothing(tmp_path):
    server = Server(tmp_path, {"server": {"data_dir": str(tmp_path / "data")}}, start=False)
    server.write_config()
    assert run(SOLECD, "--config", server.config_file, "--check").returncode == 0
    assert not (tmp_path / "data").exists()


def test_data_is_for_its_owner_alone(start_kept):
    server = start_kept()
    mode = (server.folder.parent / "data").stat().st_mode
    assert mode & 0o777 == 0o700


def test_limits_of_histories_change_at_a_reload_and_the_cache_does_not(start_kept):
    server = start_kept()
    server.merge({"history": {"chat_age_max": "1h"}})
    server.write_config()
    assert server.admin("reload")["ok"]
    server.merge({"store": {"cache": "8MiB"}})
    server.write_config()
    answer = server.admin("reload")
    assert "store.cache" in answer["error"] and "restart" in answer["error"]


def test_metrics_and_readyz_know_the_store(start_kept):
    server = start_kept()
    server.add_users("alice")
    assert server.get("/readyz") == (200, "text/plain", "ok\n")
    metrics = server.metrics()
    assert metrics["solec_store_records_total"] >= 1
    assert metrics["solec_store_commits_total"] >= 1
    assert metrics["solec_store_full_now"] == 0 and metrics["solec_store_failed_now"] == 0
    assert json.loads(server.get("/varz")[2])["stats"]["store_commits"] >= 1


# No disk here has so much room.
FULL = {"store": {"free_space_min": "1024GiB"}}


def restart_with(server, extra):
    server.stop()
    server.merge(extra)
    server.start()


def test_full_disk_refuses_messages_serves_the_rest_and_recovers(start_kept):
    server = start_kept()
    server.add_users("alice", "bob", contacts=True)
    with log_in(server.address, "alice", **RECEIPTS) as alice:
        alice.send(wire.message("bob", "before"))
        alice.expect("Accepted", up_to=1)
    restart_with(server, FULL)
    server.wait_metric("solec_store_full_now", 1)
    server.log.wait("full")
    assert server.get("/readyz") == (200, "text/plain", "ok, but the disk is full\n")
    with log_in(server.address, "alice", **RECEIPTS) as alice, log_in(server.address, "bob") as bob:
        bob.expect("Message", message_content="before")
        alice.send(wire.message("bob", "refused"))
        alice.expect("Rejected", number=1, code=wire.UNAVAILABLE)
        assert bob.fence() == []
    assert server.metrics()["solec_store_messages_kept_total"] == 0
    restart_with(server, {"store": {"free_space_min": None}})
    with log_in(server.address, "alice", **RECEIPTS) as alice, log_in(server.address, "bob") as bob:
        alice.send(wire.message("bob", "after"))
        alice.expect("Accepted", up_to=1)
        while bob.expect("Message")["message_content"] != "after":
            pass


def test_full_disk_delivers_to_live_sessions_if_so_configured(start_kept):
    server = start_kept()
    server.add_users("alice", "bob", contacts=True)
    restart_with(server, {"store": {**FULL["store"], "when_full": "deliver"}})
    server.wait_metric("solec_store_full_now", 1)
    with log_in(server.address, "alice", **RECEIPTS) as alice:
        with log_in(server.address, "bob") as bob:
            alice.send(wire.message("bob", "live"))
            # Delivered and not kept: the sender is told the latter.
            alice.expect("Rejected", number=1, code=wire.UNAVAILABLE)
            alice.expect("Accepted", up_to=1)
            bob.expect("Message", message_content="live")
        server.wait_closed("peer_closed", 1)
        alice.send(wire.message("bob", "nobody there"))
        alice.expect("Rejected", number=2, code=wire.UNAVAILABLE)


def test_full_disk_still_takes_what_an_administrator_changes(start_kept):
    server = start_kept(FULL)
    server.wait_metric("solec_store_full_now", 1)
    answer = server.admin("user add", name="alice", password="x")
    assert answer["ok"], answer


def test_server_without_a_data_dir_has_no_metrics_of_a_store(start):
    assert "solec_store_commits_total" not in start().metrics()


def test_server_that_keeps_does_not_warn_of_memory(start_kept):
    server = start_kept()
    server.stop()
    assert "memory" not in server.log.text()


def test_users_list_is_whole_and_says_who_is_online_with_many_shards(start_kept):
    server = start_kept({"server": {"shards": 3}})
    names = [f"user{i}" for i in range(12)]
    server.add_users(*names)
    with log_in(server.address, "user7"):
        lines = run(SOLEC, "user", "list", "--config", server.config_file).stdout.splitlines()
    assert sorted(lines) == sorted(name + ("  (online)" if name == "user7" else "")
                                   for name in names)
