"""PyTorch modules behind the bare exports: what each takes and gives, and how sequences become its input tensors."""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np
import torch
from torch import Tensor, nn

VOCABULARY, EMBEDDING, CHANNELS = 40, 6, 3
NOWHERE = -1e4      # score of a padded time step


@dataclass(frozen=True)
class Input:
    """A graph input. role: ids, features, text, lengths, mask, padding (a mask whose true is padding), zeros (of the ids' shape), h0 or c0."""

    name: str
    role: str
    dtype: str = "float32"


@dataclass(frozen=True)
class Output:
    """A graph output. form: logits, log_softmax, softmax or sigmoid for a head; h_n, c_n, attention, steps or label for what is no head."""

    name: str
    form: str = "logits"
    width: int = 0
    dtype: str = "float32"

    @property
    def is_head(self) -> bool:
        return self.width > 0


@dataclass(frozen=True)
class Design:
    """A classifier. layout: batch_first, time_major, unbatched (no batch axis) or flat (no time axis).

    state: zeros (made from the input's shape) or none (PyTorch's exporter makes a constant of it); pooling: last_state, last_step, mean, max or
    attention; packed: whether lengths or mask reach the recurrent nodes.
    """

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    cell: str = "LSTM"
    layers: int = 1
    hidden: int = 5
    bidirectional: bool = False
    reverse: bool = False
    layout: str = "batch_first"
    state: str = "zeros"
    packed: bool = False
    pooling: str = "last_state"

    @property
    def kind(self) -> str:
        return next(i.role for i in self.inputs if i.role in ("ids", "features", "text"))

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1


def feed(design: Design, sequences: Sequence[Any], time: int = 0) -> dict[str, np.ndarray]:
    """The input tensors of a batch of sequences, padded with zeros to `time` steps or the longest of them."""
    rows = len(sequences)
    lengths = np.array([len(s) for s in sequences])
    steps = time or int(lengths.max())
    valid = np.arange(steps)[None, :] < lengths[:, None]
    arrays = {}
    for item in design.inputs:
        if item.role == "text":
            arrays[item.name] = np.array([[text] for text in sequences], dtype=object)
            continue
        if item.role in ("h0", "c0"):
            array = np.zeros((design.layers * design.directions, rows, design.hidden))
        elif item.role == "lengths":
            array = lengths
        elif item.role in ("mask", "padding"):
            array = valid if item.role == "mask" else ~valid    # [batch, time], as PyTorch has it in either layout
        else:
            array = np.zeros((rows, steps) + ((CHANNELS,) if item.role == "features" else ()))
            for row, sequence in enumerate(sequences):
                array[row, :len(sequence)] = 0 if item.role == "zeros" else sequence
            if design.layout == "time_major":
                array = array.swapaxes(0, 1)
            elif design.layout in ("unbatched", "flat"):
                array = array[0] if design.layout == "unbatched" else array[:, 0]
        arrays[item.name] = np.ascontiguousarray(array.astype(item.dtype))
    return arrays


class Classifier(nn.Module):
    """forward takes the tensors of the design's inputs in order, and gives those of its outputs in order."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        if design.kind == "ids":
            self.embedding = nn.Embedding(VOCABULARY, EMBEDDING)
        self.make_body(EMBEDDING if design.kind == "ids" else CHANNELS)
        self.heads = nn.ModuleDict({f"head_{i}": nn.Linear(self.features, o.width) for i, o in enumerate(design.outputs) if o.is_head})
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                parameter.mul_(self.gain(name))     # answers far from uniform, so that an error shows

    def gain(self, name: str) -> float:
        if name.startswith("heads"):
            return 4.0
        if self.design.cell == "RNN_RELU":
            return 1.0 if "weight_hh" in name else 1.5
        return 1.0 if name.startswith("embedding") else 2.0

    def make_body(self, width: int) -> None:
        design = self.design
        options: dict[str, Any] = {"num_layers": design.layers, "bidirectional": design.bidirectional, "batch_first": design.layout == "batch_first"}
        if design.cell.startswith("RNN"):
            self.rnn: nn.Module = nn.RNN(width, design.hidden, nonlinearity=design.cell[4:].lower(), **options)
        else:
            self.rnn = (nn.LSTM if design.cell == "LSTM" else nn.GRU)(width, design.hidden, **options)
        self.features = design.hidden * design.directions
        if design.pooling == "attention":
            self.score = nn.Linear(self.features, 1)

    def steps(self, given: dict[str, Tensor]) -> Tensor:
        """The sequence as float32 vectors."""
        if self.design.kind == "features":
            features = given["features"]
            return features if features.dtype == torch.float32 else features.to(torch.float32)
        ids = given["ids"]
        vectors = self.embedding(ids.to(torch.int64) if ids.dtype == torch.float32 else ids)
        return vectors + given["zeros"].unsqueeze(-1).to(torch.float32) if "zeros" in given else vectors

    def valid(self, given: dict[str, Tensor], steps: int) -> Tensor | None:
        """Boolean [batch, time], true where there is no padding; None when the graph is not told."""
        if "mask" in given:
            mask = given["mask"]
            return mask if mask.dtype == torch.bool else mask > 0
        if "padding" in given:
            return ~given["padding"]
        return torch.arange(steps)[None, :] < given["lengths"][:, None] if "lengths" in given else None

    def start(self, given: dict[str, Tensor], rows: Any) -> Any:
        if "h0" in given:
            return (given["h0"], given["c0"]) if self.design.cell == "LSTM" else given["h0"]
        if self.design.state == "none":
            return None
        zeros = torch.zeros(self.design.layers * self.design.directions, rows, self.design.hidden)
        return (zeros, zeros) if self.design.cell == "LSTM" else zeros

    def body(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        """pooled [batch, features], and whatever else may be an output."""
        design = self.design
        batch_first = design.layout == "batch_first"
        vectors = self.steps(given)
        if design.reverse:
            vectors = vectors.flip(1 if batch_first else 0)
        if design.layout == "unbatched":
            vectors = vectors.unsqueeze(1)
        state = self.start(given, vectors.shape[0 if batch_first else 1])
        if design.packed:
            lengths = given["lengths"] if "lengths" in given else self.valid(given, 0).to(torch.int64).sum(1)
            total = vectors.shape[1 if batch_first else 0]
            packed = nn.utils.rnn.pack_padded_sequence(vectors, lengths.to(torch.int64), batch_first=batch_first)
            outputs, state = self.rnn(packed, state)
            outputs, _ = nn.utils.rnn.pad_packed_sequence(outputs, batch_first=batch_first, total_length=total if "lengths" not in given else None)
        else:
            outputs, state = self.rnn(vectors, state)
        h_n, c_n = state if design.cell == "LSTM" else (state, state)
        made = {"steps": outputs, "h_n": h_n, "c_n": c_n}
        states = outputs if batch_first else outputs.transpose(0, 1)
        if design.pooling == "last_state":
            made["pooled"] = torch.cat([h_n[-2], h_n[-1]], 1) if design.bidirectional else h_n[-1]
        elif design.pooling == "last_step":
            made["pooled"] = states[:, -1]
        else:
            self.pool(states, self.valid(given, states.shape[1]), made)
        return made

    def pool(self, states: Tensor, valid: Tensor | None, made: dict[str, Tensor]) -> None:
        if self.design.pooling == "max":
            made["pooled"] = (states if valid is None else states.masked_fill(~valid.unsqueeze(-1), NOWHERE)).max(1)[0]
        elif self.design.pooling == "attention":
            scores = self.score(states).squeeze(-1)
            made["attention"] = (scores if valid is None else scores.masked_fill(~valid, NOWHERE)).softmax(1)
            made["pooled"] = (states * made["attention"].unsqueeze(-1)).sum(1)
        elif valid is None:
            made["pooled"] = states.mean(1)
        else:
            weights = valid.to(torch.float32).unsqueeze(-1)
            made["pooled"] = (states * weights).sum(1) / weights.sum(1)

    def forward(self, *values: Tensor) -> tuple[Tensor, ...]:
        given = {item.role: value for item, value in zip(self.design.inputs, values)}
        made = self.body(given)
        outputs = []
        for i, output in enumerate(self.design.outputs):
            value = self.head(i, output, made["pooled"]) if output.is_head else made[output.form]
            if self.design.layout == "unbatched":
                value = value.squeeze(0)
            outputs.append(value if output.dtype == "float32" else value.to(getattr(torch, output.dtype)))
        return tuple(outputs)

    def head(self, index: int, output: Output, pooled: Tensor) -> Tensor:
        scores = self.heads[f"head_{index}"](pooled)
        if output.form == "sigmoid":
            return scores.sigmoid()
        if output.form == "softmax":
            return scores.softmax(1)
        return scores.log_softmax(1) if output.form == "log_softmax" else scores


class MeanOfEmbeddings(Classifier):
    """No recurrence: the mean of the embeddings that the mask keeps."""

    def make_body(self, width: int) -> None:
        self.features = width

    def body(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        weights = given["mask"].unsqueeze(-1)
        return {"pooled": (self.steps(given) * weights).sum(1) / weights.sum(1)}


class Convolution(Classifier):
    """No recurrence: a convolution over 3 time steps, the maximum of each channel."""

    def make_body(self, width: int) -> None:
        self.features = self.design.hidden
        self.convolution = nn.Conv1d(width, self.features, 3, padding=1)

    def body(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"pooled": self.convolution(self.steps(given).transpose(1, 2)).relu().max(2)[0]}


class Transformer(Classifier):
    """No recurrence: one encoder layer of one attention head, whose padding mask is [batch, time] though time leads the ids."""

    def make_body(self, width: int) -> None:
        self.features = width
        self.project = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def body(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        vectors = self.steps(given).transpose(0, 1)
        query, key, value = self.project(vectors).chunk(3, -1)
        scores = query @ key.transpose(1, 2) / math.sqrt(self.features)
        attention = scores.masked_fill(given["padding"].unsqueeze(1), -math.inf).softmax(-1)
        mixed = self.norm(vectors + self.mix(attention @ value))
        return {"pooled": mixed.masked_fill(given["padding"].unsqueeze(-1), NOWHERE).max(1)[0]}


class Perceptron(Classifier):
    """No recurrence and no time axis, all in float64."""

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        self.double()

    def make_body(self, width: int) -> None:
        self.features = self.design.hidden
        self.hidden = nn.Linear(width, self.features)

    def body(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"pooled": self.hidden(given["features"]).tanh()}


class Categories(nn.Module):
    """A linear classifier of one word; a word that it does not know counts as the last one."""

    WORDS = ("red", "green", "blue", "dark blue", "naïve", "other")

    def __init__(self, design: Design, hidden: int = 0) -> None:
        super().__init__()
        self.design = design
        width = next(o.width for o in design.outputs if o.is_head)
        self.embedding = nn.Embedding(len(self.WORDS), hidden or width)
        self.linear = nn.Linear(hidden, width) if hidden else None
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.mul_(2.0)

    def probabilities(self, text: str) -> Tensor:
        index = self.WORDS.index(text if text in self.WORDS else "other")
        scores = self.embedding(torch.tensor([index]))
        return (scores if self.linear is None else self.linear(scores.tanh())).softmax(1)
