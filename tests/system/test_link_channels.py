"""Channels that are used from other servers: who is in them, what comes, and from where."""

import itertools

import pytest

import wire
from federation import Federation, ask_until, expect, numbered, rest, send

ALICE, BOB, CAROL = "alice@a.example", "bob@b.example", "carol@c.example"

numbers = itertools.count()


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    with Federation(tmp_path_factory.mktemp("channels"), "abc") as federation:
        federation.start()
        federation.add_users("alice@a", "bob@b", "carol@c")
        for name, server in (("al", "a"), ("ben", "b"), ("bea", "b"), ("cleo", "c")):
            federation[server].add_users(name)
        yield federation


@pytest.fixture
def room(three):
    """A channel of b, with its full address."""
    name = f"#room{next(numbers)}"
    assert three["b"].admin("channel create", name=name)["ok"]
    return f"{name}@b.example"


def bare(room):
    return room.split("@")[0]


def join(session, room):
    ask_until(session, "Join", user="", channel=room)


def leave(session, room):
    ask_until(session, "Leave", user="", channel=room)


def members(three, room):
    """As its server knows them."""
    answer = three["b"].admin("channel members", name=bare(room))
    assert answer["ok"], answer
    return [item["text"] for item in answer["items"]]


def test_members_of_all_servers_see_one_order_and_their_own_not_at_all(three, room):
    users = ["alice@a", "al@a", "bob@b", "ben@b", "carol@c"]
    sessions = {user: three.log_in(user) for user in users}
    for session in sessions.values():
        join(session, room)
    assert sorted(members(three, room)) == sorted(f"{user}.example" for user in users)
    for i in range(30):
        for session in sessions.values():
            session.send(wire.message(room, str(i)))
    seen = {}
    for user, session in sessions.items():
        seen[user] = []
        while len(seen[user]) < 30 * (len(users) - 1):
            frame = session.receive()
            if frame.name == "Message":
                assert frame["target"] == room
                seen[user].append((frame["source"], frame["message_content"]))
        assert rest(session) == []
        for sender in users:
            of_sender = [text for source, text in seen[user] if source == f"{sender}.example"]
            assert of_sender == ([] if sender == user else [str(i) for i in range(30)])
    # One order: without the messages of the two who are compared, they are the same.
    for one, other in itertools.combinations(users, 2):
        left = [[entry for entry in seen[user] if entry[0] not in
                 (f"{one}.example", f"{other}.example")] for user in (one, other)]
        assert left[0] == left[1], f"{one} and {other} saw different orders"
    for session in sessions.values():
        session.leave()


def test_each_message_crosses_a_link_once_whatever_the_number_of_members(three, room):
    users = ["alice@a", "al@a"]
    sessions = [three.log_in(user) for user in users for _ in range(2)]
    for session in (sessions[0], sessions[2]):
        join(session, room)
    with three.log_in("bob@b") as bob:
        join(bob, room)
        for way in three.between("a", "b"):
            way.forget()
        send(bob, room, numbered(0, 20))
        for session in sessions:
            expect(session, numbered(0, 20), BOB, room)
            session.leave()
    passed = [frame["message_content"] for way in three.between("a", "b")
              for frame in way.seen("Message", target=room)]
    assert passed == numbered(0, 20)


def test_other_sessions_of_the_sender_get_what_it_sent_and_the_sending_one_does_not(three, room):
    with three.log_in("alice@a") as sending, three.log_in("alice@a") as other, \
         three.log_in("al@a") as al:
        for session in (sending, al):
            join(session, room)
        # The same text twice: each comes, and neither comes back.
        for i, text in enumerate(["one", "two", "two", "three"]):
            send(sending, room, [text], before=i)
            for session in (other, al):
                expect(session, [text], ALICE, room)
        send(al, room, ["from al"])
        for session in (sending, other):
            expect(session, ["from al"], "al@a.example", room)
        assert rest(sending) == rest(other) == rest(al) == []


def test_who_left_neither_sends_nor_receives_and_leaves_the_list(three, room):
    with three.log_in("alice@a") as alice, three.log_in("al@a") as al, \
         three.log_in("bob@b") as bob:
        for session in (alice, al, bob):
            join(session, room)
        send(bob, room, ["all here"])
        for session in (alice, al):
            expect(session, ["all here"], BOB)
        leave(alice, room)
        assert sorted(members(three, room)) == ["al@a.example", BOB]
        alice.send(wire.message(room, "still here?"))
        assert alice.expect("Rejected", code=wire.NOT_FOUND)["number"] == 1
        send(bob, room, ["gone?"], before=1)
        expect(al, ["gone?"], BOB)
        assert rest(alice) == []
        assert alice.ask("Leave", user="", channel=room)[0] == wire.NOT_FOUND
        leave(al, room)
        assert members(three, room) == [BOB]


def test_list_of_joined_channels_holds_those_of_other_servers(three, room):
    with three.log_in("cleo@c") as cleo:
        join(cleo, room)
        join(cleo, "#cleos")
        code, items = cleo.ask("List", kind=2, of="")
        assert code == 0
        assert sorted(item["address"] for item in items) == sorted([room, "#cleos@c.example"])
        leave(cleo, room)
        leave(cleo, "#cleos")
        assert cleo.ask("List", kind=2, of="") == (0, [])


def test_nobody_creates_a_channel_from_elsewhere(three):
    with three.log_in("alice@a") as alice:
        ask_until(alice, "Join", (wire.NOT_FOUND,), user="", channel="#notthere@b.example")
        _, joined = alice.ask("List", kind=2, of="")
        assert "#notthere@b.example" not in [item["address"] for item in joined]
        assert alice.ask("Join", user="", channel="#x@nowhere.example")[0] == wire.NOT_FOUND
    assert "#notthere" not in [item["text"] for item in three["b"].admin("channel list")["items"]]


def test_who_is_no_member_is_refused_at_home(three, room):
    with three.log_in("alice@a") as alice, three.log_in("bob@b") as bob:
        join(bob, room)
        alice.send(wire.message(room, "let me in"))
        alice.expect("Rejected", number=1, code=wire.NOT_FOUND)
        assert rest(bob) == []


def test_server_that_was_cut_off_catches_up_while_the_others_go_on(three, room):
    with three.log_in("bob@b") as bob, three.log_in("carol@c") as carol, \
         three.log_in("alice@a") as alice:
        for session in (alice, bob, carol):
            join(session, room)
        three.part("a", "b")
        for i in range(0, 300, 100):
            send(bob, room, numbered(i, i + 100), before=i)
            expect(carol, numbered(i, i + 100), BOB, room)
        assert rest(alice) == []
        three.heal("a", "b")
        expect(alice, numbered(0, 300), BOB, room)
        send(alice, room, ["back again"])
        for session in (bob, carol):
            expect(session, ["back again"], ALICE, room)
        assert rest(alice) == []


def test_history_of_what_a_server_missed_while_it_was_down_is_at_the_channels_server(three, room):
    with three.log_in("alice@a") as alice:
        join(alice, room)
    three.stop("a")
    with three.log_in("bob@b") as bob:
        join(bob, room)
        send(bob, room, numbered(0, 50))
        three.start("a")
        with three.log_in("alice@a") as alice:
            send(alice, room, ["I was away"])
            expect(bob, ["I was away"], ALICE, room)
        contents = [item["message_content"] for item in bob.whole_history(room)]
        assert contents == [*numbered(0, 50), "I was away"]


def test_channels_server_that_was_away_gets_what_was_sent_to_it(three, room):
    with three.log_in("alice@a") as alice, three.log_in("carol@c") as carol:
        for session in (alice, carol):
            join(session, room)
        three.kill("b")
        send(alice, room, numbered(0, 100))
        three.start("b")
        expect(carol, numbered(0, 100), ALICE, room)
        assert rest(alice) == rest(carol) == []


def test_history_of_a_channel_is_at_its_server(three, room):
    with three.log_in("alice@a") as alice, three.log_in("bob@b") as bob:
        for session in (alice, bob):
            join(session, room)
        for i in range(5):
            send(alice, room, [f"question {i}"], before=i)
            expect(bob, [f"question {i}"], ALICE)
            send(bob, room, [f"answer {i}"], before=i)
            expect(alice, [f"answer {i}"], BOB)
        items = bob.whole_history(room)
        assert [item["message_content"] for item in items] == \
            [text for i in range(5) for text in (f"question {i}", f"answer {i}")]
        assert all(item["target"] == room for item in items)


def test_service_address_joins_and_leaves_channels_of_other_servers(three, room):
    three.wait_linked(("a", "b"))
    with three.log_in("alice@a", features=None) as alice:
        alice.send(wire.message("server", f"join {room}"))
        alice.expect("Message", source="server@a.example")
        assert members(three, room) == [ALICE]
        alice.send(wire.message("server", "channels"))
        assert room in alice.expect("Message", source="server@a.example")["message_content"]
        alice.send(wire.message("server", f"leave {room}"))
        alice.expect("Message", source="server@a.example")
        assert members(three, room) == []


def test_members_survive_restarts_of_both_servers(three, room):
    with three.log_in("alice@a") as alice:
        join(alice, room)
    for name in ("a", "b"):
        three.kill(name)
        three.start(name)
    with three.log_in("alice@a") as alice, three.log_in("bob@b") as bob:
        join(bob, room)
        send(bob, room, ["still together"])
        expect(alice, ["still together"], BOB, room)
        send(alice, room, ["yes"])
        expect(bob, ["yes"], ALICE, room)
