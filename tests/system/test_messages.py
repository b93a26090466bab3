"""Messages, channels, receipts, requests and the service address over real sockets."""

import itertools

import pytest

import wire
from conftest import OPEN
from session import log_in

ALL = wire.PING | wire.RECEIPTS | wire.REQUESTS
numbers = itertools.count()


@pytest.fixture(scope="module")
def server(closed_server):
    return closed_server


@pytest.fixture
def pair(server):
    """Two users who are each other's contacts, new for each test."""
    number = next(numbers)
    names = f"alice{number}", f"bob{number}"
    server.add_users(*names, contacts=True)
    return names


def test_message_arrives_with_full_addresses_and_the_senders_timestamp(server, pair):
    alice, bob = pair
    with log_in(server.address, alice) as one, log_in(server.address, bob) as two:
        one.send(wire.message(bob, "Cześć, 🙂", timestamp=2**64 - 1))
        two.expect("Message", source=f"{alice}@a.example", target=f"{bob}@a.example",
                   timestamp=2**64 - 1, message_content="Cześć, 🙂")


@pytest.mark.parametrize("source", ["", "{0}", "{0}@a.example", "{0}@A.example"])
def test_source_may_be_empty_or_oneself(server, pair, source):
    with log_in(server.address, pair[0]) as one, log_in(server.address, pair[1]) as two:
        one.send(wire.message(f"{pair[1]}@a.example", "x", source=source.format(*pair)))
        two.expect("Message", source=f"{pair[0]}@a.example")


def test_whole_message_passes_byte_for_byte(server, pair):
    alice, bob = pair
    with log_in(server.address, alice) as one, log_in(server.address, bob) as two:
        sent = wire.message(f"{bob}@a.example", "as it is", source=f"{alice}@a.example", timestamp=7)
        one.send(sent)
        got = b""
        while len(got) < len(sent):
            data = two.socket.recv(len(sent) - len(got))
            assert data
            got += data
        assert got == sent


@pytest.mark.parametrize("source, target", [
    ("{1}", "{1}"), ("{0}@b.example", "{1}"), ("#x", "{1}"), ("{0} ", "{1}"), ("", "nobody"),
    ("", "{1}@b.example"), ("", "#nochannel"), ("", ""), ("", "#"), ("", "{1}@"), ("", "{1}@a@b"),
    ("", "a..b"), ("", "a b")], ids=str)
def test_message_that_cannot_go_is_0x02_and_dropped(server, pair, source, target):
    with log_in(server.address, pair[0]) as one, log_in(server.address, pair[1]) as two:
        one.send(wire.message(target.format(*pair), "x", source=source.format(*pair)))
        assert one.fence() == [{"code": wire.NOT_FOUND}]
        assert two.fence() == []


@pytest.mark.parametrize("adds", [(), (0,), (1,)], ids=["neither", "sender only", "target only"])
def test_both_sides_must_be_contacts(server, adds):
    number = next(numbers)
    names = f"lone{number}", f"other{number}"
    server.add_users(*names)
    for side in adds:
        assert server.admin("user contact add", name=names[side], address=names[1 - side])["ok"]
    with log_in(server.address, names[0]) as one, log_in(server.address, names[1]) as two:
        one.send(wire.message(names[1], "x"))
        one.expect("Error", code=wire.NOT_FOUND)
        assert two.fence() == []


def test_messages_wait_for_who_is_away_oldest_first(server, pair):
    alice, bob = pair
    with log_in(server.address, alice) as one:
        one.send(*[wire.message(bob, f"waiting {i}") for i in range(500)])
        assert one.fence() == []
    with log_in(server.address, bob) as two:
        for i in range(500):
            two.expect("Message", message_content=f"waiting {i}")
    with log_in(server.address, bob) as two:
        assert two.fence() == [], "they were delivered, and must not come again"


def test_every_session_of_a_user_receives(server, pair):
    alice, bob = pair
    sessions = [log_in(server.address, bob) for _ in range(5)]
    with log_in(server.address, alice) as one:
        one.send(*[wire.message(bob, str(i)) for i in range(20)])
        for session in sessions:
            for i in range(20):
                session.expect("Message", message_content=str(i))
    for session in sessions:
        session.close()


def test_message_to_oneself_is_like_any_other(server, pair):
    assert server.admin("user contact add", name=pair[0], address=pair[0])["ok"]
    with log_in(server.address, pair[0]) as one:
        one.send(wire.message(pair[0], "note"))
        one.expect("Message", source=f"{pair[0]}@a.example", message_content="note")


def test_content_of_60_kib_passes_and_one_byte_more_is_0x42(server, pair):
    alice, bob = pair
    with log_in(server.address, alice) as one, log_in(server.address, bob) as two:
        one.send(wire.message(bob, "x" * wire.CONTENT_BYTES_MAX),
                 wire.message(bob, "x" * (wire.CONTENT_BYTES_MAX + 1)), wire.message(bob, "after"))
        assert one.fence() == [{"code": wire.OVER_LIMIT}]
        assert len(two.expect("Message")["message_content"]) == wire.CONTENT_BYTES_MAX
        two.expect("Message", message_content="after")


# --- channels ---

def test_channel_reaches_every_session_but_the_one_that_sent(server, pair):
    alice, bob = pair
    room = f"#room{next(numbers)}"
    with log_in(server.address, alice, features=ALL) as one, \
         log_in(server.address, alice, features=ALL) as same, \
         log_in(server.address, bob, features=ALL) as two:
        assert one.ask("Join", user="", channel=room) == (0, [])
        assert two.ask("Join", user=bob, channel=f"{room}@a.example") == (0, [])
        one.send(wire.message(room, "hello all"))
        for session in (same, two):
            session.expect("Message", source=f"{alice}@a.example", target=f"{room}@a.example",
                           message_content="hello all")
        one.expect("Accepted", up_to=1)
        one.send(wire.encode("Ping", token=5))
        one.expect("Pong", token=5)


def test_members_see_one_order(server):
    names = [f"member{next(numbers)}" for _ in range(6)]
    room = f"#order{next(numbers)}"
    server.add_users(*names)
    sessions = [log_in(server.address, name, features=wire.REQUESTS) for name in names]
    watcher_name = f"watcher{next(numbers)}"
    server.add_users(watcher_name)
    watchers = [log_in(server.address, watcher_name, features=wire.REQUESTS) for _ in range(2)]
    for session in sessions + watchers:
        assert session.ask("Join", user="", channel=room)[0] == 0
    for i in range(40):
        for session in sessions:
            session.send(wire.message(room, str(i)))
    seen = [[(frame["source"], frame["message_content"])
             for frame in (watcher.expect("Message") for _ in range(40 * len(names)))]
            for watcher in watchers]
    assert seen[0] == seen[1]
    for name in names:
        assert [content for source, content in seen[0] if source == f"{name}@a.example"] == \
            [str(i) for i in range(40)]
    # A sender misses its own, and has the rest in the same order.
    for session, name in zip(sessions, names):
        others = [entry for entry in seen[0] if entry[0] != f"{name}@a.example"]
        got = [session.expect("Message") for _ in range(len(others))]
        assert [(frame["source"], frame["message_content"]) for frame in got] == others
        session.close()
    for watcher in watchers:
        watcher.close()


def test_who_left_neither_sends_nor_receives(server, pair):
    alice, bob = pair
    room = f"#left{next(numbers)}"
    with log_in(server.address, alice, features=wire.REQUESTS) as one, \
         log_in(server.address, bob, features=wire.REQUESTS) as two:
        for session in (one, two):
            assert session.ask("Join", user="", channel=room)[0] == 0
        assert two.ask("Leave", user="", channel=room)[0] == 0
        assert two.ask("Leave", user="", channel=room)[0] == wire.NOT_FOUND
        two.send(wire.message(room, "still here?"))
        two.expect("Error", code=wire.NOT_FOUND)
        one.send(wire.message(room, "gone?"))
        assert one.fence() == [] and two.fence() == []


def test_only_administrators_create_channels_if_the_policy_says_so(start):
    server = start({**OPEN, "policy": {**OPEN["policy"], "channels": "admin"}})
    with log_in(server.address, "alice", features=wire.REQUESTS) as one:
        assert one.ask("Join", user="", channel="#new")[0] == wire.NOT_FOUND
        assert server.admin("channel create", name="#new")["ok"]
        assert one.ask("Join", user="", channel="#new")[0] == 0


# --- receipts ---

def test_receipts_count_every_message_and_name_the_refused(server, pair):
    with log_in(server.address, pair[0], features=ALL) as one:
        one.send(*[wire.message(pair[1] if i % 3 else "nobody", "x") for i in range(1, 31)])
        rejected, up_to = [], 0
        while up_to < 30:
            frame = one.receive()
            if frame.name == "Rejected":
                assert frame["code"] == wire.NOT_FOUND
                assert frame["number"] > up_to, "named before the Accepted that covers it"
                rejected.append(frame["number"])
            else:
                assert frame.name == "Accepted" and frame["up_to"] > up_to
                up_to = frame["up_to"]
        assert up_to == 30 and sorted(rejected) == list(range(3, 31, 3))


def test_without_receipts_nothing_answers_a_message_that_went_through(server, pair):
    with log_in(server.address, pair[0], features=wire.PING) as one:
        one.send(wire.message(pair[1], "x"), wire.encode("Ping", token=1))
        one.expect("Pong", token=1)


# --- requests ---

def test_contacts_are_added_listed_and_removed(server):
    names = [f"contact{next(numbers)}" for _ in range(2)]
    server.add_users(*names)
    with log_in(server.address, names[0], features=wire.REQUESTS) as one, \
         log_in(server.address, names[1], features=wire.REQUESTS) as two:
        assert one.ask("List", kind=1, of="") == (0, [])
        assert one.ask("ContactAdd", address=names[1])[0] == 0
        code, items = one.ask("List", kind=1, of="")
        assert code == 0
        assert [(item["address"], item["flags"] & 1) for item in items] == \
            [(f"{names[1]}@a.example", 0)]
        assert two.ask("ContactAdd", address=f"{names[0]}@a.example")[0] == 0
        # The other side's consent comes from the other user's shard: soon, and not at once.
        for _ in range(1000):
            if one.ask("List", kind=1, of="")[1][0]["flags"] & 1:
                break
        else:
            raise AssertionError("the other side's consent never showed")
        assert one.ask("ContactRemove", address=names[1])[0] == 0
        assert one.ask("ContactRemove", address=names[1])[0] == wire.NOT_FOUND
        assert one.ask("List", kind=1, of="") == (0, [])


def test_channels_and_members_are_listed(server, pair):
    room = f"#list{next(numbers)}"
    with log_in(server.address, pair[0], features=wire.REQUESTS) as one, \
         log_in(server.address, pair[1], features=wire.REQUESTS) as two:
        assert one.ask("Join", user="", channel=room)[0] == 0
        assert [item["address"] for item in one.ask("List", kind=2, of="")[1]] == \
            [f"{room}@a.example"]
        assert [item["address"] for item in one.ask("List", kind=3, of=room)[1]] == \
            [f"{pair[0]}@a.example"]
        assert two.ask("List", kind=3, of=room) == (wire.NOT_FOUND, [])


@pytest.mark.parametrize("name, fields", [
    ("Join", {"user": "", "channel": "nohash"}), ("Join", {"user": "", "channel": "#x@b.example"}),
    ("Join", {"user": "somebody", "channel": "#x"}), ("Leave", {"user": "", "channel": ""}),
    ("ContactAdd", {"address": "#x"}), ("ContactAdd", {"address": ""}),
    ("List", {"kind": 3, "of": "#none"})], ids=str)
def test_request_that_cannot_be_is_answered_with_its_tag(server, pair, name, fields):
    with log_in(server.address, pair[0], features=wire.REQUESTS) as one:
        assert one.ask(name, **fields) == (wire.NOT_FOUND, [])
        assert one.ask("List", kind=1, of="")[0] == 0, "and the session lives on"


def test_pings_are_answered_in_order(server, pair):
    with log_in(server.address, pair[0], features=wire.PING) as one:
        one.send(*[wire.encode("Ping", token=2**32 - 1 - i) for i in range(300)])
        for i in range(300):
            one.expect("Pong", token=2**32 - 1 - i)


# --- the service address ---

def service(session, text, address="server"):
    session.send(wire.message(address, text))
    return session.expect("Message", source="server@a.example")["message_content"]


def test_service_address_does_what_requests_do(server):
    names = [f"plain{next(numbers)}" for _ in range(2)]
    server.add_users(*names)
    room = f"#service{next(numbers)}"
    with log_in(server.address, names[0]) as one, log_in(server.address, names[1]) as two:
        assert "done" in service(one, f"join {room}")
        assert room in service(one, "channels")
        assert names[0] in service(one, f"members {room}")
        assert "not found" in service(two, f"members {room}")
        assert "done" in service(one, f"add {names[1]}")
        assert "not added" in service(one, "contacts")
        assert "done" in service(two, f"add {names[0]}@a.example", "server@a.example")
        one.send(wire.message(names[1], "we are contacts"))
        two.expect("Message", message_content="we are contacts")
        assert "done" in service(one, f"remove {names[1]}")
        assert "done" in service(one, f"leave {room}")
        assert "not found" in service(one, f"leave {room}")
        assert "none" in service(one, "channels")


def test_service_address_answers_a_line_for_a_line(server, pair):
    with log_in(server.address, pair[0]) as one:
        answer = service(one, "help\nbogus\njoin\nhistory bob 20")
        lines = answer.split("\n")
        assert len(lines) == 4
        assert "join #room" in lines[0]
        assert "unknown" in lines[1] and "unknown" in lines[2]
        # Without a data_dir there are no histories.
        assert lines[3] == "history bob: this server keeps no history"
