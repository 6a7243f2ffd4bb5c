#!/usr/bin/env python3
"""Speed and memory, each as a ratio to a reference that is measured in the same run.

    run.py [PART...]      parts: intake drain scale memory hub orders erp sim   (default: all; run by `make bench PARTS=...`)

The machine's own speed cancels out: ours and the reference take turns, and the median of the pairs counts. What misses what
is wanted is shown, but is no failure: a busy machine must not turn a build red. Programs come from BUILD.
"""
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(TOP, "build")))
os.environ["XD_BUILD"] = BUILD
sys.path[:0] = [os.path.join(TOP, "tests", "integration"), HERE]

import agents  # noqa: E402
import brokers  # noqa: E402
import hub_bench  # noqa: E402
import erp_bench  # noqa: E402
import orders_bench  # noqa: E402
import stub_hub  # noqa: E402

TOOLS = os.path.join(BUILD, "plain", "tests", "bench")
SITE = "WH1"
BACKLOG, ROUNDS = 100_000, 5
SMALL, LARGE, SMALL_ROUNDS, WINDOW, WARM = 10_000, 1_000_000, 4, 50_000, 1_000
READY_ROUNDS = 3
MEGABYTE = 1e6
PATIENCE_S = 60


def say(text=""):
    print(text, flush=True)


class Table:
    """what, ours, reference, ratio, wanted, met?"""

    def __init__(self):
        self.rows = [("what", "ours", "reference", "ratio", "wanted", "met?")]

    def add(self, what, ours, reference, ratio, wanted, met):
        self.rows.append((what, ours, reference, ratio, wanted, "" if met is None else "yes" if met else "NO"))

    def show(self):
        widths = [max(len(row[column]) for row in self.rows) for column in range(6)]
        for number, row in enumerate(self.rows):
            say("  ".join(text.ljust(width) if column in (0, 5) else text.rjust(width)
                          for column, (text, width) in enumerate(zip(row, widths))).rstrip())
            if number == 0:
                say("  ".join("-" * width for width in widths))


def tool(name, *arguments, seconds=PATIENCE_S):
    done = subprocess.run([os.path.join(TOOLS, name), *map(str, arguments)], capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{name}: {done.stderr}")
    return done.stdout


class Line:
    """A RabbitMQ and a site's Mosquitto, the hub's topology, and what runs on them."""

    def __init__(self, folder):
        self.folder, self.count, self.agents = folder, 0, []
        self.rabbit = brokers.RabbitMQ(os.path.join(folder, "rabbitmq")).start()
        self.mosquitto = brokers.Mosquitto(os.path.join(folder, "mosquitto")).start()
        self.stub = stub_hub.StubHub(self.rabbit, [SITE])
        self.stub.make_users()
        self.fresh_queues()
        self.site = self.stub.sites[SITE]
        self.body = os.path.join(folder, "body")

    def destroy(self):
        for agent in self.agents:
            agent.kill9()
        self.rabbit.destroy()
        self.mosquitto.destroy()

    def fresh_queues(self):
        """Deleted and declared anew: a purge leaves what a consumer that just went had not acknowledged, and a document of the
        last measurement would pass for one of the next. Not before the last consumers are gone: RabbitMQ takes one whose queue
        is deleted and declared within a moment over to the new queue, where it would be the single active one, and dead."""
        connection = stub_hub.pika.BlockingConnection(stub_hub.pika.ConnectionParameters(
            "127.0.0.1", self.rabbit.port, self.rabbit.vhost,
            stub_hub.pika.PlainCredentials(self.rabbit.user, self.rabbit.password)))
        channel = connection.channel()
        self.stub.declare(channel)
        for queue in ("crossdock.hub", f"crossdock.site.{SITE}"):
            brokers.wait_for(lambda: channel.queue_declare(queue, passive=True).method.consumer_count == 0,  # pylint: disable=cell-var-from-loop
                             PATIENCE_S, f"the last consumer of {queue} to go")
            channel.queue_delete(queue)
        self.stub.declare(channel)
        connection.close()

    def agent(self, store=None):
        """An agent, not started, with a copy of that store (a folder), or with an empty one."""
        self.count += 1
        folder = os.path.join(self.folder, f"agent{self.count}")
        os.makedirs(os.path.join(folder, "state"), mode=0o700)
        if store:
            subprocess.run(["cp", "--reflink=auto", os.path.join(store, "agent.db"), os.path.join(folder, "state")], check=True)
        self.agents.append(agents.Agent(folder, SITE, self.stub.enrolment(SITE), self.mosquitto.url, more="store: {quota_mb: 8192}\n"))
        return self.agents[-1]

    def hub(self, first, last, pid=0):
        """The stand-in, running: it ends when document `last` has come."""
        return subprocess.Popen([os.path.join(TOOLS, "bench_line"), "hub", str(self.rabbit.port), self.rabbit.vhost, self.rabbit.user,
                                 self.rabbit.password, SITE, self.site.kid, self.site.key.hex(), str(first), str(last), str(pid),
                                 self.body], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def publish(self, count):
        """Messages a second of the bare publisher, from its first message to the last one's arrival."""
        self.fresh_queues()
        hub = self.hub(1, count)
        tool("bench_line", "publish", self.rabbit.port, self.rabbit.vhost, self.site.user, self.site.password, SITE, count,
             self.body + ".sent")
        return (count - 1) / seconds_of(hub)[0]

    def drain(self, agent, first, last):
        """Starts the agent, lets it drain from document first to last: (seconds, its seconds of CPU)."""
        self.fresh_queues()
        agent.start()
        brokers.wait_for(lambda: agent.status()["connections"]["line"], 20, "the agent's line")
        hub = self.hub(first, last, agent.process.pid)
        try:
            figures = seconds_of(hub)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"documents {first} to {last} did not come within {PATIENCE_S} s; the agent: {agent.status()}\n"
                               f"{agent.log_tail(10)}") from error
        shutil.copy(self.body, self.body + ".sent")
        return figures

    def drain_some(self, store, count=2000):
        agent = self.agent(store)
        self.drain(agent, 1, count)
        gone(agent)


def seconds_of(hub):
    try:
        out, error = hub.communicate(timeout=PATIENCE_S)
    finally:
        hub.kill()
    if hub.returncode != 0:
        raise RuntimeError(f"bench_line hub: {error}")
    return [float(text) for text in out.split()]


def gone(agent):
    agent.kill9()
    shutil.rmtree(agent.folder)


def fill(folder, count):
    store = os.path.join(folder, f"backlog-{count}")
    os.makedirs(store)
    tool("bench_fill", store, SITE, count, seconds=600)
    return store


# ---- the parts ----


def intake(folder, table):
    store = os.path.join(folder, "intake")
    os.makedirs(store)
    for line in tool("bench_intake", store).splitlines():
        batch, ours, raw, ratio = map(float, line.split())
        table.add(f"intake through the turn, batches of {batch:.0f}, documents/s, against raw SQLite inserts", f"{ours:.0f}",
                  f"{raw:.0f}", f"{ratio:.2f}", ">= 0.5", ratio >= 0.5)
    shutil.rmtree(store)


def drain(folder, line, table, memory):
    store = fill(folder, BACKLOG)
    ours, bare, ratios, cpu = [], [], [], []
    for number in range(ROUNDS):
        if number == 0:
            line.drain_some(store)  # shows what a message looks like, and warms both ends
        for side in ("ours", "bare") if number % 2 == 0 else ("bare", "ours"):  # neither always comes first
            if side == "bare":
                bare.append(line.publish(BACKLOG))
                continue
            agent = line.agent(store)
            seconds, used = line.drain(agent, 1, BACKLOG)
            ours.append((BACKLOG - 1) / seconds)
            cpu.append(used / seconds)
            memory["after 100,000 were drained"] = agent.memory()
            gone(agent)
        ratios.append(ours[-1] / bare[-1])
        say(f"  drain: {ours[-1]:.0f}/s beside {bare[-1]:.0f}/s, {ratios[-1]:.2f}, the agent used {cpu[-1]:.2f} of one core")
    ratio = statistics.median(ratios)
    table.add(f"drain of {BACKLOG:,} by the agent, messages/s, against bare rabbitmq-c", f"{statistics.median(ours):.0f}",
              f"{statistics.median(bare):.0f}", f"{ratio:.2f}", ">= 0.8", ratio >= 0.8)
    shutil.rmtree(store)


def ready_seconds(agent):
    start = time.monotonic()
    agent.start(wait=False)
    while agents.http_get(f"http://127.0.0.1:{agent.port}/readyz", 1)[0] != 200:
        if time.monotonic() - start > 30:
            raise RuntimeError(f"not ready:\n{agent.log_tail()}")
        time.sleep(0.002)
    return time.monotonic() - start


def cost(figures, documents):
    """Microseconds a document: by the clock, of CPU."""
    return [statistics.median(figure[kind] for figure in figures) / documents * 1e6 for kind in (0, 1)]


def scale(folder, line, table, memory):
    small, large = fill(folder, SMALL), fill(folder, LARGE)
    few, many = [], []
    big = line.agent(large)
    shutil.rmtree(large)
    ready = []
    for _ in range(READY_ROUNDS):
        ready.append(ready_seconds(big))
        time.sleep(1)
        memory["1,000,000 queued"] = big.memory()
        big.kill9()
    for number in range(SMALL_ROUNDS):
        agent = line.agent(small)
        few.append(line.drain(agent, WARM, SMALL - WARM))
        gone(agent)
        # Each time the stand-in knows nothing: the same documents leave again.
        many.append(line.drain(big, WARM, WINDOW if number == 0 else SMALL - WARM))
        if number == 0:
            memory["1,000,000 queued, draining"] = big.memory()
            wide = cost([many.pop()], WINDOW - WARM)
        big.kill9()
    gone(big)
    (wall_few, cpu_few), (wall_many, cpu_many) = cost(few, SMALL - 2 * WARM), cost(many, SMALL - 2 * WARM)
    for what, of_many, of_few, wanted in (("CPU", cpu_many, cpu_few, True), ("time", wall_many, wall_few, False)):
        ratio = of_many / of_few
        table.add(f"{what} a drained message with {LARGE:,} queued, us, against {SMALL:,}", f"{of_many:.1f}", f"{of_few:.1f}",
                  f"{ratio:.2f}", "<= 1.2" if wanted else "", ratio <= 1.2 if wanted else None)
    ratio = wide[1] / cpu_few
    table.add(f"CPU a drained message over {WINDOW:,} of the {LARGE:,}, us, against {SMALL:,}", f"{wide[1]:.1f}", f"{cpu_few:.1f}",
              f"{ratio:.2f}", "<= 1.2", ratio <= 1.2)
    shutil.rmtree(small)
    slow = statistics.median(ready)
    table.add(f"start with {LARGE:,} queued to ready, s", f"{slow:.2f}", "1.00", f"{slow:.2f}", "< 1", slow < 1)


def empty_memory(line, memory):
    agent = line.agent()
    agent.start()
    time.sleep(1)
    memory["nothing queued"] = agent.memory()
    gone(agent)


# Like is compared with like: an agent that only started, and one that has its cache and its window full.
MEMORY_LIKE = {"1,000,000 queued": "nothing queued", "1,000,000 queued, draining": "after 100,000 were drained"}


def tell_memory(table, memory):
    for what, size in memory.items():
        like = MEMORY_LIKE.get(what)
        base = memory.get(like)
        table.add(f"agent's RssAnon, {what}, MB" + (f", against {like}" if base else ""), f"{size / MEGABYTE:.1f}",
                  f"{base / MEGABYTE:.1f}" if base else "", f"{size / base:.2f}" if base else "", "<= 16 MB", size <= 16 * 1024 * 1024)


def sim(table, notes):
    """Worlds in which nothing fails: what a day of one site costs."""
    told = []
    for documents, wanted in ((500, 10), (20_000, 0.5)):
        out = subprocess.run([os.path.join(BUILD, "sim", "crossdock-simulator"), "--seed", "1", "--calm", "--timing", "--sites", "1",
                              "--hours", "24", "--documents", str(documents)], capture_output=True, text=True, timeout=600,
                             check=True).stdout
        speed = float(re.search(r"\(([\d.]+) a second\)", out).group(1))
        table.add(f"simulator, site-days a second at {documents:,} documents a day", f"{speed:.2f}", "", "", f">= {wanted}", speed >= wanted)
        told.append(f"{documents:,} a day: " + re.search(r"of the time: (.*)", out).group(1))
    notes.append("Where the simulator's time goes: " + "; ".join(told) + "; the rest is the world around them.")


def main():
    known = ["intake", "drain", "scale", "memory", "hub", "orders", "erp", "sim"]
    parts = sys.argv[1:] or known
    if not set(parts) <= set(known):
        sys.exit(f"there is no part {', '.join(sorted(set(parts) - set(known)))}: {', '.join(known)} are")
    started = time.monotonic()
    os.makedirs(BUILD, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="bench-", dir=BUILD)
    table, memory, notes, broken = Table(), {}, [], []

    def part(name, measure, *arguments):
        """One that breaks does not take the others' figures with it."""
        if name in parts:
            say(f"{name} ...")
            try:
                measure(*arguments)
            except (RuntimeError, OSError, TimeoutError, subprocess.SubprocessError) as error:
                broken.append(f"{name} could not be measured: {error}")
    try:
        part("intake", intake, folder, table)
        if {"drain", "scale", "memory"} & set(parts):
            line = Line(folder)
            try:
                part("memory", empty_memory, line, memory)
                part("drain", drain, folder, line, table, memory)
                part("scale", scale, folder, line, table, memory)
            finally:
                line.destroy()
            tell_memory(table, memory)
        part("hub", hub_bench.run, os.path.join(folder, "hub"), table, notes)
        part("orders", orders_bench.run, os.path.join(folder, "orders"), table, notes)
        part("erp", erp_bench.run, os.path.join(folder, "erp"), table, notes)
        part("sim", sim, table, notes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say()
    table.show()
    for note in notes + broken:
        say()
        say(note)
    say(f"\nOurs and the reference of a line were measured in turns on this machine; {time.monotonic() - started:.0f} s in all.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
