"""What a result must say about where it was measured."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from pathlib import Path


def description(root: Path) -> dict[str, object]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True).stdout.strip()
    return {
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": model,
        "processors": os.cpu_count(),
        "kernel": platform.release(),
        "commit": commit or "?",
    }
