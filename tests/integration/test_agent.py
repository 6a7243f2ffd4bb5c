"""The agent alone: a real RabbitMQ and Mosquitto, a WMS that speaks only MQTT, and a stand-in for the hub."""
import hashlib
import json
import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import brokers
from agents import AGENT, Agent, PersistentSender, Wms, confirmation, http_get, release
from brokers import wait_for
from proxy import Proxy
from stub_hub import StubHub

KILLS = 40 if os.environ.get("XD_SOAK") else 10


class Place:
    """One site with its line: stub hub, proxy, agent and WMS. Each test has a site of its own on the shared brokers."""

    count = 0

    def __init__(self, folder, rabbit, mosquitto):
        Place.count += 1
        self.site = f"T{Place.count}"
        self.folder, self.rabbit, self.mosquitto = folder, rabbit, mosquitto
        self.line = Proxy(("127.0.0.1", rabbit.port))
        self.line.start()
        self.hub = StubHub(rabbit, [self.site]).start()
        self.more = "release: {retry_s_min: 1, retry_s_max: 2}\n"
        self.agent = self.wms = None
        self.opened = []

    def start_agent(self, **options):
        self.agent = Agent(self.folder / "agent", self.site, self.hub.enrolment(self.site, f"amqp://127.0.0.1:{self.line.port}"),
                           self.mosquitto.url, **{"more": self.more, **options})
        self.agent.start()
        return self.agent

    def start_wms(self, **options):
        self.wms = Wms(self.mosquitto.port, self.site, **options)
        self.opened.append(self.wms)
        return self.wms

    def start(self, **options):
        agent, wms = self.start_agent(**options), self.start_wms()
        wait_for(agent.connected, 30, "the agent to be connected")
        wms.wait(lambda: wms.presence and wms.presence[-1]["online"], "the agent's birth message")
        return agent, wms

    def at_hub(self, wanted, seconds=30):
        """Waits until the hub applied exactly these documents, each once."""
        try:
            wait_for(lambda: len(self.hub.subjects(self.site)) >= len(wanted), seconds, f"{len(wanted)} documents at the hub")
        except TimeoutError:
            print(f"{len(self.hub.subjects(self.site))} of {len(wanted)} at the hub; {self.hub.complaints[-5:]} {self.hub.error!r}")
            print(self.agent.status(), self.agent.log_tail(), sep="\n")
            raise
        assert sorted(self.hub.subjects(self.site)) == sorted(wanted)

    def close(self):
        for wms in self.opened:
            wms.close()
        if self.agent:
            self.agent.kill9()
        self.hub.stop()
        self.line.stop()
        for queue in (f"crossdock.site.{self.site}",):
            self.rabbit.api("DELETE", f"/api/queues/{self.rabbit.vhost}/{queue}")


@pytest.fixture
def place(tmp_path, rabbit, mosquitto):
    here = Place(tmp_path, rabbit, mosquitto)
    yield here
    here.close()


# ---- from the WMS to the hub ----

@pytest.mark.sanitize
def test_a_confirmation_is_receipted_and_reaches_the_hub_once(place):
    agent, wms = place.start()
    sent = wms.confirm("C-1", note="äöü", qty="10.50")
    receipt = wms.wait_receipt("C-1")
    assert receipt["status"] == "accepted" and receipt["document"] == "confirmation" and receipt["version"] == 1
    assert "sha256" not in receipt  # its id names it
    place.at_hub(["C-1"])
    document = place.hub.documents(place.site)[0]
    assert document.data == sent and document.lane == "work" and document.sequence == 1
    wait_for(lambda: agent.backlog() == 0, 10, "the hub's ack")
    assert not place.hub.complaints


def test_no_document_is_accepted_that_is_not_committed(place):
    agent, wms = place.start()
    other = sqlite3.connect(agent.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # nobody else can write now
    wms.confirm("C-1")
    receipt = wms.wait_receipt("C-1")
    assert receipt["status"] == "rejected" and receipt["problem"]["retryable"] is True
    other.execute("ROLLBACK")
    other.close()
    wms.confirm("C-1")
    wms.wait_receipt("C-1", "accepted")
    place.at_hub(["C-1"])


def test_a_document_sent_again_gets_duplicate_and_its_latest_fate(place):
    _, wms = place.start()
    wms.confirm("C-1")
    wms.wait_receipt("C-1", "accepted")
    wms.confirm("C-1")
    wms.wait_receipt("C-1", "duplicate")
    place.hub.settle(place.site, "C-1", outcome="parked", code="unmatched_line", detail="line 1")
    wms.wait(lambda: len(wms.settled) == 1, "the first fate")
    place.hub.settle(place.site, "C-1", version=2, outcome="posted")
    wms.wait(lambda: len(wms.settled) == 2, "the second fate")
    wms.confirm("C-1")
    wms.wait(lambda: len(wms.settled) == 3, "the fate with the duplicate")
    assert [fate["outcome"] for fate in wms.settled] == ["parked", "posted", "posted"]
    assert wms.settled[0]["code"] == "unmatched_line" and wms.settled[2]["version"] == 2
    place.at_hub(["C-1"])


def test_the_same_id_with_other_content_is_taken_with_a_warning(place):
    _, wms = place.start()
    wms.confirm("C-1", qty="1")
    wms.wait_receipt("C-1", "accepted")
    wms.confirm("C-1", qty="2")
    wms.wait(lambda: len(wms.receipts) == 2, "the second receipt")
    assert wms.receipts[1]["status"] == "accepted" and wms.receipts[1]["warnings"][0]["code"] == "conflicting_content"
    place.at_hub(["C-1", "C-1"])


def test_all_three_kinds_go_their_lanes(place):
    _, wms = place.start()
    wms.publish("inventory", {"advice_id": "I-1", "kind": "DELTA", "lines": [{"sku": "W", "qty": "-2", "uom": "EA", "reason": "DAMAGED"}]})
    wms.publish("release/response", {"release_id": "R9", "revision": 1, "response": "ACKNOWLEDGED"})
    wms.confirm("C-1")
    place.at_hub(["I-1", "R9/1/ACKNOWLEDGED", "C-1"])
    assert {d.subject: d.lane for d in place.hub.documents(place.site)} == {"I-1": "bulk", "R9/1/ACKNOWLEDGED": "work", "C-1": "work"}


BAD = {
    "malformed": (b'{"confirmation_id": "B-1",', "malformed_json"),
    "empty": (b"", None),
    "no object": (b"[]", None),
    "invalid utf-8": (b'{"confirmation_id": "B\xff-1"}', "invalid_utf8"),
    "too deep": (b'{"attributes":' + b'{"a":' * 60 + b"1" + b"}" * 60 + b"}", "too_deep"),
    "twice": (b'{"confirmation_id": "B-1", "confirmation_id": "B-2"}', "duplicate_member"),
    "too large": (b'{"confirmation_id": "' + b"x" * 2_000_000 + b'"}', "too_large"),
}


@pytest.mark.sanitize
def test_unreadable_bytes_are_rejected_kept_and_stop_nothing(place):
    agent, wms = place.start()
    for name, (payload, code) in BAD.items():
        before = len(wms.receipts)
        wms.publish("confirmation", payload)
        wms.wait(lambda: len(wms.receipts) > before, f"the receipt for what is {name}")
        receipt = wms.receipts[-1]
        assert receipt["status"] == "rejected" and receipt["document_id"] is None, name
        assert receipt["sha256"] == hashlib.sha256(payload).hexdigest(), name
        assert receipt["problem"]["retryable"] is False, name
        assert code in (None, receipt["problem"]["code"]), (name, receipt)
    wms.confirm("C-1")
    wms.wait_receipt("C-1", "accepted")
    place.at_hub(["C-1"])
    wait_for(lambda: agent.status()["quarantined"] >= len(BAD) - 1, 5, "the quarantine")  # nothing to keep of nothing


def test_each_fault_of_a_document_is_named_where_it_is(place):
    _, wms = place.start()
    bad = confirmation("C-1")
    bad["kind"] = "SHIPPED"
    bad["lines"][0]["qty_shipped"] = -3
    del bad["lines"][0]["uom"]
    bad["surprise"] = True
    wms.publish("confirmation", bad)
    receipt = wms.wait_receipt("C-1", "rejected")
    pointers = {error["pointer"] for error in receipt["problem"]["errors"]}
    assert pointers == {"/kind", "/lines/0/qty_shipped", "/lines/0/uom"}
    good = confirmation("C-2", surprise=True)
    wms.publish("confirmation", good)
    receipt = wms.wait_receipt("C-2", "accepted")
    assert any(warning["pointer"] == "/surprise" for warning in receipt["warnings"])
    place.at_hub(["C-2"])


def test_topics_of_other_sites_are_refused(place):
    _, wms = place.start()
    wms.publish("confirmation", confirmation("C-1"), site="ELSEWHERE")
    wms.wait(lambda: wms.receipts, "the receipt")
    assert wms.receipts[0]["status"] == "rejected" and wms.receipts[0]["problem"]["code"] == "foreign_site"
    wms.confirm("C-2")
    place.at_hub(["C-2"])


def test_mqtt_5_receipts_also_go_to_the_response_topic(place):
    place.start()
    got = []
    asker = mqtt.Client(f"asker-{place.site}", protocol=mqtt.MQTTv5)
    asker.on_message = lambda client, userdata, message: got.append(message)
    asker.connect("127.0.0.1", place.mosquitto.port)
    asker.subscribe(f"answers/{place.site}", qos=1)
    asker.loop_start()
    try:
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic, properties.CorrelationData = f"answers/{place.site}", b"\x00\x01cd"
        asker.publish(f"crossdock/{place.site}/confirmation", json.dumps(confirmation("C-1")), qos=1, properties=properties)
        wait_for(lambda: got, 10, "the answer")
        assert json.loads(got[0].payload)["status"] == "accepted" and got[0].properties.CorrelationData == b"\x00\x01cd"
    finally:
        asker.disconnect()
        asker.loop_stop()


def test_what_the_site_s_broker_kept_for_a_dead_agent_gets_its_receipts(place):
    agent, wms = place.start()
    agent.kill9()
    wanted = [f"C-{number}" for number in range(60)]
    for name in wanted:
        wms.confirm(name)
    agent.start()
    wms.wait(lambda: wms.receipted("accepted") >= set(wanted), "all receipts, though nothing is sent again")
    place.at_hub(wanted)


# ---- without the line ----

@pytest.mark.sanitize
def test_what_was_accepted_without_a_line_drains_by_itself(place):
    place.line.cut()
    agent, wms = place.start_agent(), place.start_wms()
    wait_for(lambda: agent.status()["connections"]["wms"], 20, "the site's broker")
    wanted = [f"C-{number}" for number in range(300)]
    for name in wanted:
        wms.confirm(name)
    wms.wait(lambda: wms.receipted("accepted") >= set(wanted), "all receipts", 60)
    wait_for(lambda: agent.backlog() == 300, 5, "the backlog to show")
    status = agent.status()
    assert not status["connections"]["line"] and status["oldest_unsent_ms"] > 0
    assert http_get(f"http://127.0.0.1:{agent.port}/readyz")[0] == 200
    place.line.heal()
    place.at_hub(wanted, 60)
    wait_for(lambda: agent.backlog() == 0, 10, "an empty backlog")
    assert [d.sequence for d in place.hub.documents(place.site)] == list(range(1, 301))


def test_a_line_that_breaks_again_and_again_loses_and_repeats_nothing(place):
    agent, wms = place.start()
    wanted = [f"C-{number}" for number in range(400)]
    for number, name in enumerate(wanted):
        wms.confirm(name)
        if number % 50 == 25:
            place.line.reset()
    place.at_hub(wanted, 60)
    wait_for(lambda: agent.backlog() == 0, 40, "an empty backlog")
    assert not place.hub.complaints


def test_a_hub_that_lost_its_books_is_filled_again(place):
    agent, wms = place.start()
    wanted = [f"C-{number}" for number in range(50)]
    for name in wanted:
        wms.confirm(name)
    place.at_hub(wanted)
    wait_for(lambda: agent.backlog() == 0, 10, "an empty backlog")
    place.hub.forget(place.site)
    place.at_hub(wanted, 60)
    wait_for(lambda: agent.backlog() == 0, 10, "an empty backlog")


def test_an_agent_with_an_older_copy_of_its_database_starts_a_new_epoch(place):
    agent, wms = place.start()
    wms.confirm("C-1")
    place.at_hub(["C-1"])
    assert agent.stop() == 0
    copy = agent.database + ".copy"
    shutil.copy(agent.database, copy)
    agent.start()
    wait_for(agent.connected, 20, "the line")
    wms.confirm("C-2")
    wms.wait_receipt("C-2", "accepted")
    place.at_hub(["C-1", "C-2"])
    place.line.cut()
    agent.kill9()
    for suffix in ("-wal", "-shm"):
        if os.path.exists(agent.database + suffix):
            os.remove(agent.database + suffix)
    os.replace(copy, agent.database)
    agent.start()
    wait_for(lambda: agent.status()["connections"]["wms"], 20, "the site's broker")
    wms.confirm("C-3")  # the same sequence as C-2 had
    wms.wait_receipt("C-3", "accepted")
    place.line.heal()
    place.at_hub(["C-1", "C-2", "C-3"])
    wait_for(lambda: agent.backlog() == 0, 20, "an empty backlog")
    assert "line.rewound" in agent.log_tail() or "line.new_epoch" in agent.log_tail()


# ---- from the hub to the WMS ----

@pytest.mark.sanitize
@pytest.mark.threads
def test_a_release_is_delivered_until_it_is_answered_even_by_another_process(place):
    agent, wms = place.start()
    place.hub.send_release(place.site, release("R1", place.site))
    wms.wait(lambda: len(wms.releases) >= 2, "the release, and again")
    agent.kill9()
    before = len(wms.releases)
    agent.start()
    wms.wait(lambda: len(wms.releases) > before, "the release from a new process")
    assert all(r["release_id"] == "R1" for r in wms.releases)
    wait_for(lambda: agent.status()["releases_unanswered"] == 1, 5, "the count of open releases")
    wms.respond(wms.releases[0])
    place.at_hub(["R1/1/ACKNOWLEDGED"])
    wait_for(lambda: agent.status()["releases_unanswered"] == 0, 5, "the count of open releases")
    place.hub.send_release(place.site, release("R2", place.site))
    wms.wait(lambda: [r for r in wms.releases if r["release_id"] == "R2"], "another release")
    count = len([r for r in wms.releases if r["release_id"] == "R1"])
    wms.wait(lambda: len([r for r in wms.releases if r["release_id"] == "R2"]) >= 3, "two more rounds")
    assert len([r for r in wms.releases if r["release_id"] == "R1"]) == count
    assert place.hub.covered(place.site)


def test_a_confirmation_answers_its_release_too(place):
    agent, wms = place.start()
    place.hub.send_release(place.site, release("R1", place.site))
    wms.wait(lambda: wms.releases, "the release")
    wms.confirm("C-1", "R1")
    wait_for(lambda: agent.status()["releases_unanswered"] == 0, 5, "the count of open releases")


def test_only_the_highest_revision_is_delivered(place):
    agent, wms = place.start()
    place.hub.send_release(place.site, release("R1", place.site))
    wms.wait(lambda: wms.releases, "revision 1")
    place.hub.send_release(place.site, release("R1", place.site, revision=2, qty="5", purpose="CHANGE"))
    wms.wait(lambda: [r for r in wms.releases if r["revision"] == 2], "revision 2")
    seen = len(wms.releases)
    wms.wait(lambda: len(wms.releases) >= seen + 2, "two more rounds")
    assert {r["revision"] for r in wms.releases[seen:]} == {2}
    assert agent.status()["releases_unanswered"] == 1


def test_the_cancel_of_a_release_that_was_never_published_is_accepted_here(place):
    own = brokers.Mosquitto(place.folder / "own")  # not started: the WMS's broker is away
    place.mosquitto = own
    place.start_agent()
    place.hub.send_release(place.site, release("R1", place.site))
    place.hub.send_release(place.site, {**release("R1", place.site, revision=2), "purpose": "CANCEL"})
    place.at_hub(["R1/2/CANCEL_ACCEPTED"])
    with own:
        wms = place.start_wms()
        wms.wait(lambda: wms.presence and wms.presence[-1]["online"], "the agent's birth message", 40)
        place.hub.send_release(place.site, release("R2", place.site))
        wms.wait(lambda: wms.releases, "the next release")
        assert {r["release_id"] for r in wms.releases} == {"R2"}
        wms.close()
        place.opened.clear()


def test_forged_messages_go_to_the_dead_letters_and_count_for_nothing(place):
    agent, wms = place.start()
    event = {"specversion": "1.0", "id": "x", "source": "/hub", "type": "crossdock.order.release.v1", "time": "2026-11-23T10:00:00Z",
             "site": place.site, "lane": "work", "epoch": "e", "sequence": "1", "chain": "0" * 64, "data": release("R1", place.site)}
    dead = f"/api/queues/{place.rabbit.vhost}/crossdock.dead"
    before = place.rabbit.api("GET", dead).get("messages", 0)
    place.hub.inject(place.site, json.dumps(event).encode(), "v1;kid=k1;mac=" + "0" * 64)
    place.hub.inject(place.site, b"\x00garbage", "nonsense")
    wait_for(lambda: agent.metrics()["forged_total"] == 2, 10, "the count of forged messages")
    wait_for(lambda: place.rabbit.api("GET", dead).get("messages", 0) == before + 2, 20, "the dead letters")
    place.hub.send_release(place.site, release("R2", place.site))
    wms.wait(lambda: wms.releases, "a true release")
    assert wms.releases[0]["release_id"] == "R2"


def test_an_authentic_message_that_cannot_be_used_blocks_nothing(place):
    agent, wms = place.start()
    place.hub.send_release(place.site, {"release_id": "R1", "revision": 0, "purpose": "NONSENSE"})
    place.hub.send_release(place.site, release("R2", place.site))
    wms.wait(lambda: wms.releases, "the next release")
    assert wms.releases[0]["release_id"] == "R2"
    wait_for(lambda: place.hub.covered(place.site), 10, "both to count as received")
    wait_for(lambda: agent.status()["quarantined"] == 1, 5, "the quarantine")


# ---- room ----

def test_a_full_store_refuses_says_so_keeps_a_reserve_and_recovers(place):
    place.more = "store: {quota_mb: 4, reserve_mb: 2, min_free_mb: 0}\n"
    place.line.cut()
    agent, wms = place.start_agent(), place.start_wms()
    wait_for(lambda: agent.status()["connections"]["wms"], 20, "the site's broker")
    filler = {"kind": "DELTA", "attributes": {f"a{n}": "x" * 250 for n in range(200)},
              "lines": [{"sku": "W", "qty": "-2", "uom": "EA", "reason": "DAMAGED"}]}
    accepted, number = [], 0
    while "store_full" not in [r.get("problem", {}).get("code") for r in wms.receipts]:
        number += 1
        wms.publish("inventory", {"advice_id": f"I-{number}", **filler})
        receipt = wms.wait_receipt(f"I-{number}")
        accepted += [f"I-{number}"] if receipt["status"] == "accepted" else []
        assert number < 1000
    assert receipt["problem"]["retryable"] is True
    wait_for(lambda: agent.status()["room"] in ("reserve", "none"), 5, "the status to say so")
    wms.confirm("C-1")
    wms.wait_receipt("C-1", "accepted")
    accepted.append("C-1")
    place.line.heal()
    place.at_hub(accepted, 60)
    wait_for(lambda: agent.status()["room"] == "free", 20, "room")
    wms.publish("inventory", {"advice_id": f"I-{number}", **filler})
    wms.wait_receipt(f"I-{number}", "accepted")
    place.at_hub(accepted + [f"I-{number}"])


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 24 MB, where this process may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_refuses_loses_nothing_and_recovers(place, small_disk):
    place.folder, place.more = small_disk, "store: {min_free_mb: 0, reserve_mb: 2}\n"
    agent, wms = place.start()
    wms.confirm("C-1")
    wms.wait_receipt("C-1", "accepted")
    place.at_hub(["C-1"])
    place.line.cut()
    with open(os.open(small_disk / "filler", os.O_WRONLY | os.O_CREAT), "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            pass
    number, accepted = 1, ["C-1"]
    while not [r for r in wms.receipts if r["status"] == "rejected"]:
        number += 1
        document = wms.confirm(f"C-{number}", attributes={f"a{n}": "x" * 250 for n in range(200)})
        accepted += [f"C-{number}"] if wms.wait_receipt(f"C-{number}")["status"] == "accepted" else []
        assert number < 2000
    assert wms.receipts[-1]["problem"]["retryable"] is True and agent.process.poll() is None
    agent.kill9()
    os.remove(small_disk / "filler")
    agent.start()
    place.line.heal()
    place.at_hub(accepted, 60)
    wms.publish("confirmation", document)
    wms.wait(lambda: wms.receipts[-1]["status"] == "accepted", "what was refused to be taken")
    place.at_hub(accepted + [f"C-{number}"])


# ---- kills ----

@pytest.mark.sanitize
@pytest.mark.threads
def test_kill_9_in_the_middle_of_everything_loses_and_repeats_nothing(place):
    agent, wms = place.start()
    wms.answer_releases = True
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    documents = {f"C-{number}": confirmation(f"C-{number}", "X1") for number in range(500)}
    releases = [f"R{number}" for number in range(20)]
    sender = PersistentSender(wms, documents)
    kills, next_kill, deadline = 0, time.monotonic() + 0.3, time.monotonic() + 180
    while (not sender.step() or kills < KILLS) and time.monotonic() < deadline:
        if kills < KILLS and time.monotonic() > next_kill:
            agent.kill9()
            if kills % 2 == 0 and releases:
                place.hub.send_release(place.site, release(releases.pop(), place.site))
            agent.start(wait=False)
            kills, next_kill = kills + 1, time.monotonic() + chance.uniform(0.05, 1.0)
        time.sleep(0.01)
    for name in releases:
        place.hub.send_release(place.site, release(name, place.site))
    assert kills == KILLS and not sender.waiting, (kills, len(sender.waiting))
    wait_for(lambda: set(documents) <= set(place.hub.subjects(place.site, "confirmation.v1")), 60, "all confirmations at the hub")
    assert len(place.hub.subjects(place.site, "confirmation.v1")) == len(documents)
    wait_for(lambda: {r["release_id"] for r in wms.releases} == {f"R{n}" for n in range(20)}, 60, "all releases at the WMS")
    wait_for(lambda: agent.backlog() == 0 and place.hub.covered(place.site), 60, "both ends to agree")
    assert not place.hub.complaints


def test_the_site_s_broker_may_die_and_come_back(place):
    own = brokers.Mosquitto(place.folder / "own")
    with own:
        place.mosquitto = own
        agent, wms = place.start()
        sender = PersistentSender(wms, {f"C-{n}": confirmation(f"C-{n}") for n in range(200)})
        kills, next_kill = 0, time.monotonic() + 0.2
        deadline = time.monotonic() + 90
        while (not sender.step() or kills < 3) and time.monotonic() < deadline:
            if kills < 3 and time.monotonic() > next_kill:
                own.kill9()
                own.start()
                kills, next_kill = kills + 1, time.monotonic() + 1.5
            time.sleep(0.01)
        assert not sender.waiting and kills == 3
        place.at_hub([f"C-{n}" for n in range(200)])
        assert agent.process.poll() is None
        wms.close()
        place.opened.clear()
        assert agent.stop() == 0


# ---- start, stop, supervision ----

def run_agent(*arguments, seconds=15):
    return subprocess.run([AGENT, *arguments], capture_output=True, text=True, timeout=seconds, check=False)


def test_wrong_arguments_and_configuration_end_with_2_and_say_where(tmp_path):
    assert run_agent("--version").returncode == 0
    assert "--config" in run_agent("--help").stdout
    for arguments in ([], ["--config"], ["--nonsense"], ["--config", "x", "more"], ["--config", "x", "--log-format", "xml"]):
        done = run_agent(*arguments)
        assert done.returncode == 2 and done.stderr, arguments
    missing = tmp_path / "missing.yaml"
    done = run_agent("--config", str(missing))
    assert done.returncode == 2 and str(missing) in done.stderr
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("site: WH1\nstate_dir: state\nmqtt:\n  url: mqtt://127.0.0.1:1\n  colour: blue\n")
    done = run_agent("--config", str(wrong), "--check")
    assert done.returncode == 2
    assert re.search(rf"^{re.escape(str(wrong))}:5:\d+: .*colour", done.stderr, re.M), done.stderr


def test_check_says_that_a_configuration_is_fine_and_starts_nothing(place):
    agent = Agent(place.folder / "a", place.site, place.hub.enrolment(place.site), "mqtt://127.0.0.1:1")
    done = run_agent("--config", agent.config, "--check")
    assert done.returncode == 0 and not os.path.exists(os.path.dirname(agent.database))


def test_a_taken_port_a_taken_store_and_another_site_s_store_end_with_1_and_say_what_to_do(place):
    agent = place.start_agent()
    twin = Agent(place.folder / "twin", place.site, place.hub.enrolment(place.site), place.mosquitto.url)
    twin_text = open(twin.config, encoding="utf-8").read()

    def outcome(text):
        with open(twin.config, "w", encoding="utf-8") as file:
            file.write(text)
        done = run_agent("--config", twin.config)
        assert done.returncode == 1
        return done.stderr

    assert f"127.0.0.1:{agent.port}" in outcome(twin_text.replace(str(twin.port), str(agent.port)))
    state = os.path.dirname(agent.database)
    assert "another process" in outcome(twin_text.replace("state_dir: state", f"state_dir: {state}"))
    assert agent.stop() == 0
    other = place.hub.enrolment(place.site).replace(f"site: {place.site}", "site: OTHER")
    stranger = Agent(place.folder / "twin", "OTHER", other, place.mosquitto.url)
    text = open(stranger.config, encoding="utf-8").read().replace("state_dir: state", f"state_dir: {state}")
    assert "another site" in outcome(text)


def test_it_starts_and_stops_promptly_with_no_broker_at_all(place):
    agent = Agent(place.folder / "a", place.site, place.hub.enrolment(place.site, f"amqp://127.0.0.1:{brokers.free_port()}"),
                  f"mqtt://127.0.0.1:{brokers.free_port()}")
    agent.start()
    code, text = http_get(f"http://127.0.0.1:{agent.port}/readyz")
    assert code == 200 and json.loads(text)["line"] == "down" and json.loads(text)["wms"] == "down"
    began = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - began < 3


def test_it_stops_promptly_while_both_brokers_hang(place, tmp_path):
    shore = Proxy(("127.0.0.1", place.mosquitto.port))
    shore.start()
    try:
        agent = Agent(tmp_path / "a", place.site, place.hub.enrolment(place.site, f"amqp://127.0.0.1:{place.line.port}"),
                      f"mqtt://127.0.0.1:{shore.port}")
        agent.start()
        wait_for(agent.connected, 20, "the agent to be connected")
        place.line.freeze()
        shore.freeze()
        began = time.monotonic()
        assert agent.stop() == 0
        assert time.monotonic() - began < 4
    finally:
        shore.stop()


def test_birth_farewell_and_will_are_retained(place):
    agent, wms = place.start()

    def retained():
        late = place.start_wms()
        late.wait(lambda: late.presence, "the retained status")
        return late.presence[0]

    assert retained()["online"] is True
    assert agent.stop() == 0
    wms.wait(lambda: wms.presence[-1]["online"] is False, "the farewell")
    assert retained()["online"] is False
    agent.start()
    wms.wait(lambda: wms.presence[-1]["online"] is True, "the birth")
    agent.kill9()
    wms.wait(lambda: wms.presence[-1]["online"] is False, "the will")


def test_sighup_reads_the_log_level_again(place):
    agent = place.start_agent()
    with open(agent.config, "a", encoding="utf-8") as file:
        file.write("log_level: debug\n")
    agent.process.send_signal(1)
    wait_for(lambda: "agent.reloaded" in agent.log_tail(), 10, "the reload")
    with open(agent.config, "a", encoding="utf-8") as file:
        file.write("colour: blue\n")
    agent.process.send_signal(1)
    wait_for(lambda: "agent.not_reloaded" in agent.log_tail(), 10, "the refusal")
    assert agent.status()["site_id"] == place.site


def test_a_supervisor_hears_of_start_life_and_stop(place, monkeypatch):
    path = str(place.folder / "n")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(path)
        supervisor.settimeout(10)
        agent = place.start_agent()
        assert {supervisor.recv(100) for _ in range(4)} == {b"READY=1", b"WATCHDOG=1"}
        assert agent.stop() == 0
        last = supervisor.recv(100)
        while last == b"WATCHDOG=1":
            last = supervisor.recv(100)
        assert last == b"STOPPING=1"


def test_what_it_tells_by_http(place):
    agent, _ = place.start()
    base = f"http://127.0.0.1:{agent.port}"
    assert http_get(base + "/healthz")[0] == 200 and http_get(base + "/nothing")[0] == 404
    problem = json.loads(http_get(base + "/nothing")[1])
    assert problem["code"] == "not_found" and json.loads(http_get(base + problem["type"])[1])["meaning"] == problem["title"]
    assert len(json.loads(http_get(base + "/v1/problems")[1])["problems"]) > 100
    assert json.loads(http_get(base + "/readyz")[1])["line"] == "up"
    status = agent.status()
    assert status["site_id"] == place.site and status["room"] == "free" and len(status["streams"]) == 4
    text = http_get(base + "/metrics")[1]
    helped = set(re.findall(r"^# HELP (\S+) \S", text, re.M))
    typed = dict(re.findall(r"^# TYPE (\S+) (counter|gauge)$", text, re.M))
    named = set(re.findall(r"^(crossdock_agent_\w+)(?:\{[^}]*\})? -?[0-9.]+$", text, re.M))
    assert helped == set(typed) == named and len(named) > 20
    assert all((kind == "counter") == name.endswith("_total") for name, kind in typed.items())
