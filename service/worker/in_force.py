"""Holds what the worker decides by: one reference, replaced as a whole by the event loop, read once a chunk."""

from service.answer import LiveBundle
from service.deployment import Deployment


def name_build(release: str, live: LiveBundle) -> str:
    """Return the identity of all that decides every ad: release, live bundle and model.

    A trip binds only workers of the same build. A candidate is no part of it: where it fails, live decides.
    """
    return f"{release}/bundle-{live.strategies.sha256[:12]}/model-{live.classifier.model_hash[:12]}"


class InForce:
    """The deployment of now. A chunk asks for it once, so no chunk is decided by two versions."""

    def __init__(self, release: str, deployment: Deployment | None = None) -> None:
        self._release = release
        self._now: tuple[Deployment, str] | None = None
        if deployment is not None:
            self.put(deployment)

    @property
    def deployment(self) -> Deployment | None:
        """What decides now; None while the worker waits for its first bundle."""
        return self._now[0] if self._now else None

    @property
    def build(self) -> str:
        """The build's name; of the release alone while there is no bundle."""
        return self._now[1] if self._now else self._release

    def take(self) -> tuple[Deployment, str]:
        """Return the deployment and its build, which belong together. Raises LookupError before the first."""
        if self._now is None:
            raise LookupError("no bundle is in force; the worker takes ads only after one is")
        return self._now

    def put(self, deployment: Deployment) -> bool:
        """Replace the deployment; returns whether the build is another one now."""
        before = self.build
        # One assignment: the scoring thread sees the old pair or the new one.
        self._now = deployment, name_build(self._release, deployment.live)
        return self.build != before
