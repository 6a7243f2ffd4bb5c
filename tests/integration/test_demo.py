"""The demo, as `make demo` runs it: it ends well, says so, and leaves nothing behind."""
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile

from brokers import wait_for

DEMO = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "demo", "demo.py")


def start(folder, **more):
    return subprocess.Popen([sys.executable, DEMO], env=dict(os.environ, TMPDIR=folder, **more), text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def mentions(folder):
    """Processes that were told of this folder."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                if folder.encode() in file.read():
                    found.append(path)
        except OSError:
            continue
    return found


def test_demo_tells_what_happened_and_ends_with_difference_0():
    with tempfile.TemporaryDirectory() as folder:
        demo = start(folder)
        output, _ = demo.communicate(timeout=240)
        assert demo.returncode == 0, output
        facts = {name: count for name, count in re.findall(r"^  (\S.*?)  +(\d+)\b", output, re.M)}
        assert facts["Orders taken from the portal"] == facts["Sales in the ERP"] == facts["Releases at the warehouses"]
        assert facts["Confirmations accepted"] == facts["Shipments in the ERP"]
        assert int(facts["Duplicates refused"]) > 0
        assert facts["Programs killed with -9"] == "2"
        assert re.search(r"^  difference 0$", output, re.M), output
        assert os.listdir(folder) == []
        wait_for(lambda: not mentions(folder), 20, "every process of the demo to end")


def test_interrupted_demo_cleans_up():
    with tempfile.TemporaryDirectory() as folder:
        demo = start(folder)
        wait_for(lambda: glob.glob(os.path.join(folder, "*", "hub", "state", "admin.token")), 60, "the hub to start")
        demo.send_signal(signal.SIGINT)
        output, _ = demo.communicate(timeout=60)
        assert demo.returncode == 130, output
        assert os.listdir(folder) == []
        wait_for(lambda: not mentions(folder), 20, "every process of the demo to end")


def test_unknown_erp_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        demo = start(folder, ERP="oracle")
        output, _ = demo.communicate(timeout=60)
        assert demo.returncode == 2 and "ledger" in output
