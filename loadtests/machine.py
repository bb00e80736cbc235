"""What a measurement was made on and of: the machine, the versions, the commit. A figure means nothing without it."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = ("aiokafka", "faust-streaming", "numpy", "onnxruntime", "orjson", "pydantic", "uvloop")


def describe_machine() -> dict[str, Any]:
    """Return the facts, all of them JSON values."""
    return {
        "processor": _find_processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "kafka": _find_kafka(),
        "load_1m_before": round(os.getloadavg()[0], 2),
    }


def describe_commit() -> dict[str, Any]:
    """Return the commit and whether the measured code differs from it; empty outside a checkout."""
    commit = _ask_git("rev-parse", "HEAD")
    changed = _ask_git(
        "status", "--porcelain", "--untracked-files=no", "--", "service", "models", "deploy", "loadtests"
    )
    return {"commit": commit, "changed": bool(changed)} if commit else {}


def _find_processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def _find_kafka() -> str:
    pom = (_ROOT / "deploy" / "kafka" / "pom.xml").read_text(encoding="utf-8")
    _, _, rest = pom.partition("<kafka.version>")
    return rest.partition("</kafka.version>")[0] or "see deploy/kafka/pom.xml"


def _ask_git(*arguments: str) -> str:
    try:
        asked = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""
