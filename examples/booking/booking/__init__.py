"""A server that sells seats: an inventory, a price list, a ticket printer and a newsletter over one small store."""
