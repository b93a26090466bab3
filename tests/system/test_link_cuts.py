"""A link is cut before, within and after every frame that may be on it, in both directions; what was
accepted comes, in order and once."""

import itertools

import pytest

import wire
from federation import Federation, ask_until, expect, numbered, rest, send
from proxy import AFTER, BACK, BEFORE, OUT, WITHIN, cut_at

ALICE, BOB = "alice@a.example", "bob@b.example"

# What passes between a server that dials and the one that is dialled, until messages went both ways
# and were accepted.
STEPS = [("Handshake", OUT, 1), ("ServerAuth", OUT, 1), ("Handshake", BACK, 1),
         ("Success", BACK, 1), ("LinkResume", OUT, 1), ("LinkResume", BACK, 1),
         ("Accepted", OUT, 1), ("Accepted", BACK, 1), ("Message", OUT, 1), ("Message", BACK, 1),
         ("Message", OUT, 5), ("Message", BACK, 5), ("Accepted", OUT, 2), ("Accepted", BACK, 2)]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """One for all tests of this file: only a dials."""
    with Federation(tmp_path_factory.mktemp("cuts"), "ab", dials={("a", "b")}) as federation:
        federation.start()
        federation.add_users("alice@a", "bob@b")
        yield federation


numbers = itertools.count()


@pytest.mark.parametrize("name, direction, count", STEPS,
                         ids=[f"{name}-{way}-{count}" for name, way, count in STEPS])
def test_cut_at_every_frame_loses_and_doubles_nothing(pair, name, direction, count):
    way = pair.way("a", "b")
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        sent = 0
        for place in (BEFORE, WITHIN, AFTER):
            texts = numbered(0, 20, f"{next(numbers)}")
            cuts = way.cuts
            way.rule = cut_at(place, name, direction, count)
            way.cut()
            for session, target in ((alice, BOB), (bob, ALICE)):
                session.send(*[wire.message(target, text) for text in texts])
            read = {alice: [], bob: []}
            for session in read:
                while len(read[session]) < len(texts):
                    frame = session.receive()
                    if frame.name == "Message":
                        read[session].append(frame["message_content"])
                    else:
                        assert frame.name == "Accepted" and frame["up_to"] <= sent + len(texts)
                assert read[session] == texts, f"{place}"
            pair.network.wait(lambda: way.cuts == cuts + 1, f"{place} {name}: nothing was cut")
            sent += len(texts)
        way.rule = None
        assert rest(alice) == rest(bob) == []
    pair.numbers.check()


def test_cut_at_each_byte_of_what_the_servers_say_first(pair):
    """Up to LinkResume and its answer it is 42 bytes or more in each direction."""
    way = pair.way("a", "b")
    way.framed = False
    try:
        with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
            for i, end in enumerate(range(1, 42, 3)):
                way.cut_at = {(OUT if i % 2 else BACK): end}
                way.cut()
                dials = way.dials
                alice.send(wire.message(BOB, f"byte {end}"))
                way.wait_dials(dials + 2)
                way.cut_at = None
                bob.expect("Message", message_content=f"byte {end}")
            assert rest(bob) == []
    finally:
        way.framed, way.cut_at = True, None
        way.cut()


@pytest.mark.parametrize("request_name", ["Join", "Leave"])
def test_request_that_is_cut_off_is_answered_and_can_be_repeated(pair, request_name):
    way = pair.way("a", "b")
    room = f"#room{next(numbers)}"
    assert pair["b"].admin("channel create", name=room)["ok"]
    room += "@b.example"
    with pair.log_in("alice@a") as alice:
        for name, direction in ((request_name, OUT), ("Result", BACK)):
            for place in (BEFORE, WITHIN, AFTER):
                other = "Leave" if request_name == "Join" else "Join"
                ask_until(alice, other, (0, wire.NOT_FOUND), user="", channel=room)
                way.rule = cut_at(place, name, direction)
                cuts = way.cuts
                code = wire.UNAVAILABLE
                while way.cuts == cuts and code == wire.UNAVAILABLE:  # there may be no link yet
                    code, _ = alice.ask(request_name, user="", channel=room)
                pair.network.wait(lambda: way.cuts == cuts + 1,
                                  f"{place} {name}: answered {code:#x} without a cut")
                assert code == wire.UNAVAILABLE or (name, place) == ("Result", AFTER), place
                way.rule = None
                ask_until(alice, request_name, (0, wire.NOT_FOUND), user="", channel=room)
                is_member = pair["b"].admin("channel members", name=room[:-len("@b.example")])
                members = [item["text"] for item in is_member["items"]]
                assert members == (["alice@a.example"] if request_name == "Join" else [])


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_cut_at_random_bytes_under_load(federate, tls):
    federation = federate("ab", tls=tls, dials={("a", "b")})
    way = federation.way("a", "b")
    way.framed = False
    federation.start()
    federation.add_users("alice@a", "bob@b")
    with federation.log_in("alice@a") as alice, federation.log_in("bob@b") as bob:
        for i in range(12):
            way.cut_at = {(OUT if i % 2 else BACK): 2000 + 997 * i}
            texts = numbered(i * 200, i * 200 + 200)
            send(alice, BOB, texts, before=i * 200)
            way.cut()
            if i % 3 == 2:
                way.cut_at = None
                expect(bob, numbered((i - 2) * 200, i * 200 + 200), ALICE)
        assert rest(bob) == []
