"""3PLs that a brand wants no mails and no new connections of."""
