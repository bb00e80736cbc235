"""Words for a report's figures, as the terminal and the page show them."""

from service.backtest.figures import Change, Share

MEASURES = {
    "approved": "Approved",
    "reviewed": "Sent to review",
    "rejected": "Rejected",
    "leaked_of_violating": "Leaked: approved, of violating ads",
    "leaked_of_approved": "Leaked: violating, of approved ads",
    "overkilled_of_clean": "Overkill: rejected, of clean ads",
    "overkilled_of_rejected": "Overkill: clean, of rejected ads",
}
DIMENSIONS = {
    "all": "All ads",
    "vertical": "Vertical",
    "market": "Market",
    "product": "Ad product",
    "language": "Language",
    "advertiser_age": "Advertiser's age",
}
FINDINGS = {"not_looked_at": "no verdict", "clean": "clean", "violating": "violating"}
NOTHING = "–"


def word_share(share: Share | None) -> str:
    """Return "1.20 % (0.90 to 1.60)"."""
    if share is None or share.share is None or share.low is None or share.high is None:
        return NOTHING
    return f"{share.share * 100:.2f} % ({share.low * 100:.2f} to {share.high * 100:.2f})"


def word_change(change: Change | None) -> str:
    """Return "+0.30 (+0.10 to +0.50)", in points."""
    if change is None or change.change is None or change.low is None or change.high is None:
        return NOTHING
    return f"{change.change * 100:+.2f} ({change.low * 100:+.2f} to {change.high * 100:+.2f})"


def word_number(number: float | None, decimals: int = 0) -> str:
    """Return "1,234.5"."""
    return NOTHING if number is None else f"{number:,.{decimals}f}"


def word_slice(dimension: str, value: str) -> str:
    """Return "Market GB"."""
    return DIMENSIONS["all"] if dimension == "all" else f"{DIMENSIONS[dimension]} {value}"
