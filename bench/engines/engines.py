"""Every engine that is measured: what it is called, where it comes from, which models it does, how its process is started."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import artefacts
from artefacts import Unavailable
from models import Model

HERE = Path(__file__).resolve().parent
SCORE, CONTRIBUTIONS = "score", "contributions"
BOOSTED = ["xgboost", "lightgbm"]
FORESTS = ["isolation-forest", "random-forest"]


# Versions of what `run` installs in places of their own.
ELSEWHERE = {"xgboost-1": "1.7.6", "lleaves": "1.3.0"}


@dataclass(frozen=True)
class Engine:
    name: str
    label: str
    package: str
    binding: str             # C, C++ or Python (whose own cost is then in the figures)
    harness: str             # the C harness's engine, or a name of python_engines.py, or "assay"
    frameworks: list[str]
    kinds: list[str] = field(default_factory=lambda: [SCORE])
    library: str = ""        # inside the package's folder
    artefact: str = ""       # instead of the model's own file
    note: str = ""
    kernel: str = ""

    def does(self, model: Model, kind: str) -> bool:
        return kind in self.kinds and model.framework in self.frameworks

    def version(self) -> str:
        if self.name in ELSEWHERE:
            return ELSEWHERE[self.name]
        try:
            return metadata.version(self.package) if self.package else ""
        except metadata.PackageNotFoundError:
            return "not installed"


PEERS = [
    Engine("xgboost", "XGBoost, in place", "xgboost", "C", "xgboost", ["xgboost"], [SCORE, CONTRIBUTIONS], "lib/libxgboost.so"),
    Engine("xgboost-1", "XGBoost 1.7, in place", "xgboost", "C", "xgboost", ["xgboost"], [SCORE, CONTRIBUTIONS], artefact="xgboost-1.json"),
    Engine("lightgbm", "LightGBM, SingleRowFast", "lightgbm", "C", "lightgbm", ["lightgbm"], [SCORE, CONTRIBUTIONS],
           "lib/lib_lightgbm.so"),
    Engine("onnxruntime", "ONNX Runtime", "onnxruntime", "C", "onnxruntime", BOOSTED + FORESTS, library="capi/libonnxruntime.so.*",
           artefact="onnxruntime.onnx", note="one tree-ensemble node"),
    Engine("onnxruntime-skl2onnx", "ONNX Runtime", "onnxruntime", "C", "onnxruntime", ["isolation-forest"],
           library="capi/libonnxruntime.so.*", artefact="skl2onnx.onnx", note="graph of skl2onnx"),
    Engine("tl2cgen", "TL2cgen, compiled", "tl2cgen", "C", "tl2cgen", BOOSTED + FORESTS, artefact="tl2cgen.so"),
    Engine("lleaves", "lleaves, compiled", "lleaves", "C", "lleaves", ["lightgbm"], artefact="lleaves.so"),
    Engine("treelite", "Treelite GTIL", "treelite", "C", "treelite", BOOSTED + FORESTS, library="lib/libtreelite.so",
           artefact="treelite.bin"),
    Engine("onedal", "oneDAL (daal4py)", "scikit-learn-intelex", "Python", "onedal", BOOSTED),
    Engine("ydf", "YDF engine", "ydf", "C++", "ydf", BOOSTED, artefact="ydf", note="own trees; mean"),
    Engine("ydf-sklearn", "YDF engine", "ydf", "C++", "ydf", FORESTS, artefact="ydf", note="from_sklearn; mean"),
    Engine("ydf-code", "YDF, compiled", "ydf", "C++", "ydf-code", BOOSTED, artefact="ydf.so", note="own trees"),
    Engine("scikit-learn", "scikit-learn", "scikit-learn", "Python", "scikit-learn", FORESTS),
    Engine("shap", "shap, C extension", "shap", "Python", "shap", BOOSTED + FORESTS, [CONTRIBUTIONS]),
]

# By the name that `import` knows.
MODULES = {"onedal": "daal4py", "scikit-learn": "sklearn"}
PYTHON_ENGINES = ["onedal", "ydf", "scikit-learn", "shap"]
# Whose trees are not the model's: their results are not compared with it.
OWN_TREES = ["ydf", "ydf-code"]


def assay_program() -> Path:
    return Path(os.environ["ASSAY_BIN"]) / "assay-engine"


def assay_engines() -> list[Engine]:
    """One for each kernel that this processor can run, the server's choice first; one that says so where the program is not built."""
    program = assay_program()
    if not program.exists():
        return [Engine("assay", "Assay", "", "Swift", "assay", BOOSTED + FORESTS, [SCORE, CONTRIBUTIONS])]
    found = []
    for kind in (SCORE, CONTRIBUTIONS):
        kernels = subprocess.run([program, "kernels", kind], check=True, capture_output=True, text=True).stdout.split()
        found += [Engine(f"assay-{kernel}", "Assay", "", "Swift", "assay", BOOSTED + FORESTS, [kind], artefact="bundle.assay",
                         note=kernel, kernel=kernel) for kernel in kernels]
    return found


def library(engine: Engine) -> Path:
    if engine.name == "xgboost-1":
        path = Path(os.environ["ASSAY_BENCH_XGBOOST_1"])
        if not path.exists():
            raise Unavailable("not installed")
        return path
    module = find_spec(MODULES.get(engine.name, engine.package))
    if module is None or module.origin is None:
        raise Unavailable("not installed")
    found = sorted(Path(module.origin).parent.glob(engine.library))
    if not found:
        raise Unavailable(f"the wheel has no {engine.library}")
    return found[0]


def command(engine: Engine, model: Model, folder: Path, kind: str) -> list[str]:
    """The program that measures it, up to the model; raises `Unavailable`."""
    if engine.harness == "assay" and not engine.kernel:
        raise Unavailable(f"no {assay_program()} (swift build -c release)")
    file = artefacts.make(engine.artefact, model, folder) if engine.artefact else folder / model.file_name
    if engine.harness == "assay":
        return [str(assay_program()), engine.kernel, str(file)]
    if engine.harness in PYTHON_ENGINES:
        if find_spec(MODULES.get(engine.name, engine.package)) is None:
            raise Unavailable("not installed")
        return [sys.executable, str(HERE / "python_engines.py"), engine.harness, model.name, str(folder)]
    harness = [os.environ["ASSAY_BENCH_HARNESS"], engine.harness.removesuffix("-code")]
    return harness + [str(library(engine) if engine.library or engine.name == "xgboost-1" else file), str(file)]
