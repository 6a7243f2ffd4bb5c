"""The books on real brokers: what people type into the ERP reaches the warehouse, what the ERP invoices is told, and what differs
between hub and ERP is named, repaired once approved, and gone."""
import json
import os
import sqlite3

import pytest

import wms
from agents import http_get
from brokers import wait_for
from stack import Stack
from test_events import Listener
from wms import Warehouse

POLICIES = "policies: {erp_poll_s: 1, books_hours: 0}\n"
SALES = ("number,line_id,customer,site,sku,qty,currency,ship_to_name,ship_to_address,ship_to_city,ship_to_postal_code,ship_to_country\n"
         "DESK-1,1,CUST-1,WH1,WIDGET,4,EUR,Corner Shop,1 Dock Road,Leeds,LS1 1AA,GB\n"
         "DESK-1,2,CUST-1,WH1,GADGET,2,EUR,Corner Shop,1 Dock Road,Leeds,LS1 1AA,GB\n")
held = set()  # external order ids of which the warehouse ships nothing yet


def unless_held(release):
    return wms.nothing(release) if release["origin"]["external_order_id"] in held else wms.exact(release)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    whole = Stack(tmp_path_factory.mktemp("books"), sites=(("WH1", "warehouse"),), lines=False, hub_more=POLICIES)
    with whole:
        yield whole


@pytest.fixture(scope="module")
def warehouse(stack):
    running = Warehouse(stack.sites["WH1"].mosquitto.port, "WH1", unless_held).start()
    yield running
    running.stop()


def by_hand(stack, *statements):
    """What nobody should do to an ERP's database."""
    ledger = sqlite3.connect(stack.hub.ledger, timeout=30, isolation_level=None)
    for statement in statements:
        ledger.execute(statement)
    ledger.close()


def released(warehouse, external):
    found = lambda: next((r for r in warehouse.releases.values() if r["origin"]["external_order_id"] == external), None)
    return warehouse.wait(found, 60, f"the release of {external}")


def compared(stack):
    """The differences that are open after a run, by the command line."""
    done = stack.cli("reconcile", "--run", "--json", check=False)
    assert done.returncode in (0, 3), done.stderr
    differences = json.loads(done.stdout)["differences"]
    assert done.returncode == (3 if differences else 0)
    return differences


def test_a_sale_that_is_typed_into_the_erp_is_shipped_and_invoiced(stack, warehouse):
    listener = Listener(stack.rabbit, "order.invoiced.erp")
    with open(os.path.join(stack.hub.folder, "ledger", "sales.csv"), "w", encoding="utf-8") as file:
        file.write(SALES)
    stack.restart("hub")
    release = released(warehouse, "DESK-1")
    assert [(line["line_id"], line["sku"], line["qty"]) for line in release["lines"]] == [("1", "WIDGET", "4"), ("2", "GADGET", "2")]
    assert release["ship_to"]["city"] == "Leeds" and release["site_id"] == "WH1"
    invoiced = wait_for(lambda: [event for _, event in listener.heard], 60, "the invoice to be told")[0]
    listener.stop()
    order = stack.order(invoiced["data"]["order_id"])
    assert order["channel"] == {"type": "erp", "account": "main"} and order["external_order_id"] == "DESK-1"
    assert invoiced["data"]["invoice"] == {"number": "I000001", "total": "88.8", "currency": "EUR"}
    assert wait_for(lambda: stack.order(order["order_id"])["status"] == "INVOICED", 30, "the order to be invoiced")
    assert [line["invoiced"] for line in stack.order(order["order_id"])["lines"]] == ["4", "2"]
    books = stack.books()
    assert books["sales"]["=DESK-1"] == {"1": "4", "2": "2"} and list(books["shipments"].values()) == [{"WIDGET": "4", "GADGET": "2"}]
    assert stack.wait_balanced()["difference"] == 0
    assert compared(stack) == []


CASES = {"sku": "GADGET", "base_uom": "EA", "uoms": [{"uom": "CS", "num": 12}], "price": "24.50"}


def test_pieces_of_a_case_are_compared_and_posted_in_base_units(stack, warehouse):
    wait_for(lambda: stack.hub.call("GET", "/v1/reference/products/GADGET")[0] == 200, 30, "the ERP's products")
    assert stack.hub.call("PUT", "/v1/reference/products/GADGET?source=erp", CASES)[0] in (200, 201)
    held.add("CASES-1")
    line = {"external_line_id": "1", "sku": "GADGET", "qty": "2", "uom": "CS", "unit_price": "240"}
    order = stack.submit_order("CASES-1", "WH1", [line])
    release = released(warehouse, "CASES-1")
    assert [(line["qty"], line["uom"]) for line in release["lines"]] == [("2", "CS")]

    def ships(number, qty, uom):
        document = wms.confirmation(release, number, {"1": qty})
        document["lines"][0]["uom"] = uom
        warehouse.send("confirmation", document)
        warehouse.wait(lambda: warehouse.fates.get(document["confirmation_id"], {}).get("outcome") == "posted", 60, "it to be posted")

    ships(1, "5", "EA")
    line = stack.order(order["order_id"])["lines"][0]
    assert (line["uom"], line["qty"], line["shipped"], line["released"]) == ("EA", "24", "5", "19")
    assert (line["ordered_uom"], line["uom_factor"], line["unit_price"]) == ("CS", {"num": 12, "den": 1}, "240")
    ships(2, "1", "CS")
    ships(3, "7", "EA")
    wait_for(lambda: stack.order(order["order_id"])["status"] == "INVOICED", 60, "the order to be invoiced")
    assert [line["invoiced"] for line in stack.order(order["order_id"])["lines"]] == ["24"]
    assert stack.hub.get("/v1/exceptions?status=open&code=UOM_MISMATCH")["exceptions"] == []
    assert stack.wait_balanced()["difference"] == 0 and compared(stack) == []


def test_what_a_site_got_wrong_is_edited_and_replayed(stack, warehouse, tmp_path):
    held.add("EDIT-1")
    order = stack.submit_order("EDIT-1", "WH1", (("WIDGET", "3", "9.95"),))
    release = released(warehouse, "EDIT-1")
    document = wms.confirmation(release)
    document["lines"][0]["line_id"] = "7"
    warehouse.send("confirmation", document)
    row = wait_for(lambda: stack.hub.get("/v1/exceptions?status=open&code=UNMATCHED_LINE")["exceptions"], 60, "the exception")[0]
    left = stack.cli("replay", "--code", "UNMATCHED_LINE", check=False)
    assert left.returncode == 1 and left.stdout.endswith("0 queued again, 1 left\n"), left.stdout + left.stderr
    content = json.loads(stack.cli("exceptions", "show", row["id"], "--json").stdout)["content"]
    assert content == document
    content["lines"][0]["line_id"] = "1"
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(content))
    assert "says why" in stack.cli("replay", row["id"], str(path), check=False).stderr
    done = stack.cli("replay", row["id"], str(path), "--reason", "a typing error")
    assert done.stdout == "1 queued again, 0 left\n"
    assert wait_for(lambda: stack.order(order["order_id"])["status"] == "INVOICED", 60, "the order to be invoiced")
    edit, = stack.hub.get(f"/v1/exceptions/{row['id']}")["edits"]
    assert (edit["by"], edit["reason"], edit["before"], edit["after"]) == ("admin", "a typing error", document, content)
    assert stack.cli("replay", row["id"], str(path), "--reason", "a typing error").stdout == "1 queued again, 0 left\n"  # an answer may have been lost
    content["lines"][0]["qty_shipped"] = "2"
    path.write_text(json.dumps(content))
    late = stack.cli("replay", row["id"], str(path), "--reason", "another one", check=False)
    assert late.returncode != 0 and "nothing is edited any more" in late.stderr, late.stdout + late.stderr
    assert len(stack.hub.get(f"/v1/exceptions/{row['id']}")["edits"]) == 1
    warehouse.send("confirmation", document)  # as it was: known, and nothing more happens
    assert stack.wait_balanced()["difference"] == 0
    assert stack.order(order["order_id"])["lines"][0]["shipped"] == "3"


def test_a_sale_that_is_lost_in_the_erp_is_named_posted_again_and_gone(stack, warehouse):
    held.add("LOST-1")
    order = stack.submit_order("LOST-1", "WH1")
    released(warehouse, "LOST-1")
    assert compared(stack) == []
    number = "(SELECT number FROM sale WHERE reference = 'default/web/LOST-1')"
    by_hand(stack, f"DELETE FROM sale_line WHERE sale = {number}", "DELETE FROM sale WHERE reference = 'default/web/LOST-1'")
    difference, = compared(stack)
    assert (difference["kind"], difference["state"], difference["repair"]) == ("SALE_MISSING_IN_ERP", "OPEN", "POST_AGAIN")
    assert (difference["hub_document"], difference["order_id"]) == ("default/web/LOST-1", order["order_id"])
    assert difference["erp_document"].startswith("S00000")
    exceptions = stack.hub.get("/v1/exceptions?status=open&code=BOOKS_DIFFER")["exceptions"]
    assert [row["detail"] for row in exceptions] == ["1 difference between the hub and the ERP main."]
    table = stack.cli("reconcile", "--erp", "main", check=False)
    assert table.returncode == 3 and "default/web/LOST-1" in table.stdout and "POST_AGAIN" in table.stdout
    approved = stack.cli("reconcile", "--approve", "all", check=False)
    assert f"{difference['id']} approved" in approved.stdout, approved.stderr
    wait_for(lambda: "default/web/LOST-1" in stack.books()["sales"], 30, "the sale to be posted again")
    assert wait_for(lambda: compared(stack) == [], 30, "the difference to be gone")
    row = stack.hub.get(f"/v1/reconciliation/differences/{difference['id']}")
    assert row["state"] == "REPAIRED" and row["by"] == "admin"
    assert stack.hub.get("/v1/exceptions?status=open&code=BOOKS_DIFFER")["exceptions"] == []
    assert "no differences" in stack.cli("reconcile", "--erp", "main").stdout


def test_what_a_person_must_settle_is_refused_and_can_be_accepted(stack):
    by_hand(stack, "UPDATE shipment_line SET qty = '3' WHERE sku = 'WIDGET' AND shipment = 1")
    difference, = compared(stack)
    assert (difference["kind"], difference["hub_value"], difference["erp_value"]) == ("SHIPMENT_QUANTITY", "4", "3")
    refused = stack.cli("reconcile", "--approve", difference["id"], check=False)
    assert refused.returncode == 1 and "a person settles it" in refused.stderr
    assert stack.cli("reconcile", "--accept", difference["id"]).stdout.startswith(f"{difference['id']} accepted")
    assert compared(stack) == []
    by_hand(stack, "UPDATE shipment_line SET qty = '4' WHERE sku = 'WIDGET' AND shipment = 1")


def test_runs_are_listed_and_refusals_are_told(stack):
    runs = stack.hub.get("/v1/reconciliation/runs?limit=2")
    assert len(runs["runs"]) == 2 and runs["next_cursor"] == runs["runs"][1]["id"] and runs["runs"][0]["state"] == "DONE"
    assert stack.hub.get(f"/v1/reconciliation/runs/{runs['runs'][0]['id']}") == runs["runs"][0]
    status, problem = stack.hub.call("POST", "/v1/reconciliation", {"erp": "other"})
    assert status == 422 and problem["errors"][0]["code"] == "unknown_erp"
    status, problem = stack.hub.call("GET", "/v1/reconciliation/differences?erp=nosuch")
    assert status == 400 and (problem["errors"][0]["parameter"], problem["errors"][0]["code"]) == ("erp", "unknown_erp")
    for arguments in (("--erp", "nosuch"), ("--run", "--erp", "nosuch"), ("--erp", "nosuch", "--approve", "all")):
        refused = stack.cli("reconcile", *arguments, check=False)
        assert refused.returncode in (1, 2) and "ERP" in refused.stderr and "no differences" not in refused.stdout
    assert stack.hub.call("GET", "/v1/reconciliation/differences?state=lost")[1]["errors"][0]["parameter"] == "state"
    text = wait_for(lambda: http_get(stack.hub.url + "/metrics")[1], 30, "the metrics")
    metrics = dict(line.split() for line in text.splitlines() if line.startswith("crossdock_books"))
    assert int(metrics["crossdock_books_runs_total"]) > 0 and metrics["crossdock_books_differences"] == "0"
