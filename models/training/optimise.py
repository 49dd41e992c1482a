"""What the training of every network shares: one thread, the course of the learning rate, the running mean of weights.

Import this before PyTorch: the BLAS reads the number of its threads when it loads.
"""
from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import math

import torch
from torch import nn


def reproducible() -> None:
    """One thread and deterministic operators: the same seed gives the same bytes."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def rate_at(step: int, total: int, highest: float) -> float:
    """Learning rate: up in a line for a tenth of the steps, and down in a cosine all along."""
    return highest * min(1.0, (step + 1) / (0.1 * total)) * \
        (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / total)))


class RunningMean:
    """The running mean of a network's weights, which answers better than where training ends."""

    def __init__(self, net: nn.Module, keep: float, every: int) -> None:
        """keep: share of the mean that an update keeps; every: steps from one update to the next."""
        self.net, self.keep, self.every = net, keep, every
        self.means = {name: value.detach().clone() for name, value in net.named_parameters()}

    @torch.no_grad()
    def after(self, step: int) -> None:
        """To be called after each step, counted from 1. Early on the mean forgets faster."""
        if step % self.every == 0:
            move = 1 - min(self.keep, step / (step + 10 * self.every))
            for name, value in self.net.named_parameters():
                self.means[name].lerp_(value, move)

    @torch.no_grad()
    def apply(self) -> None:
        """Gives the network its mean weights."""
        for name, value in self.net.named_parameters():
            value.copy_(self.means[name])
