"""Every zone of the system's tzdata gives what Python's zoneinfo gives: local times of instants, and instants of local
times in gaps, in overlaps and elsewhere."""
import datetime
import pathlib
import random
import subprocess
import zoneinfo

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path("/usr/share/zoneinfo")
UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = datetime.timedelta(minutes=1)
# Zones of which each change is looked at from both sides, from 1970 to 2060; the footer rules most of it.
CLOSELY = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Europe/Dublin", "America/St_Johns",
           "Pacific/Apia", "Africa/Casablanca", "Asia/Tehran", "America/Nuuk", "Antarctica/Troll", "Africa/Monrovia", "UTC"]


@pytest.fixture(scope="module")
def probe(tmp_path_factory):
    """probe(zone, questions) -> the answers of the C program, a line each."""
    program = str(tmp_path_factory.mktemp("probe") / "zone_probe")
    sources = [str(path) for path in (TOP / "firmware-agnostic-core" / "base").glob("*.c")]
    subprocess.run(["cc", "-std=c11", "-Ifirmware-agnostic-core", "tests/contract/zone_probe.c", *sources, "-o", program,
                    "-lcjson", "-lmbedcrypto", "-lm"], cwd=TOP, check=True)

    def run(zone, questions):
        result = subprocess.run([program, str(FOLDER / zone)], input="\n".join(questions) + "\n", capture_output=True,
                                text=True, timeout=60, check=True)
        return result.stdout.splitlines()

    return run


def zones():
    return sorted(name for name in zoneinfo.available_timezones() if (FOLDER / name).is_file())


def offset(zone, instant):
    return instant.astimezone(zone).utcoffset()


def changes(zone, first, last):
    """The instants, to the second, at which the offset changes."""
    step, found = datetime.timedelta(days=5), []
    while first < last:
        low, high = first, first + step
        first = high
        if offset(zone, low) == offset(zone, high):
            continue
        while high - low > datetime.timedelta(seconds=1):
            middle = low + datetime.timedelta(seconds=int((high - low).total_seconds()) // 2)
            low, high = (middle, high) if offset(zone, middle) == offset(zone, low) else (low, middle)
        found.append(high)
    return found


def milliseconds(instant):
    return (instant - EPOCH) // datetime.timedelta(milliseconds=1)


def ask_local(zone, instant):
    local = instant.astimezone(zone)
    return (f"u {milliseconds(instant)}",
            f"{local:%Y-%m-%d} {local.hour * 60 + local.minute} {int(local.utcoffset().total_seconds())}")


def first_instant(zone, local):
    """The first instant at which the clock shows local or later, by its definition and not by ours."""
    early = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if early.astimezone(zone).replace(tzinfo=None) == local:
        return early
    # In a gap: Python counts on with the offset before it, so the change lies between these two.
    low, high = local.replace(tzinfo=zone, fold=1).astimezone(UTC), early
    while high - low > datetime.timedelta(seconds=1):
        middle = low + datetime.timedelta(seconds=int((high - low).total_seconds()) // 2)
        shown = middle.astimezone(zone).replace(tzinfo=None)
        low, high = (low, middle) if shown >= local else (middle, high)
    return high


def ask_instant(zone, local):
    return (f"l {local:%Y-%m-%d} {local.hour * 60 + local.minute}", str(milliseconds(first_instant(zone, local))))


def check(probe, name, pairs):
    answers = probe(name, [question for question, _ in pairs])
    wrong = [f"{name}: {question}: {answer}, not {expected}"
             for (question, expected), answer in zip(pairs, answers) if answer != expected]
    assert len(answers) == len(pairs) and not wrong, wrong[:5]


@pytest.mark.parametrize("name", CLOSELY)
def test_each_change_is_at_its_second_and_local_times_around_it_lead_back(probe, name):
    zone = zoneinfo.ZoneInfo(name)
    pairs = []
    for change in changes(zone, EPOCH + datetime.timedelta(days=2), datetime.datetime(2060, 1, 1, tzinfo=UTC)):
        for seconds in (-86400, -1, 0, 1, 86400):
            pairs.append(ask_local(zone, change + datetime.timedelta(seconds=seconds)))
        start = change.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
        for minutes in (-1440, -181, -61, -60, -59, -31, -30, -29, -1, 0, 1, 29, 30, 59, 60, 61, 1440):
            pairs.append(ask_instant(zone, start + minutes * MINUTE))
    pairs.append(ask_local(zone, datetime.datetime(2100, 7, 1, tzinfo=UTC)))
    check(probe, name, pairs)


def test_every_zone_agrees_at_random_instants_and_local_times(probe):
    names = zones()
    assert len(names) > 300
    for name in names:
        zone, chance = zoneinfo.ZoneInfo(name), random.Random(name)
        pairs = []
        for _ in range(40):
            instant = EPOCH + datetime.timedelta(seconds=chance.randrange(86400 * 2, 4_000_000_000))
            pairs.append(ask_local(zone, instant))
            pairs.append(ask_instant(zone, instant.replace(tzinfo=None, second=0)))
        check(probe, name, pairs)
