"""Brands whose data was erased: quarantine, spool, and what is known of their stores."""
