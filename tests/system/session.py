"""One connection to a server, driven step by step. Every wait has a deadline."""

import socket

import wire

WAIT_SECONDS = 20


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
                assert not self.buffer, "the server closed within a frame"
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

    def ask(self, name, /, **fields):
        """A request; returns (code, the items that came with it)."""
        self.send(wire.encode(name, tag=77, **fields))
        items = []
        while True:
            frame = self.receive()
            assert frame is not None, "the server closed"
            if frame.name == "ListItem" and frame["tag"] == 77:
                items.append(frame)
            elif frame.name == "Result" and frame["tag"] == 77:
                return frame["code"], items
            else:
                raise AssertionError(f"unexpected {frame}")


def log_in(address, user, password="secret", features=None):
    return Session(address).log_in(user, password, features)
