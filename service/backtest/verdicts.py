"""What people found: a file of verdicts, held so tightly that every core can have all of them.

Only hashes of ad and revision are kept, sorted in an array: some 20 bytes a verdict. Two ads of a million share a
64-bit hash with a probability below 1e-7.
"""

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, ValidationError

from service.contracts.model import Contract, Id, Slug

_MOST_TOLD = 20


class VerdictsError(ValueError):
    """The file of verdicts cannot be used; a line a mistake, each with its place and its remedy."""


class VerdictLine(Contract):
    """A line of the file. A later line on the same ad and revision replaces an earlier one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ad_id: Id = Field(description="The ad.")
    revision: int | None = Field(default=None, ge=0, strict=True, description="Its revision; without one: all of them.")
    violates: bool = Field(strict=True, description="Whether a person found that it violates a policy.")
    policies: tuple[Slug, ...] = Field(default=(), description="Which ones.")


class Verdict(NamedTuple):
    """What a person found about an ad."""

    violates: bool
    policies: tuple[str, ...] = ()

    def speaks_against(self, policy: str | None) -> bool:
        """Tell whether the ad violates this policy; a verdict that names none speaks for any."""
        return self.violates and (policy is None or not self.policies or policy in self.policies)


class Verdicts:
    """All verdicts of a file, by ad and revision."""

    def __init__(self, hashes: NDArray[np.uint64], codes: NDArray[np.uint32], kinds: Sequence[Verdict]) -> None:
        """Take hashes in ascending order, each once, and each one's index into `kinds`."""
        self._hashes, self._codes, self._kinds = hashes, codes, tuple(kinds)

    def __len__(self) -> int:
        return len(self._hashes)

    def find(self, ad_id: str, revision: int) -> Verdict | None:
        """Return the verdict on this revision, else the one on the ad, else None."""
        if not len(self._hashes):
            return None
        exact = self._look_up(_hash(ad_id, revision))
        return exact if exact is not None else self._look_up(_hash(ad_id, None))

    def _look_up(self, key: int) -> Verdict | None:
        index = int(np.searchsorted(self._hashes, np.uint64(key)))
        if index < len(self._hashes) and int(self._hashes[index]) == key:
            return self._kinds[int(self._codes[index])]
        return None


def no_verdicts() -> Verdicts:
    """Return what stands for no file."""
    return Verdicts(np.empty(0, np.uint64), np.empty(0, np.uint32), ())


def read_verdicts(path: Path) -> Verdicts:
    """Return the verdicts of a file of JSON Lines. Raises VerdictsError."""
    hashes, codes, kinds, problems = array("Q"), array("L"), dict[Verdict, int](), list[str]()
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    verdict = VerdictLine.model_validate_json(line)
                except ValidationError as error:
                    problems.append(f"{path}:{number}: {_word(error)}")
                    if len(problems) == _MOST_TOLD:
                        break
                    continue
                hashes.append(_hash(verdict.ad_id, verdict.revision))
                kind = Verdict(verdict.violates, tuple(sorted(set(verdict.policies))))
                codes.append(kinds.setdefault(kind, len(kinds)))
    except OSError as error:
        raise VerdictsError(f"{path}: {error.strerror}; name a file of JSON Lines") from None
    if problems:
        raise VerdictsError("\n".join(problems))
    return _sort(np.array(hashes, np.uint64), np.array(codes, np.uint32), list(kinds))


def _sort(hashes: NDArray[np.uint64], codes: NDArray[np.uint32], kinds: list[Verdict]) -> Verdicts:
    order = np.argsort(hashes, kind="stable")
    hashes, codes = hashes[order], codes[order]
    last = np.ones(len(hashes), np.bool_)
    last[:-1] = hashes[1:] != hashes[:-1]
    return Verdicts(hashes[last], codes[last], kinds)


def _word(error: ValidationError) -> str:
    if error.errors()[0]["type"] == "json_invalid":
        return 'not JSON; write a line such as {"ad_id": "ad-1", "revision": 1, "violates": false}'
    faults = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors(include_url=False)]
    return "; ".join(f"{place}: {text[:1].lower()}{text[1:]}" for place, text in faults)


def _hash(ad_id: str, revision: int | None) -> int:
    return xxhash.xxh3_64_intdigest(f"{ad_id}\x1f{'' if revision is None else revision}".encode())
