import ssl
import subprocess
from pathlib import Path

import pytest

from service.settings import Settings, SettingsError
from service.worker.connection import build_connection, build_ssl_context, faust_credentials

SECRET = {"sasl_username": "sluice", "sasl_password": "s3cret"}


def read(**values: object) -> Settings:
    return Settings.model_validate(values)


@pytest.fixture
def pem(tmp_path: Path) -> tuple[Path, Path]:
    """Return a certificate and its key, made for this test."""
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(
        [*command, "-subj", "/CN=test", "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    return certificate, key


def test_plaintext_needs_nothing_but_brokers() -> None:
    """Several brokers may be named, with spaces; credentials that are set are not sent."""
    connection = build_connection(read(brokers="a:9092, b:9092,", **SECRET))
    assert connection["bootstrap_servers"] == ["a:9092", "b:9092"]
    assert connection["security_protocol"] == "PLAINTEXT"
    assert (connection["ssl_context"], connection["sasl_plain_username"], connection["sasl_plain_password"]) == (
        None,
        None,
        None,
    )
    assert faust_credentials(read()) is None


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_sasl_reaches_aiokafka_and_faust_alike(mechanism: str) -> None:
    """Over TLS both get the same mechanism, name, password and a context that checks the server's name."""
    settings = read(security_protocol="SASL_SSL", sasl_mechanism=mechanism, **SECRET)
    connection = build_connection(settings)
    assert connection["sasl_mechanism"] == mechanism
    assert (connection["sasl_plain_username"], connection["sasl_plain_password"]) == ("sluice", "s3cret")
    context = connection["ssl_context"]
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    credentials = faust_credentials(settings)
    assert credentials is not None
    assert credentials.protocol.value == "SASL_SSL"
    assert (credentials.mechanism.value, credentials.username, credentials.password) == (mechanism, "sluice", "s3cret")


def test_sasl_without_tls_has_no_context() -> None:
    """Faust tells SASL_PLAINTEXT by the missing context."""
    settings = read(security_protocol="SASL_PLAINTEXT", **SECRET)
    assert build_connection(settings)["ssl_context"] is None
    credentials = faust_credentials(settings)
    assert credentials is not None
    assert credentials.protocol.value == "SASL_PLAINTEXT"


def test_the_password_comes_from_its_file(tmp_path: Path) -> None:
    """A mounted secret ends with a line break that is not part of it."""
    (tmp_path / "password").write_text("from file\n")
    settings = read(
        security_protocol="SASL_PLAINTEXT", sasl_username="u", sasl_password_file=str(tmp_path / "password")
    )
    assert build_connection(settings)["sasl_plain_password"] == "from file"  # noqa: S105 - the test's own


def test_a_client_certificate_is_loaded(pem: tuple[Path, Path]) -> None:
    """Mutual TLS: the authority, the certificate and its key."""
    certificate, key = pem
    settings = read(
        security_protocol="SSL",
        ssl_ca_file=str(certificate),
        ssl_certificate_file=str(certificate),
        ssl_key_file=str(key),
    )
    context = build_ssl_context(settings)
    assert context is not None
    assert [authority["subject"] for authority in context.get_ca_certs()] == [((("commonName", "test"),),)]
    credentials = faust_credentials(settings)
    assert credentials is not None
    assert credentials.protocol.value == "SSL"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"brokers": " , "}, "SLUICE_BROKERS is empty"),
        ({"security_protocol": "SASL_SSL", "sasl_password": "x"}, "SLUICE_SASL_USERNAME is empty"),
        ({"security_protocol": "SASL_SSL", "sasl_username": "x"}, "set SLUICE_SASL_PASSWORD_FILE"),
        ({"security_protocol": "SSL", "ssl_ca_file": "/nowhere.pem"}, "SLUICE_SSL_CA_FILE: /nowhere.pem"),
        ({"security_protocol": "SSL", "ssl_key_file": "/k.pem"}, "SLUICE_SSL_KEY_FILE is set without"),
        ({"security_protocol": "SSL", "ssl_certificate_file": "/c.pem"}, "SLUICE_SSL_CERTIFICATE_FILE.*/c.pem"),
    ],
)
def test_what_cannot_work_is_told_before_connecting(values: dict[str, str], named: str) -> None:
    """Each fault names its setting."""
    with pytest.raises(SettingsError, match=named):
        build_connection(read(**values))


def test_a_file_that_is_no_certificate_is_told(tmp_path: Path, pem: tuple[Path, Path]) -> None:
    """The file's name stands in the message, and a key that belongs to another certificate is refused."""
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("not a certificate")
    with pytest.raises(SettingsError, match=r"SLUICE_SSL_CA_FILE: .*wrong\.pem"):
        build_connection(read(security_protocol="SSL", ssl_ca_file=str(wrong)))
    with pytest.raises(SettingsError, match=r"SLUICE_SSL_CERTIFICATE_FILE.*wrong\.pem"):
        build_connection(read(security_protocol="SSL", ssl_certificate_file=str(pem[0]), ssl_key_file=str(wrong)))
