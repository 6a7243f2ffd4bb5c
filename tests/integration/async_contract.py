"""Holds messages against config/asyncapi.yaml: errors_of(channel, payload) is a list of what is wrong, empty when the payload
is one of the channel's messages."""
import jsonschema

import schema_documents


def document():
    return schema_documents.read("asyncapi.yaml")


def resolver():
    return schema_documents.resolver("asyncapi.yaml")


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
