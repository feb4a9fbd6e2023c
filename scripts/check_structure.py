"""Checks the structure of the package's classes and imports; part of `make check`.

A class is measured together with its bases in the project: a chain of bases is one class in several
files. The limits below may only go down; classes above a limit are listed by name until they are
refactored.
"""

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final, NamedTuple

PACKAGE: Final = Path(__file__).resolve().parents[1] / "tui_charrnn"

MAX_METHODS: Final = 30
"""Maximum methods of a class, with those of its bases in the project."""
METHOD_LIMITS: Final = dict[str, int]()
"""Classes that have more, and their limits."""
SINGLE_SUBCLASS_BASES: Final = frozenset({
    "SafeInput",  # used itself for every line outside the form
    "FormInput",  # used itself for every field of the form that is not a path
    "ThemedApp",  # the tests of single widgets subclass it too
})
"""Bases that may have a single subclass."""
SUBCLASS_READERS: Final = frozenset[str]()
"""Classes that may read attributes that only a subclass sets."""
MAX_DEFERRED: Final = 11
"""Maximum imports inside functions."""

_ABSTRACT: Final = frozenset({"Protocol", "ABC", "Exception", "NamedTuple", "Message"})
"""Bases that mark a class as abstract; a single subclass of it is no chain."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Key(NamedTuple):
    """A class name and the module that defines it."""

    module: str
    name: str


class Structure:
    """The classes of a package and their bases, from the source code."""

    def __init__(self, package: Path) -> None:
        """Parse every module.

        Args:
            package: The folder of the package; its `lazy.pyi` may be missing.
        """
        self.trees = {
            ".".join(path.relative_to(package.parent).with_suffix("").parts): ast.parse(
                path.read_text(encoding="utf-8")
            )
            for path in sorted(package.rglob("*.py"))
        }
        stub = package / "lazy.pyi"
        self.lazy_names = {
            alias.name: node.module or ""
            for node in ast.walk(
                ast.parse(stub.read_text(encoding="utf-8") if stub.exists() else "")
            )
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        """Module by name that `lazy.NAME` imports at its first use."""
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
        """A class and all its bases in the project."""
        return {key}.union(*(self.family(base) for base in self.bases[key]))

    def descendants(self, key: Key) -> set[Key]:
        """All direct and indirect subclasses of a class."""
        return {*self.subclasses[key]}.union(*map(self.descendants, self.subclasses[key]))

    def method_count(self, key: Key) -> int:
        """The number of methods of a class and of all its bases in the project."""
        return sum(
            isinstance(node, Function)
            for one in self.family(key)
            for node in self.classes[one].body
        )

    def is_abstract(self, key: Key) -> bool:
        """Whether a class is abstract, as a protocol, or an error."""
        names = {_name_of(base) for base in self.classes[key].bases}
        return bool(names & _ABSTRACT) or key.name.endswith("Error")

    def borrowed(self, key: Key) -> set[str]:
        """Attributes that a class reads, but only a subclass sets or declares."""
        own = set().union(*(_set_in(self.classes[one]) for one in self.family(key)))
        theirs = set().union(*(_set_in(self.classes[one]) for one in self.descendants(key)))
        stubs = set(_stubs_of(self.classes[key]))
        return (_read_in(self.classes[key]) & (theirs - own)) | stubs

    def deferred(self) -> list[str]:
        """Positions of imports inside functions, as MODULE:LINE."""
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

    def import_cycle(self) -> list[str]:
        """Modules that import each other in a circle, lazy imports included; empty if none do."""
        graph = {
            module: set(self._imports_of(tree)) - {module} for module, tree in self.trees.items()
        }
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            return list(reversed(error.args[1]))  # each imports the next
        return []

    def _imports_of(self, tree: ast.Module) -> Iterator[str]:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    submodule = f"{node.module}.{alias.name}"
                    yield submodule if submodule in self.trees else node.module
            elif isinstance(node, ast.Attribute) and _name_of(node.value) == "lazy":
                yield self.lazy_names.get(node.attr, "")

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
    """Yield what a class declares for the type checker only, because another class defines it."""
    for statement in node.body:
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test):
            for one in statement.body:
                if isinstance(one, Function):
                    yield one.name
                elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                    yield one.target.id


def _set_in(node: ast.ClassDef) -> set[str]:
    """Attributes that a class defines in its body, or sets on `self` in a method."""
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
    """Yield a line for each violation of a limit."""
    for key in structure.classes:
        count, limit = structure.method_count(key), METHOD_LIMITS.get(key.name, MAX_METHODS)
        if count > limit:
            yield f"{key.module}.{key.name} has {count} methods with its bases; at most {limit}"
        is_chain = len(structure.subclasses[key]) == 1 and not structure.is_abstract(key)
        if is_chain and key.name not in SINGLE_SUBCLASS_BASES:
            (child,) = structure.subclasses[key]
            yield f"{key.module}.{key.name} has one subclass, {child.name}: make them one class"
        borrowed = structure.borrowed(key)
        if borrowed and key.name not in SUBCLASS_READERS:
            names = ", ".join(sorted(borrowed))
            yield f"{key.module}.{key.name} reads what only a subclass has: {names}"
    if cycle := structure.import_cycle():
        yield f"modules import each other: {' -> '.join(cycle)}"
    deferred = structure.deferred()
    if len(deferred) > MAX_DEFERRED:
        yield f"{len(deferred)} imports inside functions, at most {MAX_DEFERRED}; they are in"
        yield "  " + ", ".join(deferred)


def hints_of(structure: Structure) -> Iterator[str]:
    """Yield a line for each limit that can go down."""
    counts = {key.name: structure.method_count(key) for key in structure.classes}
    for name, limit in METHOD_LIMITS.items():
        if counts.get(name, 0) < limit:
            yield f"METHOD_LIMITS[{name!r}] may go down to {counts.get(name, 0)}"
    chains = {key.name for key, ones in structure.subclasses.items() if len(ones) == 1}
    for name in sorted(SINGLE_SUBCLASS_BASES - chains):
        yield f"SINGLE_SUBCLASS_BASES does not need {name} any more"
    borrowers = {key.name for key in structure.classes if structure.borrowed(key)}
    for name in sorted(SUBCLASS_READERS - borrowers):
        yield f"SUBCLASS_READERS does not need {name} any more"
    if (count := len(structure.deferred())) < MAX_DEFERRED:
        yield f"MAX_DEFERRED may go down to {count}"


def main() -> int:
    """Print violations, or else limits that can go down; return 1 if there are violations."""
    structure = Structure(PACKAGE)
    problems = list(problems_of(structure))
    for line in problems or hints_of(structure):
        print(line)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
