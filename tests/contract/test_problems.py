"""Every code of a problem or an exception that the sources can name stands in the registry, the registry has no other, and
the page of documentation that is made from it is up to date.

Codes are found where they are handed on: arguments for parameters that are called `code`, members and variables of that
name, and the lists and functions that are named below.
"""
import json
import os
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("XD_BUILD", TOP / "build"))
ROOMS = ("firmware-agnostic-core", "connectors", "ports/common", "ports/posix")
REGISTRY = TOP / "firmware-agnostic-core" / "documents"
CODE = re.compile(r'"([a-z][a-z0-9]*(?:_[a-z0-9]+)*|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|REVERSED|OVERSHIP|CORRECTION)"')
PARAMETER = re.compile(r"\b(\w+)\(([^(){};]*\bconst char \*code\b[^(){};]*)\)")
# Members, variables and lists that hold codes: .code = "x", code = a ? "x" : "y", codes[] = {"x", "y"}
# (not what a library's call gave back).
HELD = re.compile(r"(?<!int )\b(?:\w+_)?codes?(?:\[\w*\])*\s*=(?![=]|\s*\w+\()\s*([^;]*?)(?:;|,\s*\.|\})", re.S)
# Functions that return a code, and macros whose argument is one.
RETURNS = {"read_key"}
MACROS = {"REPORT": 2}
DEFINED = re.compile(r'#define XD_JSON_MALFORMED "(\w+)"')
# Functions with a parameter `code` that is another thing: the key of a customer, a status of a library.
OTHER_THINGS = {"get_customer", "change_open_value", "exception_close"}


def without_comments(text):
    return re.sub(r"/\*.*?\*/", lambda match: re.sub(r"[^\n]", " ", match.group(0)), text, flags=re.S)


def sources():
    for room in ROOMS:
        for path in sorted((TOP / room).rglob("*.[ch]")):
            if not path.name.startswith("registry_") or path.parent != REGISTRY:
                yield path, without_comments(path.read_text(encoding="utf-8"))


def arguments(text, start):
    """The arguments of a call whose opening parenthesis is at start - 1."""
    depth, at, found, quoted = 1, start, [""], False
    while depth and at < len(text):
        character = text[at]
        if character == '"' and text[at - 1] != "\\":
            quoted = not quoted
        if not quoted and character in "([{":
            depth += 1
        elif not quoted and character in ")]}":
            depth -= 1
        if not quoted and depth == 1 and character == ",":
            found.append("")
        elif depth:
            found[-1] += character
        at += 1
    return found


def takers(texts):
    """Functions that take a code -> which of their arguments it is. Those of headers are everybody's, the rest are a file's own."""
    found = {name: {index} for name, index in MACROS.items()}
    for text in texts:
        for name, parameters in PARAMETER.findall(text):
            for index, parameter in enumerate(parameters.split(",")):
                if parameter.split() == ["const", "char", "*code"] and name not in OTHER_THINGS:
                    found.setdefault(name, set()).add(index)
    return found


def codes_in(text, functions):
    for name, indexes in functions.items():
        for match in re.finditer(rf"\b{name}\(", text):
            given = arguments(text, match.end())
            for index in indexes:
                if index < len(given):
                    yield from CODE.findall(given[index])
    for match in HELD.finditer(text):
        yield from CODE.findall(match.group(1))
    for name in RETURNS:
        body = re.search(rf"\b{name}\([^;{{]*\{{(.*?)\n\}}", text, re.S)
        for returned in re.findall(r"return ([^;]*);", body.group(1)) if body else ():
            yield from CODE.findall(returned)
    yield from DEFINED.findall(text)


@pytest.fixture(scope="module", name="used")
def used_codes():
    texts = list(sources())
    functions = takers([text for path, text in texts if path.suffix == ".h"])
    used = {}
    for path, text in texts:
        for code in codes_in(text, {**functions, **takers([text])}):
            used.setdefault(code, set()).add(str(path.relative_to(TOP)))
    return used


def crossdock(*words):
    return subprocess.run([BUILD / "crossdock", *words], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module", name="registry")
def registry_rows():
    done = crossdock("problems", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["problems"]


def test_every_code_that_is_used_is_in_the_registry(used, registry):
    known = {row["code"] for row in registry}
    assert {code: sorted(paths) for code, paths in used.items() if code not in known} == {}


def test_every_code_of_the_registry_is_used(registry):
    text = "\n".join(text for _, text in sources())
    assert [row["code"] for row in registry if f'"{row["code"]}"' not in text] == []


def test_the_scan_sees_every_kind_of_place(used):
    """One code from each kind of place, so that a scan that went blind does not pass."""
    for code, where in (("order_exists", "orders.c"), ("bad_enum", "schema.c"), ("SITE_WENT_BACK", "sites.c"),
                        ("OVERSHIP", "reconcile.c"), ("UNAUTHORISED_SUBSTITUTE", "reconcile.c"), ("too_deep", "json_scan.c"),
                        ("idempotency_key_missing", "orders.c"), ("body_too_large", "server.c"),
                        ("unknown_parameter", "hub_http.c"), ("foreign_site", "intake.c"), ("ledger_busy", "ledger.c")):
        assert any(path.endswith(where) for path in used.get(code, ())), code


def test_no_code_stands_there_twice(registry):
    codes = [row["code"] for row in registry]
    assert len(codes) == len(set(codes))


def test_every_row_says_what_it_means_and_what_to_do(registry):
    for row in registry:
        assert re.fullmatch(r"[a-z][a-z0-9_]{1,47}|[A-Z][A-Z0-9_]{1,47}", row["code"])
        for member in ("meaning", "remedy"):
            assert row[member].endswith(".") and row[member][0].isupper(), row
        assert row["who"] in ("nobody", "sender", "operator", "site", "erp")
        assert "status" not in row or 400 <= row["status"] <= 599
        if row.get("status", 0) in (429, 503):
            assert row["retryable"], row


def test_the_page_of_documentation_is_up_to_date():
    done = crossdock("problems", "--markdown")
    assert done.stdout == (TOP / "config" / "problems.md").read_text(encoding="utf-8"), "run `make docs`"


def test_one_code_is_explained_and_a_wrong_one_is_corrected():
    done = crossdock("problems", "store_full")
    assert done.returncode == 0 and "HTTP 503" in done.stdout and "What to do: " in done.stdout
    done = crossdock("problems", "store_ful")
    assert done.returncode == 2 and "did you mean store_full?" in done.stderr
    done = crossdock("problems", "store_full", "more")
    assert done.returncode == 2 and "takes no more words" in done.stderr
