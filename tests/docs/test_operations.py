"""docs/operations.md names every metric, every reason and every command that there is."""

import json
import re

import pytest

from pages import ROOT, blocks, code_spans, rows
from server import SOLEC, Server, run

PAGE = ROOT / "docs/operations.md"


def first_cells(columns):
    return [row[0] for row in rows(PAGE, columns)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    with Server(folder, {"server": {"data_dir": str(folder / "data")}}) as one:
        one.add_users("alice")
        # An error that is counted, so that every metric there is shows.
        run(SOLEC, "send", "alice@a.example", "nobody", "x", "--connect", one.address,
            env={"SOLEC_PASSWORD": "secret"})
        yield one


def kinds_of_peers():
    """Of the metrics that are there only with a [[peer]]."""
    figures = (ROOT / "src/admin/peer_figures.h").read_text()
    kinds = {f"solec_link_{figure}_now" if gauge else f"solec_link_{figure}_total":
             "gauge" if gauge else "counter"
             for figure, gauge in re.findall(r'^      \{"(\w+)", .*?(, true)?\},$', figures, re.M)}
    code = (ROOT / "src/admin/metrics.cc").read_text()
    kinds |= {f"solec_{figure}": "gauge" for figure in re.findall(r'&text, "(link_\w+)"', code)}
    assert len(kinds) > 12
    return kinds


def test_every_metric_is_on_the_page_with_its_kind_and_no_other(server):
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", server.get("/metrics")[2], re.M))
    assert len(kinds) > 25
    assert {row[0].strip("`"): row[1] for row in rows(PAGE, 3)
            if row[0].startswith("`solec_")} == kinds | kinds_of_peers()


def test_every_member_of_a_link_is_on_the_page():
    figures = re.findall(r'^      \{"(\w+)", "(\w*)"', (ROOT / "src/admin/peer_figures.h").read_text(),
                         re.M)
    members = {figure + (f"_{kind}" if kind else "") for figure, kind in figures}
    answers = (ROOT / "src/admin/link_answers.cc").read_text()
    members |= set(re.findall(r'link\["(\w+)"\] =', answers))
    members |= set(re.findall(r'\{"(\w+)", (?:\w+\()?peer\.', answers))
    assert len(members) > 20
    assert members <= {span for row in rows(PAGE, 2) for span in re.findall(r"`(\w+)`", row[0])}


def test_every_sample_belongs_to_a_metric_on_the_page(server):
    names = {re.split(r"[{ ]", name)[0] for name in server.metrics()}
    assert "solec_errors_sent_total" in names
    assert names <= {cell.strip("`") for cell in first_cells(3)}


def test_every_counter_is_counted_somewhere():
    counters = re.findall(r"^  X\((\w+),", (ROOT / "src/shard/counters.h").read_text(), re.M)
    assert len(counters) > 20
    code = "\n".join(path.read_text() for folder in ("src/shard", "src/net")
                     for path in sorted((ROOT / folder).glob("*")) if path.name != "counters.h")
    for counter in counters:
        assert re.search(rf"\b{counter}\.(Add|Sub|Set)\(", code), counter


def test_every_close_reason_is_on_the_page_and_no_other(server):
    reasons = set(re.findall(r'reason="(\w+)"', server.get("/metrics")[2]))
    at = PAGE.read_text().index("| reason |")
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text()[at:], re.M)) == reasons


def test_every_admin_command_is_on_the_page():
    source = (ROOT / "src/admin/commands.cc").read_text()
    commands = set(re.findall(r'^    \{"([a-z ]+)", ControlKind', source, re.M))
    commands |= set(re.findall(r'name == "([a-z ]+)"', source))
    assert len(commands) > 15
    assert commands <= set(code_spans(PAGE))


def test_every_page_of_the_http_port_is_on_the_page(server):
    source = (ROOT / "src/admin/admin_http.cc").read_text()
    paths = set(re.findall(r'server\.Get\("([^"]+)"', source))
    assert paths == {cell.strip("`") for cell in first_cells(2) if cell.startswith("`/")}
    assert all(server.get(path)[0] == 200 for path in paths)


def test_exchanges_with_the_admin_socket_are_as_shown(tmp_path):
    lines = [text for text in blocks(PAGE, "text") if text.startswith('{"command"')]
    assert len(lines) == 1
    with Server(tmp_path) as one:
        for asked, answered in zip(*[iter(lines[0].splitlines())] * 2):
            request = json.loads(asked)
            answer = one.admin(request.pop("command"), **request)
            expected = json.loads(answered)
            # Nobody is logged in here.
            for item in expected.get("items", []):
                item["flags"] = 0
            assert answer == expected
