"""What is written for people: every link leads somewhere, every file, verb and option named is there."""

import pkgutil
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import monitor.cli
from monitor.cli import main

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(r"`((?:config|deploy|docs|monitor|tests)/[^`\s]+)`")
COMMAND = re.compile(r"(?:^ *(?:\$ )?|`)command-monitor ([a-z][^`#\n|;&>]*)", re.MULTILINE)
VERBS = {name.replace("_", "-") for _, name, _ in pkgutil.iter_modules(monitor.cli.__path__)}


def name(page):
    return str(page.relative_to(ROOT))


@cache
def anchors(page):
    """Return the anchors of the headings of *page*, as GitHub makes them."""
    seen = Counter()
    found = set()
    for heading in re.findall(r"^#+ +(.+)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        words = LINK.sub("", heading).lower().strip()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


def leads_somewhere(page, link):
    file, _, anchor = link.partition("#")
    target = page.parent / file if file else page
    return target.exists() and (not anchor or target.suffix != ".md" or anchor in anchors(target.resolve()))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_and_file_of_a_page_is_there(page):
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    links = [link for link in LINK.findall(text) if not re.fullmatch(r"[a-z]+:.*", link)]
    files = [file for file in FILE.findall(text) if "KIND" not in file]

    assert [link for link in links if not leads_somewhere(page, link)] == []
    assert [file for file in files if not list(ROOT.glob(file.rstrip("/").partition("::")[0]))] == []


@pytest.fixture
def helped(capsys):
    """Ask for the help of a verb, or of a verb of a verb."""

    def ask(*words):
        with pytest.raises(SystemExit):
            main([*words, "--help"])
        return capsys.readouterr().out

    return cache(ask)


def test_every_verb_and_option_that_a_page_names_is_there(helped):
    wrong = []
    for page in PAGES:
        for said in COMMAND.findall(page.read_text(encoding="utf-8")):
            verb, *words = said.split()
            options = {word for word in words if re.fullmatch(r"--[a-z-]+", word)}
            known = re.findall(r"--[a-z-]+", helped(verb) + helped(verb, *words[:1])) if verb in VERBS else ()
            if verb not in VERBS or not options <= set(known):
                wrong.append((name(page), said))

    assert wrong == []
