#!/usr/bin/env python3
"""Builds and runs suites of tests, says how they go, and sums them.

    run.py SUITE...      unit contract integration (each also with -asan and -tsan), tryton, fuzz, crash, lint, simulation, mutants, erps

Run by make, with BUILD and MAKE in the environment. A suite that fails, or does not even build, does not stop the
next. The last line is `N passed, N failed`; the exit status is 0 only if nothing failed.

Test programs are cmocka's and report by TAP. Contract programs find a private RabbitMQ and Mosquitto by XD_TEST_AMQP_PORT,
_USER, _PASSWORD, _VHOST, _MANAGEMENT_PORT and XD_TEST_MQTT_PORT. Integration tests (pytest) find the programs in XD_BUILD;
those with the marker `sanitize` run against the ASan and UBSan build too, those with `threads` against the TSan build.
"""
import concurrent.futures
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(TOP, "build")))
MAKE = os.environ.get("MAKE", "make")
JOBS = max(1, os.cpu_count() or 1)
PROGRAM_SECONDS_MAX = {"unit": 300, "contract": 1200, "fuzz": 120, "crash": 24 * 3600 if os.environ.get("XD_SOAK") else 1200}
PYTEST_SECONDS_MAX = 3600
run_ids = itertools.count()
TRYTON_PROGRAMS = {"test_tryton_life"}
# Suites that leave a core free, and those that run beside them; what both are made of is built before.
BESIDE = {"crash": ("simulation", ("VARIANT=sim", "simulator", "crash-programs")), "tryton": ("contract", ("VARIANT=plain", "contract-programs", "programs"))}
LINTS = ["lint-format", "lint-style", "lint-headers", "purity", "lint-cppcheck", "lint-tidy", "lint-deep-slice"]
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99:detect_stack_use_after_return=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
    "TSAN_OPTIONS": "halt_on_error=1:exitcode=99:history_size=4",
}


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def add(self, passed, failed, skipped=0, names=()):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        self.failures += names


aside = threading.local()  # lines: what a suite that runs beside another one has said so far


def say(text=""):
    if hasattr(aside, "lines"):
        aside.lines.append(text)
    else:
        print(text, flush=True)


def run(command, seconds, env=None, capture=True):
    """Runs command in its own process group; whatever it started and left behind ends with it."""
    run_id = f"XD_RUN={os.getpid()}-{next(run_ids)}"
    env = dict(os.environ if env is None else env, XD_RUN=run_id.partition("=")[2])
    out = subprocess.PIPE if capture else None
    process = subprocess.Popen(command, cwd=TOP, env=env, stdin=subprocess.DEVNULL, stdout=out,
                               stderr=subprocess.STDOUT if capture else None, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=seconds)
        status = process.returncode
    except subprocess.TimeoutExpired:
        end_all(process.pid, run_id)
        output, _ = process.communicate()
        status = f"no end within {seconds} s"
    except BaseException:
        end_all(process.pid, run_id)
        raise
    end_all(process.pid, run_id)
    return status, (output or b"").decode("utf-8", "replace")


def end_all(group, run_id):
    """Ends the group and every process that carries the run's id in its environment: brokers have groups of their own."""
    for kill, whom in [(os.killpg, group)] + [(os.kill, pid) for pid in processes_with(run_id)]:
        try:
            kill(whom, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def processes_with(mark):
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if mark.encode() in file.read().split(b"\0"):
                        yield int(name)
            except OSError:
                continue


def make(*arguments, capture=False):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    command = [MAKE, "--no-print-directory", "-k", f"-j{JOBS}", *arguments]
    return run(command, 3600, env, capture)


# ---- cmocka programs ----

def tap_counts(output):
    planned = sum(int(n) for n in re.findall(r"^1\.\.(\d+)\s*$", output, re.M))
    results = re.findall(r"^(ok|not ok)\s+\d+\s*-?\s*(.*)$", output, re.M)
    skipped = sum(1 for ok, name in results if "# SKIP" in name)
    passed = sum(1 for ok, name in results if ok == "ok" and "# SKIP" not in name)
    failed = [name.strip() for ok, name in results if ok == "not ok"]
    return planned, passed, failed, skipped


def folder_of_its_own(prefix, megabytes):
    """In memory where there is room: what a test kills is a process, which leaves what it wrote wherever that is; waiting for a disk
    proves nothing and takes most of the time."""
    memory = "/dev/shm"
    try:
        room = shutil.disk_usage(memory).free >= megabytes << 20 and os.access(memory, os.W_OK)
    except OSError:
        room = False
    return tempfile.mkdtemp(prefix=prefix, dir=memory if room else None)


def run_program(program, kind, extra_env):
    folder = folder_of_its_own("xd-test-", 1024)
    try:
        env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", TMPDIR=folder, XD_SOURCE=TOP, **SANITIZER_OPTIONS, **extra_env)
        began = time.monotonic()
        status, output = run([program], PROGRAM_SECONDS_MAX[kind], env)
        return program, status, output, time.monotonic() - began
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def report_program(tally, program, status, output, seconds):
    name = os.path.basename(program)
    planned, passed, failed, skipped = tap_counts(output)
    lost = max(0, planned - passed - len(failed) - skipped)
    names = [f"{name}: {what}" for what in failed]
    if lost:
        names.append(f"{name}: {lost} tests did not run to their end ({status})")
    elif status != 0 and not failed:
        lost = 1
        names.append(f"{name}: ended with {status}")
    elif planned == 0:
        lost = 1
        names.append(f"{name}: no test in it")
    tally.add(passed, len(failed) + lost, skipped, names)
    verdict = "FAIL" if failed or lost else "ok"
    say(f"  {verdict:4} {name:36} {passed:4} passed, {len(failed) + lost} failed"
        + (f", {skipped} skipped" if skipped else "") + f"  ({seconds:.1f} s)")
    if failed or lost:
        say("".join(f"       | {line}\n" for line in output.splitlines() if not line.startswith("ok ")))


def built_programs(kind, variant, tally):
    """The programs of a suite that are there and up to date; the others count as failed."""
    status, _ = make(f"VARIANT={variant}", f"{kind}-programs")
    _, listing = make(f"VARIANT={variant}", f"print-{kind}", capture=True)
    programs = listing.split()
    if status != 0:
        for program in list(programs):
            if make(f"VARIANT={variant}", program, capture=True)[0] != 0:
                programs.remove(program)
                tally.add(0, 1, 0, [f"{os.path.basename(program)}: does not build"])
    return [os.path.join(TOP, program) for program in programs]


def programs_suite(kind, variant, tally, extra_env, jobs, chosen=lambda name: True, alone=()):
    """So many at a time; those that are alone run one after the other, on a thread more."""
    programs = [program for program in built_programs(kind, variant, tally) if chosen(os.path.basename(program))]
    apart = [program for program in programs if os.path.basename(program) in alone]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool, concurrent.futures.ThreadPoolExecutor(1) as queue:
        waiting = [(queue if program in apart else pool).submit(run_program, program, kind, extra_env) for program in programs]
        for done in concurrent.futures.as_completed(waiting):
            report_program(tally, *done.result())


# ---- pytest ----

def pytest_suite(folders, variant, tally, marker=None, workers=1):
    """Runs the folders' test_*.py, each file on one of the workers; the counts come from the JUnit file, so that a test's own output cannot
    fool us."""
    folders = [folder for folder in folders
               if any(name.startswith("test_") and name.endswith(".py") for name in os.listdir(os.path.join(TOP, folder)))]
    if not folders:
        return
    state = folder_of_its_own("xd-pytest-", 6144)
    try:
        results = os.path.join(state, "results.xml")
        build = BUILD if variant == "plain" else os.path.join(BUILD, variant)
        env = dict(os.environ, XD_BUILD=build, XD_VARIANT=variant, XD_SOURCE=TOP, PYTHONDONTWRITEBYTECODE="1",
                   TMPDIR=state, **SANITIZER_OPTIONS)
        command = ["/usr/bin/python3", "-m", "pytest", "-c", "tests/pytest.ini", "--rootdir", TOP, "-p", "no:cacheprovider",
                   "-v" if workers > 1 else "-q", "--tb=short", "--durations=25", "--junitxml", results, *folders]
        command += ["-m", marker] if marker else []
        command += ["-n", str(workers), "--dist", "loadfile"] if workers > 1 else []
        status, _ = run(command, PYTEST_SECONDS_MAX, env, capture=False)
        read_junit(results, status, " ".join(folders), tally)
    finally:
        shutil.rmtree(state, ignore_errors=True)


def read_junit(results, status, folders, tally):
    passed = skipped = 0
    failures = []
    try:
        cases = list(xml.etree.ElementTree.parse(results).iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError):
        cases = []
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            failures.append(f"{case.get('classname')}: {case.get('name')}")
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    if status not in (0, 5) and not failures:
        failures.append(f"{folders}: pytest ended with {status}")
    tally.add(passed, len(failures), skipped, failures)


# ---- suites ----

def unit(variant, tally):
    programs_suite("unit", variant, tally, {}, JOBS)
    if variant == "plain":
        pytest_suite(["tests/unit"], variant, tally)


def contract(variant, tally):
    sys.path.insert(0, os.path.join(TOP, "tests", "integration"))
    import brokers  # pylint: disable=import-outside-toplevel
    state = folder_of_its_own("xd-contract-", 4096)
    rabbit = mosquitto = None
    try:
        rabbit = brokers.RabbitMQ(os.path.join(state, "rabbitmq"))
        mosquitto = brokers.Mosquitto(os.path.join(state, "mosquitto"))
        rabbit.start()
        mosquitto.start()
        env = {"XD_TEST_AMQP_PORT": str(rabbit.port), "XD_TEST_AMQP_USER": rabbit.user,
               "XD_TEST_AMQP_PASSWORD": rabbit.password, "XD_TEST_AMQP_VHOST": rabbit.vhost,
               "XD_TEST_AMQP_MANAGEMENT_PORT": str(rabbit.management_port), "XD_TEST_MQTT_PORT": str(mosquitto.port)}
        # They wait for the brokers' clocks more than they compute; the two that ask the same broker take turns.
        programs_suite("contract", variant, tally, env, JOBS, lambda name: name not in TRYTON_PROGRAMS, {"test_amqp", "test_rabbitadmin"})
    finally:
        for broker in (rabbit, mosquitto):
            if broker:
                broker.stop()
        shutil.rmtree(state, ignore_errors=True)
    if variant == "plain":
        build_programs(variant, tally)
        pytest_suite(["tests/contract"], variant, tally)


def with_tryton(variant, tally, names):
    """Contract programs that find a Tryton of their own by XD_TRYTON, one after the other."""
    sys.path.insert(0, os.path.join(TOP, "tests", "integration"))
    from tryton import Tryton  # pylint: disable=import-outside-toplevel
    state = folder_of_its_own("xd-tryton-", 4096)
    try:
        with Tryton(state) as erp:
            programs_suite("contract", variant, tally, {"XD_TRYTON": os.path.join(erp.folder, "tryton.json")}, 1,
                           lambda name: name in names)
    finally:
        shutil.rmtree(state, ignore_errors=True)


def tryton(variant, tally):
    """What only a real Tryton can show."""
    with_tryton(variant, tally, TRYTON_PROGRAMS)


def erps(variant, tally):
    """What every ERP promises, held against a real Tryton too: as it is, and degraded to one that looks up only, and to one that does not."""
    with_tryton(variant, tally, TRYTON_PROGRAMS | {"test_erp", "test_erp_documents", "test_erp_reversal"})


def build_programs(variant, tally):
    status, _ = make(f"VARIANT={variant}", "programs")
    if status != 0:
        tally.add(0, 1, 0, [f"the programs ({variant}) do not build"])
    return status == 0


def integration(variant, tally):
    if build_programs(variant, tally):
        # They mostly wait for one another: two at a time take little more than half as long, each with brokers of its own. Four take
        # a third less again on two cores, but then those that kill and heal slow the others down beyond their deadlines.
        folders = ["tests/integration", "tests/demo"] if variant == "plain" else ["tests/integration"]
        pytest_suite(folders, variant, tally, {"asan": "sanitize", "tsan": "threads"}.get(variant), workers=2)


def replay(program, tally):
    """Everything that is known of a target once more: its corpus, and what once broke it."""
    name = os.path.basename(program)
    inputs = [path for path in (os.path.join(TOP, "tests", "fuzz", kind, name.removeprefix("fuzz_"))
                                for kind in ("corpus", "regressions")) if os.path.isdir(path)]
    count = sum(len(os.listdir(path)) for path in inputs)
    folder = folder_of_its_own("xd-fuzz-", 64)
    try:
        env = dict(os.environ, TMPDIR=folder, CMOCKA_TEST_ABORT="1", **SANITIZER_OPTIONS)
        began = time.monotonic()
        status, output = run([program, "-runs=0", f"-artifact_prefix={folder}/", *inputs], PROGRAM_SECONDS_MAX["fuzz"], env)
        seconds = time.monotonic() - began
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    passed = status == 0 and count > 0
    tally.add(int(passed), int(not passed), 0, [] if passed else [f"{name}: ended with {status} after {count} inputs"])
    say(f"  {'ok' if passed else 'FAIL':4} {name:36} {count:4} inputs  ({seconds:.1f} s)")
    if not passed:
        say("".join(f"       | {line}\n" for line in output.splitlines()[-60:]))


def fuzz(_variant, tally):
    for program in built_programs("fuzz", "fuzz", tally):
        replay(program, tally)


def crash(_variant, tally):
    programs_suite("crash", "sim", tally, {}, 1)


def run_beside(name, done):
    """A suite on a thread of its own; what it says comes when it is over, and done gets its tally."""
    aside.lines = []
    done[name] = run_suite(name)
    said = aside.lines
    del aside.lines
    say("\n".join(said))


def run_both(first):
    second, targets = BESIDE[first]
    make(*targets)
    done = {}
    thread = threading.Thread(target=run_beside, args=(first, done))
    thread.start()
    done[second] = run_suite(second)
    thread.join()
    return done


def lint(_variant, tally):
    for name in LINTS:
        began = time.monotonic()
        status, output = make(name, capture=True)
        passed = status == 0
        tally.add(int(passed), int(not passed), 0, [] if passed else [name])
        say(f"  {'ok' if passed else 'FAIL':4} {name:36} ({time.monotonic() - began:.1f} s)")
        if not passed:
            say("".join(f"       | {line}\n" for line in output.splitlines() if not line.startswith("  ")))


def simulator(variant, *more):
    """The simulator of that build, or None when it does not build."""
    status, _ = make(f"VARIANT={variant}", *more, "simulator")
    return os.path.join(BUILD, variant, "crossdock-simulator") if status == 0 else None


def trace_of(program, options):
    """What the world's trace hashes to, or what went wrong."""
    status, output = run([program, *options], 600, dict(os.environ, **SANITIZER_OPTIONS))
    found = re.search(r"trace ([0-9a-f]{16})", output)
    return found.group(1) if status == 0 and found else output.strip()[-400:]


def simulation(_variant, tally):
    """Every world that once failed; fresh ones; and one world in every build, whose traces must be the same."""
    program = simulator("sim")
    if program is None:
        tally.add(0, 1, 0, ["the simulator does not build"])
        return

    def world(name, options, seconds):
        began = time.monotonic()
        status, output = run([program, *options], seconds)
        if status == 0 and re.search(r"^0 worlds", output, re.M):
            status = "no world came to its end"
        found = re.findall(r"^seed .*|^  again: .*", output, re.M)[-2:]
        tally.add(int(status == 0), int(status != 0), 0, [] if status == 0 else [f"{name}: {'; '.join(found) or status}"])
        say(f"  {'ok' if status == 0 else 'FAIL':4} {name:36} ({time.monotonic() - began:.1f} s)")
        if status != 0 or "--runs" in options or "--seconds" in options:
            say("".join(f"       | {line}\n" for line in output.splitlines()))

    with open(os.path.join(TOP, "tests", "simulation", "seeds"), encoding="utf-8") as file:
        for line in (line.strip() for line in file):
            if line and not line.startswith("#"):
                world(line, line.split(), 600)
    # A failure says `seed N`: `make sim SEED=N` tells that world again, step by step. Mend it, and keep it in that file.
    first, seconds = int(time.time()), int(os.environ.get("XD_SIM_SECONDS", "900" if os.environ.get("XD_SOAK") else "150"))
    some = seconds // 5
    for name, time_for_it, *more in (("fresh worlds", seconds - some), ("fresh combinations of faults", some, "--combine")) if some else ():
        world(f"{name} from seed {first}", ["--seed", str(first), "--seconds", str(time_for_it), *more], seconds + 120)
    # What strikes a document whatever else is under way: of anything else a world whose clocks go wrong has another share.
    strikes = ["channel.sends_in_waves", "channel.fulfilment_policy", "channel.cancels", "channel.same_key_again", "wms.speaks_in_batches",
               "wms.refuses_release", "wms.repeat", "wms.receipt_lost", "wms.release_lost"]
    world("I11: the same with wrong clocks", ["--seed", "1", "--runs", "8", "--clocks", "--sites", "3", "--hours", "18", "--documents", "300",
                                              *(word for fault in strikes for word in ("--often", fault))], 300)
    worlds = [["--seed", "7", "--hours", "6", "--sites", "2", "--documents", "300"], ["--seed", "104", "--hours", "8", "--documents", "400"],
              ["--seed", "20", "--hours", "4", "--sites", "2", "--documents", "300", "--often", "site.no_memory", "--often", "hub.no_memory"]]
    wanted = [trace_of(program, options) for options in worlds]
    for variant, *more in (("asan",), ("simclang", "CC=clang")):
        built = simulator(variant, *more)
        found = [trace_of(built, options) for options in worlds] if built else "does not build"
        tally.add(int(found == wanted), int(found != wanted), 0, [] if found == wanted else [f"traces of {variant}: {found}, not {wanted}"])
        say(f"  {'ok' if found == wanted else 'FAIL':4} the same traces, {variant}")


def mutants(_variant, tally):
    """Each mistake that the simulator can make on purpose, in the world that is known to show it."""
    sys.path.insert(0, os.path.join(TOP, "tests", "simulation"))
    import mutants as hunts  # pylint: disable=import-outside-toplevel
    program = simulator("sim")
    if program is None:
        tally.add(0, 1, 0, ["the simulator does not build"])
        return
    caught, missed = hunts.run(program, True, say=lambda line: say("  " + line))
    tally.add(len(caught), len(missed), 0, missed)


SUITES = {"simulation": simulation, "fuzz": fuzz, "crash": crash, "mutants": mutants, "unit": unit, "contract": contract, "tryton": tryton,
          "erps": erps, "integration": integration, "lint": lint}


def run_suite(name):
    tally, began = Tally(), time.monotonic()
    kind, _, variant = name.partition("-")
    say(f"== {name}")
    try:
        SUITES[kind](variant or "plain", tally)
    except Exception as error:  # the next suite must run all the same
        tally.add(0, 1, 0, [f"{type(error).__name__}: {error}"])
    tally.seconds = time.monotonic() - began
    say()
    return tally


def main():
    names = sys.argv[1:]
    if not names or any(name.partition("-")[0] not in SUITES for name in names):
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    tallies = {}
    for name in names:
        if name in BESIDE and BESIDE[name][0] in names and BESIDE[name][0] not in tallies:
            tallies.update(run_both(name))
        elif name not in tallies:
            tallies[name] = run_suite(name)
    for name, tally in tallies.items():
        for what in tally.failures:
            say(f"FAILED {name}: {what}")
    for name, tally in tallies.items():
        say(f"{name:18} {tally.passed:5} passed {tally.failed:4} failed {tally.skipped:4} skipped  ({tally.seconds:.0f} s)")
    say(f"in {time.monotonic() - began:.0f} s")
    failed = sum(tally.failed for tally in tallies.values())
    say(f"{sum(tally.passed for tally in tallies.values())} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
