"""Every example of a request in config/openapi.yaml is sent to a real hub and does what the document says; every way to be
refused is answered as the document says."""
import http.client
import json

import pytest

import api_contract
from brokers import wait_for
from stack import Hub

METHODS = ("get", "put", "post", "delete", "patch")
NAMES = {"order_id": "O1", "release_id": "R00000000000000000", "site": "WH1", "code": "order_exists", "kind": "customers",
         "key": "CUST-1", "client": "admin", "subscription_id": "W1", "exception_id": "E1", "erp": "main",
         "run_id": "B1", "difference_id": "D1"}


def examples():
    for path, item in api_contract.document()["paths"].items():
        for method in METHODS:
            for content in item.get(method, {}).get("requestBody", {}).get("content", {}).values():
                for name, example in content["examples"].items():
                    example = api_contract.resolve(example)
                    yield pytest.param(method, path, example, id=f"{method} {path}: {name}")


@pytest.fixture(scope="module")
def hub(rabbit, tmp_path_factory):
    running = Hub(tmp_path_factory.mktemp("examples"), rabbit)
    running.start()
    wait_for(lambda: running.call("POST", "/v1/sites", {"site": "WH1"})[0] in (201, 409), 30, "the site")
    yield running
    running.stop()


def made(hub, kind, number):
    """The id of something that an example of a request is about: a new one of that kind."""
    order = dict(api_contract.document()["components"]["examples"]["SmallestOrder"]["value"], external_order_id=number)
    if kind == "{subscription}":
        return hub.call("POST", "/v1/subscriptions", {"url": f"https://example.com/{number}"})[1]["subscription_id"]
    if kind == "{client}":
        return hub.call("POST", "/v1/clients", {"client": number, "role": "viewer"})[1]["client"]
    if kind in ("{exception}", "{held}"):  # the order is above its customer's limit
        hub.call("PUT", "/v1/reference/customers/POOR", {"code": "POOR", "name": "Poor", "credit_limit": "1", "currency": "EUR"})
        order["customer"] = {"external_ref": "POOR"}
    order_id = wait_for(lambda: hub.call("POST", "/v1/orders", order, key=number)[1].get("order_id"), 30, "an order")
    if kind in ("{order}", "{held}"):
        return order_id
    return wait_for(lambda: [row["id"] for row in hub.get("/v1/exceptions?status=open")["exceptions"]
                             if row.get("order_id") == order_id], 30, "its exception")[0]


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


@pytest.mark.parametrize("method, path, example", examples())
def test_an_example_is_taken(hub, method, path, example, request):
    value, number = example["value"], f"EX-{abs(hash(request.node.name)) % 10**9}"
    names = {name: made(hub, text, number) if text.startswith("{") else text for name, text in example.get("x-path", {}).items()}
    path = path.format(**names)
    if path.endswith("/unhold"):
        assert hub.call("POST", path.replace("unhold", "hold"), {"reason": "an example"})[0] == 202
    if path.endswith("/revisions"):
        value = dict(value, external_order_id=number)

    def send():
        status, answer = hub.call(method.upper(), path, value, key=f"example-{value.get('external_order_id')}",
                                  headers=example.get("x-headers"))
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
    names = dict(NAMES, order_id=order["order_id"],
                 subscription_id=made(hub, "{subscription}", f"every{len(path)}") if "{subscription_id}" in path else "")
    wait_for(lambda: hub.call("GET", "/v1/reference/customers/CUST-1")[0] == 200, 30, "the ledger's customers")
    query = "?limit=5" if path == "/v1/events" else ""  # without it is a stream
    status, _ = ask(hub, "GET", path.format(**names) + query)
    unknown = ("{release_id}", "{exception_id}", "{run_id}", "{difference_id}")
    assert status == (404 if any(name in path for name in unknown) else 200)
    assert ask(hub, "HEAD", path.format(**names) + query)[1] is None
    if "{" in path:
        status, answer = ask(hub, "GET", path.format(**{name: "NOTHING" for name in names}))
        assert (status, answer["code"]) == (404, "not_found")


@pytest.mark.parametrize("method, path", [
    (method, path) for path, item in api_contract.document()["paths"].items() for method in METHODS if method in item])
def test_a_token_is_asked_for_where_the_document_says(hub, method, path):
    status, _ = ask(hub, method.upper(), path.format(**NAMES), b"" if method != "get" else None, token=False)
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


def test_an_order_is_answered_with_how_it_is_to_ship(hub):
    order = dict(api_contract.document()["components"]["examples"]["PricedOrder"]["value"], external_order_id="HOW-1")
    order_id = hub.call("POST", "/v1/orders", order, key="how-1")[1]["order_id"]
    status, answer = ask(hub, "GET", f"/v1/orders/{order_id}")
    assert status == 200
    assert {name: answer[name] for name in ("parties", "dates", "freight", "attributes", "preferred_site", "customer_po")} == {
        name: order[name] for name in ("parties", "dates", "freight", "attributes", "preferred_site", "customer_po")}
    for name in ("lot_constraint", "min_remaining_shelf_life", "temperature_class", "serial_required"):
        assert answer["lines"][0][name] == order["lines"][0][name]
