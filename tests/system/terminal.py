"""A program on a terminal of its own: what a person sees and types."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from server import clean_environment

WAIT_SECONDS = 20
CURSOR_PLACED = re.compile(r"\r\x1b\[\d+C")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    def __init__(self, command, env=None, columns=80, prepare=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave  # kept open, to ask for the terminal's settings at the end
        self.prepare = prepare
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=slave, stdout=slave, stderr=slave,
            env={**clean_environment(), "TERM": "xterm", **(env or {})}, preexec_fn=self._own)
        self.raw = b""

    def _own(self):
        """The terminal becomes the controlling one: Ctrl-C and /dev/tty mean this one."""
        if self.prepare:
            self.prepare()
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def type(self, text):
        os.write(self.master, text.encode() if isinstance(text, str) else text)

    def text(self):
        """What was written, a line for each row however often it was drawn; the cursor's ways left
        out."""
        text = CURSOR_PLACED.sub("", self.raw.decode("utf-8", "replace"))
        return ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")

    def _take(self, deadline):
        ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            return False
        self.raw += os.read(self.master, 1 << 16)
        return True

    def wait(self, pattern, count=1):
        """Until `pattern` stands on the terminal `count` times."""
        deadline = time.monotonic() + WAIT_SECONDS
        while len(re.findall(pattern, self.text(), re.M)) < count:
            assert self._take(deadline), f"{pattern!r} did not come; there is:\n{self.text()}"

    def end(self):
        """Waits for the program's end; its exit status."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"still running; there is:\n{self.text()}"
            # Taken off as it comes, so that the program is not held by a full terminal.
            self._take(min(deadline, time.monotonic() + 0.05))
        while self._take(time.monotonic()):
            pass
        return self.process.returncode

    def lets_itself_be_interrupted(self):
        """It takes keys one by one, and Ctrl-C is a signal: it waits for somebody else."""
        flags = termios.tcgetattr(self.slave)[3]
        return not flags & termios.ICANON and bool(flags & termios.ISIG)

    def is_as_before(self):
        return termios.tcgetattr(self.slave) == self.before
