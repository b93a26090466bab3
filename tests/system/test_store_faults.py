"""Disks that are full, slow, fail, or give back something else: never silence."""

import random
import select
import shutil
import signal
import struct
import time

import pytest

import wire
from disk import SlowDisk, SmallDisk, contents_of, cut_off, damage, largest
from server import SOLEC, SOLECD, WAIT_SECONDS, run
from session import log_in

RECEIPTS = {"features": wire.RECEIPTS}
ALL = {"features": wire.RECEIPTS | wire.PING | wire.HISTORY}
MIB = 1 << 20


def add_users(server):
    server.add_users("alice", "bob", "carol", contacts=True)


def random_text(size, seed=0):
    """That cannot be compressed much."""
    return random.Random(seed).randbytes(size // 2).hex()


def send(session, target, texts, first=1):
    session.send(*[wire.message(target, text) for text in texts])
    session.wait_accepted(first + len(texts) - 1)


def contents(items):
    return [item["message_content"] for item in items]


def whole_history(server, user, address):
    with log_in(server.address, user, **ALL) as session:
        return contents(session.whole_history(address))


def ping(session, token=1):
    """What came before the answer."""
    session.send(wire.encode("Ping", token=token))
    frames = []
    while (frame := session.receive()).name != "Pong":
        frames.append(frame)
    return frames


def answers(session, count):
    """(the rejected with their codes, up to): until `count` messages are answered."""
    rejected, up_to = {}, 0
    while up_to < count:
        frame = session.receive()
        if frame.name == "Rejected":
            rejected[frame["number"]] = frame["code"]
        elif frame.name == "Accepted":
            up_to = frame["up_to"]
        else:
            assert frame.name == "Message", frame
    return rejected


# --- full ---

@pytest.fixture
def small_disk(tmp_path):
    disk = SmallDisk(tmp_path / "disk", "64m")
    yield disk
    disk.unmount()


@pytest.fixture
def on_small_disk(start, small_disk):
    def start_one(**store):
        server = start({"server": {"data_dir": str(small_disk.folder / "data")},
                        "store": {"write_buffer": "1MiB", **store},
                        "limits": {"waiting_bytes_per_user_max": "1GiB"}})
        add_users(server)
        return server
    return start_one


@pytest.mark.parametrize("when_full", ["refuse", "deliver"])
def test_disk_that_runs_full_refuses_messages_and_recovers(on_small_disk, small_disk, when_full):
    server = on_small_disk(free_space_min="8MiB", when_full=when_full)
    with log_in(server.address, "alice", **ALL) as alice, log_in(server.address, "bob") as bob:
        send(alice, "bob", ["before"])
        bob.expect("Message", message_content="before")
        small_disk.fill(leave=7 * MIB)
        # It looks once a second, as long as there is something to write.
        count, kept = 1, ["before"]
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            assert time.monotonic() < deadline
            count += 1
            alice.send(wire.message("bob", f"message {count}"))
            refused = answers(alice, count)
            if when_full == "deliver" or not refused:
                bob.expect("Message", message_content=f"message {count}")
            if refused:
                break
            kept.append(f"message {count}")
        assert refused == {count: wire.UNAVAILABLE}
        assert server.metrics()["solec_store_full_now"] == 1
        server.log.wait("full")
        # For somebody who is away, however the server is configured.
        alice.send(wire.message("carol", "refused"))
        assert answers(alice, count + 1) == {count + 1: wire.UNAVAILABLE}
        # Reads go on, and so do logins.
        assert contents(alice.whole_history("bob")) == kept
        log_in(server.address, "carol").close()
        small_disk.clear()
        server.wait_metric("solec_store_full_now", 0)
        send(alice, "bob", ["after"], count + 2)
        # The very first that is refused may have been delivered before the disk was asked.
        if (frame := bob.expect("Message"))["message_content"] == f"message {count}":
            frame = bob.expect("Message")
        assert frame["message_content"] == "after"
    server.restart(signal.SIGKILL)
    assert whole_history(server, "bob", "alice") == [*kept, "after"]


def test_disk_without_a_byte_left_loses_nothing_and_recovers(on_small_disk, small_disk):
    server = on_small_disk(free_space_min="0B")
    accepted = []
    sent = 0
    with log_in(server.address, "alice", **ALL) as alice:
        small_disk.fill(leave=3 * MIB)
        refused = {}
        deadline = time.monotonic() + WAIT_SECONDS
        while not refused:
            assert time.monotonic() < deadline
            batch = [f"{sent + i} {random_text(4000, sent + i)}" for i in range(1, 21)]
            alice.send(*[wire.message("carol", text) for text in batch])
            refused = answers(alice, sent + 20)
            accepted += [text for i, text in enumerate(batch, sent + 1) if i not in refused]
            sent += 20
        assert set(refused.values()) == {wire.UNAVAILABLE}
        assert accepted
        read = contents(alice.whole_history("carol"))
        assert set(accepted) <= set(read)
        small_disk.clear()
        # By itself, and about once a second.
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            sent += 1
            alice.send(wire.message("carol", f"again {sent}"))
            if not answers(alice, sent):
                break
            assert time.monotonic() < deadline
        accepted.append(f"again {sent}")
    for end in (signal.SIGKILL, signal.SIGTERM):
        server.restart(end)
        read = whole_history(server, "alice", "carol")
        # What was refused may be there, but nothing twice, and nothing is missing.
        assert [text for text in read if text in set(accepted)] == accepted
        assert len(set(read)) == len(read)
    with log_in(server.address, "carol") as carol:
        waiting = set(accepted)
        while waiting:
            waiting.discard(carol.expect("Message")["message_content"])


# --- slow, and failing ---

@pytest.fixture
def slow_disk(tmp_path):
    folder = tmp_path / "slow"
    folder.mkdir()
    disk = SlowDisk(folder)
    yield disk
    disk.release()  # before the server is stopped, which waits for its disk


@pytest.fixture
def on_slow_disk(start_kept, slow_disk):
    server = start_kept(prepare=slow_disk.prepare)
    add_users(server)
    return server


def test_live_messages_arrive_while_receipts_wait_for_the_disk(on_slow_disk, slow_disk):
    server = on_slow_disk
    with log_in(server.address, "alice", **ALL) as alice, log_in(server.address, "bob") as bob:
        slow_disk.hold()
        for i in range(50):
            alice.send(wire.message("bob", f"message {i}"))
            bob.expect("Message", message_content=f"message {i}")
        assert ping(alice) == [], "a receipt before the disk had it"
        # What was kept before is read, and what was not is not yet there.
        assert alice.history("bob") == (0, [])
        slow_disk.release()
        alice.wait_accepted(50)
        assert len(alice.history("bob")[1]) == 50


def test_receipts_of_a_slow_disk_come_in_order_and_share_commits(on_slow_disk, slow_disk):
    server = on_slow_disk
    slow_disk.delay(100)
    before = server.metrics()["solec_store_commits_total"]
    with log_in(server.address, "alice", **ALL) as alice, \
         log_in(server.address, "carol", **ALL) as carol, log_in(server.address, "bob") as bob:
        for i in range(0, 300, 10):
            for sender in (alice, carol):
                sender.send(*[wire.message("bob", f"message {i + j}") for j in range(10)])
        for sender in (alice, carol):
            up_to = 0
            while up_to < 300:
                frame = sender.expect("Accepted")
                assert frame["up_to"] > up_to
                up_to = frame["up_to"]
        seen = {"alice@a.example": 0, "carol@a.example": 0}
        for _ in range(600):
            frame = bob.expect("Message")
            assert frame["message_content"] == f"message {seen[frame['source']]}"
            seen[frame["source"]] += 1
    assert server.metrics()["solec_store_commits_total"] - before < 100
    assert whole_history(server, "bob", "alice") == [f"message {i}" for i in range(300)]


def test_senders_are_held_back_while_the_disk_is_not_there_and_memory_stays(on_slow_disk,
                                                                            slow_disk):
    server = on_slow_disk
    with log_in(server.address, "alice", **RECEIPTS) as alice, log_in(server.address, "bob") as bob:
        before = server.memory_bytes()
        slow_disk.hold()
        count, received = 0, 0
        pending = b""
        alice.socket.setblocking(False)
        alice_can_send = True
        # Until a second long nothing goes in and nothing comes out.
        while True:
            writing = [alice.socket] if alice_can_send else []
            readable, writable, _ = select.select([bob.socket], writing, [], 1)
            if not readable and not writable:
                break
            if writable:
                if not pending:
                    pending = b"".join(wire.message("bob", f"{count + i} ".ljust(1000, "x"))
                                       for i in range(50))
                    count += 50
                pending = pending[alice.socket.send(pending):]
            if readable:
                frame = bob.expect("Message")
                assert frame["message_content"].startswith(f"{received} ")
                received += 1
                # Whole frames that came along are not seen by select.
                while (taken := wire.take_frame(bob.buffer))[0] is not None:
                    del bob.buffer[:taken[1]]
                    assert taken[0]["message_content"].startswith(f"{received} ")
                    received += 1
            assert count < 100_000, "more than 100 MB went in, and the sender was not held back"
        # The queues to the store have 5 MiB a shard, and no more than that may wait besides.
        grown = server.memory_bytes() - before
        assert grown < 48 * MIB, f"{grown / MIB:.1f} MiB for {count} messages"
        assert 0 < received < count
        slow_disk.release()
        alice.socket.settimeout(WAIT_SECONDS)
        alice.send(pending)
        for i in range(received, count):
            assert bob.expect("Message")["message_content"].startswith(f"{i} ")
        alice.wait_accepted(count)
    read = whole_history(server, "alice", "bob")
    assert [text.split(" ")[0] for text in read] == [str(i) for i in range(count)]


def test_failing_disk_refuses_and_recovers(on_slow_disk, slow_disk):
    server = on_slow_disk
    with log_in(server.address, "alice", **ALL) as alice:
        send(alice, "bob", ["before"])
        slow_disk.fail(True)
        alice.send(wire.message("bob", "refused"))
        assert answers(alice, 2) == {2: wire.UNAVAILABLE}
        server.wait_metric("solec_store_failed_now", 1)
        assert server.get("/readyz")[0] == 503
        assert contents(alice.history("bob")[1])[0] == "before"
        slow_disk.fail(False)
        server.wait_metric("solec_store_failed_now", 0)
        send(alice, "bob", ["after"], 3)
    server.restart(signal.SIGKILL)
    read = whole_history(server, "bob", "alice")
    assert [text for text in read if text != "refused"] == ["before", "after"]


# --- damaged ---

MESSAGES = [f"{i} {random_text(2000, i)}" for i in range(500)]
LATER = [f"later {random_text(2000, i)}" for i in range(100)]


def send_all(server, texts):
    with log_in(server.address, "alice", **ALL) as alice:
        for i in range(0, len(texts), 50):
            send(alice, "bob", texts[i:i + 50], i + 1)


@pytest.fixture
def filled(start_kept):
    """With messages in its log; they are in tables after a restart, or a backup."""
    server = start_kept()
    add_users(server)
    send_all(server, MESSAGES)
    server.store = server.folder.parent / "data" / "store"
    return server


def kill(server):
    server.signal(signal.SIGKILL)
    server.wait()
    server.stop()


def log_file(server):
    return largest(server.store, "*.log")


def cut_log_in_the_middle(server):
    kill(server)
    cut_off(log_file(server), log_file(server).stat().st_size // 2)


def cut_the_last_commit(server):
    kill(server)
    cut_off(log_file(server), log_file(server).stat().st_size - 10)


def damage_log(server):
    kill(server)
    damage(log_file(server))


def remove_log(server):
    kill(server)
    log_file(server).unlink()


def into_tables(server):
    """A backup is one of tables; so is what was restarted."""
    server.restart(signal.SIGKILL)
    kill(server)


def cut_table(server):
    into_tables(server)
    table = largest(server.store, "*.sst")
    cut_off(table, table.stat().st_size - 100)


def damage_tables_end(server):
    """Where a table says what is where in it."""
    into_tables(server)
    damage(largest(server.store, "*.sst"), 0.9999)


def remove_table(server):
    into_tables(server)
    largest(server.store, "*.sst").unlink()


def damage_manifest(server):
    into_tables(server)
    damage(largest(server.store, "MANIFEST-*"), 0.4)


def remove_manifest(server):
    into_tables(server)
    for path in server.store.rglob("MANIFEST-*"):
        path.unlink()


def remove_current(server):
    into_tables(server)
    [path] = server.store.rglob("CURRENT")
    path.unlink()


FAULTS = [cut_log_in_the_middle, cut_the_last_commit, damage_log, remove_log, cut_table,
          damage_tables_end, remove_table, damage_manifest, remove_manifest, remove_current]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_damage_stops_the_start_and_changes_nothing_and_the_backup_serves(filled, fault):
    server = filled
    data = server.store.parent
    backup = server.folder / "backup"
    answer = run(SOLEC, "store", "backup", server.folder / "links", "--config", server.config_file)
    assert answer.returncode == 0, answer.stderr
    # Its tables are the store's own, by another name: what damages one damages both.
    shutil.copytree(server.folder / "links", backup)
    send_all(server, LATER)
    fault(server)
    before = contents_of(data)
    for _ in range(2):
        answer = run(SOLECD, "--config", server.config_file)
        assert answer.returncode == 1, answer.stderr
        assert answer.stdout == ""
        assert str(data) in answer.stderr, answer.stderr
        print(answer.stderr)
        assert contents_of(data) == before
    data.rename(server.folder / "damaged")
    shutil.copytree(backup, data)
    server.start()
    assert whole_history(server, "bob", "alice") == MESSAGES


def test_half_a_commit_at_the_end_of_the_log_is_what_a_crash_leaves(filled):
    server = filled
    kill(server)
    # A record that says that it has 1000 bytes, and has 10: it was never acknowledged.
    with open(log_file(server), "ab") as log:
        log.write(struct.pack("<IHB", 0x12345678, 1000, 1) + bytes(10))
    server.start()
    assert whole_history(server, "bob", "alice") == MESSAGES


def test_table_that_is_damaged_while_the_server_runs_is_noticed(filled):
    server = filled
    server.restart(signal.SIGKILL)  # now they are in tables
    damage(largest(server.store, "*.sst"))
    with log_in(server.address, "alice", **ALL) as alice:
        items = []
        code, after = 0, 0
        while code == 0:
            code, page = alice.history("bob", after, 50)
            items += page
            assert page or code != 0, "an end that is none"
            after = items[-1]["position"] if items else 0
        assert code == wire.UNAVAILABLE
        read = contents(items)
        assert read == MESSAGES[:len(read)] and len(read) < len(MESSAGES)
        # Those that can be read still are, and so is the next message taken.
        assert contents(alice.history("bob", 0, 1)[1]) == MESSAGES[:1]
        send(alice, "carol", ["goes on"])
    assert server.metrics()["solec_store_reads_failed_total"] >= 1
    server.log.wait("(?i)corrupt|checksum|damage")
    # Bob's waiting messages are among them: he is told that it does not go now, and not less.
    with log_in(server.address, "bob", **RECEIPTS) as bob:
        received = 0
        while (frame := bob.receive()).name == "Message":
            assert frame["message_content"] == MESSAGES[received]
            received += 1
        assert frame.name == "Error" and frame["code"] == wire.UNAVAILABLE
        assert received < len(MESSAGES)
        bob.expect_end()
