"""A small warehouse management system that speaks only MQTT, as a real one would with Crossdock.

    warehouse = Warehouse(port, "WH1", ship=exact).start()
    ...
    warehouse.stop()

It acknowledges each release once, has `ship` say which confirmations follow, and sends each document again until a receipt
says that it was taken or refused for good. A release that is delivered again is known by (release_id, revision) and answered
with the same documents. `ship` takes a release and returns confirmations; it must say the same for the same release, for a
warehouse does not ship twice because its computer was restarted. What happened is in `releases`, `receipts`, `taken`,
`refused` and `fates`; read them under `changed`, or by `wait`.
"""
import json
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

SESSION_SECONDS = 3600
SHIPPED_AT = "2026-11-23T10:00:00+01:00"


# ---- what a warehouse may do with a release ----

def confirmation(release, number=1, quantities=None, **more):
    """The number-th confirmation of a release. quantities: {line_id: quantity as text}, all of each line by default."""
    quantities = {line["line_id"]: line["qty"] for line in release["lines"]} if quantities is None else quantities
    known = {line["line_id"]: line for line in release["lines"]}
    name = f"{release['release_id']}-{number}"
    return {"confirmation_id": f"C-{name}", "version": 1, "kind": "SHIP", "reporting": "EXCEPTIONS", "shipment_id": f"S-{name}",
            "release_ids": [release["release_id"]], "shipped_at": SHIPPED_AT,
            "lines": [{"line_id": line_id, "sku": known[line_id]["sku"], "qty_shipped": qty, "uom": known[line_id]["uom"]}
                      for line_id, qty in quantities.items()], **more}


def exact(release):
    """Everything, in one shipment."""
    return [confirmation(release, reporting="FULL")]


def in_two_shipments(release):
    """One unit of each line first, the rest later. Quantities are whole numbers here."""
    rest = {line["line_id"]: str(int(line["qty"]) - 1) for line in release["lines"]}
    return [confirmation(release, 1, {line_id: "1" for line_id in rest}), confirmation(release, 2, rest)]


def one_short_for_good(release):
    """One unit of the first line is missing and will not come."""
    document = confirmation(release)
    first = document["lines"][0]
    first.update(qty_shipped=str(int(first["qty_shipped"]) - 1), status="SHORT_FINAL")
    return [document]


def one_over(release):
    """One unit of the first line too many."""
    document = confirmation(release)
    first = document["lines"][0]
    first["qty_shipped"] = str(int(first["qty_shipped"]) + 1)
    return [document]


def nothing(_release):
    """A warehouse that does not ship yet."""
    return []


# ---- the warehouse ----

class Warehouse:
    def __init__(self, port, site, ship=exact, acknowledge=True, client_id=None, version=mqtt.MQTTv311, patience=1.0, window=50):
        self.port, self.site, self.ship, self.acknowledge = port, site, ship, acknowledge
        self.version, self.patience, self.window = version, patience, window
        self.changed = threading.Condition()
        self.releases = {}    # release_id -> the latest revision
        self.deliveries = 0   # of releases, repeats included
        self.receipts = []    # as they came
        self.taken = {}       # (topic's tail, document id, version) -> the document; a receipt said that it was taken
        self.refused = {}     # the same key -> the problem that a receipt named
        self.fates = {}       # confirmation or advice id -> the latest `settled`
        self.online = None    # what the agent says of itself
        self._waiting = {}    # key -> the document
        self._answers = {}    # release_id -> the keys of what was said to its latest revision
        self._tried = {}      # key -> when
        self._stopping = False
        self._thread = threading.Thread(target=self._keep_sending, name=f"warehouse {site}", daemon=True)
        self.client = self._make_client(client_id or f"wms-{site}")

    def _make_client(self, client_id):
        options = {} if self.version == mqtt.MQTTv5 else {"clean_session": False}
        client = mqtt.Client(client_id, protocol=self.version, **options)
        client.max_inflight_messages_set(100)
        client.reconnect_delay_set(0.1, 0.5)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        return client

    def start(self):
        more = {}
        if self.version == mqtt.MQTTv5:
            more = {"clean_start": False, "properties": Properties(PacketTypes.CONNECT)}
            more["properties"].SessionExpiryInterval = SESSION_SECONDS
        self.client.connect_async("127.0.0.1", self.port, keepalive=10, **more)
        self.client.loop_start()
        self._thread.start()
        return self

    def stop(self):
        self._stopping = True
        self._thread.join()
        self.client.disconnect()
        self.client.loop_stop()

    # -- sending --

    def send(self, tail, document):
        """Sends a document until it is receipted; tail as in crossdock/<site>/<tail>. Returns its key."""
        key = _key(tail, document)
        with self.changed:
            if key not in self.taken and key not in self._waiting:
                self.refused.pop(key, None)
                self._waiting[key] = document
                self.changed.notify_all()
        return key

    def send_again(self, key):
        """Asks for the fate of a document that was taken: the answer is `duplicate` and its latest `settled`."""
        self._publish(key[0], self.taken[key])

    def _publish(self, tail, document):
        self.client.publish(f"crossdock/{self.site}/{tail}", json.dumps(document), qos=1)

    def _keep_sending(self):
        while not self._stopping:
            with self.changed:
                due = self._due(time.monotonic())
                if not due:
                    self.changed.wait(0.1)
            for tail, document in due:
                self._publish(tail, document)

    def _due(self, now):
        if not self.client.is_connected():
            return []
        due = []
        for key in list(self._waiting)[:self.window]:
            if now - self._tried.get(key, -self.patience) >= self.patience:
                self._tried[key] = now
                due.append((key[0], self._waiting[key]))
        return due

    # -- receiving --

    def _on_connect(self, client, *_):
        client.subscribe([(f"crossdock/{self.site}/{tail}", 1) for tail in ("release", "receipt", "settled", "status")])

    def _on_message(self, _client, _userdata, message):
        document = json.loads(message.payload)
        with self.changed:
            {"release": self._on_release, "receipt": self._on_receipt, "settled": self._on_settled,
             "status": self._on_status}[message.topic.rsplit("/", 1)[1]](document)
            self.changed.notify_all()

    def _on_release(self, release):
        self.deliveries += 1
        known = self.releases.get(release["release_id"])
        if known is None or known["revision"] < release["revision"]:
            self.releases[release["release_id"]] = release
            self._answer(release)
        elif known["revision"] == release["revision"]:
            for key in self._answers[release["release_id"]]:  # who asks again does not have our answer
                if key in self.taken:
                    self._waiting[key] = self.taken.pop(key)

    def _answer(self, release):
        keys = self._answers[release["release_id"]] = []
        if self.acknowledge:
            keys.append(self.send("release/response", {"release_id": release["release_id"], "revision": release["revision"],
                                                       "response": "ACKNOWLEDGED"}))
        for document in self.ship(release):
            keys.append(self.send("confirmation", document))

    def _on_receipt(self, receipt):
        self.receipts.append(receipt)
        key = (receipt.get("document"), receipt["document_id"], receipt.get("version", 1))
        document = self._waiting.get(key)
        if document is None:
            return
        if receipt["status"] in ("accepted", "duplicate"):
            self.taken[key] = self._waiting.pop(key)
        elif not receipt["problem"].get("retryable"):
            del self._waiting[key]
            self.refused[key] = receipt["problem"]

    def _on_settled(self, fate):
        known = self.fates.get(fate["document_id"])
        if known is None or known["version"] <= fate["version"]:
            self.fates[fate["document_id"]] = fate

    def _on_status(self, status):
        self.online = status["online"]

    # -- looking --

    def wait(self, condition, seconds, what):
        """What condition gives as soon as it is true, or TimeoutError."""
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                raise TimeoutError(f"warehouse {self.site}: {what}: not within {seconds} s; {self.summary()}")
            return condition()

    @property
    def idle(self):
        """Every document that was sent has its receipt."""
        return not self._waiting

    def taken_ids(self, tail="confirmation"):
        with self.changed:
            return {key[1] for key in self.taken if key[0] == tail}

    def summary(self):
        return (f"{len(self.releases)} releases, {len(self._waiting)} documents without a receipt, {len(self.taken)} taken, "
                f"{len(self.refused)} refused, {len(self.fates)} settled, last receipts {self.receipts[-3:]}")


def _key(tail, document):
    """As receipts name documents: (document, document_id, version)."""
    if tail == "confirmation":
        return tail, document["confirmation_id"], document["version"]
    if tail == "inventory":
        return tail, document["advice_id"], 1
    return tail, f"{document['release_id']}/{document['revision']}/{document['response']}", 1
