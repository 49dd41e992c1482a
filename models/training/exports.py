#!/usr/bin/env python3
"""Makes small untrained models of many forms, as people bring them, each in a folder without a manifest, and broken ones.

usage: python3 models/training/exports.py [--out tests/golden]

For each model OUT/bare/NAME/model.onnx, and one OUT/bare/golden.json: the mode in which a server may batch it, and for some sequences the
probabilities that PyTorch gives each of them alone, batch 1 and no padding. In OUT/broken are models that cannot serve, and golden.json says
what an error must hold: each of all_of and one of any_of, in upper or lower case. Both folders are emptied first.
Seeds are fixed: the same libraries write the same bytes.
"""
from __future__ import annotations

import argparse
import inspect
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx.external_data_helper import convert_model_to_external_data, set_external_data

from exports_broken import write_broken
from exports_designs import EXPORTS, Export
from exports_modules import CHANNELS, VOCABULARY, Categories, Design, Output, feed

LENGTHS = (1, 2, 4, 7, 12, 20)


def lengths_of(export: Export) -> list[int]:
    """The lengths of the golden sequences: all the same where the graph takes no other."""
    if export.design.layout == "flat":
        return [1] * len(LENGTHS)
    if "time" not in export.frozen:
        return list(LENGTHS)
    told = any(item.role in ("lengths", "mask", "padding") for item in export.design.inputs)
    return [1, 2, 3, export.time // 2, export.time - 1, export.time] if told else [export.time] * len(LENGTHS)


def make_sequence(design: Design, length: int) -> Any:
    """Random ids from 1, so that none is padding, or random features of three decimals."""
    if design.kind == "ids":
        return torch.randint(1, VOCABULARY, (length,)).tolist()
    values = (1.5 * torch.randn(length, CHANNELS)).double().round(decimals=3)
    if design.inputs[0].dtype == "float16":
        values = values.half().double()
    return values.tolist()


def tensors(design: Design, sequences: list, time: int = 0) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(array) for array in feed(design, sequences, time).values())


def probabilities(output: Output, row: np.ndarray) -> list[float]:
    """What a head says as probabilities that sum to 1."""
    row = row.astype(np.float64).ravel()
    if output.form == "sigmoid" and output.width == 1:
        row = np.array([1 - row[0], row[0]])
    elif output.form == "logits":
        row = np.exp(row - row.max())
    elif output.form == "log_softmax":
        row = np.exp(row)
    return [round(float(p), 8) for p in row / row.sum()]


def dynamic_axes(export: Export) -> dict[str, Any]:
    """Every axis of inputs and outputs that is not frozen."""
    layouts = {"batch_first": ("batch", "time"), "time_major": ("time", "batch"), "unbatched": ("time",), "flat": ("batch",)}
    by_role = {"lengths": ("batch",)}
    by_role |= dict.fromkeys(("ids", "features", "zeros", "steps"), layouts[export.design.layout])
    by_role |= dict.fromkeys(("mask", "padding", "attention"), ("batch", "time"))
    by_role |= dict.fromkeys(("h0", "c0", "h_n", "c_n"), ("", "batch"))
    head = () if export.design.layout == "unbatched" else ("batch",)
    wanted = {i.name: by_role[i.role] for i in export.design.inputs} | {o.name: by_role.get(o.form, head) for o in export.design.outputs}
    named = {name: {i: axis for i, axis in enumerate(axes) if axis and axis not in export.frozen} for name, axes in wanted.items()}
    return {name: axes if export.axes == "named" else list(axes) for name, axes in named.items() if axes}


def export_module(export: Export, model: torch.nn.Module, path: Path) -> None:
    """PyTorch's first exporter."""
    lengths = range(export.time, max(0, export.time - export.rows), -1)
    sequences = [make_sequence(export.design, 1 if export.design.layout == "flat" else max(1, n)) for n in lengths]
    options: dict[str, Any] = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    if export.axes != "nothing":
        options["input_names"] = [i.name for i in export.design.inputs]
        options["output_names"] = [o.name for o in export.design.outputs]
        options["dynamic_axes"] = dynamic_axes(export)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # what is frozen is warned of, and wanted
        torch.onnx.export(model, tensors(export.design, sequences), str(path), opset_version=export.opset, **options)


def move_weights(path: Path, how: str) -> None:
    """Moves all weights out of the model file."""
    model = onnx.load(str(path))
    if how == "file":
        convert_model_to_external_data(model, all_tensors_to_one_file=True, location="model.onnx.data", size_threshold=0)
    else:
        (path.parent / "weights").mkdir()
        for number, tensor in enumerate(model.graph.initializer):
            tensor.raw_data = onnx.numpy_helper.to_array(tensor).tobytes()
            set_external_data(tensor, location=f"weights/{number}.bin")
    onnx.save_model(model, str(path))


def golden_answer(design: Design, model: torch.nn.Module, sequence: Any, names: list[str]) -> dict[str, Any]:
    """A sequence and the probabilities that the module gives it alone."""
    with torch.no_grad():
        values = [None, model.probabilities(sequence)] if isinstance(model, Categories) else model(*tensors(design, [sequence]))
    heads = {name: probabilities(output, value.numpy()) for name, output, value in zip(names, design.outputs, values) if output.is_head}
    return {design.kind: sequence, "heads": heads}


def write_export(number: int, name: str, export: Export, out: Path) -> dict[str, Any]:
    """Writes one model folder; returns its part of golden.json."""
    torch.manual_seed(1000 + number)
    path = out / name / "model.onnx"
    path.parent.mkdir(parents=True)
    model = export.make(export.design).eval()
    if export.build is None:
        export_module(export, model, path)
    else:
        onnx.save_model(export.build(model), str(path))
    if export.external:
        move_weights(path, export.external)
    written = onnx.load(str(path), load_external_data=False)
    if written.opset_import[0].version <= onnx.defs.onnx_opset_version():
        # ONNX infers no shapes through the scikit operators
        onnx.checker.check_model(onnx.load(str(path)), full_check=export.design.kind != "text")
    torch.manual_seed(2000 + number)
    if export.design.kind == "text":
        sequences = [*Categories.WORDS[:-1], "never seen"]
    else:
        sequences = [make_sequence(export.design, length) for length in lengths_of(export)]
    outputs = [output.name for output in written.graph.output]
    return {"about": export.about, "kind": export.design.kind, "mode": export.mode, "time_major": export.design.layout == "time_major",
            "tolerance": export.tolerance, "sequences": [golden_answer(export.design, model, s, outputs) for s in sequences]}


def write_json(path: Path, entries: dict[str, Any]) -> None:
    """One model a line."""
    lines = ",\n".join(f"{json.dumps(name)}:{json.dumps(entry, separators=(',', ':'), ensure_ascii=False)}" for name, entry in entries.items())
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def main() -> None:
    """Writes all models anew."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "tests/golden")
    out = arguments.parse_args().out
    torch.set_num_threads(1)
    for folder in ("bare", "broken"):
        shutil.rmtree(out / folder, ignore_errors=True)
        (out / folder).mkdir(parents=True)
    golden = {}
    for number, (name, export) in enumerate(EXPORTS.items()):
        golden[name] = write_export(number, name, export, out / "bare")
        size = sum(file.stat().st_size for file in (out / "bare" / name).rglob("*") if file.is_file())
        print(f"{name:34s} {export.mode or '-':26s} {size:6d} bytes")
    write_json(out / "bare/golden.json", golden)
    write_json(out / "broken/golden.json", write_broken(out / "bare", out / "broken"))


if __name__ == "__main__":
    main()
