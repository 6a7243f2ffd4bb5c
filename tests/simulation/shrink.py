#!/usr/bin/python3
"""Makes a failing world small: leaves out classes of faults, then sites, then time, then documents, as long as it goes on
failing in the same way.

    shrink.py SIMULATOR SEED [option...]       run by `make sim-shrink SEED=...`

Ctrl-C ends it with the smallest world that was found so far.
"""
import re
import subprocess
import sys

WORLD_SECONDS_MAX = 600
CLASSES = ["line", "broker", "wms", "channel", "erp", "process", "storage", "memory", "clock", "forgery"]


def fails(simulator, options):
    """What the simulator says of that world when it fails, else None."""
    try:
        done = subprocess.run([simulator, *options], capture_output=True, text=True, check=False, timeout=WORLD_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return f"no end within {WORLD_SECONDS_MAX} s"
    if done.returncode == 2:
        sys.exit(done.stderr.strip())
    if done.returncode not in (0, 1):
        return done.stderr.strip() or f"ended with {done.returncode}"  # a crash of its own is a failure too
    return done.stdout.split("\n", 1)[0] if done.returncode == 1 else None


def kind(said):
    """What of it stays the same in a smaller world: the number of what is violated, or how the sentence begins."""
    sentence = re.sub(r"^(seed \d+|[a-z-]+): ", "", said)
    numbered = re.match(r"[A-Z]\d+\b", sentence)
    return numbered.group(0) if numbered else " ".join(sentence.split()[:2])


def drawn(simulator, options):
    """Sites, minutes and documents of the world as it was drawn, and how many kinds there are, from what a failure prints."""
    text = subprocess.run([simulator, *options], capture_output=True, text=True, check=False).stdout
    found = re.search(r"--sites (\d+) --minutes (\d+) --documents (\d+)", text)
    kinds = re.search(r"--kinds (\d+)", text)  # with more of them some day it will be another world
    return (dict(zip(("--sites", "--minutes", "--documents"), map(int, found.groups()))) if found else {}), kinds and kinds.group(1)


def words(seed, without, size, more):
    options = ["--seed", seed, *more]
    for name, number in size.items():
        options += [name, str(number)]
    for name in without:
        options += ["--without", name]
    return options


def main():
    if len(sys.argv) < 3 or not sys.argv[2]:
        sys.exit("say which: make sim-shrink SEED=...")
    simulator, seed, *more = sys.argv[1:]
    said = fails(simulator, ["--seed", seed, *more])
    if said is None:
        sys.exit(f"seed {seed} does not fail")
    print(said, flush=True)
    # What makes the failure stays; how large the world is, is drawn or given, and then tried smaller.
    kept, names = [], iter(more)
    for name in names:
        if name in ("--sites", "--hours", "--minutes", "--documents"):
            next(names, None)
        elif name != "--story":
            kept.append(name)
    size, kinds = drawn(simulator, ["--seed", seed, *more])
    kept += ["--kinds", kinds] if kinds and "--kinds" not in kept else []
    without, failure = [], kind(said)

    def still(what, try_without, try_size):
        nonlocal said
        found = fails(simulator, words(seed, try_without, try_size, kept))
        same = found is not None and kind(found) == failure
        print(f"  {what}: {'fails still' if same else f'fails otherwise, {found}' if found else 'is fine'}", flush=True)
        said = found if same else said
        return same

    status = 0
    often = {kept[at + 1] for at, word in enumerate(kept) if word == "--often"}
    listing = subprocess.run([simulator, "--faults"], capture_output=True, text=True, check=True).stdout
    needed = {name for fault, name in (line.split() for line in listing.splitlines()) if fault in often}
    try:
        for name in CLASSES if "--script" not in kept else ():
            if name not in needed and still(f"without {name}", without + [name], size):
                without.append(name)
        for number in range(1, size.get("--sites", 1)):
            if still(f"{number} sites", without, dict(size, **{"--sites": number})):
                size["--sites"] = number
                break
        for name, least in (("--minutes", 30), ("--documents", 20)):
            while size.get(name, 0) > least and still(f"{size[name] // 2} {name[2:]}", without,
                                                      dict(size, **{name: size[name] // 2})):
                size[name] //= 2
    except KeyboardInterrupt:
        print("\ninterrupted; the smallest so far:")
        status = 130
    print(f"\n{said}\n{simulator} {' '.join(words(seed, without, size, kept))} --story")
    sys.exit(status)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # before there was anything smaller
        sys.exit(130)
