"""Writes the golden file: what the tokeniser and the exported weights answer to fixed texts."""
from __future__ import annotations

import json
from pathlib import Path

import torch

from data import collate
from golden_texts import TEXTS
from model import QuestionNet
from tokenizer import Vocabulary, split


@torch.no_grad()
def write_golden(net: QuestionNet, vocabulary: Vocabulary, path: Path) -> int:
    """Answers each text alone (batch 1, no padding); both lists of probabilities are plain softmaxes."""
    entries = []
    for text in TEXTS:
        ids = vocabulary.encode(text)
        coarse, fine = (logits.double().softmax(dim=1)[0] for logits in net(*collate([ids])))
        entries.append({"text": text, "tokens": split(text), "ids": ids,
                        "coarse": [round(p, 8) for p in coarse.tolist()],
                        "fine": [round(p, 8) for p in fine.tolist()]})
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return len(entries)
