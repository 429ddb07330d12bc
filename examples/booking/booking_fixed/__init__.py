"""The booking server without its four bugs: the parts that had them, each corrected."""

from __future__ import annotations

from booking.server import Parts
from booking_fixed.inventory import FixedInventory
from booking_fixed.newsletter import FixedNewsletter
from booking_fixed.prices import FixedPrices
from booking_fixed.printer import FixedPrinter

PARTS = Parts(inventory=FixedInventory, prices=FixedPrices, printer=FixedPrinter, newsletter=FixedNewsletter)
