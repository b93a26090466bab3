"""The commands that the pages show are commands that the programs know."""

import functools
import os
import re
import shlex

import pytest

from pages import PAGES, ROOT, blocks, code_spans, name, pages_with
from server import BUILD, run

PROGRAMS = {program: BUILD / program
            for program in ("solecd", "solec", "solec-bench", "solec-nats", "solec-relay")}
PROGRAMS["compare"] = ROOT / "bench/compare"
PROGRAMS["compare-durable"] = ROOT / "bench/compare-durable"
PROGRAMS["compare-federation"] = ROOT / "bench/compare-federation"


@functools.cache
def help_of(program, *verbs):
    answer = run(PROGRAMS[program], *verbs, "--help")
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def verbs_of(text):
    found = text.partition("\nSubcommands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z]+)", found, re.M)


def commands(page):
    """Every command of ours that the page shows, as words. Continued lines are one."""
    for text in blocks(page, "sh"):
        yield from text.replace("\\\n", " ").splitlines()
    yield from code_spans(page)


def our_commands(page):
    for text in commands(page):
        try:
            words = shlex.split(text, comments=True)
        except ValueError:  # half a quotation: prose, not a command
            continue
        for part in " ".join(words).split(" | "):
            words = [word for word in part.split() if not re.match(r"[A-Z_]+=", word)]
            if len(words) > 1 and os.path.basename(words[0]) in PROGRAMS:
                yield words


@pytest.mark.parametrize("page", pages_with(our_commands), ids=name)
def test_verbs_and_flags_are_known_to_help(page):
    for words in our_commands(page):
        program, verbs, rest = os.path.basename(words[0]), (), words[1:]
        # `solec user …` names a group; capitals are placeholders.
        while (known := verbs_of(help_of(program, *verbs))) and rest and rest[0].isalpha() and \
                rest[0].islower():
            assert rest[0] in known, f"{name(page)}: {' '.join(words)}"
            verbs, rest = (*verbs, rest[0]), rest[1:]
        for flag in (word.split("=")[0] for word in rest if word.startswith("--") and word != "--"):
            assert re.search(rf"(^|[\s,]){flag}\b", help_of(program, *verbs), re.M), \
                f"{name(page)}: {' '.join(words)} has no {flag}"


def test_commands_are_found():
    assert sum(1 for page in PAGES for _ in our_commands(page)) > 20
