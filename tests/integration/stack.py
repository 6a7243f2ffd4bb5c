"""The whole of Crossdock on free loopback ports: RabbitMQ, hub, and for each site a Mosquitto, an agent and a line that can
be cut. For the demo and for integration tests; real programs, real brokers, all state under one folder.

    with Stack(folder) as stack:                       # sites WH1 (warehouse) and 3PL-A (3pl), unless sites= says otherwise
        order = stack.submit_order("PO-1")             # POST /v1/orders, tried again until it is taken
        stack.cut("WH1"); stack.heal("WH1")            # the site's line
        stack.kill9("hub"); stack.restart("hub")       # "hub", "rabbitmq", "WH1" (its agent), "mosquitto:WH1"
        stack.reconcile()                              # the JSON of GET /v1/reconciliation
        stack.wait_balanced(60)                        # backlog 0, nothing on its way, difference 0
        stack.books()                                  # what the ERP (the ledger) holds

Every wait has a deadline and a condition. Programs are ended by their process ids; all end with this Python process unless
keep is set.
"""
import atexit
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.request

import api_contract
import brokers
from agents import BUILD, TOP, Agent, http_get
from brokers import free_port, wait_for
from proxy import Proxy

SITES = (("WH1", "warehouse"), ("3PL-A", "3pl"))
AGENT_MORE = "release: {retry_s_min: 1, retry_s_max: 5}\nstatus_interval_s: 1\n"
# The ledger invoices what is shipped: an order that is SHIPPED stays so where nobody asks it. Tests of the books do.
HUB_POLICIES = "policies: {erp_poll_s: 0, books_hours: 0}\n"
LEDGER = "  main:\n    type: ledger\n    data: ledger\n"
ERP_MORE = "    request_life_s: 2\n"
_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Hub:
    """crossdock-hub with a folder of its own."""

    def __init__(self, folder, rabbit, ledger=None, erp_more=ERP_MORE, more=HUB_POLICIES, program=None, http_more="", erps=None):
        self.folder, self.program = str(folder), program or os.path.join(BUILD, "crossdock-hub")
        self.port = free_port()
        self.process = None
        os.makedirs(self.folder, exist_ok=True)
        self.config = os.path.join(self.folder, "hub.yaml")
        self.state = os.path.join(self.folder, "state")
        self.log_file = os.path.join(self.folder, "hub.log")
        self.token_file = os.path.join(self.state, "admin.token")
        shutil.copytree(ledger or os.path.join(TOP, "config", "ledger"), os.path.join(self.folder, "ledger"), dirs_exist_ok=True)
        with open(os.open(os.path.join(self.folder, "hub.password"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                  encoding="utf-8") as file:
            file.write(rabbit.password + "\n")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"state_dir: state\n"
                       f"broker:\n  url: {rabbit.url}\n  vhost: {rabbit.vhost}\n  username: {rabbit.user}\n"
                       f"  password_file: hub.password\n  management_url: {rabbit.management_url}\n"
                       f"http: {{listen: '127.0.0.1:{self.port}'{http_more}}}\n"
                       f"erps:\n{erps or LEDGER + erp_more}{more}")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self):
        return os.path.join(self.state, "hub.db")

    @property
    def ledger(self):
        return os.path.join(self.state, "erp-main.db")

    def start(self, wait=True):
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([self.program, "--config", self.config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            wait_for(self._ready_or_ended, 30, "the hub to be ready")
        return self

    def _ready_or_ended(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the hub ended with {self.process.returncode}:\n{self.log_tail()}")
        return http_get(f"{self.url}/readyz")[0] == 200

    def kill9(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self, seconds=20):
        """SIGTERM; returns the exit status."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise

    def token(self):
        with open(self.token_file, encoding="utf-8") as file:
            return file.read().strip()

    def call(self, method, path, body=None, key=None, seconds=10, headers=None, if_match=None):
        """(status, JSON); status 0 when nobody answers (in time). Every answer is held against the OpenAPI document."""
        headers = {"Authorization": f"Bearer {self.token()}", **(headers or {})}
        headers["Content-Type"] = "application/json"
        if key:
            headers["Idempotency-Key"] = f'"{key}"'
        if if_match:
            headers["If-Match"] = if_match
        request = urllib.request.Request(self.url + path, method=method, headers=headers,
                                         data=None if body is None else json.dumps(body).encode())
        try:
            with _no_proxy.open(request, timeout=seconds) as answer:
                text = answer.read()
                api_contract.check(method, path, answer.status, answer.headers, text)
                return answer.status, json.loads(text)
        except urllib.error.HTTPError as error:
            text = error.read()
            api_contract.check(method, path, error.code, error.headers, text)
            try:
                return error.code, json.loads(text)
            except ValueError:
                return error.code, {"detail": text.decode("utf-8", "replace")}
        except (OSError, ValueError) as error:
            return 0, {"detail": str(error)}

    def get(self, path, seconds=30):
        """The JSON of a read; asked again while the hub is away or busy."""
        def ask():
            status, answer = self.call("GET", path)
            if status not in (0, 503) and status != 200:
                raise RuntimeError(f"GET {path}: {status} {answer}")
            return answer if status == 200 else None
        return wait_for(ask, seconds, f"GET {path}")

    def log_tail(self, lines=40):
        return brokers.log_tail(self.log_file, lines)


class Site:
    """One site: its Mosquitto, its agent, and the line from there to RabbitMQ (a Proxy, or None)."""

    def __init__(self, name, kind, mosquitto, line):
        self.name, self.kind, self.mosquitto, self.line = name, kind, mosquitto, line
        self.agent = None


class Stack:
    """See the module. ledger: a folder of CSV files for the ERP (default: the sample). lines=False: agents connect to RabbitMQ
    directly. hub_more, erp_more, agent_more: lines of YAML for the configurations; http_more: further keys of the hub's `http`, from
    a comma on; tryton: a Tryton that runs, in place of the ledger, and tryton_more: what its configuration takes besides."""

    def __init__(self, folder, sites=SITES, keep=False, lines=True, ledger=None, hub_more=HUB_POLICIES, erp_more=ERP_MORE,
                 agent_more=AGENT_MORE, http_more="", tryton=None, tryton_more=None):
        self.folder, self.keep, self.agent_more = os.path.abspath(folder), keep, agent_more
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        self.rabbit = brokers.RabbitMQ(self._path("rabbitmq"), keep=keep)
        erps = tryton and tryton.configuration("tryton.password", **(tryton_more or {}))
        self.tryton = tryton
        self.hub = Hub(self._path("hub"), self.rabbit, ledger, erp_more, hub_more, http_more=http_more, erps=erps)
        if tryton:
            with open(os.open(self._path("hub", "tryton.password"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                      encoding="utf-8") as file:
                file.write(tryton.password + "\n")
        self.sites = {}
        for name, kind in sites:
            self.sites[name] = self._new_site(name, kind, lines)
        atexit.register(self._at_exit)

    def _path(self, *parts):
        path = os.path.join(self.folder, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def _new_site(self, name, kind, lines):
        line = Proxy(("127.0.0.1", self.rabbit.port)) if lines else None
        return Site(name, kind, brokers.Mosquitto(self._path(name, "mosquitto"), keep=self.keep), line)

    # -- life --

    def start(self):
        """Everything, in the order of a real installation; returns when every agent has shaken hands with the hub."""
        _start_at_once([self.rabbit] + [site.mosquitto for site in self.sites.values()])
        self.hub.start()
        for site in self.sites.values():
            self._start_site(site)
        for name in self.sites:
            self.wait_connected(name)
        return self

    def enrol_site(self, name, kind="warehouse", lines=True):
        """One more site of a running stack: its Mosquitto runs, the hub has just been told of it; start_site(name) is next."""
        self.sites[name] = self._new_site(name, kind, lines)
        self.sites[name].mosquitto.start()
        self.add_site(name, kind, self._enrolment(name))

    def start_site(self, name):
        """The line and the agent of a site that was enrolled; wait_connected(name) says when it works."""
        self._start_site(self.sites[name])

    def _enrolment(self, name):
        return self._path(name, f"{name}.enrol")

    def _start_site(self, site):
        enrolment = self._enrolment(site.name)
        if not os.path.exists(enrolment):
            self.add_site(site.name, site.kind, enrolment)
        with open(enrolment, encoding="utf-8") as file:
            text = file.read()
        more = self.agent_more
        if site.line:
            site.line.start()
            more += f"uplink: {{url: 'amqp://127.0.0.1:{site.line.port}'}}\n"
        site.agent = Agent(self._path(site.name, "agent"), site.name, text, site.mosquitto.url, more)
        site.agent.start()

    def add_site(self, name, kind, out):
        """By the operator's command; tried again while the hub's broker is away."""
        def add():
            done = self.cli("sites", "add", name, "--kind", kind, "--out", out, check=False)
            if done.returncode != 0 and "again" not in done.stderr:
                raise RuntimeError(f"crossdock sites add {name}: {done.stderr}")
            return done.returncode == 0
        wait_for(add, 60, f"sites add {name}")

    def straighten(self):
        """Agents connect to RabbitMQ directly from now on: for a stack that outlives this process and its proxies."""
        for site in self.sites.values():
            if site.line:
                site.agent.stop()
                with open(site.agent.config, encoding="utf-8") as file:
                    lines = [line for line in file if not line.startswith("uplink:")]
                with open(site.agent.config, "w", encoding="utf-8") as file:
                    file.writelines(lines)
                site.line.stop()
                site.line = None
                site.agent.start()

    def stop(self):
        """Ends everything in order; what was stored stays in the folder."""
        for site in self.sites.values():
            if site.agent:
                site.agent.stop()
        self.hub.stop()
        for site in self.sites.values():
            if site.line:
                site.line.stop()
            site.mosquitto.stop()
        self.rabbit.stop()

    def end(self):
        """Ends everything at once."""
        for site in self.sites.values():
            if site.agent:
                site.agent.kill9()
            site.mosquitto.kill9()
        self.hub.kill9()
        self.rabbit.kill9()

    def destroy(self):
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _at_exit(self):
        if not self.keep:
            self.end()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.end()

    # -- programs, by name --

    def program(self, name):
        """"hub", "rabbitmq", "mosquitto:WH1", or a site's name for its agent."""
        if name == "hub":
            return self.hub
        if name == "rabbitmq":
            return self.rabbit
        if name.startswith("mosquitto:"):
            return self.sites[name.partition(":")[2]].mosquitto
        return self.sites[name].agent

    def kill9(self, name):
        """RabbitMQ 3.10 brings a quorum queue that was declared less than about two seconds before back without a leader. The hub
        makes it anew, but only after about a minute: a test that kills RabbitMQ lets some work pass first."""
        self.program(name).kill9()

    def restart(self, name, wait=True):
        """Starts what was killed (what runs is killed first). wait: until it is ready."""
        program = self.program(name)
        program.kill9()
        if isinstance(program, brokers.Broker):
            program.start()
        else:
            program.start(wait)
        return program

    def cut(self, site):
        self.sites[site].line.cut()

    def heal(self, site):
        self.sites[site].line.heal()

    def wait_connected(self, site, seconds=60):
        """Until the agent has its brokers and has shaken hands with the hub."""
        agent = self.sites[site].agent
        wait_for(lambda: _or_none(agent.connected), seconds, f"{site} to be connected")

    def log_tails(self, lines=15):
        """The last words of every program, for a report of what went wrong."""
        texts = {"hub": self.hub.log_tail, "rabbitmq": self.rabbit.log_tail}
        for name, site in self.sites.items():
            texts[f"mosquitto {name}"] = site.mosquitto.log_tail
            texts[f"agent {name}"] = site.agent.log_tail if site.agent else lambda _lines: ""
        return "".join(f"--- {name}\n{text(lines)}" for name, text in texts.items())

    # -- the operator --

    def environment(self):
        """For commands that a person would type: the programs on PATH, the hub's address and token."""
        return dict(os.environ, PATH=f"{BUILD}:{os.environ.get('PATH', '/usr/bin:/bin')}", CROSSDOCK_URL=self.hub.url,
                    CROSSDOCK_TOKEN_FILE=self.hub.token_file)

    def cli(self, *arguments, check=True, seconds=60, **more):
        """crossdock with these arguments; its stdout and stderr as text."""
        done = subprocess.run([os.path.join(BUILD, "crossdock"), *arguments], env=self.environment(), capture_output=True,
                              text=True, timeout=seconds, check=False, **more)
        if check and done.returncode != 0:
            raise RuntimeError(f"crossdock {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    # -- orders and books --

    def lift_credit(self, code="CUST-1"):
        """For tests that let more orders wait than the customer's credit has room for: they would be held, rightly."""
        status, _ = self.hub.call("PUT", f"/v1/reference/customers/{code}", {"code": code, "name": code, "currency": "EUR"})
        assert status in (200, 201), status

    def submit_order(self, external, site=None, lines=(("WIDGET", "1", "9.95"),), seconds=60, **more):
        """Submits as a channel should: the same request again until the hub has answered. The answer's JSON."""
        body = order(external, site or next(iter(self.sites)), lines, **more)

        def submit():
            status, answer = self.hub.call("POST", "/v1/orders", body, key=f"key-{external}")
            if status in (201, 202):
                return answer
            if status not in (0, 429, 503):
                raise RuntimeError(f"order {external}: {status} {answer}")
            return None
        return wait_for(submit, seconds, f"order {external} to be taken")

    def order(self, order_id):
        return self.hub.get(f"/v1/orders/{order_id}")

    def reconcile(self, site=None):
        return self.hub.get("/v1/reconciliation" + (f"?site={site}" if site else ""), seconds=30)

    def unfinished(self):
        """What is still on its way, as {what: how many}; {} when all is quiet."""
        status, books = self.hub.get("/v1/status"), self.reconcile()
        jobs, orders = status["erp_jobs"], status["orders"]
        found = {"difference": books["difference"], "postings": jobs["QUEUED"] + jobs["SENT"] + jobs["UNKNOWN"],
                 "orders not released": orders["RECEIVED"] + orders["ACCEPTED"] + orders["ALLOCATED"]}
        for site in self.sites.values():
            found[f"backlog of {site.name}"] = _or_none(site.agent.backlog)
        return {what: count for what, count in found.items() if count != 0}

    def wait_balanced(self, seconds=60):
        """Until nothing is on its way and the difference is 0; returns the reconciliation."""
        deadline = time.monotonic() + seconds
        while True:
            left = self.unfinished()
            if not left:
                return self.reconcile()
            if time.monotonic() > deadline:
                raise TimeoutError(f"not balanced within {seconds} s: {left}")
            time.sleep(0.1)

    def books(self):
        """What the ERP holds: sales {reference: {line_id: shipped}}, shipments {reference: {sku: qty}}, stock {(site, sku): qty}.
        Quantities are texts."""
        if self.tryton:
            return self.tryton.books()
        with sqlite3.connect(f"file:{self.hub.ledger}?mode=ro", uri=True, timeout=10) as ledger:
            ledger.execute("BEGIN")
            books = {"sales": {}, "shipments": {}, "stock": {}}
            for reference, line, shipped in ledger.execute(
                    "SELECT reference, line_id, shipped FROM sale JOIN sale_line ON sale = sale.number"):
                books["sales"].setdefault(reference, {})[line] = shipped
            for reference, sku, qty in ledger.execute(
                    "SELECT reference, sku, qty FROM shipment JOIN shipment_line ON shipment = shipment.number"):
                books["shipments"].setdefault(reference, {})[sku] = qty
            for site, sku, qty in ledger.execute("SELECT site, sku, qty FROM stock"):
                books["stock"][site, sku] = qty
        ledger.close()
        return books


def order(external, site, lines=(("WIDGET", "1", "9.95"),), customer="CUST-1", **more):
    """The smallest order. lines: (sku, qty, unit_price), in pieces, or the line itself."""
    return {"external_order_id": external, "channel": {"type": "portal", "account": "web"}, "customer": {"external_ref": customer},
            "currency": "EUR", "preferred_site": site,
            "parties": {"ship_to": {"name": "Corner Shop", "address": ["1 Dock Road"], "city": "Leeds", "postal_code": "LS1 1AA",
                                    "country": "GB"}},
            "lines": [line if isinstance(line, dict) else
                      {"external_line_id": str(number), "sku": line[0], "qty": line[1], "uom": "EA", "unit_price": line[2]}
                      for number, line in enumerate(lines, 1)], **more}


def _or_none(ask):
    """ask(), or None while the agent is away."""
    try:
        return ask()
    except (OSError, ValueError):
        return None


def _start_at_once(those):
    """Starts each broker in a thread of its own; raises the first failure when all are done. Interrupted, it leaves none running."""
    failures = []

    def run(broker):
        try:
            broker.start()
        except BaseException as failure:  # pylint: disable=broad-except
            failures.append(failure)
    threads = [threading.Thread(target=run, args=(broker,)) for broker in those]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:  # Ctrl-C, say
        for broker in those:
            broker.give_up()
        for thread in threads:
            if thread.ident:
                thread.join()
        raise
    if failures:
        raise failures[0]
