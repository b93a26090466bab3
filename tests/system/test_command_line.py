"""solecd's command line, its exit codes, and what it says of a config that is wrong."""

import re
import socket

import pytest

from server import SOLEC, SOLECD, Server, free_port, run, toml

USAGE, UNAVAILABLE, CONFIG = 64, 69, 78


def check(tmp_path, text):
    file = tmp_path / "solecd.toml"
    file.write_text(text)
    return run(SOLECD, "--config", file, "--check")


def test_help_names_every_flag_and_exit_status():
    answer = run(SOLECD, "--help")
    assert answer.returncode == 0 and answer.stderr == ""
    for word in ("--config FILE", "--check", "--print-default-config", "--dev", "--version", "TERM",
                 "HUP", "64 usage", "69 address in use", "77 not permitted", "78 config"):
        assert word in answer.stdout


def test_version_is_one_line():
    for program, name in ((SOLECD, "solecd"), (SOLEC, "solec")):
        answer = run(program, "--version")
        assert answer.returncode == 0
        assert re.fullmatch(name + r" \d+\.\d+\.\d+\n", answer.stdout)


@pytest.mark.parametrize("words", [
    (), ("--bogus",), ("--config",), ("stray",), ("--check",), ("--dev", "--config", "x.toml"),
    ("--dev", "--print-default-config")], ids=" ".join)
def test_wrong_flags_are_usage_errors_that_say_what_to_do(words):
    answer = run(SOLECD, *words)
    assert answer.returncode == USAGE
    assert answer.stdout == ""
    assert answer.stderr.startswith("solecd: ") and "--help" in answer.stderr


@pytest.mark.parametrize("words", [
    (), ("bogus",), ("send",), ("send", "alice@a.example"), ("listen", "a@b", "--count", "x"),
    ("contact",), ("contact", "bogus"), ("user", "add"), ("channel", "create"),
    ("send", "a@b", "c@b", "hi", "--connect"), ("history", "a@b", "c@b", "--limit", "0"),
    ("listen", "a@b", "--timeout", "soon"), ("send", "noserver", "c", "hi"),
    ("send", "a@b", "c@b", "hi", "--connect", "localhost:99999"),
    ("user", "list"), ("top",), ("reload",), ("join", "a@localhost", "room"),
    ("leave", "a@localhost", "bob"), ("contact", "add", "a@localhost", "#room")], ids=" ".join)
def test_wrong_words_for_solec_are_usage_errors(words):
    answer = run(SOLEC, *words, env={"SOLEC_PASSWORD": "x"})
    assert answer.returncode == USAGE, answer.stderr
    assert answer.stdout == ""
    assert answer.stderr.startswith("solec: ")


@pytest.mark.parametrize("words", [
    ("chat",), ("send",), ("listen",), ("history",), ("join",), ("leave",), ("contact", "add"),
    ("contact", "remove"), ("contact", "list"), ("user", "add"), ("user", "passwd"),
    ("user", "remove"), ("user", "list"), ("user", "contact", "add"), ("channel", "create"),
    ("channel", "remove"), ("channel", "list"), ("channel", "members"), ("link", "list"),
    ("link", "test"), ("cert", "create"), ("reload",), ("drain",), ("top",), ("decode",)],
    ids=" ".join)
def test_every_verb_of_solec_has_help(words):
    answer = run(SOLEC, *words, "--help")
    assert answer.returncode == 0
    assert "Usage: solec" in answer.stdout or words[-1] in answer.stdout
    assert "--json" in answer.stdout


def test_default_config_has_every_key_and_passes_its_own_check(tmp_path):
    printed = run(SOLECD, "--print-default-config")
    assert printed.returncode == 0
    for key in ("name", "listen", "listen_tls", "shards", "contacts", "accounts", "channels",
                "login_timeout", "login_tries", "message_bytes_max", "output_bytes_max",
                "output_stall_timeout", "messages_per_second_max", "connections_max",
                "connections_per_address_max", "sessions_per_user_max", "contacts_per_user_max",
                "channels_per_user_max", "members_per_channel_max", "spool_bytes_max",
                "spool_age_max", "data_dir", "cache", "when_full", "chat_age_max", "certificate",
                "public_key", "socket", "level", "format"):
        assert re.search(rf"^#? ?{key} = ", printed.stdout, re.M), key
    answer = check(tmp_path, printed.stdout)
    assert answer.returncode == 0, answer.stderr
    # Those that have no default are comments.
    assert answer.stdout == re.sub(r"^# .*\n", "", printed.stdout, flags=re.M)


def test_check_prints_the_effective_values(tmp_path):
    answer = check(tmp_path, '[server]\nname = "A.Example"\nshards = 3\n'
                             '[limits]\nlogin_timeout = "250ms"\noutput_bytes_max = "1MiB"\n')
    assert answer.returncode == 0, answer.stderr
    for line in ('name = "a.example"', "shards = 3", 'login_timeout = "250ms"',
                 'output_bytes_max = "1MiB"', 'contacts = "required"'):
        assert line in answer.stdout.splitlines()


@pytest.mark.parametrize("text, where, what", [
    ('[server]\nname = "a.example"\nbogus = 1\n', "3:1", "bogus"),
    ('[server]\nname = "a.example"\n[limits]\n  login_tries = "many"\n', "4:17", "login_tries"),
    ('[server]\nname = "a.example"\n[limits]\nlogin_tries = 0\n', "4:15", "login_tries"),
    ('[server]\nname = "a.example"\n[limits]\noutput_bytes_max = "unlimited"\n', "4:20",
     "output_bytes_max"),
    ('[server]\nname = "a.example"\nlisten = "127.0.0.1:0"\n', "3:10", "listen"),
    ('[server]\nname = "a.example"\nshards = 0\n', "3:10", "shards"),
    ('[server]\nname = "a b"\n', "2:8", "name"),
    ('[server]\nname = "a.example"\n[policy]\ncontacts = "perhaps"\n', "4:12", "contacts"),
    ('[server]\nname = "a.example"\n[nonsense]\nx = 1\n', "3:", "nonsense"),
    ('[server]\nname = "a.example\n', "2:", ""),
    ('[server]\nlisten = []\n', "1:", "name"),
    ('[server]\nname = "a.example"\nlisten = ["0.0.0.0:0"]\n[policy]\naccounts = "any"\n', "5:12",
     "loopback"),
], ids=lambda value: str(value).strip().replace("\n", " ")[:40])
def test_config_errors_name_file_line_and_column(tmp_path, text, where, what):
    for flags in ((), ("--check",)):
        file = tmp_path / "solecd.toml"
        file.write_text(text)
        answer = run(SOLECD, "--config", file, *flags)
        assert answer.returncode == CONFIG
        assert answer.stdout == ""
        assert f"{file}:{where}" in answer.stderr
        assert what in answer.stderr


def test_config_file_that_is_not_there_is_a_config_error(tmp_path):
    answer = run(SOLECD, "--config", tmp_path / "none.toml")
    assert answer.returncode == CONFIG
    assert "none.toml" in answer.stderr


@pytest.mark.parametrize("table", [
    {"server": {"listen": ["localhost"]}}, {"server": {"listen": ["127.0.0.1:http:x"]}},
    {"server": {"listen": ["no.such.host.invalid:0"]}}, {"admin": {"listen": "127.0.0.1"}},
    {"admin": {"listen": "127.0.0.1:seven"}}, {"admin": {"socket": "/tmp/" + "x" * 200}}],
    ids=str)
def test_endpoints_that_cannot_be_are_config_errors_at_check_already(tmp_path, table):
    server = Server(tmp_path, table, start=False)
    server.write_config()
    for flags in ((), ("--check",)):
        answer = run(SOLECD, "--config", server.config_file, *flags)
        assert answer.returncode == CONFIG, answer.stderr
        assert answer.stdout == ""


def test_address_in_use_is_status_69_with_the_address(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        for number, table in enumerate(({"server": {"listen": [endpoint]}},
                                        {"admin": {"listen": endpoint}})):
            folder = tmp_path / str(number)
            folder.mkdir()
            server = Server(folder, table, start=False)
            server.write_config()
            answer = run(SOLECD, "--config", server.config_file)
            assert answer.returncode == UNAVAILABLE
            assert answer.stdout == ""
            assert endpoint in answer.stderr and "in use" in answer.stderr


def test_second_server_cannot_share_the_first_ones_port(tmp_path, start):
    first = start()
    second = Server(tmp_path, {"server": {"listen": [first.address]}}, start=False)
    second.write_config()
    assert run(SOLECD, "--config", second.config_file).returncode == UNAVAILABLE


def test_server_that_is_not_there_is_status_69():
    port = free_port()
    answer = run(SOLEC, "send", "alice@a.example", "bob", "hi", "--connect", f"127.0.0.1:{port}",
                 env={"SOLEC_PASSWORD": "x"})
    assert answer.returncode == UNAVAILABLE
    assert str(port) in answer.stderr


def test_operator_verb_without_a_server_says_that_none_runs(tmp_path):
    file = tmp_path / "solecd.toml"
    file.write_text(toml({"server": {"name": "a.example"},
                          "admin": {"socket": str(tmp_path / "admin.sock")}}))
    answer = run(SOLEC, "user", "list", "--config", file)
    assert answer.returncode == UNAVAILABLE
    assert str(tmp_path / "admin.sock") in answer.stderr
    assert "no server is running" in answer.stderr


def test_insecure_and_tls_ca_exclude_each_other():
    answer = run(SOLEC, "send", "a@localhost", "b", "hi", "--insecure", "--tls-ca", "ca.pem",
                 env={"SOLEC_PASSWORD": "x"})
    assert answer.returncode == USAGE
    assert "--tls-ca" in answer.stderr
