#!/usr/bin/python3
"""Tests of the tester: each mistake that the simulator can make on purpose must be noticed by its oracle.

    mutants.py SIMULATOR [--recorded] [MUTANT...]     run by `make mutants` (RECORDED=1, MUTANTS="...")

For each mutant (all, or those that are named, also by number) worlds are run, seed by seed, until one ends in a violation; a world
counts only when it is fine without the mutant. --recorded begins with the seed that is known to catch it and searches
only if that one does not any more. Prints a table; the last line is `N passed, N failed`.
"""
import concurrent.futures
import re
import subprocess
import sys
import time

SEEDS_MAX = 60
WORLD_SECONDS_MAX = 120
AT_ONCE = 2
SMALL = "--calm --sites 1 --hours 12 --documents 400 --patience 24"
LONG = "--calm --sites 1 --hours 72 --documents 200 --patience 24"
AWAY = "--calm --sites 1 --hours 72 --documents 800 --patience 24"
BUSY = "--calm --sites 1 --hours 24 --documents 2000 --patience 24"
PURGES = ("--calm --sites 1 --hours 12 --documents 1500 --patience 24 --often hub.kill --often hub.hang --often site.kill --often site.hang"
          " --often broker.purge_hub --often broker.purge_site --often broker.wipe")
NO_MEMORY = " --often hub.no_memory --often site.no_memory"
DISK_ERRORS = " --often disk.sync_error --often disk.write_error"
CLONES = "--calm --sites 1 --hours 24 --documents 1600 --patience 24 --often site.clone"
# Each mutant's worlds: those in which its mistake can show, for most are small and quiet but for what it takes; and a seed
# that is known to catch it.
TABLE = {
    "release-before-commit": (1, SMALL + DISK_ERRORS),
    "savepoint-kept": (2, BUSY + NO_MEMORY),
    "failed-batch-released": (1, SMALL + DISK_ERRORS),
    "reload-skipped": (1, SMALL + NO_MEMORY + " --often hub.disk_full --often site.disk_full"),
    "commit-not-synced": (1, SMALL + " --often hub.power --often site.power"),
    "watermark-off-by-one": (1, PURGES),
    "watermark-over-gap": (10, PURGES),
    "dropped-on-confirm": (1, PURGES),
    # Short: what it does not know again it refuses, and a queue that is refused costs a world its time.
    "registry-forgotten": (8, "--calm --sites 1 --minutes 40 --documents 100 --patience 2 --often line.duplicate"),
    "lane-starved": (1, SMALL),
    "chain-not-compared": (4, AWAY + " --often site.old_copy --often line.cut"),
    "renumber-forgets": (3, LONG + " --often hub.old_copy --often site.old_copy"),
    "resend-skipped": (1, PURGES),
    "uncovered-trimmed": (1, SMALL + " --often line.cut"),
    "receipt-without-row": (1, SMALL),
    "duplicate-accepted": (1, SMALL + " --often wms.repeat"),
    "release-not-held": (1, SMALL + " --often wms.release_lost"),
    "redelivery-stops": (1, SMALL + " --often wms.release_lost"),
    "full-told-as-accepted": (1, SMALL + " --often site.disk_full"),
    "echo-skipped": (1, LONG + " --often hub.old_copy"),
    "forgery-accepted": (2, SMALL + " --often forged.signature --often forged.replay"),
    "key-ignored": (1, SMALL + " --often channel.same_key_again"),
    "number-ignored": (1, SMALL + " --often channel.changed_payload"),
    "refused-order-accepted": (4, SMALL + NO_MEMORY + " --often hub.disk_full"),
    "sent-not-stored": (3, SMALL + " --often hub.kill --often erp.slow"),
    "retried-without-lookup": (1, SMALL + " --often erp.timeout_after"),
    "absent-believed": (1, SMALL + " --often erp.lands_late"),
    "job-forgotten": (3, SMALL + " --often hub.kill --often erp.slow"),
    "calls-unbounded": (1, SMALL + " --often erp.slow --often erp.down"),
    "release-not-sent": (1, SMALL),
    "confirmation-twice": (2, SMALL + " --often wms.conflict --often wms.several_shipments"),
    "overshipment-dropped": (1, SMALL + " --often wms.over"),
    "quantity-not-moved": (1, SMALL + " --often wms.short"),
    "ids-random": (1, LONG + " --often hub.old_copy"),
    "settled-not-sent": (1, SMALL),
    "conflict-not-marked": (8, CLONES),
    "cancel-not-sent": (1, SMALL + " --often channel.cancels"),
    "change-misstated": (2, SMALL + " --often channel.revises"),
    "backorder-forgotten": (1, SMALL + " --often erp.lists_stock"),
    "cancelled-draft-sent": (5, SMALL + " --often channel.cancels_lines --often erp.slow --often erp.down"),
    "refused-release-dropped": (1, SMALL + " --often wms.refuses_release"),
    "defiance-untold": (1, SMALL + " --often channel.cancels --often wms.ships_what_is_cancelled"),
    "half-made-anew": (1, SMALL + " --often erp.stops_half_way --often erp.confirms_nothing"),
    "reversal-twice": (1, SMALL + " --often wms.corrects --often wms.voids"),
    "shipped-untold": (1, SMALL),
    "routed-by-clock": (1, "--clocks --sites 3 --hours 18 --documents 300 --often wms.refuses_release"),
    "event-nack-ignored": (1, SMALL + " --often broker.nack"),
}


def words_of(name):
    """The options of a mutant's worlds."""
    return TABLE.get(name, (None, SMALL))[1].split()


def mutants_of(simulator):
    """name -> number, as the simulator lists them."""
    listing = subprocess.run([simulator, "--mutants"], capture_output=True, text=True, check=True).stdout
    return {name: int(number) for number, name in re.findall(r"^ *(\d+) (\S+)", listing, re.M)}


def world(simulator, options):
    """What was violated in that world; None: nothing."""
    try:
        done = subprocess.run([simulator, *options], capture_output=True, text=True, timeout=WORLD_SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        return f"no end within {WORLD_SECONDS_MAX} s"
    if done.returncode == 0:
        return None
    if done.returncode != 1:
        return f"the simulator ended with {done.returncode}: {done.stderr.strip()[-200:]}"
    return done.stdout.split("\n", 1)[0].split(": ", 1)[-1]


def seeds_of(name, recorded):
    known = TABLE.get(name, (None, None))[0]
    if recorded and known is not None:
        yield known
    yield from (seed for seed in range(1, SEEDS_MAX + 1) if not (recorded and seed == known))


def hunt(simulator, name, recorded):
    """(name, the seed that caught it or None, what it said, seconds)."""
    began = time.monotonic()
    for seed in seeds_of(name, recorded):
        options = ["--seed", str(seed), *words_of(name)]
        said = world(simulator, [*options, "--mutant", name])
        if said is not None and said.startswith(("no end", "the simulator")):
            return name, None, said, time.monotonic() - began
        if said is not None and world(simulator, options) is None:
            return name, seed, said, time.monotonic() - began
    return name, None, f"survives {SEEDS_MAX} worlds", time.monotonic() - began


def run(simulator, recorded, wanted=(), say=print):
    """Hunts them, at most AT_ONCE at a time; the names of those that were caught, and of those that were not."""
    numbers = mutants_of(simulator)
    by_number = {str(number): name for name, number in numbers.items()}
    wanted = [by_number.get(name, name) for name in wanted]
    unknown = [name for name in (*wanted, *TABLE) if name not in numbers]
    caught, missed = [], [f"{name}: there is no such mutant" for name in unknown]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        hunts = [pool.submit(hunt, simulator, name, recorded) for name in wanted or numbers if name in numbers]
        for done in hunts:
            try:
                name, seed, said, seconds = done.result()
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            (missed if seed is None else caught).append(name)
            verdict = "SURVIVES" if seed is None else f"seed {seed}"
            say(f"{numbers[name]:3} {name:24} {verdict:9} {seconds:6.1f} s  {said}")
    return caught, missed


def main():
    words = [word for word in sys.argv[1:] if word != "--recorded"]
    if not words:
        sys.exit(__doc__)
    began = time.monotonic()
    try:
        caught, missed = run(words[0], "--recorded" in sys.argv, words[1:], lambda line: print(line, flush=True))
    except KeyboardInterrupt:
        sys.exit(130)
    for what in missed:
        print(f"FAILED {what}")
    print(f"in {time.monotonic() - began:.0f} s")
    print(f"{len(caught)} passed, {len(missed)} failed")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
