"""A machine that lacks something is told so in one line; the commands are what `make help` lists."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.kafka.jars import cache_dir, fetch_jars, find_java

ROOT = Path(__file__).resolve().parents[2]
JAVA_17 = """echo 'openjdk version "17.0.15" 2025-04-15' >&2"""


def _program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def _fetch(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(tmp_path / "bin"), "SLUICE_KAFKA_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "deploy.kafka.broker", "fetch"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_no_java_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    """Without Java the command fails with status 2 and says what to install."""
    done = _fetch(tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(r"kafka: Java 17 or newer is missing.*apt-get install openjdk-17.*\n", done.stderr)


def test_an_old_java_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    """A Java that cannot run Kafka 4 is named, with its version."""
    _program(tmp_path / "bin", "java", """echo 'openjdk version "11.0.2" 2019-01-15' >&2""")
    done = _fetch(tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(r"kafka: Java 17 or newer is missing .*11\.0\.2.*JAVA_HOME\n", done.stderr)


def test_no_maven_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    """Without Maven, and without jars in the cache, the command says what to install."""
    _program(tmp_path / "bin", "java", JAVA_17)
    done = _fetch(tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(r"kafka: Maven is missing.*apt-get install maven.*\n", done.stderr)


def test_a_failed_fetch_is_one_line_and_leaves_no_cache(tmp_path: Path) -> None:
    """Maven's first error is shown, and half a set of jars is never taken for a whole one."""
    _program(tmp_path / "bin", "java", JAVA_17)
    _program(tmp_path / "bin", "mvn", "echo '[ERROR] no route to the repository'; echo '[ERROR] more'; exit 1")
    done = _fetch(tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no route to the repository" in done.stderr
    assert not (tmp_path / "cache").exists()


def test_jars_that_are_there_need_no_maven(tmp_path: Path) -> None:
    """A cache that a first clone filled serves the next one on a machine without Maven."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "kafka_2.13-4.1.1.jar").touch()
    assert fetch_jars({"PATH": "", "SLUICE_KAFKA_CACHE": str(tmp_path / "cache")}) == tmp_path / "cache"


def test_java_home_goes_before_the_path(tmp_path: Path) -> None:
    """The Java that the user names is the one that runs."""
    _program(tmp_path / "bin", "java", JAVA_17)
    environment = {"PATH": os.environ["PATH"], "JAVA_HOME": str(tmp_path)}
    assert find_java(environment) == str(tmp_path / "bin" / "java")


def test_the_cache_is_the_users(tmp_path: Path) -> None:
    """XDG_CACHE_HOME is followed, else the home folder's cache, in a folder for this very pom."""
    assert cache_dir({"HOME": str(tmp_path)}).parent == tmp_path / ".cache" / "sluice"
    assert cache_dir({"HOME": "/", "XDG_CACHE_HOME": str(tmp_path)}).parent == tmp_path / "sluice"


def test_no_python_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    """With only an old Python on the path, make fails and says what to install."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    _program(tmp_path / "bin", "python3", "exit 1")
    for name in ("sh", "cat", "cksum", "tr"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    make = str(shutil.which("make"))
    done = subprocess.run(
        [make, "env"], cwd=tmp_path, env={"PATH": str(tmp_path / "bin")}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("sluice: needs Python 3.11 or newer with venv: install it")
    assert not (tmp_path / ".venv").exists()


def test_help_lists_every_target() -> None:
    """`make` alone names each target that can be called, with a description."""
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert sorted(re.findall(r"^  make (\S+) +\S", listed, re.MULTILINE)) == sorted(phony[1].split())
