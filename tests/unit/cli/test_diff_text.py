from service.cli.diff_text import describe_diff, to_json
from service.release.diff import BundleDiff, Change, ListChange


def test_a_difference_reads_well() -> None:
    """Grouped by strategy, long lists and values cut with their counts, control characters spelled out."""
    words = tuple(f"w{number}" for number in range(1_022))
    found = BundleDiff(
        (
            Change("added", ("strategy fr",), new="{market: FR}, 2 rules"),
            Change("changed", ("strategy gb", "thresholds", "gambling", "approve_below"), "0.5", "0.6"),
            Change("removed", ("strategy gb", "rules", "gone"), "x" * 300),
        ),
        (ListChange("lists/terms/offers.txt", words, ("bad\x1b",)),),
    )
    lines = describe_diff(found).splitlines()
    assert lines[:4] == [
        "+ strategy fr: {market: FR}, 2 rules",
        "  strategy gb",
        "  ~ thresholds › gambling › approve_below: 0.5 → 0.6",
        f"  - rules › gone: {'x' * 200}…",
    ]
    assert lines[4] == "  lists/terms/offers.txt: 1,022 added, 1 removed"
    assert lines[24:] == ["  + w19", "  + … and 1,002 more", "  - bad\\x1b"]
    assert len(to_json(found)["lists"][0]["added"]) == 1_022


def test_no_difference_is_said() -> None:
    """Instead of an empty answer."""
    assert describe_diff(BundleDiff((), ())) == "No difference."
