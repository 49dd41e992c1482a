"""Models that cannot serve, each made from a good one by the fault that people make."""
from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper


def truncated(good: Path, folder: Path) -> None:
    content = (good / "lstm_packed_with_states/model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(content[:len(content) * 3 // 5])


def external_file_missing(good: Path, folder: Path) -> None:
    shutil.copy(good / "gru_external_file/model.onnx", folder)


def manifest_contradicts(good: Path, folder: Path) -> None:
    shutil.copy(good / "gru_two_layers_lengths_int32/model.onnx", folder)
    manifest = {"input": "ids", "lengths": "sequence_lengths", "heads": [{"output": "coarse"}, {"output": "finest"}]}
    (folder / "model.json").write_text(json.dumps(manifest, indent=2) + "\n")


def unknown_operator(good: Path, folder: Path) -> None:
    model = onnx.load(str(good / "lstm_last_state/model.onnx"))
    node = next(node for node in model.graph.node if node.op_type == "LSTM")
    node.op_type, node.domain = "PeepholeLSTM", "com.example.cells"
    model.opset_import.append(onnx.helper.make_opsetid("com.example.cells", 1))
    onnx.save_model(model, str(folder / "model.onnx"))


def unknown_opset(good: Path, folder: Path) -> None:
    model = onnx.load(str(good / "lstm_last_state/model.onnx"))
    model.opset_import[0].version = 99
    onnx.save_model(model, str(folder / "model.onnx"))


def batchwise_layout(good: Path, folder: Path) -> None:
    model = onnx.load(str(good / "rnn_reverse_lengths/model.onnx"))
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("layout", 1))
    time, batch = model.graph.input[0].type.tensor_type.shape.dim[:2]
    time.dim_param, batch.dim_param = batch.dim_param, time.dim_param
    axes = next(tensor for tensor in model.graph.initializer if tensor.name == "directions")
    axes.CopyFrom(numpy_helper.from_array(np.array([1]), axes.name))      # Y_h is [batch, directions, hidden] now
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, str(folder / "model.onnx"))


def nan_weight(good: Path, folder: Path) -> None:
    model = onnx.load(str(good / "gru_two_layers_lengths_int32/model.onnx"))
    weight = next(tensor for tensor in model.graph.initializer if tensor.name == "heads.head_1.weight")
    values = numpy_helper.to_array(weight).copy()
    values[2, 3] = np.nan
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    onnx.save_model(model, str(folder / "model.onnx"))


# name: (maker, about, names that an error must hold, words of which it must hold one)
BROKEN = {
    "truncated": (truncated, "A copy of model.onnx that was broken off.", ["model.onnx"], ["truncated", "incomplete", "protobuf", "parse", "copy"]),
    "external_file_missing": (external_file_missing, "The weights are in a file beside the graph, which was not copied.", ["model.onnx.data"],
                              ["missing", "not found", "does not exist", "no file", "cannot open"]),
    "manifest_contradicts": (manifest_contradicts, "model.json names an output and an input for lengths that the graph does not have.",
                             ["finest", "sequence_lengths", "coarse", "fine", "lengths"], ["output", "input"]),
    "unknown_operator": (unknown_operator, "An operator of a domain that no runtime has.", ["PeepholeLSTM"],
                         ["operator", "com.example.cells", "not a registered"]),
    "unknown_opset": (unknown_opset, "An opset that does not exist yet.", ["99"], ["opset"]),
    "batchwise_layout": (batchwise_layout, "A valid RNN with layout=1, which ONNX Runtime's CPU provider does not have.", ["layout"],
                         ["batch", "not supported", "transpose"]),
    "nan_weight": (nan_weight, "One weight of the fine head is NaN.", ["NaN"], ["infinity", "finite", "heads.head_1.weight"]),
}


def write_broken(good: Path, out: Path) -> dict[str, Any]:
    """Writes a folder for each; returns what golden.json says of them."""
    golden = {}
    for name, (make, about, names, words) in BROKEN.items():
        (out / name).mkdir()
        make(good, out / name)
        golden[name] = {"about": about, "all_of": names, "any_of": words}
    return golden
