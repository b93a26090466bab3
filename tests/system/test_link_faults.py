"""Links that stall, peers that are slow or gone for good, spools that are full or too old, peers that
are added and removed, stores that come back from a backup."""

import shutil

import pytest

import wire
from federation import expect, numbered, rest, send
from proxy import BACK, OUT
from server import SOLEC, run

ALICE, BOB, CAROL = "alice@a.example", "bob@b.example", "carol@c.example"


# --- one link per pair ---

def test_both_dial_and_one_link_stays(federate):
    pair = federate("ab")
    # Neither reaches the other before both are there: then they dial at the same time.
    pair.part("a", "b")
    pair.start()
    pair.add_users("alice@a", "bob@b")
    pair.heal("a", "b")
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        for i in range(20):
            alice.send(wire.message(BOB, f"a {i}"))
            bob.send(wire.message(ALICE, f"b {i}"))
        for session, word, source in ((alice, "b", BOB), (bob, "a", ALICE)):
            count = 0
            while count < 20:
                frame = session.receive()
                if frame.name == "Message":
                    assert (frame["source"], frame["message_content"]) == (source, f"{word} {count}")
                    count += 1
        pair.network.wait(lambda: sum(len(way.relays) for way in pair.between("a", "b")) == 1,
                          "there is not one link")
        assert rest(alice) == rest(bob) == []


def test_only_the_side_that_shall_dial_dials(federate):
    pair = federate("ab", dials={("b", "a")}).start()
    pair.add_users("alice@a", "bob@b")
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        send(alice, BOB, ["on the link that b dialled"])
        expect(bob, ["on the link that b dialled"], ALICE)
    assert pair.way("a", "b").dials == 0 and pair.way("b", "a").dials > 0


# --- links that stall ---

@pytest.mark.parametrize("directions", [(OUT, BACK), (OUT,), (BACK,)], ids=["both", "out", "back"])
def test_link_that_stalls_is_ended_by_its_pings_and_made_anew(federate, directions):
    pair = federate("ab", dials={("a", "b")},
                    extra={"limits": {"link_ping_interval": "300ms"}}).start()
    pair.add_users("alice@a", "bob@b")
    way = pair.way("a", "b")
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        send(alice, BOB, ["before"])
        expect(bob, ["before"], ALICE)
        dials = way.dials
        way.stall(*directions)
        send(alice, BOB, numbered(0, 50), before=1)
        # Without waiting for receipts: alice's messages may come before them.
        bob.send(*(wire.message(ALICE, text) for text in numbered(0, 50)))
        way.wait_dials(dials + 1)
        way.flow()
        expect(bob, numbered(0, 50), ALICE)
        expect(alice, numbered(0, 50), BOB)
        assert rest(alice) == rest(bob) == []


@pytest.mark.parametrize("fault", ["stalled", "slow", "silent", "refused", "never there"])
def test_one_bad_peer_costs_the_others_nothing(federate, fault):
    three = federate("abc", dials={("a", "b"), ("a", "c"), ("c", "b")})
    bad = three.way("a", "b")
    if fault == "silent":
        bad.silent = True
    three.start(*("ac" if fault == "never there" else "abc"))
    if fault == "never there":
        bad.refuse()
    users = ["alice@a", "carol@c"] + (["bob@b"] if fault == "slow" else [])  # some do arrive
    three.add_users(*users)
    three.add_contact("alice@a", "bob@b")
    if fault == "stalled":
        bad.stall()
    elif fault == "slow":
        bad.slow = 20_000
    elif fault == "refused":
        bad.refuse()
    count = 200
    with three.log_in("alice@a") as alice, three.log_in("carol@c") as carol:
        for i in range(count):
            # 2 MB for the one that is bad.
            alice.send(wire.message(BOB, f"{i} " + "x" * 10_000), wire.message(CAROL, f"{i}"))
            carol.expect("Message", source=ALICE, message_content=f"{i}")
            if i % 20 == 0:
                carol.send(wire.message(ALICE, f"back {i}"))
                while (frame := alice.receive()).name != "Message":
                    pass
                assert frame["message_content"] == f"back {i}"
                carol.expect("Accepted")
        alice.wait_accepted(2 * count)


# --- spools ---

def test_full_spool_refuses_with_0x43_and_keeps_what_it_took(federate):
    pair = federate("ab", extra={"limits": {"spool_bytes_max": "100KiB"}}).start()
    pair.add_users("alice@a", "bob@b")
    pair.part("a", "b")
    taken = []
    with pair.log_in("alice@a") as alice:
        refused, settled = 0, 0
        for i in range(200):
            alice.send(wire.message(BOB, f"{i} " + "x" * 1000))
            while settled <= i:
                frame = alice.receive()
                if frame.name == "Rejected":
                    assert frame["code"] == wire.UNAVAILABLE
                    refused = frame["number"]
                else:
                    settled = frame["up_to"]
            if refused != i + 1:
                taken.append(i)
        assert 50 < len(taken) < 110 and refused
    with pair.log_in("alice@a", features=None) as alice:
        alice.send(wire.message(BOB, "x" * 2000))
        alice.expect("Error", code=wire.UNAVAILABLE)
    pair.heal("a", "b")
    with pair.log_in("bob@b") as bob, pair.log_in("alice@a") as alice:
        for i in taken:
            assert bob.expect("Message")["message_content"].startswith(f"{i} ")
        # And there is room again.
        pair.wait_link("a", "b", "spool_messages", 0)
        send(alice, BOB, ["room"])
        expect(bob, ["room"], ALICE)


def test_messages_that_are_too_old_bounce_and_later_ones_go(federate):
    pair = federate("ab", extra={"limits": {"spool_age_max": "1s"}}).start()
    pair.add_users("alice@a", "bob@b")
    pair.part("a", "b")
    with pair.log_in("alice@a") as alice:
        for i in range(5):
            alice.send(wire.message(BOB, f"old {i}", timestamp=i))
        alice.wait_accepted(5)
        for i in range(5):
            alice.expect("Bounce", target=BOB, timestamp=i, code=wire.UNAVAILABLE)
        pair.heal("a", "b")
        pair.wait_linked(("a", "b"))
        send(alice, BOB, ["new"], before=5)
        with pair.log_in("bob@b") as bob:
            expect(bob, ["new"], ALICE)
            assert rest(bob) == []


def test_too_old_message_of_a_plain_client_is_0x02(federate):
    pair = federate("ab", extra={"limits": {"spool_age_max": "500ms"}}).start()
    pair.add_users("alice@a", "bob@b")
    pair.part("a", "b")
    with pair.log_in("alice@a", features=None) as alice:
        alice.send(wire.message(BOB, "old"))
        alice.expect("Error", code=wire.NOT_FOUND)


# --- reload ---

def test_peer_is_added_while_the_server_runs(federate):
    pair = federate("ab")
    whole = pair["a"].config["peer"]
    pair["a"].config["peer"] = []
    pair.start()
    pair.add_users("alice@a", "bob@b")
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        alice.send(wire.message(BOB, "nobody knows b"))
        alice.expect("Rejected", number=1, code=wire.NOT_FOUND)
        pair.set_peers("a", *whole)
        send(alice, BOB, ["now"], before=1)
        expect(bob, ["now"], ALICE)


def test_peer_that_is_removed_is_ended_and_refused_and_may_come_back(federate):
    pair = federate("ab").start()
    pair.add_users("alice@a", "bob@b")
    whole = pair["a"].config["peer"]
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        send(alice, BOB, ["one"])
        expect(bob, ["one"], ALICE)
        pair.set_peers("a")
        alice.send(wire.message(BOB, "to nobody"))
        while (frame := alice.receive()).name == "Accepted":
            pass
        assert frame.name == "Rejected" and frame["code"] == wire.NOT_FOUND, frame
        # b goes on trying, and is told that it is unknown.
        pair.way("b", "a").forget()
        pair.way("b", "a").wait_frame("Error", BACK, code=wire.SERVER_AUTH_FAILED)
        send(bob, ALICE, ["kept until it is known again"])
        pair.set_peers("a", *whole)
        expect(alice, ["kept until it is known again"], BOB)
        send(alice, BOB, ["two"], before=2)
        expect(bob, ["two"], ALICE)


def test_peer_that_moved_is_dialled_at_its_new_address(federate):
    pair = federate("ab", dials={("a", "b")}).start()
    pair.add_users("alice@a", "bob@b")
    pair.stop("b")
    new = pair.network.proxy()
    with pair.log_in("alice@a") as alice:
        send(alice, BOB, numbered(0, 10))
    pair.start("b")
    new.aim(pair["b"].address)
    pair.way("a", "b").refuse()
    pair.set_peers("a", pair.peer("a", "b", address=new.address))
    new.wait_dials(1)
    with pair.log_in("bob@b") as bob, pair.log_in("alice@a") as alice:
        expect(bob, numbered(0, 10), ALICE)
        send(alice, BOB, ["there"])
        expect(bob, ["there"], ALICE)


def test_reload_that_changes_nothing_leaves_the_link_alone(federate):
    pair = federate("ab", dials={("a", "b")}).start()
    pair.add_users("alice@a", "bob@b")
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        send(alice, BOB, ["before"])
        expect(bob, ["before"], ALICE)
        dials = pair.way("a", "b").dials
        for name in ("a", "b"):
            assert pair[name].admin("reload")["ok"]
        send(alice, BOB, ["after"], before=1)
        expect(bob, ["after"], ALICE)
        assert pair.way("a", "b").dials == dials


# --- stores that were older ---

@pytest.mark.parametrize("who", ["a", "b"])
def test_restored_backup_goes_on_without_loss_and_no_number_means_two_things(federate, who):
    pair = federate("ab", dials={("a", "b")}).start()
    pair.add_users("alice@a", "bob@b")
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        send(alice, BOB, numbered(0, 20))
        expect(bob, numbered(0, 20), ALICE)
    backup = pair.folder / "backup"
    done = run(SOLEC, "store", "backup", backup, "--config", pair[who].config_file)
    assert done.returncode == 0, done.stderr
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        send(alice, BOB, numbered(20, 40))
        expect(bob, numbered(20, 40), ALICE)
    pair.stop(who)
    data = pair.folder / who / "data"
    data.rename(pair.folder / "data.old")
    shutil.copytree(backup, data)
    pair.start(who)
    for i in range(2):
        texts = numbered(0, 30, f"after {i}")
        with pair.log_in("alice@a") as alice:
            send(alice, BOB, texts)
        with pair.log_in("bob@b") as bob:
            # What was on its way at the time of the backup may come again, whole: never in part
            # nor in place of something new.
            contents = []
            while not contents or contents[-1] != texts[-1]:
                contents.append(bob.expect("Message", source=ALICE)["message_content"])
            assert contents[-30:] == texts
            assert set(contents[:-30]) <= set(numbered(0, 40))
        pair.cut("a", "b")
    pair.numbers.check(100)
