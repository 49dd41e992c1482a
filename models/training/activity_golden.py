"""Writes the golden file: what the exported weights answer to made-up sequences, from raw values on."""
from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from activities import CHANNELS, TREE
from activity_model import ActivityNet
from evaluate import leaves
from features import Features, windows

RATE = 50.0


@dataclass(frozen=True)
class Made:
    """A made-up sequence. pace: steps a second, in Hz; strength: of its waves; gravity: along x, y, z, in g."""
    steps: int
    pace: float
    strength: float
    gravity: tuple[float, float, float]
    missing: float = 0.0
    dead: tuple[int, ...] = ()
    outlier: bool = False
    late: bool = False

    def values(self, seed: int) -> Tensor:
        """[steps, channels], NaN where missing, rounded as the file states it."""
        generator = torch.Generator().manual_seed(seed)
        time = torch.arange(self.steps).unsqueeze(1) / RATE
        phase = torch.rand(3, len(CHANNELS), generator=generator) * 2 * math.pi
        share = torch.rand(3, len(CHANNELS), generator=generator)
        waves = sum(share[i] * (2 * math.pi * self.pace * (i + 1) * time + phase[i]).sin() / (i + 1) for i in range(3))
        values = self.strength * waves + 0.01 * torch.randn(self.steps, len(CHANNELS), generator=generator)
        values[:, 6:] += torch.tensor(self.gravity)
        if self.outlier:
            values[self.steps // 2] = torch.tensor([90.0, -90.0, 7.5] * 3)
        values[torch.rand(values.shape, generator=generator) < self.missing] = torch.nan
        if self.late:
            values[:self.steps // 4, ::2] = torch.nan
        values[:, list(self.dead)] = torch.nan
        return values.mul(1e4).round().div(1e4)


SEQUENCES = [
    Made(128, 1.9, 0.3, (0.95, -0.15, 0.1)),
    Made(128, 1.6, 0.5, (0.9, -0.3, -0.1), missing=0.1),
    Made(128, 0.3, 0.01, (0.97, 0.02, 0.15)),
    Made(128, 0.2, 0.01, (0.1, 0.7, 0.65), missing=0.5),
    Made(1, 1.0, 0.1, (1.0, 0.0, 0.0)),
    Made(2, 1.0, 0.1, (0.0, 0.5, 0.8), missing=0.4),
    Made(7, 2.2, 0.4, (0.9, 0.1, 0.2)),
    Made(50, 2.0, 0.4, (0.98, -0.1, 0.0), late=True),
    Made(127, 0.1, 0.02, (0.9, 0.2, 0.3), dead=(1, 6)),
    Made(129, 2.1, 0.35, (0.9, -0.2, 0.1), missing=0.05, outlier=True),
    Made(192, 1.2, 0.2, (0.8, 0.4, 0.3), late=True, missing=0.2),
    Made(200, 0.5, 0.05, (0.6, 0.5, 0.6)),
    Made(300, 1.8, 0.3, (0.92, -0.25, -0.05), missing=0.3),
    Made(33, 1.0, 0.1, (0.9, 0.0, 0.2), dead=tuple(range(9))),
]


@torch.no_grad()
def write_golden(net: ActivityNet, features: Features, path: Path) -> int:
    """Answers each sequence alone, the probabilities of its windows averaged.

    In each window p(fine) = p(coarse) p(fine | coarse), the latter a softmax over siblings.
    """
    entries = []
    for seed, made in enumerate(SEQUENCES):
        raw = made.values(seed)
        shown = windows(features.transform(raw.unsqueeze(0))[0])
        coarse, fine = net(shown, torch.full((len(shown),), shown.shape[1]))
        leaf = leaves(coarse.double(), fine.double(), TREE).mean(dim=0)
        node = coarse.double().softmax(dim=1).mean(dim=0)
        rows = [[None if math.isnan(value) else round(value, 4) for value in row] for row in raw.tolist()]
        entries.append({"windows": len(shown), "coarse": [round(p, 7) for p in node.tolist()],
                        "fine": [round(p, 7) for p in leaf.tolist()], "features": rows})
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return len(entries)
