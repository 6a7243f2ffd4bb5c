"""Compares what went in with what the ERP has: every order sold once, everything that a warehouse was told is accepted shipped
once, nothing else, nothing parked, the stock moved by just that, and the hub's own difference 0.

    audit = Audit(stack, warehouses)            # before anything is sent
    audit.order("PO-1", "WH1", lines)           # submits it, again until it is taken
    audit.wait_books(120)                       # waits until they balance and says what does not
"""
import collections
import time
from decimal import Decimal


class Audit:
    def __init__(self, stack, warehouses, customer="CUST-2"):
        self.stack, self.warehouses, self.customer = stack, warehouses, customer
        self.orders = {}  # external id -> (site, lines)
        self.stock = stack.books()["stock"]
        self.shipments_before = set(stack.books()["shipments"])

    def order(self, external, site, lines, seconds=90):
        self.orders[external] = site, lines
        return self.stack.submit_order(external, site, lines, seconds, customer=self.customer)["order_id"]

    # -- what must be in the ERP --

    def _documents(self, tail):
        for site, warehouse in self.warehouses.items():
            with warehouse.changed:
                documents = [document for key, document in warehouse.taken.items() if key[0] == tail]
            for document in documents:
                yield site, document

    def expected_shipments(self):
        """{reference: {sku: quantity}}"""
        expected = {}
        for site, document in self._documents("confirmation"):
            release_id, = document["release_ids"]
            reference = f"{site}/{document['confirmation_id']}/{document['version']}/{release_id}"
            expected[reference] = {line["sku"]: line["qty_shipped"] for line in document["lines"]}
        return expected

    def expected_stock(self):
        moved = collections.Counter()
        for reference, lines in self.expected_shipments().items():
            for sku, qty in lines.items():
                moved[reference.partition("/")[0], sku] -= Decimal(qty)
        for site, document in self._documents("inventory"):
            for line in document["lines"]:
                moved[site, line["sku"]] += Decimal(line["qty"])
        return {place: str(Decimal(self.stock.get(place, "0")) + moved[place]) for place in set(self.stock) | set(moved)}

    # -- comparing --

    def faults(self):
        """What does not agree, as sentences; [] when all does."""
        found = []
        for site, warehouse in self.warehouses.items():
            if not warehouse.idle:
                found.append(f"{site} has documents without a receipt: {warehouse.summary()}")
            if warehouse.refused:
                found.append(f"{site} was refused {list(warehouse.refused.items())[:3]}")
        found += self._release_faults()
        books = self.stack.books()
        wanted = {f"default/web/{external}" for external in self.orders}
        missing = wanted - set(books["sales"])
        if missing:
            found.append(f"{len(missing)} orders that were never sold, such as {sorted(missing)[:3]}")
        found += self._shipment_faults({r: lines for r, lines in books["shipments"].items() if r not in self.shipments_before})
        stock = self.expected_stock()
        found += [f"stock of {place} is {books['stock'].get(place)}, not {qty}" for place, qty in sorted(stock.items())
                  if books["stock"].get(place) != qty]
        return found

    def _release_faults(self):
        found = []
        for site, warehouse in self.warehouses.items():
            with warehouse.changed:
                releases = collections.Counter(r["origin"]["external_order_id"] for r in warehouse.releases.values())
            wanted = {external for external, (at, _) in self.orders.items() if at == site}
            if wanted - set(releases):
                found.append(f"{site} never got the releases of {len(wanted - set(releases))} orders: {sorted(wanted - set(releases))[:3]}")
            found += [f"{site} got {count} different releases of {external}" for external, count in releases.items() if count > 1]
        return found

    def _shipment_faults(self, there):
        expected, found = self.expected_shipments(), []
        for what, references in (("accepted, not in the ERP", set(expected) - set(there)),
                                 ("in the ERP, never accepted", set(there) - set(expected))):
            if references:
                found.append(f"{len(references)} shipments {what}, such as {sorted(references)[:3]}")
        found += [f"shipment {reference} is {there[reference]}, not {expected[reference]}"
                  for reference in set(expected) & set(there) if there[reference] != expected[reference]]
        return found

    def wait_books(self, seconds):
        """Until both sides agree and nothing is on its way; the reconciliation, whose difference is 0."""
        deadline = time.monotonic() + seconds
        while True:
            faults = self.faults()
            if not faults:
                books = self.stack.wait_balanced(max(1.0, deadline - time.monotonic()))
                faults = self.faults()
                if not faults:
                    break
            assert time.monotonic() < deadline, "the books do not agree:\n" + "\n".join(faults + [str(self.stack.unfinished())])
            time.sleep(0.2)
        assert books["difference"] == 0 and books["unaccounted_lines"] == 0
        return books

    def wait_fates(self, seconds, outcome="posted"):
        """Every warehouse learns what became of everything that was taken, when it asks again."""
        deadline = time.monotonic() + seconds
        for warehouse in self.warehouses.values():
            def unknown():
                return [key for key in warehouse.taken if key[0] != "release/response"
                        and warehouse.fates.get(key[1], {}).get("outcome") != outcome]
            while unknown():
                assert time.monotonic() < deadline, f"{warehouse.site} does not know the fate of {unknown()[:3]}"
                for key in unknown()[:50]:
                    warehouse.send_again(key)
                with warehouse.changed:
                    warehouse.changed.wait_for(lambda: not unknown(), 1.0)

    def open_exceptions(self):
        """[(code, detail)]"""
        return [(row["code"], row["detail"]) for row in self.stack.hub.get("/v1/exceptions?status=open&limit=200")["exceptions"]]
