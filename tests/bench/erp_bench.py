"""How much of a real ERP's own speed the hub makes use of, and whether a slow one is felt by whoever hands orders in.

The ceiling of Tryton is what a bare client gets out of it that does nothing but create, quote and confirm sales of one line, with as many
connections as the hub has workers. Both take turns on one database, the hub with 10,000 orders queued before it.

ERP_ORDERS: how many orders wait (default 10,000). ERP_SECONDS: of each turn (default 40).
"""
import concurrent.futures
import decimal
import http.client
import os
import statistics
import threading
import time

import brokers
import stack
from erp_faults import FaultProxy
from orders_bench import Intake
from tryton import Tryton

ORDERS, SECONDS, ROUNDS = int(os.environ.get("ERP_ORDERS", "10000")), int(os.environ.get("ERP_SECONDS", "40")), 2
WORKERS, CHANNELS = 4, 16
SLOWNESS_S = 2.0


# ---- the ceiling ----

class Bare:
    """Sells a widget again and again, as fast as Tryton lets it."""

    def __init__(self, tryton):
        self.tryton, self.count = tryton, 0
        party, = tryton.find("party.party", [("code", "=", "CUST-1")], ["addresses", "customer_payment_term"])
        widget, = tryton.find("product.product", [("code", "=", "WIDGET")], ["default_uom"])
        warehouse, = tryton.find("stock.location", [("code", "=", "WH1"), ("type", "=", "warehouse")], ["id"])
        self.sale = {"party": party["id"], "invoice_address": party["addresses"][0], "shipment_address": party["addresses"][0],
                     "payment_term": party["customer_payment_term"], "warehouse": warehouse["id"],
                     "lines": [["create", [{"product": widget["id"], "unit": widget["default_uom"], "quantity": 1.0,
                                            "unit_price": decimal.Decimal("9.95")}]]]}

    def sell(self, reference):
        sale, = self.tryton.rpc("model.sale.sale.create", [dict(self.sale, reference=reference)])
        self.tryton.rpc("model.sale.sale.quote", [sale])
        self.tryton.rpc("model.sale.sale.confirm", [sale])

    def speed(self, seconds):
        """Sales a second."""
        until, lock, sold = time.monotonic() + seconds, threading.Lock(), []

        def work():
            while time.monotonic() < until:
                with lock:
                    self.count += 1
                    reference = f"BARE-{self.count}"
                self.sell(reference)
                if time.monotonic() <= until:
                    sold.append(reference)
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for done in [pool.submit(work) for _ in range(WORKERS)]:
                done.result()
        return len(sold) / seconds


# ---- the hub ----

def submit_all(whole, count):
    """By a few channels at a time, each with a connection that stays."""
    numbers, lock = iter(range(count)), threading.Lock()

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", whole.hub.port, timeout=30)
        headers = {"Authorization": f"Bearer {whole.hub.token()}", "Content-Type": "application/json"}
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            body = stack.json.dumps(stack.order(f"Q-{number}", "WH1"))
            connection.request("POST", "/v1/orders", body, dict(headers, **{"Idempotency-Key": f'"q-{number}"'}))
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 202:
                raise RuntimeError(f"order Q-{number}: {answer.status} {text[:200]}")
    with concurrent.futures.ThreadPoolExecutor(CHANNELS) as pool:
        for done in [pool.submit(work) for _ in range(CHANNELS)]:
            done.result()


def posts(whole, seconds):
    """Sales that the hub posts a second, from the moment the ERP is not paused any more."""
    def done():
        return whole.hub.get("/v1/status", seconds=30)["erp_jobs"]["DONE"]
    before, start = done(), time.monotonic()
    whole.cli("erp", "resume", "main")
    time.sleep(seconds)  # what is measured
    count, took = done() - before, time.monotonic() - start
    whole.cli("erp", "pause", "main")
    brokers.wait_for(lambda: whole.hub.get("/v1/status", seconds=30)["erp_jobs"]["SENT"] == 0, 60, "the calls under way to end")
    return count / took


def ceiling(folder, table, notes):
    tryton = Tryton(os.path.join(folder, "tryton"))
    tryton.start()
    whole = stack.Stack(os.path.join(folder, "hub"), sites=(("WH1", "warehouse"),), lines=False, tryton=tryton,
                        tryton_more={"concurrency": WORKERS, "request_life_s": 60, "timeout_s": 30, "breaker_failures": 0})
    try:
        whole.start()
        party, = tryton.find("party.party", [("code", "=", "CUST-1")], ["id"])
        tryton.rpc("model.party.party.write", [party["id"]], {"credit_limit_amount": None}, user="admin")
        brokers.wait_for(lambda: whole.hub.call("GET", "/v1/reference/customers/CUST-1")[0] == 200, 60, "the ERP's customers")
        whole.lift_credit()
        whole.cli("erp", "pause", "main")
        submit_all(whole, ORDERS)
        bare, ours, theirs = Bare(tryton), [], []
        bare.speed(3)
        for number in range(2 * ROUNDS):
            if number % 2 == 0:
                theirs.append(bare.speed(SECONDS))
            else:
                ours.append(posts(whole, SECONDS))
    finally:
        whole.destroy()
        tryton.destroy()
    ratio = statistics.mean(ours) / statistics.mean(theirs)
    table.add(f"sales a second in Tryton while {ORDERS:,} orders wait, against a bare client's create, quote, confirm",
              f"{statistics.mean(ours):.2f}", f"{statistics.mean(theirs):.2f}", f"{ratio:.2f}", ">= 0.9", ratio >= 0.9)
    notes.append(f"Tryton, {ROUNDS} turns of {SECONDS} s each: hub {' '.join(f'{one:.2f}' for one in ours)}, bare "
                 f"{' '.join(f'{one:.2f}' for one in theirs)} sales a second.")


# ---- a slow one ----

class Sluggish(FaultProxy):
    """Answers nothing before its time."""

    def __init__(self, target_port, seconds):
        super().__init__(target_port)
        self.seconds = seconds
        self.heal()

    def pass_on(self, handler, body):
        time.sleep(self.seconds)  # slowness is what it is for
        return super().pass_on(handler, body)


def p99_beside(folder, tryton, seconds, rounds=3, count=2000):
    """Milliseconds of POST /v1/orders, while an ERP that takes so long for each call is posted to."""
    with Sluggish(tryton.port, seconds) as line:
        intake = Intake(folder, tryton=tryton, tryton_more={"url": line.url, "request_life_s": 60, "timeout_s": 30, "concurrency": WORKERS})
        try:
            intake.start()
            intake.send(500)
            return statistics.median(intake.send(count)[2] for _ in range(rounds)) / 1e3
        finally:
            intake.whole.destroy()


def slowness(folder, table):
    tryton = Tryton(os.path.join(folder, "tryton-2"))
    tryton.start()
    try:
        fast = p99_beside(os.path.join(folder, "fast"), tryton, 0)
        slow = p99_beside(os.path.join(folder, "slow"), tryton, SLOWNESS_S)
    finally:
        tryton.destroy()
    table.add(f"POST /v1/orders, p99 in ms beside an ERP that takes {SLOWNESS_S:.0f} s for each call, against a fast one",
              f"{slow:.1f}", f"{fast:.1f}", f"{slow / fast:.2f}", "<= 1.5", slow / fast <= 1.5)


def run(folder, table, notes):
    ceiling(folder, table, notes)
    slowness(folder, table)
