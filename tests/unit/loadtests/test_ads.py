import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from loadtests.ads import CLEAN_HOSTS, DEMO, READABLE, REALISTIC, Mix, identify, make_ads, make_records
from service.contracts.reading import UnreadableSubmissionError, read_submission

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEMO_FILE = Path(__file__).resolve().parents[3] / "service" / "demo" / "ads.jsonl"


def _read_all(count: int, mix: Mix) -> list[dict[str, object]]:
    return [json.loads(value) for value in make_ads(count, NOW, mix)]


def test_the_same_arguments_give_the_same_bytes() -> None:
    """A seed fixes the traffic, so that two runs measure the same work."""
    assert list(make_records(300, NOW)) == list(make_records(300, NOW))


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    """Asking for more ads does not change the first ones."""
    assert list(islice(make_ads(500, NOW), 100)) == list(make_ads(100, NOW))


def test_another_seed_gives_other_ads() -> None:
    """The seed matters."""
    assert list(make_ads(20, NOW, seed=1)) != list(make_ads(20, NOW, seed=2))


@pytest.mark.parametrize("mix", [READABLE, Mix(violating=None, unreadable=0.0, lengthened=0.0)])
def test_every_ad_of_a_readable_mix_is_a_submission(mix: Mix) -> None:
    """The reader takes what the generator makes, under the key that it is sent with, and submitted just now."""
    for number, (key, value) in enumerate(make_records(2_000, NOW, mix)):
        submission, unknown = read_submission(value)
        assert submission.ad_id.encode() == key == identify("ad", number).encode()
        assert unknown == ()
        assert NOW - timedelta(minutes=1) <= submission.submitted_at <= NOW


def test_about_one_in_two_hundred_cannot_be_read() -> None:
    """Unreadable records have their share, for several reasons."""
    causes = []
    for value in make_ads(10_000, NOW, REALISTIC):
        try:
            read_submission(value)
        except UnreadableSubmissionError as error:
            causes.append(error.dead_letter.error)
    assert 25 <= len(causes) <= 75
    assert len(set(causes)) >= 3


def test_a_mix_has_its_share_of_violations() -> None:
    """Violations are as frequent as asked for; the demo's own mix has more of them."""

    def count_violating(mix: Mix) -> int:
        clean_starts = tuple(host.removesuffix(".example") for host in CLEAN_HOSTS)
        return sum(
            not ad["creative"]["display_url"].startswith(clean_starts)  # type: ignore[index]
            for ad in _read_all(2_000, mix)
        )

    assert 180 <= count_violating(READABLE) <= 300
    assert count_violating(Mix(violating=None, unreadable=0.0)) > 900


def test_lengthened_ads_differ_widely_in_length() -> None:
    """Most ads are short, some are long, as on a platform; the demo's mix leaves lengths as they are."""
    varied = sorted(map(len, make_ads(3_000, NOW, READABLE)))
    assert varied[-1] > 5 * varied[len(varied) // 2]
    plain = sorted(map(len, make_ads(3_000, NOW, DEMO)))
    assert plain[-1] < 2 * plain[len(plain) // 2]


def test_the_clean_hosts_are_the_demos() -> None:
    """Each name of the list occurs in the demo's file, so that a change there is noticed here."""
    shown = {json.loads(line)["creative"]["display_url"] for line in DEMO_FILE.read_text("utf-8").splitlines()}
    assert shown >= CLEAN_HOSTS
