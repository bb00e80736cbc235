"""The generated page of metrics."""

from service.observability.catalogue import CATALOGUE
from service.observability.table import render_catalogue_markdown


def test_the_page_has_each_metric_with_its_type_and_meaning() -> None:
    """No metric is missing and none is shown twice in the first table."""
    rows = render_catalogue_markdown().split("## Labels")[0].splitlines()
    for spec in CATALOGUE:
        found = [row for row in rows if row.startswith(f"| `{spec.name}` |")]
        assert len(found) == 1
        assert f"| {spec.kind} |" in found[0]
        assert found[0].endswith(f"{spec.help} |")


def test_the_page_says_each_label_s_bound() -> None:
    """A reader sees the closed values and how many more there can be."""
    page = render_catalogue_markdown()
    assert (
        "| `sluice_transactions_total` | `result` | how the transaction ended | `committed`, `aborted`, else `other` |"
        in page
    )
    assert (
        "| `sluice_unknown_fields_total` | `field` | path of the unknown field, the first 100 names "
        "| 100 more, else `other` |" in page
    )


def test_no_cell_breaks_the_table() -> None:
    """Every row of a table has the four cells of its head."""
    rows = [line for line in render_catalogue_markdown().splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {5}


def test_rendering_twice_gives_the_same_bytes() -> None:
    """The check for staleness compares texts."""
    assert render_catalogue_markdown() == render_catalogue_markdown()
