"""What config/openapi.yaml and config/asyncapi.yaml have in common: both speak by the JSON Schemas under config/schemas."""
import functools
import json
import pathlib

import jsonschema
import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]


@functools.lru_cache(maxsize=None)
def read(name):
    return yaml.safe_load((TOP / "config" / name).read_text(encoding="utf-8"))


@functools.lru_cache(maxsize=None)
def resolver(name):
    store = {}
    for path in (TOP / "config" / "schemas").glob("*.json"):
        schema = json.loads(path.read_text(encoding="utf-8"))
        del schema["$id"]  # a URN is no base for references within the file
        store[path.as_uri()] = schema
    return jsonschema.RefResolver((TOP / "config" / name).as_uri(), read(name), store=store)


def references(item):
    """Every $ref in it."""
    if isinstance(item, dict):
        if isinstance(item.get("$ref"), str):
            yield item["$ref"]
        for value in item.values():
            yield from references(value)
    elif isinstance(item, list):
        for value in item:
            yield from references(value)
