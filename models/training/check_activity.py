"""The checks of the activity classifier; `check.py` runs them."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import torch

from activities import CHANNELS, TREE, read_windows
from activity_golden import SEQUENCES
from check_shared import GOLDEN, MODELS, committed_graph, labels_fit, trained_twice
from features import Features, windows
from run_graph import run_graph, softmax

MODEL = MODELS / "activity" / "1"
GOLDEN_FILE = GOLDEN / "activity" / "golden.json"
TOLERANCE = 2e-5
PADDING = 5


def write_windows(folder: Path) -> None:
    """Writes a small made-up set of windows in the format of the real one: each activity has its pace."""
    generator = np.random.RandomState(1)
    course = np.repeat([5, 4, 6, 1, 3, 2], 4)
    for part, subjects in (("train", 6), ("test", 1)):
        labels = np.tile(course, subjects)
        time = np.arange(128)[None, :, None] * labels[:, None, None] * 0.05
        values = np.sin(time + generator.random_sample((len(labels), 1, len(CHANNELS))) * 6)
        np.save(folder / f"har_X_{part}.npy", (values + generator.normal(0, 0.1, values.shape)).astype(np.float32))
        np.save(folder / f"har_y_{part}.npy", labels)


def train_twice() -> None:
    """The activity training command writes the same files each time."""
    trained_twice("train_activity.py", write_windows, ["--seeds", "1", "--epochs", "2"],
                  ["model.onnx", "labels.json", "model.json", "README.md", "golden.json"])


def graph() -> None:
    """The committed activity model is valid, small, and free of fixed batch and time sizes."""
    committed_graph(MODEL)


def labels() -> None:
    """The activity model's labels.json and model.json fit the graph's outputs."""
    labels_fit(MODEL)
    assert json.loads((MODEL / "labels.json").read_text()) == TREE.to_json(), "labels.json holds other labels"


def golden_sequences() -> None:
    """The golden file holds the made-up sequences that the code makes."""
    entries = json.loads(GOLDEN_FILE.read_text(encoding="utf-8"))
    assert len(entries) == len(SEQUENCES), "the golden file holds another number of sequences"
    for seed, (made, entry) in enumerate(zip(SEQUENCES, entries)):
        raw = torch.tensor([[float("nan") if v is None else v for v in row] for row in entry["features"]])
        assert torch.allclose(raw, made.values(seed), atol=2e-4, equal_nan=True), f"sequence {seed} differs"
        assert len(windows(raw)) == entry["windows"], f"sequence {seed} has another number of windows"


def golden_answers() -> None:
    """The activity graph, run with NumPy on all windows in one padded batch, gives the golden probabilities."""
    stated = json.loads((MODEL / "model.json").read_text())["features"]
    features = Features(stated["channels"], stated["mean"], stated["std"])
    assert features.to_json() == stated, "model.json states another way of preparing values"
    entries = json.loads(GOLDEN_FILE.read_text(encoding="utf-8"))
    shown = []
    for entry in entries:
        raw = torch.tensor([[float("nan") if v is None else v for v in row] for row in entry["features"]])
        shown.append(windows(features.transform(raw.unsqueeze(0))[0]).numpy())
    rows = [window for sequence in shown for window in sequence]
    lengths = np.array([len(row) for row in rows], np.int64)
    batch = np.full((len(rows), lengths.max() + PADDING, len(CHANNELS)), 9.0, np.float32)
    for position, row in enumerate(rows):
        batch[position, :len(row)] = row
    coarse, fine = (logits.astype(np.float64) for logits in
                    run_graph(onnx.load(str(MODEL / "model.onnx")), {"features": batch, "lengths": lengths}))
    groups = TREE.members.numpy()
    node = softmax(coarse, axis=1)
    inside = sum(np.where(group, softmax(np.where(group, fine, -1e9), axis=1), 0.0) for group in groups)
    leaf = node[:, TREE.parents.numpy()] * inside
    ends = np.cumsum([len(sequence) for sequence in shown])
    for entry, end in zip(entries, ends):
        own = slice(end - entry["windows"], end)
        for name, found in (("coarse", node), ("fine", leaf)):
            worst = float(np.abs(found[own].mean(axis=0) - entry[name]).max())
            assert worst < TOLERANCE, f"{name} probabilities differ by {worst:.1e}"


def same_scale(data: Path) -> None:
    """model.json states the mean and deviation of the training windows."""
    values, _ = read_windows(data, "train")
    stated = json.loads((MODEL / "model.json").read_text())["features"]
    assert Features.of(CHANNELS, values).to_json() == stated, "model.json states another scale"


CHECKS = [golden_sequences, graph, labels, golden_answers, train_twice]
