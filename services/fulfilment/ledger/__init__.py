"""What shipments cost whom: a ledger of entries that are only ever added."""
