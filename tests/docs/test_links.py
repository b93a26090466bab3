"""What the pages point to is there."""

import re

import pytest

from pages import FENCE, ROOT, anchors, code_spans, links, name, pages_with

TOP = ("src/", "tests/", "tools/", "bench/", "docs/")
SOURCES = "\n".join(path.read_text() for folder in ("src", "tests", "tools", "bench")
                    for path in sorted((ROOT / folder).rglob("*"))
                    if path.suffix in (".h", ".cc") or path.name == "meson.build")


def paths(page):
    """Paths into the repository; a placeholder stands for many: `src/NAME/meson.build`."""
    words = (word.rstrip(".,;:") for span in code_spans(page) for word in span.split())
    return [word for word in words
            if word.startswith(TOP) and not re.search(r"[*…<]|[A-Z]{4}", word)]


def names_of_the_code(page):
    """UringIo::Turn, MemoryStore, kMoving: at least two humps, or a scope."""
    return [span for span in code_spans(page)
            if re.fullmatch(r"(?:[A-Z]\w*::)*(?:[A-Z][a-z]+(?:[A-Z][a-z]+)+|k[A-Z][A-Za-z]+)|"
                            r"(?:[A-Z]\w*::)+\w+", span)]


@pytest.mark.parametrize("page", pages_with(links), ids=name)
def test_links_lead_to_files_and_headings_that_exist(page):
    for file, anchor in links(page):
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{name(page)}: {file}"
        assert not anchor or anchor in anchors(target), f"{name(page)}: {file}#{anchor}"


@pytest.mark.parametrize("page", pages_with(paths), ids=name)
def test_paths_in_backquotes_exist(page):
    for path in paths(page):
        assert (ROOT / path).exists(), f"{name(page)}: `{path}`"


@pytest.mark.parametrize("page", pages_with(names_of_the_code), ids=name)
def test_names_of_the_code_in_backquotes_exist(page):
    shown = "\n".join(text for _, text in FENCE.findall(page.read_text()))
    for span in names_of_the_code(page):
        for part in span.split("::"):
            assert re.search(rf"\b{part}\b", SOURCES + shown), f"{name(page)}: `{span}`"


def test_every_decision_is_in_the_list():
    listed = {file for file, _ in links(ROOT / "docs/decisions/README.md")}
    there = {path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md")}
    assert listed == there
