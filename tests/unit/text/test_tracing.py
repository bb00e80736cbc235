from hypothesis import given
from hypothesis import strategies as st

from service.text.tracing import Edit, Mapping, apply_edits

PIECES = st.lists(
    st.tuples(st.text("ab", max_size=3), st.text("ab", max_size=3), st.text("xy", max_size=3)), max_size=6
)


@given(PIECES)
def test_what_was_not_edited_maps_to_itself(pieces: list[tuple[str, str, str]]) -> None:
    """A code point of the result that no edit wrote comes from the same code point of the source."""
    source, edits = "", []
    for kept, old, new in pieces:
        source += kept
        if old:
            edits.append(Edit(len(source), len(source) + len(old), new))
        source += old
    result = apply_edits(source, edits)
    mapping = Mapping(edits)
    for at, letter in enumerate(result):
        start, end = mapping.to_source(at, at + 1)
        assert 0 <= start < end <= len(source)
        if letter in "ab":
            assert source[start:end] == letter


def test_an_edit_is_covered_whole() -> None:
    """A hit that touches a replacement covers all that was replaced."""
    edits = [Edit(1, 4, "x"), Edit(5, 6, "")]
    assert apply_edits("abbbcde", edits) == "axce"
    assert Mapping(edits).to_source(0, 2) == (0, 4)
    assert Mapping(edits).to_source(2, 4) == (4, 7)
