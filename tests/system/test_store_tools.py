"""What operators do with a store: with the server running, and without."""

import json
import shutil
import signal

import pytest

import wire
from server import SOLEC, SOLECD, Server, run
from session import log_in


def operate(server, *words, **options):
    return run(SOLEC, *words, "--config", server.config_file, **options)


def done(answer):
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()


@pytest.fixture
def closed(tmp_path):
    """A server that is not running, with a data_dir that is not there yet."""
    server = Server(tmp_path, {"server": {"data_dir": str(tmp_path / "data")}}, start=False)
    server.write_config()
    yield server
    server.stop()


def fill(server):
    """Users, contacts, a channel, and messages between them, some of which wait."""
    server.add_users("alice", "bob", "carol", contacts=True)
    assert server.admin("channel create", name="#room")["ok"]
    for user in ("alice", "bob"):
        assert server.admin("channel join", name="#room", user=user)["ok"]
    send(server, "alice", 30, "bob", "#room", "carol")


def send(server, sender, count, *targets, word="message"):
    with log_in(server.address, sender, features=wire.RECEIPTS) as session:
        for i in range(count):
            session.send(*[wire.message(target, f"{word} {i}") for target in targets])
        while session.expect("Accepted")["up_to"] < count * len(targets):
            pass


def export(*flags):
    return [json.loads(line) for line in done(run(SOLEC, "store", "export", *flags))]


def export_of(server, *flags):
    return export("--config", server.config_file, *flags)


def of_type(items, kind):
    return [item for item in items if item["type"] == kind]


# --- without a server ---

def test_users_and_channels_can_be_made_before_the_first_start(closed):
    for name in ("alice", "bob"):
        assert done(operate(closed, "user", "add", name, text="secret\n")) == [f"added user {name}"]
    assert operate(closed, "user", "add", "alice", text="x\n").returncode == 1
    done(operate(closed, "user", "contact", "add", "alice", "bob"))
    done(operate(closed, "user", "contact", "add", "bob", "alice@a.example"))
    assert done(operate(closed, "user", "contact", "list", "bob")) == ["alice@a.example  (agreed)"]
    done(operate(closed, "channel", "create", "#room"))
    assert done(operate(closed, "channel", "list")) == ["#room"]
    closed.start()
    with log_in(closed.address, "alice") as alice, log_in(closed.address, "bob") as bob:
        alice.send(wire.message("bob", "hi"))
        bob.expect("Message", message_content="hi")


def test_closed_store_has_the_rules_of_a_running_server(closed):
    closed.merge({"limits": {"contacts_per_user_max": 1}})
    closed.write_config()
    done(operate(closed, "user", "add", "alice", text="old\n"))
    for words, error in ((("user", "remove", "nobody"), "no user"),
                         (("user", "contact", "add", "alice", "#room"), "valid"),
                         (("channel", "remove", "#none"), "no channel"),
                         (("channel", "create", "noroom"), "valid")):
        answer = operate(closed, *words)
        assert answer.returncode == 1 and error in answer.stderr, answer.stderr
    done(operate(closed, "user", "contact", "add", "alice", "bob"))
    assert "limit" in operate(closed, "user", "contact", "add", "alice", "carol").stderr
    done(operate(closed, "user", "passwd", "alice", text="new\n"))
    assert done(operate(closed, "user", "list", "--json")) == ['{"flags":0,"text":"alice"}']
    closed.start()
    log_in(closed.address, "alice", "new").close()
    closed.stop()
    done(operate(closed, "user", "remove", "alice"))
    assert done(operate(closed, "user", "list")) == []


def test_what_a_killed_server_kept_is_there_for_the_closed_store(closed):
    closed.start()
    fill(closed)
    closed.signal(signal.SIGKILL)
    closed.wait()
    closed.stop()
    assert done(operate(closed, "user", "list")) == ["alice", "bob", "carol"]
    assert len(of_type(export_of(closed), "message")) == 90


def test_verbs_that_need_a_server_say_so(closed):
    done(operate(closed, "user", "add", "alice", text="x\n"))
    for words in (("reload",), ("drain",), ("connections",), ("top", "--once")):
        answer = operate(closed, *words)
        assert answer.returncode == 69 and "no server is running" in answer.stderr


def test_without_a_data_dir_nothing_is_opened(tmp_path):
    server = Server(tmp_path, start=False)
    server.write_config()
    for words in (("user", "list"), ("store", "stats"), ("store", "check"), ("store", "export")):
        answer = operate(server, *words)
        assert answer.returncode == 69, answer.stderr
        assert "no server is running" in answer.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["solecd.toml"]


def test_store_that_a_server_has_is_not_opened_behind_its_back(closed, tmp_path):
    # Its admin socket is somewhere else than this config says.
    closed.start()
    closed.add_users("alice")
    other = Server(tmp_path, {"server": {"data_dir": str(tmp_path / "data")},
                              "admin": {"socket": str(tmp_path / "other.sock")}}, start=False)
    other.config_file = tmp_path / "other.toml"
    other.write_config()
    answer = operate(other, "user", "list")
    assert answer.returncode == 69, answer.stderr
    assert str(tmp_path / "data") in answer.stderr and "in use" in answer.stderr
    assert closed.admin("user list")["ok"]


# --- check, stats, export ---

def test_check_stats_and_export_agree_with_and_without_a_server(closed):
    closed.start()
    fill(closed)
    running = export_of(closed)
    stats = json.loads(done(operate(closed, "store", "stats", "--json"))[0])
    assert "no errors" in done(operate(closed, "store", "check"))[-1]
    # What was read has gone again.
    assert sorted(path.name for path in (closed.folder / "data").iterdir()) == ["store"]
    closed.stop()
    assert export_of(closed) == running
    assert "no errors" in done(operate(closed, "store", "check"))[-1]
    assert stats["users"] == 3 and stats["channels"] == 1
    assert [item["name"] for item in of_type(running, "user")] == ["alice", "bob", "carol"]
    assert len(of_type(running, "contact")) == 6
    assert all(item["agreed"] for item in of_type(running, "contact"))
    assert [item["name"] for item in of_type(running, "channel")] == ["#room"]
    assert len(of_type(running, "member")) == 2
    messages = of_type(running, "message")
    assert len(messages) == 90
    assert len({item["position"] for item in messages}) == 90
    to_bob = [item for item in messages if item["target"] == "bob@a.example"]
    assert [item["message_content"] for item in to_bob] == [f"message {i}" for i in range(30)]
    assert {item["source"] for item in messages} == {"alice@a.example"}


def test_passwords_are_exported_only_when_asked_for(closed):
    done(operate(closed, "user", "add", "alice", text="secret\n"))
    assert "argon2id" not in json.dumps(export_of(closed))
    [user] = of_type(export_of(closed, "--with-passwords"), "user")
    assert user["password_hash"].startswith("$argon2id$")


def damage(path):
    """Turns a byte in the middle over."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def largest(folder, suffix):
    return max(folder.rglob("*" + suffix), key=lambda path: path.stat().st_size)


def test_check_finds_a_damaged_table_and_names_it(closed):
    closed.start()
    fill(closed)
    # In a backup everything is in tables.
    backup = closed.folder / "backup"
    done(operate(closed, "store", "backup", backup))
    table = largest(backup, ".sst")
    damage(table)
    answer = run(SOLEC, "store", "check", "--from", backup)
    assert answer.returncode == 1, answer.stdout
    assert table.name in answer.stdout + answer.stderr


def test_damaged_log_is_refused_and_left_alone(closed):
    closed.start()
    fill(closed)
    closed.signal(signal.SIGKILL)
    closed.wait()
    closed.stop()
    log = largest(closed.folder / "data", ".log")
    damage(log)
    before = log.read_bytes()
    for words in (("store", "check"), ("user", "list")):
        answer = operate(closed, *words)
        assert answer.returncode == 1 and str(closed.folder / "data") in answer.stderr, words
    answer = run(SOLECD, "--config", closed.config_file)
    assert answer.returncode == 1 and str(closed.folder / "data") in answer.stderr
    assert log.read_bytes() == before


# --- backup and restore ---

def test_backup_of_a_running_server_restores_to_what_it_was(closed):
    closed.start()
    fill(closed)
    backup = closed.folder / "backup"
    done(operate(closed, "store", "backup", backup))
    before = export_of(closed, "--with-passwords")
    send(closed, "alice", 5, "bob", word="after the backup")
    closed.add_users("dave")
    assert export("--from", backup, "--with-passwords") == before
    assert export_of(closed, "--with-passwords") != before
    assert done(run(SOLEC, "store", "check", "--from", backup))
    closed.stop()
    # As docs/operations.md says.
    data = closed.folder / "data"
    data.rename(closed.folder / "data.old")
    shutil.copytree(backup, data)
    assert export_of(closed, "--with-passwords") == before
    closed.start()
    assert [item["text"] for item in closed.admin("user list")["items"]] == ["alice", "bob", "carol"]
    with log_in(closed.address, "carol") as carol:
        for i in range(30):
            carol.expect("Message", source="alice@a.example", message_content=f"message {i}")


def test_backup_of_a_closed_store_is_the_same(closed):
    closed.start()
    fill(closed)
    closed.stop()
    backup = closed.folder / "backup"
    done(operate(closed, "store", "backup", backup))
    assert export("--from", backup) == export_of(closed)


def test_backup_goes_into_an_empty_folder_only(closed):
    closed.start()
    closed.add_users("alice")
    full = closed.folder / "full"
    full.mkdir()
    (full / "precious").write_text("precious")
    for running in (True, False):
        answer = operate(closed, "store", "backup", full)
        assert answer.returncode == 1 and "not empty" in answer.stderr, answer.stderr
        closed.stop()
    assert [path.name for path in full.iterdir()] == ["precious"]
    (full / "precious").unlink()
    # A path from here on is one from where solec runs.
    done(operate(closed, "store", "backup", "full", cwd=closed.folder))
    assert [item["name"] for item in of_type(export("--from", full), "user")] == ["alice"]


def test_backup_says_where_it_cannot_go(closed):
    closed.start()
    answer = operate(closed, "store", "backup", closed.folder / "not" / "there")
    assert answer.returncode == 1 and str(closed.folder / "not") in answer.stderr


def test_from_a_folder_that_is_no_backup_is_refused(tmp_path):
    for verb in ("check", "stats", "export"):
        answer = run(SOLEC, "store", verb, "--from", tmp_path)
        assert answer.returncode == 1, answer.stderr
        assert str(tmp_path) in answer.stderr
    assert list(tmp_path.iterdir()) == []
