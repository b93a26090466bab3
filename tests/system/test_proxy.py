"""The proxy does what tests of links believe it does."""

import pytest

import wire
from bent_server import BentServer
from proxy import AFTER, BACK, BEFORE, OUT, WITHIN, Network, cut_at
from session import CutOff, Session


@pytest.fixture(scope="module")
def network():
    with Network() as network:
        yield network


@pytest.fixture(scope="module")
def server():
    with BentServer() as server:
        yield server


@pytest.fixture
def way(network, server):
    return network.proxy(server.address)


def test_passes_frames_and_remembers_them(way):
    with Session(way.address) as session:
        session.log_in("alice", features=wire.RECEIPTS)
        session.send(wire.message("alice", "x" * 60000))
        session.expect("Message", message_content="x" * 60000)
        session.expect("Accepted", up_to=1)
        way.wait_frame("Accepted", BACK)
        way.wait_live(1)
    assert [frame.name for _, _, frame in way.frames] == \
        ["Handshake", "Handshake", "UserAuth", "Success", "Message", "Message", "Accepted"]
    assert len(way.seen("Message", OUT)) == 1 and way.seen("UserAuth", username="bob") == []
    way.wait_live(0)


@pytest.mark.parametrize("place, contents", [(BEFORE, ["1"]), (WITHIN, ["1"]), (AFTER, ["1", "2"])])
def test_cuts_once_at_a_frame(way, place, contents):
    way.rule = cut_at(place, "Message", BACK, 2)
    with Session(way.address) as session:
        session.log_in("alice")
        session.send(*[wire.message("alice", str(i)) for i in (1, 2, 3)])
        for content in contents:
            session.expect("Message", message_content=content)
        if place == WITHIN:
            with pytest.raises(CutOff):
                session.receive()
        else:
            session.expect_end()
    with Session(way.address) as session:
        session.log_in("alice")
        session.send(*[wire.message("alice", str(i)) for i in (1, 2, 3)])
        for i in (1, 2, 3):
            session.expect("Message", message_content=str(i))
    assert way.cuts == 1 and way.dials == 2


def test_cuts_at_a_byte(way):
    way.framed = False
    way.cut_at = {BACK: 5}
    with Session(way.address) as session:
        session.log_in("alice")
        session.send(wire.message("alice", "x"))
        with pytest.raises(CutOff):
            session.receive()


def test_stalls_one_direction_until_it_flows_again(way):
    with Session(way.address) as session:
        session.log_in("alice")
        way.stall(BACK)
        session.send(wire.message("alice", "x"))
        way.wait_frame("Message", OUT)
        session.socket.settimeout(0.1)
        with pytest.raises(TimeoutError):
            session.receive()
        way.flow()
        session.socket.settimeout(20)
        session.expect("Message", message_content="x")


def test_refuses_and_allows(way):
    with Session(way.address) as session:
        session.log_in("alice")
        way.refuse()
        with pytest.raises((OSError, AssertionError)):
            session.expect("Message")
        with pytest.raises(ConnectionRefusedError):
            Session(way.address)
        way.allow()
        Session(way.address).log_in("alice").close()


def test_cut_is_a_reset(way):
    with Session(way.address) as session:
        session.log_in("alice")
        way.cut()
        with pytest.raises(ConnectionResetError):
            session.receive()
    way.wait_live(0)
