"""Histories: of chats, of channels, and of all that was sent to a user."""

import re
import threading
import time

import pytest

import wire
from server import SOLEC, WAIT_SECONDS, run
from session import log_in
from terminal import Terminal

ALL = wire.RECEIPTS | wire.REQUESTS | wire.HISTORY
ROOM = "#room"


@pytest.fixture
def server(start_kept):
    """Everybody but eve is everybody's contact; alice and bob are in the room."""
    server = start_kept()
    server.add_users("alice", "bob", "carol", contacts=True)
    server.add_users("eve")
    assert server.admin("channel create", name=ROOM)["ok"]
    for name in ("alice", "bob"):
        assert server.admin("channel join", name=ROOM, user=name)["ok"]
    return server


def send(server, sender, *messages):
    """(target, content) each; returns when all are accepted."""
    with log_in(server.address, sender, features=wire.RECEIPTS) as session:
        for start in range(0, len(messages), 500):
            session.send(*[wire.message(*message) for message in messages[start:start + 500]])
            session.wait_accepted(min(start + 500, len(messages)))


def to(target, first, end):
    return [(target, f"message {i}") for i in range(first, end)]


def contents(items):
    return [item["message_content"] for item in items]


def positions(items):
    return [item["position"] for item in items]


def assert_rising(items):
    assert all(one < two for one, two in zip(positions(items), positions(items)[1:]))


def ask(server, user, address, **options):
    with log_in(server.address, user, features=ALL) as session:
        return session.history(address, **options)


def whole(server, user, address, **options):
    with log_in(server.address, user, features=ALL) as session:
        return session.whole_history(address, **options)


# --- over the wire ---

def test_history_of_a_chat_is_the_same_for_both_and_has_both_sides(server):
    for i in range(0, 30, 2):
        send(server, "alice", ("bob", f"message {i}"))
        send(server, "bob", ("alice@a.example", f"message {i + 1}"))
    send(server, "alice", ("carol", "something else"))
    items = whole(server, "alice", "bob")
    assert whole(server, "bob", "alice@a.example") == items
    assert contents(items) == [f"message {i}" for i in range(30)]
    assert_rising(items)
    for i, item in enumerate(items):
        people = ["alice@a.example", "bob@a.example"]
        assert [item["source"], item["target"]] == (people if i % 2 == 0 else people[::-1])


def test_limit_is_100_if_none_is_named_and_1000_at_most(server):
    send(server, "alice", *to("bob", 0, 1200))
    with log_in(server.address, "alice", features=ALL) as alice:
        for limit, count in ((0, 100), (1, 1), (1000, 1000), (1001, 1000), (65535, 1000)):
            code, items = alice.history("bob", limit=limit)
            assert (code, contents(items)) == (0, [f"message {i}" for i in range(count)])


def test_pages_of_every_size_give_the_same(server):
    send(server, "alice", *to("bob", 0, 150))
    for i in range(50):  # runs of one
        send(server, "alice", *to("bob", 150 + i, 151 + i))
    items = whole(server, "alice", "bob")
    assert contents(items) == [f"message {i}" for i in range(200)]
    for limit in (1, 7, 99, 199, 200):
        assert whole(server, "bob", "alice", limit=limit) == items
    with log_in(server.address, "bob", features=ALL) as bob:
        # From within runs too, and from between positions.
        for i in range(0, 200, 17):
            assert bob.history("alice", positions(items)[i], 1000) == (0, items[i + 1:])
            assert bob.history("alice", positions(items)[i] - 1, 3) == (0, items[i:i + 3])
        last = positions(items)[-1]
        for after in (last, last + 1, 2**64 - 1):
            assert bob.history("alice", after) == (0, [])


def test_history_that_was_not_agreed_on_ends_the_session(server):
    request = wire.encode("HistoryRequest", tag=1, address="bob", after=0, limit=0)
    for features in (None, wire.REQUESTS | wire.RECEIPTS):
        with log_in(server.address, "alice", features=features) as alice:
            alice.send(request)
            alice.expect_error_and_end(wire.NOT_ALLOWED)


def test_contents_of_60_kib_come_whole(server):
    sent = [("bob", f"{i} ".ljust(wire.CONTENT_BYTES_MAX, "xyz"[i % 3])) for i in range(40)]
    send(server, "alice", *sent)
    items = whole(server, "bob", "alice")
    assert contents(items) == [content for _, content in sent]
    assert whole(server, "bob", "alice", limit=3) == items


def test_channel_is_for_its_members(server):
    send(server, "alice", *to(ROOM, 0, 150))
    send(server, "bob", *to(ROOM, 150, 200))
    items = whole(server, "bob", ROOM)
    assert contents(items) == [f"message {i}" for i in range(200)]
    assert {item["target"] for item in items} == {f"{ROOM}@a.example"}
    assert_rising(items)
    assert whole(server, "alice", f"{ROOM}@a.example", limit=33) == items
    assert ask(server, "carol", ROOM) == (wire.NOT_FOUND, [])
    with log_in(server.address, "bob", features=ALL) as bob:
        assert bob.ask("Leave", user="", channel=ROOM)[0] == 0
        assert bob.history(ROOM) == (wire.NOT_FOUND, [])


@pytest.mark.parametrize("address", ["eve", "nobody", "#none", "#none@a.example", "a b", "@", "#"])
def test_strangers_and_what_is_not_there_are_not_found(server, address):
    send(server, "alice", ("bob", "x"), (ROOM, "x"))
    assert ask(server, "carol", address) == (wire.NOT_FOUND, [])


def test_chat_of_contacts_who_have_not_written_yet_is_empty(server):
    assert ask(server, "carol", "bob") == (0, [])


def test_empty_address_is_everything_that_was_sent_to_the_asker(server):
    for i in range(20):
        # One by one: what is for different targets may be kept in any order.
        for message in (("bob", f"alice {i}"), (ROOM, f"room {i}"), ("carol", "not for bob")):
            send(server, "alice", message)
        send(server, "carol", ("bob", f"carol {i}"))
    items = whole(server, "bob", "")
    assert contents(items) == [f"{word} {i}" for i in range(20)
                               for word in ("alice", "room", "carol")]
    assert_rising(items)
    assert whole(server, "bob", "", limit=7) == items
    assert whole(server, "bob", ROOM) == [item for item in items
                                          if item["target"] == f"{ROOM}@a.example"]


@pytest.mark.parametrize("address", ["", ROOM])
def test_who_reads_on_behind_the_last_position_misses_nothing(server, address):
    count = 2000
    target = "bob" if address == "" else ROOM
    with log_in(server.address, "bob", features=wire.REQUESTS) as bob:
        assert bob.ask("List", kind=2, of="")[0] == 0
    if address == ROOM:
        assert server.admin("channel join", name=ROOM, user="carol")["ok"]

    def write(sender):
        with log_in(server.address, sender, features=wire.RECEIPTS) as session:
            for i in range(0, count, 20):
                session.send(*[wire.message(target, f"{sender} {i + j}") for j in range(20)])
                session.wait_accepted(i + 20)

    writers = [threading.Thread(target=write, args=(name,)) for name in ("alice", "carol")]
    items, pages = [], 0
    deadline = time.monotonic() + WAIT_SECONDS
    with log_in(server.address, "bob", features=wire.HISTORY) as bob:
        for writer in writers:
            writer.start()
        while len(items) < 2 * count:
            assert time.monotonic() < deadline, f"{len(items)} of {2 * count}"
            code, page = bob.history(address, items[-1]["position"] if items else 0, 50)
            assert code == 0
            items += page
            pages += bool(page)
    for writer in writers:
        writer.join(WAIT_SECONDS)
    assert pages >= 2 * count / 50
    assert_rising(items)
    for sender in ("alice", "carol"):
        assert [content for content in contents(items) if content.startswith(sender)] == \
            [f"{sender} {i}" for i in range(count)]


def test_history_is_the_same_after_a_restart(server):
    send(server, "alice", *to("bob", 0, 300), *to(ROOM, 0, 300))
    before = whole(server, "bob", "alice"), whole(server, "bob", ROOM), whole(server, "bob", "")
    server.restart()
    after = whole(server, "bob", "alice"), whole(server, "bob", ROOM), whole(server, "bob", "")
    assert after == before
    send(server, "alice", ("bob", "later"))
    assert whole(server, "bob", "alice")[-1]["position"] > before[2][-1]["position"]


def test_new_user_of_an_old_name_sees_nothing_of_the_old_one(server):
    send(server, "alice", *to("bob", 0, 50), *to(ROOM, 0, 50))
    assert server.admin("user remove", name="bob")["ok"]
    server.add_users("bob")
    # Nothing waits either: what is sent now is the first that comes.
    for one, two in (("alice", "bob"), ("bob", "alice")):
        server.admin("user contact add", name=one, address=two)
    assert server.admin("channel join", name=ROOM, user="bob")["ok"]
    with log_in(server.address, "bob", features=wire.HISTORY) as bob:
        for address in ("alice", ROOM, ""):
            assert bob.history(address) == (0, []), address
        deadline = time.monotonic() + WAIT_SECONDS
        while True:  # the contact is the other side's a moment later
            with log_in(server.address, "alice", features=wire.RECEIPTS) as alice:
                alice.send(wire.message("bob", "welcome"))
                while (frame := alice.receive()).name == "Message":
                    pass
            if frame.name == "Accepted":
                break
            assert time.monotonic() < deadline
        bob.expect("Message", message_content="welcome")
        assert contents(bob.history("alice")[1]) == ["welcome"]
    assert len(whole(server, "alice", "bob")) == 51


def test_refused_messages_are_in_no_history(server):
    with log_in(server.address, "alice", features=ALL) as alice:
        alice.send(wire.message("eve", "x"), wire.message("bob", "x" * 61441),
                   wire.message("bob", "good"))
        for _ in range(2):
            alice.expect("Rejected")
        alice.wait_accepted(3)
        assert contents(alice.history("bob")[1]) == ["good"]
        assert alice.history("eve") == (wire.NOT_FOUND, [])


def test_history_by_size_forgets_the_oldest(start_kept):
    server = start_kept({"history": {"chat_bytes_max": "1MiB"}})
    server.add_users("alice", "bob", contacts=True)
    sent = []
    deadline = time.monotonic() + WAIT_SECONDS
    cutoff = 0
    with log_in(server.address, "alice", features=wire.RECEIPTS) as alice:
        while not cutoff:
            assert time.monotonic() < deadline
            batch = [f"{len(sent) + i} ".ljust(2000, "x") for i in range(50)]
            alice.send(*[wire.message("bob", content) for content in batch])
            sent += batch
            alice.wait_accepted(len(sent))
            cutoff = server.metrics()["solec_store_chat_cutoff_now"]
    items = whole(server, "bob", "alice")
    cutoff = server.metrics()["solec_store_chat_cutoff_now"]
    assert items[-1]["message_content"] == sent[-1]
    assert 0 < len(items) < len(sent)
    assert contents(items) == sent[-len(items):]
    with log_in(server.address, "bob", features=wire.HISTORY) as bob:
        # Asked for from the start, it begins behind what is forgotten.
        assert bob.history("alice", 0, 1)[1][0]["position"] > cutoff


# --- for people ---

def solec(server, *words):
    answer = run(SOLEC, *words, "--connect", server.address, env={"SOLEC_PASSWORD": "secret"})
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()


def test_solec_history_prints_the_newest(server):
    send(server, "alice", *to("bob", 0, 250), *to(ROOM, 0, 20))
    lines = solec(server, "history", "bob@a.example", "alice", "--limit", "7")
    assert len(lines) == 7
    assert all(line.endswith(f"message {243 + i}") for i, line in enumerate(lines))
    assert all("alice" in line for line in lines)
    assert len(solec(server, "history", "bob@a.example", ROOM, "--json")) == 20


def test_service_line_gives_the_newest(server):
    send(server, "alice", *to("bob", 0, 50))
    with log_in(server.address, "bob") as bob:
        for i in range(50):
            bob.expect("Message", message_content=f"message {i}")
        for line, count in (("history alice 3", 3), ("history alice", 20)):
            bob.send(wire.message("server", line))
            answer = bob.expect("Message", source="server@a.example")["message_content"]
            assert [int(number) for number in re.findall(r"message (\d+)", answer)] == \
                list(range(50 - count, 50)), answer
            assert "\n" not in answer
        for line in ("history eve 3", f"history {ROOM}x 3"):
            bob.send(wire.message("server", line))
            assert "not found" in bob.expect("Message")["message_content"]


def test_solec_chat_begins_with_what_was_said(server):
    send(server, "alice", *to("bob", 0, 30))
    with log_in(server.address, "bob") as bob:
        for i in range(30):
            bob.expect("Message", message_content=f"message {i}")
    with Terminal([SOLEC, "chat", "bob@a.example", "alice", "--connect", server.address],
                  env={"SOLEC_PASSWORD": "secret"}) as terminal:
        terminal.wait("message 29")
        terminal.wait(r"alice> $")
        assert "message 10" in terminal.text() and "message 9\n" not in terminal.text()
        terminal.type("/quit\r")
        assert terminal.end() == 0
