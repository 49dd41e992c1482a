"""Training of one activity network."""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable

from optimise import RunningMean, rate_at

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, one_hot

from activities import TREE
from activity_model import ActivityNet
from features import Features
from fit import losses

SHORTEST = 8
SENSORS = 3


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults are the finished configuration.

    average: share that the running mean of the weights keeps at each step. smoothing: probability
    spread over all labels of a level. turn: standard deviation of the angle, in degrees, by which
    a window's axes are turned. cut: share of windows of which only a part is shown. missing: most
    that is taken from a window; half of them are left whole.
    """
    epochs: int = 24
    batch: int = 64
    rate: float = 3e-3
    weight_decay: float = 1e-2
    smoothing: float = 0.05
    average: float = 0.98
    width: int = 64
    hidden: int = 64
    turn: float = 20.0
    cut: float = 0.3
    missing: float = 0.3


def turned(values: Tensor, degrees: float) -> Tensor:
    """Turns the axes of all sensors of a window alike, as if the phone sat another way in its pouch: [batch, time, 9]."""
    size = len(values)
    x, y, z = normalize(torch.randn(size, 3), dim=1).unbind(dim=1)
    angle = (torch.randn(size) * math.radians(degrees)).view(-1, 1, 1)
    zero = torch.zeros(size)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).view(-1, 3, 3)
    turn = torch.eye(3) + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)      # Rodrigues' formula
    return torch.einsum("btsi,bji->btsj", values.unflatten(2, (SENSORS, 3)), turn).flatten(2)


def cut(values: Tensor, share: float) -> tuple[Tensor, Tensor, Tensor]:
    """Shows of some windows only a part: values [batch, time, channels], lengths and order, longest first."""
    size, steps = values.shape[:2]
    lengths = torch.where(torch.rand(size) < share, torch.randint(SHORTEST, steps + 1, (size,)), steps)
    lengths, order = lengths.sort(descending=True, stable=True)
    starts = (torch.rand(size) * (steps + 1 - lengths)).long()
    index = (starts.unsqueeze(1) + torch.arange(int(lengths[0]))).clamp(max=steps - 1)   # [batch, time]
    return values[order].gather(1, index.unsqueeze(2).expand(-1, -1, values.shape[2])), lengths, order


def thinned(values: Tensor, most: float) -> Tensor:
    """Takes single values away, from half of the windows."""
    rate = torch.rand(len(values), 1, 1) * most * (torch.rand(len(values), 1, 1) < 0.5)
    return torch.where(torch.rand_like(values) < rate, torch.nan, values)


def targets(labels: Tensor, smoothing: float) -> Tensor:
    """Distributions over fine labels, smoothed within their coarse label: [rows, fine]."""
    inside = TREE.members[TREE.parents[labels]].float()
    return one_hot(labels, len(TREE.fine)) * (1 - smoothing) + inside / inside.sum(dim=1, keepdim=True) * smoothing


def fit(values: Tensor, labels: Tensor, features: Features, recipe: Recipe, seed: int,
        report: Callable[[int, float], None] = lambda epoch, loss: None) -> ActivityNet:
    """Trains one network on raw windows [windows, time, channels] and their fine labels [windows]."""
    torch.manual_seed(seed)
    net = ActivityNet(values.shape[2], len(TREE.coarse), len(TREE.fine), recipe.width, recipe.hidden)
    mean = RunningMean(net, recipe.average, every=1)
    optimiser = torch.optim.AdamW(net.parameters(), recipe.rate, weight_decay=recipe.weight_decay, foreach=True)
    target = targets(labels, recipe.smoothing)
    rounds = len(values) // recipe.batch
    step = 0
    net.train()
    for epoch in range(recipe.epochs):
        summed = 0.0
        for chosen in torch.randperm(len(values))[:rounds * recipe.batch].split(recipe.batch):
            shown, lengths, order = cut(thinned(turned(values[chosen], recipe.turn), recipe.missing), recipe.cut)
            optimiser.param_groups[0]["lr"] = rate_at(step, rounds * recipe.epochs, recipe.rate)
            coarse, fine = net(features.transform(shown), lengths)
            loss = losses(coarse, fine, target[chosen][order], TREE, recipe.smoothing, flat_weight=0.0)
            net.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            optimiser.step()
            step += 1
            mean.after(step)
            summed += float(loss.detach())
        report(epoch, summed / rounds)
    mean.apply()
    return net.eval()
