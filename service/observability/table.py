"""Renders the catalogue as the page that operators read, `deploy/metrics.md`; `sluice schemas` writes and checks it."""

from service.observability.catalogue import CATALOGUE
from service.observability.spec import OTHER, Label, MetricSpec

_HEAD = """\
# Metrics of a Sluice worker

Generated from `service/observability/catalogue.py`; change that and run `sluice schemas`.

Every worker serves these at `/metrics`, with those of the process (`process_*`), the interpreter (`python_info`) and
its garbage collector (`python_gc_*`). No label holds an ad's or an advertiser's id. A label keeps the values listed
and, where "N more" is said, the first N others that occur; everything beyond is `other`. A chunk is counted when
its outputs are durable.
"""


def render_catalogue_markdown() -> str:
    """Return the page: one table of the metrics, then one section for each histogram's buckets."""
    rows = [f"| `{spec.name}` | {spec.kind} | {_list_labels(spec)} | {spec.help} |" for spec in CATALOGUE]
    table = ["| metric | type | labels | meaning |", "| --- | --- | --- | --- |", *rows]
    labels = ["## Labels", "", "| metric | label | meaning | values |", "| --- | --- | --- | --- |"]
    labels += [
        f"| `{spec.name}` | `{label.name}` | {label.meaning} | {_list_values(label)} |"
        for spec in CATALOGUE
        for label in spec.labels
    ]
    buckets = ["## Buckets", ""]
    buckets += [f"- `{spec.name}`: {', '.join(f'{b:g}' for b in spec.buckets)}" for spec in CATALOGUE if spec.buckets]
    return "\n".join([_HEAD, *table, "", *labels, "", *buckets, ""])


def _list_labels(spec: MetricSpec) -> str:
    return ", ".join(f"`{label.name}`" for label in spec.labels)


def _list_values(label: Label) -> str:
    listed = [f"`{value}`" for value in label.values]
    if label.room:
        more = "and " if listed else ""
        listed.append(f"{more}{label.room} more")
    return ", ".join([*listed, f"else `{OTHER}`"])
