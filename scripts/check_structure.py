"""Checks how the classes and modules of the package hang together; part of `make check`.

A class is judged with the bases that are the project's own: a chain of bases is one class in
several files. The limits below may only go down; what is above the aim stands there by name or
number until it is mended.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

PACKAGE: Final = Path(__file__).resolve().parents[1] / "tui_charrnn"

MOST_METHODS: Final = 30
"""Methods of a class, those of the project's own bases counted."""
LARGER: Final = dict[str, int]()
"""Classes that have more than that, and how many they may have."""
ONLY_CHILDREN: Final = frozenset({
    "FormInput",
    "ThemedApp",
})
"""Bases that may have a single subclass."""
BORROWERS: Final = frozenset[str]()
"""Classes that may read what only a subclass sets."""
MOST_DEFERRED: Final = 12
"""Imports inside functions."""

_ABSTRACT: Final = frozenset({"Protocol", "ABC", "Exception", "NamedTuple", "Message"})
"""Bases that say what a class is for; one subclass of theirs is no chain."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Key(NamedTuple):
    """A class, by the module that defines it."""

    module: str
    name: str


class Structure:
    """The classes of a package and their bases, as they are written."""

    def __init__(self, package: Path) -> None:
        """Read every module.

        Args:
            package: The folder of the package.
        """
        self.trees = {
            ".".join(path.relative_to(package.parent).with_suffix("").parts): ast.parse(
                path.read_text(encoding="utf-8")
            )
            for path in sorted(package.rglob("*.py"))
        }
        self.classes = {
            Key(module, node.name): node
            for module, tree in self.trees.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
        }
        self.bases = {
            key: [base for base in self._own_bases(key, node) if base is not None]
            for key, node in self.classes.items()
        }
        self.subclasses: dict[Key, list[Key]] = {key: [] for key in self.classes}
        for key, bases in self.bases.items():
            for base in bases:
                self.subclasses[base].append(key)

    def family(self, key: Key) -> set[Key]:
        """A class and all bases of the project that it has."""
        return {key}.union(*(self.family(base) for base in self.bases[key]))

    def descendants(self, key: Key) -> set[Key]:
        """All subclasses of a class, and theirs."""
        return {*self.subclasses[key]}.union(*map(self.descendants, self.subclasses[key]))

    def method_count(self, key: Key) -> int:
        """Methods of a class and of all bases of the project."""
        return sum(
            isinstance(node, Function)
            for one in self.family(key)
            for node in self.classes[one].body
        )

    def is_abstract(self, key: Key) -> bool:
        """Whether a class says what others are for, as a protocol does."""
        names = {_name_of(base) for base in self.classes[key].bases}
        return bool(names & _ABSTRACT) or key.name.endswith("Error")

    def borrowed(self, key: Key) -> set[str]:
        """Attributes that a class reads, and that only a subclass sets or declares."""
        own = set().union(*(_set_in(self.classes[one]) for one in self.family(key)))
        theirs = set().union(*(_set_in(self.classes[one]) for one in self.descendants(key)))
        stubs = set(_stubs_of(self.classes[key]))
        return (_read_in(self.classes[key]) & (theirs - own)) | stubs

    def deferred(self) -> list[str]:
        """Where functions import something, as MODULE:LINE."""
        return [
            f"{module}:{line}"
            for module, tree in self.trees.items()
            for line in sorted({
                node.lineno
                for function in ast.walk(tree)
                if isinstance(function, Function)
                for node in ast.walk(function)
                if isinstance(node, ast.Import | ast.ImportFrom)
            })
        ]

    def _own_bases(self, key: Key, node: ast.ClassDef) -> Iterator[Key | None]:
        imported = {
            alias.asname or alias.name: Key(found.module, alias.name)
            for found in ast.walk(self.trees[key.module])
            if isinstance(found, ast.ImportFrom) and found.module
            for alias in found.names
        }
        for base in map(_name_of, node.bases):
            here, there = Key(key.module, base), imported.get(base)
            yield here if here in self.classes else there if there in self.classes else None


def _name_of(base: ast.expr) -> str:
    """The name of a base, without its module and its type arguments."""
    if isinstance(base, ast.Subscript):
        base = base.value
    return base.id if isinstance(base, ast.Name) else getattr(base, "attr", "")


def _stubs_of(node: ast.ClassDef) -> Iterator[str]:
    """What a class declares for the type checker alone: another class has it."""
    for statement in node.body:
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test):
            for one in statement.body:
                if isinstance(one, Function):
                    yield one.name
                elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                    yield one.target.id


def _set_in(node: ast.ClassDef) -> set[str]:
    """Attributes that a class has: in its body, or set on `self` in a method."""
    found = {one.name for one in node.body if isinstance(one, Function | ast.ClassDef)}
    for statement in node.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found | {name for name, is_set in _attributes_of_self(node) if is_set}


def _read_in(node: ast.ClassDef) -> set[str]:
    """Attributes of `self` that a class reads."""
    return {name for name, is_set in _attributes_of_self(node) if not is_set}


def _attributes_of_self(node: ast.ClassDef) -> Iterator[tuple[str, bool]]:
    for one in ast.walk(node):
        owner = one.value if isinstance(one, ast.Attribute) else None
        if isinstance(one, ast.Attribute) and isinstance(owner, ast.Name) and owner.id == "self":
            yield one.attr, isinstance(one.ctx, ast.Store)


def problems_of(structure: Structure) -> Iterator[str]:
    """What is above a limit, a line each."""
    for key in structure.classes:
        count, limit = structure.method_count(key), LARGER.get(key.name, MOST_METHODS)
        if count > limit:
            yield f"{key.module}.{key.name} has {count} methods with its bases; at most {limit}"
        is_chain = len(structure.subclasses[key]) == 1 and not structure.is_abstract(key)
        if is_chain and key.name not in ONLY_CHILDREN:
            (child,) = structure.subclasses[key]
            yield f"{key.module}.{key.name} has one subclass, {child.name}: make them one class"
        borrowed = structure.borrowed(key)
        if borrowed and key.name not in BORROWERS:
            names = ", ".join(sorted(borrowed))
            yield f"{key.module}.{key.name} reads what only a subclass has: {names}"
    deferred = structure.deferred()
    if len(deferred) > MOST_DEFERRED:
        yield f"{len(deferred)} imports inside functions, at most {MOST_DEFERRED}; they are in"
        yield "  " + ", ".join(deferred)


def hints_of(structure: Structure) -> Iterator[str]:
    """Limits that may go down now."""
    counts = {key.name: structure.method_count(key) for key in structure.classes}
    for name, limit in LARGER.items():
        if counts.get(name, 0) < limit:
            yield f"LARGER[{name!r}] may go down to {counts.get(name, 0)}"
    chains = {key.name for key, ones in structure.subclasses.items() if len(ones) == 1}
    for name in sorted(ONLY_CHILDREN - chains):
        yield f"ONLY_CHILDREN need not have {name} any more"
    borrowers = {key.name for key in structure.classes if structure.borrowed(key)}
    for name in sorted(BORROWERS - borrowers):
        yield f"BORROWERS need not have {name} any more"
    if (count := len(structure.deferred())) < MOST_DEFERRED:
        yield f"MOST_DEFERRED may go down to {count}"


def main() -> int:
    """Print what is above a limit; 1 if anything is."""
    structure = Structure(PACKAGE)
    problems = list(problems_of(structure))
    for line in problems or hints_of(structure):
        print(line)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
