"""What was answered as done is there after `kill -9`; and who is away costs nothing."""

import signal

import pytest

import wire
from session import Session, log_in

REQUESTS = {"features": wire.REQUESTS}
MIB = 1 << 20


@pytest.fixture
def server(start_kept):
    server = start_kept()
    server.add_users("alice", "bob", "carol")
    return server


def kill(server):
    server.restart(signal.SIGKILL)


def refuse(address, user, password):
    with Session(address) as session:
        session.handshake()
        session.send(wire.encode("UserAuth", username=user, password=password))
        session.expect("Error", code=wire.AUTH_FAILED)


def addresses(items):
    return [item["address"] for item in items]


def test_each_request_that_was_answered_is_kept(server):
    rooms = [f"#room{i}" for i in range(10)]
    for i, room in enumerate(rooms):
        with log_in(server.address, "alice", **REQUESTS) as alice:
            assert alice.ask("Join", user="", channel=room)[0] == 0
            assert alice.ask("ContactAdd", address=f"friend{i}@b.example")[0] == 0
            if i % 3 == 2:
                assert alice.ask("Leave", user="", channel=rooms[i - 1])[0] == 0
                assert alice.ask("ContactRemove", address=f"friend{i - 1}@b.example")[0] == 0
            # Right behind the answer.
            kill(server)
        with log_in(server.address, "alice", **REQUESTS) as alice:
            joined = [room for j, room in enumerate(rooms[:i + 1])
                      if not (j % 3 == 1 and j < i)]
            code, items = alice.ask("List", kind=2, of="")
            assert code == 0 and addresses(items) == [f"{room}@a.example" for room in joined]
            friends = [f"friend{j}@b.example" for j in range(i + 1) if not (j % 3 == 1 and j < i)]
            assert addresses(alice.ask("List", kind=1, of="")[1]) == friends
            assert addresses(alice.ask("List", kind=3, of=room)[1]) == ["alice@a.example"]


def test_each_administrators_change_that_was_answered_is_kept(server):
    for i in range(5):
        assert server.admin("user add", name=f"new{i}", password="first")["ok"]
        kill(server)
        log_in(server.address, f"new{i}", "first").close()
        assert server.admin("user passwd", name=f"new{i}", password="second")["ok"]
        kill(server)
        log_in(server.address, f"new{i}", "second").close()
        refuse(server.address, f"new{i}", "first")
    assert server.admin("channel create", name="#made")["ok"]
    kill(server)
    assert [item["text"] for item in server.admin("channel list")["items"]] == ["#made"]
    assert server.admin("channel remove", name="#made")["ok"]
    assert server.admin("user remove", name="new0")["ok"]
    kill(server)
    assert server.admin("channel list")["items"] == []
    refuse(server.address, "new0", "second")
    assert {item["text"] for item in server.admin("user list")["items"]} == \
        {"alice", "bob", "carol", "new1", "new2", "new3", "new4"}


def test_members_still_get_a_channels_messages_after_a_kill(server):
    assert server.admin("channel create", name="#room")["ok"]
    for name in ("alice", "bob"):
        with log_in(server.address, name, **REQUESTS) as session:
            assert session.ask("Join", user="", channel="#room")[0] == 0
    kill(server)
    with log_in(server.address, "alice") as alice, log_in(server.address, "bob") as bob, \
         log_in(server.address, "carol") as carol:
        alice.send(wire.message("#room", "all here?"))
        bob.expect("Message", source="alice@a.example", message_content="all here?")
        carol.send(wire.message("#room", "me too"))
        carol.expect("Error", code=wire.NOT_FOUND)


def test_old_password_fails_at_once_even_if_it_was_remembered(start_kept):
    # A hash that costs something: a remembered login is not one of the cheap ones.
    server = start_kept({"limits": {"password_memory": "4MiB"}})
    server.add_users("alice", password="old")
    for _ in range(3):
        log_in(server.address, "alice", "old").close()
    for number in range(3):
        new = f"new{number}"
        before = f"new{number - 1}" if number else "old"
        with log_in(server.address, "alice", before):
            assert server.admin("user passwd", name="alice", password=new)["ok"]
            refuse(server.address, "alice", before)
            log_in(server.address, "alice", new).close()
            log_in(server.address, "alice", new).close()
    assert server.admin("user remove", name="alice")["ok"]
    refuse(server.address, "alice", "new2")
    server.add_users("alice", password="other")
    refuse(server.address, "alice", "new2")
    log_in(server.address, "alice", "other").close()


def test_wrong_password_is_not_remembered_as_right(server):
    for _ in range(3):
        refuse(server.address, "alice", "wrong")
        log_in(server.address, "alice").close()
        refuse(server.address, "alice", "")
        refuse(server.address, "alice", "secret ")


def test_many_users_are_on_the_disk_and_not_in_memory(start_kept):
    # A shard remembers some 16,000 who are away; with all of these the memory is what it is going to
    # be, and those who come on top of them cost nothing.
    remembered, count = 20_000, 32_000
    # Any name logs in and has an account then: the quickest way to so many.
    server = start_kept({"server": {"shards": 1},
                         "policy": {"accounts": "any", "contacts": "open"},
                         "store": {"cache": "1MiB", "write_buffer": "1MiB"}})

    def register(first, end):
        for begin in range(first, end, 200):
            sessions = []
            for i in range(begin, begin + 200):
                session = Session(server.address)
                session.send(wire.encode("Handshake", ver_major=0, ver_minor=4),
                             wire.encode("UserAuth", username=f"user{i:05}", password="secret"),
                             wire.message(f"user{max(i - 1, 0):05}", f"from {i}"),
                             wire.message("server", "help"))
                sessions.append(session)
            for session in sessions:
                session.expect("Success")
                session.fence()
                session.reset()  # so many ports are free again at once
        return server.memory_bytes()

    before = register(0, remembered)
    after = register(remembered, count)
    server.restart()
    start = server.memory_bytes()
    for i in range(0, count, 11):
        with log_in(server.address, f"user{i:05}") as session:
            session.fence()
    print(f"{before / MIB:.1f} MiB with {remembered} users, {after / MIB:.1f} MiB with {count}, "
          f"{start / MIB:.1f} MiB after a restart, "
          f"{server.memory_bytes() / MIB:.1f} MiB with each 11th of them read")
    assert after - before < 8 * MIB
    assert start < before / 2
