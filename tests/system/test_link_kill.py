"""Three linked servers are killed over and over while their users write to each other and to a
channel, and links are cut; the users keep their own account of what was accepted, and in the end
nothing of it is missing, nothing came twice to a history, and each sender's order held.

SOLEC_KILLS is how often, SOLEC_SEED what happens when. `tools/soak links` is the long form.
"""

import concurrent.futures
import os
import random
import threading

import wire
from federation import Federation, User, address_of, ask_until
from server import WAIT_SECONDS
from session import CutOff
from test_kill import Gone, frame_of

KILLS = int(os.environ.get("SOLEC_KILLS", "6"))
SEED = int(os.environ.get("SOLEC_SEED", random.SystemRandom().randrange(1 << 32)))
AGAIN = (f"again with: SOLEC_KILLS={KILLS} SOLEC_SEED={SEED} pytest "
         "tests/system/test_link_kill.py")

USERS = ["alice@a", "al@a", "bob@b", "ben@b", "carol@c"]
ROOM = "#room@b.example"
TARGETS = [address_of(user) for user in USERS] + [ROOM]
# So many of a user are not accepted yet at most when it sends more.
WINDOW = 20
# What happens in a round: who is killed, under load. None: links are cut.
WHAT = ["a", "b", "ab", "c", None, "abc"]
CONFIG = {"store": {"write_buffer": "1MiB"},
          "limits": {"waiting_bytes_per_user_max": "1GiB", "link_ping_interval": "1s"}}


class Ledger:
    """What the users know. Each user's lists belong to its thread, while it runs."""

    def __init__(self):
        self.sent = {user: [] for user in USERS}      # (target, content)
        self.accepted = {user: [] for user in USERS}  # likewise
        self.received = {user: {} for user in USERS}  # content: (source, target)

    def content(self, user, chance):
        size = chance.choice((0, 10, 100, 1000)) if chance.random() < 0.99 else 30000
        return f"{user} {len(self.sent[user])} " + "x" * size

    def use(self, session, user, chance, stop):
        """One session: sends, takes receipts and messages, until its server is gone; or, once `stop`
        is set, until all that it sent is accepted."""
        mine = self.sent[user]
        first, settled, taken = len(mine), 0, 0
        last = {}  # by source and target: in a session each sender's order holds, and nothing twice
        session.features = None  # it leaves by itself
        with session:
            while not (stop.is_set() and first + settled == len(mine)):
                if not stop.is_set() and len(mine) - first - settled <= WINDOW // 2:
                    batch = []
                    for _ in range(chance.randint(1, WINDOW)):
                        target = chance.choice([to for to in TARGETS if to != address_of(user)])
                        mine.append((target, self.content(user, chance)))
                        batch.append(wire.message(*mine[-1]))
                    try:
                        session.send(*batch)
                    except OSError:
                        raise Gone from None
                frame = frame_of(session)
                if frame.name == "Accepted":
                    self.accepted[user] += mine[first + settled:first + frame["up_to"]]
                    settled = frame["up_to"]
                elif frame.name == "Rejected":
                    raise AssertionError(f"{mine[first + frame['number'] - 1][0]}: {frame}; {AGAIN}")
                else:
                    taken += 1
                    self.take(user, frame, last)
                    if taken % 7 == 1:
                        try:
                            session.accept(taken)
                        except OSError:
                            raise Gone from None

    def take(self, user, frame, last):
        assert frame.name == "Message", f"{user}: {frame}; {AGAIN}"
        source, number, _ = frame["message_content"].split(" ", 2)
        assert frame["source"] == address_of(source)
        assert frame["target"] in (address_of(user), ROOM)
        place = source, frame["target"]
        assert int(number) > last.get(place, -1), \
            f"{place} to {user}: {number} after {last[place]}; {AGAIN}"
        last[place] = int(number)
        self.received[user][frame["message_content"]] = frame["source"], frame["target"]

    def of(self, sender, target):
        return [content for to, content in self.accepted[sender] if to == target]


def enter(federation, user):
    name, server = user.split("@")
    try:
        return User(federation[server].address).log_in(name)
    except TimeoutError:
        raise
    except (OSError, CutOff, AssertionError):
        # It may be killed within the login.
        raise Gone from None


def use(federation, ledger, user, chance, stop):
    """Until its server is gone for this round, or all is quiet."""
    server = federation[user.split("@")[1]]
    while True:
        try:
            return ledger.use(enter(federation, user), user, chance, stop)
        except Gone:
            if stop.is_set() or server.process.poll() is not None:
                return


def round_of(federation, ledger, what, chance):
    """Everybody writes; then servers are killed, or links are cut, and all goes on."""
    pause = threading.Event()  # never set: the moment is the chance's
    stop = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(len(USERS)) as pool:
        tasks = [pool.submit(use, federation, ledger, user, random.Random(chance.random()), stop)
                 for user in USERS]
        try:
            for _ in range(3 if what is None else 1):
                pause.wait(chance.uniform(0.05, 0.5))
                if what is None:
                    federation.cut(*chance.sample("abc", 2))
            for name in what or "":
                federation.servers[name].process.kill()
            for name in what or "":
                federation.servers[name].wait()
            pause.wait(chance.uniform(0, 0.2))
        finally:
            stop.set()
        for task in tasks:
            task.result(WAIT_SECONDS)
    for name in what or "":
        federation[name].stop()
    if what:
        federation.start(*what)


def finish(federation, ledger):
    """All say a last word to each target; who has read everybody's last words has read all."""
    ends = {}
    for user in USERS:
        with enter(federation, user) as session:
            for number, target in enumerate(TARGETS, 1):
                if target != address_of(user):
                    ledger.sent[user].append((target, ledger.content(user, random) + "last"))
                    ends[user, target] = ledger.sent[user][-1][1]
                    session.send(wire.message(*ledger.sent[user][-1]))
            session.wait_accepted(number - 1)
            session.reset()
        ledger.accepted[user] += [(target, ends[user, target]) for target in TARGETS
                                  if target != address_of(user)]
    for user in USERS:
        missing = {ends[other, address_of(user)] for other in USERS if other != user}
        last = {}
        with enter(federation, user) as session:
            while missing:
                frame = session.receive()
                assert frame is not None
                ledger.take(user, frame, last)
                missing.discard(frame["message_content"])


def check(federation, ledger):
    for user in USERS:
        received = set(ledger.received[user])
        for sender in USERS:
            if sender == user:
                continue
            # What is said in a channel is for who is there, and then in its history.
            lost = set(ledger.of(sender, address_of(user))) - received
            assert not lost, f"{sender}: {len(lost)} accepted and not at {user}; {AGAIN}"
        sent = {content: (address_of(sender), target) for sender in USERS
                for target, content in ledger.sent[sender]}
        for content, place in ledger.received[user].items():
            assert sent[content] == place, f"{user} got what nobody sent: {content[:50]}; {AGAIN}"
    # Histories: both servers of a chat have the same, each accepted message once, in order.
    for one in USERS:
        with User(federation[one.split("@")[1]].address) as session:
            session.log_in(one.split("@")[0])
            for other in USERS:
                if other != one:
                    items = session.whole_history(address_of(other))
                    for sender, target in ((one, other), (other, one)):
                        check_history(items, ledger, sender, address_of(target))
            if one.endswith("@b"):
                items = session.whole_history(ROOM)
                for sender in USERS:
                    check_history(items, ledger, sender, ROOM)
            session.reset()
            session.features = None


def check_history(items, ledger, sender, target):
    contents = [item["message_content"] for item in items if item["source"] == address_of(sender)
                and item["target"] == target]
    numbers = [int(content.split(" ")[1]) for content in contents]
    assert all(one < two for one, two in zip(numbers, numbers[1:])), \
        f"{sender} to {target}: out of order or twice in a history; {AGAIN}"
    lost = set(ledger.of(sender, target)) - set(contents)
    assert not lost, f"{sender} to {target}: {len(lost)} not in a history; {AGAIN}"


def test_nothing_that_was_accepted_is_lost_between_servers_that_are_killed(tmp_path):
    print(AGAIN)
    chance = random.Random(SEED)
    with Federation(tmp_path, "abc", extra=CONFIG) as federation:
        federation.start()
        federation.add_users(*USERS)
        assert federation["b"].admin("channel create", name="#room")["ok"]
        for user in USERS:
            with federation.log_in(user) as session:
                ask_until(session, "Join", user="", channel=ROOM)
        ledger = Ledger()
        plan = []
        while len(plan) < KILLS:
            plan += chance.sample(WHAT, len(WHAT))
        for what in plan[:KILLS]:
            round_of(federation, ledger, what, chance)
        finish(federation, ledger)
        check(federation, ledger)
        federation.numbers.check()
        accepted = sum(len(messages) for messages in ledger.accepted.values())
        received = sum(len(messages) for messages in ledger.received.values())
        print(f"{KILLS} rounds, {accepted} accepted, {received} received")
        assert accepted > 0
