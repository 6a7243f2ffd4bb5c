"""make demo: Crossdock's whole job in about a minute, on brokers and programs of its own, told as it happens.

Two sites, an own warehouse and a 3PL, each with a warehouse system that speaks only MQTT. Orders come in; the 3PL's line is
cut; work goes on; its agent and the hub are killed in the middle; the line comes back. At the end the books of the ERP are
compared with what the warehouses say that they shipped: twice, once by `crossdock reconcile` and once by this script, which
looks at the two ends only. Exit status 0 when the difference is 0, 1 when it is not or something failed, 130 on Ctrl-C.

KEEP=1 leaves all running and says how to look at it. ERP=tryton: the books are those of a real Tryton.
"""
import concurrent.futures
import json
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "integration"))

import brokers  # noqa: E402
import wms  # noqa: E402
from agents import BUILD  # noqa: E402
from audit import Audit  # noqa: E402
from floor import Floor, units_apart  # noqa: E402
from keep import stay_as_warehouse, tell_how_to_look  # noqa: E402
from stack import Stack  # noqa: E402
from story import BOLD, GREEN, RED, Story  # noqa: E402
from tryton import Tryton, TrytonError  # noqa: E402

OWN, THIRD = "WH1", "3PL-A"
ERPS = {"ledger": 60, "tryton": 24}  # with how many orders: a real one takes three or four a second, and ships fewer
PRICES = (("WIDGET", "9.95"), ("GADGET", "24.50"))
SECONDS_BETWEEN_ORDERS = 0.1
SECONDS_BETWEEN_SHIPMENTS = {OWN: 0.3, THIRD: 0.75}  # a 3PL has more than our goods to ship
OFFLINE_SECONDS = 12
PATIENCE_SECONDS = {"ledger": 60, "tryton": 240}
NEEDED = [os.path.join(BUILD, name) for name in ("crossdock", "crossdock-agent", "crossdock-hub")] + \
         [os.path.join(brokers.RABBITMQ_BIN, "rabbitmq-server")]
MISHAPS = (TrytonError, AssertionError, RuntimeError, TimeoutError, OSError, ValueError, sqlite3.Error, subprocess.SubprocessError)


def lines_of(number):
    lines = [(sku, str(2 + (number + place) % 5), price) for place, (sku, price) in enumerate(PRICES)]
    return lines[:1 + number % 3 // 2]


def plural(count, what):
    return f"{count} {what}{'' if count == 1 else 's'}"


class Demo:
    def __init__(self, folder, keep=False, orders=None, erp="ledger"):
        self.story, self.folder, self.keep, self.orders = Story(), folder, keep, orders or ERPS[erp]
        self.patience = PATIENCE_SECONDS[erp]
        self.tryton = Tryton(os.path.join(folder, "tryton"), keep=keep) if erp == "tryton" else None
        self.stack = None
        self.warehouses, self.floors = {}, {}
        self.audit, self.repeats, self.kills = None, 0, {OWN: 0, THIRD: 0, "hub": 0}
        self.cut_at = self.offline = None
        self.booked, self.played = 0, False

    # -- how it stands, for the line that changes --

    def now(self):
        try:
            self.booked = len(self.stack.books()["shipments"])
        except (sqlite3.Error, OSError):  # the hub is just starting: the number of before will do
            pass
        releases = sum(len(warehouse.releases) for warehouse in self.warehouses.values())
        shipped = sum(len(floor.shipments) for floor in self.floors.values())
        self.story.now(f"orders {len(self.audit.orders)}, released {releases}, shipments {shipped}, in the ERP {self.booked}"
                       + self._line())

    def _line(self):
        if self.cut_at is None or self.offline is not None:
            return ""
        return f"; {THIRD} offline {time.monotonic() - self.cut_at:.0f} s, {plural(self.waiting(THIRD), 'document')} waiting"

    def waiting(self, site):
        """What the agent of a site holds for the hub; 0 while it does not run."""
        try:
            return int(self.stack.sites[site].agent.backlog() or 0)
        except (OSError, ValueError):
            return 0

    def watch(self, until, seconds=None):
        """Until something is so, or the time is over; says which."""
        deadline = time.monotonic() + (seconds or self.patience)
        while not until():
            if time.monotonic() > deadline:
                return False
            self.now()
            time.sleep(0.2)
        return True

    # -- the acts --

    def start(self):
        missing = [path for path in NEEDED if not os.path.exists(path)]
        if missing:
            raise RuntimeError(f"{missing[0]} is not there; `make deps all` installs and builds what is needed")
        if self.tryton:
            self.story.tell("Starting Tryton and its PostgreSQL; the first time it is set up, which takes some two minutes")
            self.tryton.start()
        self.story.tell("Starting RabbitMQ, the hub, and at each of two sites a Mosquitto and an agent")
        more = {"hub_more": "policies: {erp_poll_s: 5, books_hours: 0}\n"} if self.tryton else {}  # people work in it, too
        self.stack = Stack(self.folder, sites=((OWN, "warehouse"), (THIRD, "3pl")), keep=self.keep, tryton=self.tryton, **more)
        self.stack.start()
        for site in self.stack.sites.values():
            warehouse = wms.Warehouse(site.mosquitto.port, site.name, ship=wms.nothing).start()
            self.warehouses[site.name] = warehouse
            self.floors[site.name] = Floor(warehouse, SECONDS_BETWEEN_SHIPMENTS[site.name])
        self.audit = Audit(self.stack, self.warehouses)
        for floor in self.floors.values():
            floor.start()
        self.story.tell(f"All is up: {OWN} is an own warehouse, {THIRD} a 3PL; their systems speak only MQTT")

    def order(self, number):
        site, name = (THIRD if number % 2 == 0 else OWN), f"PO-{number:04d}"
        order_id = self.audit.order(name, site, lines_of(number))
        if number % 6 == 0:  # a channel that did not see the answer asks again, with the same key
            again = self.audit.order(name, site, lines_of(number))
            assert again == order_id, f"order {name} was sent twice and became two: {order_id} and {again}"
            self.repeats += 1

    def send_orders(self, first, last):
        """A shop with a few connections; returns a future."""
        def send():
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                sent = []
                for number in range(first, last + 1):
                    sent.append(pool.submit(self.order, number))
                    time.sleep(SECONDS_BETWEEN_ORDERS)
                for order in sent:
                    order.result()
        return in_background(send)

    def kill(self, name):
        self.stack.kill9(name)
        self.stack.restart(name)
        self.kills[name] += 1

    def play(self):
        first, second = self.orders * 2 // 5, self.orders * 7 // 10
        self.story.tell(f"A shop orders from {OWN} and {THIRD}; both pick and ship")
        sent = self.send_orders(1, first)
        self.watch(sent.done)
        sent.result()
        self.watch(lambda: False, 2)
        self.cut(first + 1, second)
        self.kill_agent()
        self.kill_hub(second + 1)
        self.watch(lambda: time.monotonic() - self.cut_at > OFFLINE_SECONDS)
        self.heal()
        self.watch(lambda: sum(len(floor.done) for floor in self.floors.values()) == self.orders)
        self.played = True

    def cut(self, first, last):
        self.stack.cut(THIRD)
        self.cut_at = time.monotonic()
        self.story.tell(f"LINE CUT to {THIRD}. Orders keep coming, and {THIRD} goes on shipping what it has", BOLD)
        sent = self.send_orders(first, last)
        self.watch(sent.done)
        sent.result()
        self.watch(lambda: self.waiting(THIRD) >= 4, 4)

    def kill_agent(self):
        alone_with = plural(self.waiting(THIRD), "document")
        self.story.tell(f"KILL -9 of {THIRD}'s agent, which is cut off and holds {alone_with} that nobody else has", BOLD)
        self.kill(THIRD)
        self.story.tell(f"The agent is back, and holds {self.waiting(THIRD)}")

    def kill_hub(self, first):
        sent = self.send_orders(first, self.orders)
        self.watch(lambda: len(self.audit.orders) >= (first + self.orders) // 2)
        self.story.tell("KILL -9 of the hub, in the middle of taking orders and posting to the ERP", BOLD)
        self.kill("hub")
        self.story.tell("The hub is back; the shop sends again what had no answer")
        self.watch(sent.done)
        sent.result()

    def heal(self):
        waiting = self.waiting(THIRD)
        self.stack.heal(THIRD)
        self.story.tell(f"LINE BACK to {THIRD} after {time.monotonic() - self.cut_at:.0f} s. Its agent has {plural(waiting, 'document')} "
                        "for the hub, and tries again at\nrandom moments, ever more rarely (30 s at the most)", BOLD)
        self.watch(lambda: self.stack.sites[THIRD].agent.connected())
        self.offline = time.monotonic() - self.cut_at
        self.story.tell(f"{THIRD} has its hub again after {self.offline:.0f} s: it sends what it kept, and gets the releases that "
                        "waited for it")

    # -- the account --

    def settle(self):
        """Waits until nothing is on its way any more; what then does not agree is for the account to say."""
        self.story.tell("Everything is shipped. Waiting until every receipt is in and every shipment is in the ERP")
        self.watch(lambda: not self.audit.faults() and not self.stack.unfinished())
        self.watch(lambda: all(floor.duplicates() >= floor.repeated for floor in self.floors.values()), 3)
        for floor in self.floors.values():
            floor.close()

    def account(self):
        """Prints what happened; returns what does not agree, as sentences."""
        self.story.tell("Comparing what the warehouses say that they shipped with what the ERP has in its books")
        self.story.table((OWN, THIRD, "both"), self.rows())
        by_hub = json.loads(self.stack.cli("reconcile", "--json", check=False).stdout)["difference"]
        said = {reference: lines for floor in self.floors.values() for reference, lines in floor.said().items()}
        apart, faults = units_apart(said, self.booked_shipments()), self.audit.faults()
        faults += [f"still on its way: {what} {count}" for what, count in self.stack.unfinished().items() if what != "difference"]
        difference = max(by_hub + apart, len(faults))
        self.story.plain("\n  " + self.story.paint(RED if difference else GREEN, f"difference {difference}"))
        self.story.plain(f"\n    {by_hub} lines by the hub's own count (crossdock reconcile)\n"
                         f"    {apart} units between the warehouses' word and the ERP's books, each shipment looked up")
        return faults or (["the books do not agree"] if difference else [])

    def booked_shipments(self):
        return {reference: {sku: int(qty) for sku, qty in lines.items()} for reference, lines in self.stack.books()["shipments"].items()}

    def rows(self):
        books, booked, sites = self.stack.books(), self.booked_shipments(), list(self.floors)

        def row(what, count, remark=""):
            counts = [count(site) for site in sites]
            return what, counts + [sum(counts)], remark

        def at(site):
            return [name for name, (where, _) in self.audit.orders.items() if where == site]

        def units(shipments, site):
            return sum(sum(lines.values()) for reference, lines in shipments.items() if reference.startswith(site + "/"))
        offline = f"{self.offline:.0f} s"
        return [
            row("orders taken", lambda site: len(at(site)), f"{self.repeats} were sent twice, and taken once"),
            row("sales in the ERP", lambda site: sum(f"default/web/{name}" in books["sales"] for name in at(site))),
            row("releases", lambda site: len(self.warehouses[site].releases), "what the warehouses were told to ship"),
            row("confirmations", lambda site: len(self.warehouses[site].taken_ids()), "accepted: on disk before the receipt left"),
            row("shipments in the ERP", lambda site: sum(name.startswith(site + "/") for name in booked), "one for each confirmation"),
            row("units shipped", lambda site: units(self.floors[site].said(), site), "as the warehouses say"),
            row("units in the ERP", lambda site: units(booked, site), "as its books say"),
            row("duplicates refused", lambda site: self.floors[site].duplicates(), "a warehouse sent again what was taken"),
            ("time offline", ["-", offline, offline], "from the cut until the agent had its hub again"),
            ("kills survived", [self.kills[OWN], self.kills[THIRD], sum(self.kills.values())], f"{THIRD}'s agent and the hub, by kill -9"),
            row("backlog", self.waiting, "documents that wait at an agent"),
        ]

    # -- all of it --

    def run(self):
        """The exit status."""
        try:
            self.start()
            self.play()
            self.settle()
            faults = self.account()
        except MISHAPS as mishap:
            self.story.fail(str(mishap), self.stack.log_tails(8) if self.stack else "")
            return 1
        if faults:
            self.story.plain("\n" + self.story.paint(RED, "The books do not agree:") + "".join(f"\n  {fault}" for fault in faults))
            return 1
        self.story.plain(f"\nEvery order was sold once, and every shipment is in the ERP once. It took {self.story.seconds:.0f} s.")
        return 0

    def end(self):
        """Ends everything that the demo started, and removes its folder."""
        for floor in self.floors.values():
            floor.close()
        for warehouse in self.warehouses.values():
            warehouse.stop()
        if self.stack:
            self.stack.end()
        if self.tryton:
            self.tryton.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def in_background(work):
    """A future of work, on a thread that ends with the program."""
    future = concurrent.futures.Future()

    def run():
        try:
            future.set_result(work())
        except BaseException as failure:  # pylint: disable=broad-except
            future.set_exception(failure)
    threading.Thread(target=run, daemon=True).start()
    return future


def perform(demo):
    """Runs it and leaves it as KEEP asks; the exit status."""
    status, left_running = 130, False
    demo.story.plain(f"\n{demo.story.paint(BOLD, 'Crossdock')}: two warehouses, a line that is cut, programs that are killed, and the "
                     f"books afterwards.\nIt runs on this machine only, in {demo.folder}.\n")
    try:
        status = demo.run()
        if demo.keep and demo.played:
            tell_how_to_look(demo)
            left_running = True
    except KeyboardInterrupt:
        demo.story.plain("\nStopping; everything that was started is ended.")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if not left_running:
            demo.end()
    return status


def main(arguments):
    if arguments[:1] == ["--warehouse"]:
        return stay_as_warehouse(*arguments[1:])
    erp = os.environ.get("ERP") or "ledger"
    if erp not in ERPS:
        print(f"make demo: there is no ERP `{erp}`; there is: {', '.join(ERPS)}", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    os.environ["XD_DEMO"] = secrets.token_hex(8)  # inherited by everything that is started: what to end, by keep.py's script
    return perform(Demo(tempfile.mkdtemp(prefix="crossdock-demo-"), os.environ.get("KEEP", "") not in ("", "0"), erp=erp))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
