"""Reference data on a real hub: what the ledger's load brings, the API, and the operator's command line."""
import http.client
import json
import os
import subprocess

import pytest

from agents import BUILD
from brokers import wait_for
from stack import Hub

CLI = os.path.join(BUILD, "crossdock")
COFFEE = {"sku": "COFFEE", "base_uom": "EA", "description": "Beans, 1 kg", "price": "12.50", "currency": "EUR",
          "uoms": [{"uom": "CS", "num": 12}, {"uom": "G", "num": 1, "den": 1000}], "gtins": ["4006381333931"], "aliases": ["OLD-COFFEE"]}


@pytest.fixture(scope="module")
def hub(rabbit, tmp_path_factory):
    running = Hub(tmp_path_factory.mktemp("reference"), rabbit)
    running.start()
    yield running
    running.stop()


def ask(hub, method, path, body=None, **headers):
    """(status, JSON, headers) of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=20)
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    connection.request(method, path, data, {"Authorization": f"Bearer {hub.token()}",
                                            **{name.replace("_", "-"): value for name, value in headers.items()}})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text else None, answer.headers


def put(hub, kind, key, body, status=(200, 201), **headers):
    answer = ask(hub, "PUT", f"/v1/reference/{kind}/{key}", body, **headers)
    assert answer[0] in (status if isinstance(status, tuple) else (status,)), answer[1]
    return answer[1]


def errors(answer):
    return {item["pointer"]: item["code"] for item in answer["errors"]}


def cli(hub, *arguments, stdin=None, check=True):
    done = subprocess.run([CLI, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "CROSSDOCK_URL": hub.url, "CROSSDOCK_TOKEN_FILE": hub.token_file})
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


# ---- the ERP's load ----

def test_customers_and_products_of_the_ledger_come_by_themselves(hub):
    def loaded():
        status, answer, _ = ask(hub, "GET", "/v1/reference/products/WIDGET")
        return status == 200 and answer
    widget = wait_for(loaded, 30, "the ERP's products")
    assert widget["source"] == "erp" and widget["current"] is True
    assert widget["entry"]["base_uom"] == "EA" and widget["entry"]["price"] == "9.95" and widget["entry"]["active"] is True
    customers = ask(hub, "GET", "/v1/reference/customers")[1]["entries"]
    assert [item["key"] for item in customers] == sorted(item["key"] for item in customers)
    assert {"CUST-1"} <= {item["key"] for item in customers}


def test_what_a_person_put_survives_a_restart_with_its_load(rabbit, tmp_path):
    hub = Hub(tmp_path, rabbit)
    try:
        hub.start()
        wait_for(lambda: ask(hub, "GET", "/v1/reference/products/WIDGET")[0] == 200, 30, "the first load")
        mine = put(hub, "products", "WIDGET", {"sku": "WIDGET", "base_uom": "BOX"})
        put(hub, "products", "GADGET?source=erp", {"sku": "GADGET", "base_uom": "BOX", "aliases": ["OLD-GADGET"]})
        assert hub.stop() == 0
        hub.start()

        def merged():
            entry = ask(hub, "GET", "/v1/reference/products/GADGET")[1]["entry"]
            return entry["base_uom"] == "EA" and entry
        assert wait_for(merged, 30, "the second load")["aliases"] == ["OLD-GADGET"]
        widget = ask(hub, "GET", "/v1/reference/products/WIDGET")[1]
        assert widget["version"] == mine["version"] and widget["entry"]["base_uom"] == "BOX"
    finally:
        hub.stop()


def test_load_can_be_switched_off(rabbit, tmp_path):
    hub = Hub(tmp_path, rabbit, more="policies: {reference_minutes: 0}\n")
    try:
        hub.start()
        put(hub, "channels", "portal", {"type": "portal"})  # several turns go by
        assert ask(hub, "GET", "/v1/reference/products")[1]["entries"] == []
    finally:
        hub.stop()


# ---- the API ----

def test_entry_is_put_read_changed_and_every_version_stays(hub):
    status, first, headers = ask(hub, "PUT", "/v1/reference/products/COFFEE", COFFEE)
    assert status == 201 and headers["Location"] == "/v1/reference/products/COFFEE"
    assert headers["ETag"] == f'"{first["version"]}"' and first["changed"] is True
    status, same, headers = ask(hub, "PUT", "/v1/reference/products/COFFEE", {**COFFEE, "price": "12.5"})
    assert status == 200 and same["version"] == first["version"] and same["changed"] is False
    status, second, _ = ask(hub, "PUT", "/v1/reference/products/COFFEE", {**COFFEE, "price": "13"}, If_Match=headers["ETag"])
    assert status == 200 and second["version"] > first["version"]
    assert ask(hub, "PUT", "/v1/reference/products/COFFEE", COFFEE, If_Match=headers["ETag"])[0] == 412
    assert ask(hub, "PUT", "/v1/reference/products/TEA", {"sku": "TEA", "base_uom": "EA"}, If_Match="*")[0] == 412
    status, now, headers = ask(hub, "GET", "/v1/reference/products/COFFEE")
    assert now["entry"] == {**COFFEE, "price": "13"} and now["previous"] == first["version"] and now["client"] == "admin"
    assert headers["ETag"] == f'"{second["version"]}"'
    status, then, headers = ask(hub, "GET", f"/v1/reference/products/COFFEE?version={first['version']}")
    assert status == 200 and then["entry"] == COFFEE and then["current"] is False and headers["ETag"] == f'"{first["version"]}"'
    assert ask(hub, "GET", f"/v1/reference/customers/CUST-1?version={first['version']}")[0] == 404


def test_all_that_is_wrong_is_told_and_nothing_is_stored(hub):
    before = ask(hub, "GET", "/v1/reference/products?limit=200")[1]
    answer = put(hub, "products", "BAD", {"sku": "BAD", "base_uom": "EA", "gtins": ["4006381333932"], "uoms": [{"uom": "CS", "num": 0}],
                                          "colour": "red", "price": -1}, 422)
    assert answer["code"] == "invalid_entry" and answer["retryable"] is False
    assert errors(answer) == {"/gtins/0": "bad_gtin", "/uoms/0/num": "out_of_range", "/colour": "unknown_member", "/price": "bad_decimal"}
    assert errors(put(hub, "products", "BAD", {"sku": "OTHER", "base_uom": "EA"}, 422)) == {"/sku": "key_mismatch"}
    put(hub, "products", "COCOA", {"sku": "COCOA", "base_uom": "EA", "gtins": ["036000291452"]})
    taken = put(hub, "products", "BAD", {"sku": "BAD", "base_uom": "EA", "gtins": ["00036000291452"]}, 422)
    assert errors(taken) == {"/gtins/0": "alias_taken"}
    after = ask(hub, "GET", "/v1/reference/products?limit=200")[1]
    assert [e["key"] for e in after["entries"] if e["key"] != "COCOA"] == [e["key"] for e in before["entries"] if e["key"] != "COCOA"]


def test_many_are_put_at_once_or_none_of_them(hub):
    many = [{"type": f"channel-{n}", "share": 1 + n % 5} for n in range(1000)]
    status, answer, _ = ask(hub, "POST", "/v1/reference/channels", {"entries": many})
    assert status == 200 and answer["changed"] == 1000 and len(answer["entries"]) == 1000
    assert ask(hub, "POST", "/v1/reference/channels", {"entries": many})[1]["changed"] == 0
    assert ask(hub, "POST", "/v1/reference/channels", {"entries": many + [{"type": "one-more"}]})[0] == 422
    wrong = [{"type": "fine"}, {"type": "wrong", "share": 0}, {"type": "fine"}]
    status, answer, _ = ask(hub, "POST", "/v1/reference/channels", {"entries": wrong})
    assert status == 422 and errors(answer) == {"/entries/1/share": "out_of_range", "/entries/2": "duplicate_entry"}
    assert ask(hub, "GET", "/v1/reference/channels/fine")[0] == 404
    seen, cursor = [], ""
    while cursor is not None:
        page = ask(hub, "GET", f"/v1/reference/channels?limit=150&cursor={cursor}")[1]
        seen += [entry["key"] for entry in page["entries"]]
        cursor = page.get("next_cursor")
    assert len(seen) == len(set(seen)) and set(entry["type"] for entry in many) <= set(seen)


def test_a_key_may_hold_slashes_and_signs(hub):
    put(hub, "products", "A/B", {"sku": "A/B", "base_uom": "EA"})
    assert ask(hub, "GET", "/v1/reference/products/A/B")[1]["key"] == "A/B"
    status, _, headers = ask(hub, "PUT", "/v1/reference/products/A%3FB%25", {"sku": "A?B%", "base_uom": "EA"})
    assert status == 201 and headers["Location"] == "/v1/reference/products/A%3FB%25"
    assert ask(hub, "GET", headers["Location"])[1]["key"] == "A?B%"


@pytest.mark.parametrize("method, path, body, status", [
    ("GET", "/v1/reference/gadgets", None, 404),
    ("GET", "/v1/reference/gadgets/X", None, 404),
    ("PUT", "/v1/reference/gadgets/X", {}, 404),
    ("GET", "/v1/reference/products/NO-SUCH", None, 404),
    ("GET", "/v1/reference", None, 404),
    ("GET", "/v1/reference/products/", None, 404),
    ("GET", "/v1/reference/products/WIDGET?version=0", None, 400),
    ("GET", "/v1/reference/products/WIDGET?version=-1", None, 400),
    ("GET", "/v1/reference/products/WIDGET?version=99999999999999999999", None, 400),
    ("GET", "/v1/reference/products?limit=0", None, 400),
    ("GET", "/v1/reference/products?kind=x", None, 400),
    ("PUT", "/v1/reference/products/X?source=me", {"sku": "X", "base_uom": "EA"}, 400),
    ("PUT", "/v1/reference/products/X", b"{", 400),
    ("PUT", "/v1/reference/products/X", b"[]", 400),
    ("PUT", "/v1/reference/products/X", b'{"sku":"X","sku":"X","base_uom":"EA"}', 400),
    ("PUT", "/v1/reference/products/X", b'{"a":' * 70 + b"1" + b"}" * 70, 400),
    ("PUT", "/v1/reference/products/" + "X" * 72, {"sku": "X"}, 404),
    ("POST", "/v1/reference/products", {"entries": "all"}, 422),
    ("POST", "/v1/reference/products", {"entries": [None, 1, [], "x"]}, 422),
    ("DELETE", "/v1/reference/products/WIDGET", None, 405),
])
def test_strange_requests_are_told_what_is_wrong(hub, method, path, body, status):
    answer = ask(hub, method, path, body)
    assert answer[0] == status, answer[1]
    assert answer[1]["code"] and answer[1]["detail"]
    assert ask(hub, "GET", "/v1/reference/products/WIDGET")[0] == 200


# ---- the command line ----

PRODUCTS_CSV = """sku,description,base_uom,active,uoms,price,gtins,aliases
CSV-1,"Tea, green",EA,yes,CS=12 G=1/1000,3.20,4012345678901,OLD-1 OLD-2
CSV-2,,EA,false,,,,
"""


def test_csv_is_loaded_listed_and_shown(hub, tmp_path):
    file = tmp_path / "products.csv"
    file.write_text(PRODUCTS_CSV, encoding="utf-8")
    assert cli(hub, "reference", "load", "products", str(file)).stdout == "2 rows, 2 changed\n"
    assert json.loads(cli(hub, "reference", "load", "products", str(file), "--json").stdout) == {"entries": 2, "changed": 0}
    shown = json.loads(cli(hub, "reference", "show", "products", "CSV-1", "--json").stdout)
    assert shown["source"] == "csv"
    assert shown["entry"] == {"sku": "CSV-1", "description": "Tea, green", "base_uom": "EA", "active": True, "price": "3.20",
                              "uoms": [{"uom": "CS", "num": 12, "den": 1}, {"uom": "G", "num": 1, "den": 1000}],
                              "gtins": ["4012345678901"], "aliases": ["OLD-1", "OLD-2"]}
    listed = cli(hub, "reference", "list", "products", "--limit", "2").stdout
    assert listed.startswith("KEY ") and "more: crossdock reference list products --limit 2 --cursor " in listed
    rows = [line.split() for line in cli(hub, "reference", "list", "products", "--limit", "200").stdout.splitlines()]
    assert ["CSV-2", "csv", "no"] in [[row[0], row[2], row[3]] for row in rows]


def test_a_zone_must_be_there_and_a_site_that_is_not_is_told(hub):
    status, problem = hub.call("PUT", "/v1/reference/sites/WH1", {"site": "WH1", "zone": "Europe/Nowhere"})
    assert (status, problem["code"]) == (422, "invalid_entry")
    assert [(error["code"], error["pointer"]) for error in problem["errors"]] == [("bad_zone", "/zone")]
    assert hub.call("PUT", "/v1/reference/sites/WH77", {"site": "WH77", "zone": "Asia/Kolkata"})[1]["enrolled"] is False
    done = cli(hub, "reference", "load", "sites", "-", stdin="site,zone\nWH78,Europe/Berlin\n")
    assert done.stderr == "crossdock: warning: there is no site WH78 (yet); `crossdock sites add` adds one\n"
    done = cli(hub, "reference", "load", "sites", "-", stdin="site,zone\nWH78,Europe/Nowhere\n", check=False)
    assert done.returncode != 0 and "2: zone" in done.stderr


def test_site_and_customer_columns_become_their_documents(hub):
    sites = ("site,kind,priority,zone,cutoff,open_days,countries,postal_prefixes,skus\n"
             "WH1,warehouse,10,Europe/Berlin,16:30,MON TUE,DE AT,10 20,W*\n")
    assert cli(hub, "reference", "load", "sites", "-", stdin=sites).stdout == "1 rows, 1 changed\n"
    assert json.loads(cli(hub, "reference", "show", "sites", "WH1", "--json").stdout)["entry"] == {
        "site": "WH1", "kind": "warehouse", "priority": 10, "zone": "Europe/Berlin", "cutoff": "16:30", "open_days": ["MON", "TUE"],
        "skus": ["W*"], "ships_to": {"countries": ["DE", "AT"], "postal_prefixes": ["10", "20"]}}
    customers = "code,aliases,credit_limit\nC-9,shop acme:shop9 acme:web:shop-9 :edi:S9,1000\n"
    cli(hub, "reference", "load", "customers", "-", stdin=customers)
    assert json.loads(cli(hub, "reference", "show", "customers", "C-9", "--json").stdout)["entry"]["aliases"] == [
        {"ref": "shop"}, {"ref": "shop9", "tenant": "acme"}, {"ref": "shop-9", "tenant": "acme", "account": "web"},
        {"ref": "S9", "account": "edi"}]
    tenants = "tenant,split,price_tolerance_pct,shipped_within_s,warn_pct\nacme,no,2.5,86400,50\n"
    cli(hub, "reference", "load", "tenants", "-", stdin=tenants)
    assert json.loads(cli(hub, "reference", "show", "tenants", "acme", "--json").stdout)["entry"] == {
        "tenant": "acme", "split": False, "price_tolerance_pct": "2.5", "sla": {"shipped_within_s": 86400, "warn_pct": 50}}
    cli(hub, "reference", "load", "carriers", "-", stdin="scac,services\nUPSN,GROUND AIR\n")


@pytest.mark.parametrize("text, says", [
    ("sku,base_uom,colour\nX,EA,red\n", ":1: unknown column \"colour\""),
    ("sku,base_uom\n\nX,EA\nY\n", ":4: 1 fields where the header has 2"),
    ("sku,base_uom,active\nX,EA,perhaps\n", ':2: "active" is neither true nor false: "perhaps"'),
    ("sku,base_uom,uoms\nX,EA,CS=1/\n", ':2: "uoms" is no factor'),
    ("sku,base_uom\n\"X,EA\n", "a quote is not closed"),
    ("sku,base_uom\nX,\n", ":2: base_uom: is missing (missing_member)"),
    ("sku,base_uom,gtins\nX1,EA,\nX2,EA,4006381333930\n", ":3: gtins: must be a GTIN"),
    ("sku,base_uom\nX1,EA\nX1,EA\n", ":3: names one that was named before"),
    ("", "no header"),
])
def test_csv_that_is_wrong_is_told_by_its_line_and_stores_nothing(hub, tmp_path, text, says):
    file = tmp_path / "wrong.csv"
    file.write_text(text, encoding="utf-8")
    done = cli(hub, "reference", "load", "products", str(file), check=False)
    assert done.returncode != 0 and done.stdout == "" and says in done.stderr, done.stderr
    assert ask(hub, "GET", "/v1/reference/products/X")[0] == 404 and ask(hub, "GET", "/v1/reference/products/X1")[0] == 404


def test_csv_with_many_wrong_cells_is_told_of_all_at_once(hub, tmp_path):
    file = tmp_path / "wrong.csv"
    file.write_text("sku,active,uoms,lot_tracked,base_uom,price,gtins\nX,perhaps,CS=abc,yes,EA,ten,4006381333932\nY,yes,,no,,,\nZ,yes\n,no,,,EA,,\n"
                    "W,yes,CS=1/0,maybe,EA,1,\n", encoding="utf-8")
    done = cli(hub, "reference", "load", "products", str(file), check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert [line.removeprefix(f"crossdock: {file}:") for line in done.stderr.splitlines()] == [
        '2: "active" is neither true nor false: "perhaps"', '2: "uoms" is no factor like CS=12 or M=1/3: "CS=abc"',
        '2: price: must be a decimal like "12.5" with at most 18 digits, 12 of them behind the point, not "ten" (bad_decimal)', "2: gtins: must be a GTIN of 8, 12, 13 or 14 digits whose last one is its check digit (bad_gtin)",
        "3: base_uom: is missing (missing_member)", "4: 2 fields where the header has 7", '5: "sku" is empty',
        '6: "lot_tracked" is neither true nor false: "maybe"', "6: uoms: must be from 1 to 2147483647 (out_of_range)"]
    file.write_text("sku,base_uom,active\n" + "\n".join(f"X{n},EA,x" for n in range(60)) + "\nX,\"\n", encoding="utf-8")
    lines = cli(hub, "reference", "load", "products", str(file), check=False).stderr.splitlines()
    assert len(lines) == 51 and lines[50] == f"crossdock: {file}: and 11 more"
    assert ask(hub, "GET", "/v1/reference/products/Y")[0] == 404


def test_large_csv_goes_in_parts_and_says_how_far_it_came(hub, tmp_path):
    file = tmp_path / "channels.csv"
    rows = [f"big-{n},{1 + n % 9}" for n in range(1200)]
    file.write_text("type,share\n" + "\n".join(rows[:1100] + ["bad,0"] + rows[1100:]) + "\n", encoding="utf-8")
    done = cli(hub, "reference", "load", "channels", str(file), check=False)
    assert done.returncode == 2 and f"{file}:1102: share: " in done.stderr, "which can be seen before anything is stored"
    assert ask(hub, "GET", "/v1/reference/channels/big-0")[0] == 404
    file.write_text("type,share\n" + "\n".join(rows[:1100] + rows[1050:]) + "\n", encoding="utf-8")  # what only the hub sees
    done = cli(hub, "reference", "load", "channels", str(file), check=False)
    assert done.returncode == 1 and f"{file}:1102: names one" in done.stderr and "the 1000 rows before line 1002 were stored" in done.stderr
    file.write_text("type,share\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert cli(hub, "reference", "load", "channels", str(file)).stdout == "1200 rows, 200 changed\n"


def test_json_is_put_and_versions_are_shown(hub, tmp_path):
    file = tmp_path / "entry.json"
    file.write_text(json.dumps({"sku": "JSON/1", "base_uom": "EA"}), encoding="utf-8")
    said = cli(hub, "reference", "put", "products", str(file)).stdout
    version = said.split()[-1]
    assert said == f"JSON/1 version {version}\n"
    assert cli(hub, "reference", "put", "products", str(file)).stdout == f"JSON/1 version {version}, unchanged\n"
    file.write_text(json.dumps({"entries": [{"sku": "JSON/1", "base_uom": "BX"}, {"sku": "JSON/2", "base_uom": "EA"}]}), encoding="utf-8")
    assert cli(hub, "reference", "put", "products", str(file), "--source", "erp").stdout == "2 products, 2 changed\n"
    text = cli(hub, "reference", "show", "products", "JSON/1").stdout
    assert f"previous  {version}" in text and '"base_uom": "BX"' in text and "the current one" in text
    old = json.loads(cli(hub, "reference", "show", "products", "JSON/1", "--number", version, "--json").stdout)
    assert old["entry"]["base_uom"] == "EA" and old["current"] is False
    file.write_text('{"base_uom": "EA"}', encoding="utf-8")
    done = cli(hub, "reference", "put", "products", str(file), check=False)
    assert done.returncode == 2 and 'has its key in "sku"' in done.stderr


def test_command_line_that_is_wrong_says_what_is_meant(hub):
    assert "did you mean products" in cli(hub, "reference", "list", "product", check=False).stderr
    assert "needs one more word" in cli(hub, "reference", "show", "products", check=False).stderr
    assert "needs two more words" in cli(hub, "reference", "show", check=False).stderr
    assert "takes no more words" in cli(hub, "reference", "show", "products", "A", "B", check=False).stderr
    assert "--source is api, csv or erp" in cli(hub, "reference", "put", "products", "-", "--source", "me", check=False).stderr
    assert "reference list KIND" in cli(hub, "reference", "show", "products", "NO-SUCH", check=False).stderr
