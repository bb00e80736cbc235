import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from service.bootstrap import (
    DeploymentError,
    load_live_bundle,
    load_worker,
    name_build,
    prepare_worker,
    read_size_limits,
)
from service.settings import Settings, load_settings
from service.shipped import shipped_path
from service.strategy import StrategyError, read_folder
from service.worker.fitting import LEAST_BYTES
from service.worker.scoring import ScoringPipeline
from tests.moderating import NOW, load_shipped

CopyShipped = Callable[[str, str], Path]


@pytest.fixture
def copy_shipped(tmp_path: Path) -> CopyShipped:
    """Return a copy of something that ships, for a test to break."""

    def copy(relative: str, name: str) -> Path:
        target = tmp_path / name
        shutil.copytree(shipped_path(relative), target)
        return target

    return copy


def read(**values: Path | str) -> Settings:
    return load_settings({f"SLUICE_{name.upper()}": str(value) for name, value in values.items()})


def refuse(settings: Settings) -> str:
    with pytest.raises(DeploymentError) as caught:
        load_live_bundle(settings)
    return str(caught.value)


def test_what_ships_loads() -> None:
    """Model and strategies of the checkout fit each other."""
    bundle = load_shipped()
    assert set(bundle.classifier.labels) <= set(bundle.strategies.policies)
    assert bundle.model_ref.sha256 == bundle.classifier.model_hash


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    """The folder and the remedy are told."""
    text = refuse(read(model_dir=tmp_path / "nowhere"))
    assert str(tmp_path / "nowhere") in text
    assert ";" in text


def test_a_model_that_was_changed_is_refused(copy_shipped: CopyShipped) -> None:
    """A file that is not what its manifest says must not decide anything."""
    folder = copy_shipped("models/stage_a", "model")
    model = next(folder.glob("*.onnx"))
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    assert str(model) in refuse(read(model_dir=folder))


def test_a_broken_manifest_is_named(copy_shipped: CopyShipped) -> None:
    """It is the manifest that has to be mended, not the model."""
    folder = copy_shipped("models/stage_a", "model")
    (folder / "manifest.json").write_text("{")
    assert str(folder / "manifest.json") in refuse(read(model_dir=folder))


def test_every_mistake_of_a_strategy_has_its_line(copy_shipped: CopyShipped) -> None:
    """All mistakes at once, each as file:line:column."""
    folder = copy_shipped("deploy/strategies", "strategies")
    strategy = folder / "default.yaml"
    text = strategy.read_text().replace("action: review", "action: frown", 1)
    strategy.write_text(text.replace("{terms: drug_offers}", "{terms: drug_offer}", 1))
    (folder / "lists" / "terms" / "violence.txt").write_text("ab\n")
    lines = refuse(read(strategies_dir=folder)).splitlines()
    assert any(line.startswith("default.yaml:") for line in lines)
    assert any(line.startswith("lists/terms/violence.txt:1:1: ") for line in lines)
    assert all("; " in line for line in lines)


def test_a_missing_folder_of_strategies_is_told(tmp_path: Path) -> None:
    """An empty or missing folder is a clear error, not an empty bundle that approves everything."""
    assert "bundle.yaml" in refuse(read(strategies_dir=tmp_path / "nowhere"))


def test_a_model_whose_labels_the_strategy_does_not_know_is_refused(copy_shipped: CopyShipped) -> None:
    """A score that no threshold judges would approve in silence."""
    folder = copy_shipped("deploy/strategies", "strategies")
    strategy = folder / "default.yaml"
    lines = strategy.read_text().splitlines(keepends=True)
    strategy.write_text("".join(line for line in lines if not line.startswith("  clickbait:  ")))
    text = refuse(read(strategies_dir=folder))
    assert "'clickbait', which has no thresholds" in text
    assert "add thresholds.clickbait" in text


def test_a_build_is_named_by_all_that_decides() -> None:
    """A trip binds workers with the same release, bundle and model, and no others."""
    bundle = load_shipped()
    build = name_build(read(build_id="abc123"), bundle)
    assert build == f"abc123/bundle-{bundle.strategies.sha256[:12]}/model-{bundle.classifier.model_hash[:12]}"
    assert name_build(read(), bundle) != build


def test_the_bundles_hash_follows_its_files(copy_shipped: CopyShipped) -> None:
    """One changed line of a list is another bundle."""
    folder = copy_shipped("deploy/strategies", "strategies")
    same = load_live_bundle(read(strategies_dir=folder)).strategies.sha256
    with (folder / "lists" / "hosts" / "blocked.txt").open("a") as hosts:
        hosts.write("another.example\n")
    assert same == load_shipped().strategies.sha256
    assert load_live_bundle(read(strategies_dir=folder)).strategies.sha256 != same


def test_outputs_are_kept_below_the_topics_limits() -> None:
    """The pipeline has the limits of the topics' file, and the shipped ones leave room for every output."""
    limits = read_size_limits(read())
    assert min(limits.decision_bytes, limits.review_task_bytes) >= LEAST_BYTES
    loaded = prepare_worker(read(), load_shipped())
    assert isinstance(loaded.pipeline, ScoringPipeline)
    assert loaded.pipeline.limits == limits
    assert loaded.pipeline.in_force is loaded.in_force


def test_a_broken_topics_file_is_named(tmp_path: Path) -> None:
    """The worker does not start with limits that it has to guess."""
    file = tmp_path / "topics.yaml"
    file.write_text("topics: 7\n")
    with pytest.raises(DeploymentError, match=r"topics\.yaml"):
        prepare_worker(read(topics_file=file), load_shipped())


def test_metrics_show_what_decides() -> None:
    """Which model and build decide is seen from outside; the bundle is shown once one is in force."""
    loaded = prepare_worker(read(build_id="abc123"), load_shipped())
    page = loaded.metrics.render()[0].decode()
    assert load_shipped().classifier.model_hash in page
    assert loaded.build in page


def test_the_image_s_bundle_is_handed_over_once() -> None:
    """What the topic's bundle replaces must not stay in memory."""
    loaded = prepare_worker(read(), load_shipped())
    assert loaded.take_image() is load_shipped()
    assert loaded.take_image() is None


def test_without_the_image_s_bundle_only_the_model_is_loaded(tmp_path: Path) -> None:
    """Where a worker must not decide by its image, what lies there does not matter."""
    loaded = load_worker(read(image_bundle="never", strategies_dir=tmp_path / "nowhere"))
    assert loaded.take_image() is None
    assert loaded.in_force.deployment is None
    bundle = loaded.prepare(read_folder(shipped_path("deploy/strategies")), None, NOW)
    assert bundle.strategies.sha256 == load_shipped().strategies.sha256


def test_a_published_bundle_that_does_not_fit_the_model_is_refused(copy_shipped: CopyShipped) -> None:
    """Each publication is checked as the image's bundle is."""
    folder = copy_shipped("deploy/strategies", "strategies")
    strategy = folder / "default.yaml"
    strategy.write_text(re.sub(r"(?m)^  clickbait: .*\n", "", strategy.read_text(), count=1))
    with pytest.raises(StrategyError, match=r"add thresholds\.clickbait"):
        prepare_worker(read(), load_shipped()).prepare(read_folder(folder), load_shipped(), NOW)


def test_a_folder_of_keys_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A worker that can check no signature would refuse every publication."""
    with pytest.raises(DeploymentError, match="SLUICE_STRATEGY_KEYS_DIR"):
        prepare_worker(read(strategy_keys_dir=tmp_path / "nowhere"), load_shipped())
