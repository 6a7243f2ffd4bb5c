"""The people of a warehouse: they ship what was released, one release after the other, line or no line."""
import threading

import wms


def shipments_of(release, number):
    """Most in one go; some in two shipments, some with one unit missing for good."""
    if number % 9 == 4:
        return wms.one_short_for_good(release)
    if number % 5 == 2:
        return wms.in_two_shipments(release)
    return wms.exact(release)


class Floor(threading.Thread):
    """`shipments` is what went out of the door, by confirmation id: the truth that the ERP's books are compared with."""

    def __init__(self, warehouse, pace):
        super().__init__(name=f"floor of {warehouse.site}", daemon=True)
        self.warehouse, self.pace = warehouse, pace
        self.shipments, self.done, self.repeated = {}, set(), 0
        self._closing = threading.Event()

    def run(self):
        while not self._closing.wait(self.pace):
            with self.warehouse.changed:
                waiting = [release for name, release in self.warehouse.releases.items() if name not in self.done]
                taken = [key for key in self.warehouse.taken if key[0] == "confirmation"]
            if waiting:
                self._ship(waiting[0])
                if taken and len(self.done) % 4 == 0:  # a warehouse system that is not sure that it was heard
                    self.warehouse.send_again(taken[-1])
                    self.repeated += 1

    def _ship(self, release):
        for document in shipments_of(release, len(self.done)):
            self.shipments[document["confirmation_id"]] = document
            self.warehouse.send("confirmation", document)
        self.done.add(release["release_id"])

    def close(self):
        self._closing.set()
        self.join()

    def said(self):
        """What this warehouse shipped, under the names that the ERP must have: {reference: {sku: quantity}}."""
        site = self.warehouse.site
        return {f"{site}/{name}/{document['version']}/{document['release_ids'][0]}":
                {line["sku"]: int(line["qty_shipped"]) for line in document["lines"]}
                for name, document in list(self.shipments.items())}

    def duplicates(self):
        with self.warehouse.changed:
            return sum(receipt["status"] == "duplicate" for receipt in self.warehouse.receipts)


def units_apart(said, booked):
    """How many units two sets of books are apart, shipment by shipment, so that one too many never hides one too few."""
    apart = 0
    for reference in set(said) | set(booked):
        ours, theirs = said.get(reference, {}), booked.get(reference, {})
        apart += sum(abs(ours.get(sku, 0) - theirs.get(sku, 0)) for sku in set(ours) | set(theirs))
    return apart
