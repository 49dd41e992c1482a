"""Trains the activity classifier and writes everything that is shipped with it.

    python3 models/training/train_activity.py --data DIR --out models/activity/1

The network of the first seed is exported; the card quotes all seeds. Nothing is chosen by looking
at the test windows.
"""
from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

from optimise import reproducible

import torch
from torch import Tensor

from activities import CHANNELS, TREE, blocks, read_windows, with_missing
from activity_card import write_card
from activity_fit import Recipe, fit
from activity_golden import write_golden
from activity_model import ActivityNet
from evaluate import measure
from export import export_onnx
from features import Features
from progress import progress, say, show

DECODING = "best_path"
MISSING = {"whole": 0.0, "10 % missing": 0.1, "30 % missing": 0.3}
TRACE_LENGTHS = (12, 9, 5)
DEFAULT_GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden" / "activity" / "golden.json"


@torch.no_grad()
def logits(net: ActivityNet, values: Tensor, features: Features) -> tuple[Tensor, Tensor]:
    """Logits of windows of one length: [windows, coarse] and [windows, fine]."""
    parts = [net(features.transform(part), torch.full((len(part),), part.shape[1])) for part in values.split(256)]
    return torch.cat([coarse for coarse, _ in parts]), torch.cat([fine for _, fine in parts])


def results(answer: dict[str, tuple[Tensor, Tensor]], labels: Tensor) -> dict[str, dict[str, float]]:
    """Measures by what is missing of the windows."""
    return {name: measure(*found, labels, TREE, DECODING) for name, found in answer.items()}


def answers(net: ActivityNet, values: Tensor, features: Features) -> dict[str, tuple[Tensor, Tensor]]:
    """Logits of the windows as they are and with values missing."""
    return {name: logits(net, with_missing(values, share, seed=1), features) for name, share in MISSING.items()}


def validate(values: Tensor, labels: Tensor, recipe: Recipe, seed: int, folds: int) -> None:
    """Cross-validates in contiguous blocks of the training windows, without touching the test windows."""
    found: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in MISSING}
    for held in blocks(labels, folds):
        rest = torch.tensor([i for i in range(len(labels)) if i not in held])
        features = Features.of(CHANNELS, values[rest])
        net = fit(values[rest], labels[rest], features, recipe, seed, progress(f"seed {seed}, without {held}", recipe.epochs))
        for name, pair in answers(net, values[held.start:held.stop], features).items():
            found[name].append(pair)
    show(f"validation {seed}", results({name: (torch.cat([c for c, _ in pairs]), torch.cat([f for _, f in pairs]))
                                        for name, pairs in found.items()}, labels))


def write_model(net: ActivityNet, features: Features, out: Path, golden: Path) -> None:
    """Writes the graph, its labels and manifest, and the golden file."""
    out.mkdir(parents=True, exist_ok=True)
    example = torch.ones(len(TRACE_LENGTHS), max(TRACE_LENGTHS), len(CHANNELS))
    export_onnx(net, "activity", "features", example, torch.tensor(TRACE_LENGTHS), out / "model.onnx")
    manifest = {
        "description": "Says what somebody who carries a phone at the waist is doing: moving or still, and 6 activities",
        "input": "features", "lengths": "lengths", "features": features.to_json(),
        "heads": [{"output": "coarse", "level": "coarse"}, {"output": "fine", "level": "fine"}],
        "decoding": DECODING}
    for name, content in (("model.json", manifest), ("labels.json", TREE.to_json())):
        (out / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    say(f"{write_golden(net, features, golden)} golden sequences")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with har_X_train.npy, har_y_train.npy and the same of test")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model version to write")
    parser.add_argument("--golden", type=Path, default=DEFAULT_GOLDEN, help="golden file to write")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3], help="networks to train; the first is shipped")
    parser.add_argument("--epochs", type=int, default=Recipe().epochs, help="passes over the training windows")
    parser.add_argument("--validate", action="store_true", help="cross-validate instead, writing nothing")
    parser.add_argument("--folds", type=int, default=5, help="blocks for --validate")
    return parser.parse_args()


def main() -> None:
    """Runs the whole thing."""
    options = arguments()
    reproducible()
    started = time.monotonic()
    values, labels = read_windows(options.data, "train")
    recipe = replace(Recipe(), epochs=options.epochs)
    if options.validate:
        for seed in options.seeds:
            validate(values, labels, recipe, seed, options.folds)
        return

    features = Features.of(CHANNELS, values)
    test, gold = read_windows(options.data, "test")
    runs, shipped = [], None
    for seed in options.seeds:
        net = fit(values, labels, features, recipe, seed, progress(f"seed {seed}", recipe.epochs))
        runs.append(results(answers(net, test, features), gold))
        show(f"test, seed {seed}", runs[-1])
        shipped = shipped or net
    write_model(shipped, features, options.out, options.golden)
    write_card(options.out, runs, shipped, len(labels), len(gold))
    say(f"done in {(time.monotonic() - started) / 60:.0f} minutes")


if __name__ == "__main__":
    main()
