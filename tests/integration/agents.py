"""Programs and people at a site, for tests: the agent as a process, and a WMS that speaks only MQTT."""
import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

import paho.mqtt.client as mqtt

from brokers import free_port, log_tail, wait_for

TOP = os.environ.get("XD_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("XD_BUILD", os.path.join(TOP, "build"))
AGENT = os.path.join(BUILD, "crossdock-agent")
_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def http_get(url, seconds=5):
    """(status, text); status 0 when nobody answers."""
    try:
        with _no_proxy.open(url, timeout=seconds) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


class Agent:
    """crossdock-agent with a folder of its own. more: lines that are appended to agent.yaml."""

    def __init__(self, folder, site, enrolment, mqtt_url, more="release: {retry_s_min: 1, retry_s_max: 2}\n", program=AGENT):
        self.folder, self.site, self.program = str(folder), site, program
        self.port = free_port()
        self.process = None
        os.makedirs(self.folder, exist_ok=True)
        self.config = os.path.join(self.folder, "agent.yaml")
        self.log_file = os.path.join(self.folder, "agent.log")
        with open(os.open(os.path.join(self.folder, f"{site}.enrol"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                  encoding="utf-8") as file:
            file.write(enrolment)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"site: {site}\nstate_dir: state\nenrolment_file: {site}.enrol\nmqtt: {{url: '{mqtt_url}'}}\n"
                       f"http: {{listen: '127.0.0.1:{self.port}'}}\n{more}")

    @property
    def database(self):
        return os.path.join(self.folder, "state", "agent.db")

    def start(self, wait=True):
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([self.program, "--config", self.config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            wait_for(self._ready_or_ended, 20, "the agent to be ready")
        return self

    def _ready_or_ended(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the agent ended with {self.process.returncode}:\n{self.log_tail()}")
        return http_get(f"http://127.0.0.1:{self.port}/readyz")[0] == 200

    def kill9(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self, seconds=10):
        """SIGTERM; returns the exit status."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise

    def status(self):
        code, text = http_get(f"http://127.0.0.1:{self.port}/v1/status")
        return json.loads(text) if code == 200 else {}

    def metrics(self):
        """{name with labels: value}"""
        code, text = http_get(f"http://127.0.0.1:{self.port}/metrics")
        if code != 200:
            return {}
        rows = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
        return {name.removeprefix("crossdock_agent_"): float(value) for name, value in rows}

    def connected(self):
        up = self.status().get("connections", {})
        return up.get("wms") and up.get("line") and up.get("line_consuming") and up.get("welcomed")

    def backlog(self):
        """Documents that the hub has not covered, told by figures that were taken after this was called."""
        before = self.status().get("time")
        if before is None:
            return None

        def told():
            status = self.status()
            return status.get("time", before) != before and status
        status = wait_for(told, 10, "new figures of the agent")
        return status["backlog_work"] + status["backlog_bulk"]

    def memory(self):
        """Bytes of RssAnon."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon"))

    def log_tail(self, lines=40):
        return log_tail(self.log_file, lines)


class Wms:
    """A warehouse system: publishes documents and keeps what the agent tells it."""

    def __init__(self, port, site, client_id=None, version=mqtt.MQTTv311, answer_releases=False):
        self.site, self.answer_releases = site, answer_releases
        self.receipts, self.releases, self.settled, self.presence = [], [], [], []
        self._changed, self._subscribed = threading.Condition(), threading.Event()
        client_id = client_id or f"wms-{site}-{id(self)}"
        options = {"clean_session": True} if version != mqtt.MQTTv5 else {}
        self.client = mqtt.Client(client_id, protocol=version, **options)
        self.client.max_inflight_messages_set(100)
        self.client.reconnect_delay_set(0.1, 0.5)
        self.client.on_connect = self._on_connect
        self.client.on_message = self._on_message
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.connect("127.0.0.1", port, keepalive=10)
        self.client.loop_start()
        if not self._subscribed.wait(20):
            raise TimeoutError("the site's broker takes no subscription")

    def _on_connect(self, client, *_):
        client.subscribe([(f"crossdock/{self.site}/{tail}", 1) for tail in ("receipt", "release", "settled", "status")])

    def _on_message(self, _client, _userdata, message):
        document = json.loads(message.payload)
        tail = message.topic.rsplit("/", 1)[1]
        with self._changed:
            {"receipt": self.receipts, "release": self.releases, "settled": self.settled, "status": self.presence}[tail].append(document)
            self._changed.notify_all()
        if tail == "release" and self.answer_releases:
            self.respond(document)

    def publish(self, tail, document, site=None, **more):
        payload = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.client.publish(f"crossdock/{site or self.site}/{tail}", payload, qos=1, **more)

    def respond(self, release, response="ACKNOWLEDGED"):
        self.publish("release/response", {"release_id": release["release_id"], "revision": release["revision"], "response": response})

    def confirm(self, confirmation_id, release_id="R1", qty="1", **more):
        document = confirmation(confirmation_id, release_id, qty, **more)
        self.publish("confirmation", document)
        return document

    def wait_receipt(self, document_id, status=None, seconds=15):
        """The first receipt for document_id (None: bytes that could not be read) with that status."""
        def find():
            return next((r for r in self.receipts if r["document_id"] == document_id and status in (None, r["status"])), None)
        with self._changed:
            if not self._changed.wait_for(find, seconds):
                raise TimeoutError(f"no receipt {status or ''} for {document_id} in {self.receipts[-5:]}")
            return find()

    def wait(self, condition, what, seconds=15):
        with self._changed:
            if not self._changed.wait_for(condition, seconds):
                raise TimeoutError(f"{what}: not within {seconds} s")

    def receipted(self, *statuses):
        """Ids of the documents that have a receipt of one of these statuses."""
        with self._changed:
            return {r["document_id"] for r in self.receipts if r["status"] in statuses}

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class PersistentSender:
    """A WMS's sending side as it should be: sends every document again until it has a receipt for it."""

    def __init__(self, wms, documents, window=50, patience=1.0):
        self.wms, self.waiting, self.window, self.patience = wms, dict(documents), window, patience
        self.tried = {}

    def step(self):
        """Sends what is due. True: every document has its receipt."""
        done = self.wms.receipted("accepted", "duplicate")
        for document_id in [d for d in self.waiting if d in done]:
            del self.waiting[document_id]
        now = time.monotonic()
        for document_id in list(self.waiting)[:self.window]:
            if now - self.tried.get(document_id, -9e9) > self.patience:
                self.tried[document_id] = now
                self.wms.publish("confirmation", self.waiting[document_id])
        return not self.waiting


def confirmation(confirmation_id, release_id="R1", qty="1", **more):
    """The smallest shipment confirmation."""
    return {"confirmation_id": confirmation_id, "version": 1, "kind": "SHIP", "reporting": "FULL",
            "shipment_id": f"S-{confirmation_id}", "release_ids": [release_id], "shipped_at": "2026-11-23T10:00:00+01:00",
            "lines": [{"line_id": "1", "sku": "WIDGET", "qty_shipped": qty, "uom": "EA"}], **more}


def release(release_id, site, revision=1, qty="10", **more):
    """The smallest order release."""
    return {"release_id": release_id, "revision": revision, "purpose": "ORIGINAL", "order_id": f"O-{release_id}", "site_id": site,
            "lines": [{"line_id": "1", "sku": "WIDGET", "qty": qty, "uom": "EA"}], **more}
