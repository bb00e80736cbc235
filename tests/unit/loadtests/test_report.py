from typing import Any

import pytest

from loadtests.judging import Row
from loadtests.report import render_markdown, render_text

ROWS = [
    Row("Race", "CPU an ad", "≤ 1.15 ×", "1.02 × (1.01 to 1.04)", met=True),
    Row("Race", "throughput", "≥ 1.0 ×", "0.90 ×", met=False),
    Row("Latency", "Sluice, 500 ads/s", "", "p50 20 ms"),
]


@pytest.fixture
def result() -> dict[str, Any]:
    return {
        "name": "bench-2026-01-31-1200",
        "measured_at": "2026-01-31T12:00:00+00:00",
        "code": {"commit": "0123456789abcdef", "changed": True},
        "machine": {
            "processor": "Abacus 3000", "cores": 2, "memory_bytes": 8_000_000_000, "system": "Linux", "python": "3.11",
            "packages": {"aiokafka": "0.14.0"}, "kafka": "4.1.1", "load_1m_before": 0.2,
        },
        "notes": ["All share two cores."],
        "rows": [vars(row) for row in ROWS],
    }  # fmt: skip


def test_the_table_says_what_was_missed() -> None:
    """A missed target stands out; a row without a target is not judged."""
    text = render_text(ROWS)
    assert "throughput" in text
    missed = next(line for line in text.splitlines() if "throughput" in line)
    assert missed.endswith("MISSED")
    assert next(line for line in text.splitlines() if "CPU" in line).endswith("met")
    assert next(line for line in text.splitlines() if "500" in line).endswith("p50 20 ms")


def test_columns_line_up() -> None:
    """Targets stand below each other in all sections."""
    lines = [line for line in render_text(ROWS).splitlines() if "×" in line]
    assert lines[0].index("≤") == lines[1].index("≥")


def test_the_page_names_machine_commit_and_source(result: dict[str, Any]) -> None:
    """A figure without its machine means nothing."""
    page = render_markdown(result)
    for expected in (
        "Abacus 3000",
        "2 cores",
        "`0123456789ab`, with changes on top",
        "results/bench-2026-01-31-1200.json",
    ):
        assert expected in page
    assert "- All share two cores." in page


def test_the_page_has_a_table_for_each_section(result: dict[str, Any]) -> None:
    """Each row is a line of its section's table."""
    page = render_markdown(result)
    assert page.index("## Race") < page.index("| throughput | ≥ 1.0 × | 0.90 × | MISSED |") < page.index("## Latency")
