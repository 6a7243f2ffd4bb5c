"""make demo: Crossdock's whole job in about a minute, on brokers and programs of its own, told as it happens.

Two sites, an own warehouse and a 3PL, each with a warehouse system that speaks only MQTT. Orders come in; the 3PL's line is
cut; work goes on; its agent and the hub are killed in the middle; the line comes back. At the end the books of the ERP are
compared with what the warehouses say that they shipped: twice, once by the hub and once by this script, which looks at the
two ends only. Exit status 0 when the difference is 0, 1 when it is not, 130 on Ctrl-C.

KEEP=1 leaves all running and says how to look at it.
"""
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "integration"))

import wms  # noqa: E402
from audit import Audit  # noqa: E402
from stack import Stack  # noqa: E402
from story import Story  # noqa: E402
from wms import Warehouse  # noqa: E402

OWN, THIRD = "WH1", "3PL-A"
ORDERS = 60
CATALOGUE = (("WIDGET", "9.95"), ("GADGET", "24.50"))
OFFLINE_SECONDS = 12
HEAL_SECONDS = 60


class Floor(threading.Thread):
    """The people of a warehouse: they ship what was released, one release after the other, line or no line."""

    def __init__(self, warehouse, pace):
        super().__init__(name=f"floor of {warehouse.site}", daemon=True)
        self.warehouse, self.pace = warehouse, pace
        self.shipped, self.repeated = set(), 0
        self.closing = threading.Event()

    def ship(self, release, number):
        if number % 9 == 4:
            return wms.one_short_for_good(release)
        if number % 5 == 2:
            return wms.in_two_shipments(release)
        return wms.exact(release)

    def run(self):
        while not self.closing.wait(self.pace):
            with self.warehouse.changed:
                waiting = [release for release in self.warehouse.releases.values() if release["release_id"] not in self.shipped]
                taken = [key for key in self.warehouse.taken if key[0] == "confirmation"]
            if waiting:
                for document in self.ship(waiting[0], len(self.shipped)):
                    self.warehouse.send("confirmation", document)
                self.shipped.add(waiting[0]["release_id"])
            if taken and len(self.shipped) % 4 == 0:  # a warehouse system that is not sure it was heard
                self.warehouse.send_again(taken[len(self.shipped) % len(taken)])
                self.repeated += 1


def lines_of(number):
    lines = [(sku, str(1 + (number + place) % 5 + 1), price) for place, (sku, price) in enumerate(CATALOGUE)]
    return lines[:1 + number % 2]


class Demo:
    def __init__(self, folder, keep):
        self.story = Story()
        self.stack = Stack(folder, sites=((OWN, "warehouse"), (THIRD, "3pl")), keep=keep)
        self.keep, self.folder = keep, folder
        self.warehouses, self.floors = {}, {}
        self.audit, self.repeats, self.kills, self.offline = None, 0, 0, 0.0

    # -- what is going on, for the line that changes --

    def now(self):
        shipped = {site: len(floor.shipped) for site, floor in self.floors.items()}
        releases = {site: len(warehouse.releases) for site, warehouse in self.warehouses.items()}
        return (f"{len(self.audit.orders)} orders taken; released and shipped: "
                + ", ".join(f"{site} {releases[site]}/{shipped[site]}" for site in self.floors))

    def watch(self, seconds, until=lambda: False):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not until():
            self.story.now(self.now())
            time.sleep(0.2)

    # -- the acts --

    def start(self):
        self.story.tell("Starting a private RabbitMQ, two site brokers (Mosquitto), the hub and two agents")
        self.stack.start()
        for site, pace in ((OWN, 0.3), (THIRD, 0.8)):  # a 3PL has more than our goods to ship
            self.warehouses[site] = Warehouse(self.stack.sites[site].mosquitto.port, site, ship=wms.nothing).start()
            self.floors[site] = Floor(self.warehouses[site], pace)
        self.audit = Audit(self.stack, self.warehouses)
        for floor in self.floors.values():
            floor.start()

    def order(self, first, last):
        for number in range(first, last + 1):
            site = THIRD if number % 2 == 0 else OWN
            order_id = self.audit.order(f"PO-{number:04d}", site, lines_of(number))
            if number % 6 == 0:  # a channel that did not see the answer asks again
                assert self.audit.order(f"PO-{number:04d}", site, lines_of(number)) == order_id, "an order got two ids"
                self.repeats += 1
            self.story.now(self.now())

    def kill(self, name, what):
        self.story.tell(f"kill -9: {what}; it starts again")
        self.stack.kill9(name)
        self.stack.restart(name)
        self.kills += 1

    def play(self):
        self.story.tell(f"The portal sends orders for {OWN} (own warehouse) and {THIRD} (3PL)")
        self.order(1, 20)
        self.watch(4)
        cut_at = time.monotonic()
        self.stack.cut(THIRD)
        self.story.tell(f"The line to {THIRD} is cut. Orders go on, and {THIRD} goes on shipping what it has")
        self.order(21, 40)
        self.watch(3)
        self.kill(THIRD, f"the agent of {THIRD}, offline, with confirmations that only it has")
        portal = threading.Thread(target=self.order, args=(41, ORDERS))
        portal.start()
        self.kill("hub", "the hub, in the middle of taking orders and posting to the ERP")
        portal.join()
        self.watch(cut_at + OFFLINE_SECONDS - time.monotonic())
        backlog = int(self.stack.sites[THIRD].agent.backlog())
        self.stack.heal(THIRD)
        self.offline = time.monotonic() - cut_at
        self.story.tell(f"The line to {THIRD} is back after {self.offline:.0f} s; its agent sends the {backlog} documents that it kept")
        self.watch(HEAL_SECONDS, lambda: sum(len(floor.shipped) for floor in self.floors.values()) == ORDERS)
        self.story.tell("Everything is shipped; comparing what the warehouses say with the ERP's books")

    def finish(self):
        books = self.audit.wait_books(HEAL_SECONDS)
        for floor in self.floors.values():
            floor.closing.set()
            floor.join()
        return books

    # -- the account --

    def account(self, books):
        ledger = self.stack.books()
        confirmations = sum(len(warehouse.taken_ids()) for warehouse in self.warehouses.values())
        duplicates = sum(receipt["status"] == "duplicate" for warehouse in self.warehouses.values() for receipt in warehouse.receipts)
        shipped = sum(int(qty) for lines in ledger["shipments"].values() for qty in lines.values())
        said = sum(int(qty) for lines in self.audit.expected_shipments().values() for qty in lines.values())
        rows = [
            ("Orders taken from the portal", len(self.audit.orders), f"{self.repeats} of them sent twice, taken once"),
            ("Sales in the ERP", len(ledger["sales"]), "one for each order"),
            ("Releases at the warehouses", sum(len(warehouse.releases) for warehouse in self.warehouses.values()), ""),
            ("Confirmations accepted", confirmations, "each told only once it was on disk"),
            ("Duplicates refused", duplicates, "sent again by a warehouse, counted once"),
            ("Shipments in the ERP", len(ledger["shipments"]), f"{shipped} units; the warehouses say {said}"),
            ("Lines closed short", books["short"]["lines"], f"{books['short']['qty']} units that did not exist"),
            (f"Time offline ({THIRD})", f"{self.offline:.0f} s", ""),
            ("Programs killed with -9", self.kills, "an agent and the hub"),
            ("Backlog", 0, "nothing waits anywhere"),
        ]
        self.story.table(rows)
        return abs(shipped - said) + len(self.audit.faults()) + books["difference"]

    def tell_how_to_look(self):
        self.stack.straighten()
        stop = os.path.join(self.folder, "stop.sh")
        pids = [self.stack.rabbit.process.pid, self.stack.hub.process.pid]
        for site in self.stack.sites.values():
            pids += [site.agent.process.pid, site.mosquitto.process.pid]
        with open(os.open(stop, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n# Ends what the demo left running, and removes its folder.\n"
                       f"kill {' '.join(map(str, reversed(pids)))}\nsleep 5\nrm -rf '{self.folder}'\n")
        crossdock = os.path.join(TOP, "build", "crossdock")
        self.story.plain(f"""
All of it is still running. To look:

  export CROSSDOCK_URL={self.stack.hub.url} CROSSDOCK_TOKEN_FILE={self.stack.hub.token_file}
  {crossdock} status
  {crossdock} orders list
  {crossdock} reconcile
  {crossdock} agent --config {self.stack.sites[THIRD].agent.config} status
""" + "".join(f"  mosquitto_sub -p {site.mosquitto.port} -t 'crossdock/{name}/#' -v      # what {name} hears\n"
              for name, site in self.stack.sites.items()) + f"""
  RabbitMQ's page: {self.stack.rabbit.management_url}  (user {self.stack.rabbit.user}, password {self.stack.rabbit.password})

To end it:  {stop}
""")

    def run(self):
        try:
            self.start()
            self.play()
            difference = self.account(self.finish())
        except (AssertionError, RuntimeError, TimeoutError, OSError) as failure:
            self.story.fail(str(failure), self.stack.log_tails(6))
            return 1
        self.story.verdict(difference)
        return 0 if difference == 0 else 1


def main():
    if os.environ.get("ERP", "ledger") not in ("", "ledger"):
        print(f"make demo: ERP={os.environ['ERP']} is not known; there is: ledger", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    keep = os.environ.get("KEEP", "") not in ("", "0")
    folder = tempfile.mkdtemp(prefix="crossdock-demo-")
    demo = Demo(folder, keep)
    status, left_running = 130, False
    try:
        status = demo.run()
        if keep:
            demo.tell_how_to_look()
            left_running = True
    except KeyboardInterrupt:
        demo.story.plain("\nStopped; ending everything.")
    finally:
        for warehouse in demo.warehouses.values():
            warehouse.stop()
        if not left_running:
            demo.stack.end()
            shutil.rmtree(folder, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
