"""The composition root: the only place that puts bundle, classifier, pipeline and metrics together."""

from service import __version__
from service.answer import LiveBundle, Received
from service.classifier import load_classifier
from service.classifier.manifest import ModelLoadError
from service.contracts.decision import Origin
from service.contracts.examples import SUBMISSION
from service.moderate import moderate
from service.observability.metrics import Metrics
from service.settings import Settings
from service.strategy import StrategyError, check_labels, load_bundle
from service.worker.fitting import SizeLimits
from service.worker.run import Loaded
from service.worker.scoring import ScoringPipeline
from service.worker.topics_file import TopicsFileError, load_topics


class DeploymentError(RuntimeError):
    """What was deployed cannot run; each line of the text names a file, what is wrong with it and the remedy."""


def load_live_bundle(settings: Settings) -> LiveBundle:
    """Load the classifier and the strategies and check that they fit each other. Raises DeploymentError."""
    try:
        classifier = load_classifier(settings.model_dir)
        strategies = load_bundle(settings.strategies_dir)
        check_labels(strategies, classifier.labels)
    except (ModelLoadError, StrategyError) as error:
        raise DeploymentError(str(error)) from error
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
        raise DeploymentError(f"the bundle and the model cannot decide an example ad: {what}; deploy others") from error
    if result.model_failed:
        raise DeploymentError(f"the model cannot score an example ad: {result.decision.reasons[0].detail}")


def name_build(settings: Settings, bundle: LiveBundle) -> str:
    """Return the identity of all that decides: a trip binds only workers of the same build."""
    release = settings.build_id or __version__
    return f"{release}/bundle-{bundle.strategies.sha256[:12]}/model-{bundle.classifier.model_hash[:12]}"


def prepare_worker(settings: Settings, bundle: LiveBundle) -> Loaded:
    """Put the worker's pipeline and metrics together. Raises DeploymentError if the topics' file cannot be used."""
    build = name_build(settings, bundle)
    metrics = Metrics()
    metrics.show_bundle(bundle.strategies.ref)
    metrics.show_model(bundle.model_ref)
    metrics.show_build(__version__, build, settings.delivery)
    return Loaded(ScoringPipeline(bundle, read_size_limits(settings), build), metrics, build)


def read_size_limits(settings: Settings) -> SizeLimits:
    """Return the largest records that the output topics take. Raises DeploymentError."""
    try:
        topics = load_topics(settings).topics
    except TopicsFileError as error:
        raise DeploymentError(str(error)) from error
    return SizeLimits(topics["decisions"].max_bytes, topics["review_tasks"].max_bytes, topics["dead_letters"].max_bytes)
