"""Disks that are full, stores at their limit, and databases that went back in time or exist twice: at the sites and at the hub.
What was accepted and is still held by anybody arrives once; what nobody can know is named."""
import os
import shutil
import sqlite3
import stat

import pytest

import wms
from agents import AGENT, Agent
from audit import Audit
from brokers import Mosquitto, wait_for
from stack import AGENT_MORE, Stack
from wms import Warehouse

WIDGETS = (("WIDGET", "3", "9.95"),)
SMALL_STORE = "store: {quota_mb: 3, reserve_mb: 1, min_free_mb: 0}\n"
SMALL_DISK = "store: {quota_mb: 64, reserve_mb: 2, min_free_mb: 6}\n"
DISK_MB = 40


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    sites = [("DISK", "warehouse"), ("QUOTA", "warehouse"), ("OLD", "warehouse"), ("TWIN", "3pl")]
    with Stack(tmp_path_factory.mktemp("storage"), sites) as running:
        yield running


class Place:
    """One site of the stack, its warehouse and its books."""

    def __init__(self, stack, name, ship=wms.exact):
        self.stack, self.name = stack, name
        self.site = stack.sites[name]
        self.agent = self.site.agent
        self.warehouse = Warehouse(self.site.mosquitto.port, name, ship).start()
        self.audit = Audit(stack, {name: self.warehouse})
        self.log_tails = stack.log_tails

    def orders(self, *names):
        for name in names:
            self.audit.order(f"{self.name}-{name}", self.name, WIDGETS)

    def releases(self, count):
        self.warehouse.wait(lambda: len(self.warehouse.releases) >= count, 30, f"{count} releases")
        return list(self.warehouse.releases.values())

    def ship_now(self, release):
        """Tells a shipment and waits until it is taken."""
        for document in wms.exact(release):
            self.warehouse.send("confirmation", document)
        self.receipted()

    def receipted(self, seconds=30):
        self.warehouse.wait(lambda: self.warehouse.idle, seconds, "receipts")

    def advice(self, name, filler=0):
        document = {"advice_id": name, "kind": "DELTA", "lines": [{"sku": "WIDGET", "qty": "1", "uom": "EA", "reason": "FOUND"}]}
        if filler:
            document["attributes"] = {f"a{n}": "x" * 200 for n in range(filler // 200)}
        self.warehouse.send("inventory", document)

    def last_problem(self):
        with self.warehouse.changed:
            return next((r["problem"] for r in reversed(self.warehouse.receipts) if r["status"] == "rejected"), None)

    def restart_with(self, more):
        """The agent with other lines in its configuration."""
        assert self.agent.stop() == 0
        with open(self.agent.config, encoding="utf-8") as file:
            kept = [line for line in file if not line.startswith("store:")]
        with open(self.agent.config, "w", encoding="utf-8") as file:
            file.write("".join(kept) + more)
        self.agent.start()

    def connected(self):
        self.stack.wait_connected(self.name)


@pytest.fixture
def place(stack):
    opened = []

    def open_place(name, **more):
        opened.append(Place(stack, name, **more))
        return opened[-1]
    yield open_place
    for here in opened:
        here.warehouse.stop()


def exception_codes(stack, site):
    rows = stack.hub.get("/v1/exceptions?status=all&limit=200")["exceptions"]
    return {row["code"] for row in rows if row.get("site") == site}


def replace_database(database, copy):
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(database + suffix):
            os.remove(database + suffix)
    shutil.copy(copy, database)


def back_up(database, copy):
    """As an operator would: a consistent copy of a database that is in use."""
    source, target = sqlite3.connect(f"file:{database}?mode=ro", uri=True), sqlite3.connect(copy)
    source.backup(target)
    target.close()
    source.close()


# ---- room ----

def start_on_a_small_disk(agent):
    """The agent's state on a tmpfs of its own that only it (and who looks through /proc) sees."""
    assert agent.stop() == 0
    state = os.path.dirname(agent.database)
    wrapper = os.path.join(agent.folder, "on-a-small-disk")
    flags = "-m" if os.geteuid() == 0 else "-U -r -m"
    with open(wrapper, "w", encoding="utf-8") as file:
        file.write(f"""#!/bin/sh
mkdir -p '{state}.disk'
exec unshare {flags} sh -ec 'mount -t tmpfs -o size={DISK_MB}m none "{state}.disk"; cp -a "{state}/." "{state}.disk/"
mount --bind "{state}.disk" "{state}"; exec "$@"' sh {AGENT} "$@"
""")
    os.chmod(wrapper, 0o700 | stat.S_IXUSR)
    agent.program = wrapper
    agent.start()
    disk = f"/proc/{agent.process.pid}/root{state}"
    assert os.statvfs(disk).f_blocks * os.statvfs(disk).f_frsize == DISK_MB << 20
    return disk


def fill(disk, leave_bytes):
    """Until no more than so many bytes are free. Returns the file that takes the room."""
    path = os.path.join(disk, "somebody's file")
    with open(path, "ab", buffering=0) as file:
        while True:
            there = os.statvfs(disk)
            more = there.f_bavail * there.f_frsize - leave_bytes
            if more <= 0:
                return path
            try:
                file.write(b"\0" * min(more, 1 << 20))
            except OSError:
                return path


def test_a_full_disk_refuses_with_again_later_and_recovers(stack, place):
    here = place("DISK")
    here.restart_with(SMALL_DISK)
    disk = start_on_a_small_disk(here.agent)
    here.connected()
    here.orders("1", "2")
    here.audit.wait_books(60)
    there = fill(disk, 3 << 20)  # below the floor, but not full
    wait_for(lambda: here.agent.status()["room"] != "free", 20, "the agent to notice")
    here.advice("I-floor")
    here.warehouse.wait(here.last_problem, 20, "a refusal")
    assert here.last_problem()["retryable"] is True
    fill(disk, 0)                # nothing at all goes any more
    here.orders("3")             # also what comes from the hub has to wait
    before = len(here.warehouse.receipts)
    here.advice("I-full")
    here.warehouse.wait(lambda: len(here.warehouse.receipts) >= before + 4, 20, "more refusals")
    assert not here.warehouse.taken_ids("inventory") and not here.warehouse.idle
    assert here.agent.process.poll() is None
    os.remove(there)
    here.warehouse.wait(lambda: here.warehouse.taken_ids("inventory") == {"I-floor", "I-full"}, 40, "both to be accepted at last")
    wait_for(lambda: here.agent.status()["room"] == "free", 20, "room again")
    here.orders("4")
    here.audit.wait_books(60)  # it runs on: its disk goes with it


def test_a_store_at_its_limit_refuses_telemetry_first(stack, place):
    here = place("QUOTA", ship=wms.nothing)
    here.restart_with(SMALL_STORE)
    here.connected()
    here.orders("1")
    release, = here.releases(1)
    here.receipted()
    stack.cut("QUOTA")
    number = 0
    while here.last_problem() is None:
        number += 1
        assert number < 2000, "the store is never full"
        here.advice(f"I-{number}", filler=20000)
        here.warehouse.wait(lambda: here.warehouse.idle or here.last_problem(), 20, "a receipt")
    assert here.last_problem()["code"] == "store_full" and here.last_problem()["retryable"] is True
    refused = f"I-{number}"
    for document in wms.exact(release):
        here.warehouse.send("confirmation", document)
    here.warehouse.wait(lambda: here.warehouse.taken_ids(), 20, "the confirmation to take from the reserve")
    assert refused not in here.warehouse.taken_ids("inventory")
    stack.heal("QUOTA")
    here.warehouse.wait(lambda: refused in here.warehouse.taken_ids("inventory"), 60, "telemetry to be taken again")
    here.audit.wait_books(60)
    assert len(here.warehouse.taken_ids("inventory")) == number


# ---- databases that went back ----

def test_an_agent_with_an_older_database_loses_nothing_that_somebody_holds(stack, place):
    here = place("OLD", ship=wms.nothing)
    here.orders("1", "2", "3", "4")
    releases = here.releases(4)
    here.receipted()
    here.ship_now(releases[0])
    wait_for(lambda: here.agent.backlog() == 0, 20, "the hub to have it all")
    assert here.agent.stop() == 0
    copy = here.agent.database + ".copy"
    shutil.copy(here.agent.database, copy)
    here.agent.start()
    here.connected()
    here.ship_now(releases[1])  # the hub knows it, the copy does not
    here.orders("5")            # and the release of this one
    releases = here.releases(5)
    here.receipted()
    wait_for(lambda: here.agent.backlog() == 0, 20, "the hub to have it all")
    stack.cut("OLD")
    here.agent.kill9()
    replace_database(here.agent.database, copy)
    here.agent.start()
    here.ship_now(releases[2])  # under a sequence that the hub has seen with another document
    stack.heal("OLD")
    for release in releases[3:]:
        here.ship_now(release)
    here.audit.wait_books(90)
    assert exception_codes(stack, "OLD") & {"STREAM_REWOUND", "SITE_WENT_BACK", "STREAM_CONFLICT"}


def test_a_cloned_agent_is_noticed_and_nothing_of_either_is_lost(stack, place, tmp_path):
    here = place("TWIN", ship=wms.nothing)
    here.orders("1", "2", "3", "4")
    releases = here.releases(4)
    here.receipted()
    here.ship_now(releases[0])
    wait_for(lambda: here.agent.backlog() == 0, 20, "the hub to have it all")
    assert here.agent.stop() == 0
    with open(os.path.join(here.agent.folder, "TWIN.enrol"), encoding="utf-8") as file:
        enrolment = file.read()
    with Mosquitto(tmp_path / "mosquitto") as other_broker:
        twin = Agent(tmp_path / "twin", "TWIN", enrolment, other_broker.url, AGENT_MORE)
        os.makedirs(os.path.dirname(twin.database))
        shutil.copy(here.agent.database, twin.database)
        other = Warehouse(other_broker.port, "TWIN", wms.nothing).start()
        here.audit.warehouses = {"TWIN": Both(here.warehouse, other)}
        try:
            stack.cut("TWIN")
            here.agent.start()
            here.ship_now(releases[1])
            twin.start()
            for document in wms.exact(releases[2]):
                other.send("confirmation", document)
            other.wait(lambda: other.idle, 20, "the twin's receipt")
            wait_for(lambda: twin.backlog() == 0, 30, "the twin's line")
            stack.heal("TWIN")  # now both are there, and one of them is heard
            here.ship_now(releases[3])
            assert here.agent.backlog() > 0 and not here.agent.connected()  # who is not heard keeps what it has
            assert twin.stop() == 0
            wait_for(lambda: exception_codes(stack, "TWIN") & {"STREAM_CONFLICT", "STREAM_REWOUND", "SITE_WENT_BACK"}, 60,
                     "a person to be told")
            here.audit.wait_books(90)
        finally:
            twin.kill9()
            other.stop()


class Both:
    """Two warehouses at one site, for the books of both."""

    def __init__(self, first, second):
        self.all = (first, second)
        self.site, self.changed, self.releases = first.site, first.changed, first.releases

    @property
    def taken(self):
        return {key: document for warehouse in self.all for key, document in list(warehouse.taken.items())}

    @property
    def refused(self):
        return {key: problem for warehouse in self.all for key, problem in list(warehouse.refused.items())}

    @property
    def idle(self):
        return all(warehouse.idle for warehouse in self.all)

    def summary(self):
        return " and ".join(warehouse.summary() for warehouse in self.all)


def test_a_hub_restored_from_its_backup_is_told_again_what_it_forgot(tmp_path):
    with Stack(tmp_path) as stack:
        warehouses = {name: Warehouse(site.mosquitto.port, name).start() for name, site in stack.sites.items()}
        audit = Audit(stack, warehouses)
        try:
            for number in range(6):
                audit.order(f"BEFORE-{number}", ["WH1", "3PL-A"][number % 2], WIDGETS)
            audit.wait_books(60)
            copy = tmp_path / "hub.backup"
            back_up(stack.hub.database, copy)
            orders = {}
            for number in range(6):  # sold, shipped and settled, and the hub will know nothing of it
                orders[f"AFTER-{number}"] = audit.order(f"AFTER-{number}", ["WH1", "3PL-A"][number % 2], WIDGETS)
            audit.wait_books(60)
            stack.cut("WH1")
            for number in range(2):  # sold, and on their way to a site that is away
                orders[f"CUT-{number}"] = audit.order(f"CUT-{number}", "WH1", WIDGETS)
            wait_for(lambda: {"default/web/CUT-0", "default/web/CUT-1"} <= set(stack.books()["sales"]), 30, "the sales")
            stack.hub.kill9()
            replace_database(stack.hub.database, copy)
            stack.hub.start()
            assert stack.hub.call("GET", f"/v1/orders/{orders['CUT-0']}")[0] == 404
            # Its channel has no answer to the last ones and sends them again; of the others it knows that they were taken.
            for number in range(2):
                assert audit.order(f"CUT-{number}", "WH1", WIDGETS) == orders[f"CUT-{number}"]
            assert audit.order("AFTER-0", "WH1", WIDGETS) == orders["AFTER-0"]
            stack.heal("WH1")
            audit.wait_books(120)
            for name, order_id in orders.items():  # also those that nobody sent again: the sites held their releases
                shipped = lambda: stack.hub.call("GET", f"/v1/orders/{order_id}")[1].get("status") == "SHIPPED"
                wait_for(shipped, 60, f"order {name} to be known again and shipped")
            audit.wait_books(60)
            rows = stack.hub.get("/v1/exceptions?status=all&limit=200")["exceptions"]
            assert {row["code"] for row in rows} & {"STREAM_REWOUND", "SITE_WENT_BACK", "STREAM_CONFLICT"}, rows
            assert not [row for row in rows if row["code"] in ("UNKNOWN_RELEASE", "UNMATCHED_LINE") and row["status"] == "open"]
        except BaseException:
            print(stack.log_tails())
            raise
        finally:
            for warehouse in warehouses.values():
                warehouse.stop()
