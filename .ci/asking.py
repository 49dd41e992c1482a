"""What the accuracy checks share: asking the server, and reading what a model's card promises."""
import http.client
import json
import random
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

LARGEST_DIFFERENCE = 1e-5


class Server:
    """A model of the server at url."""

    def __init__(self, url, model):
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        self.model = model

    def predict(self, inputs, **options):
        """The answers to inputs, asked in one request."""
        self.connection.request("POST", f"/models/{self.model}/predict", json.dumps({"version": "1", "inputs": inputs, **options}),
                                {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        body = response.read().decode("utf-8")
        if response.status != 200:
            sys.exit(f"FAILED: POST /models/{self.model}/predict answered {response.status}: {body[:500]}")
        predictions = json.loads(body)["predictions"]
        if len(predictions) != len(inputs):
            sys.exit(f"FAILED: {len(inputs)} inputs got {len(predictions)} answers")
        return predictions

    def largest_change(self, inputs, leaves):
        """Largest difference of a probability between being asked alone and with all the others; None when the labels differ."""
        worst = 0.0
        for item, answer in zip(inputs, self.predict(inputs, top_k=leaves)):
            together, alone = probabilities(answer), probabilities(self.predict([item], top_k=leaves)[0])
            if together.keys() != alone.keys():
                return None
            worst = max([worst] + [abs(together[key] - alone[key]) for key in together])
        return worst


def in_requests(items, size):
    """Cuts items into lists of size, or of sizes from 1 to 60 for None."""
    sizes = random.Random(1)
    while len(items) > 0:
        n = size or sizes.randint(1, 60)
        yield items[:n]
        items = items[n:]


def probabilities(answer):
    """Every probability in an answer, by what it belongs to."""
    found = {("level", level["name"], level["label"]): level["probability"] for level in answer["levels"]}
    found.update({("path", *item["path"]): item["probability"] for item in answer["alternatives"]})
    return found


def promises(card: Path):
    """The metrics in the front matter of a model card."""
    front_matter = card.read_text(encoding="utf-8").split("---")[1]
    return {name: float(value) for name, value in re.findall(r"^ *(\w+): *([\d.]+) *$", front_matter, re.M)}


def end(faults):
    """Prints the faults and ends."""
    for fault in faults:
        print(f"FAILED: {fault}")
    sys.exit(1 if faults else 0)
