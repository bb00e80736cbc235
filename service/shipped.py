"""Finds what Sluice ships beside its code: the model, the strategies, the topics' file."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped_path(relative: str) -> Path:
    """Return where `relative` (such as "models/stage_a") lies: in the checkout, else inside the installed package."""
    checkout = _PACKAGE.parent / relative
    return checkout if checkout.exists() else _PACKAGE / "_shipped" / relative
