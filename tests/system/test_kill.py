"""The server is killed over and over while it works; the clients keep their own account of what it
accepted, and in the end nothing of it is missing.

SOLEC_KILLS is how often, SOLEC_SEED what happens when. `tools/soak kill` is the long form.
"""

import collections
import concurrent.futures
import os
import random
import signal
import threading

import wire
from server import SOLEC, SOLECD, WAIT_SECONDS, run
from session import CutOff, Session, log_in

KILLS = int(os.environ.get("SOLEC_KILLS", "10"))
SEED = int(os.environ.get("SOLEC_SEED", random.SystemRandom().randrange(1 << 32)))
AGAIN = (f"again with: SOLEC_KILLS={KILLS} SOLEC_SEED={SEED} pytest "
         "tests/system/test_kill.py")

# When the kill comes: under load, before the server is ready, at once when it is, while users log
# in, and when all is quiet.
WHEN = ["load"] * 6 + ["starting", "ready", "login", "idle"]

SENDERS = ["sender0", "sender1", "sender2"]
# There all the time, with and without receipts; now and then; and not before the end.
USERS = ["receipts", "plain", "guest", "away"]
ROOM = "#room"
TARGETS = USERS + [ROOM]
# Of one sender between two kills; so many are not accepted yet at most when it sends more.
MESSAGES = 150
WINDOW = 8
ALL = wire.RECEIPTS | wire.REQUESTS | wire.HISTORY
# Small memory for what was written: tables are made and merged while the kills come.
CONFIG = {"store": {"write_buffer": "1MiB"},
          "limits": {"waiting_bytes_per_user_max": "1GiB"}}


class Gone(Exception):
    """The server was killed."""


def frame_of(session):
    try:
        frame = session.receive()
    except TimeoutError:
        raise
    except (OSError, CutOff):
        frame = None
    if frame is None:
        raise Gone
    return frame


def enter(address, name, features):
    """A login that may end with the server."""
    try:
        session = Session(address)
        hello = {} if features is None else {"features": features}
        session.send(wire.encode("Handshake", ver_major=0, ver_minor=4, **hello),
                     wire.encode("UserAuth", username=name, password="secret"))
    except OSError:
        raise Gone from None
    for expected in ("Success",) if features is None else ("Handshake", "Success"):
        frame = frame_of(session)
        assert frame.name == expected, frame
    return session


class Ledger:
    """What the clients know. Each list belongs to one thread at a time."""

    def __init__(self):
        self.sent = {name: [] for name in SENDERS}  # (target, content)
        self.accepted = {name: [] for name in SENDERS}  # likewise
        self.received = {name: set() for name in USERS}

    def content(self, sender, target, chance):
        size = chance.choice((0, 10, 100, 1000)) if chance.random() < 0.99 else 30000
        return f"{sender} {len(self.sent[sender])} " + "x" * size

    def send(self, address, sender, chance, count, started):
        """Sends `count` messages, and takes the answers, until the server is gone or all is
        accepted."""
        session = enter(address, sender, ALL)
        with session:
            first, settled = len(self.sent[sender]), 0
            mine = self.sent[sender]
            while settled < count:
                if (in_flight := len(mine) - first - settled) <= WINDOW:
                    batch = []
                    for _ in range(min(chance.randint(1, 24), count - settled - in_flight)):
                        target = chance.choice(TARGETS)
                        mine.append((target, self.content(sender, target, chance)))
                        batch.append(wire.message(*mine[-1]))
                    try:
                        session.send(*batch)
                    except OSError:
                        count = len(mine) - first  # the answers that came may still be read
                frame = frame_of(session)
                if frame.name == "Message":
                    assert frame["target"] == f"{ROOM}@a.example"
                    continue
                assert frame.name == "Accepted", frame
                self.accepted[sender] += mine[first + settled:first + frame["up_to"]]
                settled = frame["up_to"]
                started.set()

    def send_last(self, address, target):
        sender = SENDERS[0]
        self.sent[sender].append((target, f"{sender} {len(self.sent[sender])} last"))
        with log_in(address, sender, features=wire.RECEIPTS) as session:
            session.send(wire.message(*self.sent[sender][-1]))
            session.wait_accepted(1)
        self.accepted[sender].append(self.sent[sender][-1])

    def receive(self, address, name, chance, count=None):
        """Takes what comes, until the server is gone or there were `count`."""
        with_receipts = name != "plain"
        session = enter(address, name, ALL if with_receipts else None)
        with session:
            numbers = collections.defaultdict(lambda: -1)
            taken = 0
            while count is None or taken < count:
                frame = frame_of(session)
                assert frame.name == "Message", frame
                taken += 1
                content = frame["message_content"]
                sender, number = content.split(" ")[:2]
                assert frame["source"] == f"{sender}@a.example"
                # Within a session: each sender's order, and nothing twice.
                place = sender, frame["target"]
                assert int(number) > numbers[place], f"{place}: {number} after {numbers[place]}"
                numbers[place] = int(number)
                if frame["target"] == f"{name}@a.example":
                    self.received[name].add(content)
                # The first always: a client that never answers and leaves in order is taken to have
                # everything that its TCP acknowledged.
                if with_receipts and (taken == 1 or chance.random() < 0.2):
                    try:
                        session.accept(taken)
                    except OSError:
                        raise Gone from None
            if chance.random() < 0.5:
                session.reset()

    def guest(self, address, chance):
        """Comes and goes."""
        while True:
            self.receive(address, "guest", chance, chance.randint(1, 20))

    def of(self, target):
        """What was accepted for a target, per sender."""
        return {sender: [content for to, content in self.accepted[sender] if to == target]
                for sender in SENDERS}


def logins(address):
    while True:
        for name in ("away", *SENDERS):
            # With receipts and a reset: so what came with it counts as not arrived.
            enter(address, name, wire.RECEIPTS).reset()


def until_gone(function, *arguments):
    try:
        function(*arguments)
    except Gone:
        pass


def life(server, ledger, when, chance):
    """One start of the server, and its end."""
    pause = threading.Event()  # never set: the moment of the kill is the chance's
    if when == "starting":
        server.write_config()
        server.launch([SOLECD, "--config", str(server.config_file)])
        pause.wait(chance.uniform(0, 0.3))
        server.signal(signal.SIGKILL)
        server.wait()
        server.stop()
        return
    server.start()
    started = threading.Event()

    def others():
        return random.Random(chance.random())

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        tasks = []

        def do(function, *arguments):
            tasks.append(pool.submit(until_gone, function, server.address, *arguments))
            return tasks[-1]

        try:
            if when != "ready":
                do(ledger.receive, "receipts", others())
                do(ledger.receive, "plain", others())
                # The guest's waiting messages go at their own pace: not while nothing shall go on.
                if when != "idle":
                    do(ledger.guest, others())
            if when == "login":
                do(logins)
                do(logins)
                pause.wait(chance.uniform(0, 0.1))
            elif when == "idle":
                senders = [do(ledger.send, name, others(), MESSAGES, started) for name in SENDERS]
                for sender in senders:
                    sender.result(WAIT_SECONDS)
            elif when == "load":
                for name in SENDERS:
                    do(ledger.send, name, others(), 100 * MESSAGES, started)
                assert started.wait(WAIT_SECONDS)
                pause.wait(chance.uniform(0, 0.15))
            else:
                pause.wait(chance.uniform(0, 0.02))
        finally:
            server.signal(signal.SIGKILL)
            server.wait()
        for task in tasks:
            task.result(WAIT_SECONDS)
    server.stop()


def check_history(items, ledger, target, senders):
    """Each accepted message once; each sender's in order; positions rise; nothing that nobody
    sent."""
    positions = [item["position"] for item in items]
    assert all(one < two for one, two in zip(positions, positions[1:])), AGAIN
    contents = [item["message_content"] for item in items]
    assert len(set(contents)) == len(contents), f"{target}: twice in the history; {AGAIN}"
    accepted = ledger.of(target)
    for sender in senders:
        mine = [content for content in contents if content.startswith(f"{sender} ")]
        numbers = [int(content.split(" ")[1]) for content in mine]
        assert numbers == sorted(numbers), f"{sender} to {target}: out of order; {AGAIN}"
        missing = set(accepted[sender]) - set(mine)
        assert not missing, f"{sender} to {target}: {len(missing)} accepted and lost; {AGAIN}"
        assert set(mine) <= {content for to, content in ledger.sent[sender] if to == target}, AGAIN
    assert {content.split(" ")[0] for content in contents} <= set(senders), AGAIN


def check_arrival(server, ledger, name):
    """Logs in for what still waits: everything that was accepted has been seen then. The last that
    comes is one that is sent for this."""
    ledger.send_last(server.address, name)
    expected = {content for contents in ledger.of(name).values() for content in contents}
    with log_in(server.address, name, features=wire.RECEIPTS | wire.PING) as session:
        taken, content = 0, None
        while content != ledger.sent[SENDERS[0]][-1][1]:
            content = session.expect("Message")["message_content"]
            taken += 1
            ledger.received[name].add(content)
        session.accept(taken)
        session.send(wire.encode("Ping", token=1))
        session.expect("Pong", token=1)
    missing = expected - ledger.received[name]
    assert not missing, f"{len(missing)} of {len(expected)} for {name} never came; {AGAIN}"


def test_nothing_that_was_accepted_is_lost(start_kept):
    print(AGAIN)
    chance = random.Random(SEED)
    server = start_kept(CONFIG)
    server.add_users(*SENDERS, *USERS, contacts=True)
    assert server.admin("channel create", name=ROOM)["ok"]
    for name in (*SENDERS, "receipts", "plain"):
        assert server.admin("channel join", name=ROOM, user=name)["ok"]
    server.stop()
    ledger = Ledger()
    plan = []
    while len(plan) < KILLS:
        plan += chance.sample(WHEN, len(WHEN))
    for when in plan[:KILLS]:
        try:
            life(server, ledger, when, chance)
        except BaseException:
            print(server.log.text())
            raise
    server.start()
    accepted = sum(len(messages) for messages in ledger.accepted.values())
    sent = sum(len(messages) for messages in ledger.sent.values())
    print(f"{KILLS} kills, {sent} messages sent, {accepted} accepted")
    assert accepted > 0
    for name in USERS:
        check_arrival(server, ledger, name)
        with log_in(server.address, name, features=wire.HISTORY) as session:
            histories = {sender: session.whole_history(sender) for sender in SENDERS}
        for sender, items in histories.items():
            check_history(items, ledger, name, [sender])
            with log_in(server.address, sender, features=wire.HISTORY) as session:
                assert session.whole_history(name) == items, AGAIN
    with log_in(server.address, SENDERS[0], features=ALL) as session:
        check_history(session.whole_history(ROOM), ledger, ROOM, SENDERS)
    server.stop()
    answer = run(SOLEC, "store", "check", "--config", server.config_file)
    assert answer.returncode == 0, f"{answer.stdout}{answer.stderr}{AGAIN}"
