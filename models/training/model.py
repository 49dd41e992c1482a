"""The network: word ids in, logits for two levels of labels out.

`WordTable` is the embedding used in training, where a word is its own vector plus the means of its
character n-grams and of its classes. All depend on the word id alone, so `folded` turns them into
one plain table, and the network that is served looks up one row per word.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tokenizer import PAD, UNK, Vocabulary

BIGRAM_FACTOR = 1_000_003
MASKED = -1e4


@dataclass(frozen=True)
class Shape:
    """Sizes of a network."""
    words: int
    coarse: int
    fine: int
    embedding: int
    bigrams: int
    bigram_embedding: int
    hidden: int
    cell: str


def subwords(entry: str) -> list[str]:
    """Character 3- to 5-grams of a word; of a bucket, those of the ending it stands for."""
    if entry in (PAD, UNK):
        return []
    if entry.startswith("<unk:"):
        shape, _, suffix = entry[5:-1].partition(":")
        text = suffix + ">"
        return [f"shape {shape}"] + [text[start:] for start in range(len(text) - 2)]
    text = f"<{entry}>"
    return [text[start:start + size] for size in (3, 4, 5) for start in range(len(text) - size + 1)]


def indexed(features: Sequence[Sequence[str]], seen: Tensor, least: int, most: int = 40) -> Tensor:
    """Numbers features from 1: [words, at most `most`], 0 = none.

    Kept are those of at least `least` words that training sees.
    """
    shared = Counter(name for found, known in zip(features, seen.tolist()) if known for name in set(found))
    number = {name: i + 1 for i, name in enumerate(sorted(n for n, c in shared.items() if c >= least))}
    rows = [[number[name] for name in found if name in number][:most] for found in features]
    width = max(1, max(map(len, rows)))
    return torch.tensor([row + [0] * (width - len(row)) for row in rows])


class WordTable(nn.Module):
    """A word's own vector plus the mean vectors of its character n-grams and of its classes.

    In training a word's own vector is left out at random, rare words' more often, so that the rest
    can stand alone. Words that training never sees have no vector of their own.
    """

    def __init__(self, vocabulary: Vocabulary, counts: Tensor, classes: Callable[[str], list[str]],
                 width: int, unseen: float) -> None:
        """counts [words]: how often training sees each entry; unseen: see `Recipe`."""
        super().__init__()
        words, seen = vocabulary.entries, counts > 0
        self.register_buffer("grams", indexed([subwords(word) for word in words], seen, least=3))
        self.register_buffer("classes", indexed([classes(word) for word in words], seen, least=3))
        self.register_buffer("leave_out", unseen / counts.float().clamp(min=1).sqrt())   # [words]
        self.own = nn.Embedding(len(vocabulary), width, padding_idx=0, sparse=True)
        self.parts = nn.EmbeddingBag(int(self.grams.max()) + 1, width, mode="mean", padding_idx=0, sparse=True)
        many = int(self.classes.max())                                          # 0 without WordNet
        self.kinds = nn.EmbeddingBag(many + 1, width, mode="mean", padding_idx=0, sparse=True) if many else None
        with torch.no_grad():
            self.own.weight.normal_(std=0.1).mul_(seen.unsqueeze(1))[0] = 0
            self.parts.weight.normal_(std=0.3)[0] = 0
            if self.kinds is not None:
                self.kinds.weight.normal_(std=0.3)[0] = 0

    def rows(self, ids: Tensor) -> Tensor:
        """Vectors of distinct ids: [n] -> [n, width]."""
        own = self.own(ids)
        if self.training:
            own = own * (torch.rand(ids.shape) >= self.leave_out[ids]).unsqueeze(1)
        vectors = own + self.parts(self.grams[ids])
        return vectors if self.kinds is None else vectors + self.kinds(self.classes[ids])

    def forward(self, ids: Tensor) -> Tensor:
        """[any shape] -> [any shape, width]."""
        distinct, where = ids.unique(return_inverse=True)
        return self.rows(distinct)[where]

    def folded(self) -> nn.Embedding:
        """The same function as a plain table."""
        self.eval()
        with torch.no_grad():
            weight = self.rows(torch.arange(self.own.num_embeddings))
        return nn.Embedding.from_pretrained(weight.clone(), freeze=False)


def padding_of(steps: int, lengths: Tensor) -> Tensor:
    """Which steps are past the end of their sequence: [time, batch]."""
    return torch.arange(steps).unsqueeze(1) >= lengths.unsqueeze(0)


def pool(states: Tensor, padding: Tensor, score: nn.Module) -> Tensor:
    """Attention, weighed by score, and maximum over time: states [time, batch, width], padding [time, batch] -> [batch, 2 width]."""
    padding = padding.unsqueeze(2)
    weights = score(states).masked_fill(padding, MASKED).softmax(dim=0)
    attended = (weights * states).sum(dim=0)
    highest = states.masked_fill(padding, MASKED).amax(dim=0)
    return torch.cat([attended, highest], dim=1)


class QuestionNet(nn.Module):
    """Word and bigram embeddings, a bidirectional recurrence, attention and max pooling, two heads."""

    def __init__(self, shape: Shape, words: nn.Module, dropout: tuple[float, float] = (0.4, 0.5)) -> None:
        super().__init__()
        self.shape = shape
        self.words = words
        width = shape.embedding
        self.pairs = nn.Embedding(shape.bigrams, shape.bigram_embedding, sparse=True) if shape.bigrams else None
        if self.pairs is not None:
            nn.init.normal_(self.pairs.weight, std=0.1)
            width += shape.bigram_embedding
        kind = {"gru": nn.GRU, "lstm": nn.LSTM}[shape.cell]
        self.recurrence = kind(width, shape.hidden, bidirectional=True)
        self.score = nn.Linear(2 * shape.hidden, 1)
        self.drop_input, self.drop_pooled = nn.Dropout(dropout[0]), nn.Dropout(dropout[1])
        self.coarse = nn.Linear(4 * shape.hidden, shape.coarse)
        self.fine = nn.Linear(4 * shape.hidden, shape.fine)

    def pair_ids(self, ids: Tensor) -> Tensor:
        """Hashes each word with the one before it: [time, batch] -> [time, batch]."""
        before = torch.cat([ids[:1] * 0, ids[:-1]])
        return (before * BIGRAM_FACTOR + ids) % self.shape.bigrams

    def forward(self, input_ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, time], [batch] (longest first) -> logits [batch, coarse], [batch, fine]."""
        ids = input_ids.t()                                                     # [time, batch]
        inputs = self.words(ids)                                                # [time, batch, embedding]
        if self.pairs is not None:
            inputs = torch.cat([inputs, self.pairs(self.pair_ids(ids))], dim=2)
        start = torch.zeros(2, input_ids.shape[0], self.shape.hidden)
        packed = pack_padded_sequence(self.drop_input(inputs), lengths.cpu(), enforce_sorted=True)
        states, _ = self.recurrence(packed, (start, start) if self.shape.cell == "lstm" else start)
        states, _ = pad_packed_sequence(states)                                 # [time, batch, 2 hidden]
        padding = padding_of(input_ids.shape[1], lengths)
        pooled = self.drop_pooled(pool(states, padding, self.score))            # [batch, 4 hidden]
        return self.coarse(pooled), self.fine(pooled)
