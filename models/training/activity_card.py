"""Writes the model card of the activity classifier."""
from __future__ import annotations

from pathlib import Path
from statistics import mean
from typing import Sequence

from activity_fit import SHORTEST
from activity_golden import RATE
from activity_model import ActivityNet
from card import Run, cell

CARD = """---
license: mit
pipeline_tag: time-series-classification
metrics:
  coarse_accuracy: {coarse:.4f}
  fine_accuracy: {fine:.4f}
  missing_10_percent_coarse_accuracy: {missing_coarse:.4f}
  missing_10_percent_fine_accuracy: {missing_fine:.4f}
  seed_mean_coarse_accuracy: {mean_coarse:.4f}
  seed_mean_fine_accuracy: {mean_fine:.4f}
  seed_mean_missing_10_percent_fine_accuracy: {mean_missing:.4f}
  parameters: {parameters}
  bytes: {size}
---
# activity

Says what somebody who carries a phone at the waist is doing: moving or still, and below these
walking, walking upstairs, walking downstairs; sitting, standing, laying. Two convolutions, each of
which halves the time, and a bidirectional GRU with attention and max pooling read the phone's
accelerometer and gyroscope; two heads give a distribution over moving and still and, within each,
over its activities.

## Results

{windows} test windows of other people than those of the training, read once, when the configuration was
final. Percent, mean and standard deviation of {seeds} seeds, decoded as `best_path`:

| values | coarse | fine |
| --- | --- | --- |
{table}

"Missing" means single values taken away at random and sent as `null`. The file here is of seed 1,
chosen before any test result was seen: **{coarse100:.1f}** % of the coarse labels right and **{fine100:.1f}** % of the
fine ones, with 10 % of the values missing {missing100:.1f} %. The windows come from few people and overlap, so
others may differ by several points. Most errors take sitting for standing or the reverse.

## Input

`features`: rows of 9 numbers, 50 a second: body acceleration x, y, z (gravity taken out), angular
velocity x, y, z in rad/s, total acceleration x, y, z; accelerations in g. A value may be `null`: the last
one seen in its channel stands for it, or the channel's mean before the first. Values are then scaled by the
mean and standard deviation in `model.json` and clipped to 8 deviations. 128 steps are a window; a longer
sequence is cut into windows that overlap by half, and their probabilities are averaged. A shorter
one goes in as it is.

## Data

A subset of "Human Activity Recognition Using Smartphones" (D. Anguita, A. Ghio, L. Oneto, X. Parra and
J. L. Reyes-Ortiz, 2013, CC BY 4.0), at
<https://archive.ics.uci.edu/dataset/240/human+activity+recognition+using+smartphones>:
{train:,} training and {windows} test windows.

## Training

Each window is shown with its axes turned by some degrees, sometimes with values missing, sometimes only
in part; the weights are a running mean over the last steps. Everything was chosen on contiguous blocks
of the training windows, which are blocks of subjects: neighbouring windows overlap.

    python3 models/training/train_activity.py --data DIR --out models/activity/1

## Limits

- A phone at the waist, 50 values a second, in these units; anything else still gets an answer.
- Training shows parts from {shortest} steps ({seconds} s) on. The shorter a sequence, the less sure its answer.
- Missing values were measured one by one at random, where the last one seen is a good guess. Longer gaps were not.
- Volunteers in a laboratory, 19 to 48 years old. Six activities: what is none of them gets one of them.
"""


def write_card(folder: Path, runs: Sequence[Run], net: ActivityNet, train: int, test: int) -> None:
    """Writes the card of the first run, with the table over all of them, beside its model.onnx."""
    own, missing = runs[0]["whole"], runs[0]["10 % missing"]
    rows = [f"| {name} | " + " | ".join(cell([run[name][key] for run in runs]) for key in ("coarse", "fine")) + " |"
            for name in runs[0]]
    (folder / "README.md").write_text(CARD.format(
        coarse=own["coarse"], fine=own["fine"], missing_coarse=missing["coarse"], missing_fine=missing["fine"],
        mean_coarse=mean(run["whole"]["coarse"] for run in runs), mean_fine=mean(run["whole"]["fine"] for run in runs),
        mean_missing=mean(run["10 % missing"]["fine"] for run in runs),
        parameters=sum(value.numel() for value in net.parameters()), size=(folder / "model.onnx").stat().st_size,
        windows=test, train=train, seeds=len(runs), shortest=SHORTEST,
        seconds=SHORTEST / RATE, table="\n".join(rows),
        coarse100=100 * own["coarse"], fine100=100 * own["fine"], missing100=100 * missing["fine"]), encoding="utf-8")
