"""The hub and an ERP that it knows from a description only: what its books hold at the end, whatever it answered, or did not."""
import collections
import json
import os
import random
import re
import subprocess
import threading
import time

import pytest

import wms
from agents import BUILD
from brokers import wait_for
from rest_server import RestErp
from stack import HUB_POLICIES, Stack
from test_flow import exceptions
from wms import Warehouse

LINES = (("WIDGET", "10", "9.95"), ("GADGET", "5", "24.50"))
SITES = (("WH1", "warehouse"),)
FAULTS = ("cut_before", "cut_after", "hang_before", "hang_after", "truncated_after", "html_500_before", "html_500_after", "busy_429",
          "down_503", "locked_in_200", "html_404", "expire_tokens")
FAULTY_ORDERS, KILLED_ORDERS, KILLS = 24, 16, 6
QUICK = ("timeout_s: 30", "timeout_s: 1")
plans = {}  # external order id -> what the warehouse does with its release; exact otherwise


def by_plan(release):
    return plans.get(release["origin"]["external_order_id"], wms.exact)(release)


class Place:
    """The ERP, a hub that posts to it, and one warehouse."""

    def __init__(self, folder, *options, replaced=(QUICK,), policies=HUB_POLICIES):
        self.erp = RestErp(folder / "erp", *options)
        self.stack = Stack(folder / "stack", sites=SITES, hub_more=policies)
        self.erp.describe(os.path.join(self.stack.hub.folder, "erp.yaml"), *replaced)
        with open(self.stack.hub.config, encoding="utf-8") as file:
            text = file.read()
        assert "type: ledger\n    data: ledger\n" in text
        with open(self.stack.hub.config, "w", encoding="utf-8") as file:
            file.write(text.replace("type: ledger\n    data: ledger\n", "type: rest\n    file: erp.yaml\n    retry_s_max: 2\n    breaker_failures: 0\n"))

    def __enter__(self):
        self.erp.start()
        self.stack.start()
        self.warehouse = Warehouse(self.stack.sites["WH1"].mosquitto.port, "WH1", by_plan).start()
        wait_for(lambda: self.stack.hub.call("GET", "/v1/reference/customers/CUST-1")[0] == 200 and
                 self.stack.hub.call("GET", "/v1/reference/products/GADGET")[0] == 200, 60, "the ERP's customers and products")
        return self

    def __exit__(self, kind, *_):
        self.warehouse.stop()
        self.stack.__exit__(kind)
        self.erp.kill9()

    def order(self, external, lines=LINES, plan=None):
        if plan:
            plans[external] = plan
        return self.stack.submit_order(external, "WH1", lines)["order_id"]

    def status(self, order_id, wanted, seconds=60):
        wait_for(lambda: self.stack.order(order_id)["status"] == wanted, seconds, f"order {order_id} to be {wanted}")

    def assert_each_once(self, externals):
        """One sale for each order, all of it shipped once."""
        tables = self.erp.tables()
        sales = collections.Counter(row["externalId"].rsplit("/", 1)[1] for row in tables["sales"])
        assert sales == {external: 1 for external in externals}
        assert {row["status"] for row in tables["sales"]} == {"SHIPPED"}
        assert sorted(row["order"] for row in tables["shipments"]) == sorted(row["number"] for row in tables["sales"])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Place(tmp_path_factory.mktemp("rest")) as running:
        yield running


def test_an_order_becomes_a_sale_and_its_shortage_is_told(place):
    order_id = place.order("REST-1", plan=wms.one_short_for_good)
    place.status(order_id, "CLOSED_SHORT")
    place.stack.wait_balanced(60)
    sale, = place.erp.sales("REST-1")
    assert (sale["status"], sale["customer"]["code"], sale["warehouse"]) == ("CLOSED_SHORT", "CUST-1", "WH1")
    assert [(line["item"], line["quantity"], line["shippedQty"], line["unitPrice"]) for line in sale["lines"]] == \
        [("WIDGET", 10, 9, "9.95"), ("GADGET", 5, 5, "24.5")]
    shipment, = (row for row in place.erp.tables()["shipments"] if row["order"] == sale["number"])
    assert shipment["shippedAt"] == "2026-11-23T09:00:00.000Z"
    assert (place.erp.stock("WH1", "WIDGET"), place.erp.stock("WH1", "GADGET")) == ("991", "995")
    assert place.stack.reconcile()["difference"] == 0


def test_what_it_refuses_is_shown_in_its_own_words(place):
    rejected = lambda order_id: [row for row in exceptions(place.stack, "ERP_REJECTED_SALE") if row["order_id"] == order_id]
    place.erp.fault("error_in_200", "/orders", "POST")
    order_id = place.order("REST-2")
    found = wait_for(lambda: rejected(order_id), 30, "the exception")
    assert "period_closed" in found[0]["detail"] and "the books of that month are closed" in found[0]["detail"]
    place.stack.cli("exceptions", "resolve", found[0]["id"], "retry", "--reason", "looked into the ERP")
    place.status(order_id, "SHIPPED")
    assert len(place.erp.sales("REST-2")) == 1


def test_an_erp_that_is_away_is_seen_also_while_nothing_is_posted(tmp_path):
    with Place(tmp_path, policies="policies: {erp_poll_s: 1, books_hours: 0}\n") as place:
        state = lambda: place.stack.hub.get("/v1/erps")["erps"][0]
        wait_for(lambda: state()["state"] == "ready", 60, "the ERP to be ready")
        place.erp.kill9()
        row = wait_for(lambda: state()["state"] == "failing" and "next_try_at" in state() and state(), 60, "the ERP to be seen to be away")
        assert (row["breaker"], row["queued"]) == ("closed", 0) and row["last_error"]["call"].startswith("list of ")
        text = place.stack.cli("erp", "status").stdout
        assert re.search(r"^main +all others +A +failing ", text, re.M)
        assert re.search(r"^main: last trouble .* ago \(.*\), list of \w+: .+: .+", text, re.M), text
        place.erp.start()
        row = wait_for(lambda: state()["state"] == "ready" and state(), 60, "the ERP to be ready again")
        assert "next_try_at" not in row and row["last_answer_at"] >= row["last_error"]["at"]
        text = place.stack.cli("erp", "status").stdout
        assert re.search(r"^main +all others +A +ready ", text, re.M) and "; next try" not in text
        with open(place.stack.hub.log_file, encoding="utf-8") as log:
            events = [json.loads(line)["event"] for line in log]
        assert events.count("erp.not_read") == events.count("erp.read_again") == 1


def test_every_fault_ends_with_each_document_once(tmp_path):
    chance = random.Random(5)
    with Place(tmp_path) as place:
        done = threading.Event()

        def trouble():
            while not done.wait(0.05):
                kind = chance.choice(FAULTS)
                place.erp.fault(kind, "/api/v1/orders", chance.choice(("POST", "POST", "GET")), after=1 if kind == "busy_429" else None)
        thread = threading.Thread(target=trouble)
        thread.start()
        try:
            externals = [f"F-{number}" for number in range(FAULTY_ORDERS)]
            orders = [place.order(external) for external in externals]
            wait_for(lambda: sum(place.stack.order(one)["status"] != "VALIDATED" for one in orders) > FAULTY_ORDERS // 2, 120,
                     "half of the sales to be known in spite of it")
        finally:
            done.set()
            thread.join()
        for one in orders:
            place.status(one, "SHIPPED", 180)
        place.stack.wait_balanced(60)
        place.assert_each_once(externals)


def test_an_erp_that_is_killed_in_the_middle_has_each_document_once(tmp_path):
    chance = random.Random(7)
    with Place(tmp_path) as place:
        externals, orders = [], []
        for round_ in range(KILLS):
            for number in range(KILLED_ORDERS // KILLS + 1):
                externals.append(f"K-{round_}-{number}")
                orders.append(place.order(externals[-1]))
            time.sleep(chance.random() / 4)  # anywhere in the middle; nothing depends on where
            place.erp.kill9()
            place.erp.start()
        for one in orders:
            place.status(one, "SHIPPED", 180)
        place.stack.wait_balanced(60)
        place.assert_each_once(externals)


def test_grade_b_is_looked_up_before_anything_is_made_again(tmp_path):
    """The ERP would take each reference twice."""
    with Place(tmp_path, "--references", "any", replaced=(QUICK, ("grade: A", "grade: B"))) as place:
        externals = [f"B-{number}" for number in range(4)]
        for kind in ("cut_after", "hang_after", "truncated_after", "cut_before"):
            place.erp.fault(kind, "/api/v1/orders", "POST")
        orders = [place.order(external) for external in externals]
        for one in orders:
            place.status(one, "SHIPPED", 120)
        place.assert_each_once(externals)


def test_grade_c_is_made_once_and_a_person_decides(tmp_path):
    with Place(tmp_path, "--references", "any", replaced=(QUICK, ("grade: A", "grade: C"))) as place:
        place.erp.fault("cut_after", "/api/v1/orders", "POST")
        order_id = place.order("C-1")
        found = wait_for(lambda: exceptions(place.stack, "ERP_UNKNOWN_OUTCOME"), 60, "the question")
        assert [row["order_id"] for row in found] == [order_id]
        assert len(place.erp.sales("C-1")) == 1
        place.stack.cli("exceptions", "resolve", found[0]["id"], "accept", "--reason", "looked into the ERP")
        place.status(order_id, "SHIPPED")
        assert len(place.erp.sales("C-1")) == 1


def test_a_wrong_description_is_told_with_its_place(tmp_path, place):
    with open(place.stack.hub.config, encoding="utf-8") as file:
        text = file.read()
    wrong = tmp_path / "erp.yaml"
    place.erp.describe(str(wrong), ('customer: {code: "{customer}"}', 'customer: {code: "{custommer}"}'))
    with open(wrong, encoding="utf-8") as file:
        line = next(number for number, one in enumerate(file, 1) if "custommer" in one)
    config = os.path.join(place.stack.hub.folder, "wrong.yaml")
    with open(config, "w", encoding="utf-8") as file:
        file.write(text.replace("file: erp.yaml", f"file: {json.dumps(str(wrong))}"))
    checked = subprocess.run([os.path.join(BUILD, "crossdock-hub"), "--config", config, "--check"], capture_output=True, text=True, check=False)
    assert checked.returncode != 0
    assert f"{wrong}:{line}:24: post.sale: there is no field {{custommer}}" in checked.stdout + checked.stderr
