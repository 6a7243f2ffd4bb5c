from sql.operators import Equal

from trytond.model import Exclude
from trytond.pool import PoolMeta


class ReferenceOnce:
    """A document without a reference, or with an empty one (clients write both), is of no concern."""

    @classmethod
    def __setup__(cls):
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints.append((
            "reference_unique",
            Exclude(table, (table.company, Equal), (table.reference, Equal), where=table.reference != ""),
            "crossdock_reference.msg_reference_unique"))

    @classmethod
    def copy(cls, documents, default=None):
        # A copy is another document (stock_split makes one of each shipment that it divides).
        default = {} if default is None else default.copy()
        default.setdefault("reference", None)
        return super().copy(documents, default=default)


class Sale(ReferenceOnce, metaclass=PoolMeta):
    __name__ = "sale.sale"


class ShipmentOut(ReferenceOnce, metaclass=PoolMeta):
    __name__ = "stock.shipment.out"


class ShipmentOutReturn(ReferenceOnce, metaclass=PoolMeta):
    __name__ = "stock.shipment.out.return"


class ShipmentInternal(ReferenceOnce, metaclass=PoolMeta):
    __name__ = "stock.shipment.internal"


MODELS = [Sale, ShipmentOut, ShipmentOutReturn, ShipmentInternal]
