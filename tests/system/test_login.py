"""From the first byte to Success: handshakes, tries, deadlines."""

import pytest

import wire
from conftest import OPEN
from session import Session, log_in


@pytest.fixture(scope="module")
def server(closed_server):
    closed_server.add_users("alice", "bob", contacts=True)
    return closed_server


def test_short_handshake_is_not_answered(server):
    with Session(server.address) as session:
        session.handshake()
        session.send(wire.encode("UserAuth", username="alice", password="secret"))
        session.expect("Success")


def test_plain_client_is_never_sent_an_extension(server):
    """Everything that an extended session would be told by types above 0x3F happens to it."""
    with log_in(server.address, "alice") as alice, log_in(server.address, "bob") as bob:
        alice.send(wire.message("bob", "one"), wire.message("nobody", "two"),
                   wire.message("server", "contacts\njoin #plain\nmembers #plain"))
        alice.expect("Error", code=wire.NOT_FOUND)
        alice.expect("Message", source="server@a.example")
        bob.send(wire.message("alice", "back"))
        alice.expect("Message", message_content="back")
        assert alice.fence() == []
        bob.expect("Message", message_content="one")


@pytest.mark.parametrize("features, agreed", [
    (0, 0), (wire.PING, wire.PING), (wire.RECEIPTS | wire.REQUESTS, wire.RECEIPTS | wire.REQUESTS),
    (0xFFFFFFFF, wire.PING | wire.RECEIPTS | wire.REQUESTS)])
def test_features_are_those_that_both_know(server, features, agreed):
    with Session(server.address) as session:
        assert session.handshake(features) == agreed


def test_handshake_may_grow(server):
    with Session(server.address) as session:
        session.send(wire.raw(0x03, bytes([0, 9]) + (3).to_bytes(4, "big") + b"later fields"))
        assert session.expect("Handshake")["features"] == 3


def test_other_minor_version_is_welcome(server):
    with Session(server.address) as session:
        session.send(wire.encode("Handshake", ver_major=0, ver_minor=200),
                     wire.encode("UserAuth", username="alice", password="secret"))
        session.expect("Success")


def test_other_major_version_is_closed_without_an_error(server):
    before = server.closed("bad_version")
    with Session(server.address) as session:
        session.send(wire.encode("Handshake", ver_major=1, ver_minor=4))
        session.expect_end()
    server.wait_closed("bad_version", before + 1)


@pytest.mark.parametrize("username", ["alice", "alice@a.example", "alice@A.EXAMPLE"])
def test_username_is_bare_or_whole(server, username):
    log_in(server.address, username).close()


@pytest.mark.parametrize("username, password", [
    ("alice", "wrong"), ("alice", ""), ("nobody", "secret"), ("Alice", "secret"),
    ("alice@b.example", "secret"), ("", "secret"), ("#room", "secret"), ("server", "secret"),
    ("x" * 60000, "secret")], ids=lambda value: value[:20])
def test_wrong_login_is_0x01_and_says_no_more(server, username, password):
    with Session(server.address) as session:
        session.handshake()
        session.send(wire.encode("UserAuth", username=username, password=password))
        session.expect("Error", code=wire.AUTH_FAILED)


def test_third_wrong_try_is_the_last(server):
    before = server.closed("login_tries")
    with Session(server.address) as session:
        session.handshake()
        wrong = wire.encode("UserAuth", username="alice", password="wrong")
        session.send(wrong, wrong, wrong, wrong)
        for _ in range(3):
            session.expect("Error", code=wire.AUTH_FAILED)
        session.expect_end()
    server.wait_closed("login_tries", before + 1)


def test_right_password_after_wrong_ones_is_welcome(server):
    with Session(server.address) as session:
        session.handshake(wire.PING)
        for _ in range(2):
            session.send(wire.encode("UserAuth", username="alice", password="wrong"))
            session.expect("Error", code=wire.AUTH_FAILED)
        session.send(wire.encode("UserAuth", username="alice", password="secret"))
        session.expect("Success")
        session.send(wire.encode("Ping", token=9))
        session.expect("Pong", token=9)


def test_frames_sent_ahead_of_success_are_worked_on_after_it(server):
    with Session(server.address) as session, log_in(server.address, "bob") as bob:
        session.send(wire.encode("Handshake", ver_major=0, ver_minor=4, features=wire.PING),
                     wire.encode("UserAuth", username="alice", password="secret"),
                     wire.message("bob", "eager"), wire.encode("Ping", token=1))
        session.expect("Handshake")
        session.expect("Success")
        session.expect("Pong", token=1)
        bob.expect("Message", source="alice@a.example", message_content="eager")


def test_login_byte_by_byte(server):
    with Session(server.address) as session:
        stream = (wire.encode("Handshake", ver_major=0, ver_minor=4)
                  + wire.encode("UserAuth", username="alice", password="secret"))
        for byte in stream:
            session.send(bytes([byte]))
        session.expect("Success")


def test_server_that_is_not_known_gets_0x03(server):
    before = server.closed("unknown_peer")
    with Session(server.address) as session:
        session.handshake()
        session.send(wire.encode("ServerAuth", name="b.example"))
        session.expect_error_and_end(wire.SERVER_AUTH_FAILED)
    server.wait_closed("unknown_peer", before + 1)


def test_test_payload_is_ignored_in_any_state_whatever_it_holds(server):
    noise = wire.raw(0xFF, b"\xff\xfe whatever")
    with Session(server.address) as session:
        session.send(noise)
        session.handshake()
        session.send(noise, wire.encode("UserAuth", username="alice", password="secret"), noise)
        session.expect("Success")
        assert session.fence() == []


@pytest.mark.parametrize("before_login", [b"", wire.encode("Handshake", ver_major=0, ver_minor=4)],
                         ids=["silent", "after the handshake"])
def test_login_deadline_closes_who_does_not_finish(start, before_login):
    server = start({**OPEN, "limits": {"login_timeout": "200ms"}})
    with Session(server.address) as session:
        session.send(before_login)
        session.expect_end()
    server.wait_closed("login_timeout", 1)


def test_login_deadline_does_not_touch_who_is_in(start):
    server = start({**OPEN, "limits": {"login_timeout": "200ms"}})
    with log_in(server.address, "alice") as alice, Session(server.address) as late:
        late.expect_end()
        assert alice.fence() == []


def test_sessions_per_user_are_bounded(start):
    server = start({**OPEN, "limits": {"sessions_per_user_max": 2}})
    kept = [log_in(server.address, "alice") for _ in range(2)]
    with Session(server.address) as third:
        third.handshake()
        third.send(wire.encode("UserAuth", username="alice", password="x"))
        third.expect_error_and_end(wire.OVER_LIMIT)
    server.wait_closed("too_many_sessions", 1)
    kept.pop().close()
    server.wait_metric("solec_sessions_now", 1)
    kept.append(log_in(server.address, "alice"))
    for session in kept:
        session.close()


@pytest.mark.parametrize("key", ["connections_max", "connections_per_address_max"])
def test_connections_are_bounded(start, key):
    server = start({**OPEN, "limits": {key: 3}})
    kept = [log_in(server.address, f"user{i}") for i in range(3)]
    with Session(server.address) as fourth:
        try:
            assert fourth.receive() is None
        except ConnectionResetError:
            pass
    server.wait_closed("too_many_connections", 1)
    kept.pop().close()
    server.wait_metric("solec_connections_now", 2)
    kept.append(log_in(server.address, "user2"))
    for session in kept:
        session.close()
