"""The whole flow on real brokers: an order by HTTP, the release and what a warehouse says to it over MQTT, the ERP's books."""
import json
import sqlite3
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import wms
from brokers import wait_for
from stack import Stack, order
from wms import Warehouse

CROWD = 50
THREE_LINES = (("WIDGET", "10", "9.95"), ("GADGET", "5", "24.50"), ("CABLE-10M", "3", "7.20"))
plans = {}  # external order id -> what the warehouse does with its release; exact otherwise


def by_plan(release):
    return plans.get(release["origin"]["external_order_id"], wms.exact)(release)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("flow")) as running:
        yield running


@pytest.fixture(scope="module")
def warehouses(stack):
    """WH1 speaks MQTT 3.1.1, 3PL-A speaks MQTT 5."""
    running = {name: Warehouse(site.mosquitto.port, name, by_plan, version=version).start()
               for (name, site), version in zip(stack.sites.items(), (mqtt.MQTTv311, mqtt.MQTTv5))}
    yield running
    for warehouse in running.values():
        warehouse.stop()


class Case:
    """One order on its way."""

    def __init__(self, stack, warehouses, external, site="WH1", lines=THREE_LINES, plan=None):
        self.stack, self.warehouse, self.external, self.site = stack, warehouses[site], external, site
        if plan:
            plans[external] = plan
        self.id = stack.submit_order(external, site, lines)["order_id"]

    def release(self):
        found = lambda: next((r for r in self.warehouse.releases.values() if r["order_id"] == self.id), None)
        return self.warehouse.wait(found, 30, f"the release of {self.external}")

    def fate(self, confirmation_id, outcome):
        settled = lambda: self.warehouse.fates.get(confirmation_id, {}).get("outcome") == outcome
        self.warehouse.wait(settled, 30, f"{confirmation_id} to be {outcome}")
        return self.warehouse.fates[confirmation_id]

    def status(self, wanted):
        wait_for(lambda: self.stack.order(self.id)["status"] == wanted, 20, f"order {self.external} to be {wanted}")
        return self.stack.order(self.id)

    def steps(self):
        return [step["step"] for step in self.stack.hub.get(f"/v1/orders/{self.id}/timeline")["steps"]]

    def shipped(self):
        """{line id: what the ERP has as shipped}"""
        return self.stack.books()["sales"][f"default/web/{self.external}"]

    def shipments(self):
        """[{sku: quantity}], one for each shipment that the ERP has of this order, oldest confirmation first."""
        release_id = self.release()["release_id"]
        return [lines for reference, lines in sorted(self.stack.books()["shipments"].items()) if reference.endswith("/" + release_id)]


@pytest.fixture
def case(stack, warehouses):
    return lambda external, **more: Case(stack, warehouses, external, **more)


def exceptions(stack, code, document_id=None):
    found = stack.hub.get("/v1/exceptions?status=all&limit=200")["exceptions"]
    return [row for row in found if row["code"] == code and document_id in (None, row.get("document_id"))]


# ---- the table of DOMAIN.md, section 3 ----

@pytest.mark.parametrize("site", ["WH1", "3PL-A"])
def test_an_order_is_sold_released_shipped_and_settled(case, stack, site):
    began = case(f"EXACT-{site}", site=site)
    release = began.release()
    assert [(line["sku"], line["qty"]) for line in release["lines"]] == [(sku, qty) for sku, qty, _ in THREE_LINES]
    assert release["revision"] == 1 and release["purpose"] == "ORIGINAL" and release["site_id"] == site
    assert release["ship_to"]["city"] == "Leeds"
    began.fate(f"C-{release['release_id']}-1", "posted")
    seen = began.status("SHIPPED")
    assert [(line["qty"], line["shipped"], line["open"]) for line in seen["lines"]] == [("10", "10", "0"), ("5", "5", "0"), ("3", "3", "0")]
    assert stack.hub.get(f"/v1/releases/{release['release_id']}")["status"] == "SHIPPED"
    assert began.shipped() == {line["line_id"]: line["qty"] for line in release["lines"]}
    assert began.shipments() == [{"WIDGET": "10", "GADGET": "5", "CABLE-10M": "3"}]
    steps = began.steps()
    for earlier, later in zip(("order.received", "order.accepted", "release.queued"), ("order.accepted", "release.queued", "shipment.posted")):
        assert steps.index(earlier) < steps.index(later), steps


def test_the_same_order_again_is_the_same_order(case, stack):
    body = order("TWICE-1", "WH1")
    first = stack.hub.call("POST", "/v1/orders", body, key="twice-1")
    again = stack.hub.call("POST", "/v1/orders", body, key="twice-1")
    other_key = stack.hub.call("POST", "/v1/orders", body, key="twice-1b")
    assert first[0] == again[0] == other_key[0] == 202
    assert first[1]["order_id"] == again[1]["order_id"] == other_key[1]["order_id"]
    other = order("TWICE-1", "WH1", (("WIDGET", "2", "9.95"),))
    status, problem = stack.hub.call("POST", "/v1/orders", other, key="twice-1")
    assert status == 422 and problem["code"] == "idempotency_key_reused" and problem["retryable"] is False
    status, problem = stack.hub.call("POST", "/v1/orders", other, key="twice-1c")
    assert status == 409 and problem["code"] == "order_exists"
    once = case("TWICE-1", lines=(("WIDGET", "1", "9.95"),))
    assert once.id == first[1]["order_id"]
    once.status("SHIPPED")
    assert len(once.shipments()) == 1


def at_once(stack, key, bodies):
    """Each body by a connection of its own, all under one key, at the same moment: [(status, JSON)]."""
    together = threading.Barrier(len(bodies))

    def send(body):
        together.wait(30)
        return stack.hub.call("POST", "/v1/orders", body, key=key, seconds=60)
    with ThreadPoolExecutor(len(bodies)) as crowd:
        return list(crowd.map(send, bodies))


def test_a_crowd_with_one_key_gets_one_order_and_one_answer(case, stack):
    answers = at_once(stack, "crowd", [order("CROWD", "WH1")] * CROWD)
    assert [status for status, _ in answers] == [202] * CROWD
    assert all(answer == answers[0][1] for _, answer in answers)
    once = case("CROWD", lines=(("WIDGET", "1", "9.95"),))
    assert once.id == answers[0][1]["order_id"]
    once.status("SHIPPED")
    assert len(once.shipments()) == 1 and once.steps().count("order.received") == 1


@pytest.mark.parametrize("key", [f"rivals-{number}" for number in range(5)])
def test_of_a_crowd_with_one_key_and_two_orders_one_order_wins(stack, key):
    numbers = [f"{key}-{'AB'[place % 2]}" for place in range(CROWD)]
    answers = at_once(stack, key, [order(number, "WH1") for number in numbers])
    taken = [answer for status, answer in answers if status == 202]
    assert taken and all(answer == taken[0] for answer in taken), "one order, one answer"
    winner = taken[0]["external_order_id"]
    for number, (status, answer) in zip(numbers, answers):
        assert status == 202 if number == winner else (status, answer["code"]) == (422, "idempotency_key_reused"), (number, answer)
    found = [row for number in set(numbers) for row in stack.hub.get(f"/v1/orders?external_order_id={number}")["orders"]]
    assert [row["order_id"] for row in found] == [taken[0]["order_id"]], "and no other one"


def test_an_order_whose_answer_died_with_the_hub_is_the_same_order_when_it_is_sent_again(case, stack):
    body = order("UNANSWERED", "WH1")
    ledger = sqlite3.connect(stack.hub.ledger, timeout=30, isolation_level=None)
    ledger.execute("BEGIN EXCLUSIVE")  # the ERP answers nothing: the order is there, and who sent it waits
    with ThreadPoolExecutor(1) as channel:
        sent = channel.submit(stack.hub.call, "POST", "/v1/orders", body, key="unanswered", seconds=60, headers={"Prefer": "wait=60"})
        taken = wait_for(lambda: stack.hub.get("/v1/orders?external_order_id=UNANSWERED")["orders"], 20, "the order to be taken")
        stack.kill9("hub")
        assert sent.result()[0] == 0, "nobody was answered"
    ledger.execute("ROLLBACK")
    ledger.close()
    stack.restart("hub")
    status, again = stack.hub.call("POST", "/v1/orders", body, key="unanswered")
    assert status == 202 and again["order_id"] == taken[0]["order_id"]
    assert len(stack.hub.get("/v1/orders?external_order_id=UNANSWERED")["orders"]) == 1
    once = case("UNANSWERED", lines=(("WIDGET", "1", "9.95"),))
    assert once.id == again["order_id"]
    once.status("SHIPPED")
    assert len(once.shipments()) == 1


def test_two_shipments_of_one_release_add_up(case):
    later = []

    def first_half(release):
        first, second = wms.in_two_shipments(release)
        later.append(second)
        return [first]

    began = case("TWO-1", lines=(("WIDGET", "10", "9.95"),), plan=first_half)
    release = began.release()
    began.fate(f"C-{release['release_id']}-1", "posted")
    assert began.status("PART_SHIPPED")["lines"][0]["shipped"] == "1"
    began.warehouse.send("confirmation", later[0])
    began.fate(f"C-{release['release_id']}-2", "posted")
    assert began.status("SHIPPED")["lines"][0]["shipped"] == "10"
    assert began.shipments() == [{"WIDGET": "1"}, {"WIDGET": "9"}]


def test_short_for_good_cancels_the_rest(case, stack):
    began = case("SHORT-1", lines=(("WIDGET", "10", "9.95"),), plan=wms.one_short_for_good)
    seen = began.status("CLOSED_SHORT")
    assert [(line["shipped"], line["cancelled"]) for line in seen["lines"]] == [("9", "1")]
    name = f"C-{began.release()['release_id']}-1"
    began.fate(name, "posted")
    assert began.shipments() == [{"WIDGET": "9"}] and exceptions(stack, "SHORT_CLOSED", name)


def test_more_than_released_is_issued_and_named(case, stack):
    began = case("OVER-1", lines=(("WIDGET", "10", "9.95"),), plan=wms.one_over)
    seen = began.status("SHIPPED")
    assert [(line["shipped"], line["overshipped"]) for line in seen["lines"]] == [("10", "1")]
    name = f"C-{began.release()['release_id']}-1"
    began.fate(name, "posted")
    assert began.shipments() == [{"WIDGET": "11"}]
    assert [row["status"] for row in exceptions(stack, "OVERSHIP", name)] == ["open"]


def test_a_confirmation_sent_again_changes_nothing(case, stack):
    began = case("AGAIN-1")
    key = ("confirmation", f"C-{began.release()['release_id']}-1", 1)
    began.fate(key[1], "posted")
    before = len(began.warehouse.receipts)
    for _ in range(3):
        began.warehouse.send_again(key)
    said = lambda: [r["status"] for r in began.warehouse.receipts[before:] if r["document_id"] == key[1]]
    began.warehouse.wait(lambda: len(said()) == 3, 20, "three receipts")
    assert said() == ["duplicate"] * 3
    stack.wait_balanced(30)
    assert len(began.shipments()) == 1


def test_the_same_id_with_other_content_is_parked(case, stack):
    began = case("CONFLICT-1", lines=(("WIDGET", "10", "9.95"),))
    release = began.release()
    name = f"C-{release['release_id']}-1"
    began.fate(name, "posted")
    other = wms.confirmation(release, 1, {"1": "7"})
    began.warehouse.client.publish("crossdock/WH1/confirmation", json.dumps(other), qos=1)
    wait_for(lambda: exceptions(stack, "CONFLICTING_CONFIRMATION", name), 20, "the exception")
    assert began.shipments() == [{"WIDGET": "10"}]


def test_a_confirmation_for_an_unknown_release_waits_and_is_kept(case, stack):
    began = case("UNKNOWN-1")
    stranger = {**wms.confirmation(began.release()), "confirmation_id": "C-STRANGER", "release_ids": ["R00000000000000000"]}
    parked_before = stack.reconcile("WH1")["sites"][0]["parked"]["documents"]
    began.warehouse.send("confirmation", stranger)
    fate = began.fate("C-STRANGER", "parked")
    assert fate["code"] == "UNKNOWN_RELEASE"
    row, = exceptions(stack, "UNKNOWN_RELEASE", "C-STRANGER")
    assert row["status"] == "open" and row["site"] == "WH1"
    books = stack.reconcile("WH1")["sites"][0]
    assert books["parked"]["documents"] == parked_before + 1 and books["unaccounted_lines"] == 0
    assert not any("C-STRANGER" in reference for reference in stack.books()["shipments"])


def test_another_site_s_release_is_unknown_to_a_site(case, stack, warehouses):
    theirs = case("FOREIGN-1", site="3PL-A", plan=wms.nothing).release()
    warehouses["WH1"].send("confirmation", wms.confirmation(theirs, 9))
    name = f"C-{theirs['release_id']}-9"
    warehouses["WH1"].wait(lambda: name in warehouses["WH1"].fates, 20, "its fate")
    assert warehouses["WH1"].fates[name]["code"] == "UNKNOWN_RELEASE"
    for document in wms.exact(theirs):
        warehouses["3PL-A"].send("confirmation", document)
    warehouses["3PL-A"].wait(lambda: f"C-{theirs['release_id']}-1" in warehouses["3PL-A"].fates, 20, "the true one's fate")


def test_a_line_that_matches_nothing_is_parked_and_the_rest_applied(case, stack):
    def with_a_stranger(release):
        document = wms.confirmation(release)
        document["lines"].append({"line_id": "99", "sku": "WIDGET", "qty_shipped": "4", "uom": "EA"})
        return [document]

    began = case("UNMATCHED-1", lines=(("WIDGET", "10", "9.95"),), plan=with_a_stranger)
    name = f"C-{began.release()['release_id']}-1"
    fate = began.fate(name, "posted")
    assert fate["code"] == "LINES_PARKED"
    row, = exceptions(stack, "UNMATCHED_LINE", name)
    assert row["status"] == "open" and row["line_id"] == "99" and row["qty"] == "4"
    assert began.status("SHIPPED")["lines"][0]["shipped"] == "10" and began.shipments() == [{"WIDGET": "10"}]
    assert stack.reconcile("WH1")["sites"][0]["unaccounted_lines"] == 0


def test_a_confirmation_without_an_acknowledgement_implies_it(case, warehouses):
    warehouses["WH1"].acknowledge = False
    try:
        silent = case("UNACKED-1")
        silent.status("SHIPPED")
    finally:
        warehouses["WH1"].acknowledge = True
    assert "release.ack_inferred" in silent.steps() and "release.acknowledged" not in silent.steps()


def test_an_inventory_advice_moves_the_stock(stack, warehouses):
    stock = lambda: int(stack.books()["stock"]["WH1", "COFFEE-1KG"])
    before = stock()
    advice = {"advice_id": "I-1", "kind": "DELTA", "lines": [{"sku": "COFFEE-1KG", "qty": "-2", "uom": "EA", "reason": "DAMAGED"}]}
    warehouses["WH1"].send("inventory", advice)
    warehouses["WH1"].wait(lambda: warehouses["WH1"].fates.get("I-1", {}).get("outcome") == "posted", 20, "the advice to be posted")
    assert stock() == before - 2


def test_an_order_that_the_erp_refuses_is_held_and_named(stack):
    answer = stack.submit_order("REFUSED-1", "WH1", [("WIDGET", "2000", "9.95")])
    order_id = answer["order_id"]
    wait_for(lambda: stack.order(order_id)["holds"] == ["CREDIT"], 20, "the order to be held by the hub")
    row, = [row for row in exceptions(stack, "CREDIT_HOLD") if row["order_id"] == order_id]
    assert stack.hub.call("POST", f"/v1/exceptions/{row['id']}/resolve", {"action": "accept"})[0] == 202
    wait_for(lambda: stack.order(order_id)["holds"] == ["ERP"], 20, "the order to be held by the ERP")
    assert stack.order(order_id)["status"] == "HELD"
    row, = [row for row in exceptions(stack, "ERP_REJECTED_SALE") if row["order_id"] == order_id]
    assert "credit_limit" in row["detail"] and "default/web/REFUSED-1" not in stack.books()["sales"]
    # The customer's credit is free again once nothing comes of it.
    assert stack.hub.call("POST", f"/v1/exceptions/{row['id']}/resolve", {"action": "reject"})[0] == 202
    wait_for(lambda: stack.order(order_id)["status"] == "REJECTED", 20, "the order to be rejected")


# ---- other clients ----

def test_a_warehouse_of_mosquitto_pub_and_mosquitto_sub(stack, warehouses, tmp_path):
    """What the README shows: nothing but the two commands."""
    port = str(stack.sites["3PL-A"].mosquitto.port)
    warehouses["3PL-A"].stop()
    try:
        with open(tmp_path / "heard", "wb") as heard:
            listener = subprocess.Popen(["mosquitto_sub", "-p", port, "-q", "1", "-t", "crossdock/3PL-A/#", "-F", "%t %p"], stdout=heard)
        try:
            def messages(tail):
                rows = (tmp_path / "heard").read_text(encoding="utf-8").splitlines()
                return [json.loads(row.partition(" ")[2]) for row in rows if row.startswith(f"crossdock/3PL-A/{tail} ")]

            def publish(tail, document):
                subprocess.run(["mosquitto_pub", "-p", port, "-q", "1", "-t", f"crossdock/3PL-A/{tail}", "-m", json.dumps(document)],
                               check=True, timeout=10)

            wait_for(lambda: messages("status"), 20, "mosquitto_sub to hear the retained status")
            answer = stack.submit_order("BYHAND-1", "3PL-A")
            release = wait_for(lambda: [r for r in messages("release") if r["order_id"] == answer["order_id"]], 30, "the release")[0]
            publish("release/response", {"release_id": release["release_id"], "revision": 1, "response": "ACKNOWLEDGED"})
            publish("confirmation", wms.exact(release)[0])
            settled = wait_for(lambda: messages("settled"), 30, "the outcome")
            assert settled[0]["outcome"] == "posted" and settled[0]["document_id"] == f"C-{release['release_id']}-1"
            assert {r["document_id"]: r["status"] for r in messages("receipt")} == {
                f"{release['release_id']}/1/ACKNOWLEDGED": "accepted", f"C-{release['release_id']}-1": "accepted"}
        finally:
            listener.terminate()
            listener.wait(10)
    finally:
        warehouses["3PL-A"] = Warehouse(stack.sites["3PL-A"].mosquitto.port, "3PL-A", by_plan, version=mqtt.MQTTv5).start()


def test_mqtt_5_answers_go_to_the_response_topic_with_the_correlation_data(case, stack):
    began = case("V5-1", site="3PL-A", plan=wms.nothing)
    release = began.release()
    answers = []
    asker = mqtt.Client("asker", protocol=mqtt.MQTTv5)
    asker.on_message = lambda client, userdata, message: answers.append(message)
    asker.connect("127.0.0.1", stack.sites["3PL-A"].mosquitto.port)
    asker.subscribe("wms/answers", qos=1)
    asker.loop_start()
    try:
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic, properties.CorrelationData = "wms/answers", b"\x00\xff42"
        asker.publish("crossdock/3PL-A/confirmation", json.dumps(wms.exact(release)[0]), qos=1, properties=properties)
        answer = wait_for(lambda: answers, 20, "the answer")[0]
    finally:
        asker.disconnect()
        asker.loop_stop()
    assert json.loads(answer.payload)["status"] == "accepted" and answer.properties.CorrelationData == b"\x00\xff42"
    began.status("SHIPPED")


# ---- what people see ----

def test_views_agree_and_need_a_token(stack, warehouses):
    sites = {site["site"]: site for site in stack.hub.get("/v1/sites")["sites"]}
    assert set(sites) == set(stack.sites)
    assert stack.hub.get("/v1/sites/WH1")["site"] == "WH1"
    assert stack.hub.call("GET", "/v1/sites/NOWHERE")[0] == 404
    for path in ("/v1/orders", "/v1/sites", "/v1/reconciliation", "/v1/exceptions", "/v1/status"):
        done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*", stack.hub.url + path],
                              capture_output=True, text=True, timeout=10, check=True)
        assert done.stdout == "401", path
    listed = {}
    cursor = ""
    while True:
        page = stack.hub.get(f"/v1/orders?limit=5&cursor={cursor}")
        listed.update({row["external_order_id"]: row["status"] for row in page["orders"]})
        cursor = page.get("next_cursor")
        if not cursor:
            break
    counted = stack.hub.get("/v1/status")["orders"]
    assert sum(counted.values()) == len(listed) and counted["SHIPPED"] == list(listed.values()).count("SHIPPED")


def test_many_orders_for_two_sites_end_in_books_that_balance(stack, warehouses):
    began = time.monotonic()
    ids = {site: [stack.submit_order(f"MANY-{site}-{n}", site, (("WIDGET", "2", "9.95"),))["order_id"] for n in range(40)]
           for site in stack.sites}
    books = stack.wait_balanced(60)
    assert books["difference"] == 0 and books["unaccounted_lines"] == 0
    sales = stack.books()["sales"]
    for site, orders in ids.items():
        assert len(orders) == len(set(orders)) == 40
        assert all(sales[f"default/web/MANY-{site}-{n}"] == {"1": "2"} for n in range(40))
        warehouses[site].wait(lambda: warehouses[site].idle, 20, "all receipts")
    print(f"80 orders in {time.monotonic() - began:.1f} s")
