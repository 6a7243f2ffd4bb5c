"""The whole flow against a real Tryton: what its books hold at the end, whatever happened to it, to the line and to the hub."""
import collections
import json
import random
import time

import pytest

import wms
from agents import http_get
from brokers import wait_for
from erp_faults import FAULTS, FaultProxy
from stack import Stack
from test_flow import exceptions
from wms import Warehouse

WIDGETS = (("WIDGET", "10", "9.95"),)
KILLS, KILLED_ORDERS, FAULTY_ORDERS = 30, 24, 16
FINISHED = {"QUEUED": 0, "SENT": 0, "UNKNOWN": 0}
plans = {}  # external order id -> what the warehouse does with its releases; exact otherwise


def by_plan(release):
    return plans.get(release["origin"]["external_order_id"], wms.exact)(release)


class Place:
    """A Tryton as it was seeded, a hub that posts to it, and warehouses WH1 and 3PL-A."""

    def __init__(self, folder, tryton, url=None, hub_more="policies: {erp_poll_s: 1, books_hours: 0}\n", **more):
        self.tryton = tryton
        self.stack = Stack(folder, tryton=tryton, tryton_more=dict(more, url=url), hub_more=hub_more)

    def __enter__(self):
        self.stack.start()
        self.warehouses = {name: Warehouse(site.mosquitto.port, name, by_plan).start() for name, site in self.stack.sites.items()}
        self.has_reference()
        return self

    def __exit__(self, kind, *_):
        for warehouse in self.warehouses.values():
            warehouse.stop()
        self.stack.__exit__(kind)

    def has_reference(self):
        """Until customers and products of the ERP are known: before, nothing of an order is checked against them."""
        wait_for(lambda: self.stack.hub.call("GET", "/v1/reference/customers/CUST-1")[0] == 200 and
                 self.stack.hub.call("GET", "/v1/reference/products/WIDGET")[0] == 200, 60, "the ERP's reference data")

    def log_tails(self):
        return self.stack.log_tails() + "--- tryton\n" + self.tryton.log_tail()

    # -- orders --

    def order(self, external, lines=WIDGETS, site="WH1", plan=None, **more):
        if plan:
            plans[external] = plan
        return self.stack.submit_order(external, site, lines, **more)["order_id"]

    def status(self, order_id, *wanted, seconds=90):
        wait_for(lambda: self.stack.order(order_id)["status"] in wanted, seconds, f"order {order_id} to be {' or '.join(wanted)}")
        return self.stack.order(order_id)

    def release(self, order_id, number=1, site="WH1", seconds=90):
        warehouse = self.warehouses[site]
        found = lambda: [r for r in warehouse.releases.values() if r["order_id"] == order_id]
        return warehouse.wait(lambda: found()[number - 1:number], seconds, f"release {number} of {order_id}")[0]

    def posted(self, confirmation_id, site="WH1", seconds=120):
        warehouse = self.warehouses[site]
        warehouse.wait(lambda: warehouse.fates.get(confirmation_id, {}).get("outcome") == "posted", seconds, f"{confirmation_id} to be posted")

    def refused(self, external, code, words):
        """The ERP refused the sale of this order: with which exception."""
        order_id = self.order(*external) if isinstance(external, tuple) else external
        found = wait_for(lambda: [row for row in exceptions(self.stack, "ERP_REJECTED_SALE") if row["order_id"] == order_id], 60,
                         "the exception")
        assert code in found[0]["detail"] and words in found[0]["detail"], found[0]["detail"]
        assert found[0]["status"] == "open"

    # -- books --

    def counted(self, site, *skus):
        """Somebody counted, and found as much as Tryton has: from now on the site speaks for itself, and agrees."""
        entries = [{"site": site, "sku": sku, "qty": f"{self.tryton.stock(site, sku):g}"} for sku in skus]
        assert self.stack.hub.call("PUT", "/v1/stock", {"entries": entries})[0] == 200

    def quiet(self, seconds=180):
        return self.stack.wait_balanced(seconds)

    def differences(self):
        """What is open after a comparison, by the operator's command."""
        done = self.stack.cli("reconcile", "--run", "--json", check=False, seconds=120)
        assert done.returncode in (0, 3), done.stderr
        return json.loads(done.stdout)["differences"]

    def sale(self, external):
        """The one sale of this order."""
        found = self.tryton.sales(f"default/web/{external}")
        assert len(found) == 1, f"{external}: {len(found)} sales"
        return found[0]

    def shipped(self, external):
        """[{sku: base units}] of the shipments that are done."""
        return [dict(sum_of(shipment["moves"])) for shipment in self.tryton.shipments(f"default/web/{external}")
                if shipment["state"] == "done"]


def sum_of(moves):
    """What has moved; what was closed short stays in its shipment as a move that was cancelled."""
    sums = collections.Counter()
    for move in moves:
        if move["state"] == "done":
            sums[move["product."]["code"]] += move["internal_quantity"]
    return sums


def short_with_backorder(release):
    """Seven of the first line's ten; the rest comes by a release of its own."""
    if release["lines"][0]["qty"] != "10":
        return wms.exact(release)
    document = wms.confirmation(release)
    document["lines"][0].update(qty_shipped="7", status="BACKORDER")
    return [document]


def short_for_good(release):
    document = wms.confirmation(release)
    document["lines"][0].update(qty_shipped="7", status="SHORT_FINAL")
    return [document]


@pytest.fixture(scope="module")
def place(erp, tmp_path_factory):
    erp.reset()
    with Place(tmp_path_factory.mktemp("place"), erp) as running:
        yield running


# ---- the whole flow ----

def test_from_the_order_to_the_invoice_with_a_backorder_in_between(place):
    order_id = place.order("FLOW-1", plan=short_with_backorder)
    release = place.release(order_id)
    assert [(line["sku"], line["qty"]) for line in release["lines"]] == [("WIDGET", "10")]
    place.posted(f"C-{release['release_id']}-1")
    assert place.shipped("FLOW-1") == [{"WIDGET": 7}]
    place.status(order_id, "PART_SHIPPED")
    place.counted("WH1", "WIDGET", "GADGET", "LOTTED")
    place.status(order_id, "SHIPPED", "INVOICED")
    place.quiet()
    assert place.shipped("FLOW-1") == [{"WIDGET": 7}, {"WIDGET": 3}]
    sale = place.sale("FLOW-1")
    assert sale["shipment_state"] == "sent" and sale["warehouse."]["code"] == "WH1"
    invoices = place.tryton.invoices("default/web/FLOW-1")
    place.tryton.rpc("model.account.invoice.post", [invoice["id"] for invoice in invoices])
    place.status(order_id, "INVOICED")
    assert place.quiet()["difference"] == 0
    assert exceptions(place.stack, "ERP_ENTRY_UNUSABLE") == []


def type_sale(place, plan, *lines):
    """A clerk types a sale for WH1 of (sku, quantity): its id, its number, its release."""
    party, = place.tryton.find("party.party", [("code", "=", "CUST-1")], ["addresses", "customer_payment_term"])
    warehouse, = place.tryton.find("stock.location", [("code", "=", "WH1"), ("type", "=", "warehouse")], ["id"])
    made = []
    for sku, quantity in lines:
        product, = place.tryton.find("product.product", [("code", "=", sku)], ["default_uom", "list_price"])
        made.append({"product": product["id"], "unit": product["default_uom"], "quantity": quantity, "unit_price": product["list_price"]})
    sale, = place.tryton.rpc("model.sale.sale.create", [{
        "party": party["id"], "invoice_address": party["addresses"][0], "shipment_address": party["addresses"][0],
        "payment_term": party["customer_payment_term"], "warehouse": warehouse["id"], "lines": [["create", made]]}], user="clerk")
    place.tryton.rpc("model.sale.sale.quote", [sale], user="clerk")
    number = place.tryton.rpc("model.sale.sale.read", [sale], ["number"])[0]["number"]
    plans[number] = plan
    place.tryton.rpc("model.sale.sale.confirm", [sale], user="clerk")
    release = place.warehouses["WH1"].wait(
        lambda: next((r for r in place.warehouses["WH1"].releases.values() if r["origin"]["external_order_id"] == number), None),
        90, "the release of the typed sale")
    return sale, number, release


def test_a_sale_that_was_typed_into_tryton_is_shipped(place):
    sale, _, release = type_sale(place, wms.exact, ("WIDGET", 4.0))
    assert [(line["sku"], line["qty"]) for line in release["lines"]] == [("WIDGET", "4")]
    place.posted(f"C-{release['release_id']}-1")
    state = place.tryton.rpc("model.sale.sale.read", [sale], ["shipment_state"])[0]["shipment_state"]
    assert state == "sent"


def lists_read(place):
    text = http_get(place.stack.hub.url + "/metrics")[1]
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith("crossdock_erp_list_answers_total") and 'outcome="done"' in line)


def test_what_a_site_gives_up_of_a_typed_sale_is_not_released_again(place):
    _, number, release = type_sale(place, wms.nothing, ("WIDGET", 10.0), ("GADGET", 4.0))
    warehouse = place.warehouses["WH1"]
    gadget, = (line for line in release["lines"] if line["sku"] == "GADGET")
    widget, = (line for line in release["lines"] if line["sku"] == "WIDGET")
    close = wms.confirmation(release, 1, {gadget["line_id"]: "0"})
    close["kind"], close["lines"] = "SHORT_CLOSE", [line for line in close["lines"] if line["line_id"] == gadget["line_id"]]
    warehouse.send("confirmation", close)
    place.posted(close["confirmation_id"])
    polled = lists_read(place)
    wait_for(lambda: lists_read(place) > polled + 6, 60, "the sale to have been seen again")  # sales, shipments, invoices: twice
    assert place.differences() == []
    rest = wms.confirmation(release, 2, {widget["line_id"]: "10"})
    rest["lines"] = [line for line in rest["lines"] if line["line_id"] == widget["line_id"]]
    warehouse.send("confirmation", rest)
    place.status(release["order_id"], "SHIPPED", "INVOICED", "CLOSED_SHORT")
    assert [r["release_id"] for r in warehouse.releases.values() if r["origin"]["external_order_id"] == number] == [release["release_id"]]
    assert place.stack.order(release["order_id"])["revision"] == 1


def test_the_books_agree_with_tryton_and_what_somebody_changed_there_is_named_and_mended(place):
    order_id = place.order("BOOKS-1", plan=wms.nothing)
    release = place.release(order_id)  # and not shipped yet
    assert place.differences() == []
    line, = place.tryton.find("sale.line", [("sale.reference", "=", "default/web/BOOKS-1")], ["quantity"])
    place.tryton.rpc("model.sale.line.write", [line["id"]], {"quantity": 8.0}, user="clerk")
    difference, = place.differences()
    assert (difference["kind"], difference["repair"]) == ("SALE_QUANTITY", "CHANGE_SALE")
    assert (difference["hub_document"], difference["hub_value"], difference["erp_value"]) == ("default/web/BOOKS-1", "10", "8")
    place.stack.cli("reconcile", "--approve", difference["id"], check=False)
    wait_for(lambda: place.differences() == [], 60, "the difference to be gone")
    line, = place.tryton.find("sale.line", [("sale.reference", "=", "default/web/BOOKS-1")], ["quantity"])
    assert line["quantity"] == 10
    place.warehouses["WH1"].send("confirmation", *wms.exact(release))
    place.status(order_id, "SHIPPED", "INVOICED")
    place.quiet()
    assert place.shipped("BOOKS-1") == [{"WIDGET": 10}] and place.differences() == []


def test_an_order_is_shipped_from_the_3pl(place):
    order_id = place.order("3PL-1", site="3PL-A")
    place.status(order_id, "SHIPPED", "INVOICED")
    place.quiet()
    shipment, = place.tryton.shipments("default/web/3PL-1")
    assert shipment["state"] == "done" and shipment["warehouse."]["code"] == "3PL-A"


def test_what_will_not_come_is_closed_short(place):
    order_id = place.order("CLOSED-1", plan=short_for_good)
    place.status(order_id, "CLOSED_SHORT", "INVOICED")
    place.quiet()
    assert place.shipped("CLOSED-1") == [{"WIDGET": 7}]
    assert place.sale("CLOSED-1")["shipment_state"] == "sent"


def test_more_than_was_ordered_leaves_the_stock_of_the_erp_too(place):
    before = place.tryton.stock("WH1", "WIDGET")
    order_id = place.order("OVER-1", plan=wms.one_over)
    place.status(order_id, "SHIPPED", "INVOICED")
    place.quiet()
    assert place.shipped("OVER-1") == [{"WIDGET": 11}]
    assert place.tryton.stock("WH1", "WIDGET") == before - 11


def test_a_cancelled_order_is_cancelled_in_tryton(place):
    plans["CANCEL-1"] = wms.nothing
    order_id = place.order("CANCEL-1")
    release = place.release(order_id)
    assert place.stack.hub.call("POST", f"/v1/orders/{order_id}/cancel", {"reason": "they changed their mind"})[0] == 202
    warehouse = place.warehouses["WH1"]
    asked = warehouse.wait(lambda: (r := warehouse.releases[release["release_id"]])["revision"] > 1 and r, 60, "the question")
    warehouse.send("release/response", {"release_id": asked["release_id"], "revision": asked["revision"], "response": "CANCEL_ACCEPTED"})
    place.status(order_id, "CANCELLED")
    place.quiet()
    assert [shipment for shipment in place.tryton.shipments("default/web/CANCEL-1") if shipment["state"] not in ("cancelled",)] == []


def test_lots_that_the_site_names_leave_the_stock_of_those_lots(place):
    def by_lots(release):
        document = wms.confirmation(release)
        line = document["lines"][0]
        document["lines"] = [dict(line, qty_shipped="6", lot="LOT-A"), dict(line, qty_shipped="4", lot="LOT-B")]
        return [document]

    order_id = place.order("LOTS-1", (("LOTTED", "10", "9.95"),), plan=by_lots)
    place.status(order_id, "SHIPPED", "INVOICED")
    place.quiet()
    moves = place.tryton.shipments("default/web/LOTS-1")[0]["moves"]
    assert sorted((move["lot."]["number"], move["internal_quantity"]) for move in moves) == [("LOT-A", 6), ("LOT-B", 4)]


def test_pieces_of_a_carton_are_shipped_as_pieces_and_what_is_left_as_it_was_sold(place):
    """TEA-BOX is sold by the carton of 12: five pieces leave, then a carton, and the rest will not come."""
    wait_for(lambda: place.stack.hub.call("GET", "/v1/reference/products/TEA-BOX")[0] == 200, 60, "the product")
    entry = place.stack.hub.get("/v1/reference/products/TEA-BOX")["entry"]
    entry["uoms"] = [{"uom": "CS", "num": 12}]
    assert place.stack.hub.call("PUT", "/v1/reference/products/TEA-BOX?source=erp", entry)[0] in (200, 201)

    def in_pieces(release):
        documents = [wms.confirmation(release, 1, {"1": "5"}), wms.confirmation(release, 2, {"1": "1"}), wms.confirmation(release, 3, {"1": "3"})]
        documents[0]["lines"][0].update(uom="EA")
        documents[2]["lines"][0].update(uom="EA", status="SHORT_FINAL")
        return documents

    line = {"external_line_id": "1", "sku": "TEA-BOX", "qty": "2", "uom": "CS", "unit_price": "36"}
    order_id = place.order("CARTON-1", [line], plan=in_pieces)
    place.status(order_id, "CLOSED_SHORT", "INVOICED")
    place.quiet()
    assert sorted(shipment["TEA-BOX"] for shipment in place.shipped("CARTON-1")) == [3, 5, 12]
    assert place.sale("CARTON-1")["shipment_state"] == "sent"
    line, = place.stack.order(order_id)["lines"]
    assert (line["uom"], line["ordered_uom"], line["shipped"], line["cancelled"]) == ("EA", "CS", "20", "4")
    assert place.differences() == []


# ---- what Tryton refuses, and what it should ----

def test_a_lot_that_nobody_names_ends_with_tryton_s_words(place):
    order_id = place.order("NO-LOT-1", (("LOTTED", "2", "9.95"),))
    release = place.release(order_id)
    found = wait_for(lambda: exceptions(place.stack, "ERP_REJECTED_SHIPMENT", f"C-{release['release_id']}-1"), 60, "the exception")
    assert "lot_required" in found[0]["detail"] and "lot" in found[0]["detail"].partition(":")[2]


def test_unknown_and_inactive_ones_are_refused_before_tryton_sees_them(place):
    def problem(lines, **more):
        status, answer = place.stack.hub.call("POST", "/v1/orders", wms_order("BAD", lines, **more), key="bad")
        assert status == 422, answer
        return {error["code"] for error in answer["errors"]}

    assert problem((("NOPE", "1", "1"),)) == {"unknown_product"}
    assert problem((("OLD-WIDGET", "1", "1"),)) == {"inactive_product"}
    assert problem(WIDGETS, customer="NOBODY") == {"unknown_customer"}
    assert problem(WIDGETS, customer="CUST-3") == {"inactive_customer"}


def wms_order(external, lines, **more):
    from stack import order  # pylint: disable=import-outside-toplevel
    return order(external, "WH1", lines, **more)


@pytest.mark.parametrize("model, code, expected", [("product.product", "GADGET", "inactive_product"), ("party.party", "CUST-2", "inactive_customer")])
def test_who_became_inactive_since_is_refused_by_the_connector_for_tryton_would_not(place, model, code, expected):
    found, = place.tryton.find(model, [("code", "=", code)], ["id"])
    place.tryton.rpc(f"model.{model}.write", [found["id"]], {"active": False}, user="admin")
    try:
        order_id = place.order(f"ASLEEP-{code}", (("GADGET" if model == "product.product" else "WIDGET", "1", "9.95"),),
                               customer="CUST-2" if model == "party.party" else "CUST-1")
        place.refused(order_id, expected, code)
    finally:
        place.tryton.rpc(f"model.{model}.write", [found["id"]], {"active": True}, user="admin")


def test_the_credit_limit_of_tryton_is_an_exception_with_its_words(place):
    place.stack.hub.call("PUT", "/v1/reference/customers/CUST-1", {"code": "CUST-1", "name": "CUST-1", "currency": "EUR"})
    order_id = place.order("CREDIT-1", (("WIDGET", "2000", "9.95"),))
    place.refused(order_id, "credit_limit", "has reached their credit limit")


def test_a_price_of_too_many_digits_is_refused_and_not_rounded(place):
    order_id = place.order("DIGITS-1", (("WIDGET", "1", "9.95123"),))
    place.refused(order_id, "digits", "number of digits")


# ---- faults ----

def books_are_one_each(place, orders):
    """One sale for each reference, one shipment for each confirmation, with what was shipped."""
    for external in orders:
        place.sale(external)
        done = [shipment for shipment in place.tryton.shipments(f"default/web/{external}") if shipment["state"] == "done"]
        assert len(done) == 1 and dict(sum_of(done[0]["moves"])) == {"WIDGET": 10}, (external, done)
    references = [sale["reference"] for sale in place.tryton.find("sale.sale", [("reference", "like", "default/web/%")], ["reference"])]
    assert sorted(references) == sorted(set(references))


def test_whatever_goes_wrong_on_the_way_to_tryton_happens_once_in_its_books(erp, tmp_path):
    erp.reset()
    with FaultProxy(erp.port, every=7, applies=lambda body: b"common.db.login" not in body) as line:
        with Place(tmp_path, erp, line.url, timeout_s=2) as place:
            orders = [f"FAULT-{number}" for number in range(FAULTY_ORDERS)]
            place.stack.lift_credit()
            ids = [place.order(external) for external in orders]
            wait_for(lambda: min(line.fired.values()) > 0, 240, "each fault to have come")
            line.heal()
            for order_id in ids:
                place.status(order_id, "SHIPPED", "INVOICED", seconds=240)
            place.quiet()
            books_are_one_each(place, orders)
        assert set(line.fired) == set(FAULTS)


def test_tryton_killed_thirty_times_in_the_middle_of_calls_keeps_one_of_each(erp, tmp_path):
    erp.reset()
    chance = random.Random(5)
    with Place(tmp_path, erp) as place:
        orders = [f"KILL-{number}" for number in range(KILLED_ORDERS)]
        place.stack.lift_credit()
        ids = [place.order(external) for external in orders]
        for _ in range(KILLS):
            calls = place.stack.hub.get("/v1/status")["erp_jobs"]
            moment = time.monotonic() + chance.uniform(0.05, 1.2)
            wait_for(lambda: time.monotonic() > moment, 5, "the moment of the next kill")  # pylint: disable=cell-var-from-loop
            erp.kill9()
            erp.start()
            if {name: calls[name] for name in FINISHED} == FINISHED:  # nothing is posted any more: more to do
                orders.append(f"KILL-{len(orders)}")
                ids.append(place.order(orders[-1]))
        for order_id in ids:
            place.status(order_id, "SHIPPED", "INVOICED", seconds=240)
        place.quiet()
        books_are_one_each(place, orders)
