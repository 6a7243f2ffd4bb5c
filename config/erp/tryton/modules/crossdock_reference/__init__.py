"""A reference is used once: per company, for each kind of document.

Whoever creates a document over the wire and hears no answer cannot know whether it exists. With this module he repeats
the call with the same reference: the second document is refused, and the first is found by its reference.
"""
from trytond.pool import Pool

from . import documents


def register():
    Pool.register(*documents.MODELS, module="crossdock_reference", type_="model")
