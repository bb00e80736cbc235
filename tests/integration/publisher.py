"""Somebody who writes to the strategies topic without the command line's checks: what workers have to withstand."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from service.contracts.ledger import AnyEntry, Block, Publish, name_chunk
from service.contracts.worker_status import WorkerStatus
from service.release.approvals import find_guards
from service.release.folding import LedgerRecord
from service.release.ledger import Ledger
from service.release.packing import PackedBundle, pack_bundle
from service.strategy import read_folder
from service.worker.status_topic import collect_statuses
from tests.integration.workers import WorkerProcess
from tests.kafka_broker import KafkaBroker
from tests.unit.release.signed import ANNA, Writer, to_signed


def write_keys(folder: Path) -> Path:
    """Write the folder of public keys that workers are given; Anna's is the only one."""
    folder.mkdir()
    public = ANNA.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / f"{ANNA.name}.pem").write_bytes(public)
    return folder


class Publisher:
    """Writes chunks and entries as they are asked for, sound or not; keeps the ledger as a sound reader has it."""

    def __init__(self, kafka: KafkaBroker, environment: Mapping[str, str]) -> None:
        self._kafka = kafka
        self._topic = environment["SLUICE_STRATEGIES_TOPIC"]
        self._status_topic = environment["SLUICE_STRATEGY_STATUS_TOPIC"]
        self.writer = Writer()

    @property
    def ledger(self) -> Ledger:
        """What is in force by the entries that were sound."""
        return self.writer.ledger

    def publish(self, folder: Path, channel: str = "live") -> str:
        """Publish a bundle, unchecked, and return its hash."""
        packed = self.pack(folder)
        self.send_chunks(packed)
        self.write(self.describe(packed, folder, channel))
        return packed.sha256

    def pack(self, folder: Path) -> PackedBundle:
        """Return the bundle as records."""
        return pack_bundle(read_folder(folder))

    def describe(self, packed: PackedBundle, folder: Path, channel: str = "live") -> dict[str, Any]:
        """Return what makes the bundle's publication."""
        return {
            "kind": Publish,
            "channel": channel,
            "bundle": packed.sha256,
            "version": folder.name,
            "chunks": len(packed.chunks),
            "packed_bytes": packed.packed_bytes,
            "guards": find_guards(read_folder(folder)),
        }

    def block_host(self, name: str, host: str) -> None:
        """Block a host for an hour."""
        until = datetime.now(UTC) + timedelta(hours=1)
        told = {"block": name, "what": "host", "value": host, "policy": "phishing", "expires_at": until}
        self.write({"kind": Block, **told})

    def send_chunks(self, packed: PackedBundle, chunks: Sequence[bytes | None] | None = None) -> None:
        """Write a bundle's records, or others in their place."""
        places = enumerate(packed.chunks if chunks is None else chunks)
        self.send([(name_chunk(packed.sha256, number).encode(), chunk) for number, chunk in places])

    def write(self, told: dict[str, Any]) -> None:
        """Write the next entry, signed by Anna."""
        self.writer.write(told)
        self.send_record(self.writer.records[-1])

    def make_record(self, told: dict[str, Any], *, signed: bool = True, **place: Any) -> LedgerRecord:  # noqa: ANN401
        """Return an entry's record without taking it: it will be spoilt, or must not count."""
        entry: AnyEntry = self.writer.make(told, **place)
        return self.writer.record(to_signed(entry, [ANNA] if signed else []))

    def send_record(self, record: LedgerRecord) -> None:
        """Write a ledger record."""
        self.send([(record.key.encode(), record.value)])

    def send(self, keyed: Sequence[tuple[bytes, bytes | None]]) -> None:
        """Write records in this order and wait until they are durable."""
        self._kafka.produce(self._topic, keyed)

    def read_statuses(self) -> list[WorkerStatus]:
        """Return how the workers say that they stand."""
        return list(collect_statuses(self._kafka.read(self._status_topic)).values())  # type: ignore[arg-type]

    def wait_for(
        self, workers: Sequence[WorkerProcess], shown: Callable[[WorkerStatus], bool], within_s: float = 60.0
    ) -> list[WorkerStatus]:
        """Wait until every worker says what `shown` asks for; tells what they say if they never do."""
        until = time.monotonic() + within_s
        while True:
            statuses = self.read_statuses()
            if len(statuses) == len(workers) and all(map(shown, statuses)):
                return statuses
            if time.monotonic() > until:
                logs = "\n".join(worker.read_log()[-3_000:] for worker in workers)
                raise AssertionError(f"the workers say: {statuses}\n{logs}")
            time.sleep(0.1)

    def wait_live(self, workers: Sequence[WorkerProcess], bundle: str, within_s: float = 60.0) -> None:
        """Wait until every worker decides by a bundle."""
        self.wait_for(workers, lambda status: status.live == bundle, within_s)
