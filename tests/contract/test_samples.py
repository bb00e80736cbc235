"""Every stored record of every released version keeps loading and says the same when it is written again."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from pydantic import BaseModel

from service.contracts.control import CONTROL_RECORD
from service.contracts.dead_letter import CausedBy, Unreadable
from service.contracts.decision import Decision, Outcome, Source
from service.contracts.ledger import ENTRY, Entry, Envelope
from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.contracts.review_task import ReviewTask
from service.contracts.schemas import VERSION, render_schemas
from service.contracts.shadow_decision import ShadowDecision
from service.contracts.submission import Submission
from service.contracts.worker_status import WorkerStatus

SAMPLES = Path(__file__).parent / "samples"
RELEASED = range(1, VERSION + 1)
KINDS = (
    "submission",
    "decision",
    "review_task",
    "control",
    "dead_letter",
    "ledger_envelope",
    "ledger_entry",
    "worker_status",
    "shadow_decision",
)


def load_submission(value: bytes) -> Submission:
    submission, unknown = read_submission(value)
    assert unknown == ()
    return submission


LOADERS: dict[str, Callable[[bytes], BaseModel]] = {
    "submission": load_submission,
    "decision": Decision.model_validate_json,
    "review_task": ReviewTask.model_validate_json,
    "control": CONTROL_RECORD.validate_json,
    "ledger_envelope": Envelope.model_validate_json,
    "ledger_entry": ENTRY.validate_json,
    "worker_status": WorkerStatus.model_validate_json,
    "shadow_decision": ShadowDecision.model_validate_json,
}


def find_samples(*kinds: str) -> list[Any]:
    """Return the samples of these contracts of every version, as pytest's parameters."""
    paths = sorted(path for kind in kinds for path in SAMPLES.glob(f"v*/{kind}-*.json"))
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in paths]


def kind_of(path: Path) -> str:
    return path.stem.partition("-")[0]


@pytest.mark.parametrize("path", find_samples(*LOADERS))
def test_a_sample_loads_and_says_the_same_when_written_again(path: Path) -> None:
    """What was sent is what is read: no field lost, renamed, rounded or re-spelt."""
    stored = path.read_bytes()
    loaded = LOADERS[kind_of(path)](stored)
    assert json.loads(loaded.model_dump_json(exclude_unset=True)) == json.loads(stored)


@pytest.mark.parametrize("path", find_samples(*LOADERS))
def test_a_sample_survives_a_full_round_trip(path: Path) -> None:
    """With its defaults written out, too, it is read as the same record."""
    load = LOADERS[kind_of(path)]
    loaded = load(path.read_bytes())
    assert load(loaded.model_dump_json().encode()) == loaded


@pytest.mark.parametrize("path", find_samples(*LOADERS))
def test_a_sample_is_valid_by_the_published_schema(path: Path) -> None:
    """A reader that generates code from the schema accepts the records of every release."""
    name = kind_of(path).replace("_", "-")
    schema = json.loads(render_schemas()[f"{name}.schema.json"])
    jsonschema.Draft202012Validator(schema).validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize("path", find_samples("dead_letter"))
def test_a_dead_letter_is_still_refused_for_the_same_reason(path: Path) -> None:
    """Class, culprit and place are stable, since scripts sort dead letters by them; the wording may improve."""
    stored = json.loads(path.read_bytes())
    headers = stored["headers"]
    jsonschema.Draft202012Validator(json.loads(render_schemas()["dead-letter-headers.schema.json"])).validate(headers)
    with pytest.raises(UnreadableSubmissionError) as caught:
        read_submission(base64.b64decode(stored["value_base64"]))
    letter = caught.value.dead_letter
    assert letter.error == Unreadable(headers["sluice.errors.exception.class.name"])
    assert letter.caused_by == CausedBy(headers["sluice.errors.caused.by"])
    assert letter.place == headers["sluice.errors.place"]


@pytest.mark.parametrize("version", RELEASED)
@pytest.mark.parametrize("kind", KINDS)
def test_every_released_version_has_samples_of_every_contract(version: int, kind: str) -> None:
    """A release without a stored sample is not protected against the next change."""
    assert list((SAMPLES / f"v{version}").glob(f"{kind}-*.json")), (
        f"add tests/contract/samples/v{version}/{kind}-*.json"
    )


@pytest.mark.parametrize("contract", [Submission, Decision, ReviewTask, Entry, WorkerStatus, ShadowDecision])
def test_the_contracts_read_exactly_the_released_versions(contract: type[BaseModel]) -> None:
    """A new `schema_version` needs `schemas.VERSION` raised, and with it samples."""
    assert get_args(contract.model_fields["schema_version"].annotation) == tuple(RELEASED)


def test_the_samples_show_every_kind_of_control_record() -> None:
    """Trip, resume, replay and halt each have one."""
    found = {json.loads(path.read_bytes())["kind"] for path in SAMPLES.glob("v1/control-*.json")}
    assert found == {"trip", "resume", "replay", "halt"}


def test_the_samples_show_every_kind_of_ledger_entry() -> None:
    """What puts a bundle, a rollout or a block in force, and what takes it back."""
    found = {json.loads(path.read_bytes())["kind"] for path in SAMPLES.glob("v1/ledger_entry-*.json")}
    assert found == {"publish", "rollout", "abort", "promote", "block", "lift"}


def test_the_samples_show_every_outcome_and_source() -> None:
    """Approval, review and rejection, by rule, model and failure."""
    decisions = [Decision.model_validate_json(path.read_bytes()) for path in SAMPLES.glob("v1/decision-*.json")]
    assert {decision.outcome for decision in decisions} == set(Outcome)
    assert {reason.source for decision in decisions for reason in decision.reasons} == set(Source)


def test_every_sample_is_named_after_a_contract() -> None:
    """A mistyped file name would leave its sample unread."""
    assert {kind_of(path) for path in SAMPLES.glob("v*/*")} == set(KINDS)
    assert {path.name for path in SAMPLES.iterdir() if path.is_dir()} == {f"v{version}" for version in RELEASED}


@pytest.mark.parametrize("path", find_samples("decision", "review_task"))
def test_a_reader_ignores_fields_of_later_releases(path: Path) -> None:
    """A field that an older reader does not know does not stop it."""
    stored = json.loads(path.read_bytes())
    load = LOADERS[kind_of(path)]
    later = json.dumps({**stored, "a_later_field": {"x": [1]}}).encode()
    assert load(later) == load(path.read_bytes())
