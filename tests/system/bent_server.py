"""A server in this process that does to messages what no server may do, so that a test can see
whether a generator notices. Any name logs in; messages go to the user they name; receipts and
histories as asked for."""

import socketserver
import threading

import wire

SERVER = "@a.example"


class BentServer:
    """`bend(number, fields)`: the messages to deliver, as a list, for the number-th of a session;
    or None: it is rejected. `history`: the items of every chat, as (position, content)."""

    def __init__(self, bend=None, history=()):
        self.bend = bend or (lambda number, fields: [fields])
        self.history = history
        self.delivered = {}  # messages, by user
        self.acknowledged = {}  # the highest number that the user itself accepted
        self.users = {}
        self.changed = threading.Condition()

        class Handler(socketserver.BaseRequestHandler):
            def handle(handler):
                self.serve(handler.request)

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True
            request_queue_size = 128

        self.listener = Listener(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.listener.server_address[1]}"
        self.thread = threading.Thread(target=self.listener.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown()
        self.listener.server_close()
        self.thread.join()

    def serve(self, socket):
        buffer = bytearray()
        session = {"number": 0, "features": 0, "name": None}
        while data := socket.recv(1 << 16):
            buffer += data
            answers = b""
            used = 0
            view = memoryview(bytes(buffer))
            while True:
                frame, size = wire.take_frame(view[used:])
                if frame is None:
                    break
                used += size
                answers += self.answer(socket, session, frame)
            del buffer[:used]
            if session["number"] != 0 and session["features"] & wire.RECEIPTS:
                answers += wire.encode("Accepted", up_to=session["number"])
            with self.changed:
                socket.sendall(answers)

    def answer(self, socket, session, frame):
        if frame.name == "Handshake" and "features" in frame:
            session["features"] = frame["features"]
            return wire.encode("Handshake", ver_major=0, ver_minor=4, features=frame["features"])
        if frame.name == "UserAuth":
            session["name"] = frame["username"]
            with self.changed:
                self.users[session["name"]] = socket
            return wire.encode("Success")
        if frame.name == "Accepted":
            self.acknowledged[session["name"]] = frame["up_to"]
        if frame.name == "HistoryRequest":
            return self.read(session["name"], frame)
        if frame.name == "Message":
            session["number"] += 1
            return self.deliver(session, frame)
        return b""

    def deliver(self, session, frame):
        user = frame["target"]
        fields = {**frame, "source": session["name"] + SERVER, "target": user + SERVER}
        bent = self.bend(session["number"], fields)
        if bent is None:
            return wire.encode("Rejected", number=session["number"], code=wire.UNAVAILABLE)
        with self.changed:
            self.users[user].sendall(b"".join(wire.encode("Message", **each) for each in bent))
            self.delivered[user] = self.delivered.get(user, 0) + len(bent)
        return b""

    def read(self, name, request):
        items = [item for item in self.history if item[0] > request["after"]][:request["limit"]]
        frames = [wire.encode("HistoryItem", tag=request["tag"], position=position,
                              source=name + SERVER, target=request["address"] + SERVER,
                              timestamp=1, message_content=content)
                  for position, content in items]
        return b"".join(frames) + wire.encode("Result", tag=request["tag"], code=0)
