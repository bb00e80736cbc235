"""How to reach Kafka, from the settings: what every aiokafka client, and Faust, is given to connect.

Faults of the settings (a missing certificate, a user name without a password) are told here, before the first
connection, because a client would report them as an endless "broker unreachable".
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError, RequestTimedOutError

from service.settings import Settings, SettingsError

if TYPE_CHECKING:
    from faust.types.auth import CredentialsT


class Connection(TypedDict):
    """Keyword arguments of `AIOKafkaConsumer`, `AIOKafkaProducer`, `AIOKafkaAdminClient` and `AIOKafkaClient`."""

    bootstrap_servers: list[str]
    security_protocol: str
    ssl_context: ssl.SSLContext | None
    sasl_mechanism: str
    sasl_plain_username: str | None
    sasl_plain_password: str | None


class BrokerUnreachableError(ConnectionError):
    """No broker of `SLUICE_BROKERS` answers; waiting or another address may help, other topics would not."""


def build_connection(settings: Settings) -> Connection:
    """Return what an aiokafka client needs to connect. Raises SettingsError naming the setting at fault."""
    secured = settings.security_protocol.startswith("SASL_")
    return Connection(
        bootstrap_servers=_split_brokers(settings.brokers),
        security_protocol=settings.security_protocol,
        ssl_context=build_ssl_context(settings),
        sasl_mechanism=settings.sasl_mechanism,
        sasl_plain_username=_require_username(settings) if secured else None,
        sasl_plain_password=_require_password(settings) if secured else None,
    )


def build_ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context: None for a protocol without TLS. Raises SettingsError if a PEM file cannot be used."""
    if not settings.security_protocol.endswith("SSL"):
        return None
    authority = settings.ssl_ca_file
    try:
        context = ssl.create_default_context(cafile=str(authority) if authority else None)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(f"SLUICE_SSL_CA_FILE: {authority}: {error}; name a readable PEM file") from None
    if settings.ssl_certificate_file is None and settings.ssl_key_file is not None:
        raise SettingsError("SLUICE_SSL_KEY_FILE is set without SLUICE_SSL_CERTIFICATE_FILE; set both or neither")
    if settings.ssl_certificate_file is not None:
        _load_certificate(context, settings.ssl_certificate_file, settings.ssl_key_file)
    return context


def faust_credentials(settings: Settings) -> "CredentialsT | None":
    """Return the same for `faust.App(broker_credentials=)`: None for PLAINTEXT. Raises SettingsError."""
    from faust.auth import SASLCredentials, SSLCredentials  # noqa: PLC0415 - half a second that the CLI need not pay

    connection = build_connection(settings)
    if settings.security_protocol.startswith("SASL_"):
        return SASLCredentials(
            username=connection["sasl_plain_username"],
            password=connection["sasl_plain_password"],
            mechanism=connection["sasl_mechanism"],
            ssl_context=connection["ssl_context"],
        )
    if connection["ssl_context"] is not None:
        return SSLCredentials(context=connection["ssl_context"])
    return None


@contextmanager
def tell_unreachable(connection: Connection) -> Iterator[None]:
    """Turn what aiokafka raises when no broker answers into one BrokerUnreachableError with the remedy."""
    try:
        yield
    except BrokerUnreachableError:
        raise
    except (KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError, RequestTimedOutError, OSError) as error:
        brokers = ",".join(connection["bootstrap_servers"])
        text = f"no Kafka broker answers at {brokers} ({type(error).__name__}); start it, or mend SLUICE_BROKERS"
        raise BrokerUnreachableError(f"{text}, or the credentials if the log says that they were refused") from error


def _split_brokers(brokers: str) -> list[str]:
    hosts = [host.strip() for host in brokers.split(",") if host.strip()]
    if not hosts:
        raise SettingsError("SLUICE_BROKERS is empty; set host:port, several separated by commas")
    return hosts


def _require_username(settings: Settings) -> str:
    if not settings.sasl_username:
        raise SettingsError(f"SLUICE_SASL_USERNAME is empty, but {settings.security_protocol} needs it; set it")
    return settings.sasl_username


def _require_password(settings: Settings) -> str:
    if not (secret := settings.sasl_secret()):
        raise SettingsError(
            f"{settings.security_protocol} needs a password; set SLUICE_SASL_PASSWORD_FILE or SLUICE_SASL_PASSWORD"
        )
    return secret


def _load_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    try:
        # An empty password makes an encrypted key an error; without it OpenSSL would ask at the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"SLUICE_SSL_CERTIFICATE_FILE, SLUICE_SSL_KEY_FILE: {certificate}, {key or 'no key file'}: {error};"
            " name a readable PEM certificate and its key without a pass phrase"
        ) from None
