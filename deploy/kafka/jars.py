"""Fetches Apache Kafka's jars through Maven, once a user, and finds the Java that runs them.

The first step of every Kafka that Sluice starts: `cluster.py` and the console tools run what lies in that folder.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
POM = HERE / "pom.xml"
LOG_CONFIG = HERE / "log4j2.properties"
JAVA_AT_LEAST = 17  # Kafka 4 brokers need it
FETCH_TIMEOUT_S = 900
GET_JAVA = "install it (Debian, Ubuntu: apt-get install openjdk-17-jre-headless) or set JAVA_HOME"
GET_MAVEN = "install it (Debian, Ubuntu: apt-get install maven)"


class UnavailableError(Exception):
    """Kafka cannot run on this machine; the message is one line that says what is missing and how to get it."""


def find_java(environment: Mapping[str, str] = os.environ) -> str:
    """Return the path of a Java of version 17 or newer; `JAVA_HOME` goes before `PATH`.

    Raises UnavailableError if there is none, or an older one.
    """
    home = environment.get("JAVA_HOME")
    in_home = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    java = in_home or shutil.which("java", path=environment.get("PATH", os.defpath))
    if java is None:
        raise UnavailableError(f"Java {JAVA_AT_LEAST} or newer is missing (Apache Kafka runs on it): {GET_JAVA}")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < JAVA_AT_LEAST:
        found = said.splitlines()[0] if said else "says no version"
        raise UnavailableError(f"Java {JAVA_AT_LEAST} or newer is missing ({java}: {found}): {GET_JAVA}")
    return java


def cache_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the jars belong: `SLUICE_KAFKA_CACHE`, else the user's cache, named after the pom's hash.

    A user's cache, not the checkout: the second clone starts its broker without asking Maven again.
    """
    if chosen := environment.get("SLUICE_KAFKA_CACHE"):
        return Path(chosen)
    cache = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME") or Path.home()) / ".cache")
    return Path(cache) / "sluice" / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"


def fetch_jars(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of Kafka's jars, filled by Maven if it is not there yet.

    May block for minutes on a first fetch. Raises UnavailableError if Maven is missing or fails.
    """
    target = cache_dir(environment)
    if any(target.glob("kafka_*.jar")):
        return target
    maven = shutil.which("mvn", path=environment.get("PATH", os.defpath))
    if maven is None:
        raise UnavailableError(f"Maven is missing (it fetches Apache Kafka's jars): {GET_MAVEN}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"{target.name}.") as scratch:
        lib = Path(scratch) / "lib"
        _run_maven(maven, lib, environment)
        if target.exists() and not any(target.iterdir()):
            target.rmdir()
        try:
            lib.rename(target)
        except OSError as error:  # another process was faster: its jars are as good
            if not any(target.glob("kafka_*.jar")):
                raise UnavailableError(f"cannot keep Kafka's jars in {target}: {error}") from error
    return target


def java_command(*options: str) -> list[str]:
    """Return the start of a command that runs one of Kafka's main classes; blocks while the jars are fetched.

    Raises UnavailableError if Java or Maven is missing.
    """
    java, lib = find_java(), fetch_jars()
    return [java, *options, "-XX:+UseSerialGC", f"-Dlog4j.configurationFile={LOG_CONFIG}", "-cp", f"{lib}/*"]


def _run_maven(maven: str, lib: Path, environment: Mapping[str, str]) -> None:
    # -C: a jar whose checksum is wrong ends the fetch; in a folder of its own, Maven writes nothing into the checkout
    command = [maven, "-B", "-q", "-C", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={lib}"]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, env=dict(environment), timeout=FETCH_TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"Maven did not fetch Kafka's jars within {FETCH_TIMEOUT_S} s: is it online?") from error
    if result.returncode != 0:
        lines = [line for line in (result.stdout + result.stderr).splitlines() if "ERROR" in line]
        why = lines[0] if lines else f"exit status {result.returncode}"
        raise UnavailableError(f"Maven could not fetch Kafka's jars ({why}): run `{' '.join(command)}` to see it all")
