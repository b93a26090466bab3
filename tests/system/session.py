"""One connection to a server, driven step by step. Every wait has a deadline."""

import socket
import struct

import wire

WAIT_SECONDS = 20


class CutOff(AssertionError):
    """The server closed within a frame: what a killed one does."""


class Session:
    def __init__(self, address, receive_buffer=None):
        host, port = address.rsplit(":", 1)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(WAIT_SECONDS)
        self.socket.connect((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends the connection with a reset: what was not read is gone."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, *frames):
        self.socket.sendall(b"".join(frames))

    def receive(self):
        """The next frame; None once the server has closed."""
        while True:
            frame, size = wire.take_frame(self.buffer)
            if frame is not None:
                del self.buffer[:size]
                return frame
            data = self.socket.recv(1 << 16)
            if not data:
                if self.buffer:
                    raise CutOff("the server closed within a frame")
                return None
            self.buffer += data

    def expect(self, name, /, **fields):
        frame = self.receive()
        assert frame is not None, f"expected {name}, and the server closed"
        assert frame.name == name, f"expected {name}, got {frame}"
        for field, value in fields.items():
            assert frame[field] == value, f"expected {field}={value!r}, got {frame}"
        return frame

    def expect_end(self):
        frame = self.receive()
        assert frame is None, f"expected the end, got {frame}"

    def expect_error_and_end(self, code):
        self.expect("Error", code=code)
        self.expect_end()

    def handshake(self, features=None):
        """Sends Handshake; with features also takes the server's answer, which it returns."""
        if features is None:
            self.send(wire.encode("Handshake", ver_major=0, ver_minor=4))
            return None
        self.send(wire.encode("Handshake", ver_major=0, ver_minor=4, features=features))
        return self.expect("Handshake", ver_major=0)["features"]

    def log_in(self, user, password="secret", features=None):
        self.handshake(features)
        self.send(wire.encode("UserAuth", username=user, password=password))
        self.expect("Success")
        return self

    def fence(self):
        """Returns once the session's shard has looked at all that was sent before; what other shards
        answer may come later. Needs no features: the service address answers each message with
        one. Returns the frames that came meanwhile."""
        self.send(wire.message("server", "help"))
        frames = []
        while True:
            frame = self.receive()
            assert frame is not None, "the server closed"
            if frame.name == "Message" and frame["source"].startswith("server@"):
                return frames
            frames.append(frame)

    def wait_accepted(self, count):
        """Until all of the first `count` messages are accepted, and none is rejected. Messages that
        come meanwhile are passed over."""
        while (frame := self.receive()) is None or frame.name != "Accepted" or \
                frame["up_to"] < count:
            assert frame is not None, "the server closed"
            assert frame.name in ("Accepted", "Message"), frame

    def accept(self, count):
        """Says that the first `count` messages of this session have arrived."""
        self.send(wire.encode("Accepted", up_to=count))

    def history(self, address, after=0, limit=0):
        """(code, items) of a HistoryRequest."""
        return self.ask("HistoryRequest", address=address, after=after, limit=limit)

    def whole_history(self, address, limit=1000):
        """All items, page by page."""
        items = []
        while True:
            code, page = self.history(address, items[-1]["position"] if items else 0, limit)
            assert code == 0, f"history of {address!r}: {code:#x}"
            items += page
            if len(page) < limit:
                return items

    def ask(self, name, /, **fields):
        """A request; returns (code, the items that came with it). Messages that come meanwhile are
        passed over."""
        self.send(wire.encode(name, tag=77, **fields))
        items = []
        while True:
            frame = self.receive()
            assert frame is not None, "the server closed"
            if frame.name in ("ListItem", "HistoryItem") and frame["tag"] == 77:
                items.append(frame)
            elif frame.name == "Result" and frame["tag"] == 77:
                return frame["code"], items
            else:
                assert frame.name == "Message", f"unexpected {frame}"


def log_in(address, user, password="secret", features=None):
    return Session(address).log_in(user, password, features)
