"""What bench/compare, bench/compare-durable and bench/compare-federation share: servers that are started for one measurement,
a network namespace, generators that answer in JSON, and tables in Markdown with medians and
[lowest, highest]."""
import json
import os
import pathlib
import re
import select
import shutil
import statistics
import subprocess
import sys
import time

SERVER_CPU, GENERATOR_CPU = "0", "1"
START_SECONDS = 15
STOP_SECONDS = 10
ROOT = pathlib.Path(__file__).resolve().parent.parent

# solecd says "ready … listen=HOST:PORT[,…]", and so do the relays.
SOLEC_READY = re.compile(r"^ready .*?listen=([^\s,]+).*\n", re.M)

CONFIG = """[server]
name = "a.example"
listen = ["127.0.0.1:0"]
shards = 1
{server}
[policy]
contacts = "open"
accounts = "any"
[log]
level = "error"
"""


class Failure(Exception):
    pass


class Process:
    """A server under test: started for one measurement, and ended after it.

    `ready`: an expression whose first group is the address, in what it prints when it listens."""

    def __init__(self, command, ready=SOLEC_READY):
        self.process = subprocess.Popen(["taskset", "-c", SERVER_CPU, *command],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = b""
        until = time.monotonic() + START_SECONDS
        while not (found := ready.search(said.decode(errors="replace"))):
            left = until - time.monotonic()
            readable = select.select([self.process.stdout], [], [], max(left, 0))[0]
            some = os.read(self.process.stdout.fileno(), 4096) if readable else b""
            if not some:
                self.process.kill()
                self.process.wait()
                raise Failure(f"{command[0]} did not start: {said.decode(errors='replace').strip()}")
            said += some
        self.address = found.group(1)
        self.said = said.decode(errors="replace")

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.terminate()
        try:
            self.process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


def generate(what, command):
    """Runs a generator on its CPU; returns its results."""
    done = subprocess.run([*command, "--json", "-", "--cpu", GENERATOR_CPU], capture_output=True,
                          text=True)
    if done.returncode != 0:
        raise Failure(f"{what}: {os.path.basename(command[0])} ended with {done.returncode}\n"
                      f"{done.stdout}{done.stderr}")
    return json.loads(done.stdout)


# --- tables ---

def short(value):
    for step, unit in ((1e6, " M"), (1e3, " k")):
        if value >= step:
            return f"{value / step:.3g}{unit}"
    return f"{value:.3g}"


def spread(values):
    values = [value for value in values if value is not None]
    if not values:
        return "-"
    if len(values) == 1:
        return short(values[0])
    return f"{short(statistics.median(values))} [{short(min(values))}, {short(max(values))}]"


def ratios(ours, theirs):
    """Of each round."""
    return [a / b for a, b in zip(ours, theirs) if a is not None and b]


def table(rows):
    """The first row is the head."""
    rows = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def notes(results):
    """What the generators remarked, once each."""
    seen = {}
    for result in results:
        for note in result["notes"]:
            seen.setdefault((result["scenario"], result["subject"], note))
    return [f"{scenario}, {subject}: {note}" for scenario, subject, note in seen]


# --- the machine ---

def enter_namespace():
    """Runs this program again in a network namespace of its own."""
    if os.environ.get("SOLEC_COMPARE_INSIDE"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    probe = subprocess.run(["unshare", "-n", "true"], capture_output=True, text=True)
    if probe.returncode != 0:
        raise Failure("a network namespace is not permitted (" + probe.stderr.strip() + "): run it "
                      "as root or with CAP_SYS_ADMIN, or with --shared-network on this machine's "
                      "own loopback")
    os.environ["SOLEC_COMPARE_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])


def add_arguments(parser, scenarios):
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build",
                        help="folder with the programs (default: build)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--duration", default="5s", help="of each measurement")
    parser.add_argument("--warmup", default="1s")
    parser.add_argument("--scenario", action="append", choices=list(scenarios),
                        help="only that one; may be given more than once")
    parser.add_argument("--quick", action="store_true",
                        help="one round of 0.3 s each: whether all works, not how fast it is")
    parser.add_argument("--shared-network", action="store_true",
                        help="use the machine's loopback, without a namespace")
    parser.add_argument("--json", metavar="FILE", help="write every single result there")


def read_arguments(parser, scenarios):
    arguments = parser.parse_args()
    arguments.scenario = [name for name in scenarios
                          if not arguments.scenario or name in arguments.scenario]
    if arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    if arguments.quick:
        arguments.rounds, arguments.duration, arguments.warmup = 1, "300ms", "100ms"
    return arguments


def check_machine(arguments, programs):
    if not {int(SERVER_CPU), int(GENERATOR_CPU)} <= os.sched_getaffinity(0):
        raise Failure(f"CPUs {SERVER_CPU} (server) and {GENERATOR_CPU} (generator) are needed")
    for program in programs:
        if not (arguments.build / program).exists():
            raise Failure(f"{arguments.build / program} is missing: build it with tools/run "
                          "--build-only, or say where it is with --build")
    for tool in ("taskset", "unshare", "ip"):
        if shutil.which(tool) is None:
            raise Failure(f"{tool} is missing: install util-linux and iproute2")


def finish(arguments, begin, tables, results):
    print(f"{arguments.rounds} round(s) of {arguments.duration}, "
          f"{time.monotonic() - begin:.0f} s in all; median [lowest, highest]; ratios are taken "
          "within each round")
    for text in tables:
        print(f"\n{text}")
    for note in notes(results):
        print(f"\nNote: {note}")
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(results, indent=1) + "\n")
    return 0


def run_main(name, main):
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"{name}: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
