"""What a peer may not send: each closes its own connection with its code and its reason in the
metrics, and nobody else notices."""

import random

import pytest

import wire
from conftest import OPEN
from session import Session, log_in

ALL = wire.PING | wire.RECEIPTS | wire.REQUESTS
HANDSHAKE = wire.encode("Handshake", ver_major=0, ver_minor=4)
LONG = b"\xff\xff"


@pytest.fixture(scope="module")
def server(open_server):
    return open_server


@pytest.fixture(scope="module")
def witnesses(server):
    """Two who go on talking, whatever happens beside them."""
    one, two = log_in(server.address, "witness1"), log_in(server.address, "witness2")
    yield one, two
    one.close()
    two.close()


def assert_undisturbed(witnesses):
    one, two = witnesses
    one.send(wire.message("witness2", "ping"))
    two.expect("Message", message_content="ping")
    two.send(wire.message("witness1", "pong"))
    one.expect("Message", message_content="pong")


# Before the handshake is complete anything wrong just closes.
@pytest.mark.parametrize("data", [
    wire.raw(0x00), wire.raw(0x01), wire.encode("UserAuth", username="a", password="b"),
    wire.message("bob", "x"), wire.raw(0x07), wire.raw(0x40, bytes(4)), wire.raw(0xFE),
    wire.raw(0x03), wire.raw(0x03, b"\0"), wire.raw(0x03, b"\0\4\0"), wire.raw(0x03, b"\0\4\0\0\0"),
    b"GET / HTTP/1.1\r\n\r\n" + bytes(20000)], ids=lambda data: data[:8].hex())
def test_before_the_handshake(server, witnesses, data):
    before = server.closed("bad_handshake")
    with Session(server.address) as session:
        session.send(data)
        session.expect_end()
    server.wait_closed("bad_handshake", before + 1)
    assert_undisturbed(witnesses)


# Between the handshake and Success: Error, then the end.
@pytest.mark.parametrize("data, code, reason", [
    (wire.raw(0x04), wire.MALFORMED, "malformed"),
    (wire.raw(0x04, b"\0\5ab"), wire.MALFORMED, "malformed"),
    (wire.raw(0x04, b"\0\1a\0\1b!"), wire.MALFORMED, "malformed"),
    (wire.raw(0x04, b"\0\3\xc0\xafx\0\1p"), wire.MALFORMED, "malformed"),
    (wire.raw(0x06, LONG), wire.MALFORMED, "malformed"),
    (HANDSHAKE, wire.NOT_ALLOWED, "not_allowed"),
    (wire.message("bob", "x"), wire.NOT_ALLOWED, "not_allowed"),
    (wire.raw(0x01), wire.NOT_ALLOWED, "not_allowed"),
    (wire.raw(0x00), wire.NOT_ALLOWED, "not_allowed"),
    (wire.raw(0x99, bytes(9)), wire.NOT_ALLOWED, "not_allowed"),
    (wire.encode("Ping", token=1), wire.NOT_ALLOWED, "not_allowed"),
], ids=lambda value: value[:8].hex() if isinstance(value, bytes) else str(value))
def test_before_success(server, witnesses, data, code, reason):
    before = server.closed(reason)
    with Session(server.address) as session:
        session.send(HANDSHAKE, data)
        session.expect_error_and_end(code)
    server.wait_closed(reason, before + 1)
    assert_undisturbed(witnesses)


MALFORMED = [
    wire.raw(0x05), wire.raw(0x05, LONG), wire.raw(0x05, bytes(13)),
    wire.raw(0x05, wire.message("bob", "x")[3:] + b"!"),
    wire.raw(0x05, wire.message("bob", "x")[3:-1]),
    wire.message("witness2", b"\xc3\x28"), wire.message("witness2", b"\xed\xa0\x80"),
    wire.message("witness2", b"\xf4\x90\x80\x80"), wire.message(b"\xc0\xaf", "x"),
    wire.message("witness2", "x", source=b"\xff"),
    wire.raw(0x40, bytes(3)), wire.raw(0x40, bytes(5)), wire.raw(0x46, bytes(5)),
    wire.raw(0x46, b"\0\1\0\0\0\2\xc3\x28"), wire.raw(0x47, b"\0"), wire.raw(0x48, b"\0\1\0\5a"),
    wire.raw(0x49, b"\0\1\0\0!"), wire.raw(0x4A, b"\0\1\1"),
]

@pytest.mark.parametrize("data", MALFORMED, ids=lambda data: data[:16].hex())
def test_malformed_payload_in_a_session(server, witnesses, data):
    before = server.closed("malformed")
    with log_in(server.address, "culprit", features=ALL) as session:
        session.send(data, wire.message("witness2", "must not arrive"))
        session.expect_error_and_end(wire.MALFORMED)
    server.wait_closed("malformed", before + 1)
    assert_undisturbed(witnesses)


NOT_ALLOWED = [
    wire.raw(0x00), wire.raw(0x01), wire.raw(0x02, b"\1"), HANDSHAKE,
    wire.encode("UserAuth", username="culprit", password="x"), wire.encode("ServerAuth", name="b"),
    wire.raw(0x07), wire.raw(0x3F), wire.raw(0x44, bytes(11)),
    wire.raw(0x45, bytes(3)), wire.raw(0x4B, bytes(5)), wire.raw(0x4C, bytes(14)),
    wire.raw(0x4D, bytes(24)), wire.raw(0x4E, bytes(16)), wire.raw(0x4F), wire.raw(0x5F),
    wire.raw(0x60), wire.raw(0xFE),
]


@pytest.mark.parametrize("data", NOT_ALLOWED, ids=lambda data: data[:8].hex())
def test_payload_that_is_not_allowed_in_a_session(server, witnesses, data):
    before = server.closed("not_allowed")
    with log_in(server.address, "culprit", features=ALL) as session:
        session.send(data, wire.message("witness2", "must not arrive"))
        session.expect_error_and_end(wire.NOT_ALLOWED)
    server.wait_closed("not_allowed", before + 1)
    assert_undisturbed(witnesses)


@pytest.mark.parametrize("number", range(0x40, 0x4F), ids=hex)
def test_extension_that_was_not_agreed_is_not_allowed(server, number):
    with log_in(server.address, "culprit") as session:
        session.send(wire.raw(number, bytes(4)))
        session.expect_error_and_end(wire.NOT_ALLOWED)


def test_errors_are_counted_by_code(server):
    name = 'solec_errors_sent_total{code="0x40"}'
    before = server.metrics().get(name, 0)
    with log_in(server.address, "culprit") as session:
        session.send(wire.raw(0x05))
        session.expect_error_and_end(wire.MALFORMED)
    server.wait_metric(name, before + 1)


def test_message_cut_at_every_byte_and_then_gone(server, witnesses):
    whole = wire.message("witness2", "cut")
    for size in range(len(whole)):
        with log_in(server.address, "culprit") as session:
            session.send(whole[:size])
    assert_undisturbed(witnesses)


def mutate(data, generator):
    data = bytearray(data)
    for _ in range(generator.randrange(1, 6)):
        at = generator.randrange(len(data))
        data[at] = generator.choice((0, 1, 0x7F, 0x80, 0xFF, generator.randrange(256)))
    return bytes(data)


@pytest.mark.parametrize("seed", range(6))
def test_random_bytes_beside_people_who_chat(server, witnesses, seed):
    """Pure noise, and valid frames with a few bytes changed, before login and in a session."""
    generator = random.Random(seed)
    valid = [HANDSHAKE, wire.encode("UserAuth", username="noise", password="x"),
             wire.message("noise", "to myself"), wire.message("server", "join #noise\ncontacts"),
             wire.encode("Join", tag=1, user="", channel="#noise"), wire.message("#noise", "x"),
             wire.encode("List", tag=2, kind=3, of="#noise"), wire.encode("Ping", token=1)]
    for round_number in range(40):
        with Session(server.address) as session:
            if round_number % 2:
                session.log_in("noise", features=ALL)
            data = b"".join(mutate(generator.choice(valid), generator) for _ in range(20)) \
                if round_number % 4 else generator.randbytes(generator.randrange(1, 5000))
            try:
                session.send(data)
            except OSError:
                pass  # the server has closed already
        if round_number % 10 == 0:
            assert_undisturbed(witnesses)
    assert_undisturbed(witnesses)
    assert server.process.poll() is None
