"""Writes a trained network as ONNX, the same bytes every time."""
from __future__ import annotations

import inspect
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from model import QuestionNet

OPSET = 17
TRACE_LENGTHS = (9, 7, 4)


def folded(net: QuestionNet) -> QuestionNet:
    """A copy for serving, its word table folded into one plain embedding."""
    served = QuestionNet(net.shape, net.words.folded())
    state = net.state_dict()
    served.load_state_dict({name: state.get(name, value) for name, value in served.state_dict().items()})
    return served.eval()


def export_questions(net: QuestionNet, path: Path) -> None:
    """Exports a folded network: input_ids, lengths -> coarse, fine."""
    lengths = torch.tensor(TRACE_LENGTHS)
    ids = torch.ones(len(TRACE_LENGTHS), max(TRACE_LENGTHS), dtype=torch.int64)
    ids[torch.arange(ids.shape[1]) >= lengths.unsqueeze(1)] = 0
    export_onnx(net, "questions", "input_ids", ids, lengths, path)


def export_onnx(net: nn.Module, name: str, sequence: str, example: Tensor, lengths: Tensor, path: Path) -> None:
    """Exports a network: its sequence [batch, time, ...], lengths -> coarse, fine, with free batch and time.

    The example is sorted by length and its longest sequence fills the time axis. That lets the
    exporter write a plain recurrence with sequence_lens, which is right for any order of lengths.
    """
    options = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    with torch.no_grad(), warnings.catch_warnings():
        # The exporter warns that a GRU may freeze the batch size. It would without the explicit
        # initial state; `problems` checks that it did not.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net, (example, lengths), str(path), opset_version=OPSET,
            input_names=[sequence, "lengths"], output_names=["coarse", "fine"],
            dynamic_axes={sequence: {0: "batch", 1: "time"}, "lengths": {0: "batch"},
                          "coarse": {0: "batch"}, "fine": {0: "batch"}}, **options)
    model = onnx.load(str(path))
    tidy(model, name)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def tidy(model: onnx.ModelProto, name: str) -> None:
    """Drops what says where the file was made, and inferred shapes of values inside the graph."""
    model.doc_string = model.graph.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
    del model.graph.value_info[:]
    model.graph.name = name


def problems(model: onnx.ModelProto) -> list[str]:
    """What would keep a model from serving batches of any size and length."""
    found = []
    for value, rank in [(v, 1 if v.name == "lengths" else 2) for v in model.graph.input] + \
            [(v, 1) for v in model.graph.output]:
        frozen = [axis for axis, dim in enumerate(value.type.tensor_type.shape.dim)
                  if axis < rank and not dim.dim_param]
        found += [f"{value.name}: axis {axis} has a fixed size" for axis in frozen]
    for node in model.graph.node:
        if node.op_type in ("GRU", "LSTM"):
            if not node.input[4]:
                found.append(f"{node.name}: no sequence_lens, padding would leak in")
            if any(item.name == node.input[5] for item in model.graph.initializer):
                found.append(f"{node.name}: the initial state has a fixed batch size")
    return found
