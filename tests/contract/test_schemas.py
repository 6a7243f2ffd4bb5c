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
    kinds = {path.stem for path in VECTORS} | {"receipt", "order-event"}
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


# ---- lifecycle events: written only ----

ORDER = {"order_id": "O1", "external_order_id": "PO-\"1\"", "tenant": "default", "channel_type": "portal", "channel_account": "web",
         "customer_ref": "CUST-1", "site": "WH1", "status": "SHIPPED", "revision": "1", "subject": "O1", "correlation_id": "c-1"}
LINE = '{"line_id":"1","sku":"WIDGET","qty":"2.5","uom":"EA"}'
EVENTS = [
    ("order.accepted", ORDER, ""),
    ("order.held", dict(ORDER, customer_ref="", site=""), '"reason":{"code":"credit","detail":"over the limit"}'),
    ("order.released", ORDER, '"release_id":"R1","release_revision":1,"released_to":"WH1"'),
    ("order.shipped", dict(ORDER, causation_id="C-1"),
     f'"release_id":"R1","shipped_from":"WH1","shipment_id":"S-1","confirmation_id":"C-1","lines":[{LINE}]'),
    ("exception.raised", {"subject": "E1"}, '"exception":{"id":"E1","code":"UNKNOWN_RELEASE","raised_at":"2026-11-23T10:00:00.000Z"}'),
]


@pytest.mark.parametrize("key, facts, members", EVENTS, ids=[key for key, _, _ in EVENTS])
def test_an_event_that_is_written_satisfies_its_schema(probe, key, facts, members):
    facts = dict(facts, id="V0123456789ABCDEFG", type=f"crossdock.{key}.v1", sequence="1795428000000001", members=members)
    text = probe("order-event+write", facts)
    assert "\n" not in text
    written = json.loads(text)
    validator("order-event").validate(written)
    for name in ("order_id", "external_order_id", "status"):
        assert written["data"].get(name) == facts.get(name)
    assert "causationid" not in written or written["causationid"] == facts["causation_id"]


@pytest.mark.parametrize("wrong", [{"id": "1"}, {"type": "crossdock.order.eaten.v1"}, {"source": "/sites/WH1"}, {"sequence": 7},
                                   {"data": {}}, {"more": 1}, {"time": "yesterday"}], ids=str)
def test_what_is_no_event_is_refused_by_the_schema(probe, wrong):
    facts = dict(ORDER, id="V0123456789ABCDEFG", type="crossdock.order.accepted.v1", sequence="1")
    written = json.loads(probe("order-event+write", facts))
    validator("order-event").validate(written)
    with pytest.raises(jsonschema.ValidationError):
        validator("order-event").validate(dict(written, **wrong))
