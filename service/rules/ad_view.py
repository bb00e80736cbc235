"""An ad as rules see it: its readings, addresses and language, each worked out once and only when asked for."""

from collections.abc import Callable
from operator import attrgetter
from typing import Self, TypeVar, cast

from service.contracts.submission import TEXT_FIELDS, Submission
from service.text.grouping import group_key
from service.text.language import guess_language
from service.text.lazy import lazy
from service.text.model_text import normalise_views
from service.text.urls import WebAddress, find_urls, read_url
from service.text.views import Views

Value = TypeVar("Value")

_read_texts = attrgetter(*(path.removeprefix("creative.") for path in TEXT_FIELDS))


class AdView:
    """Wraps one submission; pure, so two views of equal submissions are equal in all they say."""

    def __init__(self, submission: Submission) -> None:
        self.submission = submission

    @lazy
    def _answers(self) -> dict[object, object]:
        return {}

    def ask(self, part: object, compute: Callable[[Self], Value]) -> Value:
        """Return what `compute` says of this ad, worked out once for each `part` of a bundle, such as an index.

        Two bundles that share a part, as a candidate does with the live one, search an ad once.
        """
        if part not in self._answers:
            self._answers[part] = compute(self)
        return cast("Value", self._answers[part])

    @lazy
    def text_fields(self) -> tuple[tuple[str, str], ...]:
        """(path, text) of each prose field that is not empty."""
        texts = zip(TEXT_FIELDS, _read_texts(self.submission.creative), strict=True)
        return tuple([pair for pair in texts if pair[1]])  # a list is built quicker than a generator runs

    @lazy
    def views(self) -> Views:
        """Return the three readings of the prose."""
        return Views(self.text_fields)

    @lazy
    def model_text(self) -> str:
        """Return what the classifier reads: all prose, normalised."""
        return normalise_views(self.views)

    @lazy
    def landing(self) -> WebAddress:
        """Where a click leads."""
        return read_url(self.submission.creative.landing_url)

    @lazy
    def display(self) -> WebAddress:
        """Where the ad says a click leads."""
        return read_url(self.submission.creative.display_url)

    @lazy
    def differs_from_display(self) -> bool:
        """Tell whether the landing and the display address belong to different registrable domains."""
        landing, display = self.landing, self.display
        if not (landing.valid and display.valid) or landing.host == display.host:
            return False
        return landing.registrable_domain != display.registrable_domain

    @lazy
    def text_urls(self) -> tuple[tuple[int, int, WebAddress], ...]:
        """Addresses in the prose: [start, end) in `views.original`, and the address."""
        return tuple(find_urls(self.views.original))

    @lazy
    def language(self) -> str:
        """Return the language as sent (its primary subtag, in small letters), else as guessed; '' if neither tells."""
        sent = self.submission.language
        return sent.split("-")[0].lower() if sent else guess_language(self.views.original)

    @lazy
    def group_key(self) -> str:
        """Return the key that near-duplicate creatives share."""
        return group_key(self.model_text, self.landing.registrable_domain)
