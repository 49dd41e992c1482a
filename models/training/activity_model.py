"""The network: normalised channels in, logits for two levels of labels out."""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from model import padding_of, pool

KERNEL = 5
STRIDE = 2


class ActivityNet(nn.Module):
    """Convolutions that halve the time, a bidirectional recurrence, attention and max pooling, two heads."""

    def __init__(self, channels: int, coarse: int, fine: int, width: int, hidden: int,
                 dropout: tuple[float, float] = (0.1, 0.3)) -> None:
        super().__init__()
        self.hidden = hidden
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inputs, width, KERNEL, stride=STRIDE, padding=KERNEL // 2) for inputs in (channels, width))
        self.recurrence = nn.GRU(width, hidden, bidirectional=True)
        self.score = nn.Linear(2 * hidden, 1)
        self.drop_input, self.drop_pooled = nn.Dropout(dropout[0]), nn.Dropout(dropout[1])
        self.coarse = nn.Linear(4 * hidden, coarse)
        self.fine = nn.Linear(4 * hidden, fine)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, time, channels], [batch] (longest first) -> logits [batch, coarse], [batch, fine]."""
        values = features.permute(0, 2, 1)                                      # [batch, channels, time]
        for convolution in self.convolutions:
            # The last steps of a sequence must see the zeros there that they see when it is alone.
            values = values.masked_fill(padding_of(values.shape[2], lengths).t().unsqueeze(1), 0.0)
            values = convolution(values).relu()
            lengths = torch.div(lengths + (STRIDE - 1), STRIDE, rounding_mode="trunc")
        start = torch.zeros(2, features.shape[0], self.hidden)
        inputs = self.drop_input(values.permute(2, 0, 1))                       # [time, batch, width]
        states, _ = self.recurrence(pack_padded_sequence(inputs, lengths.cpu(), enforce_sorted=True), start)
        states, _ = pad_packed_sequence(states)                                 # [time, batch, 2 hidden]
        padding = padding_of(states.shape[0], lengths)
        pooled = self.drop_pooled(pool(states, padding, self.score))            # [batch, 4 hidden]
        return self.coarse(pooled), self.fine(pooled)
