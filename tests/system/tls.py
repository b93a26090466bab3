"""Certificates, and sessions over TLS: Python's own TLS, which shares OpenSSL with the server and
nothing else."""

import base64
import datetime
import hashlib
import pathlib
import socket
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from session import WAIT_SECONDS, Session

PROTOCOL = "solec/1"


class Certificate:
    """A self-signed one for `name`, in files below `folder`."""

    def __init__(self, folder, name="a.example", stem="cert", begin_days=-1, end_days=30, key=None):
        folder = pathlib.Path(folder)
        self.name = name
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.x509 = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
                     .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                     .not_valid_before(now + datetime.timedelta(days=begin_days))
                     .not_valid_after(now + datetime.timedelta(days=end_days))
                     .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
                     .sign(self.key, hashes.SHA256()))
        self.certificate_file = folder / f"{stem}.pem"
        self.key_file = folder / f"{stem}.key"
        self.certificate_file.write_bytes(self.x509.public_bytes(serialization.Encoding.PEM))
        self.key_file.write_bytes(self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))

    def pin(self):
        public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return "sha256/" + base64.b64encode(hashlib.sha256(public).digest()).decode()

    def config(self, **server):
        """For a server that listens for plain connections and for TLS ones."""
        return {"server": {"listen_tls": ["127.0.0.1:0"], **server},
                "tls": {"certificate": str(self.certificate_file), "key": str(self.key_file)}}


def context(trust=None, protocols=(PROTOCOL,), shown=None):
    """A client's. `trust`: the certificate that is trusted, None: any. `shown`: its own."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if trust is None:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    else:
        made.load_verify_locations(trust.certificate_file)
    if protocols:
        made.set_alpn_protocols(list(protocols))
    if shown is not None:
        made.load_cert_chain(shown.certificate_file, shown.key_file)
    return made


class TlsSession(Session):
    """As Session, over TLS. `ticket`: the `session` of an earlier one's socket, under one context."""

    def __init__(self, address, using=None, name="a.example", ticket=None):
        super().__init__(address)
        try:
            self.socket = (using or context()).wrap_socket(self.socket, server_hostname=name,
                                                           session=ticket)
        except (OSError, ssl.SSLError):
            self.socket.close()
            raise


def log_in(address, user, password="secret", features=None, **options):
    return TlsSession(address, **options).log_in(user, password, features)


def connect(address):
    """A plain connection to whatever is there."""
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), WAIT_SECONDS)
