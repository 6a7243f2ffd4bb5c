"""Several ERPs behind one hub: each tenant's orders go to its own, a pause holds across kills, and a shadow stays empty."""
import json
import os
import re
import sqlite3

import pytest

from agents import http_get
from brokers import wait_for
from stack import ERP_MORE, Stack

pytestmark = pytest.mark.threads  # the API is asked all the time while the hub works

MORE = (ERP_MORE + "  second:\n    type: ledger\n    data: ledger\n    tenants: [beta]\n    request_life_s: 2\n"
        "  third:\n    type: ledger\n    data: ledger\n    shadow: true\n    tenants: [beta]\n")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("erps"), [("WH1", "warehouse")], lines=False, erp_more=MORE) as running:
        running.beta = running.cli("clients", "add", "shop", "--tenant", "beta").stdout.strip()
        yield running


def submit(stack, number, token=None):
    """An order of the tenant beta (token), or of the administrator's."""
    order = {"external_order_id": number, "channel": {"type": "portal", "account": "web"}, "customer": {"external_ref": "CUST-1"},
             "currency": "EUR", "preferred_site": "WH1",
             "parties": {"ship_to": {"name": "Corner Shop", "address": ["1 Dock Road"], "city": "Leeds", "postal_code": "LS1 1AA",
                                     "country": "GB"}},
             "lines": [{"external_line_id": "1", "sku": "WIDGET", "qty": "1", "uom": "EA"}]}
    headers = {"Authorization": f"Bearer {token}"} if token else None

    def send():
        status, answer = stack.hub.call("POST", "/v1/orders", order, key=number, headers=headers)
        return answer["order_id"] if status == 202 else None
    return wait_for(send, 30, f"order {number} to be taken")


def sales(stack, erp):
    """The references of the sales in an ERP's ledger."""
    with sqlite3.connect(f"file:{os.path.join(stack.hub.state, f'erp-{erp}.db')}?mode=ro", uri=True) as books:
        return {row[0] for row in books.execute("SELECT reference FROM sale")}


def erp(stack, name):
    return next(row for row in stack.hub.get("/v1/erps")["erps"] if row["name"] == name)


def test_each_tenants_orders_are_in_its_erp(stack):
    submit(stack, "E-1")
    submit(stack, "E-2", stack.beta)
    wait_for(lambda: {"default/web/E-1"} <= sales(stack, "main") and {"beta/web/E-2"} <= sales(stack, "second"), 30, "both sales")
    assert not {"beta/web/E-2"} & sales(stack, "main") and not {"default/web/E-1"} & sales(stack, "second")


def test_what_is_paused_queues_across_a_kill_and_goes_on(stack):
    assert stack.cli("erp", "pause", "second").stdout == "second is paused: nothing is called, and what is to be posted queues\n"
    order = submit(stack, "E-3", stack.beta)
    submit(stack, "E-4")
    wait_for(lambda: "default/web/E-4" in sales(stack, "main"), 30, "the other ERP's sale")
    stack.kill9("hub")
    stack.restart("hub")
    submit(stack, "E-5")
    wait_for(lambda: "default/web/E-5" in sales(stack, "main"), 30, "the other ERP's sale")
    row = erp(stack, "second")
    assert (row["paused"], row["queued"], row["paused_by"]) == (True, 1, "admin")
    assert stack.hub.get(f"/v1/orders/{order}")["status"] == "VALIDATED"
    assert re.search(r"^second +beta +A +paused .* ago +0 +1 +0 +0 +0 +1$", stack.cli("erp", "status").stdout, re.M)
    assert json.loads(stack.cli("erp", "resume", "second", "--json").stdout) == {"name": "second", "paused": False}
    wait_for(lambda: "beta/web/E-3" in sales(stack, "second"), 30, "what queued")


def test_a_shadow_is_never_posted_to(stack):
    submit(stack, "E-6", stack.beta)
    wait_for(lambda: "beta/web/E-6" in sales(stack, "second"), 30, "the sale")
    assert sales(stack, "third") == set()
    assert (erp(stack, "third")["shadow"], erp(stack, "third")["done"]) == (True, 0)
    assert re.search(r"^third +beta +A +shadow ", stack.cli("erp", "status").stdout, re.M)


def differences(stack, name, seconds=60):
    """What is open after a comparison with this ERP: {our document: (kind, repair, id)}."""
    done = stack.cli("reconcile", "--run", "--erp", name, "--json", check=False, seconds=seconds)
    assert done.returncode in (0, 3), done.stderr
    rows = [row for row in json.loads(done.stdout)["differences"] if row["erp"] == name]
    return {row["hub_document"]: (row["kind"], row["repair"], row["id"]) for row in rows}


def released(stack, order_id):
    return stack.order(order_id)["status"] == "IN_FULFILMENT"


def forget(stack, erp_name, reference):
    """What nobody should do to an ERP's database."""
    with sqlite3.connect(os.path.join(stack.hub.state, f"erp-{erp_name}.db"), timeout=30) as ledger:
        ledger.execute("DELETE FROM sale_line WHERE sale = (SELECT number FROM sale WHERE reference = ?)", (reference,))
        ledger.execute("DELETE FROM sale WHERE reference = ?", (reference,))


def test_each_erp_is_compared_with_the_orders_of_its_tenants(stack):
    orders = [submit(stack, "E-8"), submit(stack, "E-9", stack.beta)]
    wait_for(lambda: all(released(stack, order) for order in orders), 60, "both orders to be at their site")
    assert differences(stack, "main") == {} and differences(stack, "second") == {}
    forget(stack, "second", "beta/web/E-9")
    (kind, repair, number), = [differences(stack, "second")["beta/web/E-9"]]
    assert (kind, repair) == ("SALE_MISSING_IN_ERP", "POST_AGAIN")
    assert differences(stack, "main") == {}
    assert f"{number} approved" in stack.cli("reconcile", "--approve", number, check=False).stdout
    wait_for(lambda: "beta/web/E-9" in sales(stack, "second"), 30, "the sale to be posted again")
    wait_for(lambda: differences(stack, "second") == {}, 60, "the difference to be gone")
    assert "beta/web/E-9" not in sales(stack, "main") and "default/web/E-8" not in sales(stack, "second")


def test_a_paused_erp_holds_up_no_other_comparison_and_all_are_waited_for(stack):
    stack.cli("erp", "pause", "second")
    done = stack.cli("reconcile", "--run", check=False, seconds=120)
    assert done.returncode == 1
    assert "the books of second could not be compared: The ERP second is paused." in done.stderr
    assert re.search(r"^main compared: .*^third compared: ", done.stdout, re.M | re.S) and "second compared" not in done.stdout
    row, = stack.hub.get("/v1/exceptions?status=open&code=BOOKS_NOT_COMPARED")["exceptions"]
    assert row["detail"] == "The ERP second is paused."
    stack.cli("erp", "resume", "second")
    done = stack.cli("reconcile", "--run", check=False, seconds=120)
    assert done.returncode in (0, 3), done.stderr
    assert re.search(r"^main compared: .*^second compared: .*^third compared: ", done.stdout, re.M | re.S)
    assert stack.hub.get("/v1/exceptions?status=open&code=BOOKS_NOT_COMPARED")["exceptions"] == []


def test_a_shadow_is_compared_with_what_its_tenants_have_elsewhere_and_stays_empty(stack):
    orders = [submit(stack, "E-10"), submit(stack, "E-11", stack.beta)]
    wait_for(lambda: all(released(stack, order) for order in orders), 60, "both orders to be at their site")
    found = differences(stack, "third")
    assert "beta/web/E-11" in found and not [document for document in found if document.startswith("default/")]
    kind, repair, number = found["beta/web/E-11"]
    assert (kind, repair) == ("SALE_MISSING_IN_ERP", "NONE")
    refused = stack.cli("reconcile", "--approve", number, check=False)
    assert refused.returncode == 1 and "a person settles it" in refused.stderr
    assert sales(stack, "third") == set() and erp(stack, "third")["done"] == 0


def test_figures_of_each_erp_are_served(stack):
    submit(stack, "E-7", stack.beta)
    wait_for(lambda: "beta/web/E-7" in sales(stack, "second"), 30, "the sale")

    def counted():
        text = http_get(stack.hub.url + "/metrics")[1]
        found = re.search(r'^crossdock_erp_answers_total\{erp="second",outcome="done"\} (\d+)$', text, re.M)
        return text if found and int(found.group(1)) > 0 else None
    text = wait_for(counted, 30, "the figures")
    for line in ('crossdock_erp_paused{erp="second"} 0', 'crossdock_erp_breaker{erp="main"} 0',
                 'crossdock_erp_failing{erp="main"} 0', 'crossdock_erp_jobs{erp="third",state="DONE"} 0'):
        assert line + "\n" in text
    assert re.search(r'^crossdock_erp_calls_under_way\{erp="third"\} [01]$', text, re.M)  # it may be asked for a list just now
    lists = int(re.search(r'^crossdock_erp_list_answers_total\{erp="second",outcome="done"\} (\d+)$', text, re.M).group(1))
    assert lists > 0 and 'crossdock_erp_answers_total{erp="third",outcome="done"} 0\n' in text  # lists are counted apart
    row = erp(stack, "second")
    assert (row["state"], row["breaker"]) == ("ready", "closed") and "last_answer_at" in row and "last_error" not in row


def test_only_operators_pause_and_only_what_there_is(stack):
    assert stack.hub.call("POST", "/v1/erps/nothing/pause", {})[0] == 404
    beta = {"Authorization": f"Bearer {stack.beta}"}
    assert stack.hub.call("POST", "/v1/erps/main/pause", {}, headers=beta)[0] == 403
    assert stack.hub.call("GET", "/v1/erps", headers=beta)[0] == 403
