"""A server that a test plays: one side of a link, frame by frame. It answers what a peer must answer
(LinkResume, Ping), and says whatever else the test wants it to say."""

import socket

import wire
from session import WAIT_SECONDS, Session

FEATURES = wire.PING | wire.RECEIPTS | wire.REQUESTS | wire.RESUME


class FakeLink(Session):
    """`name` is who this side says it is. `held` is what this side has of the other's streams: number
    of the stream, and the last number of a message."""

    def __init__(self, name, address=None, accepted=None, held=None, receive_buffer=None):
        if accepted is None:
            super().__init__(address, receive_buffer)
        else:
            self.socket = accepted
            self.socket.settimeout(WAIT_SECONDS)
            self.buffer = bytearray()
        self.name = name
        self.held = {} if held is None else held
        self.features = 0
        self.answers = True     # False: LinkResume and Ping come out of `receive` like the rest
        self.their_stream = None
        self.their_number = 0   # of the last Message that came
        self.stream = None
        self.early = []

    def greet(self, features=FEATURES):
        """Handshake and ServerAuth of the side that dials."""
        hello = {} if features is None else {"features": features}
        self.send(wire.encode("Handshake", ver_major=0, ver_minor=4, **hello),
                  wire.encode("ServerAuth", name=self.name))
        return self

    def link(self, features=FEATURES):
        """Dials, and returns once the other side has taken this link."""
        self.greet(features)
        if features is not None:
            self.features = self.expect("Handshake", ver_major=0)["features"]
        self.expect("Success")
        return self

    def refused(self, code=wire.SERVER_AUTH_FAILED, features=FEATURES):
        self.greet(features)
        frame = self.receive()
        if frame is not None and frame.name == "Handshake":
            frame = self.receive()
        assert frame is not None and frame.name == "Error" and frame["code"] == code, frame
        self.expect_end()

    def welcome(self, features=FEATURES):
        """Takes a link that the other side dialled; returns the name it gave."""
        theirs = self.expect("Handshake", ver_major=0).get("features")
        name = self.expect("ServerAuth")["name"]
        if features is not None and theirs is not None:
            self.features = features & theirs
            self.send(wire.encode("Handshake", ver_major=0, ver_minor=4, features=self.features))
        self.send(wire.encode("Success"))
        return name

    def resume(self, stream, following=1):
        """Begins this side's stream, and returns what the other side holds of it."""
        self.stream = stream
        self.send(wire.encode("LinkResume", stream=stream, next=following))
        return self.expect("Accepted")["up_to"]

    def receive(self):
        while True:
            frame = super().receive()
            if frame is None or not self.answers:
                return frame
            if frame.name == "LinkResume":
                self.their_stream = frame["stream"]
                self.their_number = self.held.setdefault(frame["stream"], 0)
                self.send(wire.encode("Accepted", up_to=self.their_number))
            elif frame.name == "Ping":
                self.send(wire.encode("Pong", token=frame["token"]))
            elif frame.name != "Pong":
                if frame.name == "Message":
                    self.their_number += 1
                return frame

    def accept(self, count=None):
        """All that came, or the first `count`, is this side's to look after now."""
        count = self.their_number if count is None else count
        self.held[self.their_stream] = count
        self.send(wire.encode("Accepted", up_to=count))

    def say(self, source, target, content, timestamp=1):
        self.send(wire.message(target, content, source=source, timestamp=timestamp))

    def settle(self, up_to):
        """Returns the numbers of those that were rejected, with their codes, once all up to `up_to`
        are settled. Messages that come meanwhile go to `early`."""
        rejected = {}
        while True:
            frame = self.receive()
            assert frame is not None, "the server ended the link"
            if frame.name == "Message":
                self.early.append(frame["message_content"])
            elif frame.name == "Rejected":
                rejected[frame["number"]] = frame["code"]
            else:
                assert frame.name == "Accepted", frame
                if frame["up_to"] >= up_to:
                    return rejected


class FakePeer:
    """Listens as a peer that the servers dial."""

    def __init__(self, name):
        self.name = name
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(WAIT_SECONDS)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.held = {}
        self.links = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for link in self.links:
            link.close()
        self.listener.close()

    def accept(self, features=FEATURES):
        """The next link that is dialled to this peer."""
        accepted, _ = self.listener.accept()
        link = FakeLink(self.name, accepted=accepted, held=self.held)
        self.links.append(link)
        link.welcome(features)
        return link

    def dial(self, address, features=FEATURES, **options):
        link = FakeLink(self.name, address, held=self.held, **options)
        self.links.append(link)
        return link.link(features)
