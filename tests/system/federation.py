"""Several servers that are linked with each other through proxies, and their users.

A server is called by the first part of its name: "a" is a.example. The way on which a dials b is
`federation.way("a", "b")`, a Proxy whose port is known before any server runs.
"""

import base64
import contextlib
import functools
import hashlib
import subprocess
import time

import wire
from proxy import BACK, OUT, Network
from server import WAIT_SECONDS, Server
from session import Session

# Links that are gone come back soon, and tests that stall them say themselves when they end.
LIMITS = {"link_backoff_max": "200ms"}
FEATURES = wire.PING | wire.RECEIPTS | wire.REQUESTS | wire.HISTORY


def full_name(short):
    return short if "." in short else f"{short}.example"


def address_of(user):
    """"bob@b" is bob@b.example."""
    name, server = user.split("@")
    return f"{name}@{full_name(server)}"


class Certificate:
    """A key and a self-signed certificate, made by openssl and not by what is tested."""

    def __init__(self, folder, name, key=None):
        """`key`: a file with the key that it shall be for; none: a new one."""
        folder.mkdir(exist_ok=True)
        self.certificate = folder / f"{name}.pem"
        self.key = key or folder / f"{name}.key"
        command(["openssl", "req", "-x509", "-subj", f"/CN={name}", "-addext",
                 f"subjectAltName=DNS:{name}", "-days", "30", "-out", self.certificate,
                 *(["-key", key] if key else
                   ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    self.key])])
        self.pin = pin_of(self.certificate)


def command(words, data=None):
    done = subprocess.run([str(word) for word in words], input=data, capture_output=True,
                          timeout=WAIT_SECONDS, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def pin_of(certificate):
    public = command(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"])
    info = command(["openssl", "pkey", "-pubin", "-outform", "der"], public)
    return "sha256/" + base64.b64encode(hashlib.sha256(info).digest()).decode()


class User(Session):
    """Says when it leaves that all it read has arrived, so that the next session of the user begins
    with what is new. (A socket that is closed with something unread in it is reset.)"""

    read = 0
    features = None

    def log_in(self, user, password="secret", features=FEATURES):
        self.features = features
        return super().log_in(user, password, features)

    def receive(self):
        frame = super().receive()
        if frame is not None and frame.name == "Message":
            self.read += 1
        return frame

    def reset(self):
        self.features = None  # it says nothing any more
        super().reset()

    def leave(self):
        if self.features is not None:
            self.accept(self.read)
            rest(self)
        self.close()

    def __exit__(self, kind, *_):
        if kind is None:
            self.leave()
        else:
            self.close()


class Numbers:
    """Watches plain ways: which number of which stream named which message. One that named two is an
    error, and so is one that was sent before the other side said from where to go on."""

    def __init__(self):
        self.messages = {}  # (stream, number): hash of the message
        self.after = {}     # (way, connection, direction): (stream, the last number)
        self.errors = []

    def watch(self, way, relay, direction, frame):
        here = way, relay, direction
        there = way, relay, BACK if direction == OUT else OUT
        if frame.name == "LinkResume":
            self.after[here] = frame["stream"], None
        elif frame.name == "Accepted" and self.after.get(there, (0, 0))[1] is None:
            self.after[there] = self.after[there][0], frame["up_to"]
        elif frame.name == "Message":
            stream, number = self.after.get(here, (0, None))
            if number is None:
                self.errors.append(f"sent before the answer to LinkResume: {frame}")
                return
            self.after[here] = stream, number + 1
            meaning = hash(tuple(frame.items()))
            if self.messages.setdefault((stream, number + 1), meaning) != meaning:
                self.errors.append(f"{number + 1} of stream {stream} is two messages: {frame}")

    def check(self, least=1):
        assert not self.errors, self.errors[:3]
        assert len(self.messages) >= least


class Federation:
    """Servers `names`; `others` are peers that the test plays itself. `dials`: the pairs of which the
    first dials the second (default: everybody everybody). `extra` goes over each config."""

    def __init__(self, folder, names="abc", others="", tls=False, kept=True, dials=None, extra=None):
        self.folder = folder
        self.names = list(names)
        self.others = list(others)
        self.tls = tls
        self.dials = dials
        self.network = Network()
        self.ways = {}
        self.servers = {}
        self.certificates = {}
        self.numbers = Numbers()
        if tls:
            self.certificates = {name: Certificate(folder / "tls", full_name(name))
                                 for name in (*self.names, *self.others)}
        for name in self.names:
            (folder / name).mkdir()
            server = Server(folder / name, start=False)
            server.merge({"server": {"name": full_name(name), "shards": 2}, "limits": LIMITS})
            if kept:
                server.merge({"server": {"data_dir": str(folder / name / "data")}})
            if tls:
                server.merge({"server": {"listen_tls": ["127.0.0.1:0"]},
                              "tls": {"certificate": str(self.certificates[name].certificate),
                                      "key": str(self.certificates[name].key)}})
            server.merge(extra or {})
            self.servers[name] = server

    def __enter__(self):
        self.network.__enter__()
        everybody = self.names + self.others
        for one in everybody:
            for other in everybody:
                if one != other:
                    self.ways[one, other] = self.network.proxy()
                    self.ways[one, other].framed = not self.tls
                    self.ways[one, other].watch = functools.partial(self.numbers.watch, (one, other))
        for name in self.names:
            self.servers[name].merge({"peer": [self.peer(name, other) for other in everybody
                                               if other != name]})
        return self

    def __exit__(self, *_):
        # All at once: each waits for none of the others.
        with contextlib.ExitStack() as stack:
            stack.callback(self.network.__exit__)
            for server in self.servers.values():
                if server.process is not None and server.process.poll() is None:
                    server.process.terminate()
                stack.callback(server.stop)

    def peer(self, name, other, **changes):
        """The [[peer]] table of `other` in the config of `name`."""
        table = {"name": full_name(other), "address": self.ways[name, other].address,
                 "dial": self.dials is None or (name, other) in self.dials}
        if self.tls:
            table["public_key"] = self.certificates[other].pin
        else:
            table["allow_plain"] = True
        return {**table, **changes}

    def set_peers(self, name, *peers):
        """Other peers from now on."""
        self[name].config["peer"] = list(peers)
        self[name].write_config()
        answer = self[name].admin("reload")
        assert answer["ok"], answer

    def __getitem__(self, name):
        return self.servers[name]

    def way(self, name, other):
        return self.ways[name, other]

    def between(self, one, other):
        return self.ways[one, other], self.ways[other, one]

    def start(self, *names):
        for name in names or self.names:
            self[name].start()
            self.aim(name)
        return self

    def aim(self, name):
        ready = self[name].ready
        for other in self.names + self.others:
            if other != name:
                self.ways[other, name].aim(ready["listen_tls" if self.tls else "listen"])

    def kill(self, name):
        self[name].process.kill()
        self[name].wait()
        self[name].stop()

    def stop(self, name):
        self[name].stop()

    def cut(self, one, other):
        for way in self.between(one, other):
            way.cut()

    def part(self, one, other):
        """They cannot reach each other, until `heal`."""
        for way in self.between(one, other):
            way.refuse()

    def heal(self, one, other):
        for way in self.between(one, other):
            way.allow()

    # --- users ---

    def add_users(self, *users):
        """As "alice@a"; all are each other's contacts."""
        for user in users:
            name, server = user.split("@")
            self[server].add_users(name)
        for user in users:
            for other in users:
                if other != user:
                    self.add_contact(user, other)

    def add_contact(self, user, other):
        name, server = user.split("@")
        answer = self[server].admin("user contact add", name=name, address=address_of(other))
        assert answer["ok"], answer

    def log_in(self, user, features=FEATURES):
        name, server = user.split("@")
        return User(self[server].address).log_in(name, features=features)

    # --- what links are like ---

    def links(self, name):
        """What a server says of its links, by the peer's name."""
        answer = self[name].admin("link list")
        assert answer["ok"], answer
        return {item["name"]: item for item in answer["links"]}

    def wait_linked(self, *pairs, seconds=WAIT_SECONDS):
        """Until a message could go at once, each way. All pairs if none is named."""
        everybody = self.names
        pairs = pairs or [(one, other) for one in everybody for other in everybody if one < other]
        for one, other in pairs:
            for near, far in ((one, other), (other, one)):
                if near in self.servers:
                    self.wait_link(near, far, "state", "up", seconds)

    def wait_link(self, name, other, field, value, seconds=WAIT_SECONDS):
        """Until a field of `links` has that value."""
        self.network.wait(lambda: self.links(name)[full_name(other)][field] == value,
                          f"{field} of {name}'s link to {other} is not {value}", seconds)


def numbered(first, end, word="message"):
    return [f"{word} {i}" for i in range(first, end)]


def send(session, target, contents, before=0):
    """Sends, and returns when all are accepted; `before` were sent in this session before."""
    contents = list(contents)
    for start in range(0, len(contents), 200):
        part = contents[start:start + 200]
        session.send(*[wire.message(target, text) for text in part])
        session.wait_accepted(before + start + len(part))


def expect(session, contents, source, target=None):
    """These messages, in order, and nothing between them but receipts."""
    for content in contents:
        while (frame := session.receive()) is not None and frame.name == "Accepted":
            pass
        assert frame is not None, f"the server closed before {content!r}"
        assert frame.name == "Message" and frame["message_content"] == content and \
            frame["source"] == source and target in (None, frame["target"]), \
            f"expected {content!r} from {source}, got {frame}"


def rest(session):
    """What else came until now, receipts left out. The session has agreed on pings."""
    session.send(wire.encode("Ping", token=4711))
    frames = []
    while True:
        frame = session.receive()
        assert frame is not None, "the server closed"
        if frame.name == "Pong":
            return frames
        if frame.name != "Accepted":
            frames.append(frame)


def ask_until(session, name, codes=(0,), **fields):
    """A request that is repeated while the link it needs is away."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        code, items = session.ask(name, **fields)
        if code != wire.UNAVAILABLE:
            assert code in codes, f"{name} {fields}: {code:#x}"
            return items
        assert time.monotonic() < deadline, f"{name} {fields} stays unavailable"
