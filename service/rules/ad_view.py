"""An ad as rules see it: its readings, addresses and language, each worked out once and only when asked for."""

from functools import cached_property

from service.contracts.submission import TEXT_FIELDS, Submission
from service.text.grouping import group_key
from service.text.language import guess_language
from service.text.model_text import normalise_for_model
from service.text.urls import WebAddress, find_urls, read_url
from service.text.views import Views


class AdView:
    """Wraps one submission; pure, so two views of equal submissions are equal in all they say."""

    def __init__(self, submission: Submission) -> None:
        self.submission = submission

    @cached_property
    def text_fields(self) -> tuple[tuple[str, str], ...]:
        """(path, text) of each prose field that is not empty."""
        creative = self.submission.creative
        return tuple((path, text) for path in TEXT_FIELDS if (text := getattr(creative, path[9:])))

    @cached_property
    def views(self) -> Views:
        """The three readings of the prose."""
        return Views(self.text_fields)

    @cached_property
    def model_text(self) -> str:
        """What the classifier reads: all prose, normalised; fields parted by a line's end before normalising."""
        return normalise_for_model("\n".join(text for _, text in self.text_fields))

    @cached_property
    def landing(self) -> WebAddress:
        """Where a click leads."""
        return read_url(self.submission.creative.landing_url)

    @cached_property
    def display(self) -> WebAddress:
        """Where the ad says a click leads."""
        return read_url(self.submission.creative.display_url)

    @cached_property
    def differs_from_display(self) -> bool:
        """Tell whether the landing and the display address belong to different registrable domains."""
        both = self.landing.valid and self.display.valid
        return both and self.landing.registrable_domain != self.display.registrable_domain

    @cached_property
    def text_urls(self) -> tuple[tuple[int, int, WebAddress], ...]:
        """Addresses in the prose: [start, end) in `views.original`, and the address."""
        return tuple(find_urls(self.views.original))

    @cached_property
    def language(self) -> str:
        """The language as sent (its primary subtag in small letters), else as guessed; '' where neither tells."""
        sent = self.submission.language
        return sent.split("-")[0].lower() if sent else guess_language(self.views.original)

    @cached_property
    def group_key(self) -> str:
        """The key that near-duplicate creatives share."""
        return group_key(self.model_text, self.landing.registrable_domain)
