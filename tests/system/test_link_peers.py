"""Peers that are not what they should be: what a server takes from a link, and what it does not.

The test itself is x.example, frame by frame, and dials or is dialled."""

import itertools
import os
import socket

import pytest

import wire
from fake_peer import FEATURES, FakeLink, FakePeer
from federation import FEATURES as USER_FEATURES
from federation import LIMITS, User, numbered, send
from server import Server
from session import Session

ALICE, BOB, XAVER = "alice@a.example", "bob@a.example", "xaver@x.example"

streams = itertools.count(1000)


def peer_table(name="x.example", **changes):
    return {"name": name, "allow_plain": True, "dial": False, **changes}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """a.example, that waits for x.example to dial."""
    extra = {"limits": LIMITS, "peer": [peer_table(), peer_table("y.example")]}
    with Server(tmp_path_factory.mktemp("peers"), extra) as server:
        server.add_users("alice", "bob", contacts=True)
        for address in (XAVER, "yves@y.example"):
            assert server.admin("user contact add", name="alice", address=address)["ok"]
        assert server.admin("channel create", name="#room")["ok"]
        yield server


@pytest.fixture
def link(server):
    with FakeLink("x.example", server.address) as link:
        yield link


@pytest.fixture
def alice(server):
    with User(server.address) as session:
        yield session.log_in("alice", features=USER_FEATURES)


# --- who may link ---

def test_known_peer_is_let_in_with_the_features_that_both_know(link):
    link.link(0xFFFFFFFF)
    assert link.features == FEATURES | wire.HISTORY or link.features == FEATURES


@pytest.mark.parametrize("name", ["nobody.example", "a.example", "", "X", "x.example.", "x.example ",
                                  "x" * 300, "alice@x.example"])
def test_unknown_name_is_0x03_and_the_end(server, name):
    with FakeLink(name, server.address) as link:
        link.refused()


def test_name_in_upper_case_is_the_same_server(server):
    with FakeLink("X.Example", server.address) as link:
        link.link()


@pytest.mark.parametrize("version", [1, 255])
def test_other_major_version_is_closed_without_an_answer(server, version):
    with Session(server.address) as session:
        session.send(wire.encode("Handshake", ver_major=version, ver_minor=4, features=FEATURES),
                     wire.encode("ServerAuth", name="x.example"))
        session.expect_end()


def test_peer_that_must_use_tls_is_refused_on_a_plain_link(start):
    pin = "sha256/" + "A" * 43 + "="
    server = start({"peer": [{"name": "x.example", "public_key": pin, "dial": False}]})
    with FakeLink("x.example", server.address) as link:
        link.refused()


def test_user_cannot_go_on_as_a_server_nor_a_server_as_a_user(server, link):
    link.link()
    link.send(wire.encode("UserAuth", username="alice", password="secret"))
    link.expect_error_and_end(wire.NOT_ALLOWED)
    with User(server.address) as session:
        session.log_in("alice", features=None)
        session.send(wire.encode("ServerAuth", name="x.example"))
        session.expect_error_and_end(wire.NOT_ALLOWED)
        session.features = None


# --- what a link may say ---

def test_message_of_the_peers_user_is_delivered(link, alice):
    link.link()
    assert link.resume(next(streams)) == 0
    link.say(XAVER, ALICE, "hello", timestamp=5)
    alice.expect("Message", source=XAVER, target=ALICE, timestamp=5, message_content="hello")
    assert link.settle(1) == {}


@pytest.mark.parametrize("source, target, counted", [
    (BOB, ALICE, "refused_source"), ("yves@y.example", ALICE, "refused_source"),
    ("alice@a.example", ALICE, "refused_source"), ("bob", ALICE, "refused_other"),
    ("", ALICE, "refused_other"), ("server@a.example", ALICE, "refused_source"),
    ("@x.example", ALICE, None), ("xa ver@x.example", ALICE, None),
    ("#room@x.example", ALICE, None), ("#room@a.example", ALICE, None),
    (XAVER, "yves@y.example", "refused_transit"), (XAVER, "#room@y.example", "refused_channel"),
    (BOB, "#room@y.example", None), (BOB, "yves@y.example", None),
    (XAVER, "nobody@a.example", None), (XAVER, "bob@a.example", None),
    (XAVER, "#room@a.example", None), (XAVER, "#none@a.example", None),
    (XAVER, "", None), (XAVER, "alice", None), (XAVER, "xaver@x.example", None)],
    ids=lambda value: str(value) or "empty")
def test_what_a_link_may_not_say_is_0x02_and_dropped(server, link, alice, source, target, counted):
    link.link()
    link.resume(next(streams))
    before = peer_of(server)[counted] if counted else 0
    link.say(source, target, "forged")
    link.say(XAVER, ALICE, "honest")
    assert link.settle(2) == {1: wire.NOT_FOUND}
    alice.expect("Message", source=XAVER, message_content="honest")
    if counted:
        assert peer_of(server)[counted] == before + 1


def peer_of(server, name="x.example"):
    answer = server.admin("link list")
    assert answer["ok"], answer
    return next(item for item in answer["links"] if item["name"] == name)


def test_copy_of_the_peers_channel_reaches_its_members_and_nobody_else(server, link, alice):
    link.link()
    link.resume(next(streams))
    with User(server.address) as bob:
        bob.log_in("bob", features=USER_FEATURES)
        alice.send(wire.encode("Join", tag=5, user="", channel="#club@x.example"))
        request = link.expect("Join", user=ALICE, channel="#club@x.example")
        link.send(wire.encode("Result", tag=request["tag"], code=0))
        alice.expect("Result", tag=5, code=0)
        # Whoever wrote it, if the channel is the peer's.
        for number, source in enumerate((XAVER, "yves@y.example", BOB), 1):
            link.say(source, "#club@x.example", f"copy {number}")
            alice.expect("Message", source=source, target="#club@x.example",
                         message_content=f"copy {number}")
        link.settle(3)
        bob.send(wire.encode("Ping", token=1))
        bob.expect("Pong")
    alice.send(wire.encode("Leave", tag=6, user="", channel="#club@x.example"))
    request = link.expect("Leave", user=ALICE)
    link.send(wire.encode("Result", tag=request["tag"], code=0))
    alice.expect("Result", tag=6, code=0)


def test_join_of_somebody_elses_user_is_refused(link):
    link.link()
    for tag, user in enumerate(("alice@a.example", "yves@y.example", "", "xaver", "#room@x.example")):
        link.send(wire.encode("Join", tag=tag, user=user, channel="#room@a.example"))
        link.expect("Result", tag=tag, code=wire.NOT_FOUND)


def test_join_of_what_is_not_here_is_refused(link):
    link.link()
    for tag, channel in enumerate(("#none@a.example", "#room@y.example", "#room@x.example", "room",
                                   "")):
        link.send(wire.encode("Join", tag=tag, user=XAVER, channel=channel))
        link.expect("Result", tag=tag, code=wire.NOT_FOUND)


def test_peers_user_joins_talks_and_leaves(server, link):
    link.link()
    link.resume(next(streams))
    link.send(wire.encode("Join", tag=7, user=XAVER, channel="#room@a.example"))
    link.expect("Result", tag=7, code=0)
    with User(server.address) as bob:
        bob.log_in("bob", features=USER_FEATURES)
        assert bob.ask("Join", user="", channel="#room")[0] == 0
        bob.send(wire.message("#room", "hi all"))
        link.expect("Message", source=BOB, target="#room@a.example", message_content="hi all")
        link.accept()
        bob.wait_accepted(1)
        link.say(XAVER, "#room@a.example", "hi bob")
        bob.expect("Message", source=XAVER, target="#room@a.example", message_content="hi bob")
        assert link.settle(1) == {}
        # A copy for the other sessions that it may have.
        if not link.early:
            link.expect("Message", source=XAVER, message_content="hi bob")
        link.accept()
        link.send(wire.encode("Leave", tag=8, user=XAVER, channel="#room@a.example"))
        link.expect("Result", tag=8, code=0)
        link.say(XAVER, "#room@a.example", "still here?")
        assert link.settle(2) == {2: wire.NOT_FOUND}
        assert bob.ask("Leave", user="", channel="#room")[0] == 0


@pytest.mark.parametrize("frame", [
    wire.encode("ContactAdd", tag=1, address="a@a.example"), wire.encode("List", tag=1, kind=1, of=""),
    wire.encode("HistoryRequest", tag=1, address="", after=0, limit=1),
    wire.encode("ServerAuth", name="x.example"),
    wire.encode("Handshake", ver_major=0, ver_minor=4)],
    ids=["ContactAdd", "List", "History", "ServerAuth", "Handshake"])
def test_payload_that_links_do_not_know_ends_the_link(link, frame):
    link.link()
    link.send(frame)
    link.expect_error_and_end(wire.NOT_ALLOWED)


# --- rubbish ---

@pytest.mark.parametrize("frame", [
    wire.raw(0x05, b"\x00"), wire.raw(0x05, b"\x00\x01\xff\x00\x00" + bytes(10)),
    wire.raw(0x42, b"\x00"), wire.raw(0x4E, bytes(15)), wire.raw(0x4E, bytes(17)),
    wire.raw(0x46, b"\x00"), wire.raw(0x43, bytes(8))])
def test_malformed_payload_is_0x40_and_the_end(server, link, alice, frame):
    link.link()
    link.resume(next(streams))
    link.send(frame)
    link.expect_error_and_end(wire.MALFORMED)
    link_again(server, alice)


def link_again(server, alice):
    with FakeLink("x.example", server.address) as link:
        link.link()
        link.resume(next(streams))
        link.say(XAVER, ALICE, "after that")
        alice.expect("Message", message_content="after that")


def test_random_bytes_end_the_link_and_nothing_else(server, alice):
    for length in (1, 2, 3, 100, 10_000, 300_000):
        with FakeLink("x.example", server.address) as link:
            link.link()
            try:
                link.send(bytes([0x20]) + os.urandom(length))
                link.socket.shutdown(socket.SHUT_WR)
                while link.receive() is not None:
                    pass
            except ConnectionError:
                pass
            except wire.Malformed as error:
                raise AssertionError("the server sent what is no frame") from error
    link_again(server, alice)


def test_numbers_that_were_never_sent_are_not_believed(server, link, alice):
    """Accepted beyond what was sent, Rejected of nothing, a Result that nobody asked for."""
    link.link()
    link.resume(next(streams))
    link.send(wire.encode("Result", tag=1, code=0), wire.encode("Accepted", up_to=2**64 - 1),
              wire.encode("Rejected", number=2**63, code=2))
    link.expect_error_and_end(wire.NOT_ALLOWED)
    link_again(server, alice)
    # Nothing that is sent later counts as accepted by that.
    with FakeLink("x.example", server.address) as again:
        alice.send(wire.message(XAVER, "for real"))
        again.link()
        again.expect("Message", source=ALICE, message_content="for real")
        again.accept()
        again.send(wire.encode("Ping", token=3))


# --- floods and slow readers ---

def test_flood_of_a_peer_does_not_stop_the_users(server, link, alice):
    link.link()
    link.resume(next(streams))
    count = 20_000
    link.socket.settimeout(60)
    flood = b"".join(wire.message("nobody@a.example", "x" * 50, source=XAVER) for _ in range(100))
    answers = 0
    with User(server.address) as bob:
        bob.log_in("bob", features=USER_FEATURES)
        for i in range(count // 100):
            link.send(flood)
            bob.send(wire.message("alice", f"{i}"))
            alice.expect("Message", source=BOB, message_content=f"{i}")
            answers = max(answers, *link.settle((i + 1) * 100))
        bob.wait_accepted(count // 100)
    assert answers == count


def test_peer_that_stops_reading_is_ended_and_what_it_missed_is_kept(start):
    server = start({"limits": {**LIMITS, "output_bytes_max": "256KiB",
                               "output_stall_timeout": "500ms"},
                    "peer": [peer_table()]})
    server.add_users("alice", "bob", contacts=True)
    assert server.admin("user contact add", name="alice", address=XAVER)["ok"]
    with FakePeer("x.example") as peer, User(server.address) as alice, \
         User(server.address) as bob:
        alice.log_in("alice")
        bob.log_in("bob")
        link = peer.dial(server.address, receive_buffer=1 << 14)
        link.resume(next(streams))
        text = "x" * 20_000
        count = 300
        for i in range(count):
            alice.send(wire.message(XAVER, f"{i} {text}"), wire.message("bob", f"{i}"))
            bob.expect("Message", message_content=f"{i}")
        alice.wait_accepted(2 * count)
        server.wait_closed("too_slow", 1, 5)
        link.close()
        link = peer.dial(server.address)
        for i in range(count):
            assert link.expect("Message")["message_content"].startswith(f"{i} ")
        link.accept()
        link.send(wire.encode("Ping", token=1))


# --- streams, from the peer ---

def test_numbers_that_were_taken_are_skipped_when_they_come_again(server, alice):
    stream = next(streams)
    with FakeLink("x.example", server.address) as link:
        link.link()
        assert link.resume(stream) == 0
        for i in range(1, 11):
            link.say(XAVER, ALICE, f"number {i}")
        assert link.settle(10) == {}
    with FakeLink("x.example", server.address) as link:
        link.link()
        # It does not know that they arrived, says so, and is told.
        assert link.resume(stream, following=1 if stream % 2 else 11) == 10
        link.say(XAVER, ALICE, "number 11")
        assert link.settle(11) == {}
    for i in range(1, 12):
        alice.expect("Message", source=XAVER, message_content=f"number {i}")


def test_new_stream_begins_at_one_and_the_old_one_is_forgotten(server, alice):
    one, two = next(streams), next(streams)
    for stream, held in ((one, 0), (one, 1), (two, 0), (two, 1), (one, 0)):
        with FakeLink("x.example", server.address) as link:
            link.link()
            assert link.resume(stream, following=held + 1) == held
            link.say(XAVER, ALICE, f"{stream} {held}")
            alice.expect("Message", message_content=f"{stream} {held}")
            link.settle(held + 1)


def test_rejected_numbers_count_as_held(server, alice):
    stream = next(streams)
    with FakeLink("x.example", server.address) as link:
        link.link()
        link.resume(stream)
        for target in ("nobody@a.example", ALICE, "nobody@a.example"):
            link.say(XAVER, target, "mixed")
        assert link.settle(3) == {1: wire.NOT_FOUND, 3: wire.NOT_FOUND}
    alice.expect("Message", message_content="mixed")
    with FakeLink("x.example", server.address) as link:
        link.link()
        assert link.resume(stream, following=4) == 3


def test_message_before_linkresume_ends_the_link(link, alice):
    link.link()
    link.say(XAVER, ALICE, "too early")
    frame = link.receive()
    assert frame is not None and frame.name == "Error", frame
    link.expect_end()


def test_receipts_without_resume_count_in_the_session(server, alice):
    for _ in range(2):
        with FakeLink("x.example", server.address) as link:
            link.link(wire.PING | wire.RECEIPTS)
            assert link.features == wire.PING | wire.RECEIPTS
            link.say(XAVER, ALICE, "one")
            link.say(XAVER, "nobody@a.example", "two")
            assert link.settle(2) == {2: wire.NOT_FOUND}
        alice.expect("Message", message_content="one")


def test_peer_without_extensions_gets_errors_and_no_receipts(server, alice):
    with FakeLink("x.example", server.address) as link:
        link.link(None)
        link.say(XAVER, "nobody@a.example", "x")
        link.expect("Error", code=wire.NOT_FOUND)
        link.say(XAVER, ALICE, "plain")
        alice.expect("Message", source=XAVER, message_content="plain")
        alice.send(wire.message(XAVER, "plain too"))
        link.expect("Message", source=ALICE, target=XAVER, message_content="plain too")


# --- streams, to the peer ---

@pytest.fixture
def lonely(start_kept):
    """A server with a store, alice, and a peer that is not there yet."""
    server = start_kept({"limits": LIMITS, "peer": [peer_table()]})
    server.add_users("alice")
    assert server.admin("user contact add", name="alice", address=XAVER)["ok"]
    return server


def write(server, first, end):
    with User(server.address) as alice:
        send(alice.log_in("alice"), XAVER, numbered(first, end))


def expect_from(link, first, end):
    for i in range(first, end):
        link.expect("Message", source=ALICE, target=XAVER, message_content=f"message {i}")


def test_what_was_not_accepted_comes_again_and_what_was_does_not(lonely):
    write(lonely, 0, 100)
    with FakePeer("x.example") as peer:
        link = peer.dial(lonely.address)
        expect_from(link, 0, 60)
        link.accept(40)
        link.reset()
        link = peer.dial(lonely.address)
        expect_from(link, 40, 100)
        link.accept()
        stream = link.their_stream
        write(lonely, 100, 110)
        expect_from(link, 100, 110)
        link.accept()
        lonely.restart()
        link = peer.dial(lonely.address)
        write(lonely, 110, 111)
        expect_from(link, 110, 111)
        assert link.their_stream == stream and link.their_number == 111


def test_peer_that_lost_its_store_gets_what_was_not_accepted_and_no_number_twice(lonely):
    write(lonely, 0, 10)
    with FakePeer("x.example") as peer:
        link = peer.dial(lonely.address)
        expect_from(link, 0, 10)
        link.accept(6)
        first_stream = link.their_stream
        # Until the other side has seen it.
        link.send(wire.encode("Ping", token=1))
        write(lonely, 10, 11)
        expect_from(link, 10, 11)
        link.reset()
        # It holds less than it accepted once: what is missing there cannot be sent again, and a
        # stream without a hole must begin.
        peer.held.clear()
        numbers = {}
        for _ in range(3):
            link = peer.dial(lonely.address)
            frame = link.expect("Message")
            numbers.setdefault(link.their_stream, frame["message_content"])
            if link.their_stream != first_stream:
                break
            link.close()
        assert frame["message_content"] == "message 6"
        expect_from(link, 7, 11)


def test_peer_that_holds_more_than_was_sent_gets_a_new_stream(lonely):
    """So it is when this side's store was restored from an older backup."""
    write(lonely, 0, 5)
    with FakePeer("x.example") as peer:
        link = peer.dial(lonely.address)
        expect_from(link, 0, 5)
        link.accept()
        stream = link.their_stream
        link.close()
        peer.held[stream] = 500
        write(lonely, 5, 8)
        link = peer.dial(lonely.address)
        expect_from(link, 5, 8)
        assert link.their_stream != stream and link.their_number == 3


def test_rejected_message_bounces_and_the_rest_is_delivered(lonely):
    with FakePeer("x.example") as peer, User(lonely.address) as alice:
        alice.log_in("alice")
        link = peer.dial(lonely.address)
        for i in range(3):
            alice.send(wire.message(XAVER, f"message {i}", timestamp=i))
        expect_from(link, 0, 3)
        link.send(wire.encode("Rejected", number=2, code=wire.NOT_FOUND))
        link.accept()
        alice.wait_accepted(3)
        alice.expect("Bounce", target=XAVER, timestamp=1, code=wire.NOT_FOUND)
        link.close()
        link = peer.dial(lonely.address)
        write(lonely, 3, 4)
        expect_from(link, 3, 4)


def test_peer_with_receipts_but_without_resume_gets_again_what_it_did_not_accept(lonely):
    write(lonely, 0, 20)
    features = wire.PING | wire.RECEIPTS
    with FakePeer("x.example") as peer:
        link = peer.dial(lonely.address, features)
        expect_from(link, 0, 20)
        link.send(wire.encode("Accepted", up_to=15))
        link.send(wire.encode("Ping", token=1))
        link.expect_pong = True
        write(lonely, 20, 21)
        expect_from(link, 20, 21)
        link.reset()
        link = peer.dial(lonely.address, features)
        expect_from(link, 15, 21)


def test_peer_without_extensions_gets_what_waits_once(lonely):
    write(lonely, 0, 20)
    with FakePeer("x.example") as peer:
        link = peer.dial(lonely.address, None)
        expect_from(link, 0, 20)
        write(lonely, 20, 30)
        expect_from(link, 20, 30)
        link.close()
        write(lonely, 30, 31)
        link = peer.dial(lonely.address, None)
        # What its TCP acknowledged counts as delivered.
        expect_from(link, 30, 31)


# --- dialling ---

def test_dialled_peer_hears_the_servers_name_and_is_kept_with_pings(start):
    with FakePeer("x.example") as peer:
        server = start({"limits": {**LIMITS, "link_ping_interval": "300ms"},
                        "peer": [peer_table(address=peer.address, dial=True)]})
        accepted, _ = peer.listener.accept()
        with FakeLink("x.example", accepted=accepted) as link:
            assert link.welcome() == "a.example"
            link.answers = False
            while (frame := link.receive()).name != "Ping":
                assert frame.name == "LinkResume"
            link.send(wire.encode("Pong", token=frame["token"]))
            # It is alive as long as it answers, and not any longer.
            link.expect("Ping")
            while link.receive() is not None:
                pass
        # And is dialled again.
        peer.accept().close()
        assert server.get("/livez")[0] == 200


@pytest.mark.parametrize("answer", [
    b"", wire.encode("Error", code=3), wire.raw(0x20), wire.raw(0x05, b"x"),
    wire.encode("Handshake", ver_major=9, ver_minor=0, features=0),
    wire.encode("Message", source="", target="", timestamp=0, message_content=""),
    b"HTTP/1.1 400 Bad Request\r\n\r\n"],
    ids=["end", "error", "unknown", "malformed", "version", "message", "http"])
def test_dialled_peer_that_answers_wrongly_is_dialled_again(start, answer):
    with FakePeer("x.example") as peer:
        server = start({"limits": LIMITS, "peer": [peer_table(address=peer.address, dial=True)]})
        server.add_users("alice")
        assert server.admin("user contact add", name="alice", address=XAVER)["ok"]
        write(server, 0, 3)
        for _ in range(2):
            accepted, _ = peer.listener.accept()
            accepted.sendall(answer)
            accepted.close()
        link = peer.accept()
        expect_from(link, 0, 3)


def test_second_link_of_the_same_peer_replaces_the_first(server, alice):
    stream = next(streams)
    with FakeLink("x.example", server.address) as one, \
         FakeLink("x.example", server.address) as two:
        one.link()
        one.resume(stream)
        one.say(XAVER, ALICE, "on the first")
        alice.expect("Message", message_content="on the first")
        two.link()
        assert two.resume(stream, following=2) == 1
        two.say(XAVER, ALICE, "on the second")
        alice.expect("Message", message_content="on the second")
        while (frame := one.receive()) is not None:
            assert frame.name in ("Accepted", "Error")
