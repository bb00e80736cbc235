"""The commands that publish, as strategists type them, on a real Kafka; workers are played by their status records."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from service.contracts.control import Halt, name_halt
from service.contracts.ledger import Block, Envelope, name_entry
from service.contracts.worker_status import Refusal, WorkerStatus
from service.release.signing import SigningKey, sign
from service.settings import load_settings
from service.worker.ledger_access import LostRaceError, open_ledger
from tests.integration.conftest import Run
from tests.integration.strategies import write_strategies
from tests.kafka_broker import KafkaBroker

GAMES = "  - {id: games, policy: gambling, when: ['ad.vertical == \"games\"'], action: review}\n"
GUARDED = """\
id: political
owner: team
description: Two people look at it.
scope: {vertical: political}
approvals: 2
thresholds: {political_issue: {approve_below: %s}}
"""


@pytest.fixture
def topics(kafka: KafkaBroker, unique: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Make the topics of the ledger and name them, and nobody's key, in the environment."""
    names = {f"{role}_topic": f"{unique}.{role}" for role in ("strategies", "strategy_status", "control")}
    kafka.create_topics(*names.values(), config={"cleanup.policy": "compact"})
    keys = tmp_path / "keys"
    keys.mkdir()
    values = {"brokers": kafka.bootstrap, "group": unique, "strategy_keys_dir": str(keys), **names}
    for name, value in values.items():
        monkeypatch.setenv(f"SLUICE_{name.upper()}", value)
    return names


@pytest.fixture
def keys(topics: dict[str, str], run: Run, tmp_path: Path) -> dict[str, Path]:
    """Make the keys of two people that the workers know, and of one that they do not."""
    for name, folder in (("anna", "keys"), ("ben", "keys"), ("eve", "elsewhere")):
        assert run("strategy", "keygen", name, "--to", tmp_path / folder)[0] == 0
    return {name: next(tmp_path.glob(f"*/{name}.key")) for name in ("anna", "ben", "eve")}


def publish(run: Run, folder: Path, key: Path, channel: str = "live", *more: str) -> tuple[int, str, str]:
    told = ("--channel", channel, "--reason", "a test", "--key", str(key), "--no-wait", *more)
    return run("strategy", "publish", folder, *told)


def change(run: Run, key: Path, *command: str) -> tuple[int, str, str]:
    return run("strategy", *command, "--reason", "a test", "--key", str(key), "--no-wait")


def status_of(worker: str, sequence: int, live: str | None, *refusals: Refusal) -> WorkerStatus:
    return WorkerStatus(
        worker=worker, group="g", build="1", at=datetime.now(UTC), state="running", sequence=sequence,
        source="topic", live=live, refusals=refusals,
    )  # fmt: skip


def report(kafka: KafkaBroker, topic: str, *statuses: WorkerStatus) -> None:
    kafka.produce(topic, [(one.worker.encode(), one.model_dump_json().encode()) for one in statuses])


def read_ledger(kafka: KafkaBroker, topic: str) -> list[dict[str, Any]]:
    values = [record.value for record in kafka.read(topic) if (record.key or b"").startswith(b"ledger/")]
    return [json.loads(json.loads(value)["entry"]) for value in values if value]


def test_a_bundle_is_published_rolled_out_promoted_and_taken_back(
    kafka: KafkaBroker, topics: dict[str, str], keys: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """What lies on the topic, what the history says, and that a bundle comes back byte for byte."""
    anna = keys["anna"]
    first = write_strategies(tmp_path / "v1", "1")
    second = write_strategies(tmp_path / "v2", "2", GAMES)
    code, said, err = publish(run, first, anna)
    assert (code, err) == (0, "")
    assert said.startswith("Entry 1, signed by anna: publish 1 (")
    assert publish(run, second, anna, "candidate")[0] == 0
    code, said, _ = change(run, anna, "rollout", "--percent", "1", "--scope", "market=GB,market=FR,vertical=games")
    assert code == 0
    assert "1 % of the advertisers of GB, FR, games by" in said
    assert change(run, anna, "rollout", "--percent", "10")[0] == 0
    assert change(run, anna, "rollback")[2].count("is under way: `sluice strategy abort`") == 1
    assert change(run, anna, "promote")[0] == 0
    code, said, _ = change(run, anna, "rollback")
    assert "roll back to 1 (" in said
    entries = read_ledger(kafka, topics["strategies_topic"])
    assert [entry["kind"] for entry in entries] == ["publish", "publish", "rollout", "rollout", "promote", "publish"]
    assert entries[3]["scope"] == entries[2]["scope"]
    assert entries[3]["rollout"] == entries[2]["rollout"]
    chunks = [record.key for record in kafka.read(topics["strategies_topic"]) if b"bundle/" in (record.key or b"")]
    assert len(chunks) == len(set(chunks)) == 2
    lines = [json.loads(line) for line in run("strategy", "history", "--json", "--channel", "live")[1].splitlines()]
    assert [(line["sequence"], line["signed_by"], line["reason"]) for line in lines] == [
        (number, ["anna"], "a test") for number in (1, 5, 6)
    ]
    code, said, _ = run("strategy", "history")
    assert [line.split()[0] for line in said.splitlines()] == ["entry", "1", "2", "3", "4", "5", "6"]
    assert run("strategy", "fetch", "2", tmp_path / "back")[0] == 0
    assert (tmp_path / "back" / "default.yaml").read_bytes() == (second / "default.yaml").read_bytes()
    code, said, _ = run("strategy", "diff", "live", second)
    assert code == 0
    assert "+ rules › games" in said
    assert run("strategy", "diff", "live", first)[1] == "No difference.\n"


def test_two_people_sign_what_the_strategy_says(
    kafka: KafkaBroker, topics: dict[str, str], keys: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """One signature makes a proposal; the same person's second one does not help; another's puts it in force."""
    folder = write_strategies(tmp_path / "v1", "1")
    (folder / "political.yaml").write_text(GUARDED % 0.9)
    code, said, _ = publish(run, folder, keys["anna"])
    assert code == 0
    assert "Proposed, not in force: publish 1 (" in said
    assert "strategy 'political' changes and needs 2 people's signatures, there are 1 (anna)" in said
    sha256 = said.split("`sluice strategy approve ")[1].split("`")[0]
    assert read_ledger(kafka, topics["strategies_topic"]) == []
    assert "waits for `sluice strategy approve" in run("strategy", "status")[1]
    approve = ("strategy", "approve", sha256, "--yes", "--no-wait", "--key")
    assert "anna has signed it already" in run(*approve, keys["anna"])[2]
    assert "the workers would not know the key 'eve'" in run(*approve, keys["eve"])[2]
    assert run("strategy", "approve", sha256, "--no-wait", "--key", keys["ben"])[2].endswith("pass --yes\n")
    code, said, err = run(*approve, keys["ben"])
    assert (code, err) == (0, "")
    assert "+ strategy political" in said
    assert "Entry 1, signed by anna, ben: publish 1" in said
    assert "0 proposals are for" in run(*approve, keys["ben"])[2]
    table = run("strategy", "history")[1]
    assert "ben" in table.splitlines()[1].split()


def test_an_entry_in_between_makes_the_first_signature_lapse(
    topics: dict[str, str], keys: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """The second person proposes it anew, and the first one completes it."""
    folder = write_strategies(tmp_path / "v1", "1")
    (folder / "political.yaml").write_text(GUARDED % 0.9)
    sha256 = publish(run, folder, keys["anna"])[1].split("`sluice strategy approve ")[1].split("`")[0]
    block = ("block", "host", "evil.example", "--for", "1h", "--reason", "now", "--policy", "phishing", "--no-wait")
    assert run(*block, "--key", keys["ben"])[0] == 0
    code, said, _ = run("strategy", "approve", sha256, "--yes", "--no-wait", "--key", keys["ben"])
    assert code == 0
    assert "the first signature lapsed" in said
    code, said, _ = run("strategy", "approve", sha256, "--yes", "--no-wait", "--key", keys["anna"])
    assert "Entry 2, signed by ben, anna" in said


def test_a_rollout_and_a_promotion_need_what_going_live_needs(
    kafka: KafkaBroker, topics: dict[str, str], keys: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """A candidate may be published by one; that it decides ads, for however few, takes two."""
    anna, ben = keys["anna"], keys["ben"]
    assert publish(run, write_strategies(tmp_path / "v1", "1"), anna)[0] == 0
    folder = write_strategies(tmp_path / "v2", "2")
    (folder / "political.yaml").write_text(GUARDED % 0.9)
    assert publish(run, folder, anna, "candidate")[1].startswith("Entry 2, signed by anna")
    for number, command in ((3, ("rollout", "--percent", "1")), (4, ("promote",))):
        code, said, _ = change(run, anna, *command)
        assert (code, said.startswith("Proposed, not in force: ")) == (0, True)
        sha256 = said.split("`sluice strategy approve ")[1].split("`")[0]
        code, said, _ = run("strategy", "approve", sha256, "--yes", "--no-wait", "--key", ben)
        assert f"Entry {number}, signed by anna, ben: " in said
    assert change(run, ben, "rollback")[1].startswith("Entry 5, signed by ben: roll back to 1")


def test_of_two_who_publish_at_once_the_second_is_told(
    topics: dict[str, str], keys: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """It learns so by reading back, and what the first wrote is in force."""
    assert publish(run, write_strategies(tmp_path / "v1", "1"), keys["anna"])[0] == 0
    settings, key = load_settings(), SigningKey.load(keys["ben"])

    async def race() -> None:
        async with open_ledger(settings) as first, open_ledger(settings) as second:
            for access, name in ((first, "one"), (second, "two")):
                entry = access.make(
                    Block, "ben", "race", block=name, what="host", value="x.example", policy="spam",
                    expires_at=datetime(2100, 1, 1, tzinfo=UTC),
                )  # fmt: skip
                text = entry.model_dump_json()
                await access.append(Envelope(entry=text, signatures=(sign(text, key),)))

    with pytest.raises(LostRaceError, match=r"somebody else wrote entry 2 first \(block by ben: race\)"):
        asyncio.run(race())
    code, said, err = run("block", "list", "--json")
    assert (code, [json.loads(line)["block"] for line in said.splitlines()], err) == (0, ["one"], "")


def test_the_status_shows_what_stopped_a_rollout(
    kafka: KafkaBroker, topics: dict[str, str], keys: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """Until the rollout is set anew."""
    assert publish(run, write_strategies(tmp_path / "v1", "1"), keys["anna"])[0] == 0
    assert publish(run, write_strategies(tmp_path / "v2", "2", GAMES), keys["anna"], "candidate")[0] == 0
    assert change(run, keys["anna"], "rollout", "--percent", "5", "--name", "games")[0] == 0
    halt = Halt(
        rollout="games",
        sequence=3,
        cause="reject_share",
        message="31 % against 4 %",
        worker="w:1",
        at=datetime.now(UTC),
    )
    kafka.produce(topics["control_topic"], [(name_halt("games").encode(), halt.model_dump_json().encode())])
    said = run("strategy", "status")[1]
    assert "stopped    by its guard rail reject_share: 31 % against 4 %" in said
    assert json.loads(run("strategy", "status", "--json")[1])["halt"]["cause"] == "reject_share"
    assert change(run, keys["anna"], "rollout", "--percent", "5")[0] == 0
    assert "stopped" not in run("strategy", "status")[1]


def test_who_must_not_publish_is_told_so(
    kafka: KafkaBroker, topics: dict[str, str], keys: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """An unknown key, no key, a broken bundle, failing tests, a version that was taken: nothing is written."""
    folder = write_strategies(tmp_path / "v1", "1")
    assert "the workers would not know the key 'eve'" in publish(run, folder, keys["eve"])[2]
    code, _, err = run("strategy", "publish", folder, "--channel", "live", "--reason", "r", "--no-wait")
    assert (code, err) == (2, "sluice: no key to sign with; pass --key FILE, or set SLUICE_SIGNING_KEY_FILE\n")
    broken = write_strategies(
        tmp_path / "broken", "1", "  - {id: x, policy: gamblin, when: ['true'], action: review}\n"
    )
    code, said, _ = publish(run, broken, keys["anna"])
    assert code == 1
    assert "did you mean 'gambling'?" in said
    assert read_ledger(kafka, topics["strategies_topic"]) == []
    assert kafka.read(topics["strategies_topic"]) == []
    assert publish(run, folder, keys["anna"])[0] == 0
    other = write_strategies(tmp_path / "other", "1", GAMES)
    code, _, err = publish(run, other, keys["anna"])
    assert code == 2
    assert "version 1 is another bundle already" in err
    assert "raise `version` in bundle.yaml" in err


def test_without_keys_nothing_is_signed_or_read(
    topics: dict[str, str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the settings allow unsigned entries, for a cluster of one's own."""
    folder = write_strategies(tmp_path / "v1", "1")
    unsigned = ("strategy", "publish", folder, "--channel", "live", "--reason", "r", "--no-wait")
    assert "no public keys: set SLUICE_STRATEGY_KEYS_DIR" in run(*unsigned)[2]
    monkeypatch.setenv("SLUICE_ALLOW_UNSIGNED_STRATEGIES", "true")
    code, said, _ = run(*unsigned)
    assert (code, said.startswith("Entry 1, unsigned: publish 1")) == (0, True)
    assert "(unsigned)" in run("strategy", "history")[1]


@contextmanager
def play_workers(
    kafka: KafkaBroker, topics: dict[str, str], answer: Callable[[int], list[WorkerStatus]]
) -> Iterator[None]:
    """Report what workers are told to say, once an entry lies on the topic."""
    done = threading.Event()

    def follow() -> None:
        seen = 0
        while not done.is_set():
            if (entries := len(read_ledger(kafka, topics["strategies_topic"]))) > seen:
                seen = entries
                report(kafka, topics["strategy_status_topic"], *answer(entries))
            time.sleep(0.1)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_publish_waits_for_all_live_workers(
    kafka: KafkaBroker, topics: dict[str, str], keys: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """One runs by it, one refuses it with its reason, one is late: the exit status says no, the text which and why."""
    folder = write_strategies(tmp_path / "v1", "1")
    report(kafka, topics["strategy_status_topic"], *(status_of(name, 0, None) for name in ("good:1", "late:1", "no:1")))

    def answer(sequence: int) -> list[WorkerStatus]:
        sha256 = read_ledger(kafka, topics["strategies_topic"])[-1]["bundle"]
        refusal = Refusal(sequence=sequence, bundle=sha256, why="its tests fail", at=datetime.now(UTC))
        return [status_of("good:1", sequence, sha256), status_of("no:1", sequence, "e" * 64, refusal)]

    told = ("--channel", "live", "--reason", "r", "--key", str(keys["anna"]), "--timeout", "4")
    with play_workers(kafka, topics, answer):
        code, said, _ = run("strategy", "publish", folder, *told)
    assert code == 1
    lines = said.splitlines()
    assert lines[1].startswith("1 of 3 live workers run by it after ")
    assert lines[2].startswith("  late:1 does not (it reported ")
    assert lines[3] == "  no:1 refused it: its tests fail"
    table = run("strategy", "status")[1]
    assert "good:1" in table
    assert "no:1 refused entry 1: its tests fail" in table


def test_a_block_is_in_force_lasts_and_is_lifted(
    kafka: KafkaBroker, topics: dict[str, str], keys: dict[str, Path], run: Run
) -> None:
    """It says how long the workers took; the list shows it; a value that cannot be looked for is refused."""
    anna = str(keys["anna"])
    report(kafka, topics["strategy_status_topic"], status_of("good:1", 0, None))
    put = ("--for", "48h", "--reason", "fraud ring", "--policy", "phishing", "--key", anna)
    with play_workers(kafka, topics, lambda sequence: [status_of("good:1", sequence, None)]):
        code, said, _ = run("block", "host", "Evil.Example", *put)
    assert code == 0
    assert "block host-evil.example: host evil.example until" in said
    assert "1 of 1 live workers run by it after" in said
    assert run("block", "text-hash", "--text", "Win  BIG now", *put, "--name", "win", "--no-wait")[0] == 0
    blocks = [json.loads(line) for line in run("block", "list", "--json")[1].splitlines()]
    assert [(one["block"], one["what"], one["author"]) for one in blocks] == [
        ("host-evil.example", "host", "anna"),
        ("win", "text-hash", "anna"),
    ]
    assert run("block", "lift", "win", "--reason", "over", "--key", anna, "--no-wait")[0] == 0
    assert "host-evil.example" in run("block", "list")[1]
    for arguments, told in (
        (("host", "no host", *put), "'no host' is no host; write a bare host"),
        (("term", "a", *put), "it is too short"),
        (("text-hash", "12", *put), "is no SHA-256"),
        (("text-hash", *put), "takes either the SHA-256"),
        (("host", "x.example", "--for", "soon", *put[2:]), "--for 'soon': write '90m'"),
        (("host", "x.example", *put[:4], "--policy", "fishing", "--key", anna), "did you mean 'phishing'?"),
        (("lift", "wim", "--reason", "r", "--key", anna), "there is no block 'wim'"),
    ):
        code, said, err = run("block", *arguments)
        assert (code, said) == (2, "")
        assert told in err


def test_what_others_wrote_to_the_topic_is_told_and_passed_over(
    kafka: KafkaBroker, topics: dict[str, str], keys: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """Noise, a replayed entry and a tombstone: the ledger goes on, and a warning says what was met."""
    anna, topic = keys["anna"], topics["strategies_topic"]
    assert publish(run, write_strategies(tmp_path / "v1", "1"), anna)[0] == 0
    [entry] = [record for record in kafka.read(topic) if (record.key or b"").startswith(b"ledger/")]
    assert publish(run, write_strategies(tmp_path / "v2", "2", GAMES), anna)[0] == 0
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for key, value in (
        (entry.key, entry.value),
        (name_entry(3, "f" * 64).encode(), b"{}"),
        (name_entry(3, "e" * 64).encode(), None),
    ):
        producer.produce(topic, value, key)
    producer.flush(30)
    code, said, err = run("strategy", "history", "--json")
    assert (code, len(said.splitlines())) == (0, 2)
    assert err.startswith("sluice: 2 records of the ledger do not count; the first: the record is no envelope")
    assert change(run, anna, "rollback")[0] == 0


def test_a_damaged_bundle_is_told_and_mended_by_publishing_it_again(
    kafka: KafkaBroker, topics: dict[str, str], keys: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """Its record was overwritten or deleted, or somebody added one that is none of its own, which does no harm."""
    topic, folder = topics["strategies_topic"], write_strategies(tmp_path / "v1", "1")
    assert publish(run, folder, keys["anna"])[0] == 0
    [chunk] = [record for record in kafka.read(topic) if (record.key or b"").startswith(b"bundle/")]
    assert chunk.key is not None
    kafka.produce(topic, [(chunk.key[:-1] + b"7", b"foreign"), (b"bundle/x", b"foreign")])
    assert run("strategy", "fetch", "live", tmp_path / "whole")[0] == 0
    for number, (value, told) in enumerate(((b"\0" * 100, "record 0 is no part of a bundle"), (None, "is not in"))):
        kafka.produce(topic, [(chunk.key, value)])
        code, _, err = run("strategy", "fetch", "live", tmp_path / "damaged")
        assert (code, told in err, "publish the bundle again" in err) == (2, True, True)
        assert publish(run, folder, keys["anna"])[0] == 0
        assert run("strategy", "fetch", "live", tmp_path / f"mended-{number}")[0] == 0


def test_what_was_mistyped_is_told_in_one_line(
    topics: dict[str, str], keys: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """Exit status 2, the reason on stderr, nothing on stdout."""
    sign = ("--reason", "r", "--key", str(keys["anna"]), "--no-wait")
    (tmp_path / "taken").mkdir()
    for arguments, told in (
        (("promote", *sign), "there is no candidate; publish one"),
        (("abort", *sign), "there is no candidate"),
        (("rollout", "--percent", "1", *sign), "there is no candidate"),
        (("rollback", *sign), "nothing was live before"),
        (("rollback", "9", *sign), "'9' is no bundle that was published"),
        (("diff", "live", "candidate"), "there is no live bundle"),
        (("fetch", "abcdef", str(tmp_path / "taken")), "'abcdef' is no bundle that was published"),
        (("approve", "abc", "--key", str(keys["ben"]), "--no-wait"), "0 proposals are for 'abc'; there are: none"),
        (("keygen", "anna", "--to", str(tmp_path / "keys")), "exists already"),
        (("keygen", "a b", "--to", str(tmp_path / "keys")), "is no name of a key"),
        (("publish", "/nowhere", "--channel", "live", *sign), "is no folder"),
    ):
        code, out, err = run("strategy", *arguments)
        assert (code, out) == (2, ""), (arguments, out, err)
        assert told in err
        assert err.count("\n") == 1
