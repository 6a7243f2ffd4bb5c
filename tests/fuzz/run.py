#!/usr/bin/env python3
"""Builds the fuzz targets and lets libFuzzer look for inputs that break them.

    run.py [--minutes N] [--target NAME]     N minutes in total, all targets in turn

Run by `make fuzz`, with BUILD and MAKE in the environment. It begins with tests/fuzz/corpus/<name>/ and
tests/fuzz/regressions/<name>/ and works in build/fuzz/work/<name>/, where new inputs stay for the next time;
what breaks a target goes to build/fuzz/found/<name>-*. At the end of a target's time a small selection of what
reached something new is kept in its corpus, up to CORPUS_FILES files.
"""
import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(TOP, "build")))
MAKE = os.environ.get("MAKE", "make")
FUZZ = os.path.join(TOP, "tests", "fuzz")
CORPUS_FILES, KEPT_BYTES, INPUT_BYTES = 50, 1600, 8192
# The core is a thousand times slower than a parser: it gets this part of the time.
CORE_SHARE = 0.4
DICTIONARIES = {"json": ["json"], "json_tree": ["json"], "document": ["json", "document"], "envelope": ["json", "document"],
                "link": ["json", "document"], "rows": ["json"], "config": ["config"], "http": ["http"],
                "core": []}


def targets():
    return sorted(name[5:-2] for name in os.listdir(FUZZ) if name.startswith("fuzz_") and name.endswith(".c"))


def program(name):
    return os.path.join(BUILD, "fuzz", "tests", "fuzz", f"fuzz_{name}")


def folder(*parts):
    path = os.path.join(*parts)
    os.makedirs(path, exist_ok=True)
    return path


def environment(scratch):
    # CMOCKA_TEST_ABORT: an assertion of the simulated worlds that fails must end the process, not a cmocka test.
    return dict(os.environ, TMPDIR=scratch, CMOCKA_TEST_ABORT="1",
                ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=0",
                UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")


def dictionary(name, scratch):
    lists = DICTIONARIES.get(name)
    if not lists:
        return []
    path = os.path.join(scratch, "dictionary")
    with open(path, "w", encoding="utf-8") as out:
        for one in lists:
            with open(os.path.join(FUZZ, "dictionaries", f"{one}.dict"), encoding="utf-8") as file:
                out.write(file.read())
    return [f"-dict={path}"]


def known(name):
    """The folders of inputs that are committed."""
    return [path for path in (os.path.join(FUZZ, kind, name) for kind in ("corpus", "regressions")) if os.path.isdir(path)]


def keep_selection(name, scratch):
    """What reaches more than the corpus does: the largest that are small enough to be committed, for they reach most."""
    corpus = folder(FUZZ, "corpus", name)
    merged = folder(scratch, "merged")
    there = set(os.listdir(corpus))
    for file in there:
        shutil.copy(os.path.join(corpus, file), merged)
    subprocess.run([program(name), "-set_cover_merge=1", f"-max_len={KEPT_BYTES}", merged, os.path.join(BUILD, "fuzz", "work", name)],
                   env=environment(scratch), cwd=scratch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    new = sorted(((os.path.getsize(os.path.join(merged, file)), file) for file in set(os.listdir(merged)) - there), reverse=True)
    kept = [os.path.join(merged, file) for size, file in new if size <= KEPT_BYTES][:max(0, CORPUS_FILES - len(there))]
    for path in kept:
        with open(path, "rb") as file:
            digest = hashlib.sha1(file.read()).hexdigest()
        shutil.copy(path, os.path.join(corpus, digest[:16]))
    return len(kept)


def seconds_of(name, names, minutes):
    if len(names) == 1 or "core" not in names:
        return minutes * 60 / len(names)
    return minutes * 60 * (CORE_SHARE if name == "core" else (1 - CORE_SHARE) / (len(names) - 1))


def fuzz(name, seconds):
    work, found = folder(BUILD, "fuzz", "work", name), folder(BUILD, "fuzz", "found")
    before = set(os.listdir(found))
    scratch = tempfile.mkdtemp(prefix="xd-fuzz-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    try:
        command = [program(name), f"-max_total_time={max(1, int(seconds))}", f"-max_len={INPUT_BYTES}", "-timeout=20",
                   "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={found}/{name}-",
                   *dictionary(name, scratch), work, *known(name)]
        log = os.path.join(BUILD, "fuzz", f"{name}.log")
        began = time.monotonic()
        with open(log, "wb") as out:
            status = subprocess.run(command, env=environment(scratch), cwd=scratch, stdout=out, stderr=out, check=False).returncode
        took = time.monotonic() - began
        crashers = sorted(set(os.listdir(found)) - before)
        with open(log, encoding="utf-8", errors="replace") as file:
            speed = [line.split()[-1] for line in file if line.startswith("stat::average_exec_per_sec")]
        added = keep_selection(name, scratch) if status == 0 else 0
        print(f"  {'ok' if status == 0 else 'FAIL':4} {name:12} {took:5.0f} s, {speed[0] if speed else '?'} inputs/s, "
              f"{added} kept", flush=True)
        if status != 0:
            print(f"       see {log}" + "".join(f"\n       again: CMOCKA_TEST_ABORT=1 {program(name)} {found}/{file}"
                                              for file in crashers), flush=True)
        return status == 0
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def minutes_of(text):
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0
    if not 0 < minutes < float("inf"):
        sys.exit(f"MINUTES says how long to go on, as 5 or 0.5, not `{text}`")
    return minutes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=minutes_of, default=5)
    parser.add_argument("--target", default="")
    arguments = parser.parse_args()
    names = [arguments.target] if arguments.target else targets()
    if any(name not in targets() for name in names):
        sys.exit(f"no such target; there are: {' '.join(targets())}")
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    subprocess.run([MAKE, "--no-print-directory", f"-j{os.cpu_count() or 1}", "VARIANT=fuzz",
                    *(f"build/fuzz/tests/fuzz/fuzz_{name}" for name in names)], cwd=TOP, env=env, check=True)
    results = [fuzz(name, seconds_of(name, names, arguments.minutes)) for name in names]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
