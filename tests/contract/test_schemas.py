"""The JSON Schemas and the program's readers give the same verdict on every document of tests/vectors/documents.

A vector file holds a `base` document and cases that change it: `set` (JSON pointer -> value) and `remove`; `problems` is
what the program must say, pointer -> code, and no more. `beyond_schema` marks what the program refuses by a rule that
JSON Schema cannot say. What we write (releases, receipts, fates, status) is held against its schema too.
"""
import copy
import json
import pathlib
import subprocess

import jsonschema
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
VECTORS = sorted((TOP / "tests" / "vectors" / "documents").glob("*.json"))
SCHEMAS = TOP / "config" / "schemas"
# What the program writes for a document that it read, and the schema of that.
WRITTEN = {"order-release": "order-release", "shipment-confirmation": "receipt", "settled": "settled",
           "site-status": "site-status"}


def tokens(pointer):
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def place(document, pointer):
    """The container that a pointer's last token lies in, and that token as a key or an index."""
    *path, last = tokens(pointer)
    for token in path:
        document = document[int(token)] if isinstance(document, list) else document[token]
    return document, int(last) if isinstance(document, list) else last


def changed(base, case):
    document = copy.deepcopy(base)
    for pointer, value in case.get("set", {}).items():
        container, key = place(document, pointer)
        if isinstance(container, list) and key == len(container):
            container.append(value)
        else:
            container[key] = value
    for pointer in case.get("remove", []):
        container, key = place(document, pointer)
        del container[key]
    return document


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def cases():
    for path in VECTORS:
        vectors = load(path)
        for case in vectors["cases"]:
            yield pytest.param(vectors["kind"], changed(vectors["base"], case), case,
                               id=f"{vectors['kind']}: {case['name']}")


def validator(name):
    schema = load(SCHEMAS / f"{name}.schema.json")
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker(["date"]))


@pytest.fixture(scope="module")
def probe(tmp_path_factory):
    """Runs the C program that reads by the core's tables: probe(kind, document) -> its line of output."""
    program = str(tmp_path_factory.mktemp("probe") / "schema_probe")
    sources = [str(path) for room in ("base", "documents") for path in (TOP / "firmware-agnostic-core" / room).glob("*.c")]
    sources.append("firmware-agnostic-core/hub/reference/reference_documents.c")
    subprocess.run(["cc", "-std=c11", "-Ifirmware-agnostic-core", "tests/contract/schema_probe.c", *sources, "-o", program,
                    "-lcjson", "-lmbedcrypto", "-lm"], cwd=TOP, check=True)

    def run(kind, document):
        result = subprocess.run([program, kind], input=json.dumps(document, ensure_ascii=False), capture_output=True,
                                text=True, encoding="utf-8", timeout=60, check=True)
        return result.stdout.strip()

    return run


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.name)
def test_schema_is_well_formed(path):
    jsonschema.Draft202012Validator.check_schema(load(path))


def test_every_kind_has_vectors():
    kinds = {path.stem for path in VECTORS} | {"receipt"}
    assert kinds == {path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.json")}


@pytest.mark.parametrize("kind, document, case", cases())
def test_program_says_all_that_is_wrong_and_where(probe, kind, document, case):
    answer = probe(kind, document)
    said = {} if answer == "OK" else {item["pointer"]: item["code"] for item in json.loads(answer)}
    assert said == case["problems"]


@pytest.mark.parametrize("kind, document, case", cases())
def test_schema_gives_the_same_verdict(kind, document, case):
    errors = [f"{error.json_path}: {error.message}" for error in validator(kind).iter_errors(document)]
    refused = bool(case["problems"]) and not case.get("beyond_schema", False)
    assert bool(errors) == refused, errors


@pytest.mark.parametrize("kind, document, case", [c for c in cases() if c.values[0] in WRITTEN])
def test_what_is_written_satisfies_its_schema(probe, kind, document, case):
    if case["problems"] and WRITTEN[kind] != "receipt":
        return  # nothing is written for what could not be read
    written = json.loads(probe(kind + "+write", document))
    validator(WRITTEN[kind]).validate(written)
    if WRITTEN[kind] == kind:
        assert probe(kind, written) == "OK"
    else:
        assert written["status"] == ("rejected" if case["problems"] else "accepted")


def test_members_of_the_senders_own_are_written_as_they_came(probe):
    vectors = load(TOP / "tests" / "vectors" / "documents" / "order-release.json")
    full = changed(vectors["base"], next(c for c in vectors["cases"] if c["name"] == "a full release"))
    assert json.loads(probe("order-release+write", full))["attributes"] == {"version": "1.10"}
