"""The pages in both languages: they name each other, and the same commands, keys and pages."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.support.command import ROOT

COMMAND = re.compile(r"^(?:make|charrnn-tui) [a-z]+(?: --?[a-z-]+| [a-z]+(?= {2}))*", re.MULTILINE)
CODE = re.compile(r"^\| (\d+) \|", re.MULTILINE)
KEY = re.compile(r"^\| ((?:\^|F\d|Enter|Esc|`)[^|]*?)(?:에서 `9`|와 화살표)? \|", re.MULTILINE)
PAGE = re.compile(r"\]\(((?!app\.|shell\.|README)[\w/]+\.md)")


@pytest.mark.parametrize("name", ["README", "docs/app", "docs/shell"])
def test_both_languages_name_the_same_commands_keys_codes_and_pages(name: str) -> None:
    english = (ROOT / f"{name}.md").read_text(encoding="utf-8")
    korean = (ROOT / f"{name}.ko.md").read_text(encoding="utf-8")
    base = name.rsplit("/", 1)[-1]
    assert f"]({base}.ko.md)" in english
    assert f"]({base}.md)" in korean
    assert [each for each in COMMAND.findall(english) if each not in korean] == []
    assert CODE.findall(korean) == CODE.findall(english)
    assert len(KEY.findall(korean)) == len(KEY.findall(english))
    assert [each for each in PAGE.findall(english) if f"]({each}" not in korean] == []


def test_the_readme_has_something_of_each() -> None:
    english = (ROOT / "README.md").read_text(encoding="utf-8")
    for pattern in (COMMAND, KEY, PAGE):
        assert len(pattern.findall(english)) > 5
    assert len(CODE.findall((ROOT / "docs/shell.md").read_text(encoding="utf-8"))) > 5


def test_every_relative_link_leads_to_a_file() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")]
    dead = [
        (page.name, link)
        for page in pages
        for link in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert dead == []


def test_every_link_into_a_page_leads_to_a_heading() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")]
    dead = [
        (page.name, link, anchor)
        for page in pages
        for link, anchor in re.findall(r"\]\(([^)\s#]*)#([^)]+)\)", page.read_text("utf-8"))
        if "://" not in link and anchor not in anchors(page.parent / link if link else page)
    ]
    assert dead == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_page_of_a_package_index_has_no_relative_link() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / project["readme"]["file"]).read_text(encoding="utf-8")
    assert "](" not in page
