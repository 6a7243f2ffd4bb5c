"""README.md says what is so: its marked blocks are run against a private stack, and what it names exists."""
import glob
import json
import os
import pathlib
import re
import subprocess

import pytest

import api_contract
from agents import BUILD, TOP, http_get
from brokers import free_port
from stack import Stack

SESSION_SECONDS_MAX = 120

with open(os.path.join(TOP, "README.md"), encoding="utf-8") as file:
    README = file.read()


def blocks(mark):
    """The shell blocks that carry a mark, as one script."""
    found = re.findall(r"<!-- test: %s -->\n```sh\n(.*?)```" % re.escape(mark), README, re.S)
    assert found, f"README.md has no block marked {mark}"
    return "".join(found)


def sources(*patterns):
    return "".join(open(path, encoding="utf-8").read() for pattern in patterns
                   for path in glob.glob(os.path.join(TOP, pattern), recursive=True))


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    whole = Stack(tmp_path_factory.mktemp("stack"), sites=(("WH1", "warehouse"),))
    with whole:
        yield whole


def run(script, stack, folder, addresses=()):
    """Runs a README script as it stands, but for the addresses and paths of a default installation."""
    site = stack.sites["WH1"]
    for said, meant in [("http://127.0.0.1:8080", stack.hub.url), ("-p 1883", f"-p {site.mosquitto.port}"),
                        ("/var/lib/crossdock-hub/admin.token", stack.hub.token_file),
                        ("/etc/crossdock/agent.yaml", site.agent.config), *addresses]:
        script = script.replace(said, meant)
    return subprocess.run(["bash", "-e", "-u", "-o", "pipefail", "-c", script], cwd=folder, env=stack.environment(), capture_output=True,
                          text=True, timeout=SESSION_SECONDS_MAX, check=False)


# ---- the blocks ----

def test_the_wms_session_works_as_written(stack, tmp_path):
    done = run(blocks("wms-session"), stack, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^O\w+ RECEIVED$", done.stdout, re.M), "orders submit prints the order's id and status"
    assert re.search(r"PO-4711 .* SHIPPED ", done.stdout)
    assert re.search(r"^difference 0: ", done.stdout, re.M)
    books = stack.books()
    assert [list(shipment.values()) for shipment in books["shipments"].values()] == [["10"]]
    assert books["stock"]["WH1", "WIDGET"] == "988"  # 1000 in the sample, 10 shipped once, 2 damaged


def test_what_ships_otherwise_is_said_as_written(stack, tmp_path):
    (tmp_path / "order.json").write_text(re.search(r"cat >order\.json <<'END'\n(.*?)\nEND\n", README, re.S).group(1))
    done = run(blocks("wms-more"), stack, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"PO-4712 .* CLOSED_SHORT ", done.stdout), done.stdout
    order_id = re.search(r"^(O\w+) RECEIVED$", done.stdout, re.M).group(1)
    line, = stack.order(order_id)["lines"]
    assert (line["shipped"], line["cancelled"], line["open"], line["released"]) == ("6", "4", "0", "0")


def test_the_erp_of_the_tests_is_started_as_written(tmp_path):
    port = str(free_port())
    script = blocks("rest-erp").replace("/tmp/rest-erp", str(tmp_path / "erp")).replace("8090", port)
    description = pathlib.Path(TOP, "config", "erp", "rest", "sample.yaml").read_text(encoding="utf-8")
    assert "http://127.0.0.1:8090\n" in description.replace(" ", "\n")  # where the README has it listen
    script += f"curl -fs http://127.0.0.1:{port}/_test/books; kill $!\n"
    done = subprocess.run(["bash", "-e", "-u", "-o", "pipefail", "-c", script], cwd=TOP, capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"), check=False)
    assert done.returncode == 0 and json.loads(done.stdout.partition("\n")[2])["stock"]["WH1 WIDGET"] == 1000, done.stdout + done.stderr


def test_the_status_commands_work_as_written(stack, tmp_path):
    done = run(blocks("status"), stack, tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr


def test_the_commands_about_erps_work_as_written(stack, tmp_path):
    done = run(blocks("erps"), stack, tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    shown = re.search(r"```text\n\$ crossdock erp status\n(.*?)\n", README).group(1)
    assert re.split(r" {2,}", shown) == re.split(r" {2,}", done.stdout.splitlines()[0])
    assert "main is paused" in done.stdout and "main goes on" in done.stdout


def test_stock_is_loaded_as_written(stack, tmp_path):
    done = run(blocks("stock"), stack, tmp_path)
    assert done.returncode == 0 and "1 quantity taken" in done.stdout, done.stdout + done.stderr
    assert re.search(r"^WH1 +WIDGET ", done.stdout, re.M)


def test_reference_data_is_loaded_as_written(stack, tmp_path):
    done = run(blocks("reference"), stack, tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    assert done.stdout.startswith("1 rows, 1 changed\n") and re.search(r"^TEA-1KG +\d+ +csv +yes ", done.stdout, re.M)
    assert done.stdout.splitlines()[-1].startswith("WH1 version ")


def test_headings_of_the_shown_tables_are_those_that_are_printed(stack, tmp_path):
    for command in ("status", "reconcile"):
        printed = stack.cli(command).stdout
        shown = re.search(r"```text\n\$ crossdock %s\n(.*?)```" % command, README, re.S).group(1)
        headings = re.split(r" {2,}", next(line for line in shown.splitlines() if line.startswith("SITE ")))
        assert headings in [re.split(r" {2,}", line) for line in printed.splitlines()]
        for heading in headings[2:]:
            table = README[README.index(shown):]
            assert heading in ("KIND", "DISK FREE", "AGENT") or re.search(r"^\|.*%s.*\|" % heading, table, re.M), heading


def test_sites_are_added_as_written(stack, tmp_path):
    done = run(blocks("sites-add"), stack, tmp_path, [("WH1", "WH-README"), ("3PL-A", "3PL-README")])
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"WH-README.enrol", "3PL-README.enrol"} <= set(os.listdir(tmp_path))
    assert oct(os.stat(tmp_path / "WH-README.enrol").st_mode & 0o777) == "0o600"


def test_clients_are_made_and_ended_as_written(stack, tmp_path):
    done = run(blocks("clients"), stack, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^acme +portal +channel +active +2 +40/s +portal,edi ", done.stdout, re.M), done.stdout
    assert {oct((tmp_path / name).stat().st_mode & 0o777) for name in ("portal.token", "portal-2.token")} == {"0o600"}
    assert "is revoked" in done.stdout


def test_the_samples_pass_their_check(stack):
    done = run(blocks("check").replace("build/", BUILD + "/"), stack, TOP)
    assert done.returncode == 0, done.stdout + done.stderr


def test_metrics_that_are_named_are_served(stack):
    served = "".join(http_get(url + "/metrics")[1] for url in
                     (stack.hub.url, f"http://127.0.0.1:{stack.sites['WH1'].agent.port}"))
    named = set(re.findall(r"`(crossdock_\w+(?:\{[^}]*\})?)`", README))
    assert len(named) > 10
    assert not [name for name in named if not re.search(r"^%s[ {]" % re.escape(name), served, re.M)]


# ---- names ----

def test_every_file_and_folder_that_is_named_exists():
    named = set(re.findall(r"`((?:firmware-agnostic-core|connectors|ports|config|tests)(?:/[\w./-]+)?)`", README))
    named |= set(re.findall(r"(?<![\w/.])((?:config|tests)/[\w./-]+\w)", README))
    assert len(named) > 30
    assert not [path for path in named if not os.path.exists(os.path.join(TOP, path))]


def test_every_make_target_that_is_named_exists():
    with open(os.path.join(TOP, "Makefile"), encoding="utf-8") as makefile:
        targets = set(re.findall(r"^([a-z]+):", makefile.read(), re.M))
    named = set(re.findall(r"`make ([a-z]+)", README)) | set(re.findall(r"^(?:sudo )?make ([a-z]+)", README, re.M))
    assert {"demo", "test", "check", "bench", "soak", "lint", "purity", "sanitize", "help"} <= named
    assert not named - targets


def test_every_verb_and_option_of_the_command_line_that_is_named_exists():
    verbs = "list|add|submit|show|timeline|load|put|rotate|revoke|cancel"
    for verb in set(re.findall(rf"^crossdock ((?!agent)[a-z]+(?: (?:{verbs})\b)?)", README, re.M)):
        done = subprocess.run([os.path.join(BUILD, "crossdock"), *verb.split(), "--help"], capture_output=True, text=True, timeout=30,
                              check=False)
        assert done.returncode == 0, verb


def test_the_configuration_reference_names_every_key_and_no_other():
    known = set(re.findall(r'\.name = "(\w+)"', sources("ports/posix/config/agent_config.c", "ports/posix/config/hub_config.c", "ports/posix/config/hub_config_erps.c",
                   "ports/posix/config/hub_config_erps.c")))
    reference = README[README.index("## Configuration reference"):README.index("## Exit statuses")]
    named = {key.rsplit(".", 1)[-1] for row in re.findall(r"^\| (`.*?) \|", reference, re.M) for key in re.findall(r"`([^`]+)`", row)}
    enrolment = re.search(r"\*\*The enrolment file\*\*.*", reference).group(0)
    named |= {key.rsplit(".", 1)[-1] for key in re.findall(r"`([\w.]+)`", enrolment)}
    sections = {"mqtt", "http", "store", "release", "uplink", "signing", "broker", "erps", "check", "policies", "webhooks"}
    assert named - known == set() and known - named - sections == set()


def test_defaults_in_the_configuration_reference_are_those_of_the_programs():
    text = sources("ports/posix/config/agent_config.c", "ports/posix/config/hub_config.c", "ports/posix/config/hub_config_erps.c")
    defaults = {}
    for entry in re.findall(r"\{\.name = \"\w+\",.*?\.offset", text, re.S):
        name, fallback = re.search(r'\.name = "(\w+)"', entry), re.search(r'\.fallback = "([^"]*)"', entry)
        defaults.setdefault(name.group(1), set()).add(fallback.group(1) if fallback else None)
    reference = README[README.index("## Configuration reference"):README.index("## Exit statuses")]
    for keys, told in re.findall(r"^\| (`[^|]*) \| ([^|]*) \|", reference, re.M):
        keys, values = re.findall(r"`([^`]+)`", keys), re.findall(r"`([^`]+)`", told)
        if "<site>" in told or "broker.url" in told or not values:
            continue
        for key, value in zip(keys, values):
            assert value in defaults[key.rsplit(".", 1)[-1]], f"{key}: {value}"


def test_exceptions_that_are_explained_can_happen():
    code = sources("firmware-agnostic-core/hub/**/*.[ch]")
    table = README[README.index("The exceptions, and what was done"):README.index("## When things go wrong")]
    named = set(re.findall(r"`([A-Z_]{6,})`", table)) - {"REJECTED"}
    assert len(named) > 15 and not [name for name in named if f'"{name}"' not in code]


def test_every_exception_of_the_registry_is_explained():
    """By a row of the table, or, where nobody has to do anything, by the sentences below it."""
    done = subprocess.run([os.path.join(BUILD, "crossdock"), "problems", "--json"], capture_output=True, text=True, timeout=60, check=True)
    registry = {row["code"]: row["who"] for row in json.loads(done.stdout)["problems"] if row["code"].isupper()}
    assert len(registry) > 40
    section = README[README.index("The exceptions, and what was done"):README.index("## The books")]
    codes = lambda text: set(re.findall(r"`([A-Z]+(?:_[A-Z]+)*)`", text)) & set(registry)
    rows = {code for first in re.findall(r"^\| (`.*?) \|", section, re.M) for code in codes(first)}
    sentences = codes(" ".join(re.findall(r"^(?!\|).*(?:told for the record only|`LINES_PARKED`|`SUPERSEDED`).*$", section, re.M)))
    assert set(registry) - rows - sentences == set()
    assert {code for code in sentences - rows if registry[code] != "nobody"} <= {"LINES_PARKED"}  # its lines have rows of their own


def test_every_path_of_the_api_stands_in_its_table():
    section = README[README.index("## The hub's HTTP API"):README.index("### What is checked of an order")]
    told = {re.sub(r"\{\w+\}", "{}", path) for path in re.findall(r"/v1/[\w/{}]+", section)}
    paths = {re.sub(r"\{\w+\}", "{}", path) for path in api_contract.document()["paths"] if path.startswith("/v1/")}
    assert not paths - told


def test_every_invariant_of_the_simulator_can_be_looked_up():
    section = README[README.index("### The simulator"):README.index("### Adding a connector")]
    named = set(re.findall(r'"(I\d+): ', sources("ports/simulator/*.c")))
    assert named and not named - set(re.findall(r"^\| (I\d+) \|", section, re.M))
