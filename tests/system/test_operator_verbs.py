"""What operators type: solec user, channel, reload, drain, top, connections, link."""

import json
import re

import pytest

from server import SOLEC, run
from session import log_in


@pytest.fixture(scope="module")
def server(closed_server):
    return closed_server


@pytest.fixture
def operate(server):
    def operate_one(*words, **options):
        return run(SOLEC, *words, "--config", server.config_file, **options)
    return operate_one


def names(answer):
    assert answer.returncode == 0, answer.stderr
    return [line.split()[0] for line in answer.stdout.splitlines()]


def test_user_add_with_a_password_from_stdin_a_file_or_dash(server, operate, tmp_path):
    file = tmp_path / "password"
    file.write_text("from the file\nsecond line\n")
    for name, flags, text, password in (
            ("op1", (), "from stdin\n", "from stdin"),
            ("op2", ("--password-file", file), None, "from the file"),
            ("op3", ("--password-file", "-"), "no line end", "no line end")):
        answer = operate("user", "add", name, *flags, text=text)
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout == f"added user {name}\n"
        log_in(server.address, name, password).close()
    assert {"op1", "op2", "op3"} <= set(names(operate("user", "list")))
    assert names(operate("user", "list", "op2")) == ["op2"]


@pytest.mark.parametrize("words, text, status, error", [
    (("user", "add", "twice"), "x\n", 1, "exists"),
    (("user", "add", "empty"), "", 64, "no password"),
    (("user", "add", "file", "--password-file", "/nonexistent"), "", 64, "/nonexistent"),
    (("user", "add", "a b"), "x\n", 1, "valid"), (("user", "add", "server"), "x\n", 1, "valid"),
    (("user", "passwd", "nobody"), "x\n", 1, "no user"),
    (("user", "remove", "nobody"), None, 1, "no user"),
    (("user", "contact", "add", "nobody", "twice"), None, 1, "no user"),
    (("user", "contact", "add", "twice", "#room"), None, 1, "valid"),
    (("channel", "remove", "#none"), None, 1, "no channel"),
    (("channel", "members", "#none"), None, 1, "no channel"),
    (("channel", "create", "noroom"), None, 1, "valid"),
    (("link", "test", "b.example"), None, 1, "no peer"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else None)
def test_what_cannot_be_done_is_said_on_stderr(server, operate, words, text, status, error):
    server.admin("user add", name="twice", password="x")
    answer = operate(*words, text=text)
    assert answer.returncode == status, answer.stderr
    assert answer.stdout == ""
    assert answer.stderr.startswith("solec: ") and error in answer.stderr


def test_user_passwd_changes_the_password(server, operate):
    server.add_users("changed", password="old")
    answer = operate("user", "passwd", "changed", text="new\n")
    assert answer.returncode == 0 and "changed" in answer.stdout
    log_in(server.address, "changed", "new").close()


def test_user_remove_removes(server, operate):
    server.add_users("removed")
    assert operate("user", "remove", "removed").stdout == "removed user removed\n"
    assert "removed" not in names(operate("user", "list"))


def test_user_list_says_who_is_online(server, operate):
    server.add_users("awake", "asleep")
    with log_in(server.address, "awake"):
        lines = operate("user", "list").stdout.splitlines()
    assert "awake  (online)" in lines and "asleep" in lines


def test_contacts_by_the_operator_let_users_write(server, operate):
    server.add_users("con1", "con2")
    assert operate("user", "contact", "add", "con1", "con2").returncode == 0
    assert operate("user", "contact", "add", "con2", "con1@a.example").returncode == 0
    assert names(operate("user", "contact", "list", "con1")) == ["con2@a.example"]
    answer = run(SOLEC, "send", "con1@a.example", "con2", "hi", "--connect", server.address,
                 env={"SOLEC_PASSWORD": "secret"})
    assert answer.returncode == 0, answer.stderr
    assert operate("user", "contact", "remove", "con1", "con2").returncode == 0
    assert names(operate("user", "contact", "list", "con1")) == []


def test_channels_are_created_listed_and_removed(server, operate):
    server.add_users("chan1")
    assert operate("channel", "create", "#op.room").stdout == "created #op.room\n"
    assert operate("channel", "create", "#op.room").returncode == 1
    assert "#op.room" in names(operate("channel", "list"))
    assert names(operate("channel", "list", "#op.")) == ["#op.room"]
    answer = run(SOLEC, "join", "chan1@a.example", "#op.room", "--connect", server.address,
                 env={"SOLEC_PASSWORD": "secret"})
    assert answer.returncode == 0, answer.stderr
    assert names(operate("channel", "members", "#op.room")) == ["chan1@a.example"]
    assert operate("channel", "remove", "#op.room").stdout == "removed #op.room\n"
    assert "#op.room" not in names(operate("channel", "list"))


def test_json_is_an_object_a_line(server, operate):
    server.add_users("json1", "json2")
    items = [json.loads(line)
             for line in operate("user", "list", "json", "--json").stdout.splitlines()]
    assert [item["text"] for item in items] == ["json1", "json2"]
    answer = operate("channel", "create", "#json", "--json")
    assert json.loads(answer.stdout) == {"ok": True}


def test_connections_are_listed(server, operate):
    server.add_users("listed")
    with log_in(server.address, "listed") as session:
        port = session.socket.getsockname()[1]
        assert re.search(rf"127\.0\.0\.1:{port} .*user listed", operate("connections").stdout)


def test_links_of_a_server_without_peers_are_none(operate):
    answer = operate("link", "list")
    assert (answer.returncode, answer.stdout) == (0, "")
    assert "[[peer]]" in answer.stderr
    answer = operate("link", "list", "--json")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_links_are_of_a_running_server_only(start_kept):
    server = start_kept()
    words = ("--config", server.config_file)
    server.stop()
    # What needs no server would open the store instead.
    assert run(SOLEC, "user", "list", *words).returncode == 0
    assert run(SOLEC, "link", "list", *words).returncode == 69
    assert run(SOLEC, "link", "test", "b.example", *words).returncode == 69


def test_top_shows_rates_once_or_as_json(operate):
    answer = operate("top", "--once", "--interval", "50ms")
    assert answer.returncode == 0, answer.stderr
    assert "messages in" in answer.stdout and "per second" in answer.stdout
    answer = operate("top", "--once", "--interval", "50ms", "--json")
    sample = json.loads(answer.stdout)
    assert "messages_received" in sample and "messages_received_per_second" in sample


def test_reload_takes_the_config_or_says_what_is_wrong(start):
    server = start()
    words = (SOLEC, "reload", "--config", server.config_file)
    assert run(*words).stdout == "reloaded\n"
    # solec reads the file too, to find the socket: so it is told where that is.
    socket = server.folder / "admin.sock"
    server.merge({"limits": {"login_tries": 0}})
    server.write_config()
    answer = run(SOLEC, "reload", "--socket", socket)
    assert answer.returncode == 1
    assert "login_tries" in answer.stderr and str(server.config_file) in answer.stderr


def test_drain_ends_the_server(start):
    server = start()
    assert run(SOLEC, "drain", "--config", server.config_file).stdout == "draining\n"
    assert server.wait() == 0
    answer = run(SOLEC, "user", "list", "--config", server.config_file)
    assert answer.returncode == 69
