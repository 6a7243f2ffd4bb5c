"""Shared by the integration tests: private brokers for the whole run, and folders that go when it is over."""
import pytest

import brokers
from brokers import wait_for  # noqa: F401  tests import it from here or from brokers
from tryton import Tryton


# What takes minutes, the longest first.
LONG = ["test_tryton.py", "test_demo.py", "test_kills.py", "test_broker_faults.py", "test_rest_erp.py"]


def pytest_collection_modifyitems(items):
    """They begin first, so that at the end the others do not wait for one that has just begun."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """With a failure come the last words of the programs that the test's fixtures ran."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if hasattr(value, "log_tails"):
                report.sections.append((f"logs of {name}", value.log_tails()))


@pytest.fixture(scope="session")
def rabbit(tmp_path_factory):
    """A RabbitMQ for the run. A test that freezes, kills or wipes it leaves it serving."""
    broker = brokers.RabbitMQ(tmp_path_factory.mktemp("rabbitmq"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory):
    """A site's broker for the run."""
    broker = brokers.Mosquitto(tmp_path_factory.mktemp("mosquitto"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def erp(tmp_path_factory):
    """A Tryton for the run. A test that kills it leaves it serving; one that counts on the seed resets it first."""
    with Tryton(tmp_path_factory.mktemp("tryton")) as running:
        yield running
