"""What is made of a swap's figures."""

from loadtests.swap import Swap, judge_swap, make_publishable

BEFORE = tuple(0.001 * number for number in range(1, 101))


def test_a_quick_and_gentle_swap_meets_its_targets() -> None:
    """Two seconds are allowed, and a delay just under three times the p99 before."""
    swap, delay = judge_swap("swap", "it", Swap(2.0, BEFORE, (0.01, 0.29)))
    assert (swap.met, delay.met) == (True, True)
    assert (swap.measured, delay.measured) == ("2.00 s", "2.9 × (290 / 99 ms)")


def test_a_single_late_ad_misses_the_target() -> None:
    """The worst delay counts, not a percentile."""
    swap, delay = judge_swap("swap", "it", Swap(2.01, BEFORE, (0.01,) * 1_000 + (0.3,)))
    assert (swap.met, delay.met) == (False, False)


def test_what_is_published_has_no_tests_and_needs_one_signature() -> None:
    """A strategy's tests end where its next field begins; lists stay as they are."""
    strategy = b"id: a\napprovals: 2\ntests:\n  - name: one\n\n  - name: two\nrules:\n  - id: r\n"
    files = {"a.yaml": strategy, "tests/b.yaml": b"tests:\n", "lists/terms/c.txt": b"tests:\n"}
    expected = {"a.yaml": b"id: a\napprovals: 1\nrules:\n  - id: r\n", "lists/terms/c.txt": b"tests:\n"}
    assert make_publishable(files) == expected
