"""Orders by way of the queue crossdock.intake, as a channel sends them with pika: the rules of POST /v1/orders, an answer at
reply_to, and one order however often its message comes."""
import json
import sqlite3
import time
import uuid

import pika
import pytest

import async_contract
from brokers import wait_for
from stack import Stack, order

FLOOD = 200
PATIENCE_S = 60


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("intake"), [("WH1", "warehouse")], lines=False) as running:
        yield running


class Channel:
    """A client of the API that has the broker, too: publishes orders, and listens where it is told."""

    def __init__(self, stack, *options, client=None, token=None):
        self.client = client or f"c-{uuid.uuid4().hex[:8]}"
        self.token = token or stack.cli("clients", "add", self.client, *options).stdout.strip()
        self.connection = pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", stack.rabbit.port, stack.rabbit.vhost, pika.PlainCredentials(stack.rabbit.user, stack.rabbit.password)))
        self.channel = self.connection.channel()
        self.replies = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def listen(self, queue="amq.rabbitmq.reply-to"):
        if queue != "amq.rabbitmq.reply-to":
            self.channel.queue_declare(queue)
        self.channel.basic_consume(queue, lambda _channel, _method, properties, body: self.replies.append((properties, body)),
                                   auto_ack=True)
        return queue

    def send(self, body, reply_to=None, key=None, correlation=None, message_id=None, **headers):
        all_headers = {"authorization": f"Bearer {self.token}", **headers}
        if key:
            all_headers["idempotency-key"] = key
        self.channel.basic_publish("", "crossdock.intake", body if isinstance(body, bytes) else json.dumps(body).encode(),
                                   pika.BasicProperties(delivery_mode=2, headers=all_headers, reply_to=reply_to, message_id=message_id,
                                                        correlation_id=correlation, content_type="application/json"))

    def wait(self, count=1):
        """The next replies, as (status, properties, JSON)."""
        deadline = time.monotonic() + PATIENCE_S
        while len(self.replies) < count and time.monotonic() < deadline:
            self.connection.process_data_events(0.2)
        assert len(self.replies) >= count, f"{len(self.replies)} replies of {count}"
        taken, self.replies = self.replies[:count], self.replies[count:]
        answers = [(properties.headers["status"], properties, json.loads(body)) for properties, body in taken]
        for status, properties, answer in answers:
            assert async_contract.errors_of("reply", answer, properties.headers) == []
            assert properties.content_type == ("application/json" if status < 300 else "application/problem+json")
        return answers

    def ask(self, body, reply_to="amq.rabbitmq.reply-to", **more):
        self.send(body, reply_to, **more)
        return self.wait()[0]

    def dead(self, mark):
        """The message with that correlation id among the dead letters, once it is there."""
        def look():
            method, properties, body = self.channel.basic_get("crossdock.dead", auto_ack=True)
            return body if method is not None and properties.correlation_id == mark else None
        return wait_for(look, PATIENCE_S, f"{mark} among the dead letters")


def external():
    return f"Q-{uuid.uuid4().hex[:12]}"


def orders_of(stack, number):
    """[(order_id, client)], as stored."""
    with sqlite3.connect(f"file:{stack.hub.database}?mode=ro", uri=True, timeout=10) as database:
        found = database.execute("SELECT order_id, client FROM orders WHERE external_order_id = ?", (number,)).fetchall()
    database.close()
    return found


def until_empty(stack, channel):
    """Until every message was acked or rejected: the queue counts what is ready only, the hub's acks show in the second look."""
    def empty():
        queues = stack.rabbit.api("GET", f"/api/queues/{stack.rabbit.vhost}/crossdock.intake")
        channel.connection.process_data_events(0)
        return queues.get("messages") == 0
    wait_for(empty, PATIENCE_S, "the queue to be empty")


def test_an_order_is_taken_and_answered_at_the_direct_reply_address(stack):
    with Channel(stack) as channel:
        channel.listen()
        number = external()
        status, properties, answer = channel.ask(order(number, "WH1"), key=number, correlation="corr-" + number)
    assert (status, properties.correlation_id) == (202, "corr-" + number)
    assert properties.headers["location"] == f"/v1/orders/{answer['order_id']}"
    assert answer["correlation_id"] == "corr-" + number
    assert properties.user_id == stack.rabbit.user
    assert orders_of(stack, number) == [(answer["order_id"], channel.client)]


def test_an_order_is_answered_in_the_clients_own_queue(stack):
    with Channel(stack) as channel:
        queue = channel.listen(f"crossdock.reply.{channel.client}")
        number = external()
        assert channel.ask(order(number, "WH1"), queue, message_id=number)[0] == 202, "the message's id is the key"
        status, _, answer = channel.ask(order(number, "WH1", customer="CUST-2"), queue, message_id=number)
    assert (status, answer["code"]) == (422, "idempotency_key_reused")
    assert len(orders_of(stack, number)) == 1


def test_who_waits_is_answered_when_the_erp_has_the_sale(stack):
    with Channel(stack) as channel:
        channel.listen()
        number = external()
        status, _, answer = channel.ask(order(number, "WH1"), key=number, prefer="wait=60")
    assert (status, answer["status"] != "RECEIVED") == (201, True), answer


@pytest.mark.parametrize("reply_to", ["crossdock.reply.somebody-else", "crossdock.hub", "crossdock.reply.", "amq.rabbitmq.reply-to"])
def test_nobody_is_answered_in_a_place_that_is_not_his(stack, reply_to):
    with Channel(stack) as channel, Channel(stack, client="somebody-else", token="0" * 64) as victim:
        if reply_to.startswith("crossdock.reply.") and reply_to != "crossdock.reply.":
            victim.listen(reply_to)
        number = external()
        if reply_to == "amq.rabbitmq.reply-to":  # the broker makes it the sender's own address, so this one is answered
            channel.listen()
            assert channel.ask(order(number, "WH1"), reply_to, key=number)[0] == 202
            return
        channel.send(order(number, "WH1"), reply_to, key=number, correlation=number)
        wait_for(lambda: orders_of(stack, number), PATIENCE_S, "the order, which is taken all the same")
        until_empty(stack, channel)
        victim.connection.process_data_events(0.2)
        assert victim.replies == []
    with open(stack.hub.log_file, encoding="utf-8") as log:
        assert any("intake.reply_refused" in line and channel.client in line for line in log)


def test_what_is_not_authentic_or_cannot_be_read_is_told_and_goes_to_the_dead_letters(stack):
    with Channel(stack) as good, Channel(stack, token="f" * 64) as forged, Channel(stack, "--role", "viewer") as viewer:
        for channel, body, expected, code in ((forged, order(external(), "WH1"), 401, "unauthorized"),
                                              (viewer, order(external(), "WH1"), 403, "forbidden"),
                                              (good, b"{not json", 400, "malformed_json"),
                                              (good, b" " * (1 << 20) + b"{}", 413, "body_too_large")):
            if not channel.channel.consumer_tags:
                channel.listen()
            mark = external()
            status, properties, answer = channel.ask(body, key=mark, correlation=mark)
            assert (status, answer["code"], properties.correlation_id) == (expected, code, mark)
            assert good.dead(mark) is not None
        number = external()
        assert good.ask(order(number, "WH1"), key=number)[0] == 202, "and the next one is taken"


def test_a_token_that_is_over_is_told_so(stack):
    with Channel(stack, client="admin", token=stack.hub.token()) as admin:
        admin.listen()
        stale = f"c-{uuid.uuid4().hex[:8]}"
        first = stack.cli("clients", "add", stale).stdout.strip()
        second = stack.cli("clients", "rotate", stale).stdout.strip()
        stack.cli("clients", "rotate", stale, "--overlap-s", "0")
        admin.token = second
        assert admin.ask(order(external(), "WH1"), key=external())[2]["code"] == "token_expired"
        admin.token = first
        assert admin.ask(order(external(), "WH1"), key=external())[2]["code"] == "unauthorized"


def test_a_refusal_that_nobody_is_told_is_kept(stack):
    with Channel(stack) as channel:
        mark = external()
        wrong = order(mark, "WH1", lines=[("WIDGET", "-1", "1")])
        channel.send(wrong, key=mark, correlation=mark)
        assert json.loads(channel.dead(mark)) == wrong
        channel.listen()
        assert channel.ask(wrong, key=mark, correlation=mark)[0] == 422
        until_empty(stack, channel)
    assert orders_of(stack, mark) == []


def test_the_same_message_twice_is_one_order(stack):
    with Channel(stack) as channel:
        channel.listen()
        number = external()
        for _ in range(2):
            channel.send(order(number, "WH1"), "amq.rabbitmq.reply-to", key=number)
        first, second = channel.wait(2)
    assert first[2]["order_id"] == second[2]["order_id"] and len(orders_of(stack, number)) == 1


def test_a_message_whose_order_was_committed_by_a_hub_that_was_killed_comes_again(stack):
    with Channel(stack) as channel:
        channel.listen()
        number = external()
        ledger = sqlite3.connect(stack.hub.ledger, timeout=30, isolation_level=None)
        ledger.execute("BEGIN EXCLUSIVE")  # the ERP answers nothing, so the order is there and its message is not acked
        channel.send(order(number, "WH1"), "amq.rabbitmq.reply-to", key=number, prefer="wait=60")
        taken = wait_for(lambda: orders_of(stack, number), PATIENCE_S, "the order")
        stack.kill9("hub")
        assert channel.replies == []
        ledger.execute("ROLLBACK")
        ledger.close()
        stack.restart("hub")
        _, _, answer = channel.wait()[0]
        until_empty(stack, channel)
    assert orders_of(stack, number) == taken == [(answer["order_id"], channel.client)]


def test_a_flood_is_taken_and_answered_whole_while_the_hub_is_killed(stack):
    with Channel(stack) as channel:
        queue = channel.listen(f"crossdock.reply.{channel.client}")
        numbers = [external() for _ in range(FLOOD)]
        for number in numbers:
            channel.send(order(number, "WH1"), queue, key=number, correlation=number)
        wait_for(lambda: orders_of(stack, numbers[10]), PATIENCE_S, "some orders")
        stack.kill9("hub")
        stack.restart("hub")
        until_empty(stack, channel)
        channel.connection.process_data_events(0.5)
        answered = {properties.correlation_id for properties, _ in channel.replies}
        assert all(properties.headers["status"] == 202 for properties, _ in channel.replies)
        assert answered <= set(numbers) and len(answered) > 0
        for number in set(numbers) - answered:  # a reply may be lost with the hub: its source asks again with the same key
            assert channel.ask(order(number, "WH1"), queue, key=number)[0] == 202
        assert all(len(orders_of(stack, number)) == 1 for number in numbers)


def test_the_queue_is_made_again_when_it_was_deleted(stack):
    with Channel(stack) as channel:
        channel.channel.queue_delete("crossdock.intake")
        stack.restart("hub")
        wait_for(lambda: "crossdock.intake" in [queue["name"] for queue in stack.rabbit.api(
            "GET", f"/api/queues/{stack.rabbit.vhost}")], PATIENCE_S, "the queue")
        channel.listen()
        number = external()
        assert channel.ask(order(number, "WH1"), key=number)[0] == 202
