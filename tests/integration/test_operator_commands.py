import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Producer

from service.cli import app
from service.contracts.control import Resume, Trip
from service.contracts.dead_letter import CausedBy, DeadLetter, Unreadable
from service.settings import Settings
from service.worker.connection import build_connection
from service.worker.control import read_control, write_control
from service.worker.dead_letter_record import build_dead_letter
from tests.consumed import Consumed
from tests.kafka_broker import KafkaBroker

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def settings(kafka: KafkaBroker, unique: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings that the commands of this test read from the environment."""
    values = {"brokers": kafka.bootstrap, "group": unique}
    values |= {f"{role}_topic": f"{unique}.{role}" for role in ("submissions", "dead_letters", "control")}
    for name, value in values.items():
        monkeypatch.setenv(f"SLUICE_{name.upper()}", value)
    kafka.create_topics(values["submissions_topic"], values["dead_letters_topic"], partitions=2)
    kafka.create_topics(values["control_topic"], config={"cleanup.policy": "compact"})
    return Settings.model_validate(values)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            app(arguments, result_action="print_non_int_sys_exit")
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err

    return run_command


def trip(settings: Settings, at: datetime) -> None:
    told = Trip(build="1.2.3", cause="moderation_failed", message="60 of 100 ads failed", worker="host:1", at=at)
    asyncio.run(write_control(build_connection(settings), settings.control_topic, f"trip/{settings.group}", told))


def test_resume_clears_the_trip_and_shows_it(settings: Settings, run: Run) -> None:
    """Without a trip it says so and writes nothing; a trip from a clock ahead of ours is cleared as well."""
    assert run("resume")[:2] == (0, f"Group {settings.group} is not tripped.\n")
    ahead = datetime.now(UTC) + timedelta(hours=1)
    trip(settings, ahead)
    code, said, _ = run("resume", "--by", "night shift")
    assert code == 0
    assert f"Clearing the trip of group {settings.group}: moderation_failed: 60 of 100 ads failed" in said
    assert "by worker host:1, build 1.2.3" in said
    record = asyncio.run(read_control(build_connection(settings), settings.control_topic))[f"trip/{settings.group}"]
    assert isinstance(record, Resume)
    assert (record.by, record.at) == ("night shift", ahead)
    assert "is not tripped: night shift resumed it at" in run("resume")[1]


def bury(kafka: KafkaBroker, settings: Settings, value: bytes) -> None:
    letter = DeadLetter(Unreadable.NOT_JSON, CausedBy.SENDER, "character 1", "not JSON; send JSON")
    record = Consumed(settings.submissions_topic, 1, 41, 1_700_000_000_000, b"ad-1", value)
    built = build_dead_letter(record, letter, "1.2.3", 1_000_000)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(settings.dead_letters_topic, built.value, built.key, partition=1, headers=built.headers)
    producer.flush(30)


def test_a_dead_letter_is_found_saved_mended_and_put_back(
    kafka: KafkaBroker, settings: Settings, run: Run, tmp_path: Path
) -> None:
    """An operator's way from the list to the replay, and the marks that it leaves."""
    assert run("dead-letters", "list")[:2] == (0, "No dead letters match.\n")
    bury(kafka, settings, b"{oops")
    code, said, _ = run("dead-letters", "list")
    assert code == 0
    assert said.split()[0] == "1:0"
    assert "sender/not_json" in said
    saved = tmp_path / "value"
    assert (
        "original     " + settings.submissions_topic + "-1-41"
        in run("dead-letters", "show", "1:0", "--save", str(saved))[1]
    )
    assert saved.read_bytes() == b"{oops"
    code, said, _ = run("dead-letters", "replay", "1:0")
    assert code == 1
    assert "1:0 left: it would become a dead letter again (not_json)" in said
    saved.write_text(
        json.dumps(
            {
                "schema_version": 1,
                "ad_id": "ad-1",
                "revision": 1,
                "submitted_at": "2026-01-31T09:30:00Z",
                "advertiser": {"id": "adv-1"},
                "vertical": "retail",
                "market": "DE",
                "product": "feed",
                "creative": {"headline": "Running shoes"},
            }
        )
    )
    mend = ("dead-letters", "replay", "1:0", "--value", str(saved), "--by", "me")
    assert run(*mend, "--dry-run")[1].startswith(f"1:0 would go to {settings.submissions_topic}, partition 1\n")
    assert kafka.read(settings.submissions_topic) == []
    code, said, _ = run(*mend)
    assert code == 0
    assert said.splitlines() == [
        f"1:0 put back to {settings.submissions_topic}, partition 1",
        "1 put back, 0 left, 0 passed over (replayed before)",
    ]
    [record] = kafka.read(settings.submissions_topic)
    assert (record.key, record.value) == (b"ad-1", saved.read_bytes())
    assert run(*mend)[0] == 1
    assert json.loads(run("dead-letters", "list", "--json")[1])["replayed"]["by"] == "me"
    assert run("dead-letters", "replay", "--all")[:2] == (0, "0 put back, 0 left, 1 passed over (replayed before)\n")


def test_what_the_operator_mistyped_is_told_in_one_line(settings: Settings, run: Run) -> None:
    """Exit status 2, the reason on stderr, nothing on stdout."""
    for arguments, told in (
        (("show", "1"), "'1' is not PARTITION:OFFSET"),
        (("show", "1:5"), f"there is no dead letter at 1:5 in {settings.dead_letters_topic}"),
        (("replay",), "replay takes PARTITION:OFFSET (with --value FILE to mend it), or --all"),
        (("replay", "1:5", "--all"), "or --all"),
        (("replay", "--all", "--value", "/nowhere"), "or --all"),
        (("replay", "1:5", "--value", "/nowhere"), "--value /nowhere: No such file or directory"),
        (("list", "--since", "soon"), "--since 'soon' is not a time"),
    ):
        code, out, err = run("dead-letters", *arguments)
        assert (code, out) == (2, "")
        assert told in err
        assert err.count("\n") == 1
