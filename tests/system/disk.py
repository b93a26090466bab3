"""Disks with faults: slow, failing, full, damaged."""

import os
import pathlib
import shutil
import subprocess

import pytest


class SlowDisk:
    """Synchronizations of a server that is started with `prepare` are slow, held or fail."""

    def __init__(self, folder):
        compiler = shutil.which("cc") or pytest.skip("there is no C compiler")
        self.folder = pathlib.Path(folder)
        self.library = self.folder / "slow_disk.so"
        source = pathlib.Path(__file__).with_name("slow_disk.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", self.library, source, "-ldl"],
                       check=True)

    def prepare(self):
        os.environ["LD_PRELOAD"] = str(self.library)
        os.environ["SOLEC_SLOW_DISK"] = str(self.folder)

    def hold(self):
        (self.folder / "hold").touch()

    def release(self):
        (self.folder / "hold").unlink(missing_ok=True)

    def delay(self, milliseconds):
        # A rename, so that nobody reads half of it.
        (self.folder / "new").write_text(str(milliseconds))
        (self.folder / "new").rename(self.folder / "delay")

    def fail(self, fails):
        if fails:
            (self.folder / "fail").touch()
        else:
            (self.folder / "fail").unlink()


class SmallDisk:
    """A file system of its own, that `fill` leaves so many bytes of."""

    def __init__(self, folder, size):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs",
                               str(self.folder)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")

    def unmount(self):
        subprocess.run(["umount", "-l", str(self.folder)], check=True)

    def free(self):
        figures = os.statvfs(self.folder)
        return figures.f_bavail * figures.f_frsize

    def fill(self, leave=0):
        with open(self.folder / "ballast", "ab") as ballast:
            try:
                while (size := min(self.free() - leave, 1 << 20)) > 0:
                    ballast.write(bytes(size))
                    ballast.flush()
            except OSError:
                pass  # full

    def clear(self):
        (self.folder / "ballast").unlink()


def contents_of(folder):
    """Each file below a folder, by its path."""
    return {path.relative_to(folder): path.read_bytes()
            for path in pathlib.Path(folder).rglob("*") if path.is_file()}


def largest(folder, pattern):
    return max(pathlib.Path(folder).rglob(pattern), key=lambda path: path.stat().st_size)


def cut_off(path, size):
    os.truncate(path, size)


def damage(path, share=0.5):
    """Turns bytes over in place: whoever has the file open sees it."""
    with open(path, "r+b") as file:
        size = path.stat().st_size
        place = int(size * share)
        file.seek(place)
        data = file.read(16)
        file.seek(place)
        file.write(bytes(byte ^ 0xFF for byte in data))
