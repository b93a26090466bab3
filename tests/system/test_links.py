"""Users of two servers write to each other: what passes, what waits, what comes back."""

import signal

import pytest

import wire
from federation import FEATURES, expect, numbered, rest, send
from server import SOLEC, run

ALICE, BOB = "alice@a.example", "bob@b.example"


@pytest.fixture
def pair(federate):
    """a and b, running, with alice and bob, who trust each other."""
    federation = federate("ab").start()
    federation.add_users("alice@a", "bob@b")
    return federation


def test_messages_pass_both_ways_with_full_addresses_and_the_senders_timestamp(pair):
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        alice.send(wire.message(BOB, "Cześć 🙂", timestamp=2**64 - 1))
        bob.expect("Message", source=ALICE, target=BOB, timestamp=2**64 - 1,
                   message_content="Cześć 🙂")
        alice.wait_accepted(1)
        bob.send(wire.message("alice@A.Example", "hi", source="bob", timestamp=7))
        bob.expect("Accepted", up_to=1)
        alice.expect("Message", source=BOB, target=ALICE, timestamp=7, message_content="hi")


def test_users_with_plain_clients_write_to_each_other(pair):
    with pair.log_in("alice@a", features=None) as alice, \
         pair.log_in("bob@b", features=None) as bob:
        for i in range(20):
            alice.send(wire.message(BOB, f"to bob {i}"))
            bob.expect("Message", source=ALICE, message_content=f"to bob {i}")
            bob.send(wire.message(ALICE, f"to alice {i}"))
            alice.expect("Message", source=BOB, message_content=f"to alice {i}")


def test_many_messages_of_every_size_come_in_order_and_once(pair):
    sizes = [0, 1, 100, 1000, 20000, wire.CONTENT_BYTES_MAX]
    count = 600
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        for i in range(count):
            alice.send(wire.message(BOB, "x" * sizes[i % len(sizes)] if i % 10 == 0 else f"{i}",
                                    timestamp=i))
        for i in range(count):
            content = bob.expect("Message", timestamp=i)["message_content"]
            assert content == ("x" * sizes[i % len(sizes)] if i % 10 == 0 else f"{i}")
        alice.wait_accepted(count)
        assert rest(bob) == []


def test_every_session_of_the_target_receives(pair):
    sessions = [pair.log_in("bob@b") for _ in range(3)]
    with pair.log_in("alice@a") as alice:
        send(alice, BOB, numbered(0, 10))
    for session in sessions:
        expect(session, numbered(0, 10), ALICE)
        session.leave()


def test_messages_wait_at_the_targets_server_for_who_is_away(pair):
    with pair.log_in("alice@a") as alice:
        send(alice, BOB, numbered(0, 300))
    # Its server has them, not the spool: b alone delivers them.
    pair.way("a", "b").network.wait(lambda: waiting_of(pair, "bob@b") == 300 or None,
                                    "not all waited at b")
    pair.stop("a")
    with pair.log_in("bob@b") as bob:
        expect(bob, numbered(0, 300), ALICE)


def waiting_of(federation, user):
    """How many messages its server's history holds for a user."""
    session = federation.log_in(user)
    history = session.whole_history("")
    session.reset()  # so nothing of it counts as arrived
    return len(history)


def test_both_servers_keep_the_chat(pair):
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        for i in range(5):
            send(alice, BOB, [f"question {i}"], before=i)
            bob.expect("Message", message_content=f"question {i}")
            send(bob, ALICE, [f"answer {i}"], before=i)
            alice.expect("Message", message_content=f"answer {i}")
        talk = [text for i in range(5) for text in (f"question {i}", f"answer {i}")]
        for session, other in ((alice, BOB), (bob, ALICE)):
            # What has just come is there once it is on the disk.
            pair.network.wait(lambda session=session, other=other:
                              [item["message_content"] for item in session.whole_history(other)]
                              == talk, f"the history of {other} is not {talk}")
            assert {(item["source"], item["target"]) for item in session.whole_history(other)} == \
                {(ALICE, BOB), (BOB, ALICE)}


def test_contact_of_another_server_has_agreed_once_it_was_heard_of(pair):
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        send(bob, ALICE, ["hello"])
        alice.expect("Message", message_content="hello")
        code, items = alice.ask("List", kind=1, of="")
        assert code == 0 and [(item["address"], item["flags"] & 1) for item in items] == [(BOB, 1)]


# --- what cannot be delivered ---

@pytest.mark.parametrize("who_trusts", ["alice", "nobody"])
def test_stranger_is_refused_by_the_targets_server_with_a_bounce(federate, who_trusts):
    pair = federate("ab").start()
    pair["a"].add_users("alice")
    pair["b"].add_users("bob")
    pair.add_contact("alice@a", "bob@b")
    target = BOB if who_trusts == "alice" else "nobody@b.example"
    pair.add_contact("alice@a", "nobody@b")
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        alice.send(wire.message(target, "hi", timestamp=99))
        alice.expect("Accepted", up_to=1)
        alice.expect("Bounce", target=target, timestamp=99, code=wire.NOT_FOUND)
        assert rest(bob) == []
    with pair.log_in("alice@a", features=None) as alice:
        alice.send(wire.message(target, "hi"))
        alice.expect("Error", code=wire.NOT_FOUND)


def test_bounce_of_who_has_gone_waits_as_a_line_of_the_service_address(federate):
    pair = federate("ab").start()
    pair["a"].add_users("alice")
    pair["b"].add_users("bob")
    pair.add_contact("alice@a", "bob@b")
    # The answer comes when alice has gone.
    pair.way("a", "b").stall()
    pair.way("b", "a").stall()
    with pair.log_in("alice@a") as alice:
        send(alice, BOB, ["hi"])
    pair["a"].wait_metric("solec_sessions_now", 0)
    pair.way("a", "b").flow()
    pair.way("b", "a").flow()
    pair.wait_link("a", "b", "bounced", 1)
    with pair.log_in("alice@a", features=None) as alice:
        frame = alice.expect("Message", source="server@a.example")
        assert BOB in frame["message_content"]


@pytest.mark.parametrize("restarts", [False, True], ids=["", "restart"])
def test_too_old_message_of_who_has_gone_is_told_by_the_service_address(federate, restarts):
    pair = federate("ab", extra={"limits": {"spool_age_max": "1s"}}).start()
    pair.add_users("alice@a", "bob@b")
    pair.part("a", "b")
    with pair.log_in("alice@a") as alice:
        send(alice, BOB, ["too late"])
    if restarts:
        pair["a"].restart()
    pair.wait_link("a", "b", "bounced", 1)
    with pair.log_in("alice@a", features=None) as alice:
        frame = alice.expect("Message", source="server@a.example")
        assert BOB in frame["message_content"]


def test_sender_without_the_contact_is_refused_at_home(pair):
    pair["a"].add_users("mallory")
    with pair.log_in("mallory@a") as mallory:
        mallory.send(wire.message(BOB, "x"), wire.message("bob@nowhere.example", "x"))
        mallory.expect("Rejected", number=1, code=wire.NOT_FOUND)
        mallory.expect("Rejected", number=2, code=wire.NOT_FOUND)
    assert pair.way("a", "b").seen("Message") == pair.way("b", "a").seen("Message") == []


def test_server_that_is_no_peer_is_not_found_whoever_trusts_it(pair):
    pair.add_contact("alice@a", "bob@nowhere")
    with pair.log_in("alice@a") as alice:
        alice.send(wire.message("bob@nowhere.example", "x"))
        alice.expect("Rejected", number=1, code=wire.NOT_FOUND)


# --- servers that are away ---

def test_what_is_sent_while_the_other_server_is_down_comes_when_it_returns(federate):
    pair = federate("ab").start()
    pair.add_users("alice@a", "bob@b")
    pair.stop("b")
    with pair.log_in("alice@a") as alice:
        send(alice, BOB, numbered(0, 1000))
    pair.start("b")
    with pair.log_in("bob@b") as bob, pair.log_in("alice@a") as alice:
        expect(bob, numbered(0, 1000), ALICE)
        send(alice, BOB, numbered(1000, 1010))
        expect(bob, numbered(1000, 1010), ALICE)
        assert rest(bob) == []


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["TERM", "KILL"])
def test_spool_outlives_its_server(federate, end):
    pair = federate("ab").start()
    pair.add_users("alice@a", "bob@b")
    pair.part("a", "b")
    with pair.log_in("alice@a") as alice:
        send(alice, BOB, numbered(0, 200))
    pair["a"].restart(end)
    pair.aim("a")
    with pair.log_in("alice@a") as alice:
        send(alice, BOB, numbered(200, 300))
    pair.heal("a", "b")
    with pair.log_in("bob@b") as bob:
        expect(bob, numbered(0, 300), ALICE)
        assert rest(bob) == []


def test_link_that_is_cut_again_and_again_neither_loses_nor_doubles(pair):
    with pair.log_in("alice@a") as alice, pair.log_in("bob@b") as bob:
        for i in range(10):
            alice.send(*[wire.message(BOB, text) for text in numbered(i * 100, i * 100 + 100)])
            # In the middle of it: some have come, and the rest is on its way.
            expect(bob, numbered(i * 100, i * 100 + 50), ALICE)
            pair.cut("a", "b")
            expect(bob, numbered(i * 100 + 50, i * 100 + 100), ALICE)
        alice.wait_accepted(1000)
        assert rest(bob) == []


def test_three_servers_talk_each_with_each(federate):
    three = federate("abc").start()
    users = ["alice@a", "bob@b", "carol@c"]
    three.add_users(*users)
    sessions = {user: three.log_in(user) for user in users}
    for sender in users:
        for target in users:
            if sender != target:
                sessions[sender].send(wire.message(f"{target}.example", f"{sender} {target}"))
                while (frame := sessions[target].receive()).name == "Accepted":
                    pass
                assert (frame["source"], frame["message_content"]) == \
                    (f"{sender}.example", f"{sender} {target}")
    for session in sessions.values():
        session.leave()


def test_command_line_sends_and_listens_across_servers(pair):
    environment = {"SOLEC_PASSWORD": "secret"}
    answer = run(SOLEC, "send", ALICE, BOB, "from the shell", "--connect", pair["a"].address,
                 env=environment)
    assert answer.returncode == 0, answer.stderr
    answer = run(SOLEC, "listen", BOB, "--count", "1", "--connect", pair["b"].address,
                 env=environment)
    assert answer.returncode == 0 and "from the shell" in answer.stdout, answer.stderr


def test_memory_stores_are_linked_too(federate):
    pair = federate("ab", kept=False).start()
    pair.add_users("alice@a", "bob@b")
    with pair.log_in("alice@a", features=FEATURES) as alice, pair.log_in("bob@b") as bob:
        send(alice, BOB, numbered(0, 100))
        expect(bob, numbered(0, 100), ALICE)
        pair.part("a", "b")
        send(alice, BOB, numbered(100, 200), before=100)
        pair.heal("a", "b")
        expect(bob, numbered(100, 200), ALICE)
        assert rest(bob) == []
