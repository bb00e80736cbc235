import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from deploy.kafka.handshake import count_brokers
from deploy.kafka.jars import java_command
from deploy.kafka.ports import HOST, free_ports
from service.contracts.control import Resume
from service.settings import Settings
from service.worker.connection import BrokerUnreachableError, Connection, build_connection, faust_credentials
from service.worker.control import read_control, write_control
from service.worker.topics import apply_steps, find_topics
from service.worker.topics_file import load_topics
from service.worker.topics_plan import plan_topics

RECORD = Resume(by="me", at=datetime(2026, 1, 31, 9, 30, tzinfo=UTC))
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True)
class Secured:
    """A broker that wants TLS, with a password or a client's certificate, and the files of both sides."""

    folder: Path
    plain_port: int
    sasl_port: int
    mutual_port: int

    def read(self, protocol: str, **values: object) -> Settings:
        """Return the settings that reach the listener of `protocol`."""
        port = self.mutual_port if protocol == "SSL" else self.sasl_port
        authority = str(self.folder / "ca.pem")
        given = {"security_protocol": protocol, "brokers": f"{HOST}:{port}", "ssl_ca_file": authority, **values}
        return Settings.model_validate(given)

    def log_in(self, mechanism: str = "SCRAM-SHA-512", password: str = "s3cret") -> Settings:  # noqa: S107 - a test's
        """Return the settings of a user with a password."""
        return self.read("SASL_SSL", sasl_mechanism=mechanism, sasl_username="sluice", sasl_password=password)


def run_openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_certificates(folder: Path) -> None:
    """Write ca.pem, and for each side NAME.pem, NAME.key and NAME-both.pem (Kafka reads key and chain in one)."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    run_openssl(folder, "req", "-x509", *curve, "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem")
    (folder / "names").write_text(f"subjectAltName=IP:{HOST}")
    for name in ("server", "client"):
        run_openssl(folder, "req", *curve, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
        run_openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
        both = (folder / f"{name}.key").read_text() + (folder / f"{name}.pem").read_text()
        (folder / f"{name}-both.pem").write_text(both)


def write_properties(secured: Secured, controller_port: int) -> Path:
    ports = {"PLAINTEXT": secured.plain_port, "SASL_SSL": secured.sasl_port, "SSL": secured.mutual_port}
    listeners = ",".join(f"{name}://{HOST}:{port}" for name, port in ports.items())
    scope, login = "listener.name.sasl_ssl", "org.apache.kafka.common.security"
    properties = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "listeners": f"{listeners},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": listeners,
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(secured.folder / "data"),
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "auto.create.topics.enable": "false",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(secured.folder / "server-both.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(secured.folder / "ca.pem"),
        "listener.name.ssl.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": ",".join(MECHANISMS),
        f"{scope}.plain.sasl.jaas.config": f'{login}.plain.PlainLoginModule required user_sluice="s3cret";',
        **{
            f"{scope}.{mechanism.lower()}.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;"
            for mechanism in MECHANISMS[1:]
        },
    }
    path = secured.folder / "server.properties"
    path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
    return path


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    make_certificates(folder)
    *ports, controller_port = free_ports(4)
    broker = Secured(folder, *ports)
    properties = write_properties(broker, controller_port)
    command = java_command("-Xmx384m")
    users = [word for name in MECHANISMS[1:] for word in ("--add-scram", f"{name}=[name=sluice,password=s3cret]")]
    form = ["kafka.tools.StorageTool", "format", "-t", "c2x1aWNlLXNlY3VyZWQtMQ", "-c", str(properties), *users]
    subprocess.run([*command, *form], check=True, capture_output=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "kafka.Kafka", str(properties)], stdout=log, stderr=log)
    try:
        until = time.monotonic() + 90
        while count_brokers(HOST, broker.plain_port) != 1:
            assert process.poll() is None, (folder / "log").read_text()[-2_000:]
            assert time.monotonic() < until, "the secured broker was not ready within 90 s"
            time.sleep(0.2)
        yield broker
    finally:
        process.kill()
        process.wait()


async def write_and_read(settings: Settings, prefix: str) -> Connection:
    """Make a topic, write a record and read it again: admin client, producer and consumer all connect."""
    settings = settings.model_copy(update={"control_topic": f"{prefix}.control"})
    connection = build_connection(settings)
    topics = load_topics(settings).resize(replication=1)
    steps = plan_topics(topics, await find_topics(connection, topics)).steps
    await apply_steps(connection, [step for step in steps if step.topic == settings.control_topic])
    await write_control(connection, settings.control_topic, "trip/a", RECORD)
    assert await read_control(connection, settings.control_topic) == {"trip/a": RECORD}
    return connection


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_a_password_over_tls_opens_the_broker(secured: Secured, mechanism: str, unique: str) -> None:
    """Each mechanism serves all clients, and Faust's credentials become the very same connection."""
    connection = await write_and_read(secured.log_in(mechanism), unique)
    told = dict(credentials_to_aiokafka_auth(faust_credentials(secured.log_in(mechanism))))
    assert told.pop("ssl_context").verify_mode == connection["ssl_context"].verify_mode  # type: ignore[union-attr]
    assert told == {name: value for name, value in connection.items() if name in told}


async def test_a_clients_certificate_opens_the_broker(secured: Secured, unique: str) -> None:
    """Mutual TLS without a password."""
    files = {
        f"ssl_{part}_file": str(secured.folder / f"client.{end}")
        for part, end in (("certificate", "pem"), ("key", "key"))
    }
    await write_and_read(secured.read("SSL", **files), unique)
    with pytest.raises(BrokerUnreachableError):
        await read_control(build_connection(secured.read("SSL")), "any")


async def test_a_wrong_password_or_authority_is_refused_with_a_hint(secured: Secured, tmp_path: Path) -> None:
    """The client says no more than that it cannot connect; the message names credentials as a cause."""
    with pytest.raises(BrokerUnreachableError, match="or the credentials if the log says that they were refused"):
        await read_control(build_connection(secured.log_in(password="wrong")), "any")  # noqa: S106 - a test's
    make_certificates(tmp_path)
    stranger = secured.log_in().model_copy(update={"ssl_ca_file": tmp_path / "ca.pem"})
    with pytest.raises(BrokerUnreachableError):
        await read_control(build_connection(stranger), "any")
