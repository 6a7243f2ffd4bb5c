"""Who may call the hub, how often, and that a flood of one spares the others: tokens, rates, shares, and clients that send
slowly, nothing, or too much."""
import http.client
import json
import os
import re
import socket
import sqlite3
import subprocess
import threading
import uuid
from datetime import datetime, timedelta, timezone

import pytest

from agents import BUILD
from brokers import wait_for
from stack import Stack, order

CONNECTIONS_MAX = 48
WAITING_MAX = 16
FLOOD_CONNECTIONS = 64
FLOOD_LINES = 200
PATIENCE_S = 12  # less than a connection may be idle: nobody is served only because others' time has run out


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    more = f", connections_max: {CONNECTIONS_MAX}, waiting_max: {WAITING_MAX}"
    with Stack(tmp_path_factory.mktemp("clients"), [("WH1", "warehouse")], lines=False, http_more=more) as running:
        yield running


class Caller:
    """A client of the API with a token of its own and one connection."""

    def __init__(self, stack, token, timeout=60):
        self.stack, self.token = stack, token
        self.connection = http.client.HTTPConnection("127.0.0.1", stack.hub.port, timeout=timeout)

    def call(self, method, path, body=None, key=None):
        """(status, headers, JSON)"""
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["Idempotency-Key"] = f'"{key}"'
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())

    def order(self, external=None, lines=1, **more):
        external = external or f"PO-{uuid.uuid4().hex[:12]}"
        return self.call("POST", "/v1/orders", order(external, "WH1", [("WIDGET", "1", "9.95")] * lines, **more), key=external)

    def close(self):
        self.connection.close()


def name():
    return f"c-{uuid.uuid4().hex[:8]}"


def add(stack, client, *options):
    """A client made by the operator's command; its token."""
    return stack.cli("clients", "add", client, *options).stdout.strip()


def new(stack, *options):
    return Caller(stack, add(stack, name(), *options))


# ---- tokens ----

def tokens_of(stack, client):
    header, *rows = stack.cli("clients", "list", "--tenant", "acme").stdout.splitlines()
    return {row.split()[1]: row.split()[header.split().index("TOKENS")] for row in rows}[client]


def test_a_client_lives_as_the_operator_says(stack, tmp_path):
    client, file = name(), tmp_path / "web.token"
    done = stack.cli("clients", "add", client, "--tenant", "acme", "--out", str(file), "--channels", "portal,edi", "--versions", "1")
    assert str(file) in done.stdout and oct(file.stat().st_mode & 0o777) == "0o600"
    first = file.read_text().strip()
    assert re.fullmatch(r"[0-9a-f]{64}", first) and first not in done.stdout + done.stderr
    assert Caller(stack, first).order()[0] == 202

    shown = stack.cli("clients", "show", client, "--tenant", "acme").stdout
    assert "portal,edi" in shown and "channel" in shown
    listed = json.loads(stack.cli("clients", "list", "--tenant", "acme", "--json").stdout)["clients"]
    assert [row["channels"] for row in listed if row["client"] == client] == [["portal", "edi"]]
    for told in (shown, json.dumps(listed), stack.cli("clients", "list").stdout):
        assert first not in told and "hash" not in told

    second = stack.cli("clients", "rotate", client, "--tenant", "acme").stdout.strip()
    assert [Caller(stack, token).order()[0] for token in (first, second)] == [202, 202], "two are live"
    assert tokens_of(stack, client) == "2"
    third = json.loads(stack.cli("clients", "rotate", client, "--tenant", "acme", "--overlap-s", "0", "--json").stdout)["token"]
    answers = [Caller(stack, token).order() for token in (first, second, third)]
    assert [answer[0] for answer in answers] == [401, 401, 202]
    assert tokens_of(stack, client) == "1"  # of those that let somebody in
    assert answers[0][2]["code"] == "unauthorized" and answers[1][2]["code"] == "token_expired"

    stack.hub.stop()
    stack.hub.start()
    assert Caller(stack, third).order()[0] == 202, "it is stored"
    assert "is revoked" in stack.cli("clients", "revoke", client, "--tenant", "acme").stdout
    assert Caller(stack, third).order()[0] == 401, "at once"
    assert "revoked" in stack.cli("clients", "show", client, "--tenant", "acme").stdout


def test_no_token_is_found_in_the_store_or_in_the_log(stack):
    client = name()
    tokens = [add(stack, client, "--role", "viewer"), stack.cli("clients", "rotate", client).stdout.strip(), stack.hub.token()]
    Caller(stack, tokens[0]).call("GET", "/v1/status")
    stack.hub.stop()
    held = b"".join(open(path, "rb").read() for path in (stack.hub.log_file, stack.hub.database, stack.hub.database + "-wal")
                    if os.path.exists(path))
    stack.hub.start()
    for token in tokens:
        assert token.encode() not in held and bytes.fromhex(token) not in held
    assert re.search(rb"api.write.*POST /v1/clients/" + client.encode() + rb"/rotate by client admin of tenant default", held)
    for event in (b"client.added", b"client.rotated"):  # but who did what is
        assert re.search(event + rb".*client " + client.encode() + rb" of tenant default .*by admin of tenant default", held)


def test_a_lost_answer_is_made_good_by_rotating(stack):
    client = name()
    lost = add(stack, client)
    again = stack.cli("clients", "add", client, check=False)
    assert again.returncode == 1 and "client_exists" in again.stderr and "clients rotate" in again.stderr
    assert Caller(stack, lost).order()[0] == 202, "and the first token goes on"
    assert Caller(stack, stack.cli("clients", "rotate", client).stdout.strip()).order()[0] == 202


def test_an_expired_token_is_told_apart_from_a_wrong_one(stack):
    soon = (datetime.now(timezone.utc) + timedelta(seconds=2)).isoformat()
    caller = new(stack, "--expires-at", soon, "--role", "viewer")
    wait_for(lambda: caller.call("GET", "/v1/status")[0] == 401, 30, "the token to expire")
    status, headers, problem = caller.call("GET", "/v1/status")
    assert (status, problem["code"], problem["retryable"]) == (401, "token_expired", False)
    assert headers["WWW-Authenticate"] == "Bearer"
    assert Caller(stack, "f" * 64).call("GET", "/v1/status")[2]["code"] == "unauthorized"


def test_roles_end_where_they_should(stack):
    for role, may in (("channel", [False, False, False, True]), ("viewer", [True, False, False, False]),
                      ("operator", [True, False, False, True]), ("admin", [True, True, True, True])):
        caller = new(stack, "--role", role)
        statuses = [caller.call("GET", "/v1/status")[0], caller.call("GET", "/v1/clients")[0],
                    caller.call("POST", "/v1/clients", {"client": name(), "role": "viewer"})[0], caller.order()[0]]
        assert [status != 403 for status in statuses] == may, (role, statuses)


def test_wrong_arguments_of_clients_are_told_before_or_by_the_hub(stack, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("mine")
    for arguments, said, code in [(["add", "web", "--rate", "many"], "--rate is a whole number", 2),
                                  (["add", "web", "--versions", "1,x"], "--versions is a list of numbers", 2),
                                  (["add", "web", "--versions", "2"], "/schema_versions", 1), (["set", "web"], "--channels", 2),
                                  (["set", "web", "--rate", "1"], "clients list", 1),
                                  (["add", "web", "--out", str(taken)], "is there already", 2),
                                  (["add", "we/b"], "/client", 1), (["add", "web", "--role", "king"], "/role", 1),
                                  (["add", "web", "--expires-at", "2001-01-01T00:00:00Z"], "/expires_at", 1),
                                  (["rotate", "nobody"], "--tenant", 1), (["revoke", "admin"], "own_client", 1)]:
        done = stack.cli("clients", *arguments, check=False)
        assert done.returncode == code and said in done.stderr, (arguments, done.stderr)
    assert taken.read_text() == "mine"
    assert stack.cli("clients", "show", "web", check=False).returncode == 1, "none of these made one"


def test_a_client_sends_only_what_it_may(stack):
    client = name()
    caller = Caller(stack, add(stack, client, "--channels", "edi", "--versions", "1"))
    status, _, problem = caller.order()
    assert (status, problem["code"], problem["errors"][0]["pointer"]) == (403, "channel_not_allowed", "/channel/type")
    assert caller.order(channel={"type": "edi", "account": "a"})[0] == 202
    status, _, problem = caller.order(channel={"type": "edi", "account": "a"}, schema_version=2)
    assert (status, problem["code"], problem["errors"][0]["pointer"]) == (422, "unknown_schema_version", "/schema_version")
    with sqlite3.connect(stack.hub.database, timeout=30) as database:  # as a later hub may have stored it
        database.execute("UPDATE client SET schema_versions = 4 WHERE client = ?", [client])
    status, _, problem = caller.order(channel={"type": "edi", "account": "a"})
    assert (status, problem["code"]) == (422, "schema_version_not_allowed")


def test_what_a_client_may_is_changed_and_its_token_goes_on(stack):
    client = name()
    caller = Caller(stack, add(stack, client, "--channels", "edi", "--rate", "1", "--burst", "2"))
    status, _, problem = caller.order()
    assert (status, problem["code"]) == (403, "channel_not_allowed")
    assert "edi" in problem["errors"][0]["detail"] and "crossdock clients set" in problem["detail"]
    assert "/v1/clients" not in problem["detail"], "where it may not look"
    said = stack.cli("clients", "set", client, "--channels", "portal,edi", "--rate", "1000", "--burst", "2000").stdout
    assert "portal,edi" in said and "1000/s" in said
    status, headers, _ = caller.order()
    assert status == 202 and headers["RateLimit-Policy"].startswith('"default";q=2000')
    stack.cli("clients", "set", client, "--rate", "0", "--channels", "all")
    shown = json.loads(stack.cli("clients", "show", client, "--json").stdout)
    assert not {"rate_per_s", "burst", "channels"} & set(shown) and len(shown["tokens"]) == 1
    status, headers, _ = caller.order(channel={"type": "inside_sales", "account": "a"})
    assert status == 202 and "RateLimit-Policy" not in headers
    with open(stack.hub.log_file, "rb") as log:
        assert re.search(rb"client.changed.*client " + client.encode() + rb" of tenant default .*by admin of tenant default", log.read())


# ---- rates ----

def test_a_client_that_asks_too_often_is_told_when_to_go_on(stack):
    caller, other = new(stack, "--role", "viewer", "--rate", "1", "--burst", "3"), new(stack, "--role", "viewer", "--rate", "1")
    left = []
    for _ in range(3):
        status, headers, _ = caller.call("GET", "/v1/status")
        assert status == 200 and headers["RateLimit-Policy"] == '"default";q=3;w=3'
        left.append(int(re.fullmatch(r'"default";r=(\d+);t=\d+', headers["RateLimit"]).group(1)))
    assert left[0] == 2 and left == sorted(left, reverse=True)
    refused = wait_for(lambda: (lambda got: got if got[0] == 429 else None)(caller.call("GET", "/v1/status")), 30, "429")
    _, headers, problem = refused
    assert problem["code"] == "rate_limited" and problem["retryable"] is True
    assert headers["Content-Type"] == "application/problem+json" and headers["Retry-After"] == "1"
    assert headers["RateLimit"] == '"default";r=0;t=1'
    assert other.call("GET", "/v1/status")[0] == 200, "nobody else is concerned"
    wait_for(lambda: caller.call("GET", "/v1/status")[0] == 200, 30, "it to be served again")


def test_a_refused_write_is_not_done_and_an_accepted_one_carries_the_headers(stack):
    caller = new(stack, "--rate", "1", "--burst", "2")
    status, headers, _ = caller.order()
    assert status == 202 and headers["RateLimit"].startswith('"default";r=1;')
    refused = wait_for(lambda: (lambda external: external if caller.order(external)[0] == 429 else None)(name()), 30, "429")
    assert stack.hub.get(f"/v1/orders?external_order_id={refused}")["orders"] == []
    wait_for(lambda: caller.order(refused)[0] == 202, 30, "the same request again to be taken")


def test_a_client_without_limits_gets_no_such_headers(stack):
    _, headers, _ = new(stack, "--role", "viewer").call("GET", "/v1/status")
    assert "RateLimit" not in headers and "RateLimit-Policy" not in headers


# ---- shares ----

class Flood:
    """One client that sends large orders over many connections, as fast as they are answered."""

    def __init__(self, stack, token):
        self.stack, self.token, self.ended = stack, token, threading.Event()
        self.counts, self.busy = {}, []
        self.threads = [threading.Thread(target=self._run) for _ in range(FLOOD_CONNECTIONS)]

    def _run(self):
        caller = Caller(self.stack, self.token)
        while not self.ended.is_set():
            try:
                status, headers, answer = caller.order(lines=FLOOD_LINES)
            except (OSError, http.client.HTTPException):  # cut, for it had to wait too long between the hub's other connections
                caller.close()
                continue
            self.counts[status] = self.counts.get(status, 0) + 1
            if status == 503:
                self.busy.append((answer["code"], answer["retryable"], headers["Retry-After"]))
        caller.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def before_it_in_its_turn(stack, external):
    """How many orders the hub took before this one in the same turn (which has one time for all it takes)."""
    with sqlite3.connect(f"file:{stack.hub.database}?mode=ro", uri=True, timeout=10) as database:
        (count,), = database.execute("SELECT count(*) FROM orders AS other JOIN orders AS mine ON other.received_at = mine.received_at"
                                     " AND other.n < mine.n WHERE mine.external_order_id = ?", (external,))
    database.close()
    return count


@pytest.mark.parametrize("tenant", ["flooded", "another"])
def test_a_flood_of_one_client_spares_the_others(stack, tenant):
    calm = new(stack, "--tenant", tenant)
    with Flood(stack, add(stack, name(), "--tenant", "flooded")) as flood:
        wait_for(lambda: len(flood.busy) > 20, 60, "the flood to have as much waiting as it may")
        places = []
        for _ in range(12):
            external = name()
            status, _, answer = calm.order(external)
            assert status == 202, answer
            places.append(before_it_in_its_turn(stack, external))
        served = dict(flood.counts)
    assert set(flood.busy) == {("busy", True, "2")} and served[202] > 0
    # In the order of arrival it would stand behind all that waits. It may come while a turn is just being filled: then the
    # next places are taken already.
    assert sorted(places)[-3] <= 1, places


# ---- slow, silent and greedy clients ----

class Nuisance:
    """Holds as many connections as it can get, and does with each what `begin` and `drip` say; cut ones are opened again."""

    def __init__(self, stack, begin, drip):
        self.address = ("127.0.0.1", stack.hub.port)
        self.begin, self.drip, self.ended, self.cut = begin, drip, threading.Event(), 0
        self.sockets = []
        self.thread = threading.Thread(target=self._run)

    def _open(self):
        connection = socket.create_connection(self.address, timeout=20)
        connection.setblocking(False)
        return connection

    def _send(self, index, data):
        """Whether the connection is still there."""
        try:
            self.sockets[index].send(data)
            return self.sockets[index].recv(4096) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _run(self):
        while not self.ended.wait(0.2):
            for index in range(len(self.sockets)):
                if not self._send(index, self.drip):
                    self.cut += 1
                    self.sockets[index].close()
                    self.sockets[index] = self._open()
                    self._send(index, self.begin)

    def __enter__(self):
        for index in range(CONNECTIONS_MAX + 16):
            self.sockets.append(self._open())
            self._send(index, self.begin)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        for connection in self.sockets:
            connection.close()


HEAD = b"POST /v1/orders HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize("begin, drip", [(b"", b""), (HEAD + b"X-Drip: ", b"x"), (HEAD + b"Content-Length: 100000\r\n\r\n{", b" "),
                                         (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n")],
                         ids=["silent", "dripping headers", "dripping a body", "dripping chunks"])
def test_who_holds_all_connections_does_not_keep_others_out(stack, begin, drip):
    token = add(stack, name())
    with Nuisance(stack, begin, drip) as nuisance:
        for _ in range(5):
            caller = Caller(stack, token, timeout=PATIENCE_S)
            assert caller.order()[0] == 202
            caller.close()
        wait_for(lambda: nuisance.cut > 0, 60, "connections to be cut")
    assert Caller(stack, token).order()[0] == 202


def memory_of(process):
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) // 1024


def test_bodies_without_end_take_no_memory_and_are_cut(stack):
    token = add(stack, name())
    before, endings = memory_of(stack.hub.process), []
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"

    def pour():
        connection = socket.create_connection(("127.0.0.1", stack.hub.port), timeout=60)
        try:
            connection.sendall(HEAD + f"Authorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
            for _ in range(2000):  # 125 MB each
                connection.sendall(chunk)
            endings.append("all was taken")
        except OSError:
            endings.append("cut")
        finally:
            connection.close()
    threads = [threading.Thread(target=pour) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert Caller(stack, token).order()[0] == 202
    for thread in threads:
        thread.join()
    assert endings == ["cut"] * 8
    assert memory_of(stack.hub.process) - before < 100, "MB"
    assert Caller(stack, token).order()[0] == 202


def test_the_command_line_names_what_clients_can_be_asked(stack):
    done = subprocess.run([os.path.join(BUILD, "crossdock"), "clients", "--help"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0
    for verb in ("list", "show", "add", "rotate", "revoke"):
        assert f"clients {verb}" in done.stdout
