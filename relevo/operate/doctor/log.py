"""What is judged about Kafka: its topics, and how far their readers are behind."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from relevo.operate.doctor.finding import Finding, listed, ok, warning, wrong
from shared.kafka.topics import TOPICS, topic_configs

_AT_LEAST = ("max.message.bytes", "retention.ms", "min.insync.replicas")
_FOR_EVER = -1


@dataclass(frozen=True, slots=True)
class Seen:
    """A topic as the brokers have it; named without the prefix."""

    partitions: int
    replication: int
    configs: Mapping[str, str] = field(default_factory=dict)


def topics(seen: Mapping[str, Seen]) -> Finding:
    """Against `shared/kafka/topics.py`. More room or time than ours is an operator's choice."""
    wanted = [name for topic in TOPICS for name in (topic.name, topic.dead_letters)]
    if missing := [name for name in wanted if name not in seen]:
        return wrong("topics", f"missing: {listed(missing)}", "`relevo topics` makes them")
    if flaws := [flaw for name in wanted for flaw in _flaws(name, seen[name])]:
        return wrong("topics", listed(flaws), "set it back with kafka-configs or `relevo topics`")
    if uneven := list(_uneven(seen)):
        return warning("topics", listed(uneven), "one count for all is what `relevo topics` makes")
    return ok("topics", f"all {len(wanted)} are there, as they have to be")


def _flaws(name: str, seen: Seen) -> Iterable[str]:
    fixed = _fixed_partitions().get(name)
    if fixed and seen.partitions != fixed:
        yield f"{name} has {seen.partitions} partitions, not {fixed}"
    for config, value in topic_configs(seen.replication)[name].items():
        now = seen.configs.get(config, "")
        if not _fits(config, now, value):
            yield f"{name} has {config}={now or '?'}, not {value}"


def _fits(config: str, now: str, wanted: str) -> bool:
    if config not in _AT_LEAST:
        return now == wanted
    try:
        return int(now) == _FOR_EVER or int(now) >= int(wanted)
    except ValueError:
        return False


def _fixed_partitions() -> dict[str, int]:
    ours = {topic.name: topic.partitions for topic in TOPICS if topic.partitions}
    return {**ours, **{topic.dead_letters: 1 for topic in TOPICS}}


def _uneven(seen: Mapping[str, Seen]) -> Iterable[str]:
    """`relevo topics` gives all the same number."""
    counts = {topic.name: seen[topic.name].partitions for topic in TOPICS if not topic.partitions}
    ((usual, _),) = Counter(counts.values()).most_common(1)
    for name, partitions in counts.items():
        if partitions != usual:
            yield f"{name} has {partitions} partitions, others {usual}"


def lag(behind: Mapping[str, int]) -> list[Finding]:
    """Group → records it has yet to read; a figure, for what is much is the operator's to say."""
    if not behind:
        return [ok("lag", "nobody has read anything yet")]
    return [ok(f"lag of {group}", f"{records:,} records") for group, records in behind.items()]
