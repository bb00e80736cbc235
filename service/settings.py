"""Every knob of Sluice: its environment variable, unit, bounds and default; the README's table is generated from it.

Read by pydantic alone: pydantic-settings would pass over a mistyped variable in silence.
"""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from service.shipped import shipped_path

PREFIX = "SLUICE_"
# Read by the Makefile, the demo and the tests, not by the service.
_FOREIGN = frozenset({"SLUICE_DATA", "SLUICE_KAFKA_CACHE"})


class SettingsError(ValueError):
    """The environment holds a setting that is unknown or out of bounds; the text names it and the remedy."""


class Settings(BaseModel):
    """The configuration of one process, read from environment variables with the prefix `SLUICE_`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, protected_namespaces=())

    brokers: str = Field("127.0.0.1:9092", description="Kafka bootstrap servers: host:port, separated by commas.")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to Kafka."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism, with a SASL_ protocol."
    )
    sasl_username: str = Field("", description="SASL user name.")
    sasl_password: SecretStr = Field(SecretStr(""), description="SASL password; prefer the file.")
    sasl_password_file: Path | None = Field(
        None, description="File that holds the SASL password, such as a mounted secret."
    )
    ssl_ca_file: Path | None = Field(None, description="PEM file of the certificate authority; default: the system's.")
    ssl_certificate_file: Path | None = Field(None, description="PEM file of the client's certificate (mutual TLS).")
    ssl_key_file: Path | None = Field(None, description="PEM file of the client's key (mutual TLS).")

    group: str = Field(
        "sluice", min_length=1, max_length=128, description="Consumer group; part of the transactional ids."
    )
    submissions_topic: str = Field("ads.submissions", description="Topic that ads come in on.")
    decisions_topic: str = Field("ads.decisions", description="Topic for decisions.")
    review_tasks_topic: str = Field("ads.review.tasks", description="Topic for uncertain ads.")
    dead_letters_topic: str = Field("ads.dead-letters", description="Topic for records that cannot be read.")
    control_topic: str = Field("ads.moderation.control", description="Sluice's own ledger: trips, resumes, replays.")
    strategies_topic: str = Field(
        "ads.strategies", description="Topic of the strategy bundles and of the signed ledger that puts them in force."
    )
    strategy_status_topic: str = Field(
        "ads.strategies.status", description="Topic on which each worker says what it runs by."
    )
    shadow_topic: str = Field(
        "ads.decisions.shadow", description="Topic for what a candidate would have decided, beside what was decided."
    )
    topics_file: Path = Field(
        default_factory=lambda: shipped_path("deploy/topics.yaml"), description="What the topics have to be like."
    )
    topics_check: Literal["full", "partitions"] = Field(
        "full", description="`partitions` leaves out size limits, for a broker that cannot tell its configuration."
    )

    delivery: Literal["exactly_once", "at_least_once"] = Field(
        "exactly_once", description="One transaction a chunk, or commits after delivery."
    )
    chunk_records: int = Field(1_024, ge=1, le=10_000, description="Most records moderated as one chunk.")
    chunk_bytes: int = Field(
        4_194_304, ge=1_048_576, description="Most bytes of records in one chunk (one record may exceed it)."
    )
    transaction_records: int = Field(4_096, ge=1, le=100_000, description="Most records joined in one transaction.")
    transaction_linger_ms: float = Field(
        10.0,
        ge=0,
        le=1_000,
        description="Least wait to fill a partition's next transaction when the last was small.",
    )
    queued_chunks: int = Field(8, ge=1, le=1_000, description="Chunks that wait for moderation before fetching pauses.")
    fetch_partition_bytes: int = Field(
        1_048_576, ge=65_536, description="Most compressed bytes fetched at once, a partition."
    )
    session_timeout_s: float = Field(
        15.0, ge=6, le=300, description="Without a heartbeat for so long a worker is dead."
    )
    heartbeat_interval_s: float = Field(3.0, ge=0.1, description="Between heartbeats; at most a third of the session.")
    rebalance_timeout_s: float = Field(
        60.0, ge=10, description="Longest drain at a rebalance; above the slowest chunk."
    )
    transaction_timeout_s: float = Field(
        15.0, ge=5, le=900, description="The broker aborts a transaction left open so long."
    )
    request_timeout_s: float = Field(30.0, ge=5, description="Longest wait for a broker's answer.")

    model_dir: Path = Field(
        default_factory=lambda: shipped_path("models/stage_a"), description="Folder of the classifier and its manifest."
    )
    strategies_dir: Path = Field(
        default_factory=lambda: shipped_path("deploy/strategies"), description="Folder of the strategy bundle."
    )
    image_bundle: Literal["never", "when_empty", "when_unreachable"] = Field(
        "when_empty",
        description="When a worker may decide by the bundle in that folder: never; when none was ever published; also "
        "when the strategies topic cannot be read at start.",
    )
    strategy_keys_dir: Path | None = Field(
        None, description="Folder of the public keys (NAME.pem, Ed25519) whose signatures put strategies in force."
    )
    signing_key_file: Path | None = Field(
        None, description="PEM file of the private key that the command line signs with; its name is the file's."
    )
    allow_unsigned_strategies: bool = Field(
        default=False, description="Whether unsigned strategies count; for a cluster that nobody else can write to."
    )
    status_interval_s: float = Field(
        2.0, ge=0.1, le=60, description="Between a worker's reports on the strategy status topic."
    )
    shadow_buffer_ads: int = Field(
        8_000,
        ge=1,
        le=1_000_000,
        description="Ads, some 7 KB each, that wait for the candidate's ruling; what comes beyond is dropped.",
    )
    shadow_budget_us: float = Field(
        2_000, gt=0, description="A candidate that costs more than this an ad, in microseconds, is switched off."
    )
    rollout_guard_reject_margin: float = Field(
        0.02,
        ge=0,
        lt=1,
        description="A candidate that rejects more of the same ads than live, by this share, is stopped.",
    )
    rollout_guard_review_margin: float = Field(
        0.05, ge=0, lt=1, description="The same for ads that it sends to review."
    )
    rollout_guard_approve_margin: float = Field(
        0.05, ge=0, lt=1, description="The same for ads that it approves: above it, it lets too much through."
    )
    rollout_guard_failure_margin: float = Field(0.01, ge=0, lt=1, description="The same for ads that it fails on.")
    rollout_guard_alpha: float = Field(
        0.001, gt=0, lt=1, description="Probability that a harmless rollout is ever stopped, all guards and workers."
    )
    rollout_guard_window_s: float = Field(
        3_600.0, gt=0, description="Window in which an advertiser counts once; then the tests begin anew."
    )

    guard_window_s: float = Field(300.0, gt=0, description="Window over which shares of failures are measured.")
    guard_min_ads: int = Field(50, ge=1, description="Fewer ads than this in the window never trip the worker.")
    guard_max_moderation_failed_share: float = Field(
        0.2, gt=0, le=1, description="Above this share of ads that failed in moderation the worker stops fetching."
    )
    guard_max_service_dead_letter_share: float = Field(
        0.05, gt=0, le=1, description="Above this share of dead letters that Sluice caused the worker stops fetching."
    )
    guard_max_sender_dead_letter_share: float | None = Field(
        None, gt=0, le=1, description="The same for dead letters that senders caused; off unless set."
    )

    web_host: str = Field("127.0.0.1", description="Address of /metrics, /healthz and /readyz.")
    web_port: int = Field(
        9464, ge=0, le=65_535, description="Port of /metrics, /healthz and /readyz; 0 takes a free one."
    )
    stall_s: float = Field(60.0, ge=10, description="No progress for so long, with work waiting, fails /healthz.")
    monitor_interval_s: float = Field(2.0, gt=0, le=60, description="Between looks at lag, progress and the broker.")
    broker_wait_s: float = Field(
        0.0, ge=0, description="Give up on an unreachable broker at start after so long; 0: never."
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["json", "console"] = Field("json", description="JSON lines, or text for a person.")
    log_ad_texts: bool = Field(default=False, description="Whether logs may hold texts of ads.")
    build_id: str = Field(
        "", max_length=128, description="Identity of the deployed build, such as a commit; default: the release."
    )

    @model_validator(mode="after")
    def _relate_timeouts(self) -> "Settings":
        if self.heartbeat_interval_s * 3 > self.session_timeout_s:
            raise ValueError("heartbeat_interval_s must be at most a third of session_timeout_s; lower it")
        if self.session_timeout_s > self.request_timeout_s:
            raise ValueError("session_timeout_s must not exceed request_timeout_s; lower it")
        if self.session_timeout_s > self.rebalance_timeout_s:
            raise ValueError("rebalance_timeout_s must be at least session_timeout_s; raise it")
        return self

    def sasl_secret(self) -> str:
        """Return the SASL password, from the file if one is named. Raises SettingsError if it cannot be read."""
        if self.sasl_password_file is None:
            return self.sasl_password.get_secret_value()
        try:
            return self.sasl_password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"SLUICE_SASL_PASSWORD_FILE: {error}; name a readable file of UTF-8 text") from None


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment; raises SettingsError naming every fault, a mistyped name among them."""
    environ = os.environ if environ is None else environ
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    faults = [
        _word_unknown(name, known)
        for name in sorted(environ)
        if name.upper().startswith(PREFIX) and name not in known | _FOREIGN
    ]
    values = {
        name: environ[variable] for name in Settings.model_fields if (variable := PREFIX + name.upper()) in environ
    }
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        faults += [_word_fault(e["loc"], e["msg"]) for e in error.errors()]
    if faults:
        raise SettingsError("; ".join(faults))
    return settings


def _word_unknown(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name.upper(), known, n=1)
    return f"{name} is not a setting" + (f"; did you mean {near[0]}?" if near else "; see `sluice settings`")


def _word_fault(location: tuple[int | str, ...], message: str) -> str:
    name = PREFIX + str(location[0]).upper() if location else "settings"
    return f"{name}: {message.removeprefix('Value error, ')}"
