"""What the engines need beside the model file: graphs, generated and compiled code, Assay's bundle. Each is made once and kept.

A failure shows in the results: an engine is never silently left out. One that took minutes is kept, too.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

import numpy as np

from models import MODELS, Model

CLIENT = Path(__file__).resolve().parents[2] / "clients" / "python" / "src"
GOLDEN_ROWS = 256
COMPILER = os.environ.get("CC", "gcc")
OPTIMIZATION = ["-O3", "-march=native", "-fPIC", "-shared"]
COMPILE_SECONDS_MAX = 1800
NODES_PER_FILE = 5_000
# Follows from Assay's own code, which changes between runs.
REMADE = {"bundle.assay"}
# A failure that took longer is not tried again.
FAILURE_KEPT_SECONDS = 60


class Unavailable(Exception):
    """An engine cannot do this model; the message is shown in the results."""


def run(command: list[Any], **options: Any) -> str:
    """Runs a command; raises `Unavailable` with its last line of complaint."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=COMPILE_SECONDS_MAX, **options)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{Path(str(command[0])).name}: stopped after {COMPILE_SECONDS_MAX} s") from None
    except OSError as error:
        raise Unavailable(str(error)) from None
    if done.returncode != 0:
        raise Unavailable(next((line for line in reversed(done.stderr.splitlines()) if line.strip()), f"exit code {done.returncode}"))
    return done.stdout


def estimator(folder: Path) -> Any:
    return pickle.loads((folder / "model.pickle").read_bytes())


def treelite_model(model: Model, folder: Path) -> Any:
    import treelite

    if model.framework == "xgboost":
        return treelite.frontend.load_xgboost_model(folder / model.file_name)
    if model.framework == "lightgbm":
        return treelite.frontend.load_lightgbm_model(folder / model.file_name)
    return treelite.sklearn.import_model(estimator(folder))


def make_treelite(model: Model, folder: Path, path: Path) -> None:
    treelite_model(model, folder).serialize(path)


def make_tl2cgen(model: Model, folder: Path, path: Path) -> None:
    import tl2cgen

    code = folder / "tl2cgen"
    nodes = json.loads((folder / "about.json").read_text())["node_count"]
    tl2cgen.generate_c_code(treelite_model(model, folder), dirpath=code, params={"parallel_comp": max(1, nodes // NODES_PER_FILE)})
    compile_folder(code, path)


def compile_folder(code: Path, path: Path) -> None:
    """Compiles every file to an object, as many at once as there are processors, and links them."""
    sources = sorted(code.glob("*.c"))
    (code / "Makefile").write_text(
        "OBJECTS = " + " ".join(source.stem + ".o" for source in sources) + "\n"
        + f"model.so: $(OBJECTS)\n\t{COMPILER} -shared -o $@ $(OBJECTS) -lm\n"
        + f"%.o: %.c\n\t{COMPILER} -O3 -march=native -fPIC -c -o $@ $<\n")
    run(["make", "-s", "-C", code, f"-j{os.cpu_count()}"])
    (code / "model.so").rename(path)


def make_lleaves(model: Model, folder: Path, path: Path) -> None:
    """With lleaves' defaults: blocks of 34 trees. Without blocks, its advice for single rows, LLVM was not done after 20 minutes."""
    if model.framework != "lightgbm":
        raise Unavailable("reads LightGBM models only")
    python = Path(os.environ["ASSAY_BENCH_LLEAVES"])
    if not list(python.parents[1].glob("lib/*/site-packages/lleaves")):
        raise Unavailable("not installed")
    script = "import lleaves, sys; lleaves.Model(sys.argv[1]).compile(cache=sys.argv[2])"
    object_file = path.with_suffix(".o")
    run([python, "-c", script, folder / model.file_name, object_file])
    run([COMPILER, "-shared", "-o", path, object_file, "-lm"])


def make_onnx(model: Model, folder: Path, path: Path) -> None:
    import onnx_models

    if model.framework == "xgboost":
        onnx_models.from_xgboost(folder / model.file_name, path)
    elif model.framework == "lightgbm":
        onnx_models.from_lightgbm(folder / model.file_name, path)
    elif model.framework == "isolation-forest":
        onnx_models.from_isolation_forest(estimator(folder), path)
    else:
        onnx_models.from_skl2onnx(estimator(folder), "probabilities", {"zipmap": False}, path)


def make_skl2onnx(model: Model, folder: Path, path: Path) -> None:
    import onnx_models

    onnx_models.from_skl2onnx(estimator(folder), "score_samples", {"score_samples": True}, path)


def make_xgboost_1(model: Model, folder: Path, path: Path) -> None:
    """XGBoost 1.7 reads base_score as a number, 3.2 writes a list of one."""
    document = json.loads((folder / model.file_name).read_text())
    parameters = document["learner"]["learner_model_param"]
    parameters["base_score"] = parameters["base_score"].strip("[]")
    path.write_text(json.dumps(document))


def ydf_columns(model: Model, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Columns as YDF takes them: numbers as float32, categories as text."""
    columns = {f"f{index}": rows[:, index] for index in range(model.numeric_count)}
    return columns | {f"f{index}": rows[:, index].astype(int).astype(str) for index in model.categorical}


def make_ydf(model: Model, folder: Path, path: Path) -> None:
    """scikit-learn's forests are taken over; in place of boosted trees of others YDF trains as many of its own of the same size."""
    import ydf

    if model.framework in ("isolation-forest", "random-forest"):
        ydf.from_sklearn(estimator(folder)).save(str(path))
        return
    from models import TRAINING_SEED

    training = model.table(model.training_row_count, TRAINING_SEED)
    size: dict[str, Any] = {"max_depth": model.depth + 1}
    if model.framework == "lightgbm":
        size = {"growing_strategy": "BEST_FIRST_GLOBAL", "max_num_nodes": 63, "max_depth": -1, "shrinkage": 0.05}
    learner = ydf.GradientBoostedTreesLearner(
        label="label", num_trees=model.tree_count, early_stopping="NONE", validation_ratio=0.0, random_seed=7, **size)
    learner.train(ydf_columns(model, training.rows) | {"label": training.labels}, verbose=0).save(str(path))


def make_ydf_code(model: Model, folder: Path, path: Path) -> None:
    import ydf

    if model.framework not in ("xgboost", "lightgbm") or model.categorical:
        raise Unavailable("code generation is measured for numeric boosted trees only")
    code = folder / "ydf-code"
    code.mkdir(exist_ok=True)
    generated = ydf.load_model(str(folder / "ydf")).to_standalone_cc("model", classification_output="PROBABILITY")
    (code / "model.h").write_text(str(generated))
    fields = ", ".join(f"row[{index}]" for index in range(model.feature_count))
    (code / "predict.cc").write_text(
        f'#include "model.h"\nextern "C" float ydf_predict(const float *row) {{ return model::Predict(model::Instance{{{fields}}}); }}\n')
    run(["g++", "-std=c++20", *OPTIMIZATION, "-o", path, code / "predict.cc"])


def make_contributions(model: Model, folder: Path, path: Path) -> None:
    """scikit-learn explains nothing itself: the shap package is its reference."""
    import models
    import shap_extension

    rows = np.load(folder / "rows.npy")[: models.CONTRIBUTION_ROW_COUNT]
    if not path.exists():
        np.save(path, shap_extension.contributions(estimator(folder))(rows))


def make_bundle(model: Model, folder: Path, path: Path) -> None:
    """Assay's own file, with golden rows of the model: scikit-learn's by the Python exporter, the others by `assay bundle import`."""
    if model.framework in ("isolation-forest", "random-forest"):
        sys.path.insert(0, str(CLIENT))
        from assay import exporter

        exporter.export(estimator(folder), np.load(folder / "rows.npy"), name=f"bench-{model.name}", path=path, golden_rows=GOLDEN_ROWS)
        return
    rows, expected = folder / "golden.npy", folder / "golden-expected.npy"
    np.save(rows, np.load(folder / "rows.npy")[:GOLDEN_ROWS])
    outputs = np.load(folder / "reference.npy")[:GOLDEN_ROWS]
    np.save(expected, outputs.astype(np.float32) if model.framework == "xgboost" else outputs)
    run([Path(os.environ["ASSAY_BIN"]) / "assay", "bundle", "import", folder / model.file_name, "--name", f"bench-{model.name}", "--output",
         path, "--golden-rows", rows, "--golden-expected", expected])


ARTEFACTS: dict[str, Callable[[Model, Path, Path], None]] = {
    "treelite.bin": make_treelite, "onnxruntime.onnx": make_onnx, "skl2onnx.onnx": make_skl2onnx, "xgboost-1.json": make_xgboost_1,
    "ydf": make_ydf, "ydf.so": make_ydf_code, "lleaves.so": make_lleaves,
    "tl2cgen.so": make_tl2cgen, "contributions.npy": make_contributions, "bundle.assay": make_bundle,
}


def make(name: str, model: Model, folder: Path) -> Path:
    """The artefact's path; raises `Unavailable` with the reason, also with one of an earlier run."""
    path, failure, took = folder / name, folder / f"{name}.failed", folder / f"{name}.seconds"
    if path.exists() and name not in REMADE:
        return path
    if failure.exists():
        raise Unavailable(failure.read_text())
    started = time.monotonic()
    try:
        with contextlib.redirect_stdout(sys.stderr):  # The converters talk; standard output is for the tables.
            ARTEFACTS[name](MODELS[model.name], folder, path)
    except Exception as error:  # Whatever a peer's converter throws is a fact about it.
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1].replace(f"{folder}/", "")[:200]
        if time.monotonic() - started > FAILURE_KEPT_SECONDS:
            failure.write_text(reason)
        raise Unavailable(reason) from None
    took.write_text(f"{time.monotonic() - started:.1f}")
    return path


def build_seconds(name: str, folder: Path) -> float | None:
    """How long it took to make the artefact, where that is known."""
    took = folder / f"{name}.seconds"
    return float(took.read_text()) if took.exists() else None
