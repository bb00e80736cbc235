import pytest

from service.contracts.submission import Submission
from service.rules import AdView, HostIndex
from service.rules.hosts import read_host
from tests.ads import make_ad

INDEX = HostIndex([("blocked", ["evil.example", "xn--pypal-4ve.example"]), ("short", ["bit.ly"])])


def search(**creative: str) -> list[tuple[str, str, str, str]]:
    ad = AdView(Submission.model_validate(make_ad(creative=creative)))
    return [(hit.list, hit.entry, hit.place.field, hit.place.text) for hit in INDEX.search(ad)]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://EVIL.example.",
        "https://a.b.evil.example/x",
        "https://good.example@evil.example",
        "evil.example",
    ],
)
def test_a_listed_host_and_all_below_it_hit(url: str) -> None:
    """However the URL is written, the host that a browser goes to is looked up, and the domains above it."""
    assert search(landing_url=url) == [("blocked", "evil.example", "creative.landing_url", url)]


@pytest.mark.parametrize(
    "url",
    ["https://notevil.example/", "https://evil.example.org/", "https://shop.example/evil.example", "", "ht!tp://x"],
)
def test_other_hosts_do_not(url: str) -> None:
    """A name that only contains a listed one is another host; an unreadable URL has none."""
    assert search(landing_url=url) == []


def test_all_places_are_looked_at() -> None:
    """The display URL, a redirect's target and addresses in the prose count too, each with its own span."""
    hits = search(
        landing_url="https://go.example/?to=https%3A%2F%2Fevil.example",
        display_url="bit.ly/x",
        body="Come to evil[.]example now",
    )
    assert hits == [
        ("blocked", "evil.example", "creative.landing_url", "https://go.example/?to=https%3A%2F%2Fevil.example"),
        ("short", "bit.ly", "creative.display_url", "bit.ly/x"),
        ("blocked", "evil.example", "creative.body", "evil[.]example"),
    ]


def test_look_alike_hosts_are_compared_as_browsers_do() -> None:
    """An entry with letters beyond ASCII is the host that it resolves to."""
    assert read_host("pаypal.example") == "xn--pypal-4ve.example"
    assert search(landing_url="https://pаypal.example/")[0][1] == "xn--pypal-4ve.example"


@pytest.mark.parametrize(
    "entry", ["https://evil.example", "evil.example/x", "evil", "a b.example", "", "evil.example:80", "*.evil.example "]
)
def test_entries_that_are_no_host(entry: str) -> None:
    """Only bare hosts are entries."""
    assert read_host(entry) is None
