"""Lifecycle events on real brokers: consumers of crossdock.events, readers of GET /v1/events, receivers of webhooks."""
import base64
import collections
import hashlib
import hmac
import http.client
import http.server
import json
import os
import signal
import subprocess
import threading
import time

import jsonschema
import pika
import pytest

from agents import BUILD, TOP
from brokers import free_port, wait_for
from stack import Stack
from wms import Warehouse

pytestmark = pytest.mark.threads  # the API is asked all the time while the hub works

WAY = ["crossdock.order.accepted.v1", "crossdock.order.released.v1", "crossdock.order.shipped.v1"]
HUB_MORE = ("webhooks: {allow_private: [127.0.0.1], retry_s_min: 1, retry_s_max: 1, timeout_s: 5}\n"
            "policies: {erp_poll_s: 0, books_hours: 0}\n")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    whole = Stack(tmp_path_factory.mktemp("events"), sites=(("WH1", "warehouse"),), lines=False, hub_more=HUB_MORE)
    with whole:
        warehouse = Warehouse(whole.sites["WH1"].mosquitto.port, "WH1").start()
        yield whole
        warehouse.stop()


def shipped(stack, external, **more):
    """Takes an order and waits until it is shipped. Its id."""
    order_id = stack.submit_order(external, "WH1", **more)["order_id"]
    wait_for(lambda: stack.order(order_id)["status"] == "SHIPPED", 60, f"{external} to be shipped")
    return order_id


@pytest.fixture(scope="module")
def validator():
    with open(os.path.join(TOP, "config", "schemas", "order-event.schema.json"), encoding="utf-8") as file:
        return jsonschema.Draft202012Validator(json.load(file))


# ---- the exchange ----

class Listener(threading.Thread):
    """A queue bound to crossdock.events; what comes is in `heard` as (routing key, event). It survives its broker."""

    def __init__(self, rabbit, key):
        super().__init__(daemon=True)
        self.rabbit, self.heard, self.bodies = rabbit, [], collections.defaultdict(set)
        self.parameters = pika.ConnectionParameters("127.0.0.1", rabbit.port, rabbit.vhost,
                                                    pika.PlainCredentials(rabbit.user, rabbit.password))
        self.connection = pika.BlockingConnection(self.parameters)
        self.channel = self.connection.channel()
        self.queue = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.queue_bind(self.queue, "crossdock.events", key)
        self.stopping = False
        self.start()

    def run(self):
        for method, properties, body in self.channel.consume(self.queue, auto_ack=True, inactivity_timeout=0.1):
            if method is not None:
                event = json.loads(body)
                assert properties.message_id == event["id"] and properties.delivery_mode == 2
                assert properties.content_type == "application/cloudevents+json"
                self.heard.append((method.routing_key, event))
                self.bodies[event["id"]].add(body)
            if self.stopping:
                break
        self.channel.cancel()
        self.connection.close()

    def stop(self):
        self.stopping = True
        self.join(10)

    def of(self, order_id):
        """Its events in the order in which they were first heard."""
        seen = {}
        for _key, event in list(self.heard):
            if event["subject"] == order_id:
                seen.setdefault(event["id"], event)
        return list(seen.values())


@pytest.fixture
def listen(stack):
    listeners = []

    def make(key="#"):
        listeners.append(Listener(stack.rabbit, key))
        return listeners[-1]
    yield make
    for listener in listeners:
        listener.stop()


def test_an_orders_way_comes_by_the_exchange_in_order(stack, listen, validator):
    everything, some = listen("#"), listen("order.shipped.portal")
    order_id = shipped(stack, "EV-1")
    wait_for(lambda: len(everything.of(order_id)) >= 3 and some.heard, 30, "the events of EV-1")
    assert [event["type"] for event in everything.of(order_id)] == WAY
    assert [key for key, event in some.heard if event["subject"] == order_id] == ["order.shipped.portal"]
    for _key, event in everything.heard:
        validator.validate(event)
    last = everything.of(order_id)[-1]
    assert last["data"]["status"] == "SHIPPED" and last["data"]["lines"][0]["qty"] == "1"
    assert last["correlationid"] == order_id


def test_a_killed_hub_tells_everything_and_doubles_only_by_id(stack, listen):
    listener = listen()
    orders = []
    for number in range(12):
        orders.append(stack.submit_order(f"EV-KILL-{number}", "WH1")["order_id"])
        if number % 4 == 3:
            stack.kill9("hub")
            stack.restart("hub")
    stack.wait_balanced(90)
    wait_for(lambda: all(len(listener.of(order)) >= 3 for order in orders), 60, "all events")
    for order in orders:
        events = listener.of(order)
        assert [event["type"] for event in events] == WAY
        places = [int(event["sequence"]) for event in events]
        assert places == sorted(places)
    assert all(len(bodies) == 1 for bodies in listener.bodies.values()), "an id with two contents"


# ---- the stream ----

class Reader:
    """GET /v1/events, as a browser reads it."""

    def __init__(self, stack, query="", last=None, token=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", stack.hub.port, timeout=60)
        headers = {"Authorization": f"Bearer {token or stack.hub.token()}"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self.connection.request("GET", "/v1/events" + query, headers=headers)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def event(self):
        """The next one as {id, event, data}; comments are passed over. None: the stream has ended."""
        fields = {}
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if line == "" and self.answer.isclosed():
                return None
            if line == "" and fields:
                return fields
            if line == "":
                continue
            name, _, value = line.partition(":")
            if name:
                fields[name] = value.removeprefix(" ")

    def comment(self):
        return self.answer.readline().decode()

    def until(self, order_id, count):
        """The next `count` events of that order."""
        found = []
        while len(found) < count:
            event = self.event()
            assert event is not None, "the stream ended"
            if json.loads(event["data"]).get("subject") == order_id:
                found.append(event)
        return found

    def close(self):
        self.connection.close()


def test_a_reader_gets_what_happens_and_goes_on_where_it_was(stack, validator):
    reader = Reader(stack)
    assert reader.status == 200 and reader.answer.getheader("Content-Type") == "text/event-stream"
    order_id = shipped(stack, "EV-SSE-1")
    events = reader.until(order_id, 3)
    assert [event["event"] for event in events] == WAY
    for event in events:
        data = json.loads(event["data"])
        validator.validate(data)
        assert data["sequence"] == event["id"] and data["type"] == event["event"]
    reader.close()
    again = Reader(stack, last=events[0]["id"])
    assert [event["id"] for event in again.until(order_id, 2)] == [event["id"] for event in events[1:]]
    again.close()
    by_query = Reader(stack, query=f"?last_event_id={events[0]['id']}&types=order.shipped")
    assert by_query.event()["id"] == events[2]["id"]
    by_query.close()


def test_a_reader_stands_a_killed_hub(stack):
    reader = Reader(stack)
    first = stack.submit_order("EV-SSE-2", "WH1")["order_id"]
    last = reader.until(first, 1)[0]["id"]
    stack.kill9("hub")
    stack.restart("hub")
    second = shipped(stack, "EV-SSE-3")
    wait_for(lambda: stack.order(first)["status"] == "SHIPPED", 60, "the first order to be shipped")
    again = Reader(stack, last=last)
    seen = [again.event() for _ in range(5)]
    assert sorted(json.loads(event["data"])["subject"] for event in seen) == sorted([first] * 2 + [second] * 3)
    again.close()


def test_a_reader_with_a_place_that_nobody_knows_is_told(stack):
    reader = Reader(stack, last=999999999999999999)
    gap = reader.event()
    assert gap["event"] == "gap" and json.loads(gap["data"])["code"] == "events_unknown"
    order_id = stack.submit_order("EV-SSE-4", "WH1")["order_id"]
    assert reader.until(order_id, 1)
    reader.close()
    for wrong in ("?last_event_id=x", "?types=order.eaten", "?cursor=1", "?limit=0", "?what=1"):
        assert stack.hub.call("GET", "/v1/events" + wrong)[0] == 400
    assert Reader(stack, last="x").status == 400
    assert Reader(stack, token="nobody").status == 401


def test_pages_end_where_the_next_begins(stack):
    order_id = shipped(stack, "EV-PAGE")
    page = stack.hub.get("/v1/events?limit=2&from=1")
    seen = [row["event"] for row in page["events"]]
    while page["events"]:
        page = stack.hub.get(f"/v1/events?limit=200&cursor={page['next_cursor']}")
        seen += [row["event"] for row in page["events"]]
    assert [event["type"] for event in seen if event["subject"] == order_id] == WAY
    assert len({event["id"] for event in seen}) == len(seen)


def test_sigterm_does_not_wait_for_readers(stack):
    readers = [Reader(stack) for _ in range(3)]
    for reader in readers:
        assert reader.comment().startswith(":")
    assert stack.hub.stop(15) == 0
    for reader in readers:
        assert reader.event() is None
    stack.hub.start()


def test_there_are_only_so_many_readers(stack):
    with open(stack.hub.config, encoding="utf-8") as file:
        text = file.read()
    try:
        with open(stack.hub.config, "w", encoding="utf-8") as file:
            file.write(text.replace(f"http: {{listen: '127.0.0.1:{stack.hub.port}'}}",
                                    f"http: {{listen: '127.0.0.1:{stack.hub.port}', event_streams: 2}}"))
        stack.restart("hub")
        readers = [Reader(stack), Reader(stack)]
        third = Reader(stack)
        assert third.status == 503 and json.loads(third.answer.read())["code"] == "too_many_streams"
        readers[0].close()  # noticed at the next event or heartbeat
        stack.submit_order("EV-MANY", "WH1")
        wait_for(lambda: Reader(stack).status == 200, 30, "a reader's place to be free again")
    finally:
        with open(stack.hub.config, "w", encoding="utf-8") as file:
            file.write(text)
        stack.restart("hub")


# ---- webhooks ----

class Receiver:
    """Takes webhooks on loopback and answers what `answer` says: a status, or (status, headers)."""

    def __init__(self):
        self.taken, self.refused, self.secret = [], [], None
        self.answer = 200
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers = receiver.answer if isinstance(receiver.answer, tuple) else (receiver.answer, {})
                receiver.check(self.headers, body)
                (receiver.taken if status < 300 else receiver.refused).append((self.headers["webhook-id"], json.loads(body)))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def check(self, headers, body):
        """As a receiver has to: the Standard Webhooks specification."""
        assert headers["Content-Type"] == "application/cloudevents+json"
        if self.secret:
            key = base64.b64decode(self.secret.removeprefix("whsec_"))
            text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
            mac = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
            assert headers["webhook-signature"] == f"v1,{mac}"
            assert abs(time.time() - int(headers["webhook-timestamp"])) < 300

    def of(self, order_id):
        seen = {}
        for event_id, event in list(self.taken):
            if event["subject"] == order_id:
                seen.setdefault(event_id, event)
        return list(seen.values())

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    running = Receiver()
    yield running
    running.stop()


@pytest.fixture
def subscribe(stack):
    made = []

    def make(url, **more):
        status, answer = stack.hub.call("POST", "/v1/subscriptions", {"url": url, **more})
        assert status == 201, answer
        made.append(answer["subscription_id"])
        return answer
    yield make
    for subscription_id in made:
        stack.hub.call("DELETE", f"/v1/subscriptions/{subscription_id}")


def state_of(stack, answer):
    return stack.hub.get(f"/v1/subscriptions/{answer['subscription_id']}")


def test_a_webhook_gets_signed_events_in_order(stack, receiver, subscribe, validator):
    answer = subscribe(receiver.url)
    receiver.secret = answer["secret"]
    assert "secret" not in state_of(stack, answer)
    order_id = shipped(stack, "EV-HOOK-1")
    wait_for(lambda: len(receiver.of(order_id)) == 3, 30, "the webhook's events")
    assert [event["type"] for event in receiver.of(order_id)] == WAY
    for _id, event in receiver.taken:
        validator.validate(event)
    assert not receiver.refused


def test_a_webhook_that_fails_gets_all_of_it_when_it_is_back_though_the_hub_was_killed(stack, receiver, subscribe):
    answer = subscribe(receiver.url)
    receiver.answer = 500
    order_id = shipped(stack, "EV-HOOK-2")
    wait_for(lambda: len(receiver.refused) >= 2, 30, "some tries")
    assert len({event_id for event_id, _event in receiver.refused}) == 1, "nothing overtakes what is refused"
    assert "failing_since" in state_of(stack, answer)
    stack.kill9("hub")
    stack.restart("hub")
    receiver.answer = 200
    wait_for(lambda: len(receiver.of(order_id)) == 3, 60, "the webhook's events")
    assert [event["type"] for event in receiver.of(order_id)] == WAY
    wait_for(lambda: "failing_since" not in state_of(stack, answer), 30, "the failure to be forgotten")


def test_a_redirect_is_not_followed(stack, receiver, subscribe):
    elsewhere = Receiver()
    try:
        receiver.answer = (307, {"Location": elsewhere.url})
        answer = subscribe(receiver.url)
        stack.submit_order("EV-HOOK-3", "WH1")
        wait_for(lambda: "redirect" in state_of(stack, answer).get("last_failure", ""), 30, "the redirect to be refused")
        assert receiver.refused and not elsewhere.taken
    finally:
        elsewhere.stop()


def test_a_receiver_that_is_gone_is_disabled_and_can_be_enabled_again(stack, receiver, subscribe):
    receiver.answer = 410
    answer = subscribe(receiver.url)
    order_id = shipped(stack, "EV-HOOK-4")
    wait_for(lambda: not state_of(stack, answer)["enabled"], 30, "it to be disabled")
    open_ones = lambda: [row for row in stack.hub.get("/v1/exceptions?status=open&limit=200")["exceptions"]
                         if row["code"] == "WEBHOOK_DISABLED" and row["document_id"] == answer["subscription_id"]]
    assert len(open_ones()) == 1
    assert len(receiver.refused) == 1
    receiver.answer = 204
    done = stack.cli("subscriptions", "enable", answer["subscription_id"])
    assert "enabled" in done.stdout
    wait_for(lambda: len(receiver.of(order_id)) == 3, 30, "the webhook's events")
    assert not open_ones()


@pytest.mark.parametrize("host", ["127.0.0.2", "[::1]", "169.254.169.254", "10.255.255.1"])
def test_a_private_address_is_refused(stack, host):
    """127.0.0.1 alone is allowed here."""
    status, answer = stack.hub.call("POST", "/v1/subscriptions", {"url": f"http://{host}:{free_port()}/hook"})
    assert status == 422 and answer["errors"][0]["pointer"] == "/url"
    assert "webhooks.allow_private" in answer["errors"][0]["detail"]


def test_without_configuration_a_name_that_leads_to_loopback_is_refused(stack, receiver, subscribe):
    with open(stack.hub.config, encoding="utf-8") as file:
        text = file.read()
    answer = subscribe(f"http://localhost:{receiver.server.server_port}/hook")
    try:
        with open(stack.hub.config, "w", encoding="utf-8") as file:
            file.write(text.replace("allow_private: [127.0.0.1], ", ""))
        stack.restart("hub")
        stack.submit_order("EV-NAME", "WH1")
        wait_for(lambda: "private" in state_of(stack, answer).get("last_failure", ""), 30, "the address to be refused")
        assert not receiver.taken and not receiver.refused
    finally:
        with open(stack.hub.config, "w", encoding="utf-8") as file:
            file.write(text)
        stack.restart("hub")
    wait_for(lambda: receiver.taken, 60, "the address to be allowed")


def test_a_replay_by_the_command_line_sends_again(stack, receiver):
    made = json.loads(stack.cli("subscriptions", "add", receiver.url, "--types", "order.shipped", "--json").stdout)
    try:
        order_id = shipped(stack, "EV-REPLAY")
        wait_for(lambda: receiver.of(order_id), 30, "the event")
        first = [event_id for event_id, event in receiver.taken if event["subject"] == order_id]
        sequence = receiver.of(order_id)[0]["sequence"]
        stack.cli("subscriptions", "replay", made["subscription_id"], "--from", sequence)
        wait_for(lambda: [i for i, event in receiver.taken if event["subject"] == order_id] == first * 2, 30, "the event again")
        assert made["subscription_id"] in stack.cli("subscriptions", "list").stdout
        assert "order.shipped" in stack.cli("subscriptions", "list").stdout
        assert receiver.url in stack.cli("subscriptions", "show", made["subscription_id"]).stdout
    finally:
        stack.cli("subscriptions", "remove", made["subscription_id"])
    assert made["subscription_id"] not in stack.cli("subscriptions", "list").stdout
    assert stack.cli("subscriptions", "show", made["subscription_id"], check=False).returncode == 1


# ---- crossdock events ----

def test_the_command_line_shows_events_and_follows_them(stack):
    order_id = shipped(stack, "EV-CLI-1")
    lines = stack.cli("events", "--from", "1", "--limit", "200", "--json").stdout.splitlines()
    assert [event["type"] for event in map(json.loads, lines) if event["subject"] == order_id] == WAY
    assert "EV-CLI-1" in stack.cli("events", "--types", "order.shipped", "--limit", "200").stdout
    with subprocess.Popen([os.path.join(BUILD, "crossdock"), "events", "--follow", "--json"], env=stack.environment(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: _streams(stack) == 1, 30, "the command to follow")
        followed = stack.submit_order("EV-CLI-2", "WH1")["order_id"]
        seen = [json.loads(process.stdout.readline()) for _ in range(3)]
        assert [event["type"] for event in seen if event["subject"] == followed] == WAY
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


def _streams(stack):
    connection = http.client.HTTPConnection("127.0.0.1", stack.hub.port, timeout=10)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return next(int(line.split()[1]) for line in lines if line.startswith("crossdock_hub_event_streams "))
