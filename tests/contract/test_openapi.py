"""The OpenAPI document is well-formed, describes exactly the routes that the hub's program has, with their query parameters
and who may call them, and its examples satisfy its schemas."""
import pathlib
import re
import sys

import jsonschema
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "integration"))
import api_contract  # noqa: E402  pylint: disable=wrong-import-position
import schema_documents  # noqa: E402  pylint: disable=wrong-import-position

PROGRAM = TOP / "ports" / "posix" / "hub" / "hub_http.c"
METHODS = ("get", "put", "post", "delete", "patch")
# What the program's server thread answers by itself, beside the table of routes.
OPEN_PAGES = {("get", "/healthz"), ("get", "/readyz"), ("get", "/metrics")}
ROUTE = re.compile(r'\{"(GET|POST|PUT|DELETE|PATCH)",\s*"(/[^"]*)",\s*(ROLE_\w+),([^{}]*)\{([^}]*)\}', re.S)


def nameless(path):
    return re.sub(r"\{[^}]*\}", "{}", path)


def operations():
    for path, item in api_contract.document()["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def routes():
    """(method, path) -> (least role, query parameters) of the program's table."""
    text = PROGRAM.read_text(encoding="utf-8")
    found = {}
    for method, path, role, _, query in ROUTE.findall(text):
        found[method.lower(), nameless(path)] = role, set(re.findall(r'"([^"]+)"', query))
    return found


def schemas(item, place="#"):
    """Every schema of the document, with its place."""
    if isinstance(item, dict):
        for name, value in item.items():
            if name == "schema" or place.endswith("/components/schemas"):
                yield f"{place}/{name}", value
            yield from schemas(value, f"{place}/{name}")
    elif isinstance(item, list):
        for index, value in enumerate(item):
            yield from schemas(value, f"{place}/{index}")


def test_the_table_of_routes_is_found():
    assert len(routes()) >= 15 and ("post", "/v1/orders") in routes()
    text = PROGRAM.read_text(encoding="utf-8")
    table = text[text.index("static const struct route routes[]"):]
    table = table[:table.index("\n};")]
    assert len(re.findall(r'\{"[A-Z]+",\s*"/', table)) == len(ROUTE.findall(table)), "a row that this test cannot read"


def test_every_route_is_documented_and_nothing_else():
    documented = {(method, nameless(path)) for path, method, _ in operations()}
    assert documented == set(routes()) | OPEN_PAGES


def test_every_query_parameter_is_documented_and_nothing_else():
    for path, method, operation in operations():
        if (method, path) in OPEN_PAGES:
            continue
        parameters = [api_contract.resolve(parameter) for parameter in operation.get("parameters", [])]
        named = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
        assert named == routes()[method, nameless(path)][1], f"{method} {path}"


def test_what_needs_no_token_says_so():
    for path, method, operation in operations():
        open_to_all = (method, path) in OPEN_PAGES or routes()[method, nameless(path)][0] == "ROLE_NONE"
        assert (operation.get("security") == []) == open_to_all, f"{method} {path}"


def test_the_document_is_well_formed():
    document = api_contract.document()
    assert document["openapi"].startswith("3.1.") and set(document) <= {
        "openapi", "info", "servers", "security", "tags", "paths", "components", "webhooks"}
    assert {"title", "version"} <= set(document["info"])
    tags = {tag["name"] for tag in document["tags"]}
    ids = []
    for path, method, operation in operations():
        assert operation["summary"] and operation["responses"] and set(operation["tags"]) <= tags, f"{method} {path}"
        ids.append(operation["operationId"])
        parameters = [api_contract.resolve(parameter) for parameter in operation.get("parameters", [])]
        assert {p["name"] for p in parameters if p["in"] == "path"} == set(re.findall(r"\{([^}]+)\}", path)), f"{method} {path}"
        for parameter in parameters:
            assert parameter["in"] in ("path", "query", "header") and "schema" in parameter
            assert parameter["in"] != "path" or parameter["required"] is True
    assert len(ids) == len(set(ids))


def test_every_reference_leads_somewhere():
    for reference in schema_documents.references(api_contract.document()):
        with api_contract.resolver().resolving(reference) as found:
            assert found is not None


def test_every_schema_is_one():
    for place, schema in schemas(api_contract.document()):
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            pytest.fail(f"{place}: {error.message}")


def test_every_refusal_is_a_problem():
    for path, method, operation in operations():
        for status, response in operation["responses"].items():
            content = api_contract.resolve(response)["content"]
            assert re.fullmatch(r"[1-5][0-9][0-9]", status), f"{method} {path}: {status}"
            if int(status) >= 400:
                assert content["application/problem+json"]["schema"] == api_contract.PROBLEM, f"{method} {path}: {status}"


def test_every_component_is_used():
    used = set(schema_documents.references(api_contract.document()))
    for group, components in api_contract.document()["components"].items():
        for name in components:
            assert group == "securitySchemes" or f"#/components/{group}/{name}" in used, f"{group}/{name}"


def test_examples_satisfy_their_schemas():
    count = 0
    for path, method, operation in operations():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content.get("examples"), f"{method} {path} shows no example"
            for name, example in content["examples"].items():
                value = api_contract.resolve(example)["value"]
                assert api_contract.errors_of(content["schema"], value) == [], f"{method} {path}: {name}"
                count += 1
    assert count >= 6


class Headers(dict):
    pass


GOOD = b'{"status": "ok"}'
PROBLEM = (b'{"type": "/v1/problems/not_found", "title": "x", "status": 404, "code": "not_found", "retryable": false, "errors": []}')


@pytest.mark.parametrize("method, path, status, kind, body", [
    ("GET", "/healthz", 200, "application/json", GOOD),
    ("HEAD", "/healthz", 200, "application/json", b""),
    ("GET", "/v1/orders/O1", 404, "application/problem+json", PROBLEM),
    ("GET", "/nowhere", 404, "application/problem+json", PROBLEM),
    ("GET", "/v1/reference/products/A/B", 404, "application/problem+json", PROBLEM)])
def test_what_is_documented_passes(method, path, status, kind, body):
    api_contract.check(method, path, status, Headers({"Content-Type": kind}), body)


@pytest.mark.parametrize("method, path, status, kind, body, words", [
    ("GET", "/healthz", 200, "application/json", b'{"status": "ok", "more": 1}', "more"),
    ("GET", "/healthz", 200, "application/json", b'{"status": "fine"}', "fine"),
    ("GET", "/healthz", 200, "application/json", b"{", "no JSON"),
    ("GET", "/healthz", 200, "text/html", b"<p>", "text/html"),
    ("GET", "/healthz", 204, "application/json", b"", "204"),
    ("GET", "/nowhere", 200, "application/json", GOOD, "no such path"),
    ("DELETE", "/v1/orders/O1", 200, "application/json", GOOD, "no such path"),
    ("GET", "/v1/orders/O1", 404, "application/problem+json", b'{"type": "about:blank"}', "is a required property"),
    ("GET", "/v1/orders/O1", 404, "application/problem+json", PROBLEM.replace(b'"status": 404', b'"status": 400'), "$.status"),
    ("GET", "/v1/orders/O1", 404, "application/problem+json", PROBLEM.replace(b'problems/not_found', b"problems/other"), "$.type"),
    ("GET", "/v1/orders/O1", 404, "application/problem+json", PROBLEM.replace(b"not_found", b"no_such_code"), "not in the registry"),
    ("GET", "/v1/orders/O1", 409, "application/problem+json",
     PROBLEM.replace(b"404", b"409").replace(b"not_found", b"order_exists"), "does not answer with 409")])
def test_what_is_not_documented_fails(method, path, status, kind, body, words):
    with pytest.raises(api_contract.Undocumented, match=re.escape(words)):
        api_contract.check(method, path, status, Headers({"Content-Type": kind}), body)
