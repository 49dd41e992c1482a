"""Training of one network."""
from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Callable, Sequence

from optimise import RunningMean, rate_at

import torch
from torch import Tensor, nn

from data import batches, collate
from evaluate import inside
from labels import LabelTree
from model import QuestionNet, Shape, WordTable

AVERAGE_EVERY = 8


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults are the finished configuration.

    unknown, unseen: how often a word is taken for its bucket, or loses its own vector; both fall
    with the square root of how often the word occurs. flat_weight: weight of the loss over all
    leaves. average: share that the running mean of the weights keeps at each update.
    """
    epochs: int = 12
    batch: int = 48
    rate: float = 4.5e-3
    weight_decay: float = 0.0
    smoothing: float = 0.05
    flat_weight: float = 0.5
    unknown: float = 0.3
    drop_input: float = 0.4
    drop_pooled: float = 0.5
    average: float = 0.9
    embedding: int = 112
    bigrams: int = 4096
    bigram_embedding: int = 32
    hidden: int = 128
    cell: str = "gru"
    unseen: float = 0.5


def losses(coarse: Tensor, fine: Tensor, target: Tensor, tree: LabelTree, smoothing: float,
           flat_weight: float) -> Tensor:
    """Mean loss against a distribution over leaves, target [batch, fine].

    Three cross entropies: coarse labels (smoothed), leaves within their coarse label, leaves among all.
    """
    group = target @ tree.members.t().float()                              # [batch, coarse]
    smooth = group * (1 - smoothing) + smoothing / group.shape[1]
    loss = -(smooth * coarse.log_softmax(dim=1)).sum(dim=1)
    loss = loss - (target * inside(fine, tree)).sum(dim=1)
    if flat_weight:
        loss = loss - flat_weight * (target * fine.log_softmax(dim=1)).sum(dim=1)
    return loss.mean()


def fit(rows: Sequence[Sequence[int]], buckets: Sequence[Sequence[int]], target: Tensor, counts: Tensor,
        words: Callable[[Recipe], WordTable], tree: LabelTree, recipe: Recipe, seed: int,
        report: Callable[[int, float], None] = lambda epoch, loss: None) -> QuestionNet:
    """Trains one network.

    rows: word ids of each question; buckets: the bucket of each of those words;
    target [rows, fine]: what each asks for; counts [words]: how often each word occurs;
    words: makes the word table.
    """
    torch.manual_seed(seed)
    order = random.Random(seed)
    shape = Shape(len(counts), len(tree.coarse), len(tree.fine), recipe.embedding, recipe.bigrams,
                  recipe.bigram_embedding, recipe.hidden, recipe.cell)
    net = QuestionNet(shape, words(recipe), (recipe.drop_input, recipe.drop_pooled))
    mean = RunningMean(net, recipe.average, AVERAGE_EVERY)
    lengths = [len(row) for row in rows]
    total = recipe.epochs * len(list(batches(lengths, recipe.batch, random.Random(0))))
    tables = [module.weight for module in net.modules() if isinstance(module, (nn.Embedding, nn.EmbeddingBag))]
    dense = [value for value in net.parameters() if all(value is not table for table in tables)]
    optimisers = [torch.optim.SparseAdam(tables, recipe.rate, betas=(0.9, 0.98)),
                  torch.optim.AdamW(dense, recipe.rate, betas=(0.9, 0.98),
                                    weight_decay=recipe.weight_decay, foreach=True)]
    unknown_rate = recipe.unknown / counts.float().clamp(min=1.0).sqrt()   # [words]
    step = 0
    net.train()
    for epoch in range(recipe.epochs):
        summed, seen = 0.0, 0
        for chosen in batches(lengths, recipe.batch, order):
            ids, sizes = collate([rows[i] for i in chosen])
            other, _ = collate([buckets[i] for i in chosen])
            ids = torch.where(torch.rand(ids.shape) < unknown_rate[ids], other, ids)
            for optimiser in optimisers:
                optimiser.param_groups[0]["lr"] = rate_at(step, total, recipe.rate)
            loss = losses(*net(ids, sizes), target[chosen], tree, recipe.smoothing, recipe.flat_weight)
            net.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(dense, 3.0)
            for optimiser in optimisers:
                optimiser.step()
            step += 1
            mean.after(step)
            summed, seen = summed + float(loss.detach()) * len(chosen), seen + len(chosen)
        report(epoch, summed / seen)
    mean.apply()
    return net.eval()
