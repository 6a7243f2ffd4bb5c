"""RabbitMQ is killed in the very second in which a site was added. It may bring the site's queue back without a leader: nothing can be
consumed from it, and what is published into it is never confirmed. The hub finds that out and makes the queue anew."""
import urllib.error

import pytest

from audit import Audit
from brokers import wait_for
from stack import Stack
from wms import Warehouse

SITES_MAX = 4        # whether a kill leaves a queue without a leader is chance, if nearly always
HEALED_SECONDS = 150  # the node has to be up for 30 s, and the queue without a leader for 20 s more
WIDGETS = (("WIDGET", "3", "9.95"),)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("new-site"), sites=(("WH1", "warehouse"),)) as running:
        yield running


def made_anew(stack):
    """Which queues the hub has made anew so far."""
    with open(stack.hub.log_file, encoding="utf-8") as log:
        return [line.split('"detail":"')[1].split(":")[0] for line in log if "topology.queue_without_leader" in line]


def is_whole(stack, queue):
    """Its leader has told its state. type: without it RabbitMQ would not look. For a moment, between deleted and declared, there is no
    such queue, and while it is being deleted RabbitMQ fails to say anything."""
    try:
        entry = stack.rabbit.api("GET", f"/api/queues/{stack.rabbit.vhost}/{queue}?columns=name,type,state")
    except urllib.error.HTTPError as error:
        if error.code not in (404, 500):
            raise
        return False
    return entry.get("state") == "running"


def test_a_site_that_was_added_when_rabbitmq_died_works_all_the_same(stack):
    warehouses, victim = {"WH1": Warehouse(stack.sites["WH1"].mosquitto.port, "WH1").start()}, None
    audit = Audit(stack, warehouses)
    try:
        for number in range(SITES_MAX):
            name = f"NEW-{number}"
            queue = f"crossdock.site.{name}"
            stack.enrol_site(name)
            stack.kill9("rabbitmq")
            stack.restart("rabbitmq")
            stack.start_site(name)
            warehouses[name] = Warehouse(stack.sites[name].mosquitto.port, name).start()
            audit.order(f"AT-ONCE-{name}", name, WIDGETS)  # waits in the broken queue, or for a whole one
            wait_for(lambda: queue in made_anew(stack) or is_whole(stack, queue), HEALED_SECONDS, f"{queue} to have a leader")
            stack.wait_connected(name)
            audit.order(f"AFTER-{name}", name, WIDGETS)
            audit.order(f"OTHER-{name}", "WH1", WIDGETS)
            audit.wait_books(90)
            if queue in made_anew(stack):
                victim = queue
                break
        if victim is None:
            pytest.skip("this RabbitMQ lost no leader")
        wait_for(lambda: is_whole(stack, victim), 30, "the new queue to have a leader")
        assert made_anew(stack) == [victim]  # once, and no other
    finally:
        for warehouse in warehouses.values():
            warehouse.stop()
