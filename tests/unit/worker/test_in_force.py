import pytest

from service.deployment import Deployment
from service.worker.in_force import InForce, name_build
from tests.unit.worker.standing import make_bundle

ONE, TWO = make_bundle("1" * 64), make_bundle("2" * 64)


def test_deployment_and_build_change_together() -> None:
    """A dead letter names the build of the deployment that its chunk was decided by."""
    in_force = InForce("v1", Deployment(ONE))
    assert in_force.take() == (Deployment(ONE), name_build("v1", ONE))
    assert in_force.put(Deployment(TWO))
    assert in_force.take() == (Deployment(TWO), "v1/bundle-222222222222/model-abababababab")


def test_a_candidate_makes_no_other_build() -> None:
    """A trip is about what decides every ad; a candidate that fails leaves the ad to live."""
    in_force = InForce("v1", Deployment(ONE))
    assert not in_force.put(Deployment(ONE, candidate=TWO))
    assert in_force.put(Deployment(TWO))


def test_nothing_is_taken_before_there_is_something() -> None:
    """The build is the release's alone until then."""
    in_force = InForce("v1")
    assert (in_force.deployment, in_force.build) == (None, "v1")
    with pytest.raises(LookupError):
        in_force.take()
    assert in_force.put(Deployment(ONE))
