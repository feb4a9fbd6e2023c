"""The structure check finds each kind of violation."""

from pathlib import Path

from scripts.check_structure import Structure, problems_of

CHAIN = """
from typing import TYPE_CHECKING


class Lower:
    if TYPE_CHECKING:
        size: int

    def one(self):
        return self.name


class Upper(Lower):
    def two(self):
        import json
        self.name = json
"""


def structure_of(folder: Path, text: str) -> Structure:
    package = folder / "package"
    package.mkdir()
    (package / "module.py").write_text(text, encoding="utf-8")
    return Structure(package)


def test_a_chain_is_counted_as_one_class(tmp_path: Path) -> None:
    structure = structure_of(tmp_path, CHAIN)
    counts = {key.name: structure.method_count(key) for key in structure.classes}
    assert counts == {"Lower": 1, "Upper": 2}
    assert structure.deferred() == ["package.module:15"]


def test_a_lonely_subclass_and_what_is_borrowed_from_it_are_named(tmp_path: Path) -> None:
    problems = list(problems_of(structure_of(tmp_path, CHAIN)))
    assert problems == [
        "package.module.Lower has one subclass, Upper: make them one class",
        "package.module.Lower reads what only a subclass has: name, size",
    ]


def test_a_class_with_many_methods_is_named(tmp_path: Path) -> None:
    methods = "\n".join(f"    def m{number}(self): ..." for number in range(31))
    (problem,) = problems_of(structure_of(tmp_path, f"class Large:\n{methods}\n"))
    assert problem == "package.module.Large has 31 methods with its bases; at most 30"


def test_a_cycle_through_a_lazy_import_is_named(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "lazy.pyi").write_text("from package.upper import top as top\n")
    (package / "upper.py").write_text("from package.lower import bottom\n")
    (package / "lower.py").write_text("from package import lazy\n\nlazy.top()\n")
    (problem,) = problems_of(Structure(package))
    assert problem.startswith("modules import each other: ")
    assert "package.upper -> package.lower" in problem
    assert "package.lower -> package.upper" in problem
