#!/usr/bin/python3
"""Makes a failing world small: leaves out classes of faults, then sites, then time, as long as it goes on failing.

    shrink.py SIMULATOR SEED [option...]       run by `make sim-shrink SEED=...`
"""
import re
import subprocess
import sys

CLASSES = ["line", "broker", "wms", "channel", "erp", "process", "storage", "memory", "clock", "forgery"]


def fails(simulator, options):
    """What the simulator says of that world when it fails, else None."""
    done = subprocess.run([simulator, *options], capture_output=True, text=True, check=False)
    if done.returncode == 2:
        sys.exit(done.stderr.strip())
    if done.returncode not in (0, 1):
        return done.stderr.strip() or f"ended with {done.returncode}"  # a crash of its own is a failure too
    return done.stdout.split("\n", 1)[0] if done.returncode == 1 else None


def drawn(simulator, options):
    """Sites, minutes and documents of the world as it was drawn, from what a failure prints."""
    text = subprocess.run([simulator, *options], capture_output=True, text=True, check=False).stdout
    found = re.search(r"--sites (\d+) --minutes (\d+) --documents (\d+)", text)
    return dict(zip(("--sites", "--minutes", "--documents"), map(int, found.groups()))) if found else {}


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
    size, without = drawn(simulator, ["--seed", seed, *more]), []

    def still(what, try_without, try_size):
        nonlocal said
        found = fails(simulator, words(seed, try_without, try_size, kept))
        print(f"  {what}: {'fails still' if found else 'is fine'}", flush=True)
        said = found or said
        return found is not None

    for name in CLASSES:
        if still(f"without {name}", without + [name], size):
            without.append(name)
    for number in range(1, size.get("--sites", 1)):
        if still(f"{number} sites", without, dict(size, **{"--sites": number})):
            size["--sites"] = number
            break
    while size.get("--minutes", 0) > 30 and still(f"{size['--minutes'] // 2} minutes", without,
                                                 dict(size, **{"--minutes": size["--minutes"] // 2})):
        size["--minutes"] //= 2
    print(f"\n{said}\n{simulator} {' '.join(words(seed, without, size, kept))} --story")


if __name__ == "__main__":
    main()
