"""Holds answers of the hub against config/openapi.yaml: what the document does not describe fails the test that got it.

    check(method, path, status, headers, body)      # raises Undocumented

Hub.call of stack.py hands every answer to it. A new route needs its path in the document, a new member of an answer its
schema; a new code of a problem needs its row in the registry.
"""
import functools
import json
import os
import pathlib
import re
import subprocess
import threading

import jsonschema

import schema_documents

TOP = pathlib.Path(__file__).resolve().parents[2]
# What the server or the dispatcher may say of any request, whether or not its path is known.
ANYWHERE = {"malformed_request", "not_found", "method_not_allowed", "body_too_large", "busy", "stopping", "internal"}
PROBLEM = {"$ref": "#/components/schemas/Problem"}
_lock = threading.Lock()  # a resolver keeps where it is


class Undocumented(AssertionError):
    """The program said what the document does not."""


def document():
    return schema_documents.read("openapi.yaml")


def resolver():
    return schema_documents.resolver("openapi.yaml")


@functools.lru_cache(maxsize=1)
def codes():
    """The registry's codes, or None where the program is not built."""
    program = pathlib.Path(os.environ.get("XD_BUILD", TOP / "build")) / "crossdock"
    if not program.exists():
        return None
    done = subprocess.run([program, "problems", "--json"], capture_output=True, text=True, timeout=60, check=True)
    return {row["code"] for row in json.loads(done.stdout)["problems"]}


def errors_of(schema, value):
    """What is wrong with a value by a schema of the document, as lines of text."""
    with _lock:
        validator = jsonschema.Draft202012Validator(schema, resolver=resolver())
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def resolve(item):
    """What a reference within the document stands for."""
    while "$ref" in item and item["$ref"].startswith("#/"):
        found = document()
        for token in item["$ref"][2:].split("/"):
            found = found[token.replace("~1", "/").replace("~0", "~")]
        item = found
    return item


@functools.lru_cache(maxsize=1)
def _templates():
    found = []
    for template in document()["paths"]:
        names = [name for name in template.split("/") if name.startswith("{")]
        pattern = re.sub(r"\{[^}]*\}", "[^/]+", template)
        if template == "/v1/reference/{kind}/{key}":  # a key may hold slashes
            pattern = pattern.removesuffix("[^/]+") + ".+"
        found.append((len(names), template, re.compile(pattern)))
    return sorted(found, key=lambda row: row[0])  # what has no name in braces comes first


def operation_of(method, path):
    """(the path item, its operation); None for what is not documented."""
    path = path.partition("?")[0]
    method = {"HEAD": "get"}.get(method, method.lower())
    item = None
    for _, template, pattern in _templates():
        if pattern.fullmatch(path):
            item = item or document()["paths"][template]
            if method in document()["paths"][template]:
                return document()["paths"][template], document()["paths"][template][method]
    return item, None


def _fail(method, path, status, what, body):
    raise Undocumented(f"{method} {path}: {status} is not as config/openapi.yaml says: {what}\n{body}")


def _check_problem(status, body):
    wrong = errors_of(PROBLEM, body)
    if not wrong and body["status"] != status:
        wrong.append(f"$.status: is {body['status']}")
    if not wrong and body["type"] != f"/v1/problems/{body['code']}":
        wrong.append("$.type: is not the code's place in the registry")
    if not wrong and codes() is not None:
        used = {body["code"]} | {fault["code"] for fault in body["errors"] + body.get("warnings", [])}
        wrong += [f"{code} is not in the registry" for code in sorted(used - codes())]
    return wrong


def check(method, path, status, headers, body):
    """headers: anything with get(name). body: bytes."""
    item, operation = operation_of(method, path)
    kind = (headers.get("Content-Type") or "").partition(";")[0].strip()
    is_problem = kind == "application/problem+json"
    try:
        value = json.loads(body) if body and kind.endswith("json") else None
    except ValueError as error:
        _fail(method, path, status, f"the body is no JSON: {error}", body)
    if is_problem and value is not None:
        wrong = _check_problem(status, value)
        if wrong:
            _fail(method, path, status, "; ".join(wrong), body)
    if operation is None:
        allowed = is_problem and (value is None or value["code"] in ANYWHERE) and (item is None or status != 404)
        if not allowed:
            _fail(method, path, status, "the document has no such path or method", body)
        return
    if is_problem and value is not None and value["code"] in ANYWHERE - {"not_found"}:
        return
    response = operation["responses"].get(str(status))
    if response is None:
        _fail(method, path, status, f"{operation['operationId']} does not answer with {status}", body)
    content = resolve(response).get("content", {})
    if content and kind not in content:
        _fail(method, path, status, f"a body of {kind or 'no type'}", body)
    if status == 503 and kind == "application/problem+json" and not headers.get("Retry-After"):
        _fail(method, path, status, "no Retry-After", body)
    if method != "HEAD" and value is not None and not is_problem:
        wrong = errors_of(content[kind]["schema"], value)
        if wrong:
            _fail(method, path, status, "; ".join(wrong[:5]), body)
