"""Everything is killed with -9 again and again while orders and confirmations go on; then the books are compared.

XD_SEED=n repeats the choice of victims, moments, orders and what the warehouses do (how threads and processes interleave is
theirs). XD_SOAK=1 kills three times as often.
"""
import os
import random
import threading
import time

import pytest

import wms
from audit import Audit
from brokers import wait_for
from stack import Stack
from wms import Warehouse

SKUS = (("WIDGET", "9.95"), ("GADGET", "24.50"), ("CABLE-10M", "7.20"))
# How often each is killed in a run. A RabbitMQ needs seconds to come back: the others die meanwhile.
LONG = {"hub": 17, "WH1": 11, "3PL-A": 11, "mosquitto:WH1": 4, "mosquitto:3PL-A": 4, "rabbitmq": 5}
SHORT = {"hub": 4, "WH1": 3, "3PL-A": 2, "mosquitto:WH1": 1, "rabbitmq": 1}
ORDERS_PER_SECOND = 8
HEAL_SECONDS = 150


class Channel(threading.Thread):
    """Submits orders one after the other until it is told to stop, each until it is taken."""

    def __init__(self, audit, chance):
        super().__init__(name="channel", daemon=True)
        self.audit, self.chance = audit, chance
        self.enough = threading.Event()
        self.failure = None

    def run(self):
        try:
            number = 0
            while not self.enough.wait(1 / ORDERS_PER_SECOND):
                number += 1
                lines = [(sku, str(self.chance.randint(2, 9)), price) for sku, price in self.chance.sample(SKUS, self.chance.randint(1, 3))]
                site = self.chance.choice(["WH1", "3PL-A"])
                first = self.audit.order(f"K-{number}", site, lines)
                if number % 7 == 0:  # a channel that did not see the answer
                    assert self.audit.order(f"K-{number}", site, lines) == first
        except BaseException as failure:  # pylint: disable=broad-except
            self.failure = failure

    def finish(self):
        self.enough.set()
        self.join(120)
        if self.failure:
            raise self.failure
        assert not self.is_alive(), "an order was not taken within two minutes"


class Killer:
    """Kills by a plan and starts again at once. A broker starts in a thread of its own, so that others die meanwhile."""

    def __init__(self, stack, chance):
        self.stack, self.chance = stack, chance
        self.starting = {}
        self.count = 0

    def kill(self, name):
        program = self.stack.program(name)
        if name in self.starting:
            self.starting.pop(name).join(120)
            assert program.running, f"{name} did not come back:\n{program.log_tail()}"
        process = program.process
        assert process.poll() is None, f"{name} ended by itself with {process.returncode}:\n{program.log_tail()}"
        program.kill9()
        self.count += 1
        if name in ("hub", "WH1", "3PL-A"):
            program.start(wait=False)
        else:
            self.starting[name] = threading.Thread(target=program.start, daemon=True)
            self.starting[name].start()

    def run(self, times):
        victims = [name for name, count in times.items() for _ in range(count)]
        self.chance.shuffle(victims)
        for name in victims:
            time.sleep(self.chance.uniform(0.1, 1.3))
            self.kill(name)
        for name, thread in self.starting.items():
            thread.join(120)
            assert self.stack.program(name).running, name


def some_way_of_shipping(release):
    """By the release's own contents, so that it is the same whenever it is asked."""
    return (wms.in_two_shipments if int(release["lines"][0]["qty"]) % 2 else wms.exact)(release)


def count_stock(warehouses, chance, number):
    """Telemetry on the other lane, while all that goes on."""
    site = chance.choice(sorted(warehouses))
    warehouses[site].send("inventory", {"advice_id": f"I-{number}", "kind": "DELTA", "lines": [
        {"sku": "WIDGET", "qty": str(chance.randint(1, 5)), "uom": "EA", "reason": "FOUND"}]})


def unbound_credit(stack):
    """The ledger's own limits: a fast machine sells more than they allow before it ships."""
    path = os.path.join(stack.hub.folder, "ledger", "customers.csv")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert ",50000.00," in text
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(",50000.00,", ",50000000.00,"))


def kill_all(folder, times, orders_least):
    seed = int(os.environ.get("XD_SEED") or random.SystemRandom().randrange(2**32))
    print(f"\nXD_SEED={seed}")
    chance = random.Random(seed)
    whole = Stack(folder)
    unbound_credit(whole)
    with whole as stack:
        for customer in ("CUST-1", "CUST-2"):
            stack.lift_credit(customer)
        warehouses = {name: Warehouse(site.mosquitto.port, name, some_way_of_shipping).start() for name, site in stack.sites.items()}
        audit = Audit(stack, warehouses)
        channel = Channel(audit, random.Random(seed + 1))
        killer = Killer(stack, chance)
        try:
            channel.start()
            for number in range(60):
                count_stock(warehouses, random.Random(seed + 2 + number), number)
            killer.run(times)
            wait_for(lambda: len(audit.orders) >= orders_least or channel.failure, 60, "enough orders")
            channel.finish()
            began = time.monotonic()
            audit.wait_books(HEAL_SECONDS)
            healed = time.monotonic() - began
            audit.wait_fates(60)
            assert audit.open_exceptions() == []
            assert killer.count == sum(times.values())
            shipments = len(audit.expected_shipments())
            for name in ("hub", "WH1", "3PL-A"):
                assert stack.program(name).stop() == 0, f"{name} did not end well:\n{stack.program(name).log_tail()}"
        except BaseException:
            print(stack.log_tails())
            raise
        finally:
            channel.enough.set()
            for warehouse in warehouses.values():
                warehouse.stop()
    print(f"{killer.count} kills, {len(audit.orders)} orders, {shipments} shipments, all once; healed in {healed:.1f} s")


def test_nothing_is_lost_or_doubled_when_everything_is_killed_again_and_again(tmp_path):
    factor = 3 if os.environ.get("XD_SOAK") else 1
    times = {name: count * factor for name, count in LONG.items()}
    assert sum(times.values()) >= 50
    kill_all(tmp_path, times, 100 * factor)


@pytest.mark.sanitize
def test_nothing_is_lost_or_doubled_in_a_short_run(tmp_path):
    kill_all(tmp_path, SHORT, 30)
