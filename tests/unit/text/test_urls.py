# ruff: noqa: E501 - a case is read as a line
import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.text.urls import MAX_DECODINGS, find_urls, read_url


@pytest.mark.parametrize(
    ("given_url", "host"),
    [
        ("https://shop.example/a?b#c", "shop.example"),
        ("HTTPS://SHOP.EXAMPLE", "shop.example"),
        ("shop.example/sale", "shop.example"),
        ("//shop.example/x", "shop.example"),
        ("https://shop.example.:443/", "shop.example"),
        ("https:\\\\evil.example\\@good.example/", "evil.example"),
        ("https://good.example@evil.example/", "evil.example"),
        ("http://%65vil.example/", "evil.example"),
        ("http://0x7f.1/", "127.0.0.1"),
        ("http://2130706433/", "127.0.0.1"),
        ("http://[::1]/", "[::1]"),
        ("http://ｅｖｉｌ.example/", "evil.example"),
        ("http://evil。example/", "evil.example"),
        ("http://пример.рф/", "xn--e1afmkfd.xn--p1ai"),
        (" \thttps://shop.example\n", "shop.example"),
        ("ht\ntps://shop.example/", "shop.example"),
    ],
)
def test_a_browser_would_go_there(given_url: str, host: str) -> None:
    """The host is the one that a browser connects to."""
    address = read_url(given_url)
    assert (address.valid, address.host) == (True, host)


@pytest.mark.parametrize(
    "given_url",
    [
        "", " ", "http://", "https:///", "javascript:alert(1)", "data:text/html,x", "mailto:a@b.example", "ftp://shop.example",
        "http://a b.example", "http://a\0b.example", "http://shop.example:99999/", "http://\ud800", "ht!tp://no-browser opens",
        "http://[::1", "http://xn--zzzzzzz-.example\x7f/", "http://%00/", "http://1.2.3.4.5/",
    ],
)  # fmt: skip
def test_what_no_browser_opens_says_so(given_url: str) -> None:
    """An unreadable URL is a value with a problem, never an exception."""
    address = read_url(given_url)
    assert not address.valid
    assert address.problem
    assert (address.registrable_domain, address.display_host, address.nested_hosts) == ("", "", ())


@given(
    st.text(st.characters(), max_size=60)
    | st.from_regex(r"(https?:)?[/\\]{0,3}[a-zA-Z0-9.%@:\-]{0,30}", fullmatch=True)
)
def test_any_string_is_read(given_url: str) -> None:
    """No string makes the reader fail, and each property has an answer."""
    address = read_url(given_url)
    assert 0 <= address.encoding_depth <= MAX_DECODINGS
    assert isinstance(address.mixed_scripts, bool)
    assert isinstance(address.display_host + address.registrable_domain, str)
    list(find_urls(given_url))


@given(st.from_regex(r"(https?://)?([a-zA-Z0-9-]{1,5}\.){1,3}[a-zA-Z]{1,4}(/[ -~]{0,12})?", fullmatch=True))
def test_the_quick_way_agrees_with_the_parser(given_url: str) -> None:
    """Plain URLs do not go through the parser; it would say the same."""
    try:
        host = ada_url.URL(given_url if "://" in given_url[:8] else "https://" + given_url).hostname
    except ValueError:
        host = ""
    assert read_url(given_url).host == host


@pytest.mark.parametrize(
    ("path", "depth"),
    [("", 0), ("%41", 1), ("%2541", 2), ("%252541", 3), ("%25" * 3, 1), ("%" + "25" * 200 + "41", 5), ("100%", 0)],
)
def test_encoding_depth(path: str, depth: int) -> None:
    """The depth counts decodings that still change the URL, and stops at its bound."""
    assert read_url("https://shop.example/" + path).encoding_depth == depth


def test_domain_is_the_registered_one() -> None:
    """The public suffix list tells where somebody's own domain begins; an address of digits is its own."""
    assert read_url("https://a.b.shop.co.uk/").registrable_domain == "shop.co.uk"
    assert read_url("http://127.0.0.1/").registrable_domain == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "mixed"),
    [("pаypal.example", True), ("пример.example", False), ("münchen.example", False), ("例え.example", False)],
)
def test_hosts_that_mix_alphabets(host: str, mixed: bool) -> None:  # noqa: FBT001 - a table's column
    """A Cyrillic letter in a Latin name is told; an honest name in one script is not."""
    address = read_url(f"https://{host}/")
    assert (address.punycode, address.mixed_scripts, address.display_host) == (True, mixed, host)


def test_credentials_are_told() -> None:
    """A name before an at sign is no host."""
    assert read_url("https://bank.example@evil.example/").has_credentials


def test_redirects_show_their_targets() -> None:
    """Addresses inside an address are read too, encoded or not."""
    address = read_url("https://go.example/?u=https%253A%252F%252Fevil.example%252Fx&v=http://other.example")
    assert address.nested_hosts == ("evil.example", "other.example")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Visit shop.example today.", [("shop.example", "shop.example")]),
        ("see hxxps://evil[.]example/x, now", [("hxxps://evil[.]example/x", "evil.example")]),
        ("at evil(.)example!", [("evil(.)example", "evil.example")]),
        (
            "a HTTP://Evil.Example/P b www.two.example",
            [("HTTP://Evil.Example/P", "evil.example"), ("www.two.example", "www.two.example")],
        ),
        ("見る evil。example", [("evil。example", "evil.example")]),
        ("No address here. Only words... and 3.50 euros", []),
        ("", []),
    ],
)
def test_addresses_in_prose(text: str, found: list[tuple[str, str]]) -> None:
    """Addresses are found where they stand, also defanged ones; sentence ends and prices are none."""
    hits = [(text[start:end], address.host) for start, end, address in find_urls(text) if not address.is_ip]
    assert hits == found


@pytest.mark.parametrize("piece", ["a.b", "a.b ", "http://", ".", "[.]", "a.", "http://a.b/", "。a", "-.a"])
def test_long_prose_is_searched_in_linear_time(piece: str) -> None:
    """A transcript full of signs of addresses comes back; a quadratic search would not end in time."""
    list(find_urls(piece * (60_000 // len(piece))))


@pytest.mark.parametrize("given", ["ſhop.example", "https://ſhop.example/x", "shop.example"])
def test_letters_that_a_browser_folds_are_folded(given: str) -> None:
    """The long s is an s in a host, written in a field or found in prose."""
    assert read_url(given).host == "shop.example"
    assert [address.host for _, _, address in find_urls(f"see {given} now")] == ["shop.example"]


@given(
    st.text("abn%25.:/@xn-é1\\", max_size=24) | st.sampled_from(["https://xn--80ak6aa92e.example/%2525", "http://1.2/"])
)
def test_signs_are_the_single_properties(given_url: str) -> None:
    """What is read together is what each of them says."""
    url = read_url(given_url)
    each = (url.valid, url.is_ip, url.has_credentials, url.encoding_depth, url.punycode, url.mixed_scripts)
    assert url.signs == each
