"""Stock by the API and the command line, against a real hub: lists are taken whole or not at all, shown in pages, kept."""
import json
import os

import pytest

from brokers import wait_for
from stack import Stack

SITES = (("WH1", "warehouse"), ("WH2", "warehouse"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("stack"), sites=SITES) as whole:
        yield whole


def put(stack, *entries, **more):
    entries = [dict(zip(("site", "sku", "qty"), entry)) for entry in entries]
    return stack.hub.call("PUT", "/v1/stock", {"entries": entries, **more})


def shown(stack, query=""):
    return {(row["site"], row["sku"]): row for row in stack.hub.get("/v1/stock" + query)["stock"]}


def write(path, *lines):
    path.write_text("\n".join(("site,sku,qty",) + lines) + "\n", encoding="utf-8")
    return str(path)


def test_list_is_taken_and_shown_and_survives_a_kill(stack):
    status, answer = put(stack, ("WH1", "API-1", "10"), ("WH2", "API-1", "0.5"))
    assert (status, answer["taken"]) == (200, 2)
    stack.kill9("hub")
    stack.restart("hub")
    rows = shown(stack, "?sku=API-1")
    assert set(rows) == {("WH1", "API-1"), ("WH2", "API-1")}
    row = rows["WH2", "API-1"]
    assert (row["known"], row["available"], row["on_hand"], row["reserved"], row["source"]) == (True, "0.5", "0.5", "0", "api")
    assert set(shown(stack, "?site=WH1&sku=API-1")) == {("WH1", "API-1")}


def test_list_with_a_wrong_entry_is_refused_whole(stack):
    status, problem = put(stack, ("WH1", "API-2", "1"), ("WH9", "API-2", "1"), ("WH1", "API-3", "many"))
    assert status == 422 and problem["code"] == "invalid_stock"
    assert {(error["pointer"], error["code"]) for error in problem["errors"]} == \
        {("/entries/1/site", "unknown_site"), ("/entries/2/qty", "bad_decimal")}
    assert not shown(stack, "?sku=API-2")


def test_pages_follow_each_other_and_a_foreign_cursor_is_refused(stack):
    assert put(stack, *(("WH2", f"PAGE/{number}", "1") for number in range(5)))[0] == 200
    seen, cursor = [], ""
    while cursor is not None:
        page = stack.hub.get(f"/v1/stock?site=WH2&limit=2&cursor={cursor}")
        seen += [row["sku"] for row in page["stock"]]
        cursor = page.get("next_cursor")
    assert seen == sorted(set(seen)) and {f"PAGE/{number}" for number in range(5)} <= set(seen)
    status, problem = stack.hub.call("GET", "/v1/stock?cursor=elsewhere")
    assert status == 400 and problem["errors"][0]["parameter"] == "cursor"


def test_command_line_loads_a_file_in_lists_and_shows_it(stack, tmp_path):
    path = write(tmp_path / "stock.csv", *(f"WH1,CSV-{number},{number}.50" for number in range(2500)))
    assert stack.cli("stock", "load", path).stdout == "2500 quantities taken\n"
    table = stack.cli("stock", "list", "--sku", "CSV-2499").stdout.splitlines()
    assert table[0].split() == ["SITE", "SKU", "AVAILABLE", "ON", "HAND", "RESERVED", "SOURCE", "LISTED", "AT"]
    assert table[1].split()[:6] == ["WH1", "CSV-2499", "2499.5", "2499.5", "0", "csv"]
    assert json.loads(stack.cli("stock", "list", "--sku", "CSV-0", "--json").stdout)["stock"][0]["available"] == "0.5"
    more = stack.cli("stock", "list", "--site", "WH1", "--limit", "3").stdout
    assert "more: crossdock stock list --limit 3 --site WH1 --cursor WH1/" in more


@pytest.mark.parametrize("lines, complaint", [
    (("WH1,BAD-1,1", "wh1,BAD-1,1"), ":3: site is no name of a site"),
    (("WH1,BAD-1,1", "WH1,BAD-1,1e3"), ":3: qty is no decimal number"),
    (("WH1,BAD-1,1", "WH1,BAD-1"), ":3: "),
    (("WH1,BAD-1,1", "WH1,BAD-2,-1"), ":3: qty is negative"),
    (("WH1,BAD-1,1", *(f"WH1,MORE-{number},1" for number in range(1200)), "WH2,BAD-1,1", "WH1,BAD-1,1"),
     ":1204: the same site and sku as in line 2"),
])
def test_file_with_a_wrong_line_is_refused_by_its_line_before_anything_is_sent(stack, tmp_path, lines, complaint):
    path = write(tmp_path / "stock.csv", *lines)
    done = stack.cli("stock", "load", path, check=False)
    assert done.returncode == 2 and done.stderr.startswith(f"crossdock: {path}{complaint}"), done.stderr
    assert not shown(stack, "?sku=BAD-1")


def test_all_that_is_wrong_with_a_file_is_told_at_once(stack, tmp_path):
    path = write(tmp_path / "stock.csv", "WH1,BAD-1,1", "wh1,BAD 1,-1", "WH1,BAD-1", "WH2,BAD-1,x", "WH1,BAD-2,1", "WH1,BAD-1,2", "WH1,BAD-2,2")
    done = stack.cli("stock", "load", path, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert [line.removeprefix(f"crossdock: {path}:") for line in done.stderr.splitlines()] == [
        "3: site is no name of a site (1 to 32 of A-Z 0-9 _ -)", "3: sku is no SKU (1 to 64 printable characters without blanks)",
        "3: qty is negative; a site has nothing or more", "4: 2 fields where the header has 3",
        "5: qty is no decimal number such as 12 or 0.5", "7: the same site and sku as in line 2", "8: the same site and sku as in line 6"]
    assert not shown(stack, "?sku=BAD-1") and not shown(stack, "?sku=BAD-2")
    path = write(tmp_path / "stock.csv", *("WH1,BAD-1,x" for _ in range(60)))
    lines = stack.cli("stock", "load", path, check=False).stderr.splitlines()
    assert len(lines) == 51 and lines[50] == f"crossdock: {path}: and 69 more"
    done = stack.cli("stock", "load", write(tmp_path / "stock.csv", "WH1,BAD-1,1", "WH7,BAD-1,1", "WH8,BAD-1,1"), check=False)
    assert done.returncode == 1 and f"{path}:3: site: " in done.stderr and f"{path}:4: site: " in done.stderr  # as the hub says
    assert not shown(stack, "?sku=BAD-1")


def test_skus_that_no_product_has_are_taken_and_told(stack, tmp_path):
    status, answer = stack.hub.call("PUT", "/v1/reference/products/KNOWN", {"sku": "KNOWN", "base_uom": "EA"})
    assert status in (200, 201), answer
    assert put(stack, ("WH1", "KNOWN", "1")) == (200, {"taken": 1})
    assert put(stack, ("WH1", "KNOWN", "1"), ("WH1", "TYPO", "1")) == (200, {"taken": 2, "unknown": {"count": 1, "skus": ["TYPO"]}})
    done = stack.cli("stock", "load", write(tmp_path / "stock.csv", "WH1,KNOWN,2", *(f"WH1,NONE-{number},1" for number in range(1500))))
    assert done.stdout == "1501 quantities taken\n"
    assert done.stderr == "crossdock: warning: 1500 of the SKUs are no product's: NONE-0 NONE-1 NONE-2 NONE-3 NONE-4 ...\n"


def test_site_that_the_hub_does_not_know_is_told(stack, tmp_path):
    done = stack.cli("stock", "load", write(tmp_path / "stock.csv", "WH7,X,1"), check=False)
    assert done.returncode == 1 and "WH7" not in done.stdout and "crossdock sites list" in done.stderr, done.stderr


def test_stock_of_the_erp_is_where_a_site_begins_of_which_nobody_told(stack):
    with open(stack.hub.config, encoding="utf-8") as file:
        text = file.read()
    assert put(stack, ("WH1", "WIDGET", "3"))[0] == 200
    assert stack.cli("sites", "add", "3PL-A", "--kind", "3pl", "--out", os.path.join(stack.folder, "3PL-A.enrol")).returncode == 0
    with open(stack.hub.config, "w", encoding="utf-8") as file:
        file.write(text.replace("    data: ledger\n", "    data: ledger\n    stock: true\n"))
    stack.restart("hub")
    row = wait_for(lambda: shown(stack, "?site=3PL-A").get(("3PL-A", "WIDGET")), 30, "the ERP's stock")
    assert (row["known"], row["available"], row["source"]) == (True, "400", "erp")
    assert shown(stack, "?site=WH1&sku=WIDGET")["WH1", "WIDGET"]["on_hand"] == "3"
