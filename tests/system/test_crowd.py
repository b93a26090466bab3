"""Many at once: sessions that all talk, connections that come and go, slow readers, 10,000 logins."""

import collections
import errno
import resource
import selectors
import socket
import struct
import time

import pytest

import wire
from conftest import OPEN
from session import Session, log_in

CROWD_SECONDS = 90


class Crowd:
    """Many sessions of one process, none of which waits for another. `on_frame(index, type, payload)`
    is called for each frame that arrives, undecoded: Python is slow."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.address = host, int(port)
        self.sockets = []
        self.buffers = []
        self.output = {}
        self.ended = set()
        self.selector = selectors.DefaultSelector()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.sockets:
            one.close()
        self.selector.close()

    def add(self, data):
        """Connects one more, which sends `data` at once; returns its index."""
        index = len(self.sockets)
        one = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.sockets.append(one)
        self.buffers.append(bytearray())
        assert one.connect_ex(self.address) in (0, errno.EINPROGRESS)
        self.output[index] = data
        self.selector.register(one, selectors.EVENT_READ | selectors.EVENT_WRITE, index)
        return index

    def send(self, index, data):
        if index not in self.output:
            self.output[index] = b""
            self.selector.modify(self.sockets[index],
                                 selectors.EVENT_READ | selectors.EVENT_WRITE, index)
        self.output[index] += data

    def run(self, on_frame, finished):
        """Until `finished()`; fails if that takes too long."""
        deadline = time.monotonic() + CROWD_SECONDS
        while not finished():
            assert time.monotonic() < deadline, "not finished in time"
            for key, events in self.selector.select(1):
                if events & selectors.EVENT_WRITE:
                    self._write(key.data)
                if events & selectors.EVENT_READ:
                    self._read(key.data, on_frame)

    def _write(self, index):
        try:
            sent = self.sockets[index].send(self.output[index])
        except BlockingIOError:
            return
        rest = self.output[index][sent:]
        if rest:
            self.output[index] = rest
            return
        del self.output[index]
        self.selector.modify(self.sockets[index], selectors.EVENT_READ, index)

    def _read(self, index, on_frame):
        try:
            data = self.sockets[index].recv(1 << 16)
        except BlockingIOError:
            return
        if not data:
            self.ended.add(index)
            self.selector.unregister(self.sockets[index])
            return
        buffer = self.buffers[index]
        buffer += data
        at = 0
        while len(buffer) >= at + 3:
            number, size = struct.unpack_from(">BH", buffer, at)
            if len(buffer) < at + 3 + size:
                break
            on_frame(index, number, bytes(buffer[at + 3:at + 3 + size]))
            at += 3 + size
        del buffer[:at]


def login_bytes(user):
    return (wire.encode("Handshake", ver_major=0, ver_minor=4)
            + wire.encode("UserAuth", username=user, password="x"))


def test_hundreds_of_sessions_all_talking_lose_and_double_nothing(start):
    """Four sessions for each of 100 users, on two shards; each session writes to three users."""
    server = start(OPEN)
    users, each, rounds = 100, 4, 5
    with Crowd(server.address) as crowd:
        logged_in = set()
        for user in range(users):
            for _ in range(each):
                crowd.add(login_bytes(f"talker{user}"))
        crowd.run(lambda index, number, _: logged_in.add(index) if number == 0x01 else None,
                  lambda: len(logged_in) == users * each)
        expected = collections.defaultdict(list)
        for index in range(users * each):
            for target in {(index * 7 + 1) % users, (index * 11 + 2) % users, index // each}:
                for i in range(rounds):
                    text = f"{index}.{target}.{i}"
                    crowd.send(index, wire.message(f"talker{target}", text))
                    expected[target].append(text)
        seen = collections.defaultdict(list)
        count = 0

        def on_frame(index, number, payload):
            nonlocal count
            assert number == 0x05, f"frame {number:#x}: {payload!r}"
            seen[index].append(wire.decode_payload(number, payload)["message_content"])
            count += 1

        whole = sum(map(len, expected.values())) * each
        crowd.run(on_frame, lambda: count >= whole)
        for index in range(users * each):
            assert sorted(seen[index]) == sorted(expected[index // each])
            # In order from each sender.
            by_sender = collections.defaultdict(list)
            for text in seen[index]:
                sender, _, number = text.split(".")
                by_sender[sender].append(int(number))
            assert all(numbers == list(range(rounds)) for numbers in by_sender.values())
        metrics = server.metrics()
        assert metrics["solec_hand_overs_total"] > 0, "both shards took part"
        assert metrics["solec_messages_delivered_total"] == whole


def test_connections_come_and_go_while_those_that_stay_lose_nothing(start):
    server = start(OPEN)
    with log_in(server.address, "stays1") as one, log_in(server.address, "stays2") as two:
        for number in range(60):
            one.send(*[wire.message("stays2", f"{number}.{i}") for i in range(10)])
            passing = [Session(server.address) for _ in range(3)]
            passing[0].log_in(f"passing{number}")
            passing[0].send(wire.message("stays1", "hello and goodbye")[:20])
            passing[1].handshake()
            passing[2].log_in("stays2")  # one more session of somebody who stays, for a moment
            for session in passing:
                session.close()
        for number in range(60):
            for i in range(10):
                two.expect("Message", message_content=f"{number}.{i}")
        assert two.fence() == [] and one.fence() == []
    server.wait_metric("solec_connections_now", 0)


def test_slow_reader_is_ended_with_0x45_and_what_it_did_not_get_waits(start):
    server = start({**OPEN, "limits": {"output_bytes_max": "256KiB",
                                       "output_stall_timeout": "300ms"}})
    slow = Session(server.address, receive_buffer=4096).log_in("slow")
    count, content = 400, "x" * 20_000
    with log_in(server.address, "eager", features=wire.RECEIPTS) as eager, \
         log_in(server.address, "bystander") as bystander:
        # Writes and reads in turns: the server may stop reading from who feeds a slow reader.
        for i in range(count):
            eager.send(wire.message("slow", f"{i} {content}"))
        up_to = 0
        while up_to < count:
            up_to = eager.expect("Accepted")["up_to"]
        eager.send(wire.message("bystander", "unhurt"))
        bystander.expect("Message", message_content="unhurt")
    server.wait_closed("too_slow", 1)
    seen = []
    while (frame := slow.receive()) is not None and frame.name == "Message":
        seen.append(int(frame["message_content"].split()[0]))
    assert frame is not None and frame["code"] == wire.TOO_SLOW
    slow.close()
    # At least once, in order: what was under way may come again, and nothing is missing.
    with log_in(server.address, "slow") as again:
        first = int(again.expect("Message")["message_content"].split()[0])
        rest = [first] + [int(again.expect("Message")["message_content"].split()[0])
                          for _ in range(count - 1 - first)]
    assert rest == list(range(first, count))
    assert first <= len(seen) and seen == list(range(len(seen)))


def test_rate_limit_is_per_user_and_drops_only_what_is_over(start):
    server = start({**OPEN, "limits": {"messages_per_second_max": 5}})
    with log_in(server.address, "fast", features=wire.RECEIPTS) as fast, \
         log_in(server.address, "calm") as calm:
        fast.send(*[wire.message("calm", str(i)) for i in range(1, 501)])
        refused, up_to = set(), 0
        while up_to < 500:
            frame = fast.receive()
            if frame.name == "Accepted":
                up_to = frame["up_to"]
            else:
                assert frame.name == "Rejected" and frame["code"] == wire.OVER_LIMIT
                refused.add(frame["number"])
        assert refused
        for number in range(1, 501):
            if number not in refused:
                calm.expect("Message", message_content=str(number))
        calm.send(wire.message("fast", "I may"))
        fast.expect("Message", message_content="I may")


def test_ten_thousand_sessions_at_once_and_a_message_each(start):
    count = 10_000
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 500:
        pytest.skip(f"only {soft} files may be open here, and {count} sessions need one each")
    server = start({**OPEN, "limits": {"connections_max": count + 100}})
    with Crowd(server.address) as crowd:
        logged_in = 0

        def on_login(_, number, payload):
            nonlocal logged_in
            assert number == 0x01, f"frame {number:#x}: {payload!r}"
            logged_in += 1

        # In steps, so that the listening socket's queue holds all that knock at once.
        for start_at in range(0, count, 2000):
            for index in range(start_at, start_at + 2000):
                crowd.add(login_bytes(f"crowd{index}"))
            crowd.run(on_login, lambda: logged_in == start_at + 2000)
        metrics = server.metrics()
        assert metrics["solec_sessions_now"] == count
        assert metrics["solec_users_now"] >= count
        for index in range(count):
            crowd.send(index, wire.message(f"crowd{(index * 7919 + 1) % count}", str(index)))
        seen = {}

        def on_message(index, number, payload):
            assert number == 0x05, f"frame {number:#x}: {payload!r}"
            sender = int(wire.decode_payload(number, payload)["message_content"])
            assert (sender * 7919 + 1) % count == index
            assert sender not in seen
            seen[sender] = index

        crowd.run(on_message, lambda: len(seen) == count)
        assert not crowd.ended
    server.wait_metric("solec_connections_now", 0)
