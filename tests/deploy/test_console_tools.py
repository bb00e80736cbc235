"""Kafka's own Java clients run from the checkout, from any folder."""

import subprocess
from pathlib import Path

from tests.kafka_broker import KafkaBroker

TOOLS = Path(__file__).resolve().parents[2] / "deploy" / "kafka"


def test_java_writes_and_reads_what_others_read_and_write(kafka: KafkaBroker, unique: str, tmp_path: Path) -> None:
    """A record with a key goes from the console producer to librdkafka, and from librdkafka to the console consumer."""
    kafka.create_topics(unique)
    to = ["--bootstrap-server", kafka.bootstrap, "--topic", unique]
    produce = [str(TOOLS / "kafka-console-producer.sh"), *to, "--property", "parse.key=true"]
    subprocess.run(
        produce, cwd=tmp_path, input=b'ad-1\t{"x": "\xc3\xa9"}\n', check=True, timeout=60, capture_output=True
    )
    assert [(one.key, one.value) for one in kafka.read(unique)] == [(b"ad-1", b'{"x": "\xc3\xa9"}')]
    kafka.produce(unique, [(b"ad-2", b"second")])
    consume = [str(TOOLS / "kafka-console-consumer.sh"), *to, "--from-beginning", "--max-messages", "2"]
    read = subprocess.run(
        [*consume, "--isolation-level", "read_committed"], cwd=tmp_path, check=True, timeout=60, capture_output=True
    )
    assert read.stdout.splitlines() == [b'{"x": "\xc3\xa9"}', b"second"]
