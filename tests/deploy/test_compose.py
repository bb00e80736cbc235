"""deploy/compose.yaml says what the service, the image and the test broker say."""

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from service.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
SLUICE = ("topics", "worker")


def _load(path: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load((ROOT / path).read_text())
    return found


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = _load("deploy/compose.yaml")["services"]
    return found


@pytest.mark.parametrize("name", SLUICE)
def test_the_environment_is_made_of_settings(services: dict[str, Any], name: str) -> None:
    """The service accepts each variable and reaches the broker's inner listener with them."""
    settings = load_settings(services[name]["environment"])
    assert settings.brokers == "kafka:9092"
    assert "INSIDE://kafka:9092" in services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]


@pytest.mark.parametrize("name", SLUICE)
def test_nothing_is_writable_or_privileged(services: dict[str, Any], name: str) -> None:
    """Sluice's containers have a read-only root, a temporary /tmp and no capabilities."""
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert [entry.split(":")[0] for entry in service["tmpfs"]] == ["/tmp"]  # noqa: S108


def test_a_drain_ends_before_the_container_is_killed(services: dict[str, Any]) -> None:
    """The time to stop is longer than the longest drain that the settings allow."""
    grace_s = int(services["worker"]["stop_grace_period"].removesuffix("s"))
    assert grace_s > load_settings(services["worker"]["environment"]).rebalance_timeout_s


def test_the_worker_starts_after_its_topics(services: dict[str, Any]) -> None:
    """The topics are made on a healthy broker, and the worker waits until they are."""
    assert services["topics"]["depends_on"]["kafka"]["condition"] == "service_healthy"
    assert services["topics"]["command"][:2] == ["topics", "apply"]
    assert services["worker"]["depends_on"]["topics"]["condition"] == "service_completed_successfully"


def test_the_broker_is_the_one_of_the_tests(services: dict[str, Any]) -> None:
    """Compose runs the very version of Apache Kafka that the tests run, and makes no topics by itself."""
    version = re.search(r"<kafka.version>(.+)</kafka.version>", (ROOT / "deploy/kafka/pom.xml").read_text())
    assert version is not None
    assert services["kafka"]["image"] == f"apache/kafka:{version[1]}"
    assert services["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_ports_are_for_this_machine_only(services: dict[str, Any]) -> None:
    """Each published port is bound to the loopback address."""
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_prometheus_scrapes_the_workers(services: dict[str, Any]) -> None:
    """The job names the worker's service and the port of its settings, in a file that is mounted where it is read."""
    (job,) = [one for one in _load("deploy/prometheus/prometheus.yml")["scrape_configs"] if one["job_name"] == "sluice"]
    (found,) = job["dns_sd_configs"]
    settings = load_settings(services["worker"]["environment"])
    assert found["names"] == ["worker"]
    assert found["port"] == settings.web_port
    assert settings.web_host == "0.0.0.0"  # noqa: S104 - inside its own network
    source, target, _ = services["prometheus"]["volumes"][0].split(":")
    assert (ROOT / "deploy" / source).is_file()
    assert f"--config.file={target}" in services["prometheus"]["command"]
