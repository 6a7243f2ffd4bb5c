"""KEEP=1: the demo goes and leaves everything running, with the addresses and a script that ends it."""
import json
import os
import signal
import subprocess
import sys

import stack as whole
import wms
from agents import BUILD

STOP = """#!/bin/sh
# Ends what the demo left running, and removes its folder. What belongs to it has XD_DEMO in its environment.
pids() {
    for environ in /proc/[0-9]*/environ; do
        if grep -qzx 'XD_DEMO=@MARK@' "$environ" 2>/dev/null; then
            pid=${environ#/proc/}
            echo "${pid%/environ}"
        fi
    done
}
tries=0
signal=TERM
while [ -n "$(pids)" ]; do
    [ "$tries" -lt 100 ] || signal=KILL
    case $tries in 0 | 100) kill -s "$signal" $(pids) 2>/dev/null ;; esac
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || { echo "still running:" $(pids) >&2; exit 1; }
    sleep 0.1
done
rm -rf '@FOLDER@'
"""

HOW = """
Everything is still running. What you can do (the first line once):

  export CROSSDOCK_URL={hub.url} CROSSDOCK_TOKEN_FILE={hub.token_file}
  {crossdock} status
  {crossdock} orders list
  {crossdock} orders timeline {order}
  {crossdock} orders submit {example}
  {crossdock} reconcile
  {crossdock} agent --config {config} status
  curl -H "Authorization: Bearer $(cat $CROSSDOCK_TOKEN_FILE)" $CROSSDOCK_URL/v1/reconciliation
  curl $CROSSDOCK_URL/metrics
{listen}
Both warehouses ship at once what is released to them. To play the warehouse yourself, as README.md
shows: kill {pids}

  hub          {hub.url}   token {hub.token_file}
  RabbitMQ     {rabbit.url}   page {rabbit.management_url}   user {rabbit.user}, password in {hub.folder}/hub.password
{erp}{sites}
To end all of it and remove its folder:

  {stop}
"""


def stay_as_warehouse(port, site):
    """The other side of KEEP=1: a warehouse system that ships what it is told, until it is ended."""
    warehouse = wms.Warehouse(int(port), site).start()
    for number in (signal.SIGINT, signal.SIGHUP):  # what a person does to the terminal of the demo is not meant for it
        signal.signal(number, signal.SIG_IGN)
    signal.sigwait([signal.SIGTERM])
    warehouse.stop()
    return 0


def tell_how_to_look(demo):
    stack = demo.stack
    stack.straighten()
    processes = []
    for site, warehouse in demo.warehouses.items():
        warehouse.stop()
        stack.wait_connected(site)
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo.py")
        with open(os.path.join(stack.folder, site, "warehouse.log"), "ab") as log:
            processes.append(subprocess.Popen([sys.executable, program, "--warehouse", str(warehouse.port), site], stdout=log,
                                              stdin=subprocess.DEVNULL, stderr=log, start_new_session=True))
    demo.story.plain(HOW.format(
        hub=stack.hub, rabbit=stack.rabbit, stop=write_stop_script(stack.folder), crossdock=os.path.join(BUILD, "crossdock"),
        pids=" ".join(str(process.pid) for process in processes), config=list(stack.sites.values())[-1].agent.config,
        example=write_example(stack), order=stack.hub.get("/v1/orders?limit=1")["orders"][0]["order_id"],
        erp=where_is(demo.tryton), listen="".join(f"  mosquitto_sub -p {site.mosquitto.port} -t 'crossdock/{name}/#' -v\n" for name, site in stack.sites.items()),
        sites="".join(f"  {name:<12} {site.mosquitto.url}   agent http://127.0.0.1:{site.agent.port}   enrolment "
                      f"{stack.folder}/{name}/{name}.enrol\n" for name, site in stack.sites.items())))


def where_is(tryton):
    return f"  Tryton       {tryton.url}   users and passwords in {tryton.folder}/tryton.json\n" if tryton else ""


def write_example(stack):
    path = os.path.join(stack.folder, "order.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(whole.order("PO-TRY", next(iter(stack.sites)), lines=(("WIDGET", "3", "9.95"),)), file, indent=1)
    return path


def write_stop_script(folder):
    path = os.path.join(folder, "stop.sh")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700), "w", encoding="utf-8") as file:
        file.write(STOP.replace("@MARK@", os.environ["XD_DEMO"]).replace("@FOLDER@", folder))
    return path
