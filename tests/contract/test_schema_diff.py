"""`crossdock schema diff OLD NEW` names every change between two JSON Schemas and knows which of them break."""
import json
import os
import pathlib
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("XD_BUILD", TOP / "build"))
TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
NODE = {"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}}}


def members(required=(), closed=False, **properties):
    schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    if closed:
        schema["additionalProperties"] = False
    return schema


# name, before, after, {(place, change): breaking}
PAIRS = [
    ("the same", members(a=TEXT), members(a=TEXT), {}),
    ("members in another order", members(a=TEXT, b=TEXT), members(b=TEXT, a=TEXT), {}),
    ("words for people", {"title": "A", "description": "x", "default": 1}, {"title": "B", "examples": [1]}, {}),
    ("both allow everything", True, {}, {}),
    ("a member is removed", members(a=TEXT, b=TEXT), members(a=TEXT), {("/b", "member_removed"): True}),
    ("a member is added", members(a=TEXT), members(a=TEXT, b=TEXT), {("/b", "member_added"): False}),
    ("a member is renamed", members(a=TEXT), members(b=TEXT), {("/a", "member_removed"): True, ("/b", "member_added"): False}),
    ("a required member is added", members(a=TEXT), members(["b"], a=TEXT, b=TEXT),
     {("/b", "member_added"): False, ("/b", "required_added"): True}),
    ("a member becomes required", members(a=TEXT), members(["a"], a=TEXT), {("/a", "required_added"): True}),
    ("a member need not be there any more", members(["a"], a=TEXT), members(a=TEXT), {("/a", "required_removed"): False}),
    ("required in another order", members(["a", "b"], a=TEXT, b=TEXT), members(["b", "a"], a=TEXT, b=TEXT), {}),
    ("another type", TEXT, NUMBER, {("", "type_narrowed"): True}),
    ("one type of two is gone", {"type": ["string", "null"]}, TEXT, {("", "type_narrowed"): True}),
    ("one type more", TEXT, {"type": ["string", "null"]}, {("", "type_widened"): False}),
    ("whole numbers are numbers", WHOLE, NUMBER, {("", "type_widened"): False}),
    ("numbers are not whole", NUMBER, WHOLE, {("", "type_narrowed"): True}),
    ("a type where there was none", {}, TEXT, {("", "type_narrowed"): True}),
    ("no type where there was one", TEXT, {}, {("", "type_widened"): False}),
    ("types in another order", {"type": ["string", "null"]}, {"type": ["null", "string"]}, {}),
    ("a value is gone", {"enum": ["A", "B"]}, {"enum": ["A"]}, {("", "enum_narrowed"): True}),
    ("a value more", {"enum": ["A"]}, {"enum": ["A", "B"]}, {("", "enum_widened"): False}),
    ("one value for another", {"enum": ["A"]}, {"enum": ["B"]}, {("", "enum_narrowed"): True, ("", "enum_widened"): False}),
    ("values in another order", {"enum": ["A", "B"]}, {"enum": ["B", "A"]}, {}),
    ("an enum where there was none", TEXT, {"type": "string", "enum": ["A"]}, {("", "enum_narrowed"): True}),
    ("no enum any more", {"type": "string", "enum": ["A"]}, TEXT, {("", "enum_widened"): False}),
    ("a const that becomes an enum", {"const": 1}, {"enum": [1, 2]}, {("", "enum_widened"): False}),
    ("an enum that becomes a const", {"enum": [1, 2]}, {"const": 1}, {("", "enum_narrowed"): True}),
    ("another const", {"const": 1}, {"const": 2}, {("", "enum_narrowed"): True, ("", "enum_widened"): False}),
    ("a smaller maximum", {"maximum": 10}, {"maximum": 9}, {("", "limit_narrowed"): True}),
    ("a greater maximum", {"maximum": 10}, {"maximum": 11}, {("", "limit_widened"): False}),
    ("a greater minimum", {"minimum": 1}, {"minimum": 2}, {("", "limit_narrowed"): True}),
    ("a smaller minimum", {"minimum": 1}, {"minimum": 0}, {("", "limit_widened"): False}),
    ("a minimum of zero is a limit too", {}, {"minimum": 0}, {("", "limit_narrowed"): True}),
    ("no maximum any more", {"exclusiveMaximum": 10}, {}, {("", "limit_widened"): False}),
    ("shorter texts", {"maxLength": 64}, {"maxLength": 32}, {("", "limit_narrowed"): True}),
    ("longer texts", {"maxLength": 32}, {"maxLength": 64}, {("", "limit_widened"): False}),
    ("texts must be longer", {"minLength": 1}, {"minLength": 2}, {("", "limit_narrowed"): True}),
    ("fewer elements", {"maxItems": 10}, {"maxItems": 5}, {("", "limit_narrowed"): True}),
    ("more elements are needed", {}, {"minItems": 1}, {("", "limit_narrowed"): True}),
    ("fewer members", {"maxProperties": 3}, {"maxProperties": 2}, {("", "limit_narrowed"): True}),
    ("a pattern", {}, {"pattern": "^a$"}, {("", "rule_changed"): True}),
    ("another pattern", {"pattern": "^a$"}, {"pattern": "^b$"}, {("", "rule_changed"): True}),
    ("no pattern any more", {"pattern": "^a$"}, {}, {("", "rule_removed"): False}),
    ("another format", {"format": "date"}, {"format": "date-time"}, {("", "rule_changed"): True}),
    ("multiples only", {}, {"multipleOf": 2}, {("", "rule_changed"): True}),
    ("elements must differ", {"type": "array"}, {"type": "array", "uniqueItems": True}, {("", "rule_changed"): True}),
    ("elements may be equal", {"uniqueItems": True}, {"uniqueItems": False}, {("", "rule_removed"): False}),
    ("a condition", {}, {"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {("", "rule_changed"): True}),
    ("no condition any more", {"not": {"required": ["a"]}}, {}, {("", "rule_removed"): False}),
    ("others are refused", members(a=TEXT), members(a=TEXT, closed=True), {("", "closed"): True}),
    ("others are allowed", members(a=TEXT, closed=True), members(a=TEXT), {("", "opened"): False}),
    ("others must be texts", {"type": "object"}, {"type": "object", "additionalProperties": TEXT},
     {("/*", "type_narrowed"): True}),
    ("elements get a type", {"type": "array"}, {"type": "array", "items": TEXT}, {("/*", "type_narrowed"): True}),
    ("elements of another type", {"items": TEXT}, {"items": WHOLE}, {("/*", "type_narrowed"): True}),
    ("deep within", members(lines={"type": "array", "items": members(sku={"type": "string", "maxLength": 64})}),
     members(lines={"type": "array", "items": members(sku={"type": "string", "maxLength": 10})}),
     {("/lines/*/sku", "limit_narrowed"): True}),
    ("a definition by another name", {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": TEXT}},
     {"properties": {"a": {"$ref": "#/$defs/y"}}, "$defs": {"y": TEXT}}, {}),
    ("a definition that is written out", {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": TEXT}}, members(a=TEXT),
     {("", "type_narrowed"): True}),
    ("a definition that narrows", {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": TEXT}},
     {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": WHOLE}}, {("/a", "type_narrowed"): True}),
    ("another file", {"$ref": "order.json"}, {"$ref": "order2.json"}, {("", "reference_changed"): True}),
    ("the same file", {"$ref": "order.json"}, {"$ref": "order.json"}, {}),
    ("a choice more", {"anyOf": [TEXT]}, {"anyOf": [TEXT, WHOLE]}, {("", "rule_changed"): True}),
    ("no choice any more", {"anyOf": [TEXT]}, {}, {("", "rule_removed"): False}),
    ("within a choice", {"anyOf": [members(a=TEXT)]}, {"anyOf": [members(a=WHOLE)]}, {("/a", "type_narrowed"): True}),
    ("all of them", {"allOf": [members(a=TEXT)]}, {"allOf": [members(["a"], a=TEXT)]}, {("/a", "required_added"): True}),
    ("nothing is allowed", members(a=TEXT), members(a=False), {("/a", "closed"): True}),
    ("something is allowed", members(a=False), members(a=TEXT), {("/a", "opened"): False}),
    ("a schema that contains itself", NODE, NODE, {}),
    ("a member whose name is a slash", members(**{"a/b": TEXT}), members(), {("/a/b", "member_removed"): True}),
]


def diff(tmp_path, before, after, *options):
    paths = []
    for name, schema in (("old.json", before), ("new.json", after)):
        path = tmp_path / name
        path.write_text(schema if isinstance(schema, str) else json.dumps(schema), encoding="utf-8")
        paths.append(str(path))
    return subprocess.run([BUILD / "crossdock", "schema", "diff", *paths, *options], capture_output=True, text=True, timeout=60,
                          check=False)


@pytest.mark.parametrize("before, after, expected", [pair[1:] for pair in PAIRS], ids=[pair[0] for pair in PAIRS])
def test_every_change_is_named_and_judged(tmp_path, before, after, expected):
    done = diff(tmp_path, before, after, "--json")
    said = json.loads(done.stdout)
    assert {(change["place"], change["change"]): change["breaking"] for change in said["changes"]} == expected
    assert said["breaking"] == sum(change["breaking"] for change in said["changes"]) and said["more"] == 0
    assert done.returncode == (1 if any(expected.values()) else 0)


def test_a_table_for_people(tmp_path):
    done = diff(tmp_path, members(a=TEXT), members(["b"], a=TEXT, b=TEXT))
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and lines[0].split() == ["BREAKS", "PLACE", "CHANGE", "DETAIL"]
    assert lines[1].split(maxsplit=3) == ["yes", "/b", "required_added", "must be there now"]
    assert diff(tmp_path, TEXT, TEXT).stdout == "no changes\n"


def test_our_own_schemas_do_not_differ_from_themselves(tmp_path):
    for path in (TOP / "config" / "schemas").glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert diff(tmp_path, text, text).stdout == "no changes\n", path.name


def test_a_schema_that_narrows_in_ever_so_many_places_is_counted_to_the_end(tmp_path):
    many = {f"m{number}": TEXT for number in range(300)}
    said = json.loads(diff(tmp_path, members(**many), members(), "--json").stdout)
    assert said["breaking"] == 300 and len(said["changes"]) + said["more"] == 300


@pytest.mark.parametrize("before, after, words", [
    ("{", "{}", "old.json:1:2"), ("[]", "{}", "a JSON Schema is an object"), ("{}", "3", "a JSON Schema is an object")])
def test_what_is_no_schema_is_said(tmp_path, before, after, words):
    done = diff(tmp_path, before, after)
    assert done.returncode == 2 and words in done.stderr and done.stdout == ""


def test_two_files_are_needed(tmp_path):
    done = subprocess.run([BUILD / "crossdock", "schema", "diff", "one.json"], capture_output=True, text=True, timeout=60,
                          check=False, cwd=tmp_path)
    assert done.returncode == 2 and "crossdock schema diff OLD NEW" in done.stderr
