#!/usr/bin/python3
"""The beginning of each contract test of an ERP (contract/erps.h), in a Tryton that is there for tests alone.

    tryton_base.py make TRYTON.JSON     from the database as it was seeded: what erps.h names, and nothing else
    tryton_base.py clean TRYTON.JSON    back to that, within a fraction of a second: newer rows go

What is newer than the beginning has higher ids: nothing that a test makes changes a row of the beginning.
"""
import importlib.machinery
import importlib.util
import json
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "integration"))
KEPT = {"ir_session", "ir_session_wizard", "res_user_login_attempt"}  # who is logged in stays so


def load_script():
    loader = importlib.machinery.SourceFileLoader("tryton_script", os.path.join(TOP, "config", "erp", "tryton", "tryton"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tryton_script", loader))
    loader.exec_module(module)
    return module


def rows(state, statement, *values):
    import psycopg2
    connection = psycopg2.connect(host="127.0.0.1", port=state["database_port"], user="crossdock",
                                  password=state["database_password"], dbname=state["database"])
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def tables(state):
    return [name for name, in rows(state, "SELECT table_name FROM information_schema.columns WHERE column_name = 'id'"
                                          " AND table_schema = 'public' ORDER BY 1") if name not in KEPT]


def cut(state):
    """What was seeded beyond what the suite begins with. Units of goods may be shared out in its tests."""
    for name in ("stock_inventory_line", "stock_inventory", "stock_move", "stock_period_cache", "stock_period_cache_lot",
                 "stock_period", "stock_lot"):
        rows(state, f"SET session_replication_role = replica; DELETE FROM {name}")
    rows(state, "UPDATE product_uom SET digits = 3, rounding = 0.001 WHERE name = 'Unit'")
    rows(state, "SET session_replication_role = replica; DELETE FROM product_uom WHERE name LIKE 'Carton%'")
    rows(state, "UPDATE stock_location SET code = '3PL' WHERE code = '3PL-A'")
    rows(state, "SET session_replication_role = replica;"
                " DELETE FROM product_product WHERE code NOT IN ('WIDGET', 'GADGET', 'OLD-WIDGET');"
                " DELETE FROM product_template WHERE id NOT IN (SELECT template FROM product_product)")
    rows(state, "UPDATE product_product SET code = 'RETIRED', suffix_code = 'RETIRED' WHERE code = 'OLD-WIDGET'")
    rows(state, "DELETE FROM product_list_price WHERE template ="
                " (SELECT template FROM product_product WHERE code = 'GADGET')")
    for old, new in (("CUST-2", "LIMITED"), ("CUST-3", "ASLEEP")):
        rows(state, "UPDATE party_party SET code = %s WHERE code = %s", new, old)
    rows(state, "UPDATE party_party SET name = 'Small, Ltd' WHERE code = 'LIMITED'")
    limits = "party_party_credit_limit_amount"
    rows(state, f"DELETE FROM {limits} WHERE party = (SELECT id FROM party_party WHERE code = 'CUST-1')")
    rows(state, f"UPDATE {limits} SET credit_limit_amount = 100 WHERE party ="
                " (SELECT id FROM party_party WHERE code = 'LIMITED')")


def fill(state):
    """100 WIDGET at WH1, counted."""
    storage, = [place for place, in rows(state, "SELECT storage_location FROM stock_location WHERE code = 'WH1'")]
    widget, = [product for product, in rows(state, "SELECT id FROM product_product WHERE code = 'WIDGET'")]
    from tryton import Tryton
    desk = Tryton(state["folder"], keep=True).start()
    number, = desk.rpc("model.stock.inventory.create", [
        {"location": storage, "company": 1, "lines": [["create", [{"product": widget, "quantity": 100.0}]]]}])
    desk.rpc("model.stock.inventory.confirm", [number])


def make(path):
    folder = os.path.dirname(os.path.abspath(path))
    script = load_script()
    server = script.Tryton(folder)
    server.reset()
    state = dict(server.state, folder=folder)
    cut(state)
    fill(state)
    marks = {name: rows(state, f'SELECT COALESCE(MAX(id), 0) FROM "{name}"')[0][0] for name in tables(state)}
    with open(os.path.join(folder, "contract.json"), "w", encoding="utf-8") as file:
        json.dump(marks, file)


def clean(path):
    folder = os.path.dirname(os.path.abspath(path))
    with open(path, encoding="utf-8") as file:
        state = json.load(file)
    with open(os.path.join(folder, "contract.json"), encoding="utf-8") as file:
        marks = json.load(file)
    rows(state, "SET session_replication_role = replica; "
         + "; ".join(f'DELETE FROM "{name}" WHERE id > {mark}' for name, mark in marks.items()))


if __name__ == "__main__":
    {"make": make, "clean": clean}[sys.argv[1]](sys.argv[2])
