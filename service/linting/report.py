"""What a check found: errors, warnings, tests that failed, and what the bundle costs an ad."""

from typing import NamedTuple

from service.strategy import Problem


class Findings(NamedTuple):
    """What one look at a bundle found; errors must be mended, warnings are probably mistakes."""

    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def __add__(self, other: object) -> "Findings":
        """Join two looks."""
        if not isinstance(other, Findings):
            return NotImplemented
        return Findings(self.errors + other.errors, self.warnings + other.warnings)


class Cost(NamedTuple):
    """CPU time of views and rules, in microseconds an ad, and the bundle's own limit (None: it names none)."""

    us_per_ad: float
    ads: int
    budget_us: float | None = None


class Report(NamedTuple):
    """All that `sluice strategy check` tells. `failed_tests` are problems at the place of a strategist's test."""

    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    failed_tests: tuple[Problem, ...] = ()
    tests: int = 0
    cost: Cost | None = None

    @property
    def ok(self) -> bool:
        """Tell whether the bundle may be published: no errors, and all its tests pass."""
        return not self.errors and not self.failed_tests


def sort_findings(findings: Findings) -> Findings:
    """Return the findings in the order of places, each once."""
    return Findings(tuple(sorted(set(findings.errors))), tuple(sorted(set(findings.warnings))))
