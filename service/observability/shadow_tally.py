"""What comparing live with the candidate came to: counted by the shadow thread, added to the metrics slice by slice."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class ShadowTally:
    """Counts of some pairs. `outcomes` is keyed by live's and the candidate's outcome, `moved` by policy as well."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    moved: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    cpu_s: float = 0.0

    def count_pair(self, live: str, candidate: str, policy: str) -> None:
        """Count an ad by both outcomes, and by the policy at stake if they differ."""
        self.outcomes[live, candidate] += 1
        if live != candidate:
            self.moved[live, candidate, policy] += 1
