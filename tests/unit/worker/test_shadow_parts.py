import pytest

from service.observability.catalogue import GUARDS
from service.release import guard_rail
from service.settings import load_settings
from service.worker.shadow_parts import limit_rollouts


def test_the_guard_rails_are_as_the_settings_say() -> None:
    """Each margin at its guard; the level is divided by as many workers as can hold partitions."""
    margins = {"REJECT": "0.11", "REVIEW": "0.12", "APPROVE": "0.13", "FAILURE": "0.14"}
    environ = {f"SLUICE_ROLLOUT_GUARD_{name}_MARGIN": value for name, value in margins.items()}
    limits = limit_rollouts(
        load_settings({**environ, "SLUICE_ROLLOUT_GUARD_ALPHA": "0.01", "SLUICE_ROLLOUT_GUARD_WINDOW_S": "60"})
    )
    assert limits.margins._asdict() == {
        "reject_share": 0.11,
        "review_share": 0.12,
        "approve_share": 0.13,
        "failures": 0.14,
    }
    assert (limits.alpha, limits.window_s, limits.workers) == (0.01, 60.0, 12)


def test_the_metrics_know_every_guard() -> None:
    """Or a halt would be shown as `other`."""
    assert guard_rail.GUARDS == GUARDS


@pytest.mark.parametrize("name", ["REJECT", "REVIEW", "APPROVE", "FAILURE"])
def test_what_a_guard_says_names_a_setting_that_exists(name: str) -> None:
    """Whoever is told to raise a margin finds it."""
    assert f"rollout_guard_{name.lower()}_margin" in type(load_settings({})).model_fields
