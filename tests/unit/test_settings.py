from pathlib import Path

import pytest
from pydantic import ValidationError

from service.cli.settings import insert_settings, render_settings
from service.settings import PREFIX, Settings, SettingsError, load_settings

SECRET = "correct horse battery staple"  # noqa: S105 - to be looked for


def refuse(environ: dict[str, str]) -> str:
    """Return the text with which an environment is refused."""
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return str(caught.value)


def test_without_variables_the_defaults_hold() -> None:
    """A worker on the developer's own Kafka needs no configuration."""
    settings = load_settings({"PATH": "/bin", "HOME": "/root"})
    assert settings == Settings.model_validate({})
    assert settings.delivery == "exactly_once"
    assert settings.topics_file.is_file()
    assert settings.model_dir.is_dir()
    assert settings.strategies_dir.is_dir()


def test_variables_are_read_with_their_types() -> None:
    """Numbers, choices, switches and paths come as text."""
    settings = load_settings(
        {
            "SLUICE_BROKERS": "a:1,b:2",
            "SLUICE_CHUNK_RECORDS": "99",
            "SLUICE_STALL_S": "12.5",
            "SLUICE_LOG_AD_TEXTS": "true",
            "SLUICE_DELIVERY": "at_least_once",
            "SLUICE_MODEL_DIR": "/models",
        }
    )
    assert (settings.brokers, settings.chunk_records, settings.stall_s) == ("a:1,b:2", 99, 12.5)
    assert (settings.log_ad_texts, settings.delivery, settings.model_dir) == (True, "at_least_once", Path("/models"))


@pytest.mark.parametrize(
    ("variable", "near"),
    [
        ("SLUICE_BROKER", "SLUICE_BROKERS"),
        ("SLUICE_CHUNK_RECORD", "SLUICE_CHUNK_RECORDS"),
        ("SLUICE_DELIVERIES", "SLUICE_DELIVERY"),
        ("sluice_brokers", "SLUICE_BROKERS"),
        ("Sluice_Group", "SLUICE_GROUP"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest(variable: str, near: str) -> None:
    """A mistyped variable, or one in small letters, would otherwise change nothing and say nothing."""
    assert refuse({variable: "x"}) == f"{variable} is not a setting; did you mean {near}?"


def test_a_variable_like_no_other_leads_to_the_list() -> None:
    """Where no name is near, the way to all names is told."""
    assert refuse({"SLUICE_QQQQQQ": "x"}) == "SLUICE_QQQQQQ is not a setting; see `sluice settings`"


@pytest.mark.parametrize("variable", ["SLUICE_DATA", "SLUICE_KAFKA_CACHE"])
def test_variables_of_the_makefile_are_left_alone(variable: str) -> None:
    """They belong to the checkout's tools, not to the service."""
    assert load_settings({variable: "x"}) == load_settings({})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SLUICE_CHUNK_RECORDS", "0"),
        ("SLUICE_CHUNK_RECORDS", "10001"),
        ("SLUICE_CHUNK_RECORDS", "many"),
        ("SLUICE_CHUNK_RECORDS", ""),
        ("SLUICE_CHUNK_BYTES", "1000"),
        ("SLUICE_WEB_PORT", "65536"),
        ("SLUICE_WEB_PORT", "-1"),
        ("SLUICE_STALL_S", "nan"),
        ("SLUICE_GROUP", ""),
        ("SLUICE_DELIVERY", "at_most_once"),
        ("SLUICE_SECURITY_PROTOCOL", "ssl"),
        ("SLUICE_GUARD_MAX_MODERATION_FAILED_SHARE", "1.5"),
        ("SLUICE_GUARD_MAX_MODERATION_FAILED_SHARE", "0"),
        ("SLUICE_LOG_AD_TEXTS", "perhaps"),
        ("SLUICE_TRANSACTION_LINGER_MS", "-1"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(variable: str, value: str) -> None:
    """The text names the variable and the bound."""
    assert refuse({variable: value}).startswith(f"{variable}: ")


@pytest.mark.parametrize(
    ("environ", "remedy"),
    [
        ({"SLUICE_HEARTBEAT_INTERVAL_S": "6"}, "heartbeat_interval_s must be at most a third"),
        ({"SLUICE_SESSION_TIMEOUT_S": "40", "SLUICE_HEARTBEAT_INTERVAL_S": "3"}, "must not exceed request_timeout_s"),
        ({"SLUICE_REBALANCE_TIMEOUT_S": "10"}, "rebalance_timeout_s must be at least session_timeout_s"),
    ],
)
def test_timeouts_must_fit_each_other(environ: dict[str, str], remedy: str) -> None:
    """Kafka would throw the worker out of its group, or never notice that it is gone."""
    assert remedy in refuse(environ)


def test_all_faults_are_told_at_once() -> None:
    """Nobody should have to restart a worker once a fault."""
    text = refuse({"SLUICE_BROKER": "x", "SLUICE_WEB_PORT": "x", "SLUICE_STALL_S": "1"})
    assert all(name in text for name in ("SLUICE_BROKER ", "SLUICE_WEB_PORT", "SLUICE_STALL_S"))


def test_the_password_comes_from_its_file(tmp_path: Path) -> None:
    """A mounted secret often ends with a line end, which is no part of it, and wins over the variable."""
    file = tmp_path / "password"
    file.write_text(SECRET + "\n")
    environ = {"SLUICE_SASL_PASSWORD_FILE": str(file), "SLUICE_SASL_PASSWORD": "other"}
    assert load_settings(environ).sasl_secret() == SECRET
    assert load_settings({"SLUICE_SASL_PASSWORD": SECRET}).sasl_secret() == SECRET


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_password_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    """Missing, or not text: the variable and the file are told."""
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    settings = load_settings({"SLUICE_SASL_PASSWORD_FILE": str(file)})
    with pytest.raises(SettingsError, match=r"SLUICE_SASL_PASSWORD_FILE: .*; name a readable file"):
        settings.sasl_secret()


def test_secrets_are_never_shown() -> None:
    """Neither the settings' own text nor a refusal may put a password into a log."""
    settings = load_settings({"SLUICE_SASL_PASSWORD": SECRET})
    assert SECRET not in repr(settings) + str(settings) + settings.model_dump_json()
    assert SECRET not in refuse({"SLUICE_SASL_PASSWORD": SECRET, "SLUICE_WEB_PORT": "x"})
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"sasl_password": SECRET, "web_port": SECRET})
    assert SECRET not in str(caught.value)


def test_settings_cannot_be_changed() -> None:
    """What a worker was started with is what it runs with."""
    with pytest.raises(ValidationError):
        load_settings({}).brokers = "other:1"


def test_the_table_shows_every_setting() -> None:
    """`sluice settings` and the README leave none out, and explain each."""
    rows = render_settings().splitlines()
    assert len(rows) == 2 + len(Settings.model_fields)
    for (name, field), row in zip(Settings.model_fields.items(), rows[2:], strict=True):
        assert row.startswith(f"| `{PREFIX}{name.upper()}` | ")
        assert field.description
        assert field.description in row
        assert row.count("|") == 4


def test_the_table_shows_no_machines_paths() -> None:
    """Defaults that lie in the installation are called so; the table is the same everywhere."""
    table = render_settings()
    assert str(Path.cwd()) not in table
    assert "| `SLUICE_MODEL_DIR` | shipped |" in table
    assert "| `SLUICE_SASL_PASSWORD` | – |" in table


def test_the_readmes_table_is_renewed_in_place() -> None:
    """What stands around the markers stays."""
    readme = "before\n<!-- settings -->\nold\n<!-- /settings -->\nafter\n"
    renewed = insert_settings(readme)
    assert renewed == f"before\n<!-- settings -->\n{render_settings()}<!-- /settings -->\nafter\n"
    assert insert_settings(renewed) == renewed
