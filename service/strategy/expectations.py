"""The shape of strategists' own tests: an ad, perhaps its scores and the time, and what must become of it."""

from typing import Annotated, Any

from pydantic import Field

from service.contracts.decision import Outcome
from service.contracts.model import Slug
from service.strategy.scalars import Moment, Section, Several, Share, Text, require_some


class Expectation(Section):
    """What must become of the ad. A policy or a rule is met by any reason that names it."""

    __test__ = False

    outcome: Outcome = Field(description="The ad's outcome.")
    policy: Several = Field(default=(), description="Policies that the reasons name.")
    rule: Several = Field(default=(), description="Rules that fire.")
    not_rule: Several = Field(default=(), description="Rules that do not fire.")
    strategy: Slug | None = Field(default=None, description="The most specific strategy that applies.")


class TestEntry(Section):
    """One test: `ad` is part of a submission; what is missing takes ordinary values."""

    __test__ = False

    name: Text = Field(max_length=200, description="What must be so, in words.")
    ad: dict[str, Any] = Field(default={}, description="Fields of a submission, as platforms send it.")
    scores: dict[Slug, Share] = Field(default={}, description="Instead of the classifier's, for these policies.")
    as_of: Moment | None = Field(default=None, description="When the ad is decided, with a zone.")
    expect: Expectation = Field(description="What must become of the ad.")


class TestsFile(Section):
    """`tests/*.yaml`: tests that belong to no single strategy."""

    __test__ = False

    tests: Annotated[tuple[TestEntry, ...], require_some] = Field(description="Ads and what must become of them.")
