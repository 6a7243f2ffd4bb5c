"""The demonstration: what it prints, its exit status, that it sees a book that is wrong, and that it leaves nothing behind."""
import os
import re
import signal
import subprocess
import sys
import threading

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
DEMO = os.path.join(HERE, "demo.py")
SECONDS_MAX = 240
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "integration")]

from brokers import wait_for  # noqa: E402
from floor import units_apart  # noqa: E402

# A shorter demo for what does not need the whole of it.
SHORT = """
import os, sqlite3, sys, tempfile
sys.path.insert(0, os.environ["DEMO_FOLDER"])
import demo
demo.OFFLINE_SECONDS = 2
os.environ["XD_DEMO"] = "test-%d" % os.getpid()
class Short(demo.Demo):
    def account(self):
        {before}
        return super().account()
sys.exit(demo.perform(Short(tempfile.mkdtemp(prefix="crossdock-demo-"), keep={keep}, orders=10, erp={erp!r})))
"""
LOSE_A_SHIPMENT = """with sqlite3.connect(self.stack.hub.ledger, timeout=10) as ledger:
            ledger.execute("DELETE FROM shipment WHERE number = 3")"""


def start(*command, **environment):
    return subprocess.Popen([sys.executable, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, start_new_session=True, env=dict(os.environ, DEMO_FOLDER=HERE, **environment))


def start_short(before="", keep=False, erp="ledger"):
    return start("-c", SHORT.format(before=before or "pass", keep=keep, erp=erp))


def finish(process, seconds=SECONDS_MAX):
    """(exit status, output)"""
    try:
        output, _ = process.communicate(timeout=seconds)
    except BaseException:
        process.send_signal(signal.SIGTERM)  # it ends what it started
        raise
    print(output)
    return process.returncode, output


def folder_in(output):
    return re.search(r"\S*/crossdock-demo-\w+", output).group()


def left_behind(folder):
    """Processes that name the folder in their command line or environment; it is theirs alone."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            for part in ("cmdline", "environ"):
                with open(f"/proc/{name}/{part}", "rb") as file:
                    if folder.encode() in file.read():
                        found.append(int(name))
        except OSError:
            continue
    return found


def assert_nothing_left(output):
    folder = folder_in(output)
    assert not os.path.exists(folder)
    wait_for(lambda: not left_behind(folder), 10, f"the end of {left_behind(folder)}")


def row(output, what):
    """The three numbers of a row of the table: of both sites, and together."""
    found = re.search(rf"^  {what} +(\S+) +(\S+) +(\S+)", output, re.M)
    assert found, f"no row `{what}`"
    return [int(value) for value in found.groups()]


def test_demo_balances_while_another_one_at_the_same_time_sees_that_the_erp_lost_a_shipment():
    wrong = start_short(LOSE_A_SHIPMENT)
    status, output = finish(start(DEMO))
    wrong_status, wrong_output = finish(wrong)

    assert status == 0
    assert row(output, "orders taken") == row(output, "sales in the ERP") == row(output, "releases") == [30, 30, 60]
    assert "10 were sent twice, and taken once" in output
    assert row(output, "confirmations") == row(output, "shipments in the ERP")
    assert row(output, "confirmations")[2] > 60  # some orders left in two shipments
    assert row(output, "units shipped") == row(output, "units in the ERP")
    assert row(output, "duplicates refused")[2] > 0
    assert row(output, "kills survived") == [0, 1, 2]
    assert row(output, "backlog") == [0, 0, 0]
    offline = int(re.search(r"^  time offline +- +(\d+) s", output, re.M).group(1))
    assert offline >= 12
    assert re.search(r"^  difference 0$", output, re.M)
    assert "LINE CUT to 3PL-A" in output and "LINE BACK to 3PL-A" in output
    assert "\033" not in output and "\r" not in output  # plain lines where there is no terminal
    assert_nothing_left(output)

    assert wrong_status == 1
    assert re.search(r"^  difference [1-9]", wrong_output, re.M) and not re.search(r"^  difference 0", wrong_output, re.M)
    assert "1 shipments accepted, not in the ERP" in wrong_output
    assert_nothing_left(wrong_output)


def test_a_real_erp_has_the_same_books():
    status, output = finish(start_short(erp="tryton"))
    assert status == 0 and re.search(r"^  difference 0$", output, re.M)
    assert row(output, "orders taken") == row(output, "sales in the ERP")
    assert row(output, "confirmations") == row(output, "shipments in the ERP")
    assert row(output, "units shipped") == row(output, "units in the ERP")
    assert_nothing_left(output)


def test_keep_leaves_all_running_until_its_script_ends_it():
    status, output = finish(start_short(keep=True))
    try:
        assert status == 0
        environment = dict(re.findall(r"(CROSSDOCK_\w+)=(\S+)", output))
        crossdock = re.search(r"^  (\S+/crossdock) orders submit (\S+)", output, re.M)

        def run(*arguments):
            return subprocess.run([crossdock.group(1), *arguments], env=environment, capture_output=True, text=True, timeout=60,
                                  check=True).stdout
        run("orders", "submit", crossdock.group(2))
        wait_for(lambda: re.search(r"PO-TRY .* SHIPPED", run("orders", "list")), 30, "the warehouse that stayed to ship an order")
    finally:
        subprocess.run([os.path.join(folder_in(output), "stop.sh")], timeout=60, check=True)
    assert_nothing_left(output)


def read_until(process, text):
    lines = []
    alarm = threading.Timer(SECONDS_MAX, process.terminate)
    alarm.start()
    for line in process.stdout:
        lines.append(line)
        if text in line:
            break
    alarm.cancel()
    assert text in lines[-1], "".join(lines)
    return "".join(lines)


@pytest.mark.parametrize("moment", ["Starting", "LINE CUT"])
def test_ctrl_c_ends_everything_with_130(moment):
    process = start(DEMO)
    output = read_until(process, moment)
    os.kill(process.pid, signal.SIGINT)
    status, rest = finish(process, 60)
    assert status == 130 and "Traceback" not in rest
    assert_nothing_left(output)


def test_program_that_does_not_come_up_is_named_with_its_last_words(tmp_path):
    for name in ("crossdock", "crossdock-agent", "crossdock-hub"):
        (tmp_path / name).write_text("#!/bin/sh\necho the dog ate my database >&2\nexit 3\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    status, output = finish(start(DEMO, XD_BUILD=str(tmp_path)))
    assert status == 1
    assert "the hub ended with 3" in output and "the dog ate my database" in output
    assert "Traceback" not in output
    assert_nothing_left(output)


def test_program_that_was_not_built_is_named(tmp_path):
    status, output = finish(start(DEMO, XD_BUILD=str(tmp_path)))
    assert status == 1 and "crossdock is not there" in output and "Traceback" not in output


def test_erp_that_there_is_not_is_refused():
    status, output = finish(start(DEMO, ERP="abacus"))
    assert status == 2 and "there is no ERP `abacus`; there is: ledger, tryton" in output


def test_books_are_compared_shipment_by_shipment():
    said = {"WH1/C-1": {"WIDGET": 3, "GADGET": 1}, "WH1/C-2": {"WIDGET": 2}}
    assert units_apart(said, {"WH1/C-2": {"WIDGET": 2}, "WH1/C-1": {"GADGET": 1, "WIDGET": 3}}) == 0
    assert units_apart(said, {"WH1/C-1": {"WIDGET": 2, "GADGET": 1}, "WH1/C-2": {"WIDGET": 3}}) == 2
    assert units_apart(said, {"WH1/C-1": {"WIDGET": 3, "GADGET": 1}}) == 2
    assert units_apart(said, dict(said, extra={"WIDGET": 5})) == 5
