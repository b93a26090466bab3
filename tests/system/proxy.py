"""What lies between two servers: connections that tests cut, stall, slow down and listen to.

A `Network` is one thread with an event loop; a `Proxy` is a port of it that leads to one server, and
a `Relay` one connection through it. Everything that tests call is safe from their thread, and every
wait has an end. Frames are only seen on plain links; on TLS ones, bytes are.
"""

import asyncio
import collections
import contextlib
import socket
import struct
import threading
import time

import wire

WAIT_SECONDS = 30
OUT, BACK = "out", "back"  # from the side that dialled, and to it
PASS, BEFORE, WITHIN, AFTER = "pass", "before", "within", "after"
CHUNK_BYTES = 1 << 16
REMEMBERED = 20_000  # frames of a proxy


class Network:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.changed = threading.Condition()
        self.proxies = []
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        for proxy in self.proxies:
            self.call(proxy.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(WAIT_SECONDS)
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def proxy(self, target=None):
        return self.call(Proxy, self, target)

    def call(self, function, *arguments):
        """Runs it on the loop, and returns what it returns."""
        done = threading.Event()
        outcome = []

        def run():
            try:
                outcome.append(function(*arguments))
            finally:
                done.set()
        self.loop.call_soon_threadsafe(run)
        assert done.wait(WAIT_SECONDS) and outcome, f"{function} failed"
        return outcome[0]

    def notify(self):
        with self.changed:
            self.changed.notify_all()

    def wait(self, holds, what, seconds=WAIT_SECONDS):
        """Until `holds()` is true; it is asked whenever something passed, came or went."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while not (result := holds()):
                left = deadline - time.monotonic()
                assert left > 0, f"{what} within {seconds} s"
                self.changed.wait(min(left, 0.1))
            return result


class Proxy:
    """Made on the network's thread; `aim` says where it leads to, which may be known later."""

    def __init__(self, network, target=None):
        self.network = network
        self.target = target
        # Bound, and never listening: who connects while there is no listener is refused, and nobody
        # else gets the port.
        self.keeper = bound_socket(0)
        self.port = self.keeper.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.framed = True  # False: TLS; nothing is known but bytes
        self.rule = None    # rule(relay, direction, frame) says what to do about a frame
        self.cut_at = None  # {direction: bytes}: where a connection ends, if it is not framed
        self.slow = None    # bytes per second, each direction
        self.delay = 0.0    # seconds, for each piece
        self.watch = None   # watch(relay's number, direction, frame) is called when one passes
        self.tap = None     # called with each piece that came
        self.stalled = {OUT: False, BACK: False}
        self.silent = False  # connections are accepted, and lead nowhere
        self.relays = []     # those that live
        self.frames = collections.deque(maxlen=REMEMBERED)  # (relay's number, direction, frame)
        self.dials = 0       # connections that were taken
        self.cuts = 0        # by the rule
        network.proxies.append(self)
        self.listener = None
        self._allow()

    # --- from the tests' thread ---

    def aim(self, target):
        self.target = target

    def cut(self):
        """All connections are reset; what is on its way is lost."""
        self.network.call(self._cut)

    def stall(self, *directions):
        """Nothing passes from now on, and no connection ends, until `flow`."""
        for direction in directions or (OUT, BACK):
            self.stalled[direction] = True

    def flow(self):
        self.network.call(self._flow)

    def refuse(self):
        """Cuts, and connections are refused from now on: the port is nobody's."""
        self.network.call(self._refuse)

    def allow(self):
        self.network.call(self._allow)

    def seen(self, name, direction=None, **fields):
        """The frames of that name that passed so far."""
        return [frame for _, way, frame in list(self.frames)
                if frame.name == name and direction in (None, way)
                and all(frame[key] == value for key, value in fields.items())]

    def wait_frame(self, name, direction=None, count=1, seconds=WAIT_SECONDS, **fields):
        """The count-th frame of that name, once it has passed."""
        return self.network.wait(
            lambda: len(found := self.seen(name, direction, **fields)) >= count
            and found[count - 1], f"no {name} {fields} passed", seconds)

    def wait_live(self, count=1, seconds=WAIT_SECONDS):
        self.network.wait(lambda: len(self.relays) == count or None,
                          f"not {count} connections", seconds)

    def wait_dials(self, count, seconds=WAIT_SECONDS):
        self.network.wait(lambda: self.dials >= count, f"not dialled {count} times", seconds)

    def forget(self):
        """What passed so far is not `seen` any more."""
        self.network.call(self.frames.clear)

    # --- on the network's thread ---

    def close(self):
        self._refuse()
        self.keeper.close()

    def _cut(self):
        for relay in list(self.relays):
            relay.cut()

    def _flow(self):
        self.stalled = {OUT: False, BACK: False}
        for relay in self.relays:
            relay.moves.set()

    def _refuse(self):
        if self.listener is not None:
            self.task.cancel()
            self.network.loop.remove_reader(self.listener)
            self.listener.close()
            self.listener = None
        self._cut()

    def _allow(self):
        if self.listener is None:
            self.listener = bound_socket(self.port)
            self.listener.listen(64)
            self.task = self.network.loop.create_task(self._accept())

    async def _accept(self):
        loop = self.network.loop
        while True:
            try:
                accepted, _ = await loop.sock_accept(self.listener)
            except OSError:
                return
            self.dials += 1
            relay = Relay(self, self.dials, accepted)
            self.relays.append(relay)
            relay.task = loop.create_task(relay.run())
            self.network.notify()


def bound_socket(port):
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    bound.setblocking(False)
    return bound


class Relay:
    def __init__(self, proxy, number, accepted):
        self.proxy = proxy
        self.number = number
        self.near = accepted
        self.far = socket.socket()
        self.bytes = {OUT: 0, BACK: 0}  # that came
        self.moves = asyncio.Event()
        self.is_cut = False

    async def run(self):
        loop = self.proxy.network.loop
        try:
            self.far.setblocking(False)
            self.near.setblocking(False)
            if self.proxy.silent:
                await asyncio.Event().wait()
            if self.proxy.target is None:
                raise ConnectionRefusedError
            host, port = self.proxy.target.rsplit(":", 1)
            await loop.sock_connect(self.far, (host, int(port)))
            for one in (self.near, self.far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pumps = [loop.create_task(self.pump(OUT, self.near, self.far)),
                     loop.create_task(self.pump(BACK, self.far, self.near))]
            try:
                await asyncio.gather(*pumps)
            finally:
                for pump in pumps:
                    pump.cancel()
        except OSError:
            self.end_hard()
        except asyncio.CancelledError:
            pass
        finally:
            self.near.close()
            self.far.close()
            self.proxy.relays.remove(self)
            self.proxy.network.notify()

    async def pump(self, direction, source, sink):
        loop = self.proxy.network.loop
        held = bytearray()
        framed = self.proxy.framed
        while True:
            await self.gate(direction)
            data = await loop.sock_recv(source, CHUNK_BYTES)
            await self.gate(direction)
            if not data:
                await loop.sock_sendall(sink, held)
                sink.shutdown(socket.SHUT_WR)
                return
            self.bytes[direction] += len(data)
            if self.proxy.tap:
                self.proxy.tap(data)
            if self.proxy.delay:
                await asyncio.sleep(self.proxy.delay)
            if self.proxy.slow:
                await asyncio.sleep(len(data) / self.proxy.slow)
            held += data
            verdict = PASS
            if framed:
                try:
                    size, verdict = self.judge(direction, held)
                except wire.Malformed:
                    framed, size = False, len(held)
            else:
                size, verdict = self.judge_bytes(direction, len(held))
            if size:
                await loop.sock_sendall(sink, bytes(held[:size]))
                del held[:size]
            if verdict != PASS:
                self.proxy.cuts += 1
                # Gently: a reset could take along what was passed just now.
                self.cut(gently=True)
            self.proxy.network.notify()

    def judge(self, direction, held):
        """(how many bytes pass, the verdict that stopped it): whole frames, one by one."""
        size = 0
        view = memoryview(bytes(held))
        while True:
            frame, frame_size = wire.take_frame(view[size:])
            if frame is None:
                return size, PASS
            verdict = self.proxy.rule and self.proxy.rule(self, direction, frame) or PASS
            if verdict == BEFORE:
                return size, verdict
            if verdict == WITHIN:
                return size + max(1, frame_size // 2), verdict
            size += frame_size
            self.proxy.frames.append((self.number, direction, frame))
            if self.proxy.watch:
                self.proxy.watch(self.number, direction, frame)
            if verdict == AFTER:
                return size, verdict

    def judge_bytes(self, direction, size):
        """As `judge`, by the byte at which this direction shall end."""
        end = self.proxy.cut_at and self.proxy.cut_at.get(direction)
        if end is None or self.bytes[direction] < end:
            return size, PASS
        return max(0, size - (self.bytes[direction] - end)), AFTER

    async def gate(self, direction):
        while self.proxy.stalled[direction]:
            self.moves.clear()
            await self.moves.wait()

    def cut(self, gently=False):
        if not self.is_cut:
            self.is_cut = True
            if not gently:
                self.end_hard()
            self.task.cancel()

    def end_hard(self):
        """Closing sends a reset then."""
        for one in (self.near, self.far):
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def cut_at(place, name, direction=None, count=1):
    """A rule that cuts once: before, within or after the count-th frame of that name that passes on
    one connection from now on."""
    seen = collections.Counter()  # by connection and direction
    done = []

    def rule(relay, way, frame):
        if done or frame.name != name or direction not in (None, way):
            return PASS
        seen[relay.number, way] += 1
        if seen[relay.number, way] != count:
            return PASS
        done.append(relay.number)
        return place
    return rule
