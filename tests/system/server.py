"""A real solecd in a folder of its own, on free loopback ports; and runs of solec."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.request

BUILD = pathlib.Path(os.environ.get("SOLEC_BUILD", "build")).resolve()
SOLECD = str(BUILD / "solecd")
SOLEC = str(BUILD / "solec")
WAIT_SECONDS = 30


def free_port():
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def toml_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value)


def toml(config):
    """Of {table: keys}; a list of keys gives several tables of that name."""
    text = ""
    for table, keys in config.items():
        for each in keys if isinstance(keys, list) else [keys]:
            text += f"[[{table}]]\n" if isinstance(keys, list) else f"[{table}]\n"
            text += "".join(f"{key} = {toml_value(value)}\n" for key, value in each.items())
    return text


class Lines:
    """What a program prints, line by line, with waiting for a line that matches."""

    def __init__(self, pipe):
        self.lines = []
        self.ended = False
        self.changed = threading.Condition()
        self.pipe = pipe
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.pipe:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, pattern, count=1, seconds=WAIT_SECONDS):
        """The match of the count-th line that `pattern` is found in."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                found = [match for match in (re.search(pattern, line) for line in self.lines)
                         if match]
                if len(found) >= count:
                    return found[count - 1]
                left = deadline - time.monotonic()
                assert not self.ended and left > 0, f"no line with {pattern!r} in:\n{self.text()}"
                self.changed.wait(left)

    def text(self):
        return "\n".join(self.lines)


class Server:
    """Started by `start`; the context's end stops it. `extra` goes over the default config."""

    def __init__(self, folder, extra=None, start=True, prepare=None):
        self.folder = pathlib.Path(folder)
        self.config = {
            "server": {"name": "a.example", "listen": ["127.0.0.1:0"], "shards": 2},
            "policy": {},
            # A hash that costs nothing: what is tested here is not argon2id.
            "limits": {"password_memory": "8KiB", "password_passes": 1},
            "admin": {"listen": "127.0.0.1:0", "socket": str(self.folder / "admin.sock")},
            "log": {},
        }
        self.merge(extra or {})
        self.config_file = self.folder / "solecd.toml"
        self.process = None
        if start:
            self.start(prepare)

    def merge(self, extra):
        for table, keys in extra.items():
            if isinstance(keys, list):
                self.config[table] = keys
                continue
            for key, value in keys.items():
                if value is None:
                    self.config.setdefault(table, {}).pop(key, None)
                else:
                    self.config.setdefault(table, {})[key] = value

    def write_config(self):
        self.config_file.write_text(toml(self.config))

    def start(self, prepare=None):
        self.write_config()
        self.launch([SOLECD, "--config", str(self.config_file)], prepare)
        self.read_ready()

    def launch(self, command, prepare=None):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, cwd=self.folder,
                                        preexec_fn=prepare)
        self.out = Lines(self.process.stdout)
        self.log = Lines(self.process.stderr)

    def read_ready(self):
        try:
            self.ready_line = self.out.wait(r"^ready ").string
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{self.log.text()}") from None
        self.ready = dict(word.split("=", 1) for word in self.ready_line.split()[1:])
        self.address = self.ready["listen"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def restart(self, end=signal.SIGTERM, extra=None):
        """Ends it with a signal and starts it again on the same data; `extra` changes its config."""
        self.signal(end)
        self.wait()
        self.stop()
        self.merge(extra or {})
        self.start()

    def memory_bytes(self):
        """What is resident at the moment, without pages of files."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^RssAnon:\s+(\d+) kB$", status, re.M).group(1)) * 1024

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=WAIT_SECONDS):
        return self.process.wait(seconds)

    def stop(self):
        """However the test went: no process is left behind."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.wait()
        for lines in (self.out, self.log):
            lines.thread.join(WAIT_SECONDS)
            lines.pipe.close()

    def get(self, path):
        """(status, content type, body) of an admin page."""
        url = f"http://{self.ready['admin']}{path}"
        try:
            with urllib.request.urlopen(url, timeout=WAIT_SECONDS) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read().decode()

    def metrics(self):
        """Each sample of /metrics by its name, summed over the shards; labels but shard stay."""
        samples = {}
        for line in self.get("/metrics")[2].splitlines():
            if line.startswith("#"):
                continue
            name, value = line.rsplit(" ", 1)
            name = re.sub(r'\{shard="\d+"\}', "", name)
            samples[name] = samples.get(name, 0) + float(value)
        return samples

    def closed(self, reason):
        return self.metrics()[f'solec_connections_closed_total{{reason="{reason}"}}']

    def wait_closed(self, reason, count, seconds=WAIT_SECONDS):
        name = f'solec_connections_closed_total{{reason="{reason}"}}'
        self.wait_metric(name, count, seconds)

    def wait_metric(self, name, value, seconds=WAIT_SECONDS):
        """Until a sample has that value: counters follow what a client sees by a moment."""
        deadline = time.monotonic() + seconds
        while (seen := self.metrics().get(name)) != value:
            assert time.monotonic() < deadline, f"{name} is {seen}, not {value}"

    def admin(self, command, /, **members):
        """One command over the admin socket; the answer."""
        with AdminConnection(self.config["admin"]["socket"]) as connection:
            return connection.ask({"command": command, **members})

    def add_users(self, *names, password="secret", contacts=False):
        for name in names:
            assert self.admin("user add", name=name, password=password)["ok"]
        for name in names if contacts else ():
            for other in names:
                if other != name:
                    assert self.admin("user contact add", name=name, address=other)["ok"]


class AdminConnection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT_SECONDS)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def ask(self, request):
        return self.ask_line(json.dumps(request).encode())

    def ask_line(self, line):
        self.socket.sendall(line + b"\n")
        return json.loads(self.lines.readline())


def run(*arguments, text=None, env=None, cwd=None, prepare=None, seconds=WAIT_SECONDS):
    """Runs a program to its end. `text` is its standard input."""
    return subprocess.run([str(word) for word in arguments], input="" if text is None else text,
                          capture_output=True, text=True, cwd=cwd, timeout=seconds,
                          env={**clean_environment(), **(env or {})}, preexec_fn=prepare,
                          check=False)


def clean_environment():
    return {key: value for key, value in os.environ.items() if key != "SOLEC_PASSWORD"}
