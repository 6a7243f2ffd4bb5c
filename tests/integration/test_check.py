"""Somebody outside who is asked about each order: pass, hold, refuse, and all that is no answer."""
import http.server
import json
import re
import threading
import urllib.request
import uuid

import pytest

from brokers import wait_for
from stack import Stack, order

PATIENCE_S = 60


class Check(http.server.ThreadingHTTPServer):
    """Says what `says` has for the order's number, pass for all others; "hang" holds the question until the test ends."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.says, self.asked, self.ended, self.lock = {}, [], threading.Event(), threading.Lock()
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1})
        self.thread.start()

    def number_of(self, question):
        return question["order_reference"].rsplit("/", 1)[1]

    def times(self, number):
        with self.lock:
            return sum(self.number_of(question) == number for question, _ in self.asked)

    def close(self):
        self.ended.set()
        self.shutdown()
        self.thread.join()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):  # pylint: disable=invalid-name
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append((question, dict(self.headers)))
        said = self.server.says.get(self.server.number_of(question), {"decision": "pass"})
        if said == "hang":
            self.server.ended.wait(PATIENCE_S)
            return
        status, body = (said, b"{}") if isinstance(said, int) else (200, said if isinstance(said, bytes) else json.dumps(said).encode())
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


@pytest.fixture(scope="module")
def check():
    server = Check()
    yield server
    server.close()


@pytest.fixture(scope="module")
def stack(check, tmp_path_factory):
    folder = tmp_path_factory.mktemp("check")
    (folder / "hub").mkdir()
    (folder / "hub" / "check.token").write_text("open-sesame\n")
    (folder / "hub" / "check.token").chmod(0o600)
    more = f"check: {{url: 'http://127.0.0.1:{check.server_port}/orders', token_file: check.token, timeout_s: 1}}\n"
    # request_life_s is far beyond this test's patience: a check must not wait for it
    erp = "    request_life_s: 3600\n    retry_s_min: 1\n    retry_s_max: 1\n"
    with Stack(folder, [("WH1", "warehouse")], lines=False, hub_more=more, erp_more=erp) as running:
        yield running


def number():
    return f"X-{uuid.uuid4().hex[:12]}"


def submit(stack, check, external, says):
    check.says[external] = says
    return stack.submit_order(external, "WH1")["order_id"]


def status_of(stack, order_id):
    return json.loads(stack.cli("orders", "show", order_id, "--json").stdout)["status"]


def steps_of(stack, order_id):
    return stack.cli("orders", "timeline", order_id, "--json").stdout


def wait_status(stack, order_id, *statuses):
    return wait_for(lambda: status_of(stack, order_id) in statuses, PATIENCE_S, f"{order_id} to be {statuses}")


ON_ITS_WAY = ("ACCEPTED", "ALLOCATED", "IN_FULFILMENT")


def test_an_order_that_passes_goes_its_way_and_was_asked_about_once(stack, check):
    external = number()
    order_id = submit(stack, check, external, {"decision": "pass", "reason": "fine"})
    wait_status(stack, order_id, *ON_ITS_WAY)
    assert "check.passed" in steps_of(stack, order_id)
    (question, headers), = [(asked, headers) for asked, headers in check.asked if check.number_of(asked) == external]
    assert headers["Authorization"] == "Bearer open-sesame"
    assert headers["Idempotency-Key"] == f'"{question["order_reference"]}"' and headers["Content-Type"] == "application/json"
    line, = question.pop("lines")
    assert line.pop("line_id")
    assert line == {"sku": "WIDGET", "qty": "1", "uom": "EA", "unit_price": "9.95"}
    assert question == {"order_reference": f"default/web/{external}", "tenant": "default", "customer": "CUST-1", "currency": "EUR"}


def test_a_held_order_waits_for_a_person_and_then_goes_its_way(stack, check):
    external = number()
    order_id = submit(stack, check, external, {"decision": "hold", "reason": "new address \u20ac"})
    wait_status(stack, order_id, "HELD")
    assert "CHECK" in steps_of(stack, order_id) and f"default/web/{external}" not in stack.books()["sales"]
    listed = json.loads(stack.cli("exceptions", "list", "--json").stdout)["exceptions"]
    found, = [item for item in listed if item.get("order_id") == order_id]
    assert (found["code"], found["detail"]) == ("CHECK_HOLD", "new address \u20ac")
    request = urllib.request.Request(f"{stack.hub.url}/v1/orders/{order_id}/unhold", method="POST",
                                     headers={"Authorization": f"Bearer {stack.hub.token()}"},
                                     data=json.dumps({"hold": "CHECK", "reason": "the customer called"}).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 202
    wait_status(stack, order_id, *ON_ITS_WAY)
    assert check.times(external) == 1


def test_a_refused_order_is_rejected_with_the_reason(stack, check):
    external = number()
    order_id = submit(stack, check, external, {"decision": "refuse", "reason": "stolen card"})
    wait_status(stack, order_id, "REJECTED")
    assert "stolen card" in steps_of(stack, order_id)
    assert f"default/web/{external}" not in stack.books()["sales"]


def revise(stack, tmp_path, order_id, body):
    path = tmp_path / "revision.json"
    path.write_text(json.dumps(body))
    return json.loads(stack.cli("orders", "revise", order_id, str(path), "--json").stdout)


def test_a_revision_is_asked_about_under_another_key_and_what_it_adds_waits_for_a_person_when_it_is_refused(stack, check, tmp_path):
    external = number()
    order_id = submit(stack, check, external, {"decision": "pass"})
    wait_status(stack, order_id, *ON_ITS_WAY)
    check.says[external] = {"decision": "refuse", "reason": "too much at once"}
    revise(stack, tmp_path, order_id, order(external, "WH1", (("WIDGET", "3", "9.95"),)))
    wait_for(lambda: codes_of(stack, order_id) == ["CHECK_HOLD"], PATIENCE_S, "the exception")
    assert "too much at once" in steps_of(stack, order_id)
    line, = stack.order(order_id)["lines"]
    assert (line["qty"], line["released"], line["open"]) == ("3", "1", "2")
    asked = [(question, headers["Idempotency-Key"]) for question, headers in check.asked if check.number_of(question) == external]
    assert [question["lines"][0]["qty"] for question, _ in asked] == ["1", "3"]
    assert len({key for _, key in asked}) == 2 and len({question["order_reference"] for question, _ in asked}) == 1


@pytest.mark.parametrize("says", [500, 404, b"not json", {"decision": "perhaps"}, "hang"], ids=["500", "404", "no JSON", "unknown", "hangs"])
def test_what_is_no_answer_is_asked_again_until_it_is_one(stack, check, says):
    external = number()
    order_id = submit(stack, check, external, says)
    wait_for(lambda: check.times(external) >= 2, PATIENCE_S, "it to be asked again")
    assert status_of(stack, order_id) in ("RECEIVED", "VALIDATED")
    check.says[external] = {"decision": "pass"}
    wait_status(stack, order_id, *ON_ITS_WAY)


def codes_of(stack, order_id):
    listed = json.loads(stack.cli("exceptions", "list", "--json").stdout)["exceptions"]
    return [item["code"] for item in listed if item.get("order_id") == order_id]


def metric(stack, name):
    with urllib.request.urlopen(stack.hub.url + "/metrics", timeout=30) as answer:
        return int(re.search(rf"^{re.escape(name)} (\d+)$", answer.read().decode(), re.MULTILINE).group(1))


def test_a_check_that_fails_is_told_until_it_answers(stack, check):
    external, before = number(), metric(stack, "crossdock_hub_check_failures_total")
    order_id = submit(stack, check, external, b"not json")
    wait_for(lambda: codes_of(stack, order_id) == ["CHECK_UNAVAILABLE"], PATIENCE_S, "the exception")
    assert steps_of(stack, order_id).count("check.failed") == 1
    wait_for(lambda: metric(stack, "crossdock_hub_check_failures_total") >= before + 3, PATIENCE_S, "them to be counted")
    with open(stack.hub.log_file, "rb") as log:
        assert b'"check.failed"' in log.read()
    check.says[external] = {"decision": "pass"}
    wait_status(stack, order_id, *ON_ITS_WAY)
    assert codes_of(stack, order_id) == []


@pytest.mark.parametrize("says", [500, "hang"])
def test_nobody_is_asked_about_an_order_that_was_cancelled(stack, check, says):
    external = number()
    order_id = submit(stack, check, external, says)
    wait_for(lambda: check.times(external) >= 2, PATIENCE_S, "it to be asked again")
    stack.cli("orders", "cancel", order_id, "--reason", "changed my mind")
    assert status_of(stack, order_id) == "CANCELLED"
    asked = []
    for _ in range(4):  # whatever is asked about takes its turn: this order would have had several of them
        other = number()
        other_id = submit(stack, check, other, 500)
        wait_for(lambda: check.times(other) >= 2, PATIENCE_S, "another order to be asked about twice")
        check.says[other] = {"decision": "pass"}
        wait_status(stack, other_id, *ON_ITS_WAY)
        asked.append(check.times(external))  # the first after a call that was under way
    assert asked == asked[:1] * 4 and codes_of(stack, order_id) == []


def test_a_question_that_was_under_way_when_the_hub_was_killed_is_asked_again_at_once(stack, check):
    external = number()
    order_id = submit(stack, check, external, "hang")
    wait_for(lambda: check.times(external) >= 1, PATIENCE_S, "the question")
    stack.kill9("hub")
    check.says[external] = {"decision": "pass"}
    stack.restart("hub")
    wait_status(stack, order_id, *ON_ITS_WAY)  # long before request_life_s
    assert check.times(external) >= 2
