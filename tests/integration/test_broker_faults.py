"""The central broker and the lines to it fail in every way but by a kill (test_kills.py): wiped, frozen, purged, unbound, cut,
gone in one direction. What was accepted meanwhile arrives by itself afterwards, once."""
import threading

import pika
import pytest

import wms
from audit import Audit
from brokers import wait_for
from stack import Stack
from wms import Warehouse

WIDGETS = (("WIDGET", "3", "9.95"),)
HEARTBEATS_SECONDS = 25  # a frozen peer is given up within two heartbeats
RESTORED_SECONDS = 70    # the hub looks at the topology once a minute


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("brokers")) as running:
        yield running


class World:
    """The stack with a warehouse at each site, and the books of one test."""

    def __init__(self, stack, name):
        self.stack, self.rabbit, self.name, self.count = stack, stack.rabbit, name, 0
        self.warehouses = {site: Warehouse(stack.sites[site].mosquitto.port, site, client_id=f"{name}-{site}") for site in stack.sites}
        for site in stack.sites:
            self.warehouses[site].start()
        self.audit = Audit(stack, self.warehouses)
        self.log_tails = stack.log_tails

    def orders(self, count, site=None):
        """Orders for both sites in turn."""
        for number in range(count):
            self.count += 1
            self.audit.order(f"{self.name}-{self.count}", site or sorted(self.stack.sites)[number % 2], WIDGETS)

    def ship_for(self, site, release):
        """A shipment that the warehouse only tells now."""
        for document in wms.exact(release):
            self.warehouses[site].send("confirmation", document)

    def wait_releases(self, site, count, seconds=40):
        warehouse = self.warehouses[site]
        warehouse.wait(lambda: len(warehouse.releases) >= count, seconds, f"{count} releases")
        return list(warehouse.releases.values())

    def wait_receipts(self, site, seconds=40):
        warehouse = self.warehouses[site]
        warehouse.wait(lambda: warehouse.idle, seconds, "receipts")

    def queue(self, name):
        return self.rabbit.api("GET", f"/api/queues/{self.rabbit.vhost}/{name}")

    def purge(self, name, least):
        wait_for(lambda: self.queue(name).get("messages", 0) >= least, 30, f"{least} messages in {name}")
        self.rabbit.api("DELETE", f"/api/queues/{self.rabbit.vhost}/{name}/contents")


@pytest.fixture
def world(stack, request):
    here = World(stack, request.node.name.removeprefix("test_").replace("_", "-").replace("[", "-").rstrip("]")[-40:])
    yield here
    for site in stack.sites.values():
        site.line.heal()
    stack.rabbit.thaw()
    for warehouse in here.warehouses.values():
        warehouse.stop()


def test_a_wiped_rabbitmq_is_restored_and_filled_again(world):
    world.orders(6)
    world.audit.wait_books(60)
    for site in world.stack.sites.values():
        site.line.cut()  # what is sold now stays in the broker's queues, and is lost with them
    world.orders(6)
    lost = wait_for(lambda: sum(world.queue(f"crossdock.site.{site}").get("messages", 0) for site in world.stack.sites) >= 6, 30,
                    "releases in the sites' queues")
    assert lost
    world.rabbit.wipe()
    for site in world.stack.sites.values():
        site.line.heal()
    world.orders(6)
    world.audit.wait_books(120)
    names = {queue["name"] for queue in world.rabbit.api("GET", f"/api/queues/{world.rabbit.vhost}")}
    assert {"crossdock.hub", "crossdock.dead", "crossdock.site.WH1", "crossdock.site.3PL-A"} <= names
    permissions = {row["user"]: (row["configure"], row["write"], row["read"]) for row in world.rabbit.api("GET", "/api/permissions")}
    assert permissions["site-WH1"] == ("^$", r"^crossdock\.up\.WH1$", r"^crossdock\.site\.WH1$")


def test_a_frozen_rabbitmq_is_left_and_found_again(world):
    world.orders(4)
    world.audit.wait_books(60)
    world.rabbit.freeze()
    for site in world.stack.sites.values():  # its connections are open and nothing moves: that is noticed
        wait_for(lambda: not site.agent.connected(), HEARTBEATS_SECONDS, f"{site.name} to give the frozen broker up")
    world.orders(6)
    for site, warehouse in world.warehouses.items():
        name = f"I-frozen-{site}"
        warehouse.send("inventory", {"advice_id": name, "kind": "DELTA", "lines": [
            {"sku": "WIDGET", "qty": "5", "uom": "EA", "reason": "FOUND"}]})
        world.wait_receipts(site)
        assert name in warehouse.taken_ids("inventory")
    world.rabbit.thaw()
    world.audit.wait_books(90)


def test_a_cut_line_stops_nothing_but_the_line(world):
    world.orders(4)
    world.audit.wait_books(60)
    world.warehouses["WH1"].ship = wms.nothing
    world.orders(5, "WH1")
    open_releases = world.wait_releases("WH1", 7)[2:]
    world.stack.cut("WH1")
    wait_for(lambda: not world.stack.sites["WH1"].agent.connected(), 20, "the cut to be noticed")
    for release in open_releases:
        world.ship_for("WH1", release)
    world.wait_receipts("WH1")
    world.warehouses["WH1"].ship = wms.exact
    world.orders(4)
    others = [name for name, (site, _) in world.audit.orders.items() if site == "3PL-A"]
    wait_for(lambda: all(world.stack.books()["sales"].get(f"default/web/{name}") == {"1": "3"} for name in others), 30,
             "the other site's shipments")
    wait_for(lambda: world.stack.sites["WH1"].agent.backlog() >= 5, 20, "the backlog to show")
    world.stack.heal("WH1")
    world.audit.wait_books(60)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_line_that_is_dead_in_one_direction_is_given_up_and_heals(world, direction):
    site = world.stack.sites["WH1"]
    world.orders(2)
    world.audit.wait_books(60)
    site.line.blackhole(direction)
    world.warehouses["WH1"].send("inventory", {"advice_id": f"I-{direction}", "kind": "DELTA", "lines": [
        {"sku": "WIDGET", "qty": "5", "uom": "EA", "reason": "FOUND"}]})
    world.wait_receipts("WH1")
    world.orders(2, "WH1")
    wait_for(lambda: not site.agent.connected(), HEARTBEATS_SECONDS + 10, "the half-open line to be given up")
    site.line.heal()
    world.audit.wait_books(90)


def test_a_garbled_frame_costs_a_connection_and_nothing_else(world):
    site = world.stack.sites["WH1"]
    world.warehouses["WH1"].ship = wms.nothing
    world.orders(6, "WH1")
    releases = world.wait_releases("WH1", 6)
    for number, release in enumerate(releases):
        site.line.garble("up" if number % 2 else "down")
        world.ship_for("WH1", release)
        world.wait_receipts("WH1")
    site.line.heal()
    world.audit.wait_books(90)


def test_purged_queues_are_filled_again(world):
    """Messages that the broker had taken, and that nobody will ever read."""
    world.orders(4)
    world.audit.wait_books(60)
    world.stack.cut("WH1")
    world.orders(3, "WH1")
    world.purge("crossdock.site.WH1", 3)
    world.stack.hub.kill9()
    world.warehouses["3PL-A"].send("inventory", {"advice_id": "I-purged", "kind": "DELTA", "lines": [
        {"sku": "WIDGET", "qty": "5", "uom": "EA", "reason": "FOUND"}]})
    world.wait_receipts("3PL-A")
    world.purge("crossdock.hub", 1)
    world.stack.hub.start()
    world.stack.heal("WH1")
    world.audit.wait_books(90)


def test_a_deleted_binding_and_a_deleted_queue_come_back_within_a_minute(world):
    world.orders(2)
    world.audit.wait_books(60)
    base = f"/api/bindings/{world.rabbit.vhost}/e/crossdock.up.WH1/e/crossdock.hub"
    binding, = world.rabbit.api("GET", base)
    world.rabbit.api("DELETE", f"{base}/{binding['properties_key']}")
    world.rabbit.api("DELETE", f"/api/queues/{world.rabbit.vhost}/crossdock.site.3PL-A")
    world.orders(4)  # to a queue that is gone, and answered through a binding that is gone
    wait_for(lambda: world.rabbit.api("GET", base), RESTORED_SECONDS, "the binding to be restored")
    world.audit.wait_books(180)  # a look at the topology, a reconnect, and 30 s until what was confirmed and lost is missed


def declare_at_once(world, queue):
    """Deletes a queue and declares it in the same moment, as two programs that know nothing of each other would. RabbitMQ then takes
    its consumer for one of the new queue and tells nobody, but delivers nothing to it."""
    api = f"/api/queues/{world.rabbit.vhost}/{queue}"
    entry = world.queue(queue)
    parameters = pika.ConnectionParameters("127.0.0.1", world.rabbit.port, world.rabbit.vhost,
                                           pika.PlainCredentials(world.rabbit.user, world.rabbit.password))
    deleting = threading.Thread(target=world.rabbit.api, args=("DELETE", api))
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        deleting.start()
        while deleting.is_alive():
            channel.queue_declare(queue, durable=True, arguments=entry["arguments"])
        deleting.join()
        channel.queue_declare(queue, durable=True, arguments=entry["arguments"])
        channel.queue_bind(queue, "crossdock.down", queue.removeprefix("crossdock.site."))


def test_an_agent_that_the_broker_left_deaf_finds_out_by_itself(world):
    world.orders(2)
    world.audit.wait_books(60)
    declare_at_once(world, "crossdock.site.3PL-A")
    world.orders(4)
    world.audit.wait_books(180)  # the hub answers each status; 30 s without an answer are a silence


def test_a_queue_of_another_site_is_out_of_reach(world):
    """One site's user may write to its own exchange and read its own queue, whatever it tries."""
    agent = world.stack.sites["WH1"].agent
    with open(agent.config.replace("agent.yaml", "WH1.enrol"), encoding="utf-8") as file:
        password = next(line.split(":", 1)[1].strip().strip("'\"") for line in file if line.strip().startswith("password:"))
    parameters = pika.ConnectionParameters("127.0.0.1", world.rabbit.port, world.rabbit.vhost, pika.PlainCredentials("site-WH1", password))
    attempts = (lambda channel: channel.basic_get("crossdock.site.3PL-A"), lambda channel: channel.basic_get("crossdock.hub"),
                lambda channel: _publish(channel, "crossdock.up.3PL-A"), lambda channel: _publish(channel, "crossdock.down"),
                lambda channel: channel.queue_declare("mine"), lambda channel: channel.queue_purge("crossdock.site.3PL-A"))
    for attempt in attempts:
        connection = pika.BlockingConnection(parameters)
        channel = connection.channel()
        channel.confirm_delivery()
        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refusal:
            attempt(channel)
        assert refusal.value.reply_code == 403
        connection.close()


def _publish(channel, exchange):
    channel.basic_publish(exchange, "WH1", b"{}", mandatory=True)
