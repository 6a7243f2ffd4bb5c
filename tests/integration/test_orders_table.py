"""Orders, good and bad, and exactly what the hub says of each: asked first (POST /v1/orders/validate), then handed in.

A line of tests/vectors/orders/*.jsonl is a case: it changes the order of world.json by `set` (JSON pointer -> value) and
`remove`, and names the `problems` (pointer -> code, or a list of pairs) that are told, all of them and no others; without
any the order is taken. Beside them `warnings` (told by the question, by the answer and in the timeline), and of a good order `price` (net, tax, gross) or
`unpriced`, the `customer`, and the first line's `sku` and `base` quantity. "@3" is the day three days from now at UTC.
"""
import copy
import datetime
import json
import pathlib

import pytest

from agents import TOP
from brokers import wait_for
from stack import Hub

VECTORS = pathlib.Path(TOP) / "tests" / "vectors" / "orders"
WORLD = json.loads((VECTORS / "world.json").read_text(encoding="utf-8"))


def cases():
    for path in sorted(VECTORS.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield pytest.param(f"{path.stem}-{number}", json.loads(line), id=f"{path.stem}: {json.loads(line)['name']}")


def dated(value):
    """The value with every "@3" in it replaced by a date."""
    if isinstance(value, str) and value.startswith("@"):
        today = datetime.datetime.now(datetime.timezone.utc).date()
        return (today + datetime.timedelta(days=int(value[1:]))).isoformat()
    if isinstance(value, dict):
        return {name: dated(item) for name, item in value.items()}
    if isinstance(value, list):
        return [dated(item) for item in value]
    return value


def place(order, pointer):
    *path, last = pointer.split("/")[1:]
    for token in path:
        order = order[int(token)] if isinstance(order, list) else order[token]
    return order, int(last) if isinstance(order, list) else last


def order_of(case, number):
    order = copy.deepcopy(WORLD["order"])
    order["external_order_id"] = number
    for pointer, value in case.get("set", {}).items():
        container, key = place(order, pointer)
        container[key] = dated(value)
    for pointer in case.get("remove", []):
        container, key = place(order, pointer)
        del container[key]
    return order


def expected(case, name):
    wanted = case.get(name, {})
    return sorted(map(tuple, wanted.items() if isinstance(wanted, dict) else wanted))


def told(problems):
    return sorted((problem["pointer"], problem["code"]) for problem in problems)


@pytest.fixture(scope="module")
def hub(rabbit, tmp_path_factory):
    """A hub with one site and the reference data of world.json."""
    running = Hub(tmp_path_factory.mktemp("orders"), rabbit)
    running.start()
    wait_for(lambda: running.call("POST", "/v1/sites", {"site": "WH1"})[0] in (201, 409), 30, "the site")
    for kind, entries in WORLD["reference"].items():
        status, answer = running.call("POST", f"/v1/reference/{kind}", {"entries": entries})
        assert status == 200, answer
    yield running
    running.stop()


def check_what_it_becomes(case, answer):
    price, lines = answer["price"], answer["price"]["lines"]
    if "price" in case:
        assert {name: price.get(name) for name in ("net", "tax", "gross")} == case["price"]
    if case.get("unpriced"):
        assert "net" not in price and "gross" not in price
    if "customer" in case:
        assert answer["credit"]["customer"] == case["customer"]
    if "sku" in case:
        assert lines[0]["sku"] == case["sku"]
    if "base" in case:
        assert f"{lines[0]['base_qty']} {lines[0]['base_uom']}" == case["base"]


@pytest.mark.parametrize("number, case", cases())
def test_the_hub_says_exactly_what_is_wrong(hub, number, case):
    order = order_of(case, number)
    problems = expected(case, "problems")
    status, answer = hub.call("POST", "/v1/orders/validate", order)
    assert status == 200
    assert told(p for p in answer["problems"] if not p["warning"]) == problems
    assert told(p for p in answer["problems"] if p["warning"]) == expected(case, "warnings")
    assert answer["valid"] == (not problems) and answer.get("more", 0) == case.get("more", 0)
    if not problems:
        check_what_it_becomes(case, answer)
    status, answer = hub.call("POST", "/v1/orders", order, key=number)
    if "refused" in case:  # before anything else is looked at
        assert (status, answer["code"]) == (422, case["refused"])
        assert told(answer["errors"]) == [(pointer, case["refused"]) for pointer, _ in problems]
    elif problems:
        assert (status, answer["code"]) == (422, "invalid_order") and told(answer["errors"]) == problems
        assert answer.get("more", 0) == case.get("more", 0)
        assert hub.get(f"/v1/orders?external_order_id={number}")["orders"] == []
    else:
        assert status == 202, answer
        assert told(answer.get("warnings", [])) == expected(case, "warnings") and answer.get("warnings") != []
        assert hub.call("POST", "/v1/orders", order, key=number) == (202, answer)  # the same again says the same
        steps = hub.get(f"/v1/orders/{answer['order_id']}/timeline")["steps"]
        validated, = [step["detail"] for step in steps if step["step"] == "order.validated"]
        assert validated.get("warnings") == answer.get("warnings")


def test_there_are_cases_enough():
    names = [parameter.id for parameter in cases()]
    assert len(names) >= 150 and len(names) == len(set(names))


def test_a_question_stores_nothing_and_needs_no_key(hub):
    order = order_of({}, "ASKED-1")
    for _ in range(2):
        assert hub.call("POST", "/v1/orders/validate", order)[1]["valid"]
    assert hub.get("/v1/orders?external_order_id=ASKED-1")["orders"] == []


def test_a_question_about_an_order_that_is_there(hub):
    order = order_of({}, "THERE-1")
    assert hub.call("POST", "/v1/orders", order, key="there-1")[0] == 202
    assert hub.call("POST", "/v1/orders/validate", order)[1]["valid"]  # the same again gets the same answer
    order["customer_po"] = "another"
    answer = hub.call("POST", "/v1/orders/validate", order)[1]
    assert told(answer["problems"]) == [("/external_order_id", "order_exists")] and not answer["valid"]


def test_what_cannot_be_read_is_no_question(hub):
    status, answer = hub.call("POST", "/v1/orders/validate", ["no order"])
    assert (status, answer["code"]) == (400, "malformed_json")


def test_an_order_sent_again_gets_its_answer_though_its_product_is_gone_by_now(hub):
    product = {"sku": "SEASONAL", "base_uom": "EA"}
    assert hub.call("PUT", "/v1/reference/products/SEASONAL", product)[0] == 201
    order = order_of({"set": {"/lines/0/sku": "SEASONAL"}}, "SEASON-1")
    first = hub.call("POST", "/v1/orders", order, key="season-1")
    assert first[0] == 202
    assert hub.call("PUT", "/v1/reference/products/SEASONAL", {**product, "active": False})[0] == 200
    assert hub.call("POST", "/v1/orders", order, key="season-1") == first
    assert hub.call("POST", "/v1/orders", order, key="season-1-again") == first
    status, answer = hub.call("POST", "/v1/orders", {**order, "external_order_id": "SEASON-2"}, key="season-2")
    assert status == 422 and told(answer["errors"]) == [("/lines/0/sku", "inactive_product")]


def test_a_problem_names_its_code_and_its_correlation_id(hub):
    status, answer = hub.call("GET", "/v1/problems/invalid_order")
    assert status == 200 and answer["status"] == 422
    refused = hub.call("POST", "/v1/orders", {}, key="nothing-1")[1]
    assert refused["type"] == "/v1/problems/invalid_order" and refused["title"] == answer["meaning"]
    assert hub.call("GET", "/v1/problems/no_such_code")[0] == 404
