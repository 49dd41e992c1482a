"""What the training commands print while they run."""
from __future__ import annotations

import sys
import time
from typing import Callable


def say(message: str) -> None:
    """Prints a line at once."""
    print(message, flush=True)


def progress(name: str, epochs: int) -> Callable[[int, float], None]:
    """A reporter that draws a bar for one network's training."""
    started = time.monotonic()

    def report(epoch: int, loss: float) -> None:
        done = (epoch + 1) / epochs
        line = f"{name:24} [{'#' * int(done * 24):24}] {epoch + 1:3}/{epochs} loss {loss:.3f} " \
               f"{time.monotonic() - started:4.0f} s"
        if sys.stdout.isatty():
            print("\r" + line, end="\n" if epoch + 1 == epochs else "", flush=True)
        elif epoch + 1 == epochs:
            say(line)
    return report


def show(name: str, found: dict[str, dict[str, float]]) -> None:
    """Prints measures in percent, a line for each key."""
    for how, values in found.items():
        say(f"{name:16} {how:12} " + "  ".join(f"{k} {100 * v:5.2f}" for k, v in values.items()))
