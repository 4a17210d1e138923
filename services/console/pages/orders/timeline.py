"""An order's history as sentences that say why. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.console.pages.orders import statuses
from services.console.pages.orders.names import Names
from services.console.words.marks import N_
from services.console.words.told import Fact, Told, Word

Entry = Mapping[str, Any]
_COMMANDS: Mapping[str, str] = {
    "process": N_("Processing was started."),
    "move-back": N_("It was moved back to Orders."),
    "ship": N_("It was marked as shipped."),
    "deliver": N_("It was marked as delivered."),
    "return": N_("It was marked as sent back by the customer."),
    "accept-cancellation": N_("The cancellation was accepted."),
    "reject-cancellation": N_("The cancellation was turned down: work on it went on."),
}
_CANCELLED: Mapping[str, str] = {
    "the store cancelled it": N_("The store cancelled it."),
    "the store deleted it": N_("The store deleted it. Later messages about it are ignored."),
    "it was paid back at the store": N_("It was refunded at the store."),
}
_OVER: Mapping[str, str] = {
    "it was fulfilled before it entered": N_(
        "Received when the store had shipped it already: nobody has to pack it."
    ),
    "it was cancelled before it entered": N_(
        "Received when it was cancelled already: nobody has to pack it."
    ),
    "it was paid back before it entered": N_(
        "Received when it was refunded already: nobody has to pack it."
    ),
}
_IGNORED: Mapping[str, str] = {
    "stale": N_("The store sent an older state of it late: nothing was changed."),
    "duplicate": N_("The store sent the same once more: nothing was changed."),
    "unchanged": N_("The store sent it again with nothing new in it."),
    "tombstoned": N_("The store sent it after it was deleted: that was ignored."),
    "never_seen": N_("The store deleted it before it was ever seen here."),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry: what happened and why, who did it, and how many times."""

    at: str
    told: Sequence[Told]
    by: str = ""
    on_behalf_of: str = ""
    note: str = ""
    times: int = 1


def lines_of(entries: Sequence[Entry], names: Names) -> list[Line]:
    """The entries, newest first."""
    return [_line(entry, names) for entry in reversed(entries)]


def reason_of(reason: str) -> Told:
    """Why an order went back, in words of ours where there are any."""
    sentence = statuses.REASONS.get(reason)
    return Told(sentence) if sentence else Told("%(reason)s", {"reason": reason})


def _line(entry: Entry, names: Names) -> Line:
    why = entry["why"]
    account, actor = (names.parties.get(str(why.get(one)), "") for one in ("account", "actor"))
    tell = _TELLERS.get(entry["kind"], _as_it_is)
    return Line(
        at=entry["at"],
        told=tell(entry, names),
        by=actor or account,
        on_behalf_of=account if actor else "",
        note=str(why.get("note") or ""),
        times=entry["times"],
    )


def _status(name: str) -> Word:
    return Word(statuses.STATUSES[name][0] if name in statuses.STATUSES else name)


def _entered(entry: Entry, names: Names) -> list[Told]:
    why = entry["why"]
    told = [_entrance(why, names), *_rules(why, names)]
    if entry["status"] == "on_hold":
        told.append(Told(N_("It is on hold until the store says that it is paid.")))
    if "store_clock" in why:
        told.append(
            Told(N_("The clock of the store is ahead: the time of receipt counts instead."))
        )
    return told


def _entrance(why: Mapping[str, Any], names: Names) -> Told:
    if why.get("reason") in _OVER:
        return Told(_OVER[why["reason"]])
    if "connection_id" not in why and why.get("passed_over"):
        return Told(N_("Received, and kept by the brand: no order rules send it to a 3PL."))
    if "connection_id" not in why:
        return Told(N_("Received, and kept by the brand: no 3PL was switched on for this store."))
    facts: dict[str, Fact] = {"settings": why.get("settings_version") or 0}
    party = names.connections.get(why["connection_id"])
    if party is None:
        return Told(
            N_(
                "Received, and assigned to a 3PL: of the connections that are on, it comes first "
                "(settings version %(settings)s)."
            ),
            facts,
        )
    return Told(
        N_(
            "Received, and assigned by the connection with %(party)s: of those that are on, it "
            "comes first (settings version %(settings)s)."
        ),
        {**facts, "party": party[0]},
    )


def _rules(why: Mapping[str, Any], names: Names) -> list[Told]:
    """Which order rules decided, and whose were passed over."""
    told = []
    if "order_rules" in why:
        told.append(_by_rule(why["order_rules"], why.get("connection_id"), names))
    return told + [
        _by_rule(one["order_rules"], one["connection_id"], names)
        for one in why.get("passed_over", ())
    ]


_BY_RULE: Mapping[tuple[bool, bool], str] = {
    # By whether the order is sent, and whether a rule says so or the default.
    (True, True): N_("Order rule %(number)s for %(party)s, “%(name)s”: it is sent."),
    (True, False): N_("No order rule for %(party)s fits, and what fits none is sent."),
    (False, True): N_("Order rule %(number)s for %(party)s, “%(name)s”: it is not sent."),
    (False, False): N_("No order rule for %(party)s fits, and what fits none is not sent."),
}


def _by_rule(ruled: Mapping[str, Any], connection: str | None, names: Names) -> Told:
    rule = ruled.get("rule")
    known = names.connections.get(connection or "")
    facts: dict[str, Fact] = {"party": known[0] if known else Word(N_("the 3PL"))}
    if rule:
        facts |= {"number": rule["number"], "name": rule["name"]}
    return Told(_BY_RULE[ruled["then"] == "send", bool(rule)], facts)


def _updated(entry: Entry, _: Names) -> list[Told]:
    why = entry["why"]
    fields = [name for name in str(why.get("changed_fields", "")).split(", ") if name]
    words = dict.fromkeys(
        Word(statuses.FIELDS.get(name, name.replace("_", " "))) for name in fields
    )
    told = [Told(N_("The store changed it: %(fields)s."), {"fields": list(words)})]
    return told + _moved(why)


def _moved(why: Mapping[str, Any]) -> list[Told]:
    if "from" not in why or why["from"] == why.get("to"):
        return []
    facts: dict[str, Fact] = {"before": _status(why["from"]), "after": _status(why["to"])}
    return [Told(N_("It was “%(before)s” and is “%(after)s”."), facts)]


def _cancelled(entry: Entry, _: Names) -> list[Told]:
    reason = str(entry["why"].get("reason", ""))
    told = [Told(_CANCELLED[reason]) if reason in _CANCELLED else reason_of(reason)]
    if entry["status"] == "cancellation_requested":
        told.append(
            Told(N_("It is being worked on: its owner cancels it, or says that it is too late."))
        )
    elif entry["status"] != "cancelled":
        told.append(Told(N_("That was too late: it had left already.")))
    return told


def _command(entry: Entry, _: Names) -> list[Told]:
    why = entry["why"]
    command = str(why.get("command", ""))
    if command == "hold":
        kind = str(why.get("hold", "other"))
        return [Told(N_("It was put on hold: %(hold)s."), {"hold": _hold(kind)})]
    if command == "release":
        kinds = [_hold(kind) for kind in str(why.get("lifted", "")).split(", ")]
        return [Told(N_("A hold was lifted: %(holds)s."), {"holds": kinds})]
    return [Told(_COMMANDS[command])] if command in _COMMANDS else _as_it_is(entry, _)


def _hold(kind: str) -> Word:
    return Word(statuses.HOLDS.get(kind, kind))


def _returned(entry: Entry, _: Names) -> list[Told]:
    went = Told(N_("It went back to the brand."))
    return [went, reason_of(str(entry["why"].get("reason", "")))]


def _shipments(entry: Entry, _: Names) -> list[Told]:
    return [Told(N_("Its shipments changed.")), *_moved(entry["why"])]


def _settings_late(entry: Entry, _: Names) -> list[Told]:
    why = entry["why"]
    sentence = N_(
        "Version %(counted)s of the settings counted already when it was received, and was known "
        "too late: it keeps version %(bound)s."
    )
    return [Told(sentence, {"counted": why.get("counted", 0), "bound": why.get("bound", 0)})]


def _ignored(entry: Entry, _: Names) -> list[Told]:
    return [Told(_IGNORED[entry["kind"]])]


def _as_it_is(entry: Entry, _: Names) -> list[Told]:
    text = str(entry["why"].get("reason") or entry["kind"]).replace("_", " ")
    return [Told("%(text)s", {"text": text})]


_TELLERS: Mapping[str, Callable[[Entry, Names], list[Told]]] = {
    "entered": _entered,
    "updated": _updated,
    "cancelled": _cancelled,
    "command": _command,
    "returned": _returned,
    "settings_late": _settings_late,
    "shipments": _shipments,
    **dict.fromkeys(_IGNORED, _ignored),
}
