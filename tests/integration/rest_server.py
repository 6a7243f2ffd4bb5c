"""The ERP of tests/support/rest_erp.py on a free loopback port, with its description for a hub.

    erp = RestErp(folder).start()
    erp.describe(path, ("grade: A", "grade: B"))      # the sample, for this server, and with these texts replaced
    erp.fault("cut_after", "/orders", "POST")         # the next such request
    erp.kill9(); erp.start()                          # its books are on disk
"""
import atexit
import json
import os
import signal
import subprocess
import sys
import urllib.request

from agents import TOP
from brokers import free_port

SAMPLE = os.path.join(TOP, "config", "erp", "rest")
CUSTOMERS = [{"code": "CUST-1", "name": "Corner Shop", "status": "ACTIVE", "currency": "EUR"},
             {"code": "CUST-3", "name": "Closed Account Ltd", "status": "BLOCKED", "currency": "EUR"}]
PRODUCTS = [{"sku": "WIDGET", "name": "Widget", "unit": "EA", "price": "9.95", "status": "ACTIVE"},
            {"sku": "GADGET", "name": "Gadget", "unit": "EA", "price": "24.50", "status": "ACTIVE"}]
STOCK = [{"warehouse": site, "item": sku, "quantity": 1000} for site in ("WH1", "3PL-A") for sku in ("WIDGET", "GADGET")]
_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class RestErp:
    def __init__(self, folder, *options):
        self.folder, self.options, self.port, self.process = str(folder), options, free_port(), None
        os.makedirs(self.folder, exist_ok=True)
        for name, rows in (("customers", CUSTOMERS), ("products", PRODUCTS), ("stock", STOCK)):
            with open(os.path.join(self.folder, name + ".json"), "w", encoding="utf-8") as file:
                json.dump(rows, file)
        atexit.register(self.kill9)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(TOP, "tests", "support", "rest_erp.py"), "--port", str(self.port), "--data", self.folder,
             "--state", os.path.join(self.folder, "books"), "--auth", "oauth2", *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"))
        line = self.process.stdout.readline()
        assert line == f"listening {self.port}\n", line
        return self

    def kill9(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if self.process:
            self.process.stdout.close()
        self.process = None

    def describe(self, path, *replaced):
        """Writes the description to path, and the secret beside it."""
        with open(os.path.join(SAMPLE, "sample.yaml"), encoding="utf-8") as file:
            text = file.read().replace("http://127.0.0.1:8090", self.url)
        for old, new in replaced:
            assert old in text, old
            text = text.replace(old, new)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        with open(os.path.join(SAMPLE, "client.secret"), encoding="utf-8") as file:
            secret = file.read()
        with open(os.path.join(os.path.dirname(path), "client.secret"), "w", encoding="utf-8") as file:
            file.write(secret)
        return path

    # ---- what a test asks for ----

    def _ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with _no_proxy.open(urllib.request.Request(self.url + path, data=data), timeout=30) as answer:
            return json.load(answer)

    def fault(self, kind, path="/", method=None, times=1, after=None):
        self._ask("/_test/fault", {"kind": kind, "path": path, "method": method, "times": times, "after": after})

    def tables(self):
        return self._ask("/_test/books")["tables"]

    def stock(self, site, sku):
        return str(self._ask("/_test/books")["stock"][f"{site} {sku}"])

    def sales(self, external):
        """All sales of an order, made by hubs that know it by this name."""
        return [row for row in self.tables()["sales"] if (row["externalId"] or "").endswith(f"/{external}")]
