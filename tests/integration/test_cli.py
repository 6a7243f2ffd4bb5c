"""The operator's command line against a hub of a few canned answers, in the shapes of the real one, and an agent's database."""
import base64
import hashlib
import http.server
import json
import os
import pty
import re
import shlex
import socket
import stat
import subprocess
import threading

import pytest

from agents import BUILD, TOP, Agent, Wms
from brokers import free_port, wait_for

CLI = os.path.join(BUILD, "crossdock")

pytestmark = pytest.mark.sanitize

ORDER = {"order_id": "O1", "external_order_id": "PO-4711", "tenant": "default", "channel": {"type": "portal", "account": "web"},
         "customer_ref": "CUST-1", "currency": "EUR", "site": "WH1", "ships_from": [], "status": "SHIPPED", "revision": 1, "correlation_id": "c-1",
         "erp_reference": "default/web/PO-4711", "received_at": "2020-01-01T00:00:00.000Z", "updated_at": "2020-01-01T00:00:00.000Z"}
LINE = {"line_id": "1", "external_line_id": "1", "sku": "WIDGET", "uom": "EA", "unit_price": "9.95", "qty": "10", "open": "0",
        "allocated": "0", "released": "0", "shipped": "9", "cancelled": "1", "backordered": "0",
        "pending": "0", "overshipped": "0", "invoiced": "8"}
TOLD = {"site_id": "WH1", "backlog_work": 3, "backlog_bulk": 1, "oldest_unsent_ms": 200_000, "quarantined": 2, "releases_unanswered": 5,
        "store_used_bytes": 81920, "store_quota_bytes": 1073741824, "disk_free_bytes": 1610612736, "version": "0.1.0",
        "time": "2026-11-23T10:00:00.000Z", "wms_connected": True}
SITES = {"sites": [
    {"site": "WH1", "kind": "warehouse", "online": True, "last_seen": "2026-11-23T10:00:00.000Z", "last_seen_age_ms": 190_000,
     "added_at": "2026-11-23T09:00:00.000Z", "status": TOLD,
     "streams": [{"direction": "down", "lane": "work", "epoch": "aa", "watermark": "7", "backlog": 4},
                 {"direction": "up", "lane": "work", "epoch": "bb", "watermark": "9"}]},
    {"site": "3PL-A", "kind": "3pl", "online": False, "added_at": "2026-11-23T09:00:00.000Z",
     "streams": [{"direction": "up", "lane": "work", "epoch": "cc", "watermark": "9", "conflict": "10"}]}]}
ENROLMENT = {"site": "WH2", "kind": "warehouse",
             "uplink": {"url": "amqp://127.0.0.1:5672", "vhost": "crossdock", "username": "site-WH2", "password": "p4: \"#'\\x"},
             "signing": {"kid": "k1", "key": "00" * 32}}


def books(difference=0, site="WH1", parked=0):
    row = {"released": {"releases": 5, "lines": 5, "qty": "50"}, "confirmed": {"confirmations": 4, "lines": 4, "qty": "40"},
           "posted": {"shipments": 4, "lines": 4, "qty": "40"}, "parked": {"documents": parked, "lines": parked},
           "rejected": {"postings": 0, "lines": 0}, "short": {"lines": 0, "qty": "0"},
           "outstanding": {"lines": difference, "qty": str(difference)}, "unposted": {"lines": 0, "qty": "0"},
           "unaccounted_lines": 0, "difference": difference}
    return {"sites": [{"site": site, **row}], **row}


def problem(code, status, detail="No.", errors=(), retryable=False):
    return status, {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code,
                    "retryable": retryable, "errors": list(errors)}


class CannedHub:
    """Answers what it is told to, and keeps what it was asked."""

    def __init__(self):
        self.answers, self.asked = {}, []
        canned = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                canned.asked.append((self.command, self.path, dict(self.headers), body))
                status, answer = canned.answers.get((self.command, self.path.partition("?")[0]), problem("not_found", 404))
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            do_GET = do_POST = handle_any

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, method, path, answer, status=200):
        self.answers[method, path] = (status, answer)


@pytest.fixture
def hub():
    canned = CannedHub()
    yield canned
    canned.server.shutdown()
    canned.server.server_close()


def run(*arguments, url=None, stdin=b"", cwd=None, **env):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CROSSDOCK_")}
    if url:
        env["CROSSDOCK_URL"] = url
    return subprocess.run([CLI, *arguments], input=stdin, capture_output=True, timeout=60, check=False, cwd=cwd,
                          env={**clean, **env})


def text_of(done):
    return done.stdout.decode(), done.stderr.decode()


def good(*arguments, **more):
    done = run(*arguments, **more)
    assert done.returncode == 0, text_of(done)
    return done.stdout.decode()


def refused(status, *arguments, **more):
    """What it says on standard error; nothing may be on standard output."""
    done = run(*arguments, **more)
    assert done.returncode == status and done.stdout == b"", text_of(done)
    assert done.stderr.startswith(b"crossdock: ") and done.stderr.endswith(b"\n")
    return done.stderr.decode()


# ---- arguments and help ----

VERBS = ["status", "orders list", "orders show", "orders timeline", "orders submit", "orders validate", "orders cancel", "orders hold", "orders unhold",
         "orders revise", "exceptions show", "exceptions resolve", "sites list", "sites add", "exceptions list",
         "reconcile", "reference list", "reference show", "reference load", "reference put", "agent status", "agent backlog", "agent quarantine"]


def test_help_of_the_program_lists_every_verb_and_what_exit_statuses_mean():
    text = good("--help")
    assert all(f"\n  {verb}" in text for verb in VERBS)
    assert "Exit status: 0 fine" in text and "--token-file FILE" in text


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_says_how_it_is_used_before_and_after_it(verb):
    text = good(*verb.split(), "--help")
    assert text.startswith(f"usage: crossdock {verb}")
    assert good("--help", *verb.split()) == text and good("-h", *verb.split()) == text


def test_help_texts_fit_a_wide_terminal():
    for verb in VERBS:
        assert max(len(line) for line in good(*verb.split(), "--help").splitlines()) <= 120


def test_help_of_a_group_lists_its_verbs_only():
    text = good("orders", "--help")
    assert "orders submit FILE" in text and "sites add" not in text


def test_version_is_printed():
    assert re.fullmatch(r"crossdock \d+\.\d+\.\d+\n", good("--version"))


@pytest.mark.parametrize("arguments, said", [
    ([], "say what to do"),
    (["stauts"], "did you mean `status`?"),
    (["ordrs", "lits"], "did you mean `orders list`?"),
    (["orders", "shwo", "O1"], "did you mean `orders show`?"),
    (["orders"], "orders timeline ID"),
    (["orders", "zzzzzzzz"], "orders timeline ID"),
    (["frobnicate"], "crossdock --help lists them"),
    (["status", "--jsno"], "did you mean --json?"),
    (["status", "--frobnicate"], "there is no option --frobnicate"),
    (["status", "--kind", "3pl"], "`status` has no option --kind"),
    (["status", "-v"], "two dashes"),
    (["status", "extra"], "what shall `extra` be?"),
    (["orders", "show"], "crossdock orders show ID"),
    (["orders", "list", "--limit"], "--limit needs a value"),
    (["orders", "list", "--limit", "--json"], "--limit needs a value"),
    (["orders", "list", "--cursor="], "is empty"),
    (["orders", "list", "--json=yes"], "--json takes no value"),
    (["orders", "list", "--limit", "0"], "1 to 200"),
    (["orders", "list", "--limit", "201"], "1 to 200"),
    (["orders", "list", "--limit", "+5"], "1 to 200"),
    (["orders", "list", "--limit", "5x"], "1 to 200"),
    (["orders", "list", "--status", "shiped"], "did you mean SHIPPED?"),
    (["orders", "hold", "O1"], "say why"),
    (["orders", "cancel", "O1", "--line", "=3"], "LINE or LINE=QTY"),
    (["orders", "cancel", "O1", "--line", "1="], "LINE or LINE=QTY"),
    (["orders", "cancel", "O1", "--line", "1", "--line", "2"], "one at a time"),
    (["orders", "unhold", "O1"], "crossdock orders unhold ID HOLD"),
    (["orders", "revise", "O1", "/nonexistent/order.json"], "/nonexistent/order.json: No such file"),
    (["exceptions", "resolve", "E1", "ignore"], "accept, reject or retry, not `ignore`"),
    (["sites", "add", "wh1"], "A-Z 0-9 _ -"),
    (["sites", "add", "../X"], "A-Z 0-9 _ -"),
    (["sites", "add", "WH1", "--kind", "shop"], "warehouse or 3pl"),
    (["agent", "status"], "--config agent.yaml"),
    (["status", "--url", "ftp://hub"], "http://HOST:PORT"),
    (["status", "--url", "http://"], "http://HOST:PORT"),
    (["status", "--token-file", "/nonexistent/token"], "/nonexistent/token: No such file"),
    (["orders", "submit", "/nonexistent/order.json"], "/nonexistent/order.json: No such file"),
])
def test_wrong_arguments_are_told_in_a_sentence_with_exit_status_2(arguments, said):
    assert said in refused(2, *arguments)


# ---- the hub's address, token and problems ----

def test_a_hub_that_is_not_there_is_told_with_what_to_check():
    said = refused(1, "status", "--url", f"http://127.0.0.1:{free_port()}")
    assert "no hub answers at http://127.0.0.1:" in said and "Check that crossdock-hub runs" in said


def test_the_default_address_is_loopback_8080():
    assert "http://127.0.0.1:8080" in good("status", "--help")


def test_address_and_token_come_from_options_before_the_environment(hub, tmp_path):
    hub.answer("GET", "/v1/sites", SITES)
    (tmp_path / "token").write_text("s3cret\n")
    (tmp_path / "other").write_text("other")
    good("sites", "list", url=hub.url, CROSSDOCK_TOKEN_FILE=str(tmp_path / "token"))
    good("--url", hub.url + "/", "sites", "list", "--token-file", str(tmp_path / "other"), url="http://127.0.0.1:1",
         CROSSDOCK_TOKEN_FILE=str(tmp_path / "token"))
    good("sites", "list", url=hub.url)
    assert [asked[2].get("Authorization") for asked in hub.asked] == ["Bearer s3cret", "Bearer other", None]
    assert {asked[1] for asked in hub.asked} == {"/v1/sites"}


@pytest.mark.parametrize("content, said", [(b"", "is empty"), (b"\n", "is empty"), (b"two words\n", "is no token"),
                                           (b"a\r\nX: y", "is no token"), (b"x" * 5000, "is larger than 4096")])
def test_a_file_that_holds_no_token_is_refused_before_anything_is_sent(hub, tmp_path, content, said):
    (tmp_path / "token").write_bytes(content)
    assert said in refused(2, "status", "--token-file", str(tmp_path / "token"), url=hub.url)
    assert not hub.asked


def test_a_problem_is_told_with_its_code_detail_and_every_pointer(hub, tmp_path):
    errors = [{"code": "bad_decimal", "pointer": "/lines/0/qty", "detail": "Is no decimal.", "retryable": False},
              {"code": "missing_member", "pointer": "", "detail": "Needs lines.", "retryable": False}]
    hub.answers["POST", "/v1/orders"] = problem("invalid_order", 422, "The order cannot be taken.", errors)
    (tmp_path / "order.json").write_text("{}")
    assert refused(1, "orders", "submit", str(tmp_path / "order.json"), url=hub.url) == (
        "crossdock: invalid_order (HTTP 422): The order cannot be taken.\n"
        "  /lines/0/qty: Is no decimal. (bad_decimal)\n  the whole document: Needs lines. (missing_member)\n")


def test_a_query_parameter_that_cannot_be_used_is_told_by_its_name(hub):
    errors = [{"code": "bad_value", "parameter": "cursor", "detail": "is `x`.", "retryable": False}]
    hub.answers["GET", "/v1/orders"] = problem("bad_query", 400, "The query parameter `cursor` is `x`.", errors)
    assert "\n  cursor: is `x`. (bad_value)\n" in refused(1, "orders", "list", "--cursor", "x", url=hub.url)


def test_a_problem_is_printed_as_json_too_when_json_is_wanted(hub):
    hub.answers["GET", "/v1/status"] = problem("try_again", 503, retryable=True)
    done = run("status", "--json", url=hub.url)
    assert done.returncode == 1 and json.loads(done.stdout)["code"] == "try_again"
    assert b"The same again later can work." in done.stderr


def test_missing_and_weak_tokens_are_told_with_what_to_do(hub):
    hub.answers["GET", "/v1/status"] = problem("unauthorized", 401)
    assert "--token-file" in refused(1, "status", url=hub.url)
    hub.answers["GET", "/v1/status"] = problem("forbidden", 403)
    assert "higher role" in refused(1, "status", url=hub.url)


@pytest.mark.parametrize("status, body", [(200, b"<html>"), (200, b"[]"), (200, b""), (200, b'{"a":1,"a":2}'), (502, b"<html>Bad"),
                                          (302, b""), (500, b"{}"), (500, b"\xff\xfe\x00")])
def test_what_is_no_hub_is_told_and_nothing_breaks(hub, status, body):
    hub.answers["GET", "/v1/status"] = (status, body)
    refused(1, "status", url=hub.url)


# ---- orders ----

def test_orders_are_listed_in_aligned_columns_with_ages(hub):
    hub.answer("GET", "/v1/orders", {"orders": [dict(ORDER, customer_ref="Ünïcode 商店"), dict(ORDER, order_id="O22", site="3PL-A")]})
    lines = good("orders", "list", url=hub.url).splitlines()
    assert lines[0].split() == ["ORDER", "EXTERNAL", "CUSTOMER", "CHANNEL", "SITE", "STATUS", "AGE"]
    assert lines[1].startswith("O1   ") and lines[2].startswith("O22  ")
    wide = len("商店")  # each takes two columns
    assert lines[1].index("SHIPPED") + wide == lines[2].index("SHIPPED") == lines[0].index("STATUS")
    assert re.search(r" \d+ days$", lines[1]) and all(line == line.rstrip() for line in lines)


def test_filters_and_paging_of_a_list_reach_the_api_encoded(hub):
    hub.answer("GET", "/v1/orders", {"orders": [ORDER], "next_cursor": "O1"})
    text = good("orders", "list", "--status", "part-shipped", "--external=PO 1&x=2", "--limit", "7", "--cursor", "O0", url=hub.url)
    assert hub.asked[0][1] == "/v1/orders?status=PART_SHIPPED&external_order_id=PO%201%26x%3D2&limit=7&cursor=O0"
    hint = text.splitlines()[-1]
    assert hint == "more: crossdock orders list --status part-shipped --external 'PO 1&x=2' --limit 7 --cursor O1"
    good(*shlex.split(hint)[2:], "--url", hub.url)
    assert hub.asked[1][1] == hub.asked[0][1].replace("O0", "O1")
    assert good("orders", "list", "--external", "it's", url=hub.url).endswith("list --external 'it'\\''s' --cursor O1\n")


def test_an_empty_list_says_so(hub):
    hub.answer("GET", "/v1/orders", {"orders": []})
    assert good("orders", "list", url=hub.url) == "no orders\n"


def test_json_is_the_apis_own_made_readable_with_numbers_as_they_came(hub):
    body = b'{"orders":[{"order_id":"O1","n":9007199254740993,"x":1.10,"e":"\\u00e9{[,:\\"","empty":{},"none":[]}]}'
    hub.answers["GET", "/v1/orders"] = (200, body)
    text = good("--json", "orders", "list", url=hub.url)
    assert json.loads(text) == json.loads(body)
    assert '"n": 9007199254740993,\n' in text and '"x": 1.10' in text and '"empty": {},\n      "none": []' in text


def test_an_order_is_shown_with_quantities_and_releases(hub):
    release = {"release_id": "R1", "revision": 1, "order_id": "O1", "site": "WH1", "status": "SHORT_CLOSED",
               "created_at": "2020-01-01T00:00:00.000Z", "updated_at": "2020-01-01T00:00:00.000Z"}
    hub.answer("GET", "/v1/orders/O1", dict(ORDER, lines=[LINE], releases=[release]))
    text = good("orders", "show", "O1", url=hub.url)
    assert re.search(r"^status +SHIPPED$", text, re.M) and re.search(r"^R1 +1  WH1 +SHORT_CLOSED +- +\d+ days$", text, re.M)
    assert re.search(r"^LINE .* OVER +INVOICED$", text, re.M) and re.search(r"^1 +WIDGET +EA +10 +0 +0 +0 +9 +1 +0 +0 +0 +8$", text, re.M)


def test_an_orders_site_is_where_it_ships_from(hub):
    hub.answer("GET", "/v1/orders", {"orders": [dict(ORDER, order_id="O1", ships_from=["WH2", "3PL-A"]), dict(ORDER, order_id="O2")]})
    text = good("orders", "list", url=hub.url)
    assert re.search(r"^O1 .* web +WH2,3PL-A +SHIPPED ", text, re.M)
    assert re.search(r"^O2 .* web +WH1 +SHIPPED ", text, re.M)  # nothing is released yet: the one that it prefers
    hub.answer("GET", "/v1/orders/O1", dict(ORDER, preferred_site="WH1", ships_from=["WH2", "3PL-A"], lines=[LINE], releases=[]))
    text = good("orders", "show", "O1", url=hub.url)
    assert re.search(r"^preferred site +WH1$", text, re.M) and re.search(r"^ships from +WH2 3PL-A$", text, re.M)
    assert "chosen site" not in text
    hub.answer("GET", "/v1/orders/O1", dict(ORDER, lines=[LINE], releases=[]))
    text = good("orders", "show", "O1", url=hub.url)
    assert re.search(r"^chosen site +WH1$", text, re.M) and "preferred site" not in text  # it prefers none


def test_an_order_shows_what_is_decided_about(hub):
    ship_to = {"name": "Corner Shop", "address": ["1 Dock Road", "Gate 2"], "city": "Leeds", "postal_code": "LS1 1AA", "country": "GB"}
    line = dict(LINE, lot_constraint={"lot": "L1"}, min_remaining_shelf_life=30, serial_required=True, temperature_class="COLD")
    order = dict(ORDER, customer_po="45\x1b[31m", parties={"ship_to": ship_to, "mark_for": {"name": "Dept 7"}, "sold_to": {"id": "C1"}},
                 dates={"ship_not_before": "2026-12-02", "cancel_after": "2026-12-08"}, freight={"terms": "COLLECT", "scac": "UPSN"},
                 attributes={"gift\x1b": {"note": "x"}}, lines=[LINE, line], releases=[])
    hub.answer("GET", "/v1/orders/O1", order)
    text = good("orders", "show", "O1", url=hub.url)
    for row in ("ship to +Corner Shop, 1 Dock Road, Gate 2, Leeds, LS1 1AA, GB", "mark for +Dept 7", "date +ship_not_before 2026-12-02",
                "date +cancel_after 2026-12-08", "freight +terms COLLECT", "freight +scac UPSN", "attribute +gift\ufffd {\"note\":\"x\"}",
                "1 +lot_constraint {\"lot\":\"L1\"}", "1 +min_remaining_shelf_life 30", "1 +serial_required true",
                "1 +temperature_class COLD"):
        assert re.search(f"^{row}$", text, re.M), row
    assert text.count("lot_constraint") == 1 and "\x1b" not in text
    hub.answer("GET", "/v1/orders/O1", dict(ORDER, lines=[LINE], releases=[]))
    text = good("orders", "show", "O1", url=hub.url)
    assert "HANDLED" not in text and "ship to" not in text


def test_an_order_that_came_to_nothing_says_why(hub):
    hub.answer("GET", "/v1/orders/O1", dict(ORDER, status="CANCELLED", lines=[LINE], releases=[],
                                            reason={"code": "cancelled", "detail": "bought twice", "by": "web"}))
    text = good("orders", "show", "O1", url=hub.url)
    assert re.search(r"^because +cancelled: bought twice$", text, re.M) and re.search(r"^by +web$", text, re.M)


def test_an_order_shows_what_holds_it_what_is_promised_and_what_is_asked_back(hub):
    release = {"release_id": "R1", "revision": 2, "order_id": "O1", "site": "WH1", "status": "SENT", "cancel": "REQUESTED",
               "created_at": "2020-01-01T00:00:00.000Z", "updated_at": "2020-01-01T00:00:00.000Z"}
    hub.answer("GET", "/v1/orders/O1", dict(
        ORDER, lines=[dict(LINE, pending="4")], releases=[release], holds=["CREDIT", "OPERATOR"], steps=["check"],
        cancel_requested=True, exceptions=[{"id": "E1", "code": "CREDIT_HOLD"}],
        deadlines=[{"promise": "accepted", "due_at": "2026-11-23T10:00:00.000Z", "breached": True},
                   {"promise": "shipped", "due_at": "2026-11-24T10:00:00.000Z", "breached": False}]))
    text = good("orders", "show", "O1", url=hub.url)
    assert re.search(r"^exception +E1 CREDIT_HOLD$", text, re.M)
    assert re.search(r"^held for +CREDIT OPERATOR$", text, re.M) and re.search(r"^cancelled +asked for$", text, re.M)
    assert re.search(r"^promised \(UTC\) +accepted by 2026-11-23 10:00:00.000, missed$", text, re.M)
    assert re.search(r"^promised \(UTC\) +shipped by 2026-11-24 10:00:00.000$", text, re.M)
    assert re.search(r"^R1 +2  WH1 +SENT +REQUESTED +\d+ days$", text, re.M) and re.search(r" +9 +1 +0 +4 +0 +8$", text, re.M)


@pytest.mark.parametrize("arguments, path, sent", [
    (["orders", "cancel", "O1"], "/v1/orders/O1/cancel", {}),
    (["orders", "cancel", "O1", "--reason", 'said "no"'], "/v1/orders/O1/cancel", {"reason": 'said "no"'}),
    (["orders", "cancel", "O1", "--line", "a=b=2.5"], "/v1/orders/O1/cancel", {"lines": [{"line_id": "a=b", "qty": "2.5"}]}),
    (["orders", "cancel", "O1", "--line", "7"], "/v1/orders/O1/cancel", {"lines": [{"line_id": "7"}]}),
    (["orders", "hold", "O1", "--reason", "ask first"], "/v1/orders/O1/hold", {"reason": "ask first"}),
    (["orders", "unhold", "O1", "credit"], "/v1/orders/O1/unhold", {"hold": "CREDIT"}),
    (["exceptions", "resolve", "E1", "retry", "--reason", "fixed"], "/v1/exceptions/E1/resolve", {"action": "retry", "reason": "fixed"})])
def test_what_an_operator_wants_reaches_the_api_and_the_order_is_told(hub, arguments, path, sent):
    release = {"release_id": "R1", "site": "WH1", "cancel": "REQUESTED"}
    hub.answer("POST", path, dict(ORDER, status="HELD", holds=["OPERATOR"], releases=[release, dict(release, cancel="NONE")]), 202)
    assert good(*arguments, url=hub.url) == (
        "O1 HELD\nheld for: OPERATOR\nwaits for WH1, which is asked to give up R1\n")
    assert json.loads(hub.asked[-1][3]) == sent
    assert json.loads(good(*arguments, "--json", url=hub.url))["status"] == "HELD"


def test_an_exception_that_needs_no_more_than_a_note_is_told_as_resolved(hub):
    hub.answer("POST", "/v1/exceptions/E1/resolve", {"id": "E1", "code": "OVERSHIP", "open": False})
    assert good("exceptions", "resolve", "E1", "accept", url=hub.url) == "E1 resolved\n"
    closed = {"id": "E1", "code": "OVERSHIP", "open": False, "resolved_at": "2026-11-23T10:00:00.000Z"}
    hub.answer("POST", "/v1/exceptions/E1/resolve", closed)
    assert good("exceptions", "resolve", "E1", "reject", url=hub.url) == "E1 resolved\n"
    hub.answer("POST", "/v1/exceptions/E1/resolve", {**closed, "resolved_by": "anna", "action": "accept"})
    assert good("exceptions", "resolve", "E1", "reject", url=hub.url) == "E1 resolved: accept by anna\n"
    hub.answers["POST", "/v1/exceptions/E1/resolve"] = problem("action_not_possible", 409)
    assert "action_not_possible (HTTP 409)" in refused(1, "exceptions", "resolve", "E1", "retry", url=hub.url)
    assert "crossdock exceptions list" in refused(1, "exceptions", "resolve", "E9", "retry", url=hub.url)


def test_an_exception_is_shown(hub):
    hub.answer("GET", "/v1/exceptions/E1", {"id": "E1", "code": "SLA_BREACH", "status": "open", "order_id": "O1",
                                            "detail": "late", "raised_at": "2026-11-23T10:00:00.000Z", "resolved_by": "boss",
                                            "action": "accept", "reason": "seen"})
    text = good("exceptions", "show", "E1", url=hub.url)
    assert re.search(r"^resolved by +boss$", text, re.M) and re.search(r"^action +accept$", text, re.M)
    assert re.search(r"^reason +seen$", text, re.M)
    assert re.search(r"^code +SLA_BREACH$", text, re.M) and re.search(r"^raised \(UTC\) +2026-11-23 10:00:00.000$", text, re.M)
    assert "release" not in text


def test_a_revision_says_which_order_it_has_seen(hub, tmp_path):
    (tmp_path / "order.json").write_text('{"external_order_id": "PO-4711"}')
    hub.answer("GET", "/v1/orders/O1", dict(ORDER, revision=7))
    hub.answer("POST", "/v1/orders/O1/revisions", dict(ORDER, revision=8), 202)
    assert good("orders", "revise", "O1", str(tmp_path / "order.json"), url=hub.url) == "O1 SHIPPED\n"
    assert hub.asked[-1][2]["If-Match"] == '"7"' and hub.asked[-1][3] == b'{"external_order_id": "PO-4711"}'
    assert json.loads(good("--json", "orders", "revise", "O1", str(tmp_path / "order.json"), url=hub.url))["revision"] == 8
    warning = {"code": "possible_duplicate_line", "pointer": "/lines/1", "detail": "says the same"}
    hub.answer("POST", "/v1/orders/O1/revisions", dict(ORDER, revision=8, warnings=[warning]), 202)
    told = run("orders", "revise", "O1", str(tmp_path / "order.json"), url=hub.url)
    assert told.returncode == 0 and b"warning: possible_duplicate_line /lines/1 says the same\n" in told.stderr
    hub.answers["POST", "/v1/orders/O1/revisions"] = problem("revision_conflict", 412)
    assert "revision_conflict (HTTP 412)" in refused(1, "orders", "revise", "O1", str(tmp_path / "order.json"), url=hub.url)


def test_an_unknown_order_is_told_with_how_to_find_it(hub):
    assert "--external NUMBER" in refused(1, "orders", "show", "PO/4711", url=hub.url)
    assert hub.asked[0][1] == "/v1/orders/PO%2F4711"


def test_a_timeline_shows_each_step_with_its_details(hub):
    steps = [{"at": "2026-11-23T10:00:00.125Z", "step": "order.received", "correlation_id": "c", "detail": {"site": "WH1", "lines": 1}},
             {"at": "2026-11-23T10:00:01.000Z", "step": "release.response", "correlation_id": "c", "detail": {"reason": None}}]
    hub.answer("GET", "/v1/orders/O1/timeline", {"order_id": "O1", "external_order_id": "PO", "status": "SHIPPED", "steps": steps})
    lines = good("orders", "timeline", "O1", url=hub.url).splitlines()
    assert lines[1] == "2026-11-23 10:00:00.125  order.received    site=WH1 lines=1"
    assert lines[2].rstrip() == "2026-11-23 10:00:01.000  release.response"


def test_what_a_stranger_typed_cannot_command_the_terminal(hub):
    evil = "A\x1b[2J\x07\u202eB\u009bC\nD"
    hub.answer("GET", "/v1/orders", {"orders": [dict(ORDER, external_order_id=evil)], "next_cursor": "\x1b]0;x"})
    text = good("orders", "list", url=hub.url)
    assert "A\ufffd[2J\ufffd\ufffdB\ufffdC\ufffdD" in text and not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    hub.answers["GET", "/v1/orders"] = problem("bad\x1b", 400, "\x1b[31m")
    assert "\x1b" not in refused(1, "orders", "list", url=hub.url)


def test_an_order_is_submitted_under_a_key_of_its_content(hub, tmp_path):
    hub.answer("POST", "/v1/orders", {"order_id": "O1", "status": "RECEIVED"}, 202)
    (tmp_path / "a.json").write_text('{"b": [1, 2], "a": "x"}')
    assert good("orders", "submit", str(tmp_path / "a.json"), url=hub.url) == "O1 RECEIVED\n"
    good("orders", "submit", "-", url=hub.url, stdin=b'{ "a":"x",\n"b":[1,2] }')
    good("orders", "submit", "-", url=hub.url, stdin=b'{"a":"y","b":[1,2]}')
    good("orders", "submit", "-", "--key", "mine-1", url=hub.url, stdin=b"{}")
    keys = [asked[2]["Idempotency-Key"] for asked in hub.asked]
    assert keys[0] == keys[1] != keys[2] and keys[3] == '"mine-1"'
    assert keys[0] == f'"sha256-{hashlib.sha256(b"{%sa%s:%sx%s,%sb%s:[1,2]}" % ((b"%c" % 34,) * 6)).hexdigest()}"'
    assert hub.asked[0][3] == b'{"b": [1, 2], "a": "x"}' and hub.asked[0][2]["Content-Type"] == "application/json"


def test_an_order_that_is_no_json_is_told_with_its_place_and_not_sent(hub, tmp_path):
    path = tmp_path / "order.json"
    path.write_text('{\n  "a": 1,\n}')
    assert f"{path}:3:1: " in refused(2, "orders", "submit", str(path), url=hub.url)
    assert "standard input:1:" in refused(2, "orders", "submit", "-", url=hub.url, stdin=b"nope")
    assert "larger than" in refused(2, "orders", "submit", "-", url=hub.url, stdin=b" " * 1_100_000)
    assert not hub.asked


VERDICT = {"valid": True, "problems": [{"code": "duplicate_line", "pointer": "/lines/1", "detail": "The same again.", "retryable": False,
                                         "warning": True}],
           "price": {"currency": "EUR", "net": "20", "tax": "3.8", "gross": "23.8", "lines": [
               {"line_id": "1", "sku": "TEA", "base_qty": "24", "base_uom": "EA", "unit_price": "10", "per": "CS", "net": "20", "tax": "3.8"},
               {"line_id": "2"}]},
           "credit": {"exposure": "5", "ok": True, "customer": "C-1", "limit": "100"},
           "availability": [{"line_id": "1", "sku": "TEA", "known": True, "available": "7"}, {"line_id": "2", "known": False}],
           "plan": {"decision": "split", "reason": "WH1 has not all of it", "parts": [
               {"site": "WH1", "ship_date": "2026-11-23", "line_id": "1", "base_qty": "7"}]}}


def test_an_order_is_asked_about_without_being_handed_in(hub, tmp_path):
    hub.answer("POST", "/v1/orders/validate", VERDICT)
    path = tmp_path / "order.json"
    path.write_text('{"a": 1}')
    text = good("orders", "validate", str(path), url=hub.url)
    assert hub.asked[0][1] == "/v1/orders/validate" and hub.asked[0][3] == b'{"a": 1}' and "Idempotency-Key" not in hub.asked[0][2]
    assert text.startswith("valid\n") and re.search(r"^warning  duplicate_line  /lines/1  The same again.$", text, re.M)
    assert re.search(r"^1 +TEA +24 +EA +10 +CS +20 +3.8 +7$", text, re.M) and re.search(r"^2 +- .* not known$", text, re.M)
    assert "\nprice   net 20, tax 3.8, gross 23.8 EUR\ncredit  fits; customer C-1, owed already 5, limit 100\n" in text
    assert "\nplan    split: WH1 has not all of it\n" in text and re.search(r"^WH1 +2026-11-23 +1 +7$", text, re.M)
    assert json.loads(good("orders", "validate", "-", "--json", url=hub.url, stdin=b"{}")) == VERDICT


def test_an_order_that_would_not_be_taken_ends_with_1(hub):
    wrong = {"valid": False, "problems": [{"code": "missing_member", "pointer": "", "detail": "Lines are missing.", "retryable": False,
                                           "warning": False}], "more": 3, "price": {"lines": []},
             "credit": {"exposure": "0", "ok": False}, "availability": []}
    hub.answer("POST", "/v1/orders/validate", wrong)
    done = run("orders", "validate", "-", url=hub.url, stdin=b"{}")
    text = done.stdout.decode()
    assert done.returncode == 1 and text.startswith("not valid\n") and "and 3 more\n" in text and "plan" not in text
    assert re.search("^problem  missing_member  the whole order  Lines are missing.$", text, re.M)
    assert run("orders", "validate", "-", "--json", url=hub.url, stdin=b"{}").returncode == 1
    hub.answers["POST", "/v1/orders/validate"] = problem("channel_not_allowed", 403)
    assert "channel_not_allowed (HTTP 403)" in refused(1, "orders", "validate", "-", url=hub.url, stdin=b"{}")
    assert "standard input:1:" in refused(2, "orders", "validate", "-", url=hub.url, stdin=b"nope")


@pytest.mark.parametrize("key", ["a b", 'a"b', "a\\b", "ä", "x" * 129])
def test_a_key_that_cannot_be_sent_is_refused(hub, key):
    assert "--key" in refused(2, "orders", "submit", "-", "--key", key, url=hub.url, stdin=b"{}")
    assert not hub.asked


def test_an_answer_that_breaks_off_says_that_repeating_is_safe(hub, tmp_path):
    hub.answers["POST", "/v1/orders"] = (202, b"{}")
    with HangsUp() as port:
        said = refused(1, "orders", "submit", "-", "--url", f"http://127.0.0.1:{port}", stdin=b"{}")
    assert "Run the same command again: that is safe" in said


class HangsUp:
    """Takes a request and closes the connection without an answer."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        return self.listener.getsockname()[1]

    def _serve(self):
        connection, _ = self.listener.accept()
        connection.recv(65536)
        connection.close()

    def __exit__(self, *_):
        self.thread.join(20)
        self.listener.close()


# ---- sites ----

def test_sites_are_listed_with_what_they_told(hub):
    hub.answer("GET", "/v1/sites", SITES)
    lines = good("sites", "list", url=hub.url).splitlines()
    assert re.split(" {2,}", lines[0]) == ["SITE", "KIND", "LINE", "LAST SEEN", "TO SITE", "FROM SITE", "OLDEST", "UNANSWERED",
                                          "QUARANTINE", "WMS BROKER", "DISK FREE", "AGENT"]
    assert re.split(" {2,}", lines[1]) == ["WH1", "warehouse", "online", "3 min", "4", "4", "3 min", "5", "2", "up", "1.5 GB", "0.1.0"]
    assert re.split(" {2,}", lines[2]) == ["3PL-A", "3pl", "conflict", "never", "0", "-", "-", "-", "-", "-", "-", "-"]


def test_status_sums_up_and_leaves_out_what_is_zero(hub):
    hub.answer("GET", "/v1/status", {"orders": {"RECEIVED": 0, "HELD": 1, "SHIPPED": 30}, "erp_jobs": {"QUEUED": 0, "DONE": 0},
                                     "open_exceptions": 2, **SITES})
    lines = good("status", url=hub.url).splitlines()
    assert lines[:3] == ["orders       1 HELD, 30 SHIPPED", "ERP postings none", "exceptions   2 open: crossdock exceptions list"]
    assert lines[4].startswith("SITE ")


def add(hub, folder, *more):
    hub.answer("POST", "/v1/sites", ENROLMENT, 201)
    return run("sites", "add", "WH2", *more, url=hub.url, cwd=folder)


def test_the_enrolment_file_is_private_and_the_agent_takes_it(hub, tmp_path):
    done = add(hub, tmp_path, "--kind", "3pl")
    path = tmp_path / "WH2.enrol"
    assert done.returncode == 0 and b"WH2.enrol" in done.stdout, text_of(done)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and os.listdir(tmp_path) == ["WH2.enrol"]
    assert json.loads(hub.asked[0][3]) == {"site": "WH2", "kind": "3pl"}
    (tmp_path / "agent.yaml").write_text("site: WH2\nenrolment_file: WH2.enrol\n")
    checked = subprocess.run([os.path.join(BUILD, "crossdock-agent"), "--config", str(tmp_path / "agent.yaml"), "--check"],
                             capture_output=True, timeout=30, check=False)
    assert checked.returncode == 0, text_of(checked)
    yaml = pytest.importorskip("yaml")
    wanted = {k: v for k, v in ENROLMENT.items() if k != "kind"}
    assert yaml.safe_load(path.read_text()) == wanted


def test_the_enrolment_file_is_private_under_any_umask(hub, tmp_path):
    hub.answer("POST", "/v1/sites", ENROLMENT, 201)
    done = subprocess.run(["sh", "-c", f"umask 0; exec {CLI} sites add WH2 --url {hub.url}"], cwd=tmp_path, capture_output=True,
                          timeout=60, check=False)
    assert done.returncode == 0 and stat.S_IMODE((tmp_path / "WH2.enrol").stat().st_mode) == 0o600


def test_secrets_of_a_new_site_are_in_the_file_only(hub, tmp_path):
    for more in ([], ["--json", "--force"]):
        done = add(hub, tmp_path, *more)
        assert done.returncode == 0 and b"p4" not in done.stdout + done.stderr and b"00" * 32 not in done.stdout + done.stderr
    assert json.loads(done.stdout) == {"site": "WH2", "kind": "warehouse", "signing": {"kid": "k1"}, "file": "WH2.enrol",
                                       "uplink": {"url": "amqp://127.0.0.1:5672", "vhost": "crossdock", "username": "site-WH2"}}


def test_a_file_that_is_there_is_replaced_with_force_only(hub, tmp_path):
    path = tmp_path / "mine"
    path.write_text("precious")
    done = add(hub, tmp_path, "--out", str(path))
    assert done.returncode == 2 and b"--force" in done.stderr and not hub.asked and path.read_text() == "precious"
    assert add(hub, tmp_path, "--out", str(path), "--force").returncode == 0
    assert "site-WH2" in path.read_text() and stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_is_asked_when_the_enrolment_could_not_be_kept(hub, tmp_path):
    done = add(hub, tmp_path, "--out", str(tmp_path / "missing" / "x.enrol"))
    assert done.returncode == 2 and b"missing" in done.stderr and not hub.asked


def test_an_enrolment_that_cannot_be_put_in_place_is_printed_rather_than_lost(hub, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x").write_text("")
    done = add(hub, tmp_path, "--out", str(tmp_path / "folder"), "--force")
    assert done.returncode == 1 and b"site-WH2" in done.stdout and b"cannot be had again" in done.stderr
    assert os.listdir(tmp_path) == ["folder"]


def test_a_refused_site_leaves_no_file(hub, tmp_path):
    hub.answers["POST", "/v1/sites"] = problem("site_exists", 409, "Site WH2 is there already.")
    done = run("sites", "add", "WH2", url=hub.url, cwd=tmp_path)
    assert done.returncode == 1 and b"site_exists" in done.stderr and os.listdir(tmp_path) == []


# ---- exceptions and reconciliation ----

def test_exceptions_are_listed_open_ones_first_of_all(hub):
    row = {"id": "E1", "code": "UNMATCHED_LINE", "status": "open", "site": "WH1", "order_id": "O1", "release_id": "R1", "line_id": "7",
           "document": "confirmation", "document_id": "C-1", "version": 1, "qty": "3", "detail": "No such line.",
           "raised_at": "2020-01-01T00:00:00.000Z"}
    hub.answer("GET", "/v1/exceptions", {"exceptions": [row, {"id": "E2", "code": "SHORT_CLOSED", "status": "resolved",
                                                              "detail": "x", "raised_at": "2020-01-01T00:00:00.000Z"}]})
    lines = good("exceptions", "list", url=hub.url).splitlines()
    assert re.split(" {2,}", lines[1])[:9] == ["E1", "UNMATCHED_LINE", "open", "WH1", "O1", "R1", "7", "confirmation C-1", "3"]
    assert re.split(" {2,}", lines[2])[:9] == ["E2", "SHORT_CLOSED", "resolved", "-", "-", "-", "-", "-", "-"]
    good("exceptions", "list", "--all", url=hub.url)
    assert [asked[1] for asked in hub.asked] == ["/v1/exceptions?status=open&limit=50", "/v1/exceptions?status=all&limit=50"]


def test_exceptions_of_an_order_a_code_a_site_are_asked_for(hub):
    hub.answer("GET", "/v1/exceptions", {"exceptions": []})
    good("exceptions", "list", "--order", "O1", "--code", "OVERSHIP", "--site", "WH1", url=hub.url)
    assert [asked[1] for asked in hub.asked] == ["/v1/exceptions?status=open&order_id=O1&code=OVERSHIP&site=WH1&limit=50"]


def test_no_exceptions_are_good_news(hub):
    hub.answer("GET", "/v1/exceptions", {"exceptions": []})
    assert good("exceptions", "list", url=hub.url) == "no open exceptions\n"


def test_balanced_books_exit_with_0_and_say_so(hub):
    hub.answer("GET", "/v1/reconciliation", books())
    lines = good("reconcile", "--site", "WH1", url=hub.url).splitlines()
    assert hub.asked[0][1] == "/v1/reconciliation?site=WH1"
    assert lines[0].split() == ["SITE", "RELEASED", "CONFIRMED", "POSTED", "SHORT", "OUTSTANDING", "UNPOSTED", "PARKED", "REJECTED",
                                "UNACCOUNTED", "DIFFERENCE"]
    assert lines[1].split() == ["WH1", "5", "4", "4", "0", "0", "0", "0", "0", "0", "0"]
    assert lines[-1].startswith("difference 0: ")


def test_books_of_a_site_that_there_is_not_are_no_balanced_books(hub):
    hub.answers["GET", "/v1/reconciliation"] = problem("not_found", 404, "There is no such site.")
    assert "`crossdock sites list` shows the sites" in refused(1, "reconcile", "--site", "NOPE", url=hub.url)


def test_a_difference_exits_with_3_and_says_where_it_is(hub):
    both = books(2, parked=1)
    both["sites"].append(dict(both["sites"][0], site="3PL-A"))
    hub.answer("GET", "/v1/reconciliation", both)
    done = run("reconcile", url=hub.url)
    text = done.stdout.decode()
    assert done.returncode == 3 and "difference 2: lines released and not confirmed 2" in text
    assert re.search("^all ", text, re.M) and "documents 1, lines 1; see crossdock exceptions list" in text
    assert run("reconcile", "--json", url=hub.url).returncode == 3


def test_books_without_a_difference_in_them_are_no_balanced_books(hub):
    hub.answer("GET", "/v1/reconciliation", {"sites": []})
    assert "does not say" in refused(1, "reconcile", url=hub.url)


# ---- terminals and pipes ----

def test_colour_is_for_terminals_only_and_can_be_declined(hub):
    hub.answer("GET", "/v1/reconciliation", books())
    assert "\x1b" not in good("reconcile", url=hub.url)
    assert "\x1b[1m" in on_terminal(hub) and "\x1b" not in on_terminal(hub, NO_COLOR="1")


def on_terminal(hub, **env):
    master, slave = pty.openpty()
    with subprocess.Popen([CLI, "reconcile", "--url", hub.url], stdout=slave, env={**os.environ, "NO_COLOR": "", **env}) as process:
        os.close(slave)
        text = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:
                break
            if not part:
                break
            text += part
        process.wait(30)
    os.close(master)
    return text.decode()


def test_output_that_cannot_be_written_is_no_success(hub):
    hub.answer("GET", "/v1/sites", SITES)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([CLI, "sites", "list", "--url", hub.url], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 1 and b"standard output cannot be written" in done.stderr


# ---- the agent ----

def agent_verb(verb, config, *more):
    return run("agent", "--config", config, verb, *more)


def test_a_running_agent_is_asked_and_a_dead_ones_database_is_read(tmp_path, mosquitto):
    enrolment = open(os.path.join(TOP, "config", "WH1.enrol"), encoding="utf-8").read().replace(":5672", f":{free_port()}")
    agent = Agent(tmp_path / "agent", "WH1", enrolment, mosquitto.url)
    agent.start()
    wms = Wms(mosquitto.port, "WH1")
    try:
        wait_for(lambda: agent.status().get("connections", {}).get("wms"), 20, "the agent to have its broker")
        for number in range(3):
            wms.confirm(f"C-{tmp_path.name}-{number}")
            wms.wait_receipt(f"C-{tmp_path.name}-{number}", "accepted")
        wait_for(lambda: agent.status().get("backlog_work") == 3, 10, "the backlog to be told")
        done = agent_verb("status", agent.config)
        text = done.stdout.decode()
        assert done.returncode == 0 and done.stderr == b"", text_of(done)
        assert re.search(r"^site's broker +connected$", text, re.M) and re.search(r"^line to the hub's broker +down$", text, re.M)
        assert re.search(r"^waits for the hub +3 documents, the oldest for \d+ s$", text, re.M)
        running = agent_verb("backlog", agent.config)
        assert running.returncode == 0 and re.search(rb"^work +3 +0 +3  [0-9a-f]{32}$", running.stdout, re.M), text_of(running)
        assert json.loads(agent_verb("status", agent.config, "--json").stdout)["connections"]["wms"] is True
    finally:
        wms.close()
        agent.kill9()
    dead = agent_verb("backlog", agent.config)
    assert dead.returncode == 0 and dead.stderr.startswith(b"crossdock: the agent of WH1 is not running (nothing answers at 127.0.0.1:")
    assert re.search(rb"^work +3 +0 +3  [0-9a-f]{32}$", dead.stdout, re.M) and b"the oldest waits for" in dead.stdout
    status = agent_verb("status", agent.config, "--json")
    told = json.loads(status.stdout)
    assert status.returncode == 1 and told["running"] is False and told["backlog_work"] == 3 and told["site_id"] == "WH1"
    with_agent_off = agent.start(wait=True)
    assert with_agent_off.stop() == 0  # what was read from outside did not harm it


def test_what_the_agent_could_not_use_is_shown_while_it_runs_and_afterwards(tmp_path, mosquitto):
    enrolment = open(os.path.join(TOP, "config", "WH1.enrol"), encoding="utf-8").read().replace(":5672", f":{free_port()}")
    agent = Agent(tmp_path / "agent", "WH1", enrolment, mosquitto.url)
    agent.start()
    wms = Wms(mosquitto.port, "WH1")
    payloads = [b'{"advice_id": "I-1", "kind": "DELTA"}', b"\xff\x1b[2J", b"nope"]
    try:
        wait_for(lambda: agent.status().get("connections", {}).get("wms"), 20, "the agent to have its broker")
        assert agent_verb("quarantine", agent.config).stdout == b"nothing is in quarantine\n"
        for count, payload in enumerate(payloads, 1):
            for _ in range(2):
                wms.publish("inventory", payload)
            wait_for(lambda: len(wms.receipts) == 2 * count, 10, "the receipts")  # pylint: disable=cell-var-from-loop
        running = agent_verb("quarantine", agent.config)
    finally:
        wms.close()
        agent.kill9()
    lines = [re.split(" {2,}", line.strip()) for line in running.stdout.decode().splitlines()]
    assert running.returncode == 0 and running.stderr == b"" and b"\x1b" not in running.stdout, text_of(running)
    assert lines[0] == ["NUMBER", "TIME (UTC)", "TOPIC", "CODE", "TIMES", "SIZE", "DETAIL"] and len(lines) == 4
    assert lines[1][0] == "1" and lines[1][2:6] == ["crossdock/WH1/inventory", "missing_member", "2", "37 B"]
    assert lines[1][6].startswith("/lines: ")
    assert agent_verb("quarantine", agent.config).stdout == running.stdout
    rows = json.loads(agent_verb("quarantine", agent.config, "--json").stdout)["quarantine"]
    told = [base64.b64decode(row["payload_base64"]) if "payload_base64" in row else row["payload"].encode() for row in rows]
    assert told == payloads and [row["sha256"] for row in rows] == [hashlib.sha256(payload).hexdigest() for payload in payloads]
    page = agent_verb("quarantine", agent.config, "--limit", "2").stdout.decode().splitlines()
    assert len(page) == 4 and page[-1].startswith("more: ") and page[-1].endswith(f" --cursor {rows[1]['number']}")
    rest = run(*shlex.split(page[-1])[2:]).stdout.decode().splitlines()
    assert len(rest) == 2 and rest[1].split()[0] == str(rows[2]["number"])
    assert sum('"event":"wms.rejected"' in line for line in open(agent.log_file, encoding="utf-8")) == 6


def test_an_agent_that_never_ran_is_told(tmp_path):
    agent = Agent(tmp_path, "WH1", open(os.path.join(TOP, "config", "WH1.enrol"), encoding="utf-8").read(), "mqtt://127.0.0.1:1")
    done = agent_verb("backlog", agent.config)
    assert done.returncode == 1 and b"has not run with this configuration yet" in done.stderr and not os.path.exists(agent.database)


def test_a_wrong_configuration_of_an_agent_is_told_with_its_place(tmp_path):
    path = tmp_path / "agent.yaml"
    path.write_text("site: WH1\nsiet: WH1\n")
    done = agent_verb("status", str(path))
    assert done.returncode == 2 and f"{path}:2:1: ".encode() in done.stderr
