"""A stand-in for the hub on a real RabbitMQ: what the line's protocol asks of it, and nothing else.

    hub = StubHub(rabbit, ["WH1"])      # declares exchanges, queues, site users
    hub.start()
    hub.enrolment("WH1")                # the text of WH1.enrol
    hub.send_release("WH1", {...})      # sequenced, kept until covered, resent when asked for
    hub.settle("WH1", "C-1", outcome="posted")
    hub.documents("WH1")                # what the site sent, each once, in the order it was applied
    hub.stop()

It verifies signatures and chains with code of its own, answers each hello with a welcome, says hello itself, and sends an
ack for every `ack_every` documents and at least five times a second. Its books live in memory; `forget` loses them as a
wiped hub would. All methods may be called from any thread; the connection has a thread of its own and comes back by
itself. What is wrong with what a site sends is collected in `complaints`.
"""
import collections
import hashlib
import hmac
import json
import re
import secrets
import threading
import time
import urllib.parse
from datetime import datetime, timezone

import pika

RELEASE, SETTLED = "crossdock.order.release.v1", "crossdock.document.settled.v1"
HELLO, WELCOME, ACK = "crossdock.link.hello.v1", "crossdock.link.welcome.v1", "crossdock.link.ack.v1"
STATUS = "crossdock.site.status.v1"
UP_LANES, DOWN_LANES = ("work", "bulk"), ("work", "notice")
NO_CHAIN = bytes(32)
MISSING_MAX = 64
DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+\Z")

Document = collections.namedtuple("Document", "lane epoch sequence type subject data")


def canonical(value, top=True):
    """RFC 8785 for what documents hold (no fractions outside of strings); see base/json.h."""
    if isinstance(value, dict):
        names = [n for n in value if not (top and n in ("content_hash", "observed_at", "raw_ref"))]
        names.sort(key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{json.dumps(n, ensure_ascii=False)}:{canonical(value[n], False)}" for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item, False) for item in value) + "]"
    if isinstance(value, str) and DECIMAL.match(value):
        value = value.rstrip("0").rstrip(".")
    return json.dumps(value, ensure_ascii=False)


def content_hash(data):
    return hashlib.sha256(canonical(data).encode()).digest()


def chain_of(before, document_hash):
    return hashlib.sha256(before + document_hash).digest()


class Received:
    """The receiving end of one stream."""

    def __init__(self):
        self.epoch, self.watermark, self.chain, self.retired = "", 0, NO_CHAIN, set()
        self.above = {}  # sequence -> (hash, chain)
        self.conflict = 0

    def adopt(self, epoch):
        if epoch != self.epoch and epoch not in self.retired:
            self.retired.add(self.epoch)
            self.epoch, self.watermark, self.chain, self.above, self.conflict = epoch, 0, NO_CHAIN, {}, 0

    def has(self, sequence):
        return sequence <= self.watermark or sequence in self.above

    def take(self, sequence, document_hash, chain):
        """What is wrong, or None."""
        self.above[sequence] = (document_hash, chain)
        while self.watermark + 1 in self.above:
            document_hash, chain = self.above[self.watermark + 1]
            if chain_of(self.chain, document_hash) != chain:
                self.conflict = self.watermark + 1
                return f"the chain breaks at {self.watermark + 1}"
            del self.above[self.watermark + 1]
            self.watermark, self.chain = self.watermark + 1, chain
        return None

    def tell(self, lane, upto=0):
        gaps, first = [], self.watermark + 1
        for sequence in sorted(self.above) + ([upto + 1] if upto > self.watermark else []):
            if sequence > first:
                gaps.append([str(first), str(sequence - 1)])
            first = sequence + 1
        told = {"lane": lane, "epoch": self.epoch, "watermark": str(self.watermark), "chain": self.chain.hex(),
                "missing": gaps[:MISSING_MAX]}
        return dict(told, conflict=str(self.conflict)) if self.conflict else told


class Sent:
    """The sending end of one stream; keeps all that it ever gave."""

    def __init__(self):
        self.epoch, self.chain, self.rows, self.covered, self.ready, self.handed = secrets.token_hex(16), NO_CHAIN, [], 0, False, 0
        self.told = 0  # how many there were at the hello: its answer can only tell of those

    @property
    def next(self):
        return len(self.rows) + 1

    def append(self, kind, subject, data):
        self.chain = chain_of(self.chain, content_hash(data))
        self.rows.append((kind, subject, data, self.chain, secrets.token_hex(16)))


class Site:
    def __init__(self, name):
        self.name, self.password, self.kid, self.key = name, secrets.token_urlsafe(12), "k1", secrets.token_bytes(32)
        self.receive = {lane: Received() for lane in UP_LANES}
        self.send = {lane: Sent() for lane in DOWN_LANES}
        self.session, self.hello_at, self.heard, self.fresh, self.acked_at, self.statuses = None, 0.0, False, 0, 0.0, []
        self.documents, self.known, self.repeats, self.hellos, self.forged = [], set(), 0, 0, 0

    @property
    def user(self):
        return f"site-{self.name}"


class StubHub:
    def __init__(self, rabbit, sites, ack_every=256, prefetch=512):
        self.rabbit, self.ack_every, self.prefetch = rabbit, ack_every, prefetch
        self.sites = {name: Site(name) for name in sites}
        self.complaints = []
        self.paused = False  # takes nothing from its queue
        self._lock = threading.RLock()
        self._stop, self._declared = threading.Event(), threading.Event()
        self.error = None  # the last that broke the connection
        self._connection = self._channel = self._thread = None
        self._consuming = None

    # ---- for tests ----

    def start(self):
        self.make_users()
        self._stop.clear()
        self._declared.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        if not self._declared.wait(30):
            raise TimeoutError(f"the topology could not be declared: {self.error}")
        return self

    def stop(self):
        self._stop.set()
        if self._thread:
            self._thread.join(30)

    def enrolment(self, name, url=None):
        site = self.sites[name]
        return (f"site: {name}\nuplink:\n  url: {url or self.rabbit.url}\n  vhost: {self.rabbit.vhost}\n  username: {site.user}\n"
                f"  password: {site.password}\nsigning:\n  kid: {site.kid}\n  key: {site.key.hex()}\n")

    def send_release(self, name, release):
        self._append(name, "work", RELEASE, release["release_id"], release)

    def settle(self, name, document_id, document="confirmation", document_version=1, version=1, outcome="posted", **more):
        data = {"document_id": document_id, "document": document, "document_version": document_version, "version": version,
                "outcome": outcome, **more}
        self._append(name, "notice", SETTLED, document_id, data)

    def documents(self, name, kind=None):
        """What the site sent, each once; kind: the end of a type, as "confirmation.v1"."""
        with self._lock:
            return [d for d in self.sites[name].documents if kind is None or d.type.endswith(kind)]

    def subjects(self, name, kind=None):
        return [d.subject for d in self.documents(name, kind)]

    def covered(self, name):
        """Whether the site has told that it holds all that we sent."""
        with self._lock:
            return all(sent.covered == len(sent.rows) for sent in self.sites[name].send.values())

    def forget(self, name):
        """All of the books about this site are lost, as with a hub's disk; user and key stay."""
        with self._lock:
            old, fresh = self.sites[name], Site(name)
            fresh.password, fresh.kid, fresh.key = old.password, old.kid, old.key
            self.sites[name] = fresh

    # ---- topology ----

    def make_users(self):
        vhost = urllib.parse.quote(self.rabbit.vhost, safe="")
        for site in self.sites.values():
            self.rabbit.api("PUT", f"/api/users/{site.user}", {"password": site.password, "tags": ""})
            self.rabbit.api("PUT", f"/api/permissions/{vhost}/{site.user}",
                            {"configure": "^$", "write": f"^crossdock\\.up\\.{site.name}$",
                             "read": f"^crossdock\\.site\\.{site.name}$"})

    def declare(self, channel):
        quorum = {"x-queue-type": "quorum", "x-single-active-consumer": True, "x-dead-letter-exchange": "crossdock.dead",
                  "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
        channel.exchange_declare("crossdock.dead", "fanout", durable=True)
        channel.queue_declare("crossdock.dead", durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind("crossdock.dead", "crossdock.dead")
        channel.exchange_declare("crossdock.hub", "fanout", durable=True)
        channel.queue_declare("crossdock.hub", durable=True, arguments=quorum)
        channel.queue_bind("crossdock.hub", "crossdock.hub")
        channel.exchange_declare("crossdock.down", "direct", durable=True)
        for name in self.sites:
            channel.exchange_declare(f"crossdock.up.{name}", "fanout", durable=True)
            channel.exchange_bind("crossdock.hub", f"crossdock.up.{name}")
            channel.queue_declare(f"crossdock.site.{name}", durable=True, arguments=quorum)
            channel.queue_bind(f"crossdock.site.{name}", "crossdock.down", name)

    # ---- the connection's thread ----

    def _run(self):
        while not self._stop.is_set():
            try:
                self._serve()
            except (pika.exceptions.AMQPError, OSError) as error:
                self.error = error
                self._stop.wait(0.2)
            except Exception as error:  # a fault of ours must show, not end the thread in silence
                self.error = error
                self.complaints.append(f"the stand-in failed: {error!r}")
                self._stop.wait(0.2)
            finally:
                self._close()

    def _close(self):
        connection, self._connection, self._channel, self._consuming = self._connection, None, None, None
        try:
            if connection is not None and connection.is_open:
                connection.close()
        except (pika.exceptions.AMQPError, OSError):
            pass

    def _serve(self):
        self._connection = pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", self.rabbit.port, self.rabbit.vhost, pika.PlainCredentials(self.rabbit.user, self.rabbit.password),
            heartbeat=30, socket_timeout=5, blocked_connection_timeout=30))
        self._channel = self._connection.channel()
        self.declare(self._channel)
        self._declared.set()
        self._channel.basic_qos(prefetch_count=self.prefetch)
        with self._lock:
            for site in self.sites.values():
                for sent in site.send.values():
                    sent.ready = False
                self._hello(site)
        while not self._stop.is_set():
            if self._consuming is None and not self.paused:
                self._consuming = self._channel.basic_consume("crossdock.hub", self._on_message)
            elif self._consuming is not None and self.paused:
                self._channel.basic_cancel(self._consuming)
                self._consuming = None
            self._connection.process_data_events(time_limit=0.05)
            with self._lock:
                for site in self.sites.values():
                    self._tick(site)

    def _tick(self, site):
        now = time.monotonic()
        if not all(sent.ready for sent in site.send.values()) and now - site.hello_at > 1:
            self._hello(site)
        for lane, sent in site.send.items():
            while sent.ready and sent.handed < len(sent.rows):
                sent.handed += 1
                self._send_row(site, lane, sent.handed)
        if site.fresh and (site.fresh >= self.ack_every or now - site.acked_at > 0.2):
            self._ack(site)

    # ---- what comes ----

    def _on_message(self, channel, method, properties, body):
        with self._lock:
            try:
                self._take(properties, body)
            finally:
                channel.basic_ack(method.delivery_tag)

    def _take(self, properties, body):
        try:
            event = json.loads(body)
            site = self.sites[event["site"]]
        except (ValueError, KeyError, TypeError) as error:
            self.complaints.append(f"unreadable: {error}: {body[:100]!r}")
            return
        signature = (properties.headers or {}).get("crossdock-signature", "")
        mac = hmac.new(site.key, body, hashlib.sha256).hexdigest()
        if signature != f"v1;kid={site.kid};mac={mac}" or properties.user_id != site.user:
            site.forged += 1
            self.complaints.append(f"not authentic: {event.get('type')} of {site.name}")
            return
        if properties.content_type != "application/cloudevents+json" or event.get("source") != f"/sites/{site.name}":
            self.complaints.append(f"odd envelope: {properties.content_type} {event.get('source')}")
        site.heard = True
        kind = event["type"]
        if kind == HELLO:
            self._on_hello(site, event["data"])
        elif kind == WELCOME:
            self._on_welcome(site, event["data"])
        elif kind == ACK:
            self._on_ack(site, event["data"])
        elif kind == STATUS:
            site.statuses.append(event["data"])
        else:
            self._on_document(site, event)

    def _on_document(self, site, event):
        stream, sequence = site.receive[event["lane"]], int(event["sequence"])
        if stream.epoch != event["epoch"] or stream.conflict:
            return  # asked for again in the handshake
        document_hash, site.fresh = content_hash(event["data"]), site.fresh + 1
        if stream.has(sequence):
            site.repeats += 1
            return
        wrong = stream.take(sequence, document_hash, bytes.fromhex(event["chain"]))
        if wrong:
            self.complaints.append(f"{site.name} {event['lane']}: {wrong}")
            return
        key = (event["type"], event.get("subject"), document_hash)
        if key in site.known:
            site.repeats += 1  # a document that came under an older epoch
            return
        site.known.add(key)
        site.documents.append(Document(event["lane"], event["epoch"], sequence, event["type"], event.get("subject"), event["data"]))
        if site.fresh >= self.ack_every:
            self._ack(site)  # the connection's loop may not come round for long while documents pour in

    def _on_hello(self, site, data):
        site.hellos += 1
        next_of = {}
        for stream in data["send"]:
            site.receive[stream["lane"]].adopt(stream["epoch"])
            next_of[stream["lane"]] = int(stream["next"])
        self._publish(site, WELCOME, {"session": data["session"], **self._state(site, next_of)})
        for stream in data["receive"]:
            sent = site.send[stream["lane"]]
            if stream["epoch"] != sent.epoch or int(stream["watermark"]) < sent.covered:
                sent.ready = False

    def _on_welcome(self, site, data):
        if data["session"] != site.session:
            return
        for stream in data["receive"]:
            sent = site.send[stream["lane"]]
            if stream["epoch"] != sent.epoch:
                self.complaints.append(f"{site.name} did not adopt the epoch of {stream['lane']}")
                continue
            sent.ready, sent.handed = True, sent.told
            self._resend(site, stream)

    def _on_ack(self, site, data):
        for stream in data["receive"]:
            if stream["epoch"] == site.send[stream["lane"]].epoch:
                self._resend(site, stream)

    def _resend(self, site, stream):
        sent = site.send[stream["lane"]]
        sent.covered = int(stream["watermark"])
        for first, last in stream.get("missing", []):
            for sequence in range(int(first), int(last) + 1):
                self._send_row(site, stream["lane"], sequence)

    # ---- what goes ----

    def _append(self, name, lane, kind, subject, data):
        with self._lock:
            self.sites[name].send[lane].append(kind, subject, data)

    def _state(self, site, next_of):
        return {"send": [{"lane": lane, "epoch": sent.epoch, "next": str(sent.next)} for lane, sent in site.send.items()],
                "receive": [stream.tell(lane, next_of.get(lane, 1) - 1) for lane, stream in site.receive.items()]}

    def _hello(self, site):
        site.session, site.hello_at = secrets.token_hex(16), time.monotonic()
        for sent in site.send.values():
            sent.told = len(sent.rows)
        self._publish(site, HELLO, {"session": site.session, **self._state(site, {})})

    def _ack(self, site):
        site.fresh, site.acked_at = 0, time.monotonic()
        self._publish(site, ACK, {"receive": [stream.tell(lane) for lane, stream in site.receive.items()]})

    def _send_row(self, site, lane, sequence):
        kind, subject, data, chain, event_id = site.send[lane].rows[sequence - 1]
        self._publish(site, kind, data, id=event_id, subject=subject, lane=lane, epoch=site.send[lane].epoch, sequence=str(sequence),
                      chain=chain.hex())

    def _publish(self, site, kind, data, **more):
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        event = {"specversion": "1.0", "id": secrets.token_hex(16), "source": "/hub", "type": kind, "time": now,
                 "datacontenttype": "application/json", "site": site.name, **more, "data": data}
        self.publish_raw(site.name, json.dumps(event).encode())

    def publish_raw(self, name, body, signature=None):
        """From the connection's thread, or before it starts."""
        site = self.sites[name]
        mac = hmac.new(site.key, body, hashlib.sha256).hexdigest()
        properties = pika.BasicProperties(content_type="application/cloudevents+json", delivery_mode=2, user_id=self.rabbit.user,
                                          headers={"crossdock-signature": signature or f"v1;kid={site.kid};mac={mac}"})
        self._channel.basic_publish("crossdock.down", name, body, properties)

    def inject(self, name, body, signature=None):
        """publish_raw from any thread."""
        self._connection.add_callback_threadsafe(lambda: self.publish_raw(name, body, signature))
