"""Writes the fuzzers' first inputs, made from the golden vectors: make_seeds.py VECTORS FOLDER."""

import json
import pathlib
import sys

ADDRESSES = ["bob", "bob@b.example", "#ops.alerts@A.Example", "\u017b\u00f3\u0142w@x", "a..b",
             "a\u3000b", "#", "bob@", "n" * 64 + "@" + "s" * 255]
SERVICE = ["join #room\nleave #room\nadd bob@example.org\n", "contacts\nchannels\r\nhelp",
           "members #room\nhistory bob 20\nremove x", " \t join \t #a #b \r\n\n"]
CONFIG = """[server]
name = "a.example"
listen = ["127.0.0.1:7653", "[::1]:1"]
listen_tls = []
shards = "auto"
data_dir = "/var/lib/solec"
[policy]
contacts = "required"
accounts = "any"
channels = "users"
[tls]
certificate = "cert.pem"
key = "key.pem"
[limits]
login_timeout = "10s"
login_tries = 3
message_bytes_max = "60KiB"
messages_per_second_max = "unlimited"
connections_max = 1000000
spool_age_max = "72h"
[[peer]]
name = "b.example"
address = "127.0.0.1:7663"
public_key = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
allow_plain = false
dial = true
[admin]
listen = "127.0.0.1:7680"
socket = "/run/solec/admin.sock"
[log]
level = "info"
format = "text"
"""


def main():
    vectors_path, folder = sys.argv[1:]
    vectors = json.loads(pathlib.Path(vectors_path).read_text(encoding="utf-8"))
    frames = [bytes.fromhex(vector["hex"]) for vector in vectors]
    by_name = {vector["name"]: frame for vector, frame in zip(vectors, frames)}

    def write(target, seeds):
        target_folder = pathlib.Path(folder) / target
        target_folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds):
            (target_folder / f"seed-{number:02}").write_bytes(seed)

    whole = b"".join(frames)
    session = (by_name["handshake with features"] + by_name["success"] + by_name["message"] +
               by_name["accepted"] + by_name["history item"] + by_name["error not found"])
    write("frame_stream", [b"\0" + whole, bytes([4, 1, 2, 3, 40]) + whole,
                           bytes([3, 5, 0, 9]) + session] + [b"\0" + frame for frame in frames])
    write("payloads", [frame[:1] + frame[3:] for frame in frames])
    write("utf8", [b"\0" + frame[3:] for frame in frames] + [bytes([15]) + "żółw €😀".encode()])
    write("address", [address.encode() for address in ADDRESSES])
    write("service", [text.encode() for text in SERVICE])
    write("config", [CONFIG.encode(), b'[server]\nname = "a"\n'])
    login = by_name["handshake with features"] + by_name["user auth"] * 4
    link = by_name["handshake"] + by_name["test"] + by_name["server auth"]
    write("sequence", [b"\x0f\2\0" + login, b"\x0f\2\4" + login, b"\0\0\0" + link] +
          [b"\1\1\1" + frame for frame in frames])


main()
