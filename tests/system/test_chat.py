"""solec chat: two people on two terminals; and chat without a terminal."""

import itertools
import signal
import socket
import time

import pytest

import wire
from conftest import OPEN
from server import SOLEC, free_port, run
from session import log_in
from terminal import Terminal

numbers = itertools.count()


@pytest.fixture(scope="module")
def server(closed_server):
    return closed_server


@pytest.fixture
def pair(server):
    number = next(numbers)
    names = f"ann{number}", f"bob{number}"
    server.add_users(*names, contacts=True)
    return names


@pytest.fixture
def chat(server):
    terminals = []

    def chat_one(name, *words, columns=80, password="secret", address=None):
        terminal = Terminal([SOLEC, "chat", f"{name}@a.example", *words, "--connect",
                             address or server.address], columns=columns,
                            env={} if password is None else {"SOLEC_PASSWORD": password})
        terminals.append(terminal)
        return terminal

    yield chat_one
    for terminal in terminals:
        terminal.__exit__()


def test_two_people_talk(pair, chat):
    ann, bob = pair
    one, two = chat(ann, bob), chat(bob, ann)
    one.wait(f"{bob}> $")
    two.wait(f"{ann}> $")
    one.type("Hello Bob, żółw 🐢\r")
    two.wait(rf"{ann}@a\.example: Hello Bob, żółw 🐢")
    two.type("Hello Ann\r")
    one.wait(rf"{bob}@a\.example: Hello Ann")
    one.type("/quit\r")
    assert one.end() == 0
    two.type("\x04")  # Ctrl-D
    assert two.end() == 0
    assert one.is_as_before() and two.is_as_before()


def test_channels_contacts_and_targets(server, chat):
    number = next(numbers)
    ann, bob, room = f"cann{number}", f"cbob{number}", f"#den{number}"
    server.add_users(ann, bob)
    one, two = chat(ann), chat(bob)
    one.wait(r"nobody yet\)> $")
    one.type("to nobody\r")
    one.wait("nothing was sent")
    one.type(f"/add {bob}\r")
    one.wait(f"Added {bob}")
    two.wait(r"nobody yet\)> $")
    two.type(f"/add {ann}\r")
    two.wait(f"Added {ann}")
    one.type("we are contacts\r")
    two.wait("we are contacts")
    for terminal in (one, two):
        terminal.type(f"/join {room}\r")
        terminal.wait(f"Joined {room}")
    one.type("to the room\r")
    two.wait(rf"{room}@a\.example {ann}@a\.example: to the room")
    two.type("/members\r")
    two.wait(f"{ann}@a.example")
    two.type("/leave\r")
    two.wait(f"Left {room}")
    two.type(f"/to {ann}\r")
    two.wait(f"Writing to {ann}")
    two.type("//etc is a folder\r")
    one.wait(r"cbob\d+@a\.example: /etc is a folder")
    two.type("/nonsense\r")
    two.wait("no command /nonsense")
    two.type("/help\r")
    two.wait("/history")


def test_history_says_that_there_is_none(pair, chat):
    one = chat(*pair)
    one.wait("> $")
    one.type("/history\r")
    one.wait("! .*history")
    one.type("still here\r")
    one.wait("you to .*: still here")


def test_message_to_a_stranger_is_told(pair, chat):
    one = chat(pair[0], "stranger")
    one.wait("> $")
    one.type("hello?\r")
    one.wait("! not sent to stranger")


def test_interrupt_ends_it_and_gives_the_terminal_back(pair, chat):
    one = chat(*pair)
    one.wait("> $")
    one.type("half a line\x03")
    assert one.end() == 0
    assert one.is_as_before()


def test_kill_gives_the_terminal_back(pair, chat):
    one = chat(*pair)
    one.wait("> $")
    one.process.send_signal(signal.SIGTERM)
    assert one.end() == -signal.SIGTERM
    assert one.is_as_before()


@pytest.mark.parametrize("columns", [40, 10])
def test_long_lines_on_a_narrow_terminal_arrive_whole(server, pair, chat, columns):
    text = "".join(f"word{i} " for i in range(300)).strip()
    with log_in(server.address, pair[1]) as bob:
        one = chat(*pair, columns=columns)
        one.wait("> $" if columns == 40 else f"^{pair[1]}")
        one.type(text + "\r")
        bob.expect("Message", message_content=text)
        # While a line is typed, no row of it is longer than the terminal.
        bob.send(wire.message(pair[0], "meanwhile"))
        one.wait("meanwhile")


def test_line_that_is_being_typed_survives_what_arrives(server, pair, chat):
    with log_in(server.address, pair[1]) as bob:
        one = chat(*pair)
        one.wait("> $")
        one.type("half a")
        one.wait("half a$")
        bob.send(wire.message(pair[0], "interruption"))
        one.wait("interruption")
        one.wait("half a$")
        one.type(" line\r")
        bob.expect("Message", message_content="half a line")


def test_escape_sequences_of_others_do_nothing_to_the_terminal(server, pair, chat):
    with log_in(server.address, pair[1]) as bob:
        one = chat(*pair)
        one.wait("> $")
        bob.send(wire.message(pair[0], "evil \x1b]0;title\x07\x1b[2J\r\nfake: line end"))
        one.wait("line end")
        assert b"\x1b]0" not in one.raw and b"\x1b[2J" not in one.raw
        assert b"\nfake" not in one.raw


def test_password_is_asked_for_and_not_shown(pair, chat):
    one = chat(*pair, password=None)
    one.wait("Password of ann")
    one.type("secret\r")
    one.wait("Connected to")
    assert "secret" not in one.text()


def test_wrong_password_is_told(pair, chat):
    one = chat(*pair, password="wrong")
    assert one.end() == 77
    assert "wrong user name or password" in one.text()
    assert one.is_as_before()


def test_server_that_is_not_there_is_told(pair, chat):
    one = chat(*pair, address=f"127.0.0.1:{free_port()}")
    assert one.end() == 69
    assert one.is_as_before()


def test_killed_server_is_told_and_reconnected_to(start, chat):
    server = start(OPEN)
    server.merge({"server": {"listen": [server.address]}})
    log_in(server.address, "bob").close()
    one = chat("ann", "bob", address=server.address)
    one.wait("bob> $")
    server.signal(signal.SIGKILL)
    server.wait()
    one.wait(r"\(offline\) bob> $")
    one.type("into the void\r")
    one.wait("nothing was sent")
    server.stop()
    server.start()
    one.wait("Connected again")
    with log_in(server.address, "bob") as bob:
        one.wait("^bob> $", count=2)
        one.type("back again\r")
        bob.expect("Message", message_content="back again")


def test_without_a_terminal_it_reads_lines_and_prints_what_comes(server, pair):
    ann, bob = pair
    with log_in(server.address, bob) as session:
        answer = run(SOLEC, "chat", f"{ann}@a.example", bob, "--connect", server.address,
                     env={"SOLEC_PASSWORD": "secret"}, text="one\ntwo\n/quit\nthree\n")
        assert answer.returncode == 0, answer.stderr
        session.expect("Message", message_content="one")
        session.expect("Message", message_content="two")
        assert session.fence() == []
    assert "\x1b" not in answer.stdout + answer.stderr


def test_line_that_no_message_can_hold_is_told_and_the_next_is_sent(server, pair):
    ann, bob = pair
    with log_in(server.address, bob) as session:
        answer = run(SOLEC, "chat", f"{ann}@a.example", bob, "--connect", server.address,
                     env={"SOLEC_PASSWORD": "secret"}, text="x" * 70_000 + "\nshort\n")
        assert answer.returncode == 0, answer.stderr
        session.expect("Message", message_content="short")
    assert "longer than a message can be" in answer.stderr


@pytest.fixture
def silent_server():
    """Takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield "%s:%d" % listener.getsockname()


def test_interrupt_while_the_server_is_silent_ends_it(pair, chat, silent_server):
    one = chat(*pair, address=silent_server)
    # Until it reads no keys and waits for the server, as its terminal's settings show.
    deadline = time.monotonic() + 20
    while not one.lets_itself_be_interrupted():
        assert time.monotonic() < deadline and one.process.poll() is None
    one.type("\x03")
    assert one.end() == -signal.SIGINT
    assert one.is_as_before()


@pytest.mark.parametrize("verb", ["send", "chat", "listen"])
def test_server_that_says_nothing_is_given_up(silent_server, verb):
    words = ("bob", "hi") if verb == "send" else ()
    answer = run(SOLEC, verb, "ann@a.example", *words, "--connect", silent_server, "--timeout",
                 "200ms", env={"SOLEC_PASSWORD": "x"})
    assert answer.returncode in (1, 69), answer.stderr
    assert f"{silent_server} took the connection but did not finish the login" in answer.stderr
