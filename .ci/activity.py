"""activity.py URL DATA CARD: asks the server every test window, whole and with values missing, and compares with the model's card and the targets."""
import sys
from pathlib import Path

import numpy as np

from asking import LARGEST_DIFFERENCE, Server, end, in_requests, promises

FINE = ("walking", "walking_upstairs", "walking_downstairs", "sitting", "standing", "laying")
COARSE = ("moving",) * 3 + ("still",) * 3
SIZES = {"of 1": 1, "mixed": None}
MISSING = 0.1
SEED = 1              # of the values taken away, as in the training
TOLERANCE = 0.0015    # a single window of 950: a tie may fall either way
TARGETS = {"seed_mean_coarse_accuracy": 0.995, "seed_mean_fine_accuracy": 0.915, "seed_mean_missing_10_percent_fine_accuracy": 0.85}


def items(windows):
    """Windows as a request holds them; a value that is not there is null."""
    return [{"features": [[None if value != value else value for value in step] for step in window.tolist()]} for window in windows]


def measure(windows, truth, size):
    """Shares of the windows: coarse right, fine right, path broken."""
    answers = [answer for part in in_requests(windows, size) for answer in server.predict(items(part))]
    paths = [answer["path"] for answer in answers]
    counts = [sum(path[0] == COARSE[label] for path, label in zip(paths, truth)),
              sum(path[-1] == FINE[label] for path, label in zip(paths, truth)),
              sum(path != [COARSE[FINE.index(path[-1])], path[-1]] for path in paths)]
    return [count / len(windows) for count in counts]


server, data = Server(sys.argv[1], "activity"), Path(sys.argv[2])
promised = promises(Path(sys.argv[3]))
whole = np.load(data / "har_X_test.npy")
truth = np.load(data / "har_y_test.npy") - 1
taken = np.random.RandomState(SEED).random_sample(whole.shape) < MISSING
holed = np.where(taken, np.float32(np.nan), whole)

faults = [f"the card says {name} {promised.get(name)}, the target is {least}" for name, least in TARGETS.items() if promised.get(name, 0) < least]
print(f"percent of the {len(whole)} test windows")
print(f"{'values':<12} {'requests':<9} {'coarse':>7} {'fine':>7} {'broken paths':>13}")
for name, windows, prefix in (("whole", whole, ""), ("10 % missing", holed, "missing_10_percent_")):
    results = set()
    for requests, size in SIZES.items():
        coarse, fine, broken = measure(windows, truth, size)
        results.add((coarse, fine))
        print(f"{name:<12} {requests:<9} {100 * coarse:>7.2f} {100 * fine:>7.2f} {100 * broken:>13.1f}")
        for level, share in (("coarse", coarse), ("fine", fine)):
            figure = f"{prefix}{level}_accuracy"
            if share < promised[figure] - TOLERANCE:
                faults.append(f"{figure} is {share:.4f} in requests {requests}, its card says {promised[figure]}")
        if broken > 0:
            faults.append(f"{name}, requests {requests}: paths are not in the label tree")
    if len(results) > 1:
        faults.append(f"{name}: answers depend on the size of the requests")

lengths = np.random.RandomState(SEED).randint(1, 129, 60)
parts = items([window[:length] for window, length in zip(holed[::15], lengths)])
worst = server.largest_change(parts, leaves=len(FINE))
change = "other labels" if worst is None else f"{worst:.1e}"
print(f"{len(parts)} parts of {lengths.min()} to {lengths.max()} steps, each alone and all in one request: largest difference {change}")
if worst is None or worst > LARGEST_DIFFERENCE:
    faults.append(f"answers change with what is asked in the same request: {change}")
end(faults)
