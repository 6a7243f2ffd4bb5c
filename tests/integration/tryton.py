"""A private Tryton for tests and for the demo, by the script config/erp/tryton/tryton: its own PostgreSQL, its own database.

    erp = Tryton(folder)
    erp.start()                        # returns when it serves; seconds once the seeded database is cached
    erp.kill9(); erp.start()           # trytond dies where it stands, PostgreSQL does not: same port, same data
    erp.kill_database(); erp.start()   # the other way round: trytond answers each call with an error at HTTP 200
    erp.restart(); erp.reset()         # in order;  back to the database as it was seeded
    erp.stop()                         # both servers;  destroy(): and the folder
    erp.rpc("model.sale.sale.search_read", [("reference", "=", "PO-1")], 0, None, None, ["state"])

A value of Tryton's (Decimal, date, datetime) is one of Python's in what rpc takes and gives. Several may run side by side.
What is started here ends with the Python process, unless keep is set.
"""
import atexit
import base64
import datetime
import decimal
import http.client
import json
import os
import shutil
import signal
import subprocess
import threading

from brokers import _adopt_orphans, log_tail, wait_for

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(TOP, "config", "erp", "tryton", "tryton")
START_SECONDS_MAX = 900  # without a dump in the cache, on a busy machine
CALL_SECONDS_MAX = 60


class TrytonError(Exception):
    """What Tryton answered in place of a result: name is the error's class or text, parts is all of it."""

    def __init__(self, parts):
        super().__init__(json.dumps(parts))
        self.parts = parts
        self.name = str(parts[0])

    @property
    def words(self):
        """What a person reads: of a UserError its message."""
        return self.parts[1][0] if self.name == "UserError" else self.name


def encoded(value):
    """A Python value as Tryton's JSON wants it."""
    if isinstance(value, decimal.Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, datetime.datetime):
        return {"__class__": "datetime", "year": value.year, "month": value.month, "day": value.day, "hour": value.hour,
                "minute": value.minute, "second": value.second, "microsecond": value.microsecond}
    if isinstance(value, datetime.date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    if isinstance(value, bytes):
        return {"__class__": "bytes", "base64": base64.b64encode(value).decode()}
    raise TypeError(f"{type(value)} is none of Tryton's")


def decoded(value):
    """The other way round: an object_hook of json."""
    fields = dict(value)
    kind = fields.pop("__class__", None)
    makers = {"Decimal": lambda decimal_: decimal.Decimal(decimal_["decimal"]), "date": lambda date: datetime.date(**date),
              "datetime": lambda when: datetime.datetime(**when), "time": lambda time: datetime.time(**time),
              "timedelta": lambda span: datetime.timedelta(seconds=span["seconds"]),
              "bytes": lambda data: base64.b64decode(data["base64"])}
    return makers[kind](fields) if kind in makers else value


def text_of(quantity):
    """As a person writes it: 10, 9.87."""
    return f"{quantity:.6f}".rstrip("0").rstrip(".")


class Tryton:
    name = "tryton"

    def __init__(self, folder, durable=False, keep=False, environment=None):
        self.folder = os.path.abspath(folder)
        self.keep = keep
        self.durable = durable
        self.state = {}
        self._environment = dict(os.environ if environment is None else environment)
        self._sessions, self._lock = {}, threading.Lock()
        atexit.register(self._at_exit)

    # -- life --

    def start(self):
        """Starts what does not run. Does nothing when all does."""
        _adopt_orphans()
        self._script("start", *(["--durable"] if self.durable else []))
        with open(os.path.join(self.folder, "tryton.json"), encoding="utf-8") as file:
            self.state = json.load(file)
        return self

    def stop(self):
        """Ends both servers in order. What is stored stays."""
        if os.path.exists(os.path.join(self.folder, "tryton.json")):
            self._script("stop")
            self._reap()

    def kill9(self):
        """Ends trytond at once, in the middle of whatever it does. Its database runs on."""
        self._signal(signal.SIGKILL)
        wait_for(lambda: not self.running, CALL_SECONDS_MAX, "trytond to be gone")

    def kill_database(self):
        """PostgreSQL drops its connections and ends at once, without a checkpoint: it recovers when it is started."""
        server = self.state["postgresql"]
        if self._runs(server):
            os.kill(server["pid"], signal.SIGQUIT)
            wait_for(lambda: not self._runs(server), CALL_SECONDS_MAX, "PostgreSQL to be gone")

    def restart(self):
        self._signal(signal.SIGTERM)
        wait_for(lambda: not self.running, CALL_SECONDS_MAX, "trytond to end")
        self.start()

    def reset(self):
        """All that was written since the seed is gone, and so are the sessions; passwords and ports stay."""
        self._script("reset")
        self._sessions.clear()
        with open(os.path.join(self.folder, "tryton.json"), encoding="utf-8") as file:
            self.state = json.load(file)
        self._reap()

    def destroy(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def freeze(self):
        """trytond stops where it stands: its connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    @property
    def running(self):
        """Whether trytond runs."""
        return "trytond" in self.state and self._runs(self.state["trytond"])

    def _runs(self, server):
        self._reap()
        try:
            with open(f"/proc/{server['pid']}/stat", encoding="utf-8", errors="replace") as file:
                state, *fields = file.read().rpartition(")")[2].split()
            return state not in "ZX" and int(fields[18]) == server["born"]
        except OSError:
            return False

    def _signal(self, number):
        if self.running:
            os.kill(self.pid, number)

    def _reap(self):
        """The servers are children of a script that has ended: they became ours (or another's, who reaps them)."""
        for server in ("trytond", "postgresql"):
            try:
                os.waitpid(self.state[server]["pid"], os.WNOHANG)
            except (ChildProcessError, KeyError):
                pass

    def _script(self, verb, *more):
        done = subprocess.run([SCRIPT, verb, "--folder", self.folder, *more], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=START_SECONDS_MAX, env=self._environment, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"tryton {verb}: {done.stdout}{done.stderr}")
        return done.stdout

    def _at_exit(self):
        if not self.keep:
            self.stop()

    def log_tail(self, lines=40):
        return log_tail(os.path.join(self.folder, "trytond.log"), lines)

    def log_tails(self):
        return self.log_tail()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # -- where it is --

    url = property(lambda self: self.state["url"])
    port = property(lambda self: self.state["port"])
    pid = property(lambda self: self.state["trytond"]["pid"])
    database = property(lambda self: self.state["database"])
    username = property(lambda self: self.state["username"])
    password = property(lambda self: self.state["password"])
    users = property(lambda self: self.state["users"])
    company = property(lambda self: self.state["company"])

    def configuration(self, password_file, url=None, **more):
        """The lines below `erps:` of a hub that posts to it. url: another way to it."""
        options = {"type": "tryton", "url": url or self.url, "database": self.database, "username": self.username,
                   "password_file": password_file, "concurrency": 4, "request_life_s": 5, "timeout_s": 5, "retry_s_min": 1,
                   "retry_s_max": 2, **more}
        return "  main:\n" + "".join(f"    {name}: {value}\n" for name, value in options.items())

    # -- its books --

    def books(self):
        """As Stack.books says: sales that have our reference, shipments that are done and have it, all stock."""
        books = {"sales": {}, "shipments": {}, "stock": {}}
        for sale in self.find("sale.sale", [("reference", "!=", None)], ["reference", "lines"]):
            books["sales"][sale["reference"]] = dict.fromkeys(sale["lines"])
        shipments = self.find("stock.shipment.out", [("reference", "!=", None), ("state", "=", "done")], ["reference", "outgoing_moves"])
        moves = {move["id"]: move for move in self.moves(one for shipment in shipments for one in shipment["outgoing_moves"])}
        for shipment in shipments:
            lines = books["shipments"].setdefault(shipment["reference"], {})
            for move in (moves[one] for one in shipment["outgoing_moves"] if moves[one]["state"] == "done"):
                sku = move["product."]["code"]
                lines[sku] = text_of(float(lines.get(sku, 0)) + move["internal_quantity"])
        for warehouse in self.find("stock.location", [("type", "=", "warehouse")], ["code"]):
            for product in self.find("product.product", [], ["code", "quantity"], locations=[warehouse["id"]]):
                books["stock"][warehouse["code"], product["code"]] = text_of(product["quantity"])
        return books

    def rpc(self, method, *params, user=None, **context):
        """Calls a method, such as model.sale.sale.read, and returns its result; TrytonError when it refuses. The context
        (company, and what is given by name) is added as the last parameter."""
        user = user or self.username
        for _ in range(2):
            status, answer = self._call(method, [*params, {"company": self.company, **context}], self._session(user))
            if status != 401:
                break
            self._sessions.pop(user, None)
        if status != 200:
            raise RuntimeError(f"{method}: HTTP {status}: {answer[:500]}")
        return self._result(answer)

    def _session(self, user):
        with self._lock:
            if user not in self._sessions:
                status, answer = self._call("common.db.login", [user, {"password": self.users[user]}, "en"], None)
                if status != 200:
                    raise RuntimeError(f"login of {user}: HTTP {status}: {answer[:500]}")
                user_id, key = self._result(answer)
                self._sessions[user] = base64.b64encode(f"{user}:{user_id}:{key}".encode()).decode()
            return self._sessions[user]

    def _call(self, method, params, session):
        headers = {"Content-Type": "application/json", **({"Authorization": f"Session {session}"} if session else {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CALL_SECONDS_MAX)
        try:
            connection.request("POST", f"/{self.database}/",
                               json.dumps({"id": 1, "method": method, "params": params}, default=encoded), headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    @staticmethod
    def _result(answer):
        body = json.loads(answer, object_hook=decoded)
        if "error" in body:
            raise TrytonError(body["error"])
        return body["result"]

    def find(self, model, domain, fields, order=None, **context):
        """Records of a model: find("sale.sale", [("reference", "=", "PO-1")], ["state"]) -> [{"id": ..., "state": ...}]"""
        return self.rpc(f"model.{model}.search_read", domain, 0, None, order or [["id", "ASC"]], fields, **context)

    def sales(self, reference):
        return self.find("sale.sale", [("reference", "=", reference)],
                         ["number", "reference", "state", "shipment_state", "invoice_state", "warehouse", "warehouse.code",
                          "party.code", "lines", "shipments", "shipment_returns", "invoices"])

    def shipments(self, reference):
        """All that goes out for the sale of this reference, with its moves."""
        ids = [one for sale in self.sales(reference) for one in sale["shipments"]]
        found = self.find("stock.shipment.out", [("id", "in", ids)],
                          ["number", "reference", "state", "warehouse.code", "effective_date", "planned_date",
                           "outgoing_moves", "inventory_moves"])
        for shipment in found:
            shipment["moves"] = self.moves(shipment["outgoing_moves"])
        return found

    def moves(self, ids):
        return self.find("stock.move", [("id", "in", list(ids))],
                         ["product.code", "quantity", "internal_quantity", "uom.symbol", "state", "lot.number",
                          "effective_date", "from_location.code", "to_location.code", "origin"])

    def invoices(self, reference):
        ids = [one for sale in self.sales(reference) for one in sale["invoices"]]
        return self.find("account.invoice", [("id", "in", ids)],
                         ["number", "state", "invoice_date", "total_amount", "lines"])

    def stock(self, warehouse, product):
        """What lies in a warehouse, in the product's own unit."""
        location, = self.find("stock.location", [("code", "=", warehouse), ("type", "=", "warehouse")], ["id"])
        variant, = self.find("product.product", [("code", "=", product)], ["quantity"],
                             locations=[location["id"]], active_test=False)
        return variant["quantity"]
