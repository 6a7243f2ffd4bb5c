"""What real programs say on MQTT and on the line while an order goes its way, each message held against config/asyncapi.yaml."""
import json
import threading

import paho.mqtt.client as mqtt
import pika
import pytest

import async_contract
from brokers import wait_for
from stack import Stack
from wms import Warehouse

# What must have been heard at least once, so that a silent line does not pass.
MQTT_CHANNELS = {"release", "response", "confirmation", "inventory", "receipt", "settled", "presence"}
UP = {"crossdock.link.hello.v1", "crossdock.link.ack.v1", "crossdock.release.response.v1", "crossdock.shipment.confirmation.v1",
      "crossdock.inventory.advice.v1", "crossdock.site.status.v1"}
DOWN = {"crossdock.link.welcome.v1", "crossdock.link.ack.v1", "crossdock.order.release.v1", "crossdock.document.settled.v1"}


class Listener:
    """Keeps all that passes a site's broker and the line's two exchanges, as (channel, payload, headers)."""

    def __init__(self, stack, site):
        self.heard, self.ended = [], threading.Event()
        self.client = mqtt.Client(f"listener-{site}", protocol=mqtt.MQTTv311)
        self.client.on_connect = lambda client, *_: client.subscribe("crossdock/#", 1)
        self.client.on_message = lambda _client, _data, message: self.heard.append(
            (async_contract.channel_of(message.topic) or message.topic, json.loads(message.payload), None))
        self.client.connect("127.0.0.1", stack.sites[site].mosquitto.port)
        self.client.loop_start()
        self.bound = threading.Event()
        self.thread = threading.Thread(target=self._consume, args=(stack.rabbit, site))
        self.thread.start()
        assert self.bound.wait(30)

    def _consume(self, rabbit, site):
        connection = pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", rabbit.port, rabbit.vhost, pika.PlainCredentials(rabbit.user, rabbit.password)))
        channel = connection.channel()
        for exchange, key, name in (("crossdock.hub", "", "hub"), ("crossdock.down", site, "down")):
            queue = channel.queue_declare("", exclusive=True).method.queue
            channel.queue_bind(queue, exchange, key)
            channel.basic_consume(queue, lambda _channel, method, properties, body, name=name: self.heard.append(
                (name, json.loads(body), dict(properties.headers or {}, content_type=properties.content_type))), auto_ack=True)
        self.bound.set()
        while not self.ended.is_set():
            connection.process_data_events(0.1)
        connection.close()

    def close(self):
        self.ended.set()
        self.thread.join()
        self.client.loop_stop()
        self.client.disconnect()

    def channels(self):
        return {channel for channel, _, _ in list(self.heard)}

    def types(self, name):
        return {payload["type"] for channel, payload, _ in list(self.heard) if channel == name}


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """All that was said while an order was shipped, an advice was posted and nonsense was refused."""
    with Stack(tmp_path_factory.mktemp("asyncapi"), [("WH1", "warehouse")]) as stack:
        listener = Listener(stack, "WH1")
        stack.restart("WH1")  # for a handshake that is heard
        stack.wait_connected("WH1")
        warehouse = Warehouse(stack.sites["WH1"].mosquitto.port, "WH1", client_id="asyncapi-warehouse").start()
        stack.submit_order("ASYNC-1", "WH1")
        for advice in ({"advice_id": "I-1", "kind": "DELTA", "lines": [{"sku": "WIDGET", "qty": "-2", "uom": "EA", "reason": "DAMAGED"}]},
                       {"advice_id": "I-2", "kind": "DELTA", "lines": []}):
            listener.client.publish("crossdock/WH1/inventory", json.dumps(advice), 1)
        wait_for(lambda: MQTT_CHANNELS <= listener.channels() and UP <= listener.types("hub") and DOWN <= listener.types("down"), 60,
                 "every kind of message")
        warehouse.stop()
        listener.close()
        yield listener.heard


def test_everything_that_was_heard_is_described(heard):
    known = async_contract.document()["channels"]
    assert {channel for channel, _, _ in heard} <= set(known)
    refused_on_purpose = [payload for channel, payload, _ in heard if channel == "inventory" and payload["advice_id"] == "I-2"]
    assert len(refused_on_purpose) == 1
    for channel, payload, headers in heard:
        if payload not in refused_on_purpose:
            assert async_contract.errors_of(channel, payload, headers) == [], (channel, payload)


def test_events_travel_with_the_content_type_of_their_message(heard):
    events = [(channel, payload, headers) for channel, payload, headers in heard if channel in ("hub", "down")]
    assert events
    for channel, payload, headers in events:
        message, = [m for m in async_contract.messages_of(channel) if m["name"] == payload["type"]]
        assert headers["content_type"] == message["contentType"]


def test_a_document_within_an_event_is_the_one_that_the_warehouse_published(heard):
    published = [payload for channel, payload, _ in heard if channel == "confirmation"]
    carried = [payload["data"] for channel, payload, _ in heard
               if channel == "hub" and payload["type"] == "crossdock.shipment.confirmation.v1"]
    assert carried and all(document in published for document in carried)
