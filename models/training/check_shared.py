"""What the checks of both shipped models share."""
from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Sequence

import onnx

from export import problems

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent
GOLDEN = HERE.parents[1] / "tests" / "golden"
LARGEST = 10 * 1024 * 1024


def trained_twice(command: str, write: Callable[[Path], None], options: Sequence[str], files: Sequence[str]) -> None:
    """Runs a training command twice on the data that `write` makes, and compares the files it writes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        for run in ("a", "b"):
            subprocess.run([sys.executable, str(HERE / command), "--data", name, "--out", str(folder / run),
                            "--golden", str(folder / run / "golden.json"), *options],
                           check=True, stdout=subprocess.DEVNULL)
        for file in files:
            first, second = ((folder / run / file).read_bytes() for run in ("a", "b"))
            assert first == second, f"two runs with one seed wrote different {file}"
        found = problems(onnx.load(str(folder / "a" / "model.onnx")))
        assert not found, found


def committed_graph(folder: Path) -> onnx.ModelProto:
    """Checks a model for validity, size, and fixed batch and time sizes."""
    path = folder / "model.onnx"
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    assert path.stat().st_size <= LARGEST, "model.onnx is too large"
    found = problems(model)
    assert not found, found
    return model


def labels_fit(folder: Path) -> None:
    """Checks labels.json and model.json against the graph's outputs."""
    levels = [json.loads((folder / "labels.json").read_text())["tree"]]
    levels.append([leaf for node in levels[0] for leaf in node["children"]])
    manifest = json.loads((folder / "model.json").read_text())
    outputs = {output.name: output for output in onnx.load(str(folder / "model.onnx")).graph.output}
    for head, labels in zip(manifest["heads"], levels):
        width = outputs[head["output"]].type.tensor_type.shape.dim[1].dim_value
        assert width == len(labels), f"{head['output']}: {width} outputs, {len(labels)} labels"
