"""What people type: solec send, listen, join, leave, contact, channels, members, history, decode."""

import json
import itertools
import os
import signal
import subprocess

import pytest

import wire
from server import SOLEC, Lines, clean_environment, run
from session import log_in

numbers = itertools.count()


@pytest.fixture(scope="module")
def server(closed_server):
    return closed_server


@pytest.fixture
def pair(server):
    number = next(numbers)
    names = f"amy{number}", f"ben{number}"
    server.add_users(*names, contacts=True)
    return names


@pytest.fixture
def as_user(server):
    """Runs `solec VERB NAME@a.example WORDS...` against the server."""
    def as_one(name, verb, *words, password="secret", **options):
        env = {"SOLEC_PASSWORD": password} if password is not None else {}
        return run(SOLEC, *verb.split(), f"{name}@a.example", *words, "--connect", server.address,
                   env=env, **options)
    return as_one


@pytest.fixture
def listen(server):
    """Starts `solec listen` in the background and waits until it listens."""
    running = []

    def listen_one(name, *words):
        process = subprocess.Popen(
            [SOLEC, "listen", f"{name}@a.example", "--connect", server.address, *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**clean_environment(), "SOLEC_PASSWORD": "secret"})
        process.out, process.talk = Lines(process.stdout), Lines(process.stderr)
        running.append(process)
        process.talk.wait("listening at")
        return process

    yield listen_one
    for process in running:
        process.kill()
        process.wait()
        for lines in (process.out, process.talk):
            lines.thread.join(20)
            lines.pipe.close()


def test_send_reaches_who_listens(pair, as_user, listen):
    amy, ben = pair
    listener = listen(ben, "--count", "2")
    answer = as_user(amy, "send", ben, "two", "words")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == "accepted 1 message\n"
    assert as_user(amy, "send", f"{ben}@a.example", "Zażółć").returncode == 0
    assert listener.wait(20) == 0
    listener.out.wait(rf"{amy}@a\.example: two words$")
    listener.out.wait(rf"{amy}@a\.example: Zażółć$")


def test_send_dash_sends_a_line_each(pair, as_user, listen):
    amy, ben = pair
    lines = [f"line {i}" for i in range(300)]
    answer = as_user(amy, "send", ben, "-", text="\n".join(lines) + "\n")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == "accepted 300 messages\n"
    listener = listen(ben, "--count", "300", "--json")
    assert listener.wait(20) == 0
    listener.out.thread.join(20)
    assert [json.loads(line)["message_content"] for line in listener.out.lines] == lines


def test_send_json_names_each_message(pair, as_user):
    amy, ben = pair
    answer = as_user(amy, "send", ben, "-", "--json", text="one\ntwo\n")
    assert [json.loads(line) for line in answer.stdout.splitlines()] == [
        {"type": "accepted", "number": 1}, {"type": "accepted", "number": 2}]


def test_send_to_a_stranger_fails_and_says_what_to_do(pair, as_user):
    answer = as_user(pair[0], "send", "stranger", "hi")
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert "contacts" in answer.stderr


@pytest.mark.parametrize("text", ["-dashed", "[bracketed]", "{braced}", "a\nb", "  blanks  ", "=x"])
def test_send_passes_any_text_as_it_is(pair, as_user, server, text):
    amy, ben = pair
    with log_in(server.address, ben) as session:
        answer = as_user(amy, "send", ben, "--", text)
        # What follows -- is text, the flags that as_user appends too.
        if answer.returncode != 0:
            answer = run(SOLEC, "send", "--connect", server.address, f"{amy}@a.example", ben, "--",
                         text, env={"SOLEC_PASSWORD": "secret"})
        assert answer.returncode == 0, answer.stderr
        session.expect("Message", message_content=text)


def test_send_refuses_what_no_message_can_hold(pair, as_user):
    amy, ben = pair
    answer = as_user(amy, "send", ben, "-", text="fine\n" + "x" * 61441 + "\nnever\n")
    assert answer.returncode == 1
    assert "line 2" in answer.stderr
    assert answer.stdout == "accepted 1 message\n"


@pytest.mark.parametrize("verb, words", [
    ("send", ("x", "hi")), ("listen", ("--count", "1")), ("join", ("#x",)), ("leave", ("#x",)),
    ("contact add", ("x",)), ("contact list", ()), ("history", ("x",)), ("chat", ())])
def test_wrong_password_is_not_permitted_and_not_repeated(pair, as_user, verb, words):
    answer = as_user(pair[0], verb, *words, password="wr0ng")
    assert answer.returncode == 77
    assert "password" in answer.stderr
    assert "wr0ng" not in answer.stderr


def test_password_comes_from_a_file_before_the_environment(pair, as_user, tmp_path):
    file = tmp_path / "password"
    file.write_text("secret\n")
    assert as_user(pair[0], "contact list", "--password-file", file,
                   password="wrong").returncode == 0
    answer = as_user(pair[0], "contact list", "--password-file", "-", password="wrong",
                     text="secret\n")
    assert answer.returncode == 0


def test_without_a_password_and_a_terminal_it_says_how_to_give_one(pair, as_user):
    answer = as_user(pair[0], "contact list", password=None, prepare=os.setsid)
    assert answer.returncode == 64
    assert "--password-file" in answer.stderr and "SOLEC_PASSWORD" in answer.stderr


def test_listen_with_a_timeout_ends_with_1_if_too_few_came(pair, as_user):
    answer = as_user(pair[0], "listen", "--count", "1", "--timeout", "300ms")
    assert answer.returncode == 1
    assert "0 of 1" in answer.stderr


def test_listen_ends_well_on_interrupt(pair, as_user, listen):
    listener = listen(pair[1])
    assert as_user(pair[0], "send", pair[1], "before the end").returncode == 0
    listener.out.wait("before the end")
    listener.send_signal(signal.SIGINT)
    assert listener.wait(20) == 0


def test_listen_says_when_the_server_goes(pair, start):
    server = start()
    server.add_users("lonely")
    process = subprocess.Popen([SOLEC, "listen", "lonely@a.example", "--connect", server.address],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               env={**clean_environment(), "SOLEC_PASSWORD": "secret"})
    talk = Lines(process.stderr)
    try:
        talk.wait("listening at")
        server.signal(signal.SIGTERM)
        assert process.wait(20) == 69
        talk.wait("shutting down")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_join_talk_and_leave(pair, as_user, listen):
    amy, ben = pair
    room = f"#verbs{next(numbers)}"
    for name in pair:
        answer = as_user(name, "join", room)
        assert (answer.returncode, answer.stdout) == (0, f"joined {room}\n")
    assert as_user(amy, "channels").stdout == f"{room}@a.example\n"
    members = as_user(amy, "members", room).stdout
    assert f"{amy}@a.example" in members and f"{ben}@a.example" in members
    listener = listen(ben, "--count", "1")
    assert as_user(amy, "send", room, "to all").returncode == 0
    assert listener.wait(20) == 0
    listener.out.wait(rf"{room}@a\.example {amy}@a\.example: to all")
    assert as_user(ben, "leave", room).stdout == f"left {room}\n"
    answer = as_user(ben, "leave", room)
    assert answer.returncode == 1 and answer.stderr.startswith("solec: ")
    assert as_user(ben, "send", room, "x").returncode == 1


def test_contacts_are_added_listed_and_removed(server, as_user):
    number = next(numbers)
    one, two = f"cara{number}", f"dave{number}"
    server.add_users(one, two)
    assert as_user(one, "contact add", two).stdout == f"added {two}\n"
    assert as_user(one, "contact list").stdout == f"{two}@a.example  (has not added you yet)\n"
    line = json.loads(as_user(one, "contact list", "--json").stdout)
    assert line == {"type": "contact", "address": f"{two}@a.example", "agreed": False}
    assert as_user(one, "contact remove", two).stdout == f"removed {two}\n"
    answer = as_user(one, "contact list")
    assert answer.stdout == "" and "no contacts" in answer.stderr


def test_history_says_that_this_server_keeps_none(pair, as_user):
    answer = as_user(pair[0], "history", pair[1])
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert "history" in answer.stderr


def test_decode_reads_arguments_files_and_stdin(tmp_path):
    data = wire.message("bob", "hi") + wire.encode("Ping", token=7)
    file, hex_file = tmp_path / "frames", tmp_path / "frames.hex"
    file.write_bytes(data)
    hex_file.write_text(data.hex(" "))
    answers = [run(SOLEC, "decode", data.hex()), run(SOLEC, "decode", *data.hex(" ").split()),
               run(SOLEC, "decode", file), run(SOLEC, "decode", hex_file),
               run(SOLEC, "decode", text=data.hex()), run(SOLEC, "decode", "-", text=data.hex())]
    for answer in answers:
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout == answers[0].stdout
    assert "Message" in answers[0].stdout and "Ping" in answers[0].stdout
    lines = run(SOLEC, "decode", "--json", data.hex()).stdout.splitlines()
    assert len(lines) == 2 and all(json.loads(line) for line in lines)


def test_decode_says_what_is_no_hex():
    answer = run(SOLEC, "decode", "nothex")
    assert answer.returncode == 64
    assert "nothex" in answer.stderr
