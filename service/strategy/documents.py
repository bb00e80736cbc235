"""A YAML file of a bundle in memory, with the line and column of every value.

ruamel reads YAML 1.2: the market `NO` stays a text, and a key written twice is an error. Times stay texts too, since
YAML's own reading of them forgets the zone.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarstring import (
    DoubleQuotedScalarString,
    FoldedScalarString,
    LiteralScalarString,
    SingleQuotedScalarString,
)

from service.strategy.problems import Problem, Where

MAX_VALUES = 100_000
"""Of one file, aliases counted each time: a few nested ones could stand for more than any memory holds."""

Path = Sequence[str | int]


class _Constructor(RoundTripConstructor):
    """Leaves times alone."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", RoundTripConstructor.construct_scalar)


class Document(NamedTuple):
    """A YAML file's content (ruamel's, which remembers places) and its name inside the bundle."""

    file: str
    content: Any
    lines: tuple[str, ...] = ()
    """The file's text."""

    def place(self, path: Path, *, of_key: bool = False) -> tuple[int, int]:
        """Return line and column, from 1, of the value at `path`, or of its key; of the nearest parent if absent."""
        node, line, column = self.content, 0, 0
        for index, part in enumerate(path):
            last = index == len(path) - 1
            if isinstance(node, CommentedMap) and part in node:
                line, column = node.lc.key(part) if of_key and last else node.lc.value(part)
            elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
                line, column = node.lc.item(part)
            elif isinstance(node, CommentedMap | CommentedSeq):
                break
            else:
                continue
            node = node[part]
        return line + 1, column + 1

    def where(self, path: Path, *, of_key: bool = False) -> Where:
        """Return the same with the file's name."""
        return Where(self.file, *self.place(path, of_key=of_key))

    def where_inside(self, path: Path, line: int, column: int) -> Where:
        """Return the place of a line and column, from 1, inside the text at `path`."""
        first, start = self.place(path)
        text = self._get(path)
        if isinstance(text, LiteralScalarString | FoldedScalarString):
            # A block's text starts on the line below its sign.
            first, start = first + 1, _indent(self.lines[first]) + 1
            if isinstance(text, LiteralScalarString):
                return Where(self.file, first + line - 1, start + column - 1)
        elif isinstance(text, SingleQuotedScalarString | DoubleQuotedScalarString):
            start += 1
        offset = sum(len(part) + 1 for part in str(text).split("\n")[: line - 1]) + column - 1
        return Where(self.file, *self._walk(first, start, offset))

    def _walk(self, line: int, column: int, offset: int) -> tuple[int, int]:
        """Return where the character at `offset` of a text that goes on over lines, joined by blanks, stands."""
        while True:
            here = self.lines[line - 1][column - 1 :].rstrip()
            if offset <= len(here) or line >= len(self.lines):
                return line, column + offset
            following = next((n for n in range(line, len(self.lines)) if self.lines[n].strip()), None)
            if following is None or _indent(self.lines[following]) == 0:
                return line, column + offset
            offset = max(offset - len(here) - 1, 0)
            line, column = following + 1, _indent(self.lines[following]) + 1

    def problem(self, path: Path, what: str, remedy: str, *, of_key: bool = False) -> Problem:
        """Return the problem at `path`."""
        return Problem(self.file, *self.place(path, of_key=of_key), what, remedy)

    def _get(self, path: Path) -> Any:  # noqa: ANN401 - YAML holds anything
        node = self.content
        for part in path:
            # One value may stand for a list of one.
            if isinstance(node, CommentedMap | CommentedSeq):
                node = node[part]
        return node


def read_yaml(raw: bytes, file: str) -> Document | Problem:  # noqa: PLR0911 - each kind of failure has its own answer
    """Return a file's document, or why it cannot be read."""
    yaml = YAML(typ="rt")
    yaml.Constructor = _Constructor
    yaml.preserve_quotes = True
    try:
        text = raw.decode("utf-8")
        content = yaml.load(text)
        count_values(content)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return Problem(file, line, 1, f"byte {error.start} is not UTF-8", "save the file as UTF-8")
    except MarkedYAMLError as error:
        return _explain_yaml(error, file)
    except RecursionError:
        return Problem(file, 1, 1, "not YAML: values are nested too deeply", "nest less")
    except (YAMLError, ValueError) as error:
        return Problem(file, 1, 1, f"not YAML: {str(error).splitlines()[0]}", "mend the YAML")
    except Exception as error:  # noqa: BLE001 - ruamel raises whatever it meets on odd tags, such as IndexError
        return Problem(file, 1, 1, f"not YAML: a tag or number cannot be read ({error})", "write plain values")
    if not isinstance(content, CommentedMap):
        return Problem(file, 1, 1, "the file holds no mapping", "start it with 'key: value' lines")
    return Document(file, content, tuple(text.split("\n")))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _explain_yaml(error: MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    what = (error.problem or "cannot be read").splitlines()[0]
    remedy = "mend the YAML here"
    if "duplicate key" in what:
        remedy = "write each key once"
    elif "'\\t'" in what:
        remedy = "indent with blanks, not with tabs"
    elif "mapping values are not allowed" in what:
        remedy = "put the text into quotes: it holds ': '"
    elif "while scanning a quoted scalar" in str(error.context):
        remedy = "close the quotation mark"
    return Problem(file, line, column, f"not YAML: {what}", remedy)


def count_values(node: Any) -> int:  # noqa: ANN401 - YAML holds anything
    """Return how many values a node stands for. Raises ValueError above `MAX_VALUES`."""
    return _count(node, 0)


def _count(node: Any, so_far: int) -> int:  # noqa: ANN401 - YAML holds anything
    total = so_far + 1
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        total = _count(child, total)
    if total > MAX_VALUES:
        raise ValueError(f"more than {MAX_VALUES:,} values")
    return total


def plain(node: Any) -> Any:  # noqa: ANN401 - YAML holds anything
    """Return a node as plain dictionaries and lists, whose keys are texts."""
    if isinstance(node, dict):
        return {key if isinstance(key, str) else str(key): plain(value) for key, value in node.items()}
    return [plain(item) for item in node] if isinstance(node, list) else node
