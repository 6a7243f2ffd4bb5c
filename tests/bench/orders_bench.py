"""How fast the hub takes orders of five lines over HTTP, what an order costs it, and whether that grows with its store.

The reference is bench_orders_bare: libmicrohttpd and SQLite, which write the rows of such an order without a look at it. It
runs on a copy of the hub's store, so that both write into tables of the same size. The generator is in C, since it shares the
machine. The ERP's books are locked while intake is measured: orders are validated, routed and stored, and their sales wait.

ORDERS_LARGE: how many orders the large store holds (default 200,000: a million takes some minutes to fill and 4 GB).
"""
import contextlib
import os
import shutil
import sqlite3
import statistics
import subprocess
import time

import brokers
import stack

SITE, CLIENTS, PRODUCTS, CUSTOMERS, LINES = "WH1", 32, 1000, 100, 5
PATIENCE_S = 300
TOOLS = os.path.join(stack.BUILD, "plain", "tests", "bench")
# Where an order has rows. A store that is filled gets no events: a hub would publish them.
FILLED = ("orders", "order_body", "order_line", "timeline", "idempotency", "deadline", "release", "release_line", "job", "job_line")
TABLES = FILLED + ("event",)


def write_ledger(folder):
    """Books with credit for all orders."""
    os.makedirs(folder)
    rows = {"customers.csv": ["code,name,active,credit_limit,currency"] +
                             [f"CUST-{n:04},Shop {n},true,100000000.00,EUR" for n in range(CUSTOMERS)],
            "products.csv": ["sku,description,uom,unit_price,active,lot_tracked"] +
                            [f"SKU-{n:05},Product {n},EA,9.95,true,false" for n in range(PRODUCTS)],
            "stock.csv": ["site,sku,qty"] + [f"{SITE},SKU-{n:05},100000000" for n in range(PRODUCTS)]}
    for name, lines in rows.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    return folder


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Intake:
    """A hub with reference data and stock, without agents; numbers orders through."""

    def __init__(self, folder, **more):
        self.folder, self.next, self.own = folder, 1, "tryton" in more
        self.whole = stack.Stack(folder, sites=(), ledger=write_ledger(folder + "-ledger"), **more)
        self.hub = self.whole.hub

    def start(self):
        self.whole.rabbit.start()
        self.hub.start()
        self.whole.add_site(SITE, "warehouse", os.path.join(self.folder, "site.enrol"))
        if self.own:  # this ERP knows none of them
            self.load_reference()
        for path in (f"/v1/reference/products/SKU-{PRODUCTS - 1:05}", f"/v1/reference/customers/CUST-{CUSTOMERS - 1:04}"):
            brokers.wait_for(lambda: self.hub.call("GET", path)[0] == 200, 60, path)  # pylint: disable=cell-var-from-loop
        entries = [{"site": SITE, "sku": f"SKU-{n:05}", "qty": "100000000"} for n in range(PRODUCTS)]
        status, answer = self.hub.call("PUT", "/v1/stock", {"entries": entries})
        if status != 200:
            raise RuntimeError(f"PUT /v1/stock: {status} {answer}")

    def load_reference(self):
        products = os.path.join(self.folder, "products.csv")
        with open(products, "w", encoding="utf-8") as file:
            file.write("\n".join(["sku,base_uom"] + [f"SKU-{n:05},EA" for n in range(PRODUCTS)]) + "\n")
        self.whole.cli("reference", "load", "customers", os.path.join(self.folder + "-ledger", "customers.csv"))
        self.whole.cli("reference", "load", "products", products)

    @contextlib.contextmanager
    def erp_waits(self):
        """Nobody can write into the ERP's books."""
        books = sqlite3.connect(self.hub.ledger, isolation_level=None, timeout=30)
        books.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            books.execute("ROLLBACK")
            books.close()

    def send(self, count, port=None, token=None):
        """(orders a second, p50 us, p99 us, slowest us)"""
        first, self.next = self.next, self.next + count
        done = subprocess.run([os.path.join(TOOLS, "bench_orders"), str(port or self.hub.port), token or self.hub.token(), str(first),
                               str(count), str(CLIENTS), SITE, str(PRODUCTS), str(CUSTOMERS)], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"bench_orders: {done.stderr}")
        return [float(text) for text in done.stdout.split()]

    def costs(self, count):
        """Microseconds of the hub's CPU an order."""
        before = cpu_seconds(self.hub.process.pid)
        self.send(count)
        return (cpu_seconds(self.hub.process.pid) - before) / count * 1e6

    def posted(self):
        return self.hub.get("/v1/status", seconds=30)["erp_jobs"]["DONE"]

    def wait_released(self, count):
        brokers.wait_for(lambda: self.posted() >= count, PATIENCE_S, f"{count} orders to be posted and released")

    def copy_store(self, path):
        """A consistent copy, while the hub runs."""
        with contextlib.closing(sqlite3.connect(self.hub.database)) as source, contextlib.closing(sqlite3.connect(path)) as copy:
            source.backup(copy)


@contextlib.contextmanager
def bare_server(store):
    server = subprocess.Popen([os.path.join(TOOLS, "bench_orders_bare"), store, "0", *TABLES], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    try:
        yield int(server.stdout.readline())
    finally:
        server.stdin.close()
        server.wait(30)
        server.stdout.close()


def fill(store, count):
    subprocess.run([os.path.join(TOOLS, "bench_orders_bare"), store, str(count), *FILLED], check=True, timeout=3600)


def median(rows, column):
    return statistics.median(row[column] for row in rows)


# ---- the figures ----

def take(intake, folder, table, notes, rounds, count):
    """Intake alone, beside the bare server."""
    ours, bare = [], []
    with intake.erp_waits():
        intake.send(1000)
        store = os.path.join(folder, "bare.db")
        intake.copy_store(store)
        with bare_server(store) as port:
            intake.send(1000, port)
            for number in range(rounds):
                for side in ("ours", "bare") if number % 2 == 0 else ("bare", "ours"):  # neither always comes first
                    (ours if side == "ours" else bare).append(intake.send(count, None if side == "ours" else port))
    ratio = statistics.median(mine[0] / other[0] for mine, other in zip(ours, bare))
    table.add(f"orders of {LINES} lines over HTTP, {CLIENTS} clients, orders/s, against bare libmicrohttpd and SQLite",
              f"{median(ours, 0):.0f}", f"{median(bare, 0):.0f}", f"{ratio:.2f}", ">= 0.5", ratio >= 0.5)
    for what, column in (("p50", 1), ("p99", 2)):
        table.add(f"the same, {what} of an answer, ms", f"{median(ours, column) / 1e3:.1f}", f"{median(bare, column) / 1e3:.1f}",
                  f"{median(ours, column) / median(bare, column):.2f}", "stated", None)
    notes.append(f"Orders over HTTP: {rounds} rounds of {count:,} for each side; hub {' '.join(f'{row[0]:.0f}' for row in ours)}, "
                 f"bare {' '.join(f'{row[0]:.0f}' for row in bare)} orders/s.")
    return 1000 + rounds * count  # taken by the hub


def release(intake, table, taken, count):
    """From the first order to the last one's release, with the ERP; and intake meanwhile."""
    intake.wait_released(taken)
    start, before = time.monotonic(), cpu_seconds(intake.hub.process.pid)
    rate = intake.send(count)[0]
    intake.wait_released(taken + count)
    seconds, used = time.monotonic() - start, cpu_seconds(intake.hub.process.pid) - before
    table.add(f"{count:,} orders taken, validated, enriched, routed, posted in the ledger and released, orders/s", f"{count / seconds:.0f}",
              "2000", f"{count / seconds / 2000:.2f}", "stated", None)
    table.add("the same, orders/s taken meanwhile; us of the hub's CPU an order", f"{rate:.0f}", f"{used / count * 1e6:.0f}", "", "stated",
              None)


def grow(intake, table, small, large, count, rounds):
    """CPU an order with `large` orders in the store, against `small`. The stores take turns, and grow by what they take."""
    intake.hub.stop()
    stores = {}
    for size in (small, large):
        stores[size] = os.path.join(intake.folder, f"hub-{size}.db")
        shutil.copy(intake.hub.database, stores[size])
        fill(stores[size], size)
    costs = {small: [], large: []}
    for number in range(rounds):
        for size in (small, large) if number % 2 == 0 else (large, small):
            os.replace(stores[size], intake.hub.database)
            intake.hub.start()
            with intake.erp_waits():
                intake.send(500)
                costs[size].append(intake.costs(count))
            intake.hub.stop(60)
            os.replace(intake.hub.database, stores[size])
    few, many = statistics.median(costs[small]), statistics.median(costs[large])
    table.add(f"CPU of the hub an order with {large:,} in the store, us, against {small:,}", f"{many:.0f}", f"{few:.0f}", f"{many / few:.2f}",
              "<= 1.5", many / few <= 1.5)


def run(folder, table, notes, rounds=5, count=4000, large=int(os.environ.get("ORDERS_LARGE", "200000"))):
    intake = Intake(folder)
    try:
        intake.start()
        taken = take(intake, folder, table, notes, rounds, count)
        release(intake, table, taken, 2 * count)
        grow(intake, table, 10_000, large, count, 3)
    finally:
        intake.whole.destroy()
