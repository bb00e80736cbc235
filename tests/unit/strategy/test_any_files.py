"""Whatever a bundle's files hold, they make a bundle or a `StrategyError` that names places: nothing else escapes."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.strategy import Problem, StrategyError, compile_bundle
from tests.layered import NARROW
from tests.unit.strategy.conftest import FILES

BASE = {name: content.encode() for name, content in {**FILES, "gb.yaml": NARROW}.items()}
BASE |= {"rules/a.yaml": b"rules: []\n", "lists/regexes/r.txt": b"c[a@]sh\n", "lists/advertisers/a.txt": b"adv-1\n"}
BASE |= {
    "tests/t.yaml": b"tests:\n  - {name: a, ad: {market: GB}, scores: {gambling: 0.5}, expect: {outcome: review}}\n"
}
TOKENS = (
    "null [] {} ~ \" ' - &a *a !!int !!float !!bool !x <<: | > % --- ... 1e999 .nan .inf true 2026-01-01 0x1F ? # ( \\ "
    "ad. any NO -1 \ufeff \ud800 {{{{{{{{{{{{"
)
PIECES = st.one_of(
    st.binary(max_size=8),
    st.sampled_from([*TOKENS.encode("utf-8", "surrogatepass").split(), b": ", b"\n", b"\n\n", b"\t", b"a" * 400]),
)
EDITS = st.lists(
    st.tuples(st.sampled_from(sorted(BASE)), st.floats(0, 1), st.integers(0, 30), PIECES), min_size=1, max_size=4
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EDITS)
def test_edited_files_make_a_bundle_or_a_clear_error(edits: list[tuple[str, float, int, bytes]]) -> None:
    """Each edit replaces some bytes of a file; every problem names a file, a place and a remedy."""
    files = dict(BASE)
    for name, where, removed, piece in edits:
        at = int(where * len(files[name]))
        files[name] = files[name][:at] + piece + files[name][at + removed :]
    problems = find_problems(files)
    for problem in problems:
        assert problem.file == "bundle" or problem.file in files
        assert min(problem.line, problem.column) >= 1
        assert problem.what
        assert problem.remedy


def find_problems(files: dict[str, bytes]) -> tuple[Problem, ...]:
    try:
        compile_bundle(files)
    except StrategyError as error:
        return error.problems
    return ()
