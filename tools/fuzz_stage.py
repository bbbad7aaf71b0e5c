"""Runs every fuzz target for a short while: at most 20 s each, and 4 minutes for all of them together."""

import collections
import concurrent.futures
import glob
import os
import subprocess

SECONDS_EACH = 20
SECONDS_ALL = 240
INPUT_BYTES_MAX = 65536

Plan = collections.namedtuple("Plan", "seconds seed environment")


def run_one(root, target, plan):
    """(name, fine, words). New inputs go to build/fuzz_corpus; what crashed stays in build/fuzz_crashers."""
    name = os.path.basename(target).removesuffix("_fuzz")
    found = os.path.join(root, "build/fuzz_corpus", name)
    crashers = os.path.join(root, "build/fuzz_crashers", name) + "-"
    kept = os.path.join(root, "fuzz/corpus", name)
    os.makedirs(found, exist_ok=True)
    os.makedirs(os.path.dirname(crashers), exist_ok=True)
    seconds = plan.seconds
    command = [target, f"-seed={plan.seed}", f"-max_total_time={seconds}", "-timeout=5", "-rss_limit_mb=512",
               f"-max_len={INPUT_BYTES_MAX}", "-print_final_stats=1", f"-artifact_prefix={crashers}", found]
    if os.path.isdir(kept):
        command.append(kept)
    try:
        run = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds + 60,
                             env=os.environ | plan.environment)
    except subprocess.TimeoutExpired:
        return name, False, f"did not end {seconds + 60} s after its start"
    return name, run.returncode == 0, run.stderr


def run_all(root, folder, environment, seconds=None, seed=1, only=()):
    """Yields (name, fine, words) of each target in folder; as many at once as there are cores. The seed is
    the same each time, so that what a test finds does not hang on luck: `tools/long fuzz` draws its own."""
    targets = sorted(path for path in glob.glob(os.path.join(folder, "*_fuzz")) if os.access(path, os.X_OK))
    if only:
        targets = [path for path in targets if os.path.basename(path).removesuffix("_fuzz") in only]
    if not targets:
        return
    at_once = os.cpu_count() or 2
    each = seconds or max(5, min(SECONDS_EACH, SECONDS_ALL * at_once // len(targets)))
    plan = Plan(each, seed, environment)
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(lambda target: run_one(root, target, plan), targets)
