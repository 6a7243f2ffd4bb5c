"""The AsyncAPI document is well-formed and names exactly the exchanges, queues, topics and types of events that the programs
use."""
import pathlib
import re
import sys

import jsonschema

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "integration"))
import async_contract  # noqa: E402  pylint: disable=wrong-import-position
import schema_documents  # noqa: E402  pylint: disable=wrong-import-position

HUB = TOP / "ports" / "posix" / "hub" / "hub_topology.c"
AGENT = TOP / "ports" / "posix" / "agent" / "agent.c"
CORE = TOP / "firmware-agnostic-core"


def read(path):
    return path.read_text(encoding="utf-8")


def addresses(protocol):
    document = async_contract.document()
    return {channel["address"] for channel in document["channels"].values()
            if document["servers"][channel["servers"][0]["$ref"].rsplit("/", 1)[1]]["protocol"] == protocol}


def test_exchanges_and_queues_are_those_that_the_hub_makes():
    declared = set(re.findall(r'"(crossdock\.[a-z]+(?:\.%s)?)"', read(HUB)))
    clients_own = {"crossdock.reply.{client}"}
    assert addresses("amqp") - clients_own == {name.replace("%s", "{site}") for name in declared}


def test_topics_are_those_that_the_agent_takes_and_publishes():
    taken = set(re.findall(r'"crossdock/\+/([a-z/]+)"', read(AGENT)))
    told = set()
    for path in (CORE / "site").glob("*.c"):
        told |= set(re.findall(r'xd_site_publish\(\w+, "([a-z/]+)"', read(path)))
    assert taken and told
    assert addresses("mqtt") == {f"crossdock/{{site}}/{tail}" for tail in taken | told}
    directions = {operation["channel"]["$ref"].rsplit("/", 1)[1]: operation["action"]
                  for operation in async_contract.document()["operations"].values()}
    for name, channel in async_contract.document()["channels"].items():
        if channel["address"].startswith("crossdock/"):
            tail = channel["address"].split("/", 2)[2]
            assert directions[name] == ("receive" if tail in taken else "send"), name


def test_types_of_events_are_those_of_the_envelope():
    types = set(re.findall(r'#define XD_TYPE_\w+ "([^"]+)"', read(CORE / "documents" / "envelope.h")))
    named = {message["name"] for message in async_contract.document()["components"]["messages"].values()}
    assert types == {name for name in named if name.startswith("crossdock.")}


def test_the_document_is_well_formed():
    document = async_contract.document()
    assert document["asyncapi"] == "3.0.0"
    for name, channel in document["channels"].items():
        assert channel["messages"] and channel["title"], name
        assert set(channel.get("parameters", {})) == set(re.findall(r"\{(\w+)\}", channel["address"])), name
    used = {operation["channel"]["$ref"] for operation in document["operations"].values()}
    assert used == {f"#/channels/{name}" for name in document["channels"]}
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive") and operation["summary"]


def test_every_reference_leads_somewhere():
    for reference in schema_documents.references(async_contract.document()):
        with async_contract.resolver().resolving(reference) as found:
            assert found is not None


def test_every_schema_is_one_and_every_message_is_used():
    document = async_contract.document()
    for schema in list(document["components"]["schemas"].values()) + [
            message["payload"] for message in document["components"]["messages"].values()]:
        jsonschema.Draft202012Validator.check_schema(schema)
    used = set(schema_documents.references(document["channels"]))
    assert {f"#/components/messages/{name}" for name in document["components"]["messages"]} <= used


def test_what_is_not_described_fails():
    assert async_contract.errors_of("receipt", {"document_id": "C-1", "document": "confirmation", "status": "accepted"}) == []
    assert async_contract.errors_of("receipt", {"document_id": "C-1", "document": "confirmation", "status": "maybe"})
    assert async_contract.errors_of("presence", {"online": True, "site": "WH1", "timestamp": "2026-11-23T10:00:00.000Z", "x": 1})
    assert async_contract.errors_of("hub", {"specversion": "1.0", "type": "crossdock.nothing.v1"})
