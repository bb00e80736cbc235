from service.worker.shadow_budget import CandidateBudget, OffCause


def observe(budget: CandidateBudget, ads: int, us_per_ad: float, fails_every: int = 0) -> tuple[int, OffCause | None]:
    """Observe ad by ad; return after how many the candidate is switched off."""
    for number in range(1, ads + 1):
        failed = bool(fails_every) and number % fails_every == 0
        if (cause := budget.observe(1, us_per_ad, failed=failed)) is not None:
            return number, cause
    return ads, None


def test_a_candidate_within_its_budget_goes_on() -> None:
    """Just below the budget for ever, with a third of the ads failing."""
    assert observe(CandidateBudget(2_000), 10_000, 1_990.0, fails_every=3) == (10_000, None)


def test_a_dear_ad_among_cheap_ones_is_no_reason() -> None:
    """It is the average that counts: one ad of 0.1 s in a run is paid for by the others."""
    budget = CandidateBudget(2_000)
    for _ in range(20):
        assert observe(budget, 255, 100.0) == (255, None)
        assert budget.observe(1, 100_000.0, failed=False) is None


def test_a_candidate_above_its_budget_is_switched_off_within_a_run() -> None:
    """Twice the budget takes half a run; a second an ad takes one ad."""
    assert observe(CandidateBudget(2_000), 1_000, 4_000.0) == (129, "too_slow")
    assert observe(CandidateBudget(2_000), 1_000, 1_000_000.0) == (1, "too_slow")


def test_a_candidate_that_becomes_slow_later_is_found() -> None:
    """Runs begin anew, so a cheap past does not pay for a dear present."""
    budget = CandidateBudget(2_000)
    assert observe(budget, 256 * 50, 10.0) == (256 * 50, None)
    ads, cause = observe(budget, 1_000, 5_000.0)
    assert (cause, ads <= 256) == ("too_slow", True)


def test_a_candidate_that_fails_on_most_ads_is_switched_off() -> None:
    """After 32 ads, so that one bad ad at the start is no reason."""
    assert observe(CandidateBudget(2_000), 1_000, 1.0, fails_every=1) == (32, "fails")
    assert observe(CandidateBudget(2_000), 1_000, 1.0, fails_every=2) == (1_000, None)


def test_it_says_what_it_measured() -> None:
    """For the log and the status."""
    budget = CandidateBudget(2_000)
    observe(budget, 32, 250.0, fails_every=1)
    assert budget.describe() == "250 µs an ad (allowed: 2,000), failed on 32 of 32 ads"
