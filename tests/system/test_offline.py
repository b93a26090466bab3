"""Messages wait for who is away; what has arrived does not come again, and what has not does."""

import signal

import pytest

import wire
from session import Session, log_in

RECEIPTS = {"features": wire.RECEIPTS}
MIB = 1 << 20


@pytest.fixture
def server(start_kept):
    server = start_kept()
    server.add_users("alice", "bob", "carol", contacts=True)
    return server


def send(server, sender, target, contents):
    """Returns when all are accepted."""
    contents = list(contents)
    with log_in(server.address, sender, **RECEIPTS) as session:
        for start in range(0, len(contents), 500):
            session.send(*[wire.message(target, text) for text in contents[start:start + 500]])
            session.wait_accepted(min(start + 500, len(contents)))


def numbered(first, end, word="message"):
    return [f"{word} {i}" for i in range(first, end)]


def expect(session, contents, sender="alice"):
    for content in contents:
        session.expect("Message", source=f"{sender}@a.example", message_content=content)


def accept(session, count):
    """And returns once the server knows."""
    session.accept(count)
    session.send(wire.encode("Ping", token=count))
    session.expect("Pong", token=count)


def expect_nothing_waits(server, user="bob"):
    """What is sent now is the first that comes: older messages would come before it."""
    with log_in(server.address, user) as session:
        send(server, "carol", user, ["now"])
        session.expect("Message", source="carol@a.example", message_content="now")


def test_waiting_messages_come_right_after_success_oldest_first(server):
    for i in range(0, 300, 3):
        send(server, "alice", "bob", numbered(i, i + 2))
        send(server, "carol", "bob", numbered(i + 2, i + 3))
    with log_in(server.address, "bob") as bob:
        for i in range(300):
            bob.expect("Message", source=f"{'carol' if i % 3 == 2 else 'alice'}@a.example",
                       target="bob@a.example", message_content=f"message {i}")
    expect_nothing_waits(server)


def test_they_keep_contents_of_every_size_and_timestamps(server):
    sizes = [0, 1, 100, 1000, 20000, wire.CONTENT_BYTES_MAX]
    with log_in(server.address, "alice", **RECEIPTS) as alice:
        for size in sizes * 3:
            alice.send(wire.message("bob", "ż" * (size // 2) + "x" * (size % 2), timestamp=size))
        alice.wait_accepted(len(sizes) * 3)
    with log_in(server.address, "bob") as bob:
        for size in sizes * 3:
            bob.expect("Message", timestamp=size,
                       message_content="ż" * (size // 2) + "x" * (size % 2))


@pytest.mark.parametrize("restarts", [False, True], ids=["", "restart"])
@pytest.mark.parametrize("receipts", [False, True], ids=["plain", "receipts"])
def test_what_has_arrived_does_not_come_again(server, receipts, restarts):
    send(server, "alice", "bob", numbered(0, 1000))
    features = wire.RECEIPTS | wire.PING if receipts else None
    with log_in(server.address, "bob", features=features) as bob:
        expect(bob, numbered(0, 1000))
        send(server, "alice", "bob", numbered(1000, 1010))
        expect(bob, numbered(1000, 1010))
        if receipts:
            accept(bob, 1010)
            bob.reset()  # it does not matter any more how it leaves
    if restarts:
        server.wait_metric("solec_sessions_now", 0)
        server.restart()
    expect_nothing_waits(server)


def test_what_was_not_acknowledged_comes_again(server):
    send(server, "alice", "bob", numbered(0, 200))
    for _ in range(3):
        bob = log_in(server.address, "bob", **RECEIPTS)
        expect(bob, numbered(0, 200))
        bob.reset()
    with log_in(server.address, "bob") as bob:
        expect(bob, numbered(0, 200))


@pytest.mark.parametrize("end", [None, signal.SIGKILL], ids=["", "KILL"])
def test_after_an_acknowledgement_of_a_part_nothing_behind_it_is_missing(server, end):
    send(server, "alice", "bob", numbered(0, 3000))
    bob = log_in(server.address, "bob", features=wire.RECEIPTS | wire.PING)
    expect(bob, numbered(0, 2000))
    bob.accept(1500)
    bob.reset()
    if end is not None:
        server.restart(end)
    with log_in(server.address, "bob") as bob:
        first = bob.expect("Message")["message_content"]
        number = int(first.split()[1])
        assert number <= 1500
        expect(bob, numbered(number + 1, 3000))


def test_live_messages_that_were_not_acknowledged_come_again_after_a_kill(server):
    with log_in(server.address, "bob", features=wire.RECEIPTS) as bob:
        send(server, "alice", "bob", numbered(0, 100))
        expect(bob, numbered(0, 100))
        server.restart(signal.SIGKILL)
    with log_in(server.address, "bob") as bob:
        expect(bob, numbered(0, 100))


def test_what_is_sent_while_a_session_catches_up_comes_behind(server):
    count = 20000
    send(server, "alice", "bob", numbered(0, count))
    with log_in(server.address, "alice", **RECEIPTS) as alice, \
         Session(server.address, receive_buffer=1 << 14) as bob:
        bob.log_in("bob")
        for i in range(count, count + 2000, 100):
            alice.send(*[wire.message("bob", text) for text in numbered(i, i + 100)])
            expect(bob, numbered((i - count) * 10, (i - count) * 10 + 1000))
        expect(bob, numbered(count, count + 2000))
        alice.wait_accepted(2000)
    expect_nothing_waits(server)


def test_sessions_that_catch_up_together_are_all_given_everything(server):
    send(server, "alice", "bob", numbered(0, 3000))
    sessions = [log_in(server.address, "bob", **RECEIPTS) for _ in range(3)]
    send(server, "alice", "bob", numbered(3000, 3100))
    for session in sessions:
        expect(session, numbered(0, 3100))
    for session in sessions:
        session.close()


def test_hundred_thousand_waiting_messages_stall_neither_the_shard_nor_its_memory(start_kept):
    count, size = 100_000, 600
    server = start_kept({"server": {"shards": 1}, "store": {"cache": "1MiB"},
                         "limits": {"waiting_bytes_per_user_max": "256MiB"}})
    server.add_users("alice", "bob", "carol", "dave", contacts=True)
    text = "x" * size
    send(server, "alice", "bob", (f"{i} {text}" for i in range(count)))
    server.restart()  # what it took to write them is not counted
    with log_in(server.address, "carol") as carol, log_in(server.address, "dave") as dave:
        before = most = server.memory_bytes()
        # A small window: most of it is still to come whenever somebody else is answered.
        with Session(server.address, receive_buffer=1 << 16) as bob:
            bob.log_in("bob")
            for i in range(count):
                assert bob.expect("Message")["message_content"].startswith(f"{i} x")
                if i % 500 == 0:
                    carol.send(wire.message("dave", f"round {i}"))
                    dave.expect("Message", message_content=f"round {i}")
                    most = max(most, server.memory_bytes())
    # The messages are 65 MB. What is on its way is a page or two of 64 KiB, what was read a cache of
    # 1 MiB; the rest is the allocator's and RocksDB's, for blocks and filters.
    assert most - before < 16 * MIB, f"{before / MIB:.1f} MiB, at most {most / MIB:.1f} MiB"
    print(f"{before / MIB:.1f} MiB before, at most {most / MIB:.1f} MiB")


def test_messages_beyond_what_may_wait_are_refused_and_the_rest_kept(start_kept):
    server = start_kept({"limits": {"waiting_bytes_per_user_max": "100KiB"}})
    server.add_users("alice", "bob", "carol", contacts=True)
    with log_in(server.address, "alice", **RECEIPTS) as alice:
        kept, refused, settled = [], 0, 0
        for i in range(300):
            alice.send(wire.message("bob", f"{i} " + "x" * 1000))
            while settled <= i:
                frame = alice.receive()
                if frame.name == "Rejected":
                    assert frame["code"] == wire.UNAVAILABLE
                    refused = frame["number"]
                else:
                    settled = frame["up_to"]
            if refused != i + 1:
                kept.append(i)
    assert 50 < len(kept) < 150 and refused
    with log_in(server.address, "bob") as bob:
        for i in kept:
            assert bob.expect("Message")["message_content"].startswith(f"{i} ")
    expect_nothing_waits(server)
