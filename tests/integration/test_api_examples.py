"""Every example of a request in config/openapi.yaml is sent to a real hub and does what the document says; every way to be
refused is answered as the document says."""
import http.client
import json

import pytest

import api_contract
from brokers import wait_for
from stack import Hub

METHODS = ("get", "put", "post")


def examples():
    for path, item in api_contract.document()["paths"].items():
        for method in METHODS:
            for content in item.get(method, {}).get("requestBody", {}).get("content", {}).values():
                for name, example in content["examples"].items():
                    example = api_contract.resolve(example)
                    yield pytest.param(method, path.format(**example.get("x-path", {})) if "x-path" in example else path,
                                       example["value"], id=f"{method} {path}: {name}")


def order_as(hub, number, **members):
    """A new order like the smallest example."""
    smallest = api_contract.document()["components"]["examples"]["SmallestOrder"]["value"]
    status, order = hub.call("POST", "/v1/orders", {**smallest, "external_order_id": number, **members}, key=f"example-{number}")
    assert status == 202, order
    return order["order_id"]


def held_order(hub, number):
    """One that its customer's credit holds: it goes to no site before somebody says so."""
    broke = {"code": "CUST-BROKE", "name": "No Credit", "credit_limit": "1", "currency": "EUR"}
    wait_for(lambda: hub.call("PUT", "/v1/reference/customers/CUST-BROKE", broke)[0] in (200, 201), 30, "the customer")
    order_id = order_as(hub, number, customer={"external_ref": "CUST-BROKE"})
    wait_for(lambda: hub.get(f"/v1/orders/{order_id}")["status"] == "HELD", 30, "the hold")
    return order_id


def path_of(hub, path, value):
    """The path with the ids of an order or exception that the example can be about."""
    verb = path.rpartition("/")[2]
    if "{exception_id}" in path:
        order_id = held_order(hub, "PO-resolve")
        rows = hub.get("/v1/exceptions?status=open&limit=200")["exceptions"]
        return path.format(exception_id=next(row["id"] for row in rows if row.get("order_id") == order_id))
    if verb == "revisions":
        more = [{**line, "qty": "10"} for line in value["lines"]]
        return path.format(order_id=order_as(hub, value["external_order_id"], lines=more))
    if verb in ("hold", "unhold"):
        order_id = held_order(hub, f"PO-{verb}")
        if verb == "unhold":
            assert hub.call("POST", f"/v1/orders/{order_id}/hold", {"reason": "to be taken off"})[0] == 202
        return path.format(order_id=order_id)
    if "{order_id}" in path:
        return path.format(order_id=order_as(hub, f"PO-{verb}-{len(value)}-{'reason' in value}"))
    return path


@pytest.fixture(scope="module")
def hub(rabbit, tmp_path_factory):
    running = Hub(tmp_path_factory.mktemp("examples"), rabbit)
    running.start()
    wait_for(lambda: running.call("POST", "/v1/sites", {"site": "WH1"})[0] in (201, 409), 30, "the site")
    yield running
    running.stop()


def ask(hub, method, path, body=None, token=True, **headers):
    """(status, JSON or None); held against the document as every answer is."""
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=20)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        given["Authorization"] = f"Bearer {hub.token()}"
    connection.request(method, path, body, given)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    api_contract.check(method, path, answer.status, answer.headers, text)
    return answer.status, json.loads(text) if text and "json" in answer.headers["Content-Type"] else None


@pytest.mark.parametrize("method, path, value", examples())
def test_an_example_is_taken(hub, method, path, value):
    path = path_of(hub, path, value)

    def send():
        status, answer = hub.call(method.upper(), path, value, key=f"example-{value.get('external_order_id')}",
                                  if_match="*" if path.endswith("/revisions") else None)
        return (status, answer) if status not in (0, 503) else None
    status, answer = wait_for(send, 30, "an answer")
    assert 200 <= status < 300, answer
    assert answer.get("valid", True), answer


def test_there_are_examples():
    assert len(list(examples())) >= 6


@pytest.mark.parametrize("path", [path for path, item in api_contract.document()["paths"].items() if "get" in item])
def test_every_read_answers_as_the_document_says(hub, path):
    """Each path with ids that there are, and with ids that there are not."""
    order = hub.call("POST", "/v1/orders", api_contract.document()["components"]["examples"]["SmallestOrder"]["value"],
                     key="example-PO-4711")[1]
    names = {"order_id": order["order_id"], "release_id": "R00000000000000000", "exception_id": "E00000000000000000",
             "site": "WH1", "code": "order_exists", "kind": "customers", "key": "CUST-1", "client": "admin"}
    wait_for(lambda: hub.call("GET", "/v1/reference/customers/CUST-1")[0] == 200, 30, "the ledger's customers")
    status, _ = ask(hub, "GET", path.format(**names))
    assert status == (404 if "{release_id}" in path or "{exception_id}" in path else 200)
    assert ask(hub, "HEAD", path.format(**names))[1] is None
    if "{" in path:
        status, answer = ask(hub, "GET", path.format(**{name: "NOTHING" for name in names}))
        assert (status, answer["code"]) == (404, "not_found")


@pytest.mark.parametrize("method, path", [
    (method, path) for path, item in api_contract.document()["paths"].items() for method in METHODS if method in item])
def test_a_token_is_asked_for_where_the_document_says(hub, method, path):
    names = {"order_id": "O1", "release_id": "R1", "exception_id": "E1", "client": "admin", "site": "WH1", "code": "order_exists", "kind": "customers", "key": "CUST-1"}
    status, _ = ask(hub, method.upper(), path.format(**names), b"" if method != "get" else None, token=False)
    is_open = api_contract.document()["paths"][path][method].get("security") == []
    assert (status != 401) == is_open


@pytest.mark.parametrize("method, path, body, headers, status, code", [
    ("POST", "/v1/orders", b"{}", {}, 400, "idempotency_key_missing"),
    ("POST", "/v1/orders", b"{}", {"Idempotency_Key": "x" * 129}, 400, "idempotency_key_too_long"),
    ("POST", "/v1/orders", b"{", {"Idempotency_Key": "a"}, 400, "malformed_json"),
    ("POST", "/v1/orders", b"{}", {"Idempotency_Key": "a"}, 422, "invalid_order"),
    ("POST", "/v1/orders", b"x" * 2_000_000, {"Idempotency_Key": "a"}, 413, "body_too_large"),
    ("POST", "/v1/orders/validate", b"[]", {}, 400, "malformed_json"),
    ("POST", "/v1/sites", b'{"site": "x y"}', {}, 422, "invalid_site"),
    ("POST", "/v1/sites", b'{"site": "WH1"}', {}, 409, "site_exists"),
    ("GET", "/v1/orders?limit=0", None, {}, 400, "bad_query"),
    ("GET", "/v1/orders?limits=1", None, {}, 400, "bad_query"),
    ("GET", "/v1/orders?status=SHIPPED&status=HELD", None, {}, 400, "bad_query"),
    ("GET", "/v1/reconciliation?site=NOTHING", None, {}, 404, "not_found"),
    ("GET", "/v1/reference/nothing", None, {}, 404, "not_found"),
    ("PUT", "/v1/reference/channels/edi", b'{"type": "fax"}', {}, 422, "invalid_entry"),
    ("PUT", "/v1/reference/channels/edi", b'{"type": "edi"}', {"If_Match": '"99999"'}, 412, "version_conflict"),
    ("POST", "/v1/orders/O1/cancel", b"{}", {}, 404, "not_found"),
    ("POST", "/v1/orders/O1/hold", b"{}", {}, 422, "invalid_request"),
    ("POST", "/v1/orders/O1/revisions", b"{}", {}, 404, "not_found"),
    ("POST", "/v1/exceptions/E1/resolve", b'{"action": "ignore"}', {}, 422, "invalid_request"),
    ("POST", "/v1/exceptions/E1/resolve", b'{"action": "accept"}', {}, 404, "not_found"),
    ("PUT", "/v1/stock", b'{"entries": [{"site": "x"}]}', {}, 422, "invalid_stock"),
    ("POST", "/v1/clients", b'{"client": "admin", "role": "admin"}', {}, 409, "client_exists"),
    ("DELETE", "/v1/orders", None, {}, 405, "method_not_allowed"),
    ("GET", "/v1/nothing", None, {}, 404, "not_found"),
    ("GET", "/v1/orders/%2F", None, {}, 404, "not_found"),
    ("GET", "/v1/orders/%00", None, {}, 400, "malformed_request")])
def test_a_refusal_is_the_problem_that_the_document_says(hub, method, path, body, headers, status, code):
    given, answer = ask(hub, method, path, body, X_Correlation_Id="c/1 \u00e9".encode().decode("latin-1"), **headers)
    assert (given, answer["code"]) == (status, code)
    registered = ask(hub, "GET", answer["type"], token=False)[1]
    assert registered["code"] == code and registered["meaning"] == answer["title"]
    assert registered.get("status") == status


def test_a_problem_names_the_correlation_id_that_came_with_the_request(hub):
    _, answer = ask(hub, "GET", "/v1/orders/O1", X_Correlation_Id="shop 7/a")
    assert answer["instance"] == "urn:crossdock:correlation:shop%207%2Fa"
    _, answer = ask(hub, "POST", "/v1/orders", b"{}", X_Correlation_Id="shop-7")
    assert answer["instance"] == "urn:crossdock:correlation:shop-7"
    assert "instance" not in ask(hub, "GET", "/v1/orders/O1")[1]
