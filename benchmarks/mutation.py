"""Mutation testing: the share of small errors, inserted into the code one at a time, that the tests detect.

    python -m benchmarks.mutation [PATTERN ...] [--sample N] [--seed N] [--record FILE]

PATTERN is a glob of files below the repository (default: `TARGETS`). Cosmic Ray makes the errors ("mutants"): another comparison, sign,
number or condition. Each mutant is run only against the test file that mirrors its module: an error that only another test detects
counts as survived. Results are recorded as they come, so that an interrupted run can resume.

Cosmic Ray's own runner edits the working tree and starts a new pytest for every mutant; mutmut 3 does not mutate module constants, which
matter most here. So a copy of the tree is edited, and pytest runs in a child of a process that has the libraries loaded.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
RECORD = REPOSITORY / ".scratch" / "mutation.jsonl"

TARGETS = (
    "usseg_monai/geometry/*.py",
    "usseg_monai/measuring/*.py",
    "usseg_monai/tasks/*/measure.py",
    "usseg_monai/imaging/formats/*.py",
    "usseg_monai/networks/deployed.py",
)
"""Modules where a wrong sign or bound gives a wrong number that goes unnoticed."""

_COMPARISONS = {"Lt": "LtE Gt", "LtE": "Lt GtE", "Gt": "GtE Lt", "GtE": "Gt LtE", "Eq": "NotEq", "NotEq": "Eq"}
_ARITHMETIC = {"Add": "Sub", "Sub": "Add", "Mul": "Div", "Div": "Mul", "FloorDiv": "Mul", "Mod": "Mul", "Pow": "Mul"}
_BITS = {"BitAnd": "BitOr", "BitOr": "BitAnd", "BitXor": "BitAnd", "LShift": "RShift", "RShift": "LShift"}
OPERATORS = (
    *(f"ReplaceComparisonOperator_{old}_{new}" for old, several in _COMPARISONS.items() for new in several.split()),
    *(f"ReplaceBinaryOperator_{old}_{new}" for old, new in (_ARITHMETIC | _BITS).items()),
    *("NumberReplacer", "AddNot", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue"),
    *("ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_USub_UAdd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ZeroIterationForLoop"),
)
"""Cosmic Ray's operators that resemble typical slips; one replacement of each kind, as the others are killed with it."""

_LIBRARIES = ("hypothesis", "nibabel", "numpy", "onnx", "onnxruntime", "PIL.Image", "pydicom", "pytest")
_FACTOR, _EXTRA_S = 5.0, 10.0  # time limit, relative to the tests without an error: endless loops are detected too


class Mutant(NamedTuple):
    """One error in one file.

    Attributes:
        line: number of the first line that differs.
        change: both forms of that line.
        source: of the whole file.
    """

    line: int
    change: str
    source: str


def places(source: str) -> list[tuple[str, int]]:
    """Possible mutations of a module's source: names of operators with the index of their place."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator

    nodes, found = list(ast_nodes(get_ast(source))), []
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        found += [(name, number) for number in range(sum(1 for node in nodes for _ in operator.mutation_positions(node)))]
    return found


def mutant(source: str, operator: str, number: int) -> Mutant | None:
    """The mutant of one place; ``None`` if only an annotation changes, which never runs.

    >>> source = "def f(x: int | None) -> bool:\\n    return x < 8\\n"
    >>> [found.change for place in places(source) if (found := mutant(source, *place))]
    ['return x < 8 -> return x <= 8', 'return x < 8 -> return x > 8', 'return x < 8 -> return x < 9', 'return x < 8 -> return x < 7']
    """
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    mutated = mutate_code(source, get_operator(f"core/{operator}")(), number)
    if mutated is None or _meaning(mutated) in (None, _meaning(source)):
        return None
    pairs = zip(source.splitlines(), mutated.splitlines(), strict=False)
    line, (old, new) = next((line, pair) for line, pair in enumerate(pairs, 1) if pair[0] != pair[1])
    return Mutant(line, f"{old.strip()} -> {new.strip()}", mutated)


def _meaning(source: str) -> str | None:
    """The program without its annotations; ``None`` if the source is not valid."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.arguments):  # the markers / and * are mistaken for operators
            node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
            node.defaults += [default for default in node.kw_defaults if default is not None]
            node.posonlyargs, node.kwonlyargs, node.kw_defaults = [], [], []
    return ast.dump(tree)


def mirror(module: str) -> str:
    """The test file of a module.

    >>> mirror("usseg_monai/geometry/ellipse.py")
    'tests/geometry/test_ellipse.py'
    """
    folder, _, name = module.partition("/")[2].rpartition("/")
    return f"tests/{folder}/test_{name}"


class Copy:
    """A copy of the repository's code for inserting errors; use as a context manager.

    Bundles and documents are links to the original. Bytecode is checked by source content, so that no stale bytecode is run.
    """

    def __enter__(self) -> Copy:
        self.folder = Path(tempfile.mkdtemp(prefix="mutation-"))
        for path in REPOSITORY.iterdir():
            if path.name in ("tests", "usseg_monai"):
                shutil.copytree(path, self.folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
            elif not path.name.startswith("."):
                (self.folder / path.name).symlink_to(path)
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def passes(self, test: str, limit_s: float) -> bool:
        """Whether a test file passes within the limit."""
        child = os.fork()
        if child == 0:
            os._exit(self._test(test))
        end = time.monotonic() + limit_s
        while (found := os.waitpid(child, os.WNOHANG))[0] == 0:
            if time.monotonic() > end:
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return False
            time.sleep(0.02)
        return os.waitstatus_to_exitcode(found[1]) == 0

    def passes_with(self, module: str, source: str, limit_s: float) -> bool:
        """Whether the tests of a module pass with another source."""
        file = self.folder / module
        original = file.read_text(encoding="utf-8")
        file.write_text(source, encoding="utf-8")
        try:
            return self.passes(mirror(module), limit_s)
        finally:
            file.write_text(original, encoding="utf-8")

    def _test(self, test: str) -> int:
        import pytest

        os.setpgid(0, 0)
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        os.chdir(self.folder)
        sys.path.insert(0, str(self.folder))
        sys.dont_write_bytecode = True
        os.environ |= {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        os.environ.setdefault("USSEG_DATA", str(REPOSITORY.parent / "shared" / "data"))
        return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore", test]))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the mutants, print the survivors and the score of each module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", default=TARGETS, help="files to put errors into")
    parser.add_argument("--sample", type=int, metavar="N", help="run N mutants, drawn at random, instead of all")
    parser.add_argument("--seed", type=int, default=1, help="of that draw (default: 1)")
    parser.add_argument("--record", type=Path, default=RECORD, help="where results are kept (default: .scratch/mutation.jsonl)")
    args = parser.parse_args(argv)
    names = sorted({path.relative_to(REPOSITORY).as_posix() for pattern in args.patterns for path in REPOSITORY.glob(pattern)})
    modules = [name for name in names if (REPOSITORY / mirror(name)).is_file()]
    for name in (name for name in names if name not in modules and not name.endswith("__init__.py")):
        print(f"{name} has no test file of its own ({mirror(name)}): left out")
    sources = {name: (REPOSITORY / name).read_text(encoding="utf-8") for name in modules}
    drawn = [(name, *place) for name in modules for place in places(sources[name])]
    if args.sample is not None:
        random.Random(args.seed).shuffle(drawn)
    made = ((name, mutant(sources[name], operator, number)) for name, operator, number in drawn)
    todo = sorted(itertools.islice(((name, found) for name, found in made if found is not None), args.sample), key=lambda item: item[0])
    survived = _run(todo, args.record)
    _report(todo, survived)
    return 0


def _run(todo: Sequence[tuple[str, Mutant]], record: Path) -> set[str]:
    """Run the mutants not yet run; returns the keys of all survivors."""
    record.parent.mkdir(parents=True, exist_ok=True)
    known = {line["key"]: line["survived"] for line in map(json.loads, record.read_text().splitlines())} if record.exists() else {}
    load_libraries(torch=any("networks" in name for name, _ in todo))
    limits: dict[str, float] = {}
    with Copy() as copy, record.open("a", encoding="utf-8") as book:
        for number, (name, error) in enumerate(todo, 1):
            key = _key(name, error)
            if key in known:
                continue
            if name not in limits:
                begin = time.monotonic()
                if not copy.passes(mirror(name), 600.0):
                    raise SystemExit(f"{mirror(name)} fails without any error put in: mend it first")
                limits[name] = _FACTOR * (time.monotonic() - begin) + _EXTRA_S
            known[key] = copy.passes_with(name, error.source, limits[name])
            if known[key]:
                print(f"{number}/{len(todo)} survived: {name}:{error.line}: {error.change}", flush=True)
            line = {"key": key, "survived": known[key], "module": name, "line": error.line, "change": error.change}
            book.write(json.dumps(line) + "\n")
            book.flush()
    return {key for key, lived in known.items() if lived}


def load_libraries(torch: bool) -> None:
    """Load the libraries once for all children, but not the package itself, which each child loads with its error."""
    for library in (*_LIBRARIES, *(("torch", "monai.bundle", "onnxscript") if torch else ())):
        importlib.import_module(library)


def _key(name: str, mutant: Mutant) -> str:
    """Key of a mutant and the tests that it was run against."""
    tests = (REPOSITORY / mirror(name)).read_bytes()
    return hashlib.sha256(f"{name}\n{mutant.source}\n".encode() + tests).hexdigest()[:16]


def _report(todo: Sequence[tuple[str, Mutant]], survived: set[str]) -> None:
    all_of = Counter(name for name, _ in todo)
    killed = Counter(name for name, error in todo if _key(name, error) not in survived)
    for name, count in all_of.items():
        print(f"{killed[name]:5d} of {count:5d} killed  {name}")
    if todo:
        print(f"{killed.total():5d} of {all_of.total():5d} killed, {100 * killed.total() / all_of.total():.1f} %")


if __name__ == "__main__":
    sys.exit(main())
