"""Links over TLS: whose key it is decides who may link, and nobody reads along."""

import socket
import ssl

import pytest

import wire
from fake_peer import FakeLink
from federation import Certificate, expect, numbered, rest, send
from proxy import OUT
from session import WAIT_SECONDS, Session

ALICE, BOB = "alice@a.example", "bob@b.example"


@pytest.fixture
def pair(federate):
    federation = federate("ab", tls=True).start()
    federation.add_users("alice@a", "bob@b")
    return federation


def connect(address, certificate=None, version=ssl.TLSVersion.TLSv1_3, protocols=("solec/1",)):
    """A TLS connection of a test's own; nothing is verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = min(version, ssl.TLSVersion.TLSv1_2)
    context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(protocols)
    if certificate is not None:
        context.load_cert_chain(certificate.certificate, certificate.key)
    host, port = address.rsplit(":", 1)
    plain = socket.create_connection((host, int(port)), timeout=WAIT_SECONDS)
    try:
        return context.wrap_socket(plain)
    except BaseException:
        plain.close()
        raise


def peer_link(server, name, certificate, **options):
    return FakeLink(name, accepted=connect(server.ready["listen_tls"], certificate, **options))


def test_messages_pass_both_ways_and_cannot_be_read_on_the_way(pair):
    secret = "nobody else reads this"
    seen = []
    for way in pair.between("a", "b"):
        way.tap = seen.append
    pair.cut("a", "b")
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        for i in range(20):
            send(alice, BOB, [f"{secret} {i}"], before=i)
            expect(bob, [f"{secret} {i}"], ALICE)
            send(bob, ALICE, [f"{secret} {i}"], before=i)
            expect(alice, [f"{secret} {i}"], BOB)
        big = "x" * wire.CONTENT_BYTES_MAX
        send(alice, BOB, [big] * 20, before=20)
        expect(bob, [big] * 20, ALICE)
    passed = b"".join(seen)
    assert len(passed) > 20 * wire.CONTENT_BYTES_MAX
    for word in (secret, "alice", "bob"):
        assert word.encode() not in passed


def test_cut_links_lose_and_double_nothing(pair):
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        for i in range(5):
            alice.send(*[wire.message(BOB, text) for text in numbered(i * 100, i * 100 + 100)])
            expect(bob, numbered(i * 100, i * 100 + 50), ALICE)
            pair.cut("a", "b")
            expect(bob, numbered(i * 100 + 50, i * 100 + 100), ALICE)
        alice.wait_accepted(500)
        assert rest(bob) == []


# --- whose key it is ---

@pytest.fixture
def guarded(federate):
    """a runs; x is played by the test and never dialled."""
    federation = federate("a", others="xy", tls=True)
    federation["a"].merge({"peer": [federation.peer("a", other, dial=False) for other in "xy"]})
    federation.start()
    federation["a"].add_users("alice")
    federation.add_contact("alice@a", "xaver@x")
    return federation


def test_peer_that_proves_its_key_is_let_in(guarded):
    with peer_link(guarded["a"], "x.example", guarded.certificates["x"]) as link, \
         guarded.log_in("alice@a") as alice:
        link.link()
        link.resume(1)
        link.say("xaver@x.example", ALICE, "over TLS")
        alice.expect("Message", message_content="over TLS")
        assert link.settle(1) == {}


def test_another_key_than_the_pinned_one_is_0x03(guarded):
    other = Certificate(guarded.folder / "tls", "another")
    for certificate in (None, other, guarded.certificates["y"], guarded.certificates["a"]):
        with peer_link(guarded["a"], "x.example", certificate) as link:
            link.refused()
    # The same name in a certificate is worth nothing.
    liar = Certificate(guarded.folder / "liar", "x.example")
    with peer_link(guarded["a"], "x.example", liar) as link:
        link.refused()


def test_name_that_is_not_the_keys_is_0x03(guarded):
    for name in ("y.example", "a.example", "nobody.example"):
        with peer_link(guarded["a"], name, guarded.certificates["x"]) as link:
            link.refused()


def test_pinned_peer_is_refused_without_tls(guarded):
    with FakeLink("x.example", guarded["a"].ready["listen"]) as link:
        link.refused()


def test_certificate_is_not_judged_beyond_its_key(guarded):
    """A pin names a key: an old certificate for it, or one for another name, proves it as well."""
    files = guarded.certificates["x"]
    renewed = Certificate(guarded.folder / "renewed", "somewhere.else", files.key)
    assert renewed.pin == files.pin
    with peer_link(guarded["a"], "x.example", renewed) as link:
        link.link()


def test_old_tls_is_refused(guarded):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(guarded["a"].ready["listen_tls"], guarded.certificates["x"],
                version=ssl.TLSVersion.TLSv1_2)


def test_plain_peer_on_the_tls_port_gets_nowhere(guarded):
    with Session(guarded["a"].ready["listen_tls"]) as session:
        session.send(wire.encode("Handshake", ver_major=0, ver_minor=4),
                     wire.encode("ServerAuth", name="x.example"))
        try:
            while (frame := session.receive()) is not None:
                assert frame.name not in ("Success", "Handshake")
        except (OSError, AssertionError, wire.Malformed):
            pass  # a TLS alert is no frame


# --- dialling ---

@pytest.mark.parametrize("fault", ["pin of b at a", "pin of a at b", "b without TLS"])
def test_wrong_pin_holds_messages_until_it_is_put_right(federate, fault):
    pair = federate("ab", tls=True, dials={("a", "b")})
    other = Certificate(pair.folder / "tls", "other")
    wrong = {"pin of b at a": ("a", "b"), "pin of a at b": ("b", "a")}.get(fault)
    right = {name: pair[name].config["peer"] for name in "ab"}
    if wrong:
        pair[wrong[0]].config["peer"] = [pair.peer(*wrong, public_key=other.pin)]
    pair.start()
    if fault == "b without TLS":
        pair.way("a", "b").aim(pair["b"].ready["listen"])
    pair.add_users("alice@a", "bob@b")
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        send(alice, BOB, numbered(0, 10))
        pair.way("a", "b").wait_dials(3)
        assert rest(bob) == []
        if wrong:
            pair.set_peers(wrong[0], *right[wrong[0]])
        else:
            pair.aim("b")
        expect(bob, numbered(0, 10), ALICE)


def test_new_key_comes_with_a_reload_of_both_sides(pair):
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        send(alice, BOB, ["before"])
        expect(bob, ["before"], ALICE)
        pair.certificates["b"] = new = Certificate(pair.folder / "new", "b.example")
        pair["b"].merge({"tls": {"certificate": str(new.certificate), "key": str(new.key)}})
        pair.set_peers("b", pair.peer("b", "a"))
        pair.set_peers("a", pair.peer("a", "b"))
        pair.cut("a", "b")
        send(alice, BOB, ["after"], before=1)
        expect(bob, ["after"], ALICE)


def test_stalled_handshake_ends_and_is_tried_again(federate):
    pair = federate("ab", tls=True, dials={("a", "b")},
                    extra={"limits": {"login_timeout": "500ms"}})
    way = pair.way("a", "b")
    way.stall(OUT)
    pair.start()
    pair.add_users("alice@a", "bob@b")
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        send(alice, BOB, ["patience"])
        way.wait_dials(2)
        way.flow()
        expect(bob, ["patience"], ALICE)
