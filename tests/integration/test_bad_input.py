"""Bytes and documents that no honest client sends, on every way in: MQTT, HTTP, AMQP and the configuration files. Each gets an
answer that says what and where, what carried business is kept, and the next good document goes through."""
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import subprocess
import uuid

import pika
import pytest

import wms
from agents import BUILD, TOP, Wms, http_get
from audit import Audit
from brokers import wait_for
from stack import Stack, order
from wms import Warehouse

WIDGETS = (("WIDGET", "3", "9.95"),)
DEEP = b'{"a":' * 70 + b"1" + b"}" * 70
UNREADABLE = {
    "nothing": b"",
    "half a document": b'{"confirmation_id": "B-1"',
    "no object": b"[1, 2]",
    "a bare word": b"hello",
    "invalid UTF-8": b'{"confirmation_id": "B\xff\xfe-1"}',
    "a cut surrogate": b'{"confirmation_id": "\\ud800"}',
    "a raw control character": b'{"confirmation_id": "B\x01-1"}',
    "too deep": DEEP,
    "a member twice": b'{"confirmation_id": "B-1", "confirmation_id": "B-2"}',
    "something behind": b'{"confirmation_id": "B-1"} {}',
    "too large": b'{"confirmation_id": "' + b"x" * 1_500_000 + b'"}',
    "a number beyond all numbers": b'{"confirmation_id": "B-1", "version": 1e999}',
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("bad"), [("WH1", "warehouse")]) as running:
        yield running


@pytest.fixture
def teller(stack):
    """A client at the site's broker that sends anything and keeps the receipts."""
    client = Wms(stack.sites["WH1"].mosquitto.port, "WH1", client_id=f"teller-{uuid.uuid4().hex[:8]}")
    client.wait(lambda: client.presence, "the agent's presence")
    yield client
    client.close()


@pytest.fixture
def good(stack):
    """Called at the end of a test: one honest order goes all the way, so nothing was stopped."""
    warehouse = Warehouse(stack.sites["WH1"].mosquitto.port, "WH1", client_id=f"good-{uuid.uuid4().hex[:8]}")
    audit = Audit(stack, {"WH1": warehouse})
    warehouse.start()

    def check():
        audit.order(f"GOOD-{uuid.uuid4().hex[:8]}", "WH1", WIDGETS)
        audit.wait_books(60)
    yield check
    warehouse.stop()


def confirmation(**changes):
    """A confirmation of a release that there is not, with changes; None takes a member away."""
    document = {"confirmation_id": f"B-{uuid.uuid4().hex[:8]}", "version": 1, "kind": "SHIP", "reporting": "FULL", "shipment_id": "S-1",
                "release_ids": ["R00000000000000000"], "shipped_at": wms.SHIPPED_AT,
                "lines": [{"line_id": "1", "sku": "WIDGET", "qty_shipped": "1", "uom": "EA"}]}
    line = changes.pop("line", {})
    document.update(changes)
    if line:
        document["lines"][0].update(line)
    return {name: value for name, value in document.items() if value is not None}


# ---- MQTT ----

def test_unreadable_bytes_are_refused_kept_and_stop_nothing(stack, teller, good):
    agent = stack.sites["WH1"].agent
    kept = agent.status()["quarantined"]
    for name, payload in UNREADABLE.items():
        before = len(teller.receipts)
        teller.publish("confirmation", payload)
        teller.wait(lambda: len(teller.receipts) > before, f"the receipt for {name}")
        receipt = teller.receipts[-1]
        assert receipt["status"] == "rejected" and receipt["document_id"] is None, name
        assert receipt["sha256"] == hashlib.sha256(payload).hexdigest(), name
        assert receipt["problem"]["code"] and receipt["problem"]["retryable"] is False, name
    wait_for(lambda: agent.status()["quarantined"] >= kept + len(UNREADABLE) - 1, 10, "all but nothing to be kept")
    good()


@pytest.mark.parametrize("changes, pointer", [
    ({"lines": []}, "/lines"),
    ({"lines": "none"}, "/lines"),
    ({"kind": "SHIPPED"}, "/kind"),
    ({"kind": 7}, "/kind"),
    ({"version": "1"}, "/version"),
    ({"version": 0}, "/version"),
    ({"confirmation_id": ""}, "/confirmation_id"),
    ({"confirmation_id": "x" * 5000}, "/confirmation_id"),
    ({"release_ids": []}, "/release_ids"),
    ({"release_ids": [None]}, "/release_ids/0"),
    ({"shipped_at": "yesterday"}, "/shipped_at"),
    ({"shipped_at": None}, "shipped_at"),
    ({"site_id": "ELSEWHERE"}, "/site_id"),
    ({"line": {"qty_shipped": 1}}, "/lines/0/qty_shipped"),
    ({"line": {"qty_shipped": "-1"}}, "/lines/0/qty_shipped"),
    ({"line": {"qty_shipped": "1,5"}}, "/lines/0/qty_shipped"),
    ({"line": {"qty_shipped": "1e3"}}, "/lines/0/qty_shipped"),
    ({"line": {"qty_shipped": "9" * 60}}, "/lines/0/qty_shipped"),
    ({"line": {"qty_shipped": "NaN"}}, "/lines/0/qty_shipped"),
    ({"line": {"sku": ""}}, "/lines/0/sku"),
    ({"line": {"line_id": {"deep": 1}}}, "/lines/0/line_id"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_each_wrong_member_is_named_by_its_place(teller, changes, pointer):
    teller.publish("confirmation", confirmation(**changes))
    teller.wait(lambda: teller.receipts, "the receipt")
    receipt = teller.receipts[0]
    assert receipt["status"] == "rejected" and receipt["problem"]["retryable"] is False
    errors = receipt["problem"]["errors"]
    assert any(pointer in error["pointer"] or pointer in error.get("detail", "") for error in errors), errors


def test_unknown_members_are_taken_and_reported(stack, teller):
    document = confirmation(colour="blue")
    teller.publish("confirmation", document)
    receipt = teller.wait_receipt(document["confirmation_id"], "accepted")
    assert [warning["pointer"] for warning in receipt["warnings"]] == ["/colour"]
    parked = lambda: [row for row in stack.hub.get("/v1/exceptions?status=open&limit=200")["exceptions"]
                      if row.get("document_id") == document["confirmation_id"]]
    wait_for(parked, 20, "it to be parked at the hub")


def test_many_lines_and_absurd_quantities_break_no_sums(stack, teller, good):
    document = confirmation(lines=[{"line_id": str(n), "sku": "WIDGET", "qty_shipped": "1", "uom": "EA"} for n in range(2000)])
    teller.publish("confirmation", document)
    assert teller.wait_receipt(document["confirmation_id"])["status"] in ("accepted", "rejected")
    largest = confirmation(line={"qty_shipped": "999999999999999999"})
    teller.publish("confirmation", largest)
    assert teller.wait_receipt(largest["confirmation_id"])["status"] in ("accepted", "rejected")
    good()
    assert stack.reconcile()["unaccounted_lines"] == 0


def test_other_topics_of_this_and_of_other_sites_are_refused(teller, good):
    teller.publish("confirmation", confirmation(), site="ELSEWHERE")
    teller.wait(lambda: teller.receipts, "the receipt")
    assert teller.receipts[0]["problem"]["code"] == "foreign_site"
    for topic in ("crossdock/WH1/nonsense", "crossdock/WH1/receipt/more", "crossdock/WH1"):
        teller.client.publish(topic, b"{}", qos=1)
    good()


def test_a_flood_of_garbage_is_answered_one_by_one_and_the_good_gets_through(teller, good):
    payloads = [os.urandom(200) + str(n).encode() for n in range(300)]
    for payload in payloads:
        teller.publish("confirmation", payload)
    wanted = {hashlib.sha256(payload).hexdigest() for payload in payloads}
    teller.wait(lambda: wanted <= {r["sha256"] for r in teller.receipts}, "a receipt for each", 60)
    good()


# ---- HTTP ----

def post(stack, body, key="bad", content_type="application/json", path="/v1/orders", headers=None):
    """(status, problem)"""
    connection = http.client.HTTPConnection("127.0.0.1", stack.hub.port, timeout=20)
    sent = {"Authorization": f"Bearer {stack.hub.token()}", "Content-Type": content_type, **(headers or {})}
    if key:
        sent["Idempotency-Key"] = f'"{key}"'
    try:
        connection.request("POST", path, body, {**sent, "Content-Length": str(len(body))})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text)
    finally:
        connection.close()


def test_unreadable_orders_get_a_problem(stack, good):
    for name, body in UNREADABLE.items():
        status, problem = post(stack, body)
        assert status in (400, 413), (name, status, problem)
        assert problem["code"] and problem["detail"] and problem["retryable"] is False, name
    good()


def changed_order(path, value):
    """A good order with one member at a JSON pointer set, or taken away by None."""
    body = order(f"BAD-{uuid.uuid4().hex[:8]}", "WH1")
    at = body
    *way, last = [int(part) if part.isdigit() else part for part in path.strip("/").split("/")]
    for part in way:
        at = at[part]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return body


@pytest.mark.parametrize("path, value", [
    ("/external_order_id", None), ("/external_order_id", 7), ("/customer", None), ("/currency", "EURO"), ("/lines", []),
    ("/lines/0/qty", 10), ("/lines/0/qty", "-1"), ("/lines/0/qty", "0"), ("/lines/0/qty", "ten"), ("/lines/0/qty", "9" * 80),
    ("/lines/0/unit_price", "-0.01"), ("/lines/0/unit_price", 9.95), ("/lines/0/sku", None), ("/lines/0/colour", "blue"),
    ("/colour", "blue"), ("/preferred_site", "NOWHERE"), ("/parties/ship_to/city", ["Leeds"]), ("/channel/type", {}),
], ids=str)
def test_each_wrong_member_of_an_order_is_named_by_its_place(stack, path, value):
    status, problem = post(stack, json.dumps(changed_order(path, value)), key=uuid.uuid4().hex)
    assert status == 422 and problem["code"] == "invalid_order" and problem["retryable"] is False, problem
    parent = path.rpartition("/")[0]
    assert any(error["pointer"] in (path, parent) for error in problem["errors"]), problem["errors"]


def test_orders_without_a_key_or_with_a_bad_one_are_refused(stack):
    for key in (None, "", "x" * 500, "two words"):
        status, problem = post(stack, json.dumps(order("NOKEY-1", "WH1")), key=key)
        code = "idempotency_key_too_long" if key and len(key) > 128 else "idempotency_key_missing"
        assert status == 400 and problem["code"] == code, (key, problem)
    assert stack.hub.get("/v1/orders?external_order_id=NOKEY-1")["orders"] == []


@pytest.mark.parametrize("query, parameter, code", [
    ("orders?status=nonsense", "status", "bad_value"),
    ("orders?limit=100000", "limit", "bad_value"),
    ("orders?limit=-1", "limit", "bad_value"),
    ("orders?limit=", "limit", "bad_value"),
    ("orders?cursor=nonsense", "cursor", "bad_value"),
    ("orders?status=SHIPPED&stauts=HELD", "stauts", "unknown_parameter"),
    ("orders?limit=1&limit=2", "limit", "repeated_parameter"),
    ("orders/O1?limit=1", "limit", "unknown_parameter"),
    ("exceptions?status=closed", "status", "bad_value"),
    ("exceptions?cursor=nonsense", "cursor", "bad_value"),
    ("exceptions?code=UNMACHED_LINE", "code", "bad_value"),
    ("exceptions?order=O1", "order", "unknown_parameter"),
    ("reconciliation?Site=WH1", "Site", "unknown_parameter"),
    ("sites?x%22y", 'x"y', "unknown_parameter"),
])
def test_a_query_parameter_that_cannot_be_used_is_named(stack, query, parameter, code):
    status, problem = stack.hub.call("GET", "/v1/" + query)
    assert status == 400 and problem["code"] == "bad_query" and f"`{parameter}`" in problem["detail"], problem
    error, = problem["errors"]
    assert error["parameter"] == parameter and error["code"] == code and error["detail"], error


def test_strange_requests_are_answered_and_hurt_nobody(stack, good):
    assert post(stack, b"{}", path="/v1/nothing")[0] == 404
    assert stack.hub.call("DELETE", "/v1/orders")[0] == 405
    assert stack.hub.call("GET", "/v1/reconciliation?site=NOPE")[1]["code"] == "not_found"
    assert stack.hub.call("GET", "/v1/orders/" + "x" * 2000)[0] == 404
    assert post(stack, b"{}", headers={"Authorization": "Bearer nonsense"})[0] == 401
    for raw in (b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
                b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"):
        connection = http.client.HTTPConnection("127.0.0.1", stack.hub.port, timeout=10)
        connection.connect()
        try:
            connection.sock.sendall(raw)
            connection.sock.settimeout(5)
            connection.sock.recv(1000)
        except OSError:
            pass  # no answer is an answer to this
        finally:
            connection.close()
    good()


# ---- AMQP ----

class Forger:
    """Somebody with a site's password, or the hub's, at the central broker."""

    def __init__(self, stack):
        self.rabbit = stack.rabbit
        agent = stack.sites["WH1"].agent
        with open(os.path.join(agent.folder, "WH1.enrol"), encoding="utf-8") as file:
            enrolled = dict(line.strip().split(": ", 1) for line in file if ": " in line)
        self.users = {"site": ("site-WH1", enrolled["password"].strip("'\"")), "hub": (self.rabbit.user, self.rabbit.password)}
        self.key = bytes.fromhex(enrolled["key"].strip("'\""))

    def sign(self, body, key=None, kid="k1"):
        return f"v1;kid={kid};mac={hmac.new(key or self.key, body, hashlib.sha256).hexdigest()}"

    def publish(self, body, signature=None, user="site", user_id=None, exchange="crossdock.up.WH1"):
        headers = {} if signature is None else {"crossdock-signature": signature}
        connection = pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", self.rabbit.port, self.rabbit.vhost, pika.PlainCredentials(*self.users[user])))
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish(exchange, "", body, pika.BasicProperties(
            content_type="application/cloudevents+json", delivery_mode=2, user_id=user_id, headers=headers), mandatory=True)
        connection.close()

    def dead(self):
        return self.rabbit.api("GET", f"/api/queues/{self.rabbit.vhost}/crossdock.dead").get("messages", 0)


def event(**changes):
    return json.dumps({"specversion": "1.0", "id": uuid.uuid4().hex, "source": "/sites/WH1", "type": "crossdock.shipment.confirmation.v1",
                       "time": "2026-11-23T10:00:00Z", "site": "WH1", "lane": "work", "epoch": "0" * 32, "sequence": "1",
                       "chain": "0" * 64, "data": confirmation(), **changes}).encode()


def metric(stack, name):
    found = re.search(rf"^crossdock_hub_{name} (\d+)$", http_get(stack.hub.url + "/metrics")[1], re.M)
    return int(found.group(1))


def test_what_is_not_authentic_is_dead_lettered_counted_and_counts_for_nothing(stack, good):
    forger = Forger(stack)
    body = event()
    forged, dead = metric(stack, "forged_total"), forger.dead()
    attempts = [dict(body=body, user_id="site-WH1"),                                                       # unsigned
                dict(body=body, user_id="site-WH1", signature=forger.sign(body, key=b"another key of 16")),  # another's key
                dict(body=body, user_id="site-WH1", signature=forger.sign(body, kid="k9")),                # an unknown key
                dict(body=body, user_id="site-WH1", signature="v2;nonsense"),
                dict(body=body, user_id="site-WH1", signature=forger.sign(body + b" ")),                   # changed on the way
                dict(body=body, signature=forger.sign(body)),                                              # nobody vouches for it
                dict(body=body, user="hub", user_id="hub", signature=forger.sign(body)),                   # another user
                dict(body=body, user="hub", exchange="crossdock.hub", user_id="hub", signature=forger.sign(body)),
                dict(body=b"", user_id="site-WH1"), dict(body=b"\x00" * 1000, user_id="site-WH1", signature="x" * 5000)]
    for attempt in attempts:
        forger.publish(**attempt)
    wait_for(lambda: metric(stack, "forged_total") == forged + len(attempts), 20, "all to be counted")
    wait_for(lambda: forger.dead() == dead + len(attempts), 20, "all to be dead-lettered")
    good()


def test_what_is_authentic_and_useless_is_kept_and_blocks_nothing(stack, good):
    forger = Forger(stack)
    before, dead = metric(stack, "unusable_total"), forger.dead()
    bodies = [b"no JSON", b"{}", b"[]", DEEP, event(type="crossdock.unheard.of.v1", lane=None), event(site="ELSEWHERE"),
              event(sequence="minus one"), event(chain="short")]
    for body in bodies:
        forger.publish(body, forger.sign(body), user_id="site-WH1")
    wait_for(lambda: metric(stack, "unusable_total") == before + len(bodies), 20, "all to be kept")
    replay = event(epoch="f" * 32, sequence="7")  # well-formed, of a stream that there never was
    forger.publish(replay, forger.sign(replay), user_id="site-WH1")
    good()
    assert forger.dead() == dead
    assert stack.hub.process.poll() is None and metric(stack, "unusable_total") == before + len(bodies)


# ---- configuration ----

WRONG_HUB = {
    "state_dir: state\nbroker: {password_file: hub.password}\nerps: {main: {type: ledger, data: ledger}}\ncolour: blue\n": (4, "colour"),
    "state_dir: state\nbroker: {password_file: hub.password}\nerps: {main: {type: oracle, data: ledger}}\n": (3, "type"),
    "state_dir: state\nbroker: {password_file: missing}\nerps: {main: {type: ledger, data: ledger}}\n": (2, "missing"),
    "state_dir: state\nbroker:\n  password_file: hub.password\n  url: http://127.0.0.1\nerps: {main: {type: ledger, data: ledger}}\n": (4, "url"),
    "state_dir: state\nbroker: {password_file: hub.password}\nerps: {main: {type: ledger, data: ledger, concurrency: many}}\n":
        (3, "concurrency"),
    "state_dir: [\n": (None, ""),
}
WRONG_AGENT = {
    "site: wh one\nenrolment_file: WH1.enrol\n": (1, "site"),
    "site: WH1\nenrolment_file: nowhere.enrol\n": (2, "nowhere.enrol"),
    "site: WH1\nenrolment_file: WH1.enrol\nstore:\n  quota_mb: plenty\n": (4, "quota_mb"),
    "site: WH1\nenrolment_file: WH1.enrol\nmqtt: {url: 'amqp://127.0.0.1'}\n": (3, "url"),
    "site: WH1\nsite: WH1\nenrolment_file: WH1.enrol\n": (2, "site"),
    "site: &anchor WH1\nenrolment_file: WH1.enrol\n": (1, ""),
    "": (None, ""),
}


@pytest.mark.sanitize
@pytest.mark.parametrize("program, text, place", [("crossdock-hub", text, place) for text, place in WRONG_HUB.items()]
                         + [("crossdock-agent", text, place) for text, place in WRONG_AGENT.items()], ids=lambda value: "")
def test_a_wrong_configuration_ends_with_2_and_file_line_column(tmp_path, program, text, place):
    (tmp_path / "ledger").mkdir()
    (tmp_path / "hub.password").write_text("secret\n")
    (tmp_path / "hub.password").chmod(0o600)
    (tmp_path / "WH1.enrol").write_text("site: WH1\nuplink: {url: 'amqp://127.0.0.1', vhost: crossdock, username: site-WH1, password: x}\n"
                                        f"signing: {{kid: k1, key: {'ab' * 32}}}\n")
    (tmp_path / "WH1.enrol").chmod(0o600)
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    done = subprocess.run([os.path.join(BUILD, program), "--config", str(path), "--check"], capture_output=True, text=True, timeout=20, check=False)
    line, word = place
    assert done.returncode == 2, done.stderr
    assert re.search(rf"^{re.escape(str(path))}:{line or r'[0-9]+'}:\d+: .*{re.escape(word)}", done.stderr, re.M), done.stderr


@pytest.mark.sanitize
@pytest.mark.parametrize("name, text, said", [
    ("products.csv", "sku,uom,unit_price\nA,EA,1\nA,EA,dear\n", ':3: "unit_price" is no decimal of 0 or more: "dear"'),
    ("customers.csv", "code,colour\n", ':1: unknown column "colour"'),
    ("stock.csv", "site,sku,qty\nWH1,NOPE,1\n", ':2: no product has the sku "NOPE"'),
    ("customers.csv", None, ":1: No such file or directory"),
])
def test_a_check_reads_the_ledgers_files_and_leaves_nothing(tmp_path, name, text, said):
    shutil.copytree(os.path.join(TOP, "config", "ledger"), tmp_path / "ledger")
    (tmp_path / "hub.password").write_text("secret\n")
    (tmp_path / "hub.password").chmod(0o600)
    path = tmp_path / "hub.yaml"
    path.write_text("state_dir: state\nbroker: {password_file: hub.password}\nerps: {main: {type: ledger, data: ledger}}\n")
    command = [os.path.join(BUILD, "crossdock-hub"), "--config", str(path), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0 and done.stderr == "" and done.stdout.endswith(": fine\n"), done.stderr
    wrong = tmp_path / "ledger" / name
    wrong.unlink()
    if text is not None:
        wrong.write_text(text)
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2 and done.stdout == "" and done.stderr == f"{wrong}{said}\n", done.stderr
    assert not (tmp_path / "state").exists()
