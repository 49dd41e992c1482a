"""Decoding of two levels of logits, and the measures quoted in the model card."""
from __future__ import annotations

from typing import Sequence

import torch
from torch import Tensor

from data import collate
from labels import LabelTree
from model import QuestionNet

DECODINGS = ("best_path", "top_down", "independent")


@torch.no_grad()
def logits(net: QuestionNet, rows: Sequence[Sequence[int]], size: int = 256) -> tuple[Tensor, Tensor]:
    """Logits of each row of ids, in its order: [rows, coarse] and [rows, fine]."""
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
    parts = [net(*collate([rows[i] for i in order[start:start + size]]))
             for start in range(0, len(rows), size)]
    back = torch.tensor(order).argsort()
    return torch.cat([p[0] for p in parts])[back], torch.cat([p[1] for p in parts])[back]


def inside(fine: Tensor, tree: LabelTree) -> Tensor:
    """Log p(fine | its coarse label): [rows, fine] -> [rows, fine]."""
    spread = fine.unsqueeze(1).masked_fill(~tree.members, -torch.inf)       # [rows, coarse, fine]
    return fine - spread.logsumexp(dim=2)[:, tree.parents]


def leaves(coarse: Tensor, fine: Tensor, tree: LabelTree) -> Tensor:
    """p(coarse) p(fine | coarse) of logits: [rows, fine]."""
    return (coarse.log_softmax(dim=1)[:, tree.parents] + inside(fine, tree)).exp()


def decode(coarse: Tensor, fine: Tensor, tree: LabelTree, how: str) -> tuple[Tensor, Tensor]:
    """Answers: coarse [rows] and fine [rows] label indices."""
    first = coarse.log_softmax(dim=1)
    if how == "independent":
        return first.argmax(dim=1), fine.argmax(dim=1)
    if how == "top_down":
        best = first.argmax(dim=1)
        return best, fine.masked_fill(~tree.members[best], -torch.inf).argmax(dim=1)
    leaf = (first[:, tree.parents] + inside(fine, tree)).argmax(dim=1)
    return tree.parents[leaf], leaf


def measure(coarse: Tensor, fine: Tensor, gold: Tensor, tree: LabelTree, how: str) -> dict[str, float]:
    """Shares of right answers per level and on both, and of answers that contradict themselves."""
    first, second = decode(coarse, fine, tree, how)
    right, exact = first == tree.parents[gold], second == gold
    found = {"coarse": right, "fine": exact, "both": right & exact, "inconsistent": first != tree.parents[second]}
    return {name: float(hits.double().mean()) for name, hits in found.items()}
