"""A tree of labels in two levels, the order of the heads' outputs."""
from __future__ import annotations

from typing import Mapping, Sequence

import torch

LEVELS = ("coarse", "fine")


class LabelTree:
    """Coarse labels and the fine ones below each; a head's output index is the order given."""

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        self.coarse = list(groups)
        self.fine = [label for labels in groups.values() for label in labels]
        parents = [index for index, labels in enumerate(groups.values()) for _ in labels]
        self.parents = torch.tensor(parents)                        # [fine] -> coarse
        self.members = torch.stack([self.parents == c for c in range(len(self.coarse))])  # [coarse, fine]

    def to_json(self) -> dict[str, object]:
        """The content of labels.json."""
        tree = [{"label": coarse, "children": [{"label": label} for label, parent in zip(self.fine, self.parents)
                                               if parent == index]}
                for index, coarse in enumerate(self.coarse)]
        return {"levels": list(LEVELS), "tree": tree}
