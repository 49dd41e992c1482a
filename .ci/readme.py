"""readme.py CLONE: runs the ```sh blocks of CLONE/README.md in CLONE, in order, and compares a ```json block after a curl with the answer,
and a ```text block with the output of the command before it: each of its lines must be there, but for numbers and spaces.

A server (dotnet run) stays in the background, until the end, once /health/ready has answered. Every other command must end with 0.
Where port 8080 is taken, another one is put in its place in the commands.
"""
import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

clone = Path(sys.argv[1])
counts = {"passed": 0, "failed": 0, "skipped": 0}
servers = []

NOT_HERE = [
    (r"^(docker|podman)\b", "no container engine is asked for here; the steps container and gateway do the same by other means"),
    (r"^git clone\b", "this is the clone"),
    (r"\b(DIR|PATH|NAME)\b|<[a-z]+>|…", "it has a placeholder"),
]


def blocks(text):
    """(language, content) of each fenced block."""
    return re.findall(r"^```(\w*)[^\n]*\n(.*?)^```\s*$", text, re.M | re.S)


def commands(block):
    """The shell commands in a block; one goes on over the next line until it is whole."""
    command = ""
    for line in block.splitlines():
        command += line + "\n"
        if command.strip() and not line.endswith("\\") and subprocess.run(["bash", "-n", "-c", command], capture_output=True).returncode == 0:
            if not all(part.lstrip().startswith("#") or not part.strip() for part in command.splitlines()):
                yield command.strip()
            command = ""
    if command.strip():
        yield command.strip()


def free_port():
    """8080 unless something listens there already."""
    for port in (8080, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise OSError("no port is free")


def say(result, command, why=""):
    """Counts and prints how a command went."""
    counts[result] += 1
    print(f"{result:<8} {command.splitlines()[0]}{f': {why}' if why else ''}", flush=True)


def serve(command):
    """Starts a server and waits until it is ready; what went wrong, or nothing."""
    log = open(clone.parent / f"server{len(servers)}.log", "w+b")
    server = subprocess.Popen(["bash", "-c", command], cwd=clone, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True)
    servers.append(server)
    end = time.monotonic() + 300
    while time.monotonic() < end and server.poll() is None:
        try:
            if urllib.request.urlopen(f"http://localhost:{port}/health/ready", timeout=2).status == 200:
                return ""
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    log.seek(0)
    return "never became ready; its last lines:\n" + log.read().decode(errors="replace")[-2000:]


def differences(shown, real, at=""):
    """Where the shown JSON is not the real one; numbers may differ by 0.01."""
    number = lambda value: isinstance(value, (int, float)) and not isinstance(value, bool)
    if number(shown) and number(real):
        return [] if math.isclose(shown, real, rel_tol=0, abs_tol=0.01) else [f"{at}: {shown} is shown, {real} is the answer"]
    if isinstance(shown, dict) and isinstance(real, dict) and shown.keys() == real.keys():
        return [fault for key in shown for fault in differences(shown[key], real[key], f"{at}/{key}")]
    if isinstance(shown, list) and isinstance(real, list) and len(shown) == len(real):
        return [fault for i, pair in enumerate(zip(shown, real)) for fault in differences(*pair, f"{at}/{i}")]
    return [] if shown == real else [f"{at or '/'}: {json.dumps(shown)[:100]} is shown, {json.dumps(real)[:100]} is the answer"]


def run(command):
    """(what went wrong or nothing, output)."""
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=clone, stdin=subprocess.DEVNULL, capture_output=True, env=environment, timeout=900)
    output = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        return f"ended with {done.returncode}: {(output + done.stderr.decode(errors='replace'))[-2000:]}", output
    if command.startswith("curl") and re.match(r'\s*\{"type":"urn:[^"]*problem', output):
        return f"was refused: {output[:500]}", output
    return "", output


port = free_port()
environment = dict(os.environ)
if port != 8080:
    print(f"port 8080 is taken; {port} is used in its place")
    environment["ASPNETCORE_URLS"] = f"http://localhost:{port}"

answer = None   # of the curl that a JSON block would follow
output = None   # of the command that a text block would follow
try:
    for language, content in blocks((clone / "README.md").read_text(encoding="utf-8")):
        if language == "json" and answer is not None:
            name, answer_text = answer
            try:
                faults = differences(json.loads(content), json.loads(answer_text))
            except ValueError as error:
                faults = [f"not JSON: {error}"]
            say("failed" if faults else "passed", f"the answer shown for {name[:60]}", "; ".join(faults[:5]))
        if language == "text" and output is not None:
            plain = lambda line: re.sub(r"[\d.]+", "#", " ".join(line.split()))
            real = {plain(line) for line in output.splitlines()}
            missing = [line.strip() for line in content.splitlines() if plain(line) not in real]
            say("failed" if missing else "passed", "the output shown", "; ".join(f"not printed: {line}" for line in missing[:5]))
        answer = None
        if language not in ("sh", "bash", "shell"):
            continue
        for command in commands(content.replace("localhost:8080", f"localhost:{port}")):
            reason = next((why for pattern, why in NOT_HERE if re.search(pattern, command)), None)
            if reason:
                say("skipped", command, reason)
                continue
            begun = time.monotonic()
            answer = None
            if re.match(r"dotnet run\b", command) and not re.search(r" -- inspect\b", command):
                fault, output = serve(command), None
            else:
                fault, output = run(command)
                if command.startswith("curl") and not fault:
                    answer = (command, output)
            say("failed" if fault else "passed", command, fault or f"{time.monotonic() - begun:.1f} s")
finally:
    for server in servers:
        try:
            os.killpg(server.pid, signal.SIGTERM)   # dotnet run and the server that it started
            server.wait(30)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)

if not counts["passed"]:
    say("failed", "README.md", "it has no command that could be tried")
if os.environ.get("CASES"):
    Path(os.environ["CASES"]).write_text("{passed} {failed} {skipped}\n".format(**counts))
sys.exit(1 if counts["failed"] else 0)
