"""Rules for the source tree that no linter knows."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path for path in (ROOT / "service").rglob("*.py") if "_shipped" not in path.parts)
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]
MAX_LINES = 250
MAX_FUNCTION_LINES = 60
VAGUE = re.compile(r"(^|_)(utils?|helpers?|common|managers?|misc|stuff)(_|$)")


def read_definitions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_a_module_has_one_idea(path: Path) -> None:
    """A module that grows beyond two or three screens holds more than one idea: split it."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_a_module_says_its_job(path: Path) -> None:
    """Somebody who opens any file learns first what it is for."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring
    assert len(docstring.split()) >= 4


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_no_name_is_vague(path: Path) -> None:
    """A module or class called 'utils', 'helpers', 'common' or 'manager' has no job of its own."""
    parts = [path.stem, *path.relative_to(ROOT).parts[:-1]]
    words = [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.name).lower() for node in read_definitions(path)]
    assert [name for name in (*parts, *words) if VAGUE.search(name)] == []


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_functions_are_short(path: Path) -> None:
    """A function longer than a screen is several steps: name them."""
    functions = [node for node in read_definitions(path) if not isinstance(node, ast.ClassDef)]
    long = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: lines for name, lines in long.items() if lines > MAX_FUNCTION_LINES} == {}


def test_every_folder_is_a_package() -> None:
    """A folder without `__init__.py` would be left out of the wheel or out of the layers' check."""
    folders = {path.parent for path in MODULES}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []
