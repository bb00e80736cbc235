from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from service.text.spans import join_spans

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda pair: (pair[0], pair[0] + pair[1])))


@given(SPANS)
def test_joined_spans_cover_the_same_and_lie_apart(spans: list[tuple[int, int]]) -> None:
    """Every code point of a span is in one joined span, no other is, and between two of them something is left."""
    joined = join_spans(spans)
    assert {at for start, end in joined for at in range(start, end)} == {at for s, e in spans for at in range(s, e)}
    assert all(before[1] < after[0] for before, after in pairwise(joined))
