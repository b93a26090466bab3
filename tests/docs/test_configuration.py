"""docs/configuration.md says of every key what the code says of it."""

import re
import tomllib

import pytest

from pages import ROOT, blocks, name, pages_with, rows
from server import SOLECD, run

PAGE = ROOT / "docs/configuration.md"
READER = (ROOT / "src/config/config.cc").read_text()
LIMITS = (ROOT / "src/config/limit_keys.h").read_text()
# key: its cells, of the tables with and without ranges
KEYS = {row[0].strip("`"): row for columns in (5, 6) for row in rows(PAGE, columns)
        if row[0].startswith("`")}
# The bounds of [limits], and of all tables as "limits.login_tries".
BOUND_KEYS = [f"{table.lower()}.{key}" if table != "Limit" else f"limits.{key}"
              for table, keys in re.findall(r"k(\w+)Keys\[\] = \{\n(.*?)\n\};", LIMITS, re.S)
              for key in re.findall(r'^    \{"(\w+)", LimitKind', keys, re.M)]
LIMIT_KEYS = [key.removeprefix("limits.") for key in BOUND_KEYS if key.startswith("limits.")]


def keys_of_the_code():
    keys = set(BOUND_KEYS)
    for table, names in re.findall(r'CheckKeys\(\*?\w+, "(\w+\.)", \{([^}]*)\}', READER):
        keys |= {table + key for key in re.findall(r'"(\w+)"', names)}
    return keys | {"store.when_full"}


def test_every_key_is_on_the_page_and_no_other():
    assert len(LIMIT_KEYS) > 15 and len(BOUND_KEYS) > len(LIMIT_KEYS)
    assert set(KEYS) == keys_of_the_code()


def test_defaults_are_those_of_print_default_config():
    defaults = tomllib.loads(run(SOLECD, "--print-default-config").stdout)
    for table, keys in defaults.items():
        for key, value in keys.items():
            row = KEYS[f"{table}.{key}"]
            if row[2] in ("required", "`admin.sock` in `data_dir`"):
                continue
            assert tomllib.loads(f"x = {row[2].strip('`')}")["x"] == value, row[0]


@pytest.mark.parametrize("name", BOUND_KEYS)
def test_ranges_are_those_that_the_server_names(name, tmp_path):
    table, key = name.split(".")
    file = tmp_path / "solecd.toml"
    file.write_text(f'[server]\nname = "a.example"\n[{table}]\n{key} = "nonsense"\n')
    answer = run(SOLECD, "--config", file, "--check")
    assert answer.returncode == 78
    allowed = re.search(r"must be a \w+ (from .*)", answer.stderr).group(1)
    assert KEYS[name][3].replace("`", "") == allowed


def test_what_needs_a_restart_is_what_a_reload_refuses():
    source = (ROOT / "src/server/server.cc").read_text()
    refused = set(re.findall(r'^ +\{"(\w+\.\w+)",', source, re.M))
    assert len(refused) > 8
    assert {key for key, row in KEYS.items() if row[-1] == "restart"} == refused
    assert {row[-1] for row in KEYS.values()} == {"restart", "reload"}


@pytest.mark.parametrize("page", pages_with(lambda page: blocks(page, "toml")), ids=name)
def test_configurations_on_the_pages_are_taken(page, tmp_path):
    for number, text in enumerate(blocks(page, "toml")):
        file = tmp_path / f"{number}.toml"
        file.write_text(text)
        answer = run(SOLECD, "--config", file, "--check")
        assert answer.returncode == 0, f"{name(page)}: {answer.stderr}"


def test_every_limit_that_holds_has_its_place_under_backpressure():
    page = (ROOT / "docs/architecture.md").read_text()
    # Not bounds, or of what this build does not have.
    others = {"password_memory", "password_passes", "spool_bytes_max", "spool_age_max",
              "login_proof_lifetime", "link_backoff_max", "link_ping_interval"}
    for key in set(LIMIT_KEYS) - others:
        assert f"`limits.{key}`" in page, key
