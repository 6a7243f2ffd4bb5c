"""How fast the hub turns confirmations into postings of the ledger, and where the time goes.

Everything is real: orders over HTTP, releases over both brokers to a WMS that speaks MQTT, its confirmations through the
agent. Only the moment is arranged: the hub is dead while the confirmations come, so that they wait in its queue; then it is
started, and the clock runs until the last one is posted in the ERP's books.
"""
import concurrent.futures
import json
import os
import time

import agents
import brokers
import stack

SITE, ORDERS, CLIENTS = "WH1", 5_000, 8
PATIENCE_S = 120


def cpu_by_thread(pid):
    """{thread: (name, seconds)}"""
    found = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/comm", encoding="utf-8") as name, \
                    open(f"/proc/{pid}/task/{thread}/schedstat", encoding="utf-8") as spent:
                found[int(thread)] = (name.read().strip(), int(spent.read().split()[0]) / 1e9)
        except OSError:
            continue
    return found


def beam_cpu(folder):
    """Seconds of the broker whose state is under folder."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", encoding="utf-8", errors="replace") as command:
                text = command.read()
            if "beam.smp" in text and folder in text:
                return sum(seconds for _, seconds in cpu_by_thread(name).values())
        except OSError:
            continue
    return 0.0


def submit_all(whole):
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda number: whole.submit_order(f"PO-{number:06}"), range(ORDERS)))


def confirm_all(wms):
    """Confirms every release once; the WMS sends again what gets no receipt."""
    releases = {release["release_id"]: release for release in wms.releases}
    documents = {}
    for number, release in enumerate(releases.values()):
        document = agents.confirmation(f"C-{number:06}", release["release_id"])
        document["lines"] = [{"line_id": line["line_id"], "sku": line["sku"], "qty_shipped": line["qty"], "uom": line["uom"]}
                             for line in release["lines"]]
        document["attributes"] = {"note": "n" * (1024 - len(json.dumps(document)) - 30)}
        documents[document["confirmation_id"]] = document
    sender = agents.PersistentSender(wms, documents, window=400, patience=5.0)
    brokers.wait_for(sender.step, PATIENCE_S, "the receipts")


def waiting(whole):
    return whole.rabbit.api("GET", f"/api/queues/{whole.rabbit.vhost}/crossdock.hub").get("messages", 0)



def drain(whole):
    """(seconds, CPU of the hub's threads, of the broker, of the agent) from ready to all posted."""
    folder, agent = whole.rabbit.folder, whole.sites[SITE].agent
    done = 2 * ORDERS  # each order is a sale and a shipment
    whole.restart("hub")
    start, hub = time.monotonic(), whole.hub.process.pid
    before = cpu_by_thread(hub), beam_cpu(folder), sum(s for _, s in cpu_by_thread(agent.process.pid).values())

    def all_posted():
        return whole.hub.get("/v1/status")["erp_jobs"]["DONE"] >= done
    brokers.wait_for(all_posted, PATIENCE_S, "all confirmations to be posted")
    seconds = time.monotonic() - start
    after = cpu_by_thread(hub)
    threads = sorted(((spent - before[0].get(thread, ("", 0))[1], "hub, the turn" if thread == hub else "hub, one of its other threads")
                      for thread, (_, spent) in after.items()), reverse=True)
    return (seconds, threads, beam_cpu(folder) - before[1],
            sum(s for _, s in cpu_by_thread(agent.process.pid).values()) - before[2])


def write_ledger(folder):
    """Books with enough credit and stock for all orders."""
    os.makedirs(folder)
    for name, rows in (("customers", "code,name,active,credit_limit,currency\nCUST-1,Corner Shop,true,100000000.00,EUR\n"),
                       ("products", "sku,description,uom,unit_price,active,lot_tracked\nWIDGET,Widget,EA,9.95,true,false\n"),
                       ("stock", f"site,sku,qty\n{SITE},WIDGET,100000000\n")):
        with open(os.path.join(folder, f"{name}.csv"), "w", encoding="utf-8") as file:
            file.write(rows)
    return folder


def run(folder, table, notes):
    whole = stack.Stack(folder, sites=((SITE, "warehouse"),), lines=False, ledger=write_ledger(folder + "-ledger"))
    try:
        whole.start()
        wms = agents.Wms(whole.sites[SITE].mosquitto.port, SITE)
        start = time.monotonic()
        submit_all(whole)
        taken = ORDERS / (time.monotonic() - start)
        brokers.wait_for(lambda: len({r["release_id"] for r in wms.releases}) == ORDERS, PATIENCE_S, "the releases")
        whole.kill9("hub")
        confirm_all(wms)
        brokers.wait_for(lambda: waiting(whole) >= ORDERS, PATIENCE_S, "the hub's queue to hold all confirmations")
        seconds, threads, broker, agent = drain(whole)
        difference = whole.reconcile()["difference"]
        wms.close()
    finally:
        whole.destroy()
    rate = ORDERS / seconds
    table.add(f"hub: confirmations from its queue to posted in the ledger, documents/s ({ORDERS:,} orders)", f"{rate:.0f}", "", "",
              "stated", None)
    table.add(f"hub: orders taken over HTTP, {CLIENTS} clients in Python, orders/s", f"{taken:.0f}", "", "", "stated", None)
    lines = [f"Where the hub's time goes: {seconds:.2f} s for {ORDERS:,} confirmations, difference {difference}; CPU, us a confirmation:"]
    for spent, name in [(spent, name) for spent, name in threads if spent > 0.005 * seconds] + \
            [(broker, "RabbitMQ"), (agent, "agent")]:
        lines.append(f"  {spent / ORDERS * 1e6:8.0f}  {spent / seconds:5.2f} of a core  {name}")
    computed = sum(spent for spent, _ in threads)
    lines.append(f"The hub's threads computed for {computed:.2f} of the {seconds:.2f} s; the rest is waiting. A posting is a commit of the "
                 "ledger's own and\none of the hub's store: two fsyncs a confirmation, as strace counts them, and the four workers "
                 "write to one file in turns.")
    notes.append("\n".join(lines))
