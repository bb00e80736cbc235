"""What the composition root hands to the worker: all that is loaded before it starts."""

from dataclasses import dataclass, field

from service.answer import LiveBundle
from service.observability.metrics import Metrics
from service.release.signing import PublicKeys
from service.worker.in_force import InForce
from service.worker.outputs import Pipeline
from service.worker.preparing import Prepare


@dataclass(frozen=True)
class Loaded:
    """The pipeline over what is in force, how another bundle is made ready, and whose signatures count.

    `image` holds the bundle of the worker's image until `take_image`: nothing here may keep it in memory for ever.
    """

    pipeline: Pipeline
    metrics: Metrics
    in_force: InForce
    prepare: Prepare
    keys: PublicKeys
    image: list[LiveBundle] = field(default_factory=list)

    @property
    def build(self) -> str:
        """The build of now."""
        return self.in_force.build

    def take_image(self) -> LiveBundle | None:
        """Return the image's bundle and let go of it; None if there is none."""
        return self.image.pop() if self.image else None
