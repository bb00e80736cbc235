"""The composition root: the only place that puts bundle, classifier, pipeline and metrics together."""

from datetime import datetime
from typing import NamedTuple

from service import __version__
from service.answer import LiveBundle, Received
from service.classifier import Classifier, load_classifier
from service.classifier.manifest import ModelLoadError
from service.contracts.decision import ModelRef, Origin
from service.contracts.examples import SUBMISSION
from service.deployment import Deployment
from service.linting.testing import run_tests
from service.moderate import moderate
from service.observability.metrics import Metrics
from service.release.signing import KeyFileError, PublicKeys
from service.settings import Settings
from service.strategy import Bundle, BundleFiles, StrategyError, check_labels, compile_bundle, load_bundle
from service.worker import in_force
from service.worker.fitting import SizeLimits
from service.worker.in_force import InForce
from service.worker.loaded import Loaded
from service.worker.preparing import BundleRefusedError
from service.worker.scoring import ScoringPipeline
from service.worker.topics_file import TopicsFileError, load_topics


class DeploymentError(RuntimeError):
    """What was deployed cannot run; each line of the text names a file, what is wrong with it and the remedy."""


def load_live_bundle(settings: Settings) -> LiveBundle:
    """Load the classifier and the strategies and check that they fit each other. Raises DeploymentError."""
    try:
        return ready_bundle(load_bundle(settings.strategies_dir), load_checked_classifier(settings))
    except (StrategyError, BundleRefusedError) as error:
        raise DeploymentError(str(error)) from error


def load_checked_classifier(settings: Settings) -> Classifier:
    """Load the classifier alone. Raises DeploymentError."""
    try:
        return load_classifier(settings.model_dir)
    except ModelLoadError as error:
        raise DeploymentError(str(error)) from error


def ready_bundle(strategies: Bundle, classifier: Classifier) -> LiveBundle:
    """Return strategies and classifier as what decides, tried out. Raises StrategyError, BundleRefusedError."""
    check_labels(strategies, classifier.labels)
    bundle = LiveBundle(strategies, classifier)
    _rehearse(bundle)
    return bundle


def _rehearse(bundle: LiveBundle) -> None:
    """Decide an example, so that what cannot work fails before it meets an ad, and no ad pays for first calls."""
    received = Received(SUBMISSION, Origin(topic="rehearsal", partition=0, offset=0), SUBMISSION.submitted_at)
    try:
        (result,) = moderate([received], bundle, SUBMISSION.submitted_at)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        text = f"the bundle and the model cannot decide an example ad: {what}; deploy others"
        raise BundleRefusedError(text) from error
    if result.model_failed:
        raise BundleRefusedError(f"the model cannot score an example ad: {result.decision.reasons[0].detail}")


def name_build(settings: Settings, bundle: LiveBundle) -> str:
    """Return the identity of all that decides: a trip binds only workers of the same build."""
    return in_force.name_build(settings.build_id or __version__, bundle)


def load_worker(settings: Settings) -> Loaded:
    """Load what a worker needs before it starts. Raises DeploymentError."""
    if settings.image_bundle == "never":
        return _put_together(settings, load_checked_classifier(settings), None)
    return prepare_worker(settings, load_live_bundle(settings))


def prepare_worker(settings: Settings, image: LiveBundle) -> Loaded:
    """Put the worker's parts together over the bundle of its image.

    Raises DeploymentError if the topics' file, or the folder of public keys, cannot be used.
    """
    return _put_together(settings, image.classifier, image)


def _put_together(settings: Settings, classifier: Classifier, image: LiveBundle | None) -> Loaded:
    now = InForce(settings.build_id or __version__, Deployment(image) if image is not None else None)
    metrics = Metrics()
    metrics.show_model(ModelRef(id=classifier.model_id, sha256=classifier.model_hash))
    metrics.show_build(__version__, now.build, settings.delivery)
    return Loaded(
        ScoringPipeline(now, read_size_limits(settings)),
        metrics,
        now,
        _Prepare(classifier),
        _load_keys(settings),
        [image] if image is not None else [],
    )


class _Prepare(NamedTuple):
    """Makes a published bundle ready for this worker's classifier, and runs the tests that stand in it."""

    classifier: Classifier

    def __call__(self, files: BundleFiles, reuse: LiveBundle | None, published_at: datetime) -> LiveBundle:
        bundle = ready_bundle(compile_bundle(files, reuse=reuse.strategies if reuse else None), self.classifier)
        ran = run_tests(bundle, published_at)
        if ran.failed:
            failed = "\n".join(str(problem) for problem in ran.failed)
            what = f"{len(ran.failed)} of its {ran.ran} tests fail with this worker's model"
            raise BundleRefusedError(f"{what}:\n{failed}")
        return bundle


def _load_keys(settings: Settings) -> PublicKeys:
    if settings.strategy_keys_dir is None:
        return PublicKeys.none()
    try:
        return PublicKeys.load(settings.strategy_keys_dir)
    except KeyFileError as error:
        raise DeploymentError(str(error)) from error


def read_size_limits(settings: Settings) -> SizeLimits:
    """Return the largest records that the output topics take. Raises DeploymentError."""
    try:
        topics = load_topics(settings).topics
    except TopicsFileError as error:
        raise DeploymentError(str(error)) from error
    return SizeLimits(topics["decisions"].max_bytes, topics["review_tasks"].max_bytes, topics["dead_letters"].max_bytes)
