"""The shape of a rule as it is written, whole or as a change of a broader strategy's rule, and of a whole one."""

from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints

from service.contracts.decision import Outcome, View
from service.contracts.model import Slug
from service.strategy.scalars import Conditions, Section, Several, SeveralViews, Share, Text

TERM_FIELDS = ("headline", "body", "call_to_action", "image_text", "transcript")
HOST_FIELDS = ("landing_url", "display_url", "texts")

RuleId = Annotated[Slug, StringConstraints(max_length=64)]


class Action(StrEnum):
    """What a rule does with an ad on which it fires."""

    REJECT = "reject"
    REVIEW = "review"
    APPROVE = "approve"
    RAISE = "raise"
    LOWER = "lower"


SHIFTS = {Action.RAISE: 1.0, Action.LOWER: -1.0}
"""Actions that change what a score is judged as, and in which direction."""


class OnFailure(StrEnum):
    """What becomes of an ad on which a rule's condition fails to run."""

    REVIEW = "review"
    KEEP = "keep"


class Match(Section):
    """What a rule looks for: entries of lists. It hits when any entry of any list hits."""

    terms: Several = Field(default=(), description="Lists in lists/terms, looked for in the prose.")
    regexes: Several = Field(default=(), description="Lists in lists/regexes, looked for in the prose.")
    hosts: Several = Field(default=(), description="Lists in lists/hosts, looked for in the addresses.")
    advertisers: Several = Field(default=(), description="Lists in lists/advertisers that may name the advertiser.")
    fields: Several | None = Field(default=None, alias="in", description="Where to look; everywhere, if left out.")
    views: SeveralViews = Field(default=tuple(View), description="In which readings of the prose to look.")

    @property
    def lists(self) -> tuple[str, ...]:
        """The names of all lists; a name stands for one list of any kind."""
        return (*self.terms, *self.regexes, *self.hosts, *self.advertisers)


class RuleEntry(Section):
    """All conditions of `when` must hold, and `match` must hit (if there is one), for `action` to be taken.

    A rule with the id of a broader strategy's rule replaces the fields that it gives.
    """

    id: RuleId = Field(description="Its name, as reasons give it.")
    policy: Slug | None = Field(default=None, description="The policy that the rule speaks of.")
    note: Text | None = Field(default=None, max_length=500, description="For staff: why it exists, what law it models.")
    when: Conditions = Field(default=(), description="Conditions in CEL; all must hold.")
    match: Match | None = Field(default=None, description="Lists of which an entry must hit.")
    action: Action | None = Field(default=None, description="What happens then.")
    by: Share | None = Field(default=None, description="How far `raise` or `lower` moves the policy's score.")
    evasion_action: Outcome | None = Field(
        default=None, description="Instead of `action` where only a disguised spelling hit."
    )
    on_failure: OnFailure | None = Field(
        default=None, description="What becomes of an ad on which a condition fails to run: review (default) or keep."
    )
    enabled: bool = Field(default=True, strict=True, description="false: the rule does not apply in this scope.")


class Rule(NamedTuple):
    """A whole rule, as it applies in some scope."""

    id: str
    policy: str
    action: Action
    note: str | None = None
    when: tuple[str, ...] = ()
    match: Match | None = None
    by: float | None = None
    evasion_action: Outcome | None = None
    on_failure: OnFailure = OnFailure.REVIEW
