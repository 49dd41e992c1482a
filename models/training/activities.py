"""Windows of what a phone's accelerometer and gyroscope measure while its owner does something."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from labels import LabelTree

CHANNELS = [f"{sensor}_{axis}" for sensor in ("body_acc", "body_gyro", "total_acc") for axis in "xyz"]
TREE = LabelTree({"moving": ["walking", "walking_upstairs", "walking_downstairs"],
                  "still": ["sitting", "standing", "laying"]})
STANDING = TREE.fine.index("standing")


def read_windows(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """Reads the part `train` or `test`: raw values [windows, time, 9] and fine labels [windows]."""
    values = torch.from_numpy(np.load(folder / f"har_X_{part}.npy"))
    labels = torch.from_numpy(np.load(folder / f"har_y_{part}.npy")).long() - 1
    if values.shape[2] != len(CHANNELS) or len(values) != len(labels):
        raise ValueError(f"{folder}: expected a label for each window of {len(CHANNELS)} channels")
    return values, labels


def blocks(labels: Tensor, count: int) -> list[range]:
    """Cuts the windows into contiguous blocks of about the same size.

    The windows are ordered by subject and overlap, so a random split would leak. Each subject goes
    through the activities in one order, twice, and starts by standing: blocks start there.
    """
    moving = TREE.parents[labels] == 0
    starts = [i for i in range(1, len(labels)) if labels[i] == STANDING and moving[i - 1]]
    cuts = [min(starts, key=lambda start: abs(start - len(labels) * i / count)) for i in range(1, count)]
    return [range(a, b) for a, b in zip([0, *cuts], [*cuts, len(labels)])]


def with_missing(values: Tensor, share: float, seed: int) -> Tensor:
    """Takes single values away at random; NumPy's old generator, whose numbers never change."""
    taken = np.random.RandomState(seed).random_sample(tuple(values.shape)) < share
    return values.masked_fill(torch.from_numpy(taken), torch.nan)
