"""The books of the ERP that rest_erp.py serves: customers, products, stock, sales, shipments, reversals, adjustments, changes and invoices,
in memory and, when there is a file, on disk before anything is answered."""

import decimal
import json
import os
import pickle
import time

DOCUMENTS = ("sales", "shipments", "reversals", "adjustments", "changes", "invoices")
LETTERS = {"sales": "SO", "shipments": "DN", "reversals": "RV", "adjustments": "AJ", "changes": "CH", "invoices": "IN"}
LARGEST = decimal.Decimal(10) ** 17


class Refused(Exception):
    def __init__(self, code, message, status=422):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def plain(value):
    """Decimals as JSON: whole ones as numbers, the rest as their digits."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 2**53 else format(value.normalize(), "f")
    raise TypeError(type(value))


def number(value, what):
    try:
        result = decimal.Decimal(str(value))
    except decimal.InvalidOperation:
        raise Refused("QUANTITY", f"{what} is no number") from None
    if not result.is_finite() or abs(result) >= LARGEST:
        raise Refused("AMOUNT", f"{what} is larger than the books keep")
    return result


def multiplied(one, other):
    if abs(one * other) >= LARGEST:
        raise Refused("AMOUNT", "an amount is larger than the books keep")
    return one * other


class Books:
    def __init__(self, unique, tick_ms, path=None):
        self.unique, self.tick_ms, self.path = unique, tick_ms, path
        self.clock = 0
        self.tables = {name: [] for name in DOCUMENTS}
        self.customers = {}
        self.products = {}
        self.stock = {}
        if path and os.path.exists(path):
            with open(path, "rb") as file:
                self.clock, self.tables, self.customers, self.products, self.stock = pickle.load(file)

    def fill(self, customers, products, stock):
        for row in customers:
            self.customers[row["code"]] = {**row, "creditLimit": None if row.get("creditLimit") is None else number(row["creditLimit"], "limit")}
        for row in products:
            self.products[row["sku"]] = {**row, "price": None if row.get("price") is None else number(row["price"], "price")}
        for row in stock:
            self.stock.setdefault(f"{row['warehouse']} {row['item']}", number(row["quantity"], "quantity"))

    def save(self):
        if not self.path:
            return
        with open(self.path + ".new", "wb") as file:
            pickle.dump((self.clock, self.tables, self.customers, self.products, self.stock), file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(self.path + ".new", self.path)

    # ---- what all documents have ----

    def stamp(self, document):
        """Times of change are coarse, as they are in many an ERP: what is done within one tick has one."""
        self.clock = max(self.clock, int(time.time() * 1000) // self.tick_ms * self.tick_ms)
        document["changedAt"] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.clock // 1000)) + f".{self.clock % 1000:03d}Z"

    def find(self, table, member, value):
        return next((row for row in self.tables[table] if row.get(member) == value), None)

    def known(self, table, wanted, content):
        """The document that has the reference, when references are unique here."""
        there = self.find(table, "externalId", wanted) if self.unique and wanted else None
        if there is not None and there["content"] != content:
            raise Refused("REFERENCE_CONFLICT", f"{wanted} is there with another content", 409)
        return there

    def add(self, table, document, content):
        count = len(self.tables[table]) + 1
        document = {"number": f"{LETTERS[table]}{count:06d}", **document, "content": content}
        self.stamp(document)
        self.tables[table].append(document)
        return document

    # ---- lines ----

    def product(self, line, active=True):
        product = self.products.get(line.get("item"))
        if product is None:
            raise Refused("ITEM_UNKNOWN", f"there is no item {line.get('item')}")
        if line.get("unit") != product["unit"]:
            raise Refused("UNIT_UNKNOWN", f"{product['sku']} is kept in {product['unit']}")
        if active and product["status"] != "ACTIVE":
            raise Refused("ITEM_BLOCKED", f"{product['sku']} is blocked")
        return product

    def open_value(self, line):
        rest = max(decimal.Decimal(0), line["quantity"] - line["shippedQty"]) if not line["closed"] else decimal.Decimal(0)
        return multiplied(rest, line["unitPrice"])

    def owed(self, code):
        return sum((self.open_value(line) for sale in self.tables["sales"] if sale["customer"]["code"] == code for line in sale["lines"]),
                   decimal.Decimal(0))

    def sale_line(self, line):
        product = self.product(line)
        quantity = number(line.get("quantity"), "quantity")
        if quantity <= 0:
            raise Refused("QUANTITY", f"line {line.get('lineNo')} has no quantity")
        price = product["price"] if line.get("unitPrice") is None else number(line["unitPrice"], "price")
        if price is None:
            raise Refused("PRICE_MISSING", f"{product['sku']} has no price")
        row = {"lineNo": line.get("lineNo"), "item": product["sku"], "unit": product["unit"], "quantity": quantity, "unitPrice": price,
               "shippedQty": decimal.Decimal(0), "invoicedQty": decimal.Decimal(0), "closed": False}
        self.open_value(row)
        return row

    def fold(self, sale):
        missing = [line for line in sale["lines"] if line["shippedQty"] < line["quantity"]]
        any_open = any(not line["closed"] for line in missing)
        any_short = any(line["closed"] for line in missing)
        shipped = any(line["shippedQty"] > 0 for line in sale["lines"])
        wanted = any(line["quantity"] > 0 for line in sale["lines"])
        if any_open:
            sale["status"] = "PART_SHIPPED" if shipped or any_short else "CONFIRMED"
        else:
            sale["status"] = "CLOSED_SHORT" if any_short else "SHIPPED" if wanted or shipped else "CANCELLED"
        self.stamp(sale)

    # ---- documents ----

    def post_sale(self, body):
        code = (body.get("customer") or {}).get("code")
        customer = self.customers.get(code)
        if customer is None:
            raise Refused("CUSTOMER_UNKNOWN", f"there is no customer {code}")
        if customer["status"] != "ACTIVE":
            raise Refused("CUSTOMER_BLOCKED", f"{code} is blocked")
        if body.get("currency") not in (None, customer["currency"]):
            raise Refused("CURRENCY", f"{code} is billed in {customer['currency']}")
        lines = [self.sale_line(line) for line in body["lines"]]
        if len({line["lineNo"] for line in lines}) < len(lines):
            raise Refused("LINE_TWICE", "a line comes twice")
        value = sum((self.open_value(line) for line in lines), decimal.Decimal(0))
        limit = customer["creditLimit"]
        if limit is not None and self.owed(code) + value > limit:
            raise Refused("CREDIT_LIMIT", f"open sales of {code} would be above {limit}")
        return {"externalId": body.get("externalId"), "customer": {"code": code}, "currency": customer["currency"],
                "orderedAt": body.get("orderedAt"), "warehouse": body.get("warehouse"), "poNumber": body.get("poNumber"),
                "shipTo": body.get("shipTo"), "status": "CONFIRMED", "lines": lines}

    def post_shipment(self, sale, body):
        rows, billed = [], []
        for line in body["lines"]:
            shipped, over = number(line.get("quantity"), "quantity"), number(line.get("unbilled") or 0, "unbilled")
            if shipped < 0 or over > shipped:
                raise Refused("QUANTITY", f"line {line.get('lineNo')} has an impossible quantity")
            ordered = line.get("orderedItem") or line.get("item")
            sold = next((one for one in sale["lines"] if one["lineNo"] == line.get("lineNo") and one["item"] == ordered), None)
            if sold is None:
                raise Refused("LINE_UNKNOWN", f"the sale has no line {line.get('lineNo')} of {ordered}")
            if line.get("unit") != sold["unit"]:
                raise Refused("UNIT_UNKNOWN", f"line {line['lineNo']} was sold in {sold['unit']}")
            if ordered != line.get("item"):
                self.product(line, active=False)
            rows.append({"lineNo": sold["lineNo"], "item": line["item"], "orderedItem": ordered, "unit": sold["unit"], "quantity": shipped,
                         "billed": shipped - over, "batch": line.get("batch"), "close": bool(line.get("close"))})
            billed.append((sold, shipped, shipped - over, rows[-1]))
        for sold, shipped, bill, row in billed:
            sold["shippedQty"] += shipped
            sold["invoicedQty"] += bill
            sold["closed"] = sold["closed"] or row["close"]
            self.move(body.get("warehouse"), row["item"], -shipped)
        self.fold(sale)
        return {"externalId": body.get("externalId"), "order": sale["number"], "orderExternalId": sale["externalId"], "warehouse": body.get("warehouse"),
                "status": "SHIPPED", "shippedAt": body.get("shippedAt"), "dueDate": None, "reversed": False, "lines": rows}

    def post_reversal(self, shipment, body):
        if shipment["reversed"]:
            raise Refused("ALREADY_REVERSED", f"{shipment['number']} is undone already")
        sale = self.find("sales", "number", shipment["order"])
        rows = []
        for row in shipment["lines"]:
            sold = next(one for one in sale["lines"] if one["lineNo"] == row["lineNo"] and one["item"] == row["orderedItem"])
            sold["shippedQty"] -= row["quantity"]
            sold["invoicedQty"] -= row["billed"]
            sold["closed"] = False
            self.move(shipment["warehouse"], row["item"], row["quantity"])
            rows.append({**row, "quantity": -row["quantity"], "billed": -row["billed"], "close": False})
        shipment["reversed"] = True
        self.stamp(shipment)
        self.fold(sale)
        return {"externalId": body.get("externalId"), "order": sale["number"], "orderExternalId": sale["externalId"], "warehouse": shipment["warehouse"],
                "status": "SHIPPED", "shippedAt": body.get("shippedAt"), "dueDate": None, "reverses": shipment["number"], "lines": rows}

    def post_change(self, sale, body):
        changed, new = [], []
        for line in body["lines"]:
            wanted = number(line.get("quantity"), "quantity")
            if wanted < 0:
                raise Refused("QUANTITY", f"line {line.get('lineNo')} has an impossible quantity")
            sold = next((one for one in sale["lines"] if one["lineNo"] == line.get("lineNo")), None)
            if sold is not None and sold["item"] != line.get("item"):
                raise Refused("LINE_UNKNOWN", f"line {line['lineNo']} is of {sold['item']}")
            price = number(line["unitPrice"], "price") if line.get("unitPrice") is not None else None
            if sold is not None:
                changed.append((sold, wanted, price))
            elif wanted > 0:
                new.append(self.sale_line(line))
        for sold, wanted, price in changed:
            sold["closed"] = sold["closed"] and wanted <= sold["quantity"]
            sold["quantity"] = max(wanted, sold["shippedQty"])
            sold["unitPrice"] = sold["unitPrice"] if price is None else price
        sale["lines"].extend(new)
        self.fold(sale)
        return {"externalId": body.get("externalId"), "order": sale["number"]}

    def post_adjustment(self, body):
        moves = [(self.product(line, active=False)["sku"], number(line.get("quantity"), "quantity")) for line in body["lines"]]
        for sku, quantity in moves:
            self.move(body.get("warehouse"), sku, quantity)
        return {"externalId": body.get("externalId"), "warehouse": body.get("warehouse"), "lines": body["lines"]}

    def move(self, warehouse, item, quantity):
        self.stock[f"{warehouse} {item}"] = self.stock.get(f"{warehouse} {item}", decimal.Decimal(0)) + quantity

    def bill(self, document):
        """A shipment is billed when it is made, what undoes it is credited."""
        lines = [{"lineNo": row["lineNo"], "item": row["orderedItem"], "quantity": row["billed"]} for row in document["lines"] if row["billed"]]
        if not lines:
            return
        sale = self.find("sales", "number", document["order"])
        prices = {line["lineNo"]: line["unitPrice"] for line in sale["lines"]}
        total = sum((line["quantity"] * prices[line["lineNo"]] for line in lines), decimal.Decimal(0))
        self.add("invoices", {"externalId": None, "order": sale["number"], "orderExternalId": sale["externalId"], "status": "POSTED",
                              "currency": sale["currency"], "total": total, "lines": lines}, None)

    # ---- making one ----

    def make(self, table, owner, body):
        """The document's number, and whether it was there before. owner: the sale or shipment that it belongs to. What is refused is
        refused before anything changes."""
        if not isinstance(body.get("lines"), list) or (not body["lines"] and table != "reversals"):
            raise Refused("NO_LINES", "a document without lines")
        content = json.dumps([owner, {name: value for name, value in body.items() if not name.endswith("At")}], sort_keys=True, default=plain)
        there = self.known(table, body.get("externalId"), content)
        if there is not None:
            return there["number"], True
        document = self.add(table, self.write(table, owner, body), content)
        if table in ("shipments", "reversals"):
            self.bill(document)
        self.save()
        return document["number"], False

    def write(self, table, owner, body):
        if table == "sales":
            return self.post_sale(body)
        if table == "adjustments":
            return self.post_adjustment(body)
        belongs_to = "shipments" if table == "reversals" else "sales"
        by, value = ("number", owner) if owner else ("externalId", body.get("reverses"))
        document = self.find(belongs_to, by, value)
        if document is None:
            raise Refused("SHIPMENT_UNKNOWN" if table == "reversals" else "ORDER_UNKNOWN", f"there is no {value}", 404)
        return {"shipments": self.post_shipment, "reversals": self.post_reversal, "changes": self.post_change}[table](document, body)
