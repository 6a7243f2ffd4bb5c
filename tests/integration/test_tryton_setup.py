"""The Tryton that other tests stand on: that it holds what it promises, and that it dies, resets and ends cleanly."""
import datetime
import decimal
import json
import os
import stat
import subprocess

import pytest

import brokers
from tryton import SCRIPT, Tryton, TrytonError

WAREHOUSES = ["WH1", "WH2", "3PL-A"]
THIS_YEAR = datetime.date.today().year


@pytest.fixture(scope="module", autouse=True)
def seeded(erp):
    erp.reset()


def new_sale(erp, reference, quantity=10, user=None):
    party, = erp.find("party.party", [("code", "=", "CUST-1")], ["addresses", "customer_payment_term"])
    widget, = erp.find("product.product", [("code", "=", "WIDGET")], ["default_uom", "list_price"])
    warehouse, = erp.find("stock.location", [("code", "=", "WH1"), ("type", "=", "warehouse")], ["id"])
    line = {"product": widget["id"], "unit": widget["default_uom"], "quantity": quantity, "unit_price": widget["list_price"]}
    sale, = erp.rpc("model.sale.sale.create", [{
        "reference": reference, "party": party["id"], "invoice_address": party["addresses"][0],
        "shipment_address": party["addresses"][0], "payment_term": party["customer_payment_term"], "warehouse": warehouse["id"],
        "lines": [["create", [line]]]}], user=user)
    return sale


def processed_sale(erp, reference, **more):
    sale = new_sale(erp, reference, **more)
    erp.rpc("model.sale.sale.quote", [sale])
    erp.rpc("model.sale.sale.confirm", [sale])
    return sale


def by_code(erp, model, fields):
    everything = [("active", "in", [True, False])]
    return {found["code"]: found for found in erp.find(model, everything, ["code", "active", *fields])}


def servers_of(folder):
    """Processes whose command line names the folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                if str(folder) in file.read():
                    found.append(int(pid))
        except OSError:
            continue
    return found


def test_warehouses_have_places_of_their_own(erp):
    places = ["input_location", "output_location", "storage_location", "lost_found_location"]
    found = {one["code"]: one for one in erp.find("stock.location", [("type", "=", "warehouse")], ["code", *places])}
    assert sorted(found) == sorted(WAREHOUSES)
    used = [one[place] for one in found.values() for place in places]
    assert None not in used and len(set(used)) == len(used)


def test_products_are_those_of_the_samples_and_some_more(erp):
    products = by_code(erp, "product.product", ["default_uom.symbol", "sale_uom.symbol", "lot_required", "list_price"])
    assert set(products) == {"WIDGET", "GADGET", "CABLE-10M", "COFFEE-1KG", "LOTTED", "SUGAR-KG", "TEA-BOX", "OLD-WIDGET"}
    assert [code for code, one in products.items() if not one["active"]] == ["OLD-WIDGET"]
    assert sorted(code for code, one in products.items() if one["lot_required"]) == ["COFFEE-1KG", "LOTTED"]
    assert products["SUGAR-KG"]["default_uom."]["symbol"] == "kg"
    assert products["TEA-BOX"]["default_uom."]["symbol"] == "u" and products["TEA-BOX"]["sale_uom."]["symbol"] == "ctn"
    assert products["WIDGET"]["list_price"] == decimal.Decimal("9.95")


def test_customers_are_those_of_the_samples(erp):
    parties = by_code(erp, "party.party", ["credit_limit_amount", "addresses", "customer_payment_term"])
    customers = {code: one for code, one in parties.items() if code.startswith("CUST-")}
    assert {code: one["active"] for code, one in customers.items()} == {"CUST-1": True, "CUST-2": True, "CUST-3": False}
    assert customers["CUST-1"]["credit_limit_amount"] == decimal.Decimal("10000.00")
    assert all(one["addresses"] and one["customer_payment_term"] for one in customers.values())


def test_opening_stock_lies_where_it_is_said_to(erp):
    assert {w: erp.stock(w, "WIDGET") for w in WAREHOUSES} == {"WH1": 5000, "WH2": 3000, "3PL-A": 4000}
    assert erp.stock("WH1", "SUGAR-KG") == 750.5 and erp.stock("3PL-A", "SUGAR-KG") == 0
    warehouse, = erp.find("stock.location", [("code", "=", "WH1"), ("type", "=", "warehouse")], ["id"])
    lots = erp.find("stock.lot", [("product.code", "=", "LOTTED")], ["number", "quantity"], locations=[warehouse["id"]])
    assert {lot["number"]: lot["quantity"] for lot in lots} == {"LOT-A": 150, "LOT-B": 150}


def test_last_year_is_closed_and_this_and_the_next_are_open(erp):
    periods = erp.find("account.period", [], ["start_date", "state"])
    state = {year: {one["state"] for one in periods if one["start_date"].year == year} for year in range(THIS_YEAR - 1, THIS_YEAR + 2)}
    assert state == {THIS_YEAR - 1: {"close"}, THIS_YEAR: {"open"}, THIS_YEAR + 1: {"open"}}
    stock_period, = erp.find("stock.period", [("state", "=", "closed")], ["date"])
    assert stock_period["date"] == datetime.date(THIS_YEAR - 1, 12, 31)


def test_a_sale_goes_all_the_way_to_a_posted_invoice(erp):
    """So the seed has all that a sale needs: accounts, sequences, periods, and rights for the hub's user."""
    before = erp.stock("WH1", "WIDGET")
    processed_sale(erp, "PO-ALL", quantity=4)
    shipment, = erp.shipments("PO-ALL")
    assert (shipment["state"], shipment["warehouse."]["code"], shipment["moves"][0]["quantity"]) == ("waiting", "WH1", 4)
    assert erp.rpc("model.stock.shipment.out.assign_try", [shipment["id"]]) is True
    for step in ("pick", "pack", "done"):
        erp.rpc(f"model.stock.shipment.out.{step}", [shipment["id"]])
    assert erp.shipments("PO-ALL")[0]["state"] == "done" and erp.stock("WH1", "WIDGET") == before - 4
    invoice, = erp.invoices("PO-ALL")
    erp.rpc("model.account.invoice.post", [invoice["id"]])
    invoice, = erp.invoices("PO-ALL")
    assert invoice["state"] == "posted" and invoice["total_amount"] == decimal.Decimal("39.80")


def test_the_hub_may_amend_a_sale(erp):
    sale = processed_sale(erp, "PO-AMEND")
    line, = erp.sales("PO-AMEND")[0]["lines"]
    line, = erp.find("sale.line", [("id", "=", line)], ["product", "unit", "unit_price"])
    change = {"action": "line", "line": line.pop("id"), "quantity": 15, **line}
    amendment = erp.rpc("model.sale.amendment.create", [{"sale": sale, "lines": [["create", [change]]]}])
    erp.rpc("model.sale.amendment.validate_amendment", amendment)
    assert [move["quantity"] for shipment in erp.shipments("PO-AMEND") for move in shipment["moves"]] == [15]


def test_a_second_sale_of_a_reference_is_refused(erp):
    new_sale(erp, "PO-TWICE")
    with pytest.raises(TrytonError) as refused:
        new_sale(erp, "PO-TWICE")
    assert refused.value.words == "Another document of this company has this reference already."
    other = new_sale(erp, "PO-OTHER")
    with pytest.raises(TrytonError):
        erp.rpc("model.sale.sale.write", [other], {"reference": "PO-TWICE"})
    assert len(erp.sales("PO-TWICE")) == 1
    copy, = erp.rpc("model.sale.sale.copy", [other])
    assert erp.find("sale.sale", [("id", "=", copy)], ["reference"])[0]["reference"] is None


@pytest.mark.parametrize("empty", [None, ""])
def test_sales_without_a_reference_are_no_concern(erp, empty):
    assert new_sale(erp, empty) != new_sale(erp, empty)


def test_a_second_shipment_of_a_reference_is_refused(erp):
    processed_sale(erp, "PO-S1")
    processed_sale(erp, "PO-S2")
    (first,), (second,) = erp.shipments("PO-S1"), erp.shipments("PO-S2")
    erp.rpc("model.stock.shipment.out.write", [first["id"]], {"reference": "REL-1"})
    with pytest.raises(TrytonError):
        erp.rpc("model.stock.shipment.out.write", [second["id"]], {"reference": "REL-1"})
    internal = {"reference": "ADJ-1", "company": erp.company,
                **dict(zip(("from_location", "to_location"), (one["id"] for one in erp.find(
                    "stock.location", [("code", "in", ["WH1-STORAGE", "WH1-LOST"])], ["id"]))))}
    erp.rpc("model.stock.shipment.internal.create", [internal])
    with pytest.raises(TrytonError):
        erp.rpc("model.stock.shipment.internal.create", [internal])


def test_a_killed_tryton_comes_back_with_its_port_and_its_sales(erp):
    new_sale(erp, "PO-KILL")
    port, pid = erp.port, erp.pid
    erp.kill9()
    assert not erp.running
    with pytest.raises(OSError):
        erp.sales("PO-KILL")
    erp.start()
    assert (erp.port, erp.running) == (port, True) and erp.pid != pid
    assert len(erp.sales("PO-KILL")) == 1


def test_a_killed_database_comes_back_with_its_port_and_its_sales(erp):
    new_sale(erp, "PO-DB")
    port, pid = erp.state["database_port"], erp.pid
    erp.kill_database()
    with pytest.raises(TrytonError):
        erp.sales("PO-DB")
    erp.start()
    assert (erp.state["database_port"], erp.pid) == (port, pid)
    assert len(erp.sales("PO-DB")) == 1


def test_reset_forgets_what_came_after_the_seed(erp):
    new_sale(erp, "PO-RESET")
    where = (erp.url, erp.password)
    erp.reset()
    assert erp.sales("PO-RESET") == [] and erp.stock("WH1", "WIDGET") == 5000
    assert (erp.url, erp.password) == where
    new_sale(erp, "PO-RESET")


def test_starting_what_runs_changes_nothing(erp):
    before = dict(erp.state)
    erp.start()
    assert erp.state == before


def test_status_says_what_runs(erp):
    status = lambda: subprocess.run([SCRIPT, "status", "--folder", erp.folder], capture_output=True, text=True, check=False)
    assert status().returncode == 0 and f"trytond runs ({erp.pid})" in status().stdout
    erp.kill9()
    assert status().returncode == 1 and "trytond does not run" in status().stdout
    erp.start()


def test_two_run_side_by_side_and_end_without_a_trace(erp, tmp_path):
    with Tryton(tmp_path / "other") as other:
        assert {erp.port, erp.state["database_port"]}.isdisjoint({other.port, other.state["database_port"]})
        new_sale(other, "PO-OTHER-ERP")
        assert erp.sales("PO-OTHER-ERP") == [] and len(other.sales("PO-OTHER-ERP")) == 1
        assert stat.S_IMODE(os.stat(os.path.join(other.folder, "tryton.json")).st_mode) == 0o600
        assert len(servers_of(other.folder)) >= 2
    brokers.wait_for(lambda: not servers_of(other.folder), 10, "both servers to be gone")
    other.start()
    assert len(other.sales("PO-OTHER-ERP")) == 1  # stopping keeps what was stored
    subprocess.run([SCRIPT, "stop", "--remove", "--folder", other.folder], check=True)
    assert not os.path.exists(other.folder) and not other.running and servers_of(other.folder) == []
    assert erp.running


def test_a_folder_where_nothing_was_started_is_said_to_be_so(tmp_path):
    done = subprocess.run([SCRIPT, "stop", "--folder", str(tmp_path / "none")], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "nothing was started there" in done.stderr
    assert not (tmp_path / "none").exists()


def test_a_bad_dump_is_not_taken_for_the_seed(tmp_path):
    """A restore that fails ends the start with words, and leaves no server behind."""
    cache = tmp_path / "cache"
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    name = subprocess.run(["/usr/bin/python3", "-c", "import runpy, sys; print(runpy.run_path(sys.argv[1])['seeded_dump']())", SCRIPT],
                          env=environment, capture_output=True, text=True, check=True).stdout.strip()
    os.makedirs(os.path.dirname(name))
    with open(name, "w", encoding="utf-8") as file:
        json.dump({}, file)
    with pytest.raises(RuntimeError, match="pg_restore failed"):
        Tryton(tmp_path / "erp", environment=environment).start()
    assert servers_of(tmp_path / "erp") == []


def test_the_commands_of_the_readme_work_as_written(tmp_path):
    from test_readme import blocks  # pylint: disable=import-outside-toplevel
    script = blocks("tryton").replace("/tmp/tryton", str(tmp_path / "own"))
    done = subprocess.run(["bash", "-e", "-c", script], cwd=os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(SCRIPT)))),
                          capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "own").exists() and not servers_of(tmp_path / "own")
