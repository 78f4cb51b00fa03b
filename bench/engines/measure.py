"""Measures every engine on every model, one process after another on one processor, and prints the tables. Started by `run`.

The rounds alternate the engines, so that a slower minute of the machine falls on all of them; a figure is the median of its rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import engines
import models
import report
from artefacts import Unavailable, build_seconds, make
from engines import CONTRIBUTIONS, SCORE, Engine
from models import MODELS, ROW_COUNT, Model

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")}
PROCESS_SECONDS_MAX = 900
# The slowest engine explains 20 rows a second.
CONTRIBUTION_BATCH_MAX = 250


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/engines/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="models a and d, one round of short measurements: a minute, rough figures")
    parser.add_argument("--models", help=f"of {','.join(MODELS)} (default: all)")
    parser.add_argument("--engines", help="only these, by name, and Assay's")
    parser.add_argument("--kinds", default=f"{SCORE},{CONTRIBUTIONS}")
    parser.add_argument("--seconds", type=float, help="of one measurement (default 1)")
    parser.add_argument("--calls", type=int, default=25_000, help="single-row calls, as long as one costs less than 100 us")
    parser.add_argument("--rounds", type=int, help="default 3")
    parser.add_argument("--batch", type=int, default=1000, help="rows of a batch")
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--json", type=Path, help="where the results are appended (default: .build/engines/results.jsonl)")
    parser.add_argument("--work", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.models = (options.models or ("a,d" if options.quick else ",".join(MODELS))).split(",")
    options.kinds = options.kinds.split(",")
    options.seconds = options.seconds or (0.3 if options.quick else 1)
    options.rounds = options.rounds or (1 if options.quick else 3)
    return options


def machine(processor: int) -> dict[str, Any]:
    information = Path("/proc/cpuinfo").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in information if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    flags = fields.get("flags", "").split()
    return {
        "cpu": fields.get("model name", platform.processor()), "family": fields.get("cpu family"), "model": fields.get("model"),
        "avx2": "avx2" in flags, "avx512vbmi": "avx512vbmi" in flags, "pinned_to": processor, "cpu_count": os.cpu_count(),
        "load": os.getloadavg()[0], "system": platform.platform(), "python": platform.python_version(),
    }


def commit() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=engines.HERE)
    return done.stdout.strip() or "unknown"


def agreement(engine: Engine, model: Model, folder: Path, kind: str, outputs: np.ndarray) -> dict[str, Any]:
    """How the results of the timed calls compare with the model's own: the share of equal rows and the largest difference."""
    reference = np.load(folder / ("reference.npy" if kind == SCORE else "contributions.npy"))
    reference = reference.reshape(len(reference), -1)
    if model.framework == "isolation-forest" and kind == SCORE and engine.package in ("tl2cgen", "treelite", "ydf"):
        reference = -reference  # They keep the paper's sign: an outlier is near 1.
    if model.framework in engines.FORESTS and kind == CONTRIBUTIONS and engine.harness == "assay":
        reference = reference * model.tree_count  # shap explains the trees' mean, Assay the raw score, which is their sum.
    checked, equal, largest = 0, 0, 0.0
    for half in outputs[:, : len(reference)]:
        known = ~np.isnan(half[:, 0])
        difference = np.abs(half[known] - reference[known])
        checked += int(known.sum())
        equal += int((difference == 0).all(axis=1).sum())
        largest = max(largest, float(difference.max(initial=0)))
    return {"rows_checked": checked, "bit_equal": equal / checked if checked else None, "max_difference": largest}


def measured(engine: Engine, model: Model, folder: Path, kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """One measurement: figures, or the reason why there are none."""
    outputs = options.work / "outputs.f64"
    batch = options.batch if kind == SCORE else min(options.batch, CONTRIBUTION_BATCH_MAX)
    shared = [kind, batch, options.seconds, options.calls, 20, options.cpu, outputs]
    try:
        if kind == CONTRIBUTIONS and model.framework in engines.FORESTS:
            make("contributions.npy", model, folder)
        command = engines.command(engine, model, folder, kind)
        if engine.harness not in engines.PYTHON_ENGINES:
            command += [str(folder / "rows.f32"), str(ROW_COUNT), str(model.feature_count)]
        done = subprocess.run(command + [str(part) for part in shared], capture_output=True, text=True, timeout=PROCESS_SECONDS_MAX,
                              env=os.environ | ONE_THREAD)
    except Unavailable as reason:
        return {"error": str(reason)}
    except subprocess.TimeoutExpired:
        return {"error": f"stopped after {PROCESS_SECONDS_MAX} s"}
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return {"error": (lines[-1] if lines else f"ended with {done.returncode}")[:200]}
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1]) | {"build_seconds": build_seconds(engine.artefact, folder)}
    if engine.name not in engines.OWN_TREES:
        width = model.feature_count + 1 if kind == CONTRIBUTIONS else 1
        figures |= agreement(engine, model, folder, kind, np.fromfile(outputs).reshape(2, ROW_COUNT, width))
    return figures


def prepare(names: list[str], work: Path) -> None:
    for name in names:
        folder = work / "models" / name
        if not models.is_made(folder):
            print(f"engines: training model {name} ({MODELS[name].title})", file=sys.stderr)
            models.make(MODELS[name], folder)


def main() -> None:
    options = arguments()
    prepare(options.models, options.work)
    chosen = engines.assay_engines() + [peer for peer in engines.PEERS if not options.engines or peer.name in options.engines.split(",")]
    run: dict[str, Any] = {"run": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "commit": commit(), "command": " ".join(sys.argv[3:]),
           "machine": machine(options.cpu)}
    path = options.json or options.work / "results.jsonl"
    cells = [(kind, MODELS[name], engine) for kind in options.kinds for name in options.models for engine in chosen
             if engine.does(MODELS[name], kind)]
    results, refused = [], set()
    with path.open("a") as file:
        for number in range(options.rounds):
            for index, (kind, model, engine) in enumerate(cells):
                if (kind, model.name, engine.name) in refused:
                    continue
                print(f"engines: round {number + 1}/{options.rounds}, {index + 1}/{len(cells)}: {kind} {model.name} {engine.name}   ",
                      end="\r", file=sys.stderr)
                figures = measured(engine, model, options.work / "models" / model.name, kind, options)
                if "error" in figures:
                    refused.add((kind, model.name, engine.name))
                run["machine"] = run["machine"] | {"load": os.getloadavg()[0]}
                result = run | {
                    "round": number + 1, "kind": kind, "engine": engine.name, "label": engine.label, "note": engine.note,
                    "binding": engine.binding, "version": engine.version(), "kernel": engine.kernel, "model": model.name,
                    "title": model.title,
                } | figures
                results.append(result)
                file.write(json.dumps(result) + "\n")
                file.flush()
    print(file=sys.stderr)
    print(report.markdown(results))


if __name__ == "__main__":
    main()
