"""Holds messages against config/asyncapi.yaml: errors_of(channel, payload) is a list of what is wrong, empty when the payload
is one of the channel's messages."""
import functools
import json
import pathlib

import jsonschema
import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = TOP / "config" / "asyncapi.yaml"


@functools.lru_cache(maxsize=1)
def document():
    return yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))


@functools.lru_cache(maxsize=1)
def resolver():
    store = {}
    for path in (TOP / "config" / "schemas").glob("*.json"):
        schema = json.loads(path.read_text(encoding="utf-8"))
        del schema["$id"]  # a URN is no base for references within the file
        store[path.as_uri()] = schema
    return jsonschema.RefResolver(DOCUMENT.as_uri(), document(), store=store)


def channel_of(address):
    """The name of the channel with that address, the site's name in it or not."""
    for name, channel in document()["channels"].items():
        before, _, behind = channel["address"].partition("{site}")
        if address == channel["address"] or (
                behind != "" and address.startswith(before) and address.endswith(behind) and
                "/" not in address[len(before):len(address) - len(behind)]) or (
                    behind == "" and before != channel["address"] and address.startswith(before)):
            return name
    return None


def messages_of(channel):
    for reference in document()["channels"][channel]["messages"].values():
        yield document()["components"]["messages"][reference["$ref"].rsplit("/", 1)[1]]


def errors_of(channel, payload, headers=None):
    """By the message of the payload's `type` where it is an event, else by the channel's one message."""
    found = list(messages_of(channel))
    if len(found) > 1:
        found = [message for message in found if message["name"] == payload.get("type")]
    if not found:
        return [f"{channel} has no message of the type {payload.get('type')}"]
    wrong = []
    for schema, value in ((found[0]["payload"], payload), (found[0].get("headers"), headers)):
        if schema is not None and value is not None:
            validator = jsonschema.Draft202012Validator(schema, resolver=resolver())
            wrong += [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
    return wrong
