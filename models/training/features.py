"""What stands between raw values and the graph, by the same rule as the server's: missing values, scale, clipping, windows."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import torch
from torch import Tensor

LONGEST_WINDOW = 128
STRIDE = 64
CLIP = 8.0


@dataclass(frozen=True)
class Features:
    """Channels with their mean and standard deviation, in raw units. A missing value is NaN."""
    channels: Sequence[str]
    mean: Sequence[float]
    std: Sequence[float]

    @classmethod
    def of(cls, channels: Sequence[str], windows: Tensor) -> "Features":
        """Measures windows [windows, time, channels], rounded as the manifest states it."""
        values = windows.double().flatten(0, 1)
        return cls(channels, *([round(v, 6) for v in row.tolist()] for row in (values.mean(0), values.std(0))))

    def transform(self, raw: Tensor) -> Tensor:
        """Raw values [batch, time, channels] -> what the graph takes, all finite.

        A missing value is the last one seen in its channel; before the first one, the channel's mean.
        """
        mean, std = (torch.tensor(row, dtype=torch.float64) for row in (self.mean, self.std))
        steps = torch.arange(raw.shape[1]).view(1, -1, 1)
        seen = torch.where(raw.isnan(), -1, steps).cummax(dim=1).values          # last step seen, -1: none yet
        filled = torch.where(seen < 0, mean, raw.gather(1, seen.clamp(min=0)).double())
        return ((filled - mean) / std).clamp(-CLIP, CLIP).float()

    def to_json(self) -> dict[str, object]:
        """The field `features` of model.json."""
        return {"channels": list(self.channels), "mean": list(self.mean), "std": list(self.std),
                "missing": "forward_fill", "clip": CLIP,
                "window": {"length": LONGEST_WINDOW, "stride": STRIDE}}


def windows(sequence: Tensor) -> Tensor:
    """Cuts [time, channels] into [windows, at most LONGEST_WINDOW, channels]; the last window ends with the sequence."""
    last = max(0, len(sequence) - LONGEST_WINDOW)
    return torch.stack([sequence[start:start + LONGEST_WINDOW] for start in [*range(0, last, STRIDE), last]])
