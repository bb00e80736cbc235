"""The backtest's page in Debian's Chromium: drawn, asking for nothing, and usable without a mouse."""

import json
import os
import struct
import subprocess
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtests.ads import REALISTIC, make_ads
from tests.acceptance.browser import Tab, open_tab
from tests.integration.workers import ROOT
from tests.two_bundles import BASELINE, CANDIDATE

GATE = """\
schema_version: 1
rules:
  - {name: Nothing is rejected more, measure: rejected, slices: [all, market], at_least: 50, may_grow_points: 0}
"""
HOSTILE = '<img src="https://evil.example/pixel.png" onerror="document.title=1"><script>document.title=2</script>'
SECTIONS = ("summary", "gate", "flow", "policies", "slices", "rules", "queue", "stricter", "looser", "ads")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let the real command write the page: two bundles, hostile ads among others."""
    folder = tmp_path_factory.mktemp("backtest")
    ads = list(make_ads(600, datetime(2026, 2, 1, tzinfo=UTC), REALISTIC))
    for number in (3, 50, 90):
        ad = json.loads(ads[number])
        ad["creative"]["body"] = f"{HOSTILE} Casino bonus: win real money at our online casino. {HOSTILE}"
        ads[number] = json.dumps(ad).encode()
    (folder / "ads.jsonl").write_bytes(b"\n".join(ads))
    verdicts = [{"ad_id": f"ad-{number:07d}", "violates": number % 8 == 0} for number in range(0, 600, 2)]
    (folder / "verdicts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in verdicts))
    (folder / "gate.yaml").write_text(GATE)
    for name, files in (("baseline", BASELINE), ("candidate", CANDIDATE)):
        for path, content in files.items():
            (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / name / path).write_bytes(content)
    command = [
        sys.executable, "-m", "service", "backtest",
        "--bundle", str(folder / "candidate"), "--against", str(folder / "baseline"),
        "--ads", str(folder / "ads.jsonl"), "--verdicts", str(folder / "verdicts.jsonl"),
        "--gate", str(folder / "gate.yaml"), "--html", str(folder / "report.html"),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1, done.stdout[-2_000:] + done.stderr
    assert "Gate: FAILED" in done.stdout
    return folder / "report.html"


def read_colours(png: bytes) -> set[bytes]:
    """Return the colours of a PNG as Chromium writes it (8 bits, RGB or RGBA), without the alpha channel."""
    width, _, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert (depth, kind) in {(8, 2), (8, 6)}
    channels = 3 if kind == 2 else 4
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    colours: set[bytes] = set()
    above = bytes(width * channels)
    raw = zlib.decompress(data)
    for start in range(0, len(raw), width * channels + 1):
        above = _unfilter(raw[start], raw[start + 1 : start + 1 + width * channels], above, channels)
        colours |= {above[place : place + 3] for place in range(0, len(above), channels)}
    return colours


def _unfilter(kind: int, line: bytes, above: bytes, channels: int) -> bytes:
    done = bytearray(line)
    for place in range(len(done)):
        left = done[place - channels] if place >= channels else 0
        corner = above[place - channels] if place >= channels else 0
        up = above[place]
        if kind == 4:  # Paeth
            guess = left + up - corner
            near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))
            added = near[2]
        else:
            added = (0, left, up, (left + up) // 2)[kind]
        done[place] = (done[place] + added) & 0xFF
    return bytes(done)


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    folder = tmp_path / "profile"
    folder.mkdir()
    return folder


async def test_the_page_asks_for_nothing_and_complains_of_nothing(page: Path, profile: Path) -> None:
    """Its own file is the only request; the policy in it blocks nothing of its own; no ad's markup came to life."""
    async with open_tab(profile) as tab:
        await tab.open(page)
        await tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert tab.requests == [page.as_uri()]
        assert tab.complaints == []
        assert await tab.evaluate("document.title") == "Backtest of bundle " + await _read_version(tab)
        assert await tab.evaluate("document.images.length") == 0
        assert await tab.evaluate("document.scripts.length") == 1
        assert "evil.example" in await tab.evaluate("document.body.textContent"), "the hostile ad is an example"
        # What the policy is worth: even a script of the page's own could not reach anybody.
        refused = "fetch('https://evil.example/').then(() => 'sent', () => 'refused')"
        assert await tab.evaluate(refused) == "refused"
        assert [address for address in tab.requests if address.startswith("http")] == []


async def _read_version(tab: Tab) -> str:
    title: str = await tab.evaluate("document.querySelector('h1').textContent")
    return title.removeprefix("Backtest of bundle ").split(" against ")[0]


async def test_the_pictures_are_drawn_in_light_and_dark(page: Path, profile: Path, tmp_path: Path) -> None:
    """Bars of three outcomes in their colours, on a light or a dark ground; nothing sticks out of the window."""
    drawn = {
        "light": ("0f766e", "b45309", "be123c", "ffffff"),
        "dark": ("2dd4bf", "fbbf24", "fb7185", "18202a"),
    }
    async with open_tab(profile) as tab:
        await tab.resize(1_100, 900)
        await tab.choose_colours("light")
        await tab.open(page)
        for scheme, colours in drawn.items():
            await tab.choose_colours(scheme)
            picture = await tab.take_picture("#flow")
            (tmp_path / f"flow-{scheme}.png").write_bytes(picture)
            found = read_colours(picture)
            assert {bytes.fromhex(colour) for colour in colours} <= found, scheme
        for width in (1_100, 380):
            await tab.resize(width, 900)
            assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{width} wide"
        heights = await tab.evaluate("[...document.querySelectorAll('#slices svg')].map((one) => one.clientHeight)")
        assert heights[0] > 50


async def test_the_keyboard_reaches_and_works_everything(page: Path, profile: Path) -> None:
    """Tab goes through skip link, sections, tables, sorting, filters and examples in the order of the page."""
    async with open_tab(profile) as tab:
        await tab.resize(1_100, 900)
        await tab.open(page)
        # Only the first example of each list is open, as the page comes.
        wanted = await tab.evaluate(
            "document.querySelectorAll('a[href], button, input, summary, [tabindex=\"0\"]').length"
        )
        seen = []
        for _ in range(wanted):
            await tab.press("Tab")
            seen.append(await tab.evaluate(_DESCRIBE))
        assert seen[0] == "A #summary", "the first Tab offers to skip"
        assert seen[1 : 1 + len(SECTIONS)] == [f"A #{name}" for name in SECTIONS]
        assert [place for place in await tab.evaluate(_LANDMARKS) if place not in SECTIONS] == []
        kinds = {one.split(" ")[0] for one in seen}
        assert {"A", "BUTTON", "INPUT", "SUMMARY", "DIV"} <= kinds
        assert "BODY" not in kinds, "the focus never gets lost"
        assert all(await tab.evaluate("[...document.querySelectorAll('.wide')].map((one) => !!one.ariaLabel)"))


_DESCRIBE = """(() => {
  const one = document.activeElement;
  return one.tagName + ' ' + (one.getAttribute('href') || one.getAttribute('aria-label') || one.textContent.trim());
})()"""
_LANDMARKS = "[...document.querySelectorAll('main > section[aria-labelledby]')].map((one) => one.id)"


async def test_a_link_a_button_a_filter_and_an_example_work_by_keys(page: Path, profile: Path) -> None:
    """Enter follows and sorts, letters filter, Space opens."""
    async with open_tab(profile) as tab:
        await tab.resize(1_100, 900)
        await tab.open(page)
        await tab.evaluate("document.querySelector('nav a[href=\"#rules\"]').focus()")
        await tab.press("Enter")
        assert await tab.evaluate("location.hash") == "#rules"
        assert await tab.evaluate(
            "Math.abs(document.querySelector('#rules').getBoundingClientRect().top) < innerHeight"
        )

        hits = "[...document.querySelectorAll('#rules tbody tr')].map((row) => Number(row.cells[2].dataset.value))"
        await tab.evaluate("document.querySelectorAll('#rules thead button')[2].focus()")
        for order, direction in ((True, "descending"), (False, "ascending")):
            await tab.press("Enter")
            values = await tab.evaluate(hits)
            assert values == sorted(values, reverse=order)
            assert await tab.evaluate("document.querySelectorAll('#rules th')[2].ariaSort") == direction

        await tab.evaluate("document.querySelector('#slices input').focus()")
        await tab.write("market")
        rows = "[...document.querySelectorAll('#slices tbody tr')]"
        shown = f"{rows}.filter((row) => !row.hidden).map((row) => row.textContent)"
        names = await tab.evaluate(shown)
        assert names
        assert all("Market" in name for name in names)

        closed = "document.querySelectorAll('#stricter details')[1]"
        await tab.evaluate(f"{closed}.querySelector('summary').focus()")
        await tab.press("Space")
        assert await tab.evaluate(f"{closed}.open")
        assert await tab.evaluate("document.querySelectorAll('#stricter mark').length") > 0
