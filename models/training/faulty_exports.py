#!/usr/bin/env python3
"""Exports tiny untrained classifiers, a good one and one for each fault that exports of recurrent models have.

usage: python3 models/training/faulty_exports.py [--out tests/golden/exports]

For each model DIR/NAME.onnx, and one DIR/golden.json: the mode in which a server may batch it, and for some sequences the logits that
PyTorch gives each of them alone, batch 1 and no padding. Seeds are fixed; weights do not matter, only that answers depend on everything.
"""
import argparse
import inspect
import json
import warnings
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

VOCABULARY, EMBEDDING, HIDDEN, COARSE, FINE = 40, 6, 5, 3, 7
FROZEN_TIME = 12


class Classifier(nn.Module):
    """ids int64 [batch, time], lengths int64 [batch] -> coarse float [batch, 3], fine float [batch, 7] (logits)."""

    def __init__(self, cell: type = nn.LSTM, bidirectional: bool = True, batch_first: bool = True) -> None:
        super().__init__()
        self.directions = 2 if bidirectional else 1
        self.batch_first = batch_first
        self.embedding = nn.Embedding(VOCABULARY, EMBEDDING)
        self.rnn = cell(EMBEDDING, HIDDEN, batch_first=batch_first, bidirectional=bidirectional)
        self.coarse = nn.Linear(self.directions * HIDDEN, COARSE)
        self.fine = nn.Linear(self.directions * HIDDEN, FINE)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.mul_(2.5)     # far from uniform answers, so that an error shows

    def state(self, rows):
        """Zeros from the input's shape, so that the batch stays dynamic."""
        zeros = torch.zeros(self.directions, rows, HIDDEN)
        return (zeros, zeros) if isinstance(self.rnn, nn.LSTM) else zeros

    def heads(self, pooled):
        return self.coarse(pooled), self.fine(pooled)

    def forward(self, ids, lengths):
        rows = ids.shape[0 if self.batch_first else 1]
        packed = pack_padded_sequence(self.embedding(ids), lengths, batch_first=self.batch_first)
        outputs, _ = pad_packed_sequence(self.rnn(packed, self.state(rows))[0], batch_first=self.batch_first)
        time = 1 if self.batch_first else 0
        steps = torch.arange(outputs.shape[time])
        padding = steps[None, :] >= lengths[:, None] if self.batch_first else steps[:, None] >= lengths[None, :]
        return self.heads(outputs.masked_fill(padding.unsqueeze(-1), -1e4).max(time)[0])


class FrozenBatch(Classifier):
    """No initial state: the exporter makes it a constant of the traced batch size."""

    def state(self, rows):
        return None


class FrozenTime(Classifier):
    """Mask and attention over a constant number of time steps."""

    def forward(self, ids, lengths):
        padding = torch.arange(ids.shape[1])[None, :] >= lengths[:, None]
        packed = pack_padded_sequence(self.embedding(ids), lengths, batch_first=True)
        outputs, _ = pad_packed_sequence(self.rnn(packed, self.state(ids.shape[0]))[0], batch_first=True, total_length=ids.shape[1])
        return self.heads(outputs.masked_fill(padding.unsqueeze(-1), -1e4).max(1)[0])


class NoLengths(Classifier):
    """The backward direction starts in the padding, and the mean counts it."""

    def forward(self, ids):
        return self.heads(self.rnn(self.embedding(ids), self.state(ids.shape[0]))[0].mean(1))


class LastStep(Classifier):
    """Pools the last time step, which in a padded batch is padding."""

    def forward(self, ids):
        return self.heads(self.rnn(self.embedding(ids), self.state(ids.shape[0]))[0][:, -1])


class LengthsIgnored(Classifier):
    """Takes lengths and does nothing with them."""

    def forward(self, ids, lengths):
        coarse, fine = self.heads(self.rnn(self.embedding(ids), self.state(ids.shape[0]))[0].mean(1))
        nothing = 0.0 * lengths.to(torch.float32).unsqueeze(1)
        return coarse + nothing, fine + nothing


class SoftmaxHeads(Classifier):
    """Answers probabilities instead of logits."""

    def forward(self, ids, lengths):
        return tuple(head.softmax(1) for head in super().forward(ids, lengths))


class ConvolutionInFront(Classifier):
    """A convolution without padding: fewer than 3 steps do not run."""

    def __init__(self) -> None:
        super().__init__(nn.GRU)
        self.convolution = nn.Conv1d(EMBEDDING, EMBEDDING, 3)

    def forward(self, ids):
        steps = self.convolution(self.embedding(ids).transpose(1, 2)).transpose(1, 2)
        return self.heads(self.rnn(steps, self.state(ids.shape[0]))[0].mean(1))


class HiddenVocabulary(Classifier):
    """The ids are changed before they are looked up, so the graph does not say how many there are; rows influence each other besides."""

    def forward(self, ids, lengths):
        coarse, fine = super().forward((ids + 1) - 1, lengths)
        return coarse + coarse.mean(0, keepdim=True), fine - 0.5 * fine.mean(0, keepdim=True)


class PaddingById(Classifier):
    """Takes id 0 for padding; a sequence of nothing else has no mean."""

    def forward(self, ids):
        padding = (ids == 0).unsqueeze(-1)
        outputs = self.rnn(self.embedding(ids), self.state(ids.shape[0]))[0].masked_fill(padding, 0.0)
        return self.heads(outputs.sum(1) / (~padding).to(torch.float32).sum(1))


class RowsInfluence(Classifier):
    """Normalises over the batch, as a model exported in training mode does."""

    def forward(self, ids, lengths):
        coarse, fine = super().forward(ids, lengths)
        return coarse + coarse.mean(0, keepdim=True), fine - 0.5 * fine.mean(0, keepdim=True)


MODELS = {
    # name: (model, mode, traced rows, traced time, dynamic axes of the ids)
    "good_lstm": (lambda: Classifier(), "ragged", 3, 9, {0: "batch", 1: "time"}),
    "good_gru_forward": (lambda: Classifier(nn.GRU, bidirectional=False), "ragged", 3, 9, {0: "batch", 1: "time"}),
    "frozen_batch_1": (lambda: FrozenBatch(), "batch_of_one", 1, 9, {1: "time"}),
    "frozen_batch_4": (lambda: FrozenBatch(nn.GRU), "fixed_batch", 4, 9, {0: "batch", 1: "time"}),
    "frozen_time": (lambda: FrozenTime(), "fixed_time_ragged", 3, FROZEN_TIME, {0: "batch"}),
    "no_lengths_bidirectional": (lambda: NoLengths(), "equal_lengths", 3, 9, {0: "batch", 1: "time"}),
    "last_step_pooled": (lambda: LastStep(nn.GRU, bidirectional=False), "equal_lengths", 3, 9, {0: "batch", 1: "time"}),
    "lengths_ignored": (lambda: LengthsIgnored(nn.GRU), "equal_lengths", 3, 9, {0: "batch", 1: "time"}),
    "rows_influence": (lambda: RowsInfluence(nn.GRU), "batch_of_one", 3, 9, {0: "batch", 1: "time"}),
    "softmax_heads": (lambda: SoftmaxHeads(), "ragged", 3, 9, {0: "batch", 1: "time"}),
    "convolution_in_front": (lambda: ConvolutionInFront(), "equal_lengths", 3, 9, {0: "batch", 1: "time"}),
    "hidden_vocabulary": (lambda: HiddenVocabulary(nn.GRU), "batch_of_one", 3, 9, {0: "batch", 1: "time"}),
    "padding_by_id": (lambda: PaddingById(nn.GRU, bidirectional=False), "ragged", 3, 9, {0: "batch", 1: "time"}),
    "time_major": (lambda: Classifier(nn.GRU, batch_first=False), "ragged", 3, 9, {0: "time", 1: "batch"}),
}


def export(model: nn.Module, path: Path, rows: int, time: int, axes: dict, time_major: bool) -> None:
    ids = torch.randint(1, VOCABULARY, (time, rows) if time_major else (rows, time))
    lengths = torch.arange(time, time - rows, -1)
    takes_lengths = "lengths" in inspect.signature(model.forward).parameters
    frozen = "batch" not in axes.values()
    dynamic = {"ids": axes} if frozen else {"ids": axes, "coarse": {0: "batch"}, "fine": {0: "batch"}}
    if takes_lengths and not frozen:
        dynamic["lengths"] = {0: "batch"}
    options = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # the faults are warned of, and wanted
        torch.onnx.export(model, (ids, lengths) if takes_lengths else (ids,), str(path), opset_version=17,
                          input_names=["ids", "lengths"] if takes_lengths else ["ids"], output_names=["coarse", "fine"],
                          dynamic_axes=dynamic, **options)


def alone(model: nn.Module, ids: list, time_major: bool) -> dict:
    batch = torch.tensor([ids]).T if time_major else torch.tensor([ids])
    takes_lengths = "lengths" in inspect.signature(model.forward).parameters
    with torch.no_grad():
        coarse, fine = model(batch, torch.tensor([len(ids)])) if takes_lengths else model(batch)
    if isinstance(model, SoftmaxHeads):
        coarse, fine = coarse.log(), fine.log()
    return {"ids": ids, "coarse": coarse[0].tolist(), "fine": fine[0].tolist()}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "tests/golden/exports")
    out = arguments.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    golden = {}
    for number, (name, (make, mode, rows, time, axes)) in enumerate(MODELS.items()):
        torch.manual_seed(number)
        model = make().eval()
        time_major = axes.get(0) == "time"
        export(model, out / f"{name}.onnx", rows, time, axes, time_major)
        longest = 30 if "time" in axes.values() else FROZEN_TIME
        shortest = 3 if name == "convolution_in_front" else 1
        lengths = [max(shortest, n) for n in (1, 2, 3, 5, 8, 12, longest)] + [int(n) for n in torch.randint(shortest, longest + 1, (13,))]
        sequences = [torch.randint(1, VOCABULARY, (n,)).tolist() for n in lengths]
        golden[name] = {"mode": mode, "time_major": time_major, "sequences": [alone(model, s, time_major) for s in sequences]}
        print(f"{name:26s} {mode:18s} {(out / f'{name}.onnx').stat().st_size:6d} bytes")
    (out / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
