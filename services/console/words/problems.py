"""What the APIs say no with, as a person at a screen is told it. Pure.

The facts in a sentence are those of the API's own (docs/problems.md); a code that is not here is
shown as the API says it, in English.
"""

from collections.abc import Mapping

from services.console.words.marks import N_

SENTENCES: Mapping[str, str] = {
    # --- forms
    "validation_failed": N_("Some fields need another look. Nothing was changed."),
    "not_found": N_("This is not here, or it is not yours."),
    "version_conflict": N_(
        "Somebody else has changed this since you opened it. Nothing of yours was saved: look at "
        "it as it is now, and decide again."
    ),
    "precondition_required": N_("Open the page again and send the form once more."),
    "idempotency_mismatch": N_("This form was sent before with other words. Open it again."),
    "invalid_cursor": N_("This page of the list is not there any more. Start at the first one."),
    # --- getting in
    "invalid_credentials": N_("The e-mail or the password is not right."),
    "too_many_attempts": N_("There were too many attempts. Wait a few minutes and try again."),
    "invalid_operator_key": N_("This is not the operator key of this installation."),
    "busy": N_("Too many people are logging in at this moment. Try again."),
    "link_expired": N_("This link is over, or it was used before. Log in, or ask for a new mail."),
    "login_link_expired": N_("This link is over, or there is a newer one. Ask your 3PL for it."),
    "wrong_password": N_("This address has another password. Use that one, or ask for a new one."),
    "wrong_account": N_(
        "This link was mailed to somebody else than who is logged in. Log in as the reader of that "
        "mail, or log out."
    ),
    "terms_changed": N_(
        "The settings have changed since they were shown to you. Read them again, and accept those."
    ),
    # --- tickets
    "not_support_owner": N_("The other party of this order answers for its tickets."),
    "unsupported_file": N_(
        "This kind of file is not taken. Send a PDF, JPEG, PNG, WEBP or plain text."
    ),
    "body_too_large": N_("This is too large."),
    "too_many_mails": N_("Too many messages were mailed to carriers today. Try again later."),
    # --- fees
    "not_creditor": N_("Only who charged it gives it back."),
    "not_posted": N_("This was not charged: there is nothing to give back."),
    "more_than_is_left": N_("No more than %(left)s %(currency)s is left of it."),
    "price_list_exists": N_("There is a list for these already. Change that one."),
    # --- accounts
    "role_required": N_("Your role does not allow this. Ask an owner of the account."),
    "last_owner": N_("This is the only owner of the account. Make somebody else an owner first."),
    "too_many": N_("There are %(most)s at most. End old ones first."),
    "delegated": N_("This is not done in the name of somebody else. Ask the brand to do it."),
    "connections_live": N_(
        "Connections of this account are still live. Disconnect them first; their pages say where "
        "the orders go."
    ),
    "plan_required": N_(
        "The 3PL has to be on plan Conquer to hold connections. Ask the operator of this "
        "installation to change the plan."
    ),
    # --- connections and stores
    "three_pl_only": N_("Only a 3PL does this."),
    "brand_only": N_("Only the brand of the store does this now. Ask the brand."),
    "already_connected": N_(
        "You have a connection to this store already. Issue a new link if the brand needs one."
    ),
    "brand_accepted": N_("The brand has accepted: where mails to it go is its own to say."),
    "nothing_pending": N_("No connection with this brand waits to be accepted."),
    "store_proven_elsewhere": N_(
        "Another account has proven that this store is its own. The newest proof counts: prove the "
        "store to go on."
    ),
    "proof_not_found": N_(
        "The proof was not found. Publish it, wait until it can be seen, and check again. What "
        "was seen: %(seen)s"
    ),
    "three_pl_blocked": N_("This account has blocked the 3PL. Lift the block first."),
    "too_many_credentials": N_("A store has %(most)s keys at most. Revoke old ones."),
    "not_yours_to_set": N_("The other party of the connection sets this. Ask it."),
    "setting_locked": N_("The brand has locked this. Ask the brand to change or to unlock it."),
    "invalid_transition": N_("This cannot be done as it is now: it is %(state)s."),
    "priority_taken": N_(
        "Another active connection of this store has priority %(priority)s. Give this one another; "
        "the lower one wins."
    ),
    "order_rules_changed_too_often": N_(
        "These rules were changed very often in the last days. Nothing was saved: wait a while, or "
        "make them shorter."
    ),
    # --- orders
    "not_hold_owner": N_("No hold of this order is yours to lift."),
    "too_many_holds": N_("An order has %(most)s holds at most. Lift one first."),
    "not_owner": N_("Another party owns this order now."),
    # --- shipments, labels and carriers
    "not_rules_owner": N_(
        "The shipping rules of another account choose this carrier. Ask that account; whoever has "
        "the order may ship it anyway and type its tracking number."
    ),
    "label_under_way": N_("A label of it is under way. Wait until the carrier has answered."),
    "no_carrier_account": N_(
        "Its label is not bought here: its carrier has no account that does so. Make the label at "
        "the carrier and type the tracking number, or add a carrier account."
    ),
    "no_documents": N_("None of these has a label to print yet. Buy labels first."),
    "too_many_documents": N_("These labels are too large for one file. Print fewer at once."),
    "too_many_shipments": N_("An order has %(most)s shipments at most."),
    "carrier_account_exists": N_("There is an account with this carrier already. Change that one."),
    "carrier_account_in_use": N_(
        "Labels of this carrier account are under way. Wait until they are settled, or give them "
        "back first."
    ),
    "connection_ended": N_(
        "The connection ended: this order is on its way back to the brand. Stop working on it."
    ),
    "order_erased": N_("The brand's data was erased, and the order is closed."),
    # --- outages
    "internal_error": N_("Something is broken on our side, and it was logged. Tell the operator."),
}

# Where an API's answer has no code of docs/problems.md: its token endpoint speaks as OAuth does.
OWN: Mapping[str, str] = {
    "acting_refused": N_(
        "The brand does not let you act in its name here, or the connection is over. Ask the brand."
    ),
}


def sentence_of(code: str) -> str:
    """What a person is told, with `%(fact)s` in it; empty for a code that is not here."""
    return SENTENCES.get(code) or OWN.get(code, "")
