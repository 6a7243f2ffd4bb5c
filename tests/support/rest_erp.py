#!/usr/bin/python3
"""A small ERP that speaks JSON over HTTP, for tests: config/erp/rest/sample.yaml is its description.

It prints `listening PORT` and serves until it is ended. --data is a folder of customers.json, products.json and stock.json; --state a file that
its books are kept in, so that it can be killed and started again. Documents:

  POST /api/v1/orders                          GET /api/v1/orders?externalId=        and so on for each kind
  POST /api/v1/orders/NUMBER/shipments         POST /api/v1/orders/NUMBER/changes
  POST /api/v1/shipments/NUMBER/reversals      POST /api/v1/reversals with the reference of what it reverses
  POST /api/v1/adjustments

Lists: customers by page, products by offset, stock by a cursor in the answer, orders by Link headers, shipments (with what undoes them) by a
cursor and invoices by page; documents also by ?changedSince=, which includes that time.

What a test may ask for besides, without any authorisation:

  POST /_test/fault {"kind": ..., "path": "/orders", "method": "POST", "times": 1, "after": 7}
  POST /_test/orders   an order typed in by the ERP's own people
  POST /_test/begin {"data": FOLDER}   as if it were started anew
  GET  /_test/books    all there is; /_test/seen: how many requests of each kind came
"""

import argparse
import base64
import decimal
import http.server
import json
import os
import secrets
import threading
import time
import urllib.parse

import rest_books

API = "/api/v1"
TABLES = {"orders": "sales", "shipments": "shipments", "reversals": "reversals", "adjustments": "adjustments", "changes": "changes",
          "invoices": "invoices"}
FAULTS = ("cut_before", "cut_after", "hang_before", "hang_after", "truncated_after", "html_500_before", "html_500_after", "busy_429", "down_503",
          "error_in_200", "locked_in_200", "html_404", "expire_tokens", "warning")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, options):
        super().__init__(("127.0.0.1", options.port), Handler)
        self.options = options
        self.lock = threading.Lock()
        self.begin(options.data)

    def begin(self, data):
        self.books = rest_books.Books(self.options.references == "unique", self.options.tick_ms, self.options.state)
        self.tokens = {}
        self.faults = []
        self.seen = {}
        if data:
            self.books.fill(*(self.read(data, name) for name in ("customers", "products", "stock")))

    @staticmethod
    def read(folder, name):
        path = os.path.join(folder, name + ".json")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return json.load(file, parse_float=decimal.Decimal)

    def take_fault(self, method, path):
        """The fault that this request is to meet, if any."""
        for fault in self.faults:
            if fault["method"] in (method, None) and fault["path"] in path and fault["times"] > 0:
                fault["times"] -= 1
                return fault
        return {"kind": ""}

    def handle_error(self, request, client_address):
        """Clients that went away are a part of the tests."""


class Cut(Exception):
    """The connection ends here."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *arguments):
        pass

    # ---- answers ----

    def answer(self, status, body, headers=(), raw=None):
        text = raw if raw is not None else json.dumps(body, default=rest_books.plain).encode()
        cut = self.fault["kind"] == "truncated_after" and raw is None
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if raw is not None else "application/json")
        self.send_header("Content-Length", str(len(text)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text[: len(text) // 2] if cut else text)
        self.wfile.flush()
        if cut:
            raise Cut

    def refuse(self, status, code, message, more=None, headers=()):
        self.answer(status, {"error": {"code": code, "message": message}, **(more or {})}, headers)

    def hang(self):
        """Until the client goes away."""
        self.connection.settimeout(120)
        try:
            while self.connection.recv(1024):
                pass
        except OSError:
            pass
        raise Cut

    def fail_before(self):
        """Faults that keep the request from being looked at; True: it is answered."""
        kind = self.fault["kind"]
        if kind == "cut_before":
            raise Cut
        if kind == "hang_before":
            self.hang()
        if kind == "html_500_before":
            self.answer(500, None, raw=b"<html><body>Internal Server Error</body></html>")
        elif kind == "html_404":
            self.answer(404, None, raw=b"<html><body>Not Found</body></html>")
        elif kind in ("busy_429", "down_503"):
            headers = [("Retry-After", str(self.fault["after"]))] if self.fault["after"] is not None else []
            self.refuse(429 if kind == "busy_429" else 503, "BUSY", "too much to do", headers=headers)
        elif kind == "error_in_200":
            self.refuse(200, "PERIOD_LOCKED", "the books of that month are closed")
        elif kind == "locked_in_200":
            self.refuse(200, "RECORD_LOCKED", "somebody has the order open")
        else:
            return False
        return True

    def fail_after(self):
        kind = self.fault["kind"]
        if kind == "cut_after":
            raise Cut
        if kind == "hang_after":
            self.hang()
        if kind == "html_500_after":
            self.answer(500, None, raw=b"<html><body>Internal Server Error</body></html>")
            return True
        return False

    # ---- who asks ----

    def basic(self):
        kind, _, rest = (self.headers.get("Authorization") or "").partition(" ")
        try:
            user, _, password = base64.b64decode(rest, validate=True).decode().partition(":") if kind == "Basic" else ("", "", "")
        except ValueError:
            return "", ""
        return user, password

    def allowed(self):
        options = self.server.options
        if options.auth == "none":
            return True
        if options.auth == "basic":
            return self.basic() == (options.user, options.secret)
        if options.auth == "token":
            return self.headers.get(options.header) == options.prefix + options.secret
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        return self.server.tokens.get(token, 0) > time.monotonic()

    def give_token(self, form):
        options = self.server.options
        user, password = self.basic()
        if options.client_in == "header":
            client = (urllib.parse.unquote(user), urllib.parse.unquote(password))
        else:
            client = (form.get("client_id"), form.get("client_secret"))
        if client != (options.user, options.secret) or form.get("grant_type") != "client_credentials" or form.get("scope") != options.scope:
            self.answer(401, {"error": "invalid_client"})
            return
        token = secrets.token_urlsafe(16)
        self.server.tokens[token] = time.monotonic() + options.token_life
        self.answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": options.token_life})

    # ---- requests ----

    def do_GET(self):
        self.work(b"")

    def do_POST(self):
        self.work(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def work(self, body):
        self.fault = {"kind": ""}
        try:
            self.route(body)
        except (Cut, OSError):
            self.close_connection = True
            try:
                self.connection.shutdown(2)
            except OSError:
                pass

    def route(self, body):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        parts = [urllib.parse.unquote(part) for part in url.path.split("/") if part]
        server = self.server
        if parts[:1] == ["_test"]:
            with server.lock:
                self.control(parts[1:], body)
            return
        with server.lock:
            self.fault = server.take_fault(self.command, url.path)
            seen = f"{self.command} {parts[-1] if parts else ''}"
            server.seen[seen] = server.seen.get(seen, 0) + 1
        if self.fault["kind"] == "expire_tokens":
            server.tokens.clear()
        if self.fail_before():
            return
        if parts == ["oauth", "token"]:
            self.give_token(dict(urllib.parse.parse_qsl(body.decode())))
        elif not url.path.startswith(API):
            self.answer(404, None, raw=b"<html><body>Not Found</body></html>")
        elif not self.allowed():
            self.refuse(401, "NOT_AUTHORISED", "who are you?")
        elif self.command == "GET":
            self.read(parts[2:], query)
        else:
            self.write(parts[2:], body)

    def write(self, parts, body):
        owner = parts[1] if len(parts) == 3 else None
        table = TABLES.get(parts[-1] if parts else "")
        server = self.server
        try:
            content = json.loads(body, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
            if table is None:
                raise rest_books.Refused("NOT_FOUND", "there is no such thing", 404)
            with server.lock:
                key = self.headers.get("Idempotency-Key")
                if key is not None and key != content.get("externalId"):
                    raise rest_books.Refused("KEY", "the key is not the reference")
                number, known = server.books.make(table, owner, content)
        except rest_books.Refused as refused:
            self.refuse(refused.status, refused.code, refused.message)
            return
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.refuse(400, "MALFORMED", f"{type(error).__name__}: {error}")
            return
        if self.fail_after():
            return
        if known and server.options.known == "409":
            self.refuse(409, "DUPLICATE", "the reference is there", {"number": number})
        elif known and server.options.known == "409-bare":
            self.refuse(409, "DUPLICATE", "the reference is there")
        elif self.fault["kind"] == "warning":
            self.answer(201, {"number": number, "warning": {"code": "PERIOD_MOVED", "message": "2026-12-01"}})
        else:
            self.answer(200 if known else 201, {"number": number})

    # ---- lists ----

    def read(self, parts, query):
        server = self.server
        with server.lock:
            books = server.books
            if parts == ["customers"]:
                rows = sorted(books.customers.values(), key=lambda row: row["code"])
            elif parts == ["items"]:
                rows = sorted(books.products.values(), key=lambda row: row["sku"])
            elif parts == ["stock"]:
                rows = [{"warehouse": name.split()[0], "item": name.split()[1], "quantity": format(value, "f")}
                        for name, value in sorted(books.stock.items())]
            elif parts[0] in TABLES and len(parts) == 1:
                rows = self.documents(parts[0], query)
            else:
                rows = None
            rows = None if rows is None else json.loads(json.dumps(rows, default=rest_books.plain))
        if rows is None:
            self.refuse(404, "NOT_FOUND", "there is no such thing")
        else:
            self.page(parts[0], rows, query)

    def documents(self, name, query):
        tables = self.server.books.tables
        rows = list(tables[TABLES[name]])
        if "externalId" in query:
            return [row for row in rows if row["externalId"] == query["externalId"]]
        if name == "shipments":
            rows += tables["reversals"]
        if "changedSince" in query:
            rows = [row for row in rows if row["changedAt"] >= query["changedSince"]]
        rows = sorted(rows, key=lambda row: (row["changedAt"], row["number"]))
        return [{name: value for name, value in row.items() if name != "content"} for row in rows]

    def page(self, name, rows, query):
        size = min(int(query.get("limit", 50)), 200)
        headers = []
        answer = {}
        if name in ("customers", "invoices"):
            start = (int(query.get("page", 1)) - 1) * size
        elif name == "items":
            start = int(query.get("offset", 0))
        else:
            start = int(base64.urlsafe_b64decode(query["after"].encode())) if query.get("after") else 0
        more = start + size < len(rows)
        cursor = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        if name == "orders" and more:
            target = self.path.split("?")[0] + "?" + urllib.parse.urlencode({**query, "after": cursor})
            headers.append(("Link", f'<{target}>; rel="next", <{self.path.split("?")[0]}>; rel="first"'))
        elif name in ("stock", "shipments"):
            answer["paging"] = {"next": cursor if more else None}
        else:
            answer["paging"] = {"more": more}
        answer["items"] = rows[start : start + size]
        self.answer(200, answer, headers)

    # ---- for tests ----

    def control(self, parts, body):
        server = self.server
        content = json.loads(body, parse_float=decimal.Decimal, parse_int=decimal.Decimal) if body else {}
        if parts == ["fault"]:
            assert content["kind"] in FAULTS, content
            server.faults.append({"kind": content["kind"], "path": content.get("path", "/"), "method": content.get("method"),
                                  "times": int(content.get("times", 1)), "after": content.get("after")})
            self.answer(200, {})
        elif parts == ["orders"]:
            number, _ = server.books.make("sales", None, {**content, "externalId": None})
            self.answer(201, {"number": number})
        elif parts == ["begin"]:
            server.begin(content["data"])
            self.answer(200, {})
        elif parts == ["seen"]:
            self.answer(200, server.seen)
        elif parts == ["books"]:
            self.answer(200, {"tables": server.books.tables, "stock": server.books.stock})
        else:
            self.answer(404, {})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--data")
    parser.add_argument("--state")
    parser.add_argument("--tick-ms", type=int, default=1, help="how coarse times of change are")
    parser.add_argument("--references", choices=("unique", "any"), default="unique", help="whether a reference may come twice")
    parser.add_argument("--known", choices=("200", "409", "409-bare"), default="409", help="what a reference that is there is answered with")
    parser.add_argument("--auth", choices=("none", "basic", "token", "oauth2"), default="none")
    parser.add_argument("--user", default="crossdock")
    parser.add_argument("--secret", default="for-tests-only")
    parser.add_argument("--header", default="Authorization")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--scope", default="orders stock")
    parser.add_argument("--client-in", choices=("header", "body"), default="header")
    parser.add_argument("--token-life", type=float, default=3600)
    server = Server(parser.parse_args())
    print(f"listening {server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
