"""The pages that people read, cut into what can be checked; as they are in the working tree."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def name(page):
    return str(page.relative_to(ROOT))


def blocks(page, language):
    """The fenced blocks of that language."""
    return [text for kind, text in FENCE.findall(page.read_text()) if kind == language]


def prose(page):
    """The page without its fenced blocks."""
    return FENCE.sub("", page.read_text())


def code_spans(page):
    return re.findall(r"`([^`\n]+)`", prose(page))


def links(page):
    """(file, anchor) of every link that stays in the repository; each part may be empty."""
    found = re.findall(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)", prose(page))
    return [(file, anchor) for file, anchor in found if "://" not in file]


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def rows(page, columns):
    """The cells of the rows of all tables with so many columns, heads and rules left out."""
    found = []
    for line in page.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == columns and not cells[0].startswith("--"):
            found.append(cells)
    return found


def pages_with(find):
    """The pages on which there is something to check."""
    found = [page for page in PAGES if any(True for _ in find(page))]
    assert found
    return found
