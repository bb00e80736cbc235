from service.contracts.submission import Submission
from service.rules import AdView
from tests.ads import make_ad


def view(**creative: str) -> AdView:
    return AdView(Submission.model_validate(make_ad(creative=creative)))


def test_the_model_reads_all_prose_and_no_url() -> None:
    """Headline, body, call to action, image text and transcript, in this order, normalised."""
    ad = view(
        headline="A", transcript="E", body="B", image_text="D", call_to_action="C", landing_url="https://x.example"
    )
    assert ad.model_text == "a b c d e"


def test_language_is_the_primary_subtag_or_a_guess() -> None:
    """What the platform says comes first."""
    said = AdView(Submission.model_validate(make_ad(language="pt-BR")))
    guessed = AdView(Submission.model_validate(make_ad(language=None)))
    assert (said.language, guessed.language) == ("pt", "en")


def test_display_and_landing_differ_by_registrable_domain() -> None:
    """Another host of the same owner is no difference; an unreadable URL cannot be compared."""
    pairs = [
        ("shop.example", "https://www.shop.example/x"),
        ("shop.example", "https://evil.example/"),
        ("", "https://evil.example/"),
    ]
    found = [view(display_url=display, landing_url=landing).differs_from_display for display, landing in pairs]
    assert found == [False, True, False]


def test_near_duplicates_share_a_group() -> None:
    """A price in another headline is the same creative."""
    assert view(headline="Shoes from $20").group_key == view(headline="SHOES from $35!").group_key
