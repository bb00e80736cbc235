"""`sluice settings`: the settings' names, defaults and meanings; the README's table is this."""

import re
import sys

from pydantic_core import PydanticUndefined

from service.settings import PREFIX, Settings


def print_settings() -> None:
    """Print every setting as a Markdown table."""
    sys.stdout.write(render_settings())


def render_settings() -> str:
    """Return the table."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        rows.append(f"| `{PREFIX}{name.upper()}` | {_show_default(field.default, name)} | {field.description} |")
    return "\n".join(rows) + "\n"


def insert_settings(readme: str) -> str:
    """Return the README's text with the table between its markers renewed."""
    marked = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)
    return marked.sub(lambda match: match[1] + render_settings() + match[2], readme)


def _show_default(default: object, name: str) -> str:
    if default is PydanticUndefined:
        return {"topics_file": "shipped", "model_dir": "shipped", "strategies_dir": "shipped"}[name]
    text = "" if default is None or name == "sasl_password" else str(default)
    return f"`{text}`" if text else "–"
