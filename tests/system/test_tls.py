"""TLS as clients see it: sessions, hand-overs, certificates, and what must be refused."""

import re
import signal
import socket
import ssl
import stat
import subprocess
import time

import pytest

import tls
import wire
from conftest import OPEN
from server import SOLEC, SOLECD, WAIT_SECONDS, free_port, run
from session import Session, log_in
from test_lifecycle import reload

UNAVAILABLE, CONFIG = 69, 78


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return tls.Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def server(start, certificate):
    """Two shards, plain and TLS side by side; any name logs in."""
    started = start({**certificate.config(), **OPEN})
    started.tls_address = started.ready["listen_tls"]
    return started


def test_ready_line_holds_the_real_tls_addresses(start, certificate):
    server = start(certificate.config(listen_tls=["127.0.0.1:0", "127.0.0.1:0"]))
    match = re.search(r" listen=127\.0\.0\.1:\d+ listen_tls=(127\.0\.0\.1:\d+),(127\.0\.0\.1:\d+) ",
                      server.ready_line)
    server.add_users("alice")
    for address in match.groups():
        tls.log_in(address, "alice").close()
    server.log.wait(re.escape(certificate.pin()))


def test_plain_and_tls_users_write_to_each_other(server, certificate):
    with log_in(server.address, "plain") as plain, \
            tls.log_in(server.tls_address, "secure", using=tls.context(certificate)) as secure:
        assert secure.socket.version() == "TLSv1.3"
        lines = [item["text"] for item in server.admin("connections")["items"]]
        assert sorted((" user secure " in line, line.endswith(" tls")) for line in lines) == \
            [(False, False), (True, True)]
        assert secure.socket.selected_alpn_protocol() == "solec/1"
        for i in range(50):
            plain.send(wire.message("secure", f"to secure {i}"))
            secure.send(wire.message("plain", f"to plain {i}"))
        for i in range(50):
            secure.expect("Message", message_content=f"to secure {i}")
            plain.expect("Message", message_content=f"to plain {i}")


def test_sessions_over_tls_are_handed_over_to_their_users_shard(server):
    sessions = [tls.log_in(server.tls_address, f"moved{i}") for i in range(30)]
    assert server.metrics()["solec_hand_overs_total"] > 0
    for i, session in enumerate(sessions):
        session.send(wire.message(f"moved{(i + 1) % 30}", "x" * (i * 2000 + 1)))
    for i, session in enumerate(sessions):
        session.expect("Message", message_content="x" * ((i - 1) % 30 * 2000 + 1))
        session.close()


def test_login_and_messages_in_one_piece_behind_the_handshake(server):
    with tls.log_in(server.tls_address, "reader") as reader:
        for i in range(10):
            with tls.TlsSession(server.tls_address) as session:
                session.send(wire.encode("Handshake", ver_major=0, ver_minor=4),
                             wire.encode("UserAuth", username=f"hasty{i}", password="x"),
                             wire.message("reader", f"from {i}"))
                session.expect("Success")
                reader.expect("Message", message_content=f"from {i}")


def test_large_messages_fill_many_records(server):
    with tls.log_in(server.tls_address, "large") as large:
        texts = [chr(ord("a") + i) * (wire.CONTENT_BYTES_MAX - i) for i in range(20)]
        for text in texts:
            large.send(wire.message("large", text))
            large.expect("Message", message_content=text)


def test_a_client_that_closes_in_order_is_told_goodbye(server):
    session = tls.log_in(server.tls_address, "leaver")
    # unwrap() says goodbye and waits for the other side's; anything else is an error.
    session.socket.unwrap().close()
    server.wait_closed("peer_closed", 1)


def test_a_client_that_just_closes_is_gone(server):
    session = tls.log_in(server.tls_address, "leaver")
    session.socket.close()
    server.wait_closed("peer_closed", 1)
    server.wait_metric("solec_connections_now", 0)


def test_drain_tells_sessions_over_tls(server):
    with tls.log_in(server.tls_address, "drained") as session:
        server.signal(signal.SIGTERM)
        session.expect_error_and_end(wire.SHUTTING_DOWN)
    assert server.wait() == 0


def test_a_client_comes_back_with_its_ticket_also_after_a_reload(server, certificate, tmp_path):
    using = tls.context(certificate)
    with tls.log_in(server.tls_address, "returner", using=using) as first:
        assert not first.socket.session_reused
        ticket = first.socket.session
        first.socket.unwrap()
    with tls.log_in(server.tls_address, "returner", using=using, ticket=ticket) as second:
        assert second.socket.session_reused
        ticket = second.socket.session
        second.socket.unwrap()
    other = tls.Certificate(tmp_path, stem="other")
    server.merge(other.config())
    reload(server)
    server.log.wait(re.escape(other.pin()))
    server.admin("connections")
    with tls.log_in(server.tls_address, "returner", using=using, ticket=ticket) as third:
        assert third.socket.session_reused


# --- certificates ---

def test_hup_changes_the_certificate_for_new_sessions_and_old_ones_go_on(server, certificate,
                                                                         tmp_path):
    old = tls.log_in(server.tls_address, "old", using=tls.context(certificate))
    other = tls.Certificate(tmp_path, stem="other")
    server.merge(other.config())
    reload(server)
    server.log.wait("configuration reloaded")
    server.admin("connections")
    with pytest.raises(ssl.SSLCertVerificationError):
        tls.TlsSession(server.tls_address, using=tls.context(certificate))
    with tls.log_in(server.tls_address, "new", using=tls.context(other)) as new:
        new.send(wire.message("old", "hello"))
        old.expect("Message", message_content="hello")
        old.send(wire.message("new", "hello too"))
        new.expect("Message", message_content="hello too")
    old.close()


def wrong_files(folder, kind, certificate):
    if kind == "another key":
        return certificate.certificate_file, tls.Certificate(folder, stem="another").key_file
    if kind == "rubbish":
        (folder / "rubbish.pem").write_text("-----BEGIN RUBBISH-----\n")
        return folder / "rubbish.pem", certificate.key_file
    if kind == "missing":
        return folder / "missing.pem", certificate.key_file
    assert kind == "expired"
    expired = tls.Certificate(folder, stem="expired", begin_days=-10, end_days=-1)
    return expired.certificate_file, expired.key_file


@pytest.mark.parametrize("kind, text", [
    ("another key", "does not belong"), ("rubbish", "no certificate"),
    ("missing", "cannot be read"), ("expired", "has expired")])
def test_a_wrong_certificate_refuses_check_and_reload_and_names_the_file(
        server, certificate, tmp_path, kind, text):
    files = wrong_files(tmp_path, kind, certificate)
    server.merge({"tls": {"certificate": str(files[0]), "key": str(files[1])}})
    reload(server)
    line = server.log.wait("not reloaded").string
    assert text in line and str(files[0]) in line
    # What was there stays.
    tls.log_in(server.tls_address, "after", using=tls.context(certificate)).close()
    checked = run(SOLECD, "--config", server.config_file, "--check")
    assert checked.returncode == CONFIG
    assert text in checked.stderr and str(files[0]) in checked.stderr


def test_check_says_what_the_certificate_is(start, certificate):
    server = start(certificate.config())
    checked = run(SOLECD, "--config", server.config_file, "--check")
    assert checked.returncode == 0, checked.stderr
    assert certificate.pin() in checked.stderr and "kernel" in checked.stderr


def test_a_server_with_an_expired_certificate_starts_warns_and_clients_refuse_it(start, tmp_path):
    expired = tls.Certificate(tmp_path, begin_days=-10, end_days=-1)
    server = start({**expired.config(), **OPEN})
    server.log.wait("expired on")
    answer = run(SOLEC, "contact", "list", "alice@a.example", "--connect",
                 server.ready["listen_tls"], "--tls-ca", expired.certificate_file,
                 env={"SOLEC_PASSWORD": "x"})
    assert answer.returncode == UNAVAILABLE
    assert "expired" in answer.stderr


def test_a_certificate_for_another_name_is_warned_of(start, tmp_path):
    other = tls.Certificate(tmp_path, name="b.example")
    start(other.config()).log.wait("is not for a.example")


# --- what must be refused ---

def test_openssl_with_tls_1_2_is_refused(server):
    answer = subprocess.run(["openssl", "s_client", "-connect", server.tls_address, "-tls1_2"],
                            input="", capture_output=True, text=True, timeout=WAIT_SECONDS,
                            check=False)
    assert answer.returncode != 0
    assert "protocol version" in answer.stderr
    server.wait_closed("tls_failed", 1)


def test_openssl_with_tls_1_3_is_served(server, certificate):
    answer = subprocess.run(["openssl", "s_client", "-connect", server.tls_address, "-alpn",
                             "solec/1", "-CAfile", str(certificate.certificate_file),
                             "-verify_return_error", "-verify_hostname", "a.example"],
                            input="", capture_output=True, text=True, timeout=WAIT_SECONDS,
                            check=False)
    assert answer.returncode == 0, answer.stderr
    for text in ("TLSv1.3", "ALPN protocol: solec/1", "Verification: OK"):
        assert text in answer.stdout


def test_a_client_that_speaks_another_protocol_is_refused(server):
    with pytest.raises(ssl.SSLError, match="NO_APPLICATION_PROTOCOL|no application protocol"):
        tls.TlsSession(server.tls_address, using=tls.context(protocols=["http/1.1"]))
    tls.log_in(server.tls_address, "silent", using=tls.context(protocols=None)).close()


@pytest.mark.parametrize("rubbish", [b"GET / HTTP/1.1\r\n\r\n", bytes(1000), b"\x16\x03\x01" * 3000,
                                     bytes(range(256)) * 300], ids=lambda text: repr(text[:4]))
def test_rubbish_to_the_tls_port_ends_that_connection_only(server, rubbish):
    with tls.log_in(server.tls_address, "bystander") as bystander:
        with tls.connect(server.tls_address) as connection:
            try:
                connection.sendall(rubbish)
                while connection.recv(4096):
                    pass
            except ConnectionError:
                pass
        bystander.fence()
    server.wait_closed("tls_failed", 1)


def test_a_plain_client_at_the_tls_port_is_refused(server):
    with tls.connect(server.tls_address) as connection:
        connection.sendall(wire.encode("Handshake", ver_major=0, ver_minor=4) +
                           wire.encode("UserAuth", username="alice", password="x"))
        answer = connection.recv(4096)
    assert answer[:1] in (b"", b"\x15")  # an alert at most, no frame of ours
    server.wait_closed("tls_failed", 1)


def test_a_tls_client_at_the_plain_port_is_refused(server):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        tls.TlsSession(server.address)


@pytest.mark.parametrize("sent", [0, 1, 5, 100])
def test_a_handshake_that_stalls_ends_with_the_login_timeout(start, certificate, sent):
    server = start({**certificate.config(), **OPEN, "limits": {"login_timeout": "300ms"}})
    hello = client_hello()
    with tls.connect(server.ready["listen_tls"]) as connection:
        connection.sendall(hello[:sent])
        begin = time.monotonic()
        assert connection.recv(4096) == b""
        assert time.monotonic() - begin < WAIT_SECONDS
    server.wait_closed("login_timeout", 1)


def client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = tls.context().wrap_bio(incoming, outgoing, server_hostname="a.example")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_a_handshake_byte_by_byte_comes_about(server):
    with tls.connect(server.tls_address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = tls.context().wrap_bio(incoming, outgoing, server_hostname="a.example")
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    connection.sendall(bytes([byte]))
                incoming.write(connection.recv(7))
        client.write(wire.encode("Handshake", ver_major=0, ver_minor=4) +
                     wire.encode("UserAuth", username="bytewise", password="x"))
        for byte in outgoing.read():
            connection.sendall(bytes([byte]))
        while True:
            try:
                assert client.read(100) == wire.encode("Success")
                break
            except ssl.SSLWantReadError:
                incoming.write(connection.recv(7))


def test_a_thousand_sessions_over_tls(server):
    using = tls.context()
    sessions = [tls.log_in(server.tls_address, f"crowd{i}", using=using) for i in range(1000)]
    for i in range(0, 1000, 2):
        sessions[i].send(wire.message(f"crowd{i + 1}", f"to {i + 1}"))
    for i in range(1, 1000, 2):
        sessions[i].expect("Message", message_content=f"to {i}")
    assert server.metrics()["solec_sessions_now"] == 1000
    for session in sessions:
        session.close()
    server.wait_metric("solec_connections_now", 0)


# --- the tools ---

def solec(server, *words, **options):
    return run(SOLEC, *words, "--connect", server.tls_address, env={"SOLEC_PASSWORD": "x"},
               **options)


def test_solec_sends_and_reads_over_tls(server, certificate):
    trust = ("--tls", "--tls-ca", certificate.certificate_file)
    with tls.log_in(server.tls_address, "bob") as bob:
        answer = solec(server, "send", "alice@a.example", "bob", "over", "TLS", *trust)
        assert answer.returncode == 0, answer.stderr
        bob.expect("Message", message_content="over TLS")
        # Much at once: records larger than what one read takes.
        text = "\n".join("x" * 50_000 for _ in range(20))
        answer = solec(server, "send", "alice@a.example", "bob", "-", *trust, text=text)
        assert answer.returncode == 0, answer.stderr
        for _ in range(20):
            bob.expect("Message", message_content="x" * 50_000)


def test_solec_listens_over_tls(server):
    with tls.log_in(server.tls_address, "alice") as alice:
        listener = subprocess.Popen(
            [SOLEC, "listen", "bob@a.example", "--insecure", "--count", "40", "--connect",
             server.tls_address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={"SOLEC_PASSWORD": "x"})
        listener.stderr.readline()
        for i in range(40):
            alice.send(wire.message("bob", "y" * 30_000 + str(i)))
        out, _ = listener.communicate(timeout=WAIT_SECONDS)
        assert listener.returncode == 0
        assert out.count("y" * 30_000) == 40


def test_solec_refuses_what_it_does_not_trust(server, certificate):
    answer = solec(server, "contact", "list", "alice@a.example", "--tls")
    assert answer.returncode == UNAVAILABLE and "not trusted" in answer.stderr
    answer = solec(server, "contact", "list", "alice@b.example", "--tls-ca",
                   certificate.certificate_file)
    assert answer.returncode == UNAVAILABLE and "not for b.example" in answer.stderr
    assert solec(server, "contact", "list", "alice@a.example", "--insecure").returncode == 0
    answer = solec(server, "contact", "list", "alice@a.example", "--tls-ca", "/nowhere.pem")
    assert answer.returncode == 64 and "/nowhere.pem" in answer.stderr


def test_solec_says_that_a_plain_port_speaks_no_tls(server):
    answer = run(SOLEC, "contact", "list", "alice@a.example", "--insecure", "--connect",
                 server.address, "--timeout", "2s", env={"SOLEC_PASSWORD": "x"})
    assert answer.returncode == UNAVAILABLE
    assert "TLS" in answer.stderr


def test_solec_says_that_nobody_listens(certificate):
    answer = run(SOLEC, "contact", "list", "alice@a.example", "--tls", "--connect",
                 f"127.0.0.1:{free_port()}", env={"SOLEC_PASSWORD": "x"})
    assert answer.returncode == UNAVAILABLE and "cannot connect" in answer.stderr


def test_cert_create_makes_files_that_a_server_and_its_users_can_use(start, tmp_path):
    answer = run(SOLEC, "cert", "create", "a.example", "--out", tmp_path)
    assert answer.returncode == 0, answer.stderr
    pin = answer.stdout.strip()
    assert re.fullmatch(r"sha256/[A-Za-z0-9+/]{43}=", pin)
    certificate, key = tmp_path / "a.example.pem", tmp_path / "a.example.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    server = start({"server": {"listen_tls": ["127.0.0.1:0"]}, **OPEN,
                    "tls": {"certificate": str(certificate), "key": str(key)}})
    server.log.wait(re.escape(pin))
    server.tls_address = server.ready["listen_tls"]
    answer = solec(server, "contact", "list", "alice@a.example", "--tls-ca", certificate)
    assert answer.returncode == 0, answer.stderr
    public = subprocess.run(
        f"openssl x509 -in {certificate} -pubkey -noout | openssl pkey -pubin -outform der | "
        "openssl dgst -sha256 -binary | base64", shell=True, capture_output=True, text=True,
        check=True)
    assert pin == "sha256/" + public.stdout.strip()


def test_cert_create_replaces_nothing_unless_it_is_told_to(tmp_path):
    first = run(SOLEC, "cert", "create", "a.example", "--out", tmp_path)
    key = (tmp_path / "a.example.key").read_text()
    again = run(SOLEC, "cert", "create", "a.example", "--out", tmp_path)
    assert again.returncode != 0 and "--force" in again.stderr
    assert (tmp_path / "a.example.key").read_text() == key
    forced = run(SOLEC, "cert", "create", "a.example", "--out", tmp_path, "--force", "--json")
    assert forced.returncode == 0
    assert (tmp_path / "a.example.key").read_text() != key
    assert first.stdout.strip() not in forced.stdout
    assert run(SOLEC, "cert", "create", "../a", "--out", tmp_path).returncode == 64
    assert run(SOLEC, "cert", "create", "a.example", "--out", tmp_path / "none").returncode == 64
