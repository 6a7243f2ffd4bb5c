#!/usr/bin/python3
"""Fills a new Tryton database with a small wholesaler: what Crossdock's samples, tests and demo speak of.

    seed.py DATABASE CONFIGURATION      (run by the script `tryton` beside it, with a database whose modules are active)

Customers, products and opening stock are those of config/ledger, and some more that a test needs: a product by weight, one
by the carton, one no longer sold, a third warehouse. What depends on the date depends on the year only: last year is
closed in the books and in stock, this year and the next are open, and opening stock is of the first of January.
"""
import csv
import datetime
import decimal
import os
import sys

from proteus import Model, Wizard, config as proteus_config

HERE = os.path.dirname(os.path.abspath(__file__))
LEDGER = os.path.join(os.path.dirname(os.path.dirname(HERE)), "ledger")
YEAR = datetime.date.today().year

HUB_GROUPS = ["Sales", "Sales Administrator", "Sale Amendment", "Stock", "Stock Administration", "Stock Force Assignment",
              "Account"]
CLERK_GROUPS = HUB_GROUPS + ["Product Administration", "Party Administration", "Account Credit Limit"]

# Beside those of products.csv: code, name, unit, price, active, lots, the unit in which it is sold
MORE_PRODUCTS = [
    ("LOTTED", "Batch-tracked product", "Unit", "5.00", True, True, None),
    ("SUGAR-KG", "Sugar by weight", "Kilogram", "1.50", True, False, None),
    ("TEA-BOX", "Tea, sold by the carton of 12", "Unit", "3.00", True, False, "Carton of 12"),
    ("OLD-WIDGET", "Widget of last year, no longer sold", "Unit", "8.00", False, False, None),
]
# Beside that of stock.csv
MORE_STOCK = {
    "WH1": {"WIDGET": 5000, "GADGET": 5000, "CABLE-10M": 5000, "COFFEE-1KG": 3000, "LOTTED": 300, "SUGAR-KG": 750.5,
            "TEA-BOX": 2400, "OLD-WIDGET": 7},
    "WH2": {"WIDGET": 3000, "GADGET": 3000, "CABLE-10M": 3000, "COFFEE-1KG": 1000, "LOTTED": 100, "SUGAR-KG": 100,
            "TEA-BOX": 1200},
    "3PL-A": {"WIDGET": 4000, "GADGET": 2000, "LOTTED": 100},
}
LOTS = {"COFFEE-1KG": ["L-2301", "L-2302"], "LOTTED": ["LOT-A", "LOT-B"]}  # stock is spread over them evenly
WAREHOUSES = [("WH1", "Warehouse 1"), ("WH2", "Warehouse 2"), ("3PL-A", "Third party A")]


def say(text):
    print(f"seed: {text}", flush=True)


def rows(name):
    with open(os.path.join(LEDGER, name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def the(model, **fields):
    """The one record that has these values."""
    found = Model.get(model).find([(name, "=", value) for name, value in fields.items()])
    if len(found) != 1:
        raise SystemExit(f"seed: {len(found)} of {model} with {fields}")
    return found[0]


def new(model, **fields):
    record = Model.get(model)(**fields)
    record.save()
    return record


def make_company(config):
    currency = Model.get("currency.currency")(name="Euro", symbol="€", code="EUR", digits=2, rounding=decimal.Decimal("0.01"))
    currency.rates.new(date=datetime.date(2000, 1, 1), rate=decimal.Decimal(1))
    currency.save()
    wizard = Wizard("company.company.config")
    wizard.execute("company")
    wizard.form.party = new("party.party", name="Crossdock Wholesale", code="OWN")
    wizard.form.currency = currency
    wizard.execute("add")
    company = the("company.company")
    user = Model.get("res.user")
    config._context = user.get_preferences(True, {})  # as proteus' own scenarios do: from here on, in this company
    return company


def make_fiscal_year(company, year):
    sequence_of = lambda model, kind: new(model, name=f"{kind} {year}", company=company,
                                          sequence_type=the("ir.sequence.type", name=kind))
    fiscal_year = Model.get("account.fiscalyear")(name=str(year), company=company, start_date=datetime.date(year, 1, 1),
                                                  end_date=datetime.date(year, 12, 31))
    fiscal_year.post_move_sequence = sequence_of("ir.sequence", "Account Move")
    invoices, = fiscal_year.invoice_sequences
    sequence = sequence_of("ir.sequence.strict", "Invoice")
    for name in ("out_invoice", "in_invoice", "out_credit_note", "in_credit_note"):
        setattr(invoices, f"{name}_sequence", sequence)
    fiscal_year.save()
    fiscal_year.click("create_period")
    return fiscal_year


def make_chart(company):
    data = the("ir.model.data", module="account", fs_id="account_template_root_en")
    wizard = Wizard("account.create_chart")
    wizard.execute("account")
    wizard.form.account_template = Model.get("account.account.template")(data.db_id)
    wizard.form.company = company
    wizard.execute("create_account")
    account = lambda kind: Model.get("account.account").find(
        [(f"type.{kind}", "=", True), ("company", "=", company.id)], limit=1)[0]
    if account("receivable").party_required:
        wizard.form.account_receivable = account("receivable")
        wizard.form.account_payable = account("payable")
    wizard.execute("create_properties")
    category = Model.get("product.category")(name="Goods", accounting=True)
    category.account_revenue, category.account_expense = account("revenue"), account("expense")
    category.save()
    return category


def make_books(company):
    years = [make_fiscal_year(company, year) for year in (YEAR - 1, YEAR, YEAR + 1)]
    category = make_chart(company)
    term = Model.get("account.invoice.payment_term")(name="30 days")
    term.lines.new(type="remainder").relativedeltas.new(days=30)
    term.save()
    sales = Model.get("sale.configuration")(1)
    sales.sale_invoice_method, sales.sale_shipment_method = "shipment", "order"
    sales.save()
    return years[0], category, term


def make_warehouses():
    """Each with locations of its own for what comes in, what is stored, what goes out and what is missing or too many. A new
    Tryton has one already, which becomes WH1."""
    own = the("stock.location", code="WH")
    lost = new("stock.location", name="Lost and found WH1", code="WH1-LOST", type="lost_found")
    own.code, own.name, own.lost_found_location = *WAREHOUSES[0], lost
    own.save()
    for old, part in (("IN", "In"), ("OUT", "Out"), ("STO", "Storage")):
        location = the("stock.location", code=old)
        location.code, location.name = f"WH1-{part.upper()}", f"{part} WH1"
        location.save()
    for code, name in WAREHOUSES[1:]:
        place = lambda kind, part, code=code: new("stock.location", name=f"{part} {code}", code=f"{code}-{part.upper()}", type=kind)
        warehouse = Model.get("stock.location")(name=name, code=code, type="warehouse")
        warehouse.input_location, warehouse.output_location = place("storage", "In"), place("storage", "Out")
        warehouse.storage_location = place("storage", "Storage")
        warehouse.lost_found_location = new("stock.location", name=f"Lost and found {code}", code=f"{code}-LOST", type="lost_found")
        warehouse.save()


def make_units():
    unit = the("product.uom", name="Unit")
    carton = Model.get("product.uom")(name="Carton of 12", symbol="ctn", category=unit.category)
    carton.factor, carton.rate = 12.0, round(1 / 12, 12)
    carton.digits, carton.rounding = 0, 1.0
    carton.save()


def make_product(category, code, name, unit, price, active, lots, sale_unit=None):
    template = Model.get("product.template")(name=name, type="goods", salable=True, account_category=category)
    template.default_uom = the("product.uom", name=unit)
    template.sale_uom = the("product.uom", name=sale_unit or unit)
    template.list_price = decimal.Decimal(price)
    template.lot_required = ["supplier", "customer", "lost_found", "storage", "production"] if lots else []
    template.save()
    product, = template.products
    product.suffix_code = code
    product.cost_price = decimal.Decimal(price) / 2
    product.save()
    for number in LOTS.get(code, []):
        new("stock.lot", number=number, product=product)
    return None if active else product


def make_products(category):
    """Returns those that are to be made inactive once they have stock."""
    return [inactive for inactive in [
        *(make_product(category, row["sku"], row["description"], "Unit", row["unit_price"], row["active"] == "true",
                       row["lot_tracked"] == "true") for row in rows("products.csv")),
        *(make_product(category, *product) for product in MORE_PRODUCTS)] if inactive]


def make_customers(term):
    country = new("country.country", name="United Kingdom", code="GB")
    for number, row in enumerate(rows("customers.csv"), 1):
        party = Model.get("party.party")(name=row["name"], code=row["code"])
        address, = party.addresses
        address.street, address.postal_code, address.city = f"{number} Quay Street", f"{1000 + number}", "Harbour"
        address.country = country
        address.invoice = address.delivery = True
        party.customer_payment_term = term
        party.save()
        limit = decimal.Decimal(row["credit_limit"])
        if limit:
            party.credit_limit_amount = limit
        party.active = row["active"] == "true"
        party.save()


def stock_of():
    """{warehouse: {product: quantity}}, the larger of stock.csv's and ours."""
    stock = {warehouse: dict(quantities) for warehouse, quantities in MORE_STOCK.items()}
    for row in rows("stock.csv"):
        quantities = stock.setdefault(row["site"], {})
        quantities[row["sku"]] = max(float(row["qty"]), quantities.get(row["sku"], 0))
    return stock


def make_opening_stock():
    """Counted at the end of the first of January, so that whoever posts at the first open day finds it."""
    for code, quantities in stock_of().items():
        inventory = Model.get("stock.inventory")(location=the("stock.location", code=code).storage_location,
                                                 date=datetime.date(YEAR, 1, 1))
        for sku, quantity in quantities.items():
            lots = LOTS.get(sku, [None])
            for number in lots:
                line = inventory.lines.new(product=the("product.product", code=sku), quantity=quantity / len(lots))
                if number:
                    line.lot = the("stock.lot", number=number)
        inventory.click("confirm")


def close(fiscal_year, company):
    period = new("stock.period", date=fiscal_year.end_date, company=company)
    period.click("close")
    Model.get("account.period").click(fiscal_year.periods, "close")


def make_user(login, name, groups, company):
    user = Model.get("res.user")(name=name, login=login)
    user.companies.append(the("company.company", id=company.id))  # a record of its own: it belongs to one list only
    user.company = company
    for group in groups:
        user.groups.append(the("res.group", name=group))
    user.save()


def main(database, configuration):
    config = proteus_config.set_trytond(database, config_file=configuration)
    say("company, chart of accounts, fiscal years")
    company = make_company(config)
    last_year, category, term = make_books(company)
    say("warehouses, products, customers")
    make_warehouses()
    make_units()
    inactive = make_products(category)
    make_customers(term)
    say("opening stock, closed periods, users")
    make_opening_stock()
    for product in inactive:
        product.active = False  # the variant, not its template
        product.save()
    close(last_year, company)
    make_user("crossdock", "Crossdock hub", HUB_GROUPS, company)
    make_user("clerk", "Sales clerk", CLERK_GROUPS, company)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
