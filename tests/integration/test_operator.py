"""What an operator does by the command line with a real hub: what is promised to a tenant, and orders that somebody has to decide
about."""
import json
import os
import re
import subprocess

import pytest

import api_contract
from agents import BUILD
from brokers import wait_for
from stack import Hub, http_get

BROKE = {"code": "CUST-2", "name": "Harbour Wholesale", "credit_limit": "1", "currency": "EUR"}


@pytest.fixture(scope="module")
def hub(rabbit, tmp_path_factory):
    running = Hub(tmp_path_factory.mktemp("operator"), rabbit)
    running.start()
    wait_for(lambda: running.call("POST", "/v1/sites", {"site": "WH1"})[0] in (201, 409), 30, "the site")
    wait_for(lambda: running.call("PUT", "/v1/reference/customers/CUST-2", BROKE)[0] in (200, 201), 30, "the customer")
    yield running
    running.stop()


def crossdock(hub, *arguments, status=0):
    done = subprocess.run([os.path.join(BUILD, "crossdock"), *arguments, "--url", hub.url, "--token-file", hub.token_file],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stdout + done.stderr


def body_of(number, qty="10", customer="CUST-1"):
    smallest = api_contract.document()["components"]["examples"]["SmallestOrder"]["value"]
    return {**smallest, "external_order_id": number, "customer": {"external_ref": customer}, "lines": [{**smallest["lines"][0], "qty": qty}]}


def take(hub, tmp_path, number, **more):
    path = tmp_path / f"{number}.json"
    path.write_text(json.dumps(body_of(number, **more)))
    return crossdock(hub, "orders", "submit", str(path)).split()[0]


def until(hub, order_id, status):
    wait_for(lambda: hub.get(f"/v1/orders/{order_id}")["status"] == status, 30, f"the order to be {status}")


def line_of(hub, order_id):
    return hub.get(f"/v1/orders/{order_id}")["lines"][0]


def test_a_held_order_is_found_shown_and_let_go(hub, tmp_path):
    order_id = take(hub, tmp_path, "PO-HELD", customer="CUST-2")
    until(hub, order_id, "HELD")
    assert "held for         CREDIT" in crossdock(hub, "orders", "show", order_id)
    row = next(line.split() for line in crossdock(hub, "exceptions", "list").splitlines() if order_id in line)
    assert crossdock(hub, "exceptions", "list", "--order", order_id, "--code", row[1]).splitlines()[1].split()[:2] == row[:2]
    assert "no open exceptions" in crossdock(hub, "exceptions", "list", "--order", order_id, "--site", "NOWHERE")
    assert re.search(f"^exception +{row[0]} {row[1]}$", crossdock(hub, "orders", "show", order_id), re.M)
    assert row[1] == "CREDIT_HOLD"
    assert "the limit is 1 EUR" in crossdock(hub, "exceptions", "show", row[0])
    for _ in range(2):  # the second time as after an answer that was lost
        assert crossdock(hub, "orders", "hold", order_id, "--reason", "ask first").splitlines()[1] == "held for: OPERATOR, CREDIT"
    assert "held for: OPERATOR" in crossdock(hub, "exceptions", "resolve", row[0], "accept", "--reason", "has paid")
    assert crossdock(hub, "exceptions", "resolve", row[0], "reject") == f"{row[0]} resolved: accept by admin\n"
    assert "held for" not in crossdock(hub, "orders", "unhold", order_id, "operator")
    assert "no_such_hold" in crossdock(hub, "orders", "unhold", order_id, "operator", status=1)
    until(hub, order_id, "IN_FULFILMENT")
    assert "held for: OPERATOR" in crossdock(hub, "orders", "hold", order_id, "--reason", "recalled")  # its site is asked
    wait_for(lambda: hub.get(f"/v1/orders/{order_id}")["releases"][0]["cancel"] == "REQUESTED", 30, "the question")
    crossdock(hub, "orders", "cancel", order_id)
    assert "order_closed" in crossdock(hub, "orders", "hold", order_id, "--reason", "too late", status=1)


def test_an_order_is_asked_about_before_it_is_handed_in(hub, tmp_path):
    path = tmp_path / "asked.json"
    path.write_text(json.dumps(body_of("PO-ASKED")))
    text = crossdock(hub, "orders", "validate", str(path))
    assert text.startswith("valid\n") and "gross" in text and "\nplan    primary: " in text
    path.write_text(json.dumps(body_of("PO-ASKED", qty="0")))
    done = crossdock(hub, "orders", "validate", str(path), status=1)
    assert "not valid" in done and "/lines/0/qty" in done
    assert "no orders" in crossdock(hub, "orders", "list", "--external", "PO-ASKED")


def test_a_held_order_is_revised_and_cancelled_line_by_line(hub, tmp_path):
    order_id = take(hub, tmp_path, "PO-REVISED", customer="CUST-2")
    until(hub, order_id, "HELD")
    path = tmp_path / "revised.json"
    path.write_text(json.dumps(body_of("PO-REVISED", qty="7", customer="CUST-2")))
    for _ in range(2):
        crossdock(hub, "orders", "revise", order_id, str(path))
    order = hub.get(f"/v1/orders/{order_id}")
    assert (order["revision"], order["lines"][0]["cancelled"]) == (2, "3")
    for _ in range(2):  # so much in all: the same command again is safe
        crossdock(hub, "orders", "cancel", order_id, "--line", f"{order['lines'][0]['line_id']}=5")
        assert line_of(hub, order_id)["cancelled"] == "5"
    assert "unknown_line" in crossdock(hub, "orders", "cancel", order_id, "--line", "nothing", status=1)
    assert "more_than_ordered" in crossdock(hub, "orders", "cancel", order_id, "--line", f"{order['lines'][0]['line_id']}=77", status=1)
    assert line_of(hub, order_id)["cancelled"] == "5"
    for _ in range(2):
        assert crossdock(hub, "orders", "cancel", order_id, "--reason", "not wanted").startswith(f"{order_id} CANCELLED")


def test_a_promise_that_is_missed_is_told_and_ends_with_the_order(hub, tmp_path):
    promised = {"tenant": "default", "sla": {"shipped_within_s": 4, "warn_pct": 25}}
    assert hub.call("PUT", "/v1/reference/tenants/default", promised)[0] in (200, 201)
    order_id = take(hub, tmp_path, "PO-LATE")
    assert "promised (UTC)   shipped by " in crossdock(hub, "orders", "show", order_id)
    hub.kill9()
    hub.start()

    def breach(state):
        rows = json.loads(crossdock(hub, "exceptions", "list", "--all", "--limit", "200", "--json"))["exceptions"]
        return [row for row in rows if row.get("order_id") == order_id and (row["code"], row["status"]) == ("SLA_BREACH", state)]
    wait_for(lambda: breach("open"), 60, "the breach")
    assert ", missed" in crossdock(hub, "orders", "show", order_id)
    steps = [step["step"] for step in hub.get(f"/v1/orders/{order_id}/timeline")["steps"]]
    assert steps.count("sla.breached") == 1 and steps.count("sla.warned") <= 1
    wait_for(lambda: 'crossdock_hub_sla_breached_total{promise="shipped"} 1' in http_get(f"{hub.url}/metrics")[1], 30,
             "the metric")
    assert "waits for WH1, which is asked to give up R" in crossdock(hub, "orders", "cancel", order_id)
    assert breach("resolved") and not breach("open")
    assert "REQUESTED" in crossdock(hub, "orders", "show", order_id)
