"""`relevo dlq`: records that no service could read, and what to do about them.

Exit codes: 0 done, or there are none; 1 not done (no such dead letter, Kafka is away); 2 the
command was not understood, or `drop` without `--yes`; 3 (`list`) there are some.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.table import Table

from relevo.terminal import AsJson, complain, console, notes

if TYPE_CHECKING:
    from shared.kafka.dead_letter_desk import DeadLetter, DeadLetterDesk

app = typer.Typer(
    help="Records that no service could read: list, show, replay, drop.", no_args_is_help=True
)
T = TypeVar("T")
_NOT_CONFIRMED = 2
_THERE_ARE_SOME = 3
_REASON_CHARACTERS = 120

Kafka = Annotated[str, typer.Option(envvar="RELEVO_KAFKA", help="Bootstrap servers.")]
Prefix = Annotated[str, typer.Option(envvar="RELEVO_TOPIC_PREFIX")]
Topic = Annotated[str, typer.Argument(help="The topic that the record came from.")]
Partition = Annotated[int, typer.Argument(min=0)]
Offset = Annotated[int, typer.Argument(min=0, help="As `relevo dlq list` shows it.")]


@app.command(name="list")
def list_letters(
    kafka: Kafka,
    topic: Annotated[list[str] | None, typer.Option(help="Of this topic alone.")] = None,
    prefix: Prefix = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Every dead letter, oldest first; exit code 3 when there are some."""
    letters = _ask(kafka, prefix, lambda desk: desk.letters(topic or ()))
    if as_json:
        print(json.dumps([_shown(letter) for letter in letters], indent=2))
    elif letters:
        table = Table("topic", "partition", "offset", "failed", "key", "bytes", "why")
        for one in letters:
            table.add_row(
                one.topic,
                str(one.partition),
                str(one.offset),
                one.failed_at[:19],
                one.key,
                str(len(one.value)),
                one.reason[:_REASON_CHARACTERS],
            )
        console.print(table)
    else:
        notes.print("There are no dead letters.")
    raise typer.Exit(_THERE_ARE_SOME if letters else 0)


@app.command()
def show(
    topic: Topic, partition: Partition, offset: Offset, kafka: Kafka, prefix: Prefix = ""
) -> None:
    """One dead letter, whole, as JSON."""
    (found,) = _ask(kafka, prefix, lambda desk: _named(desk, topic, partition, offset))
    print(json.dumps(_shown(found), indent=2))


@app.command()
def replay(
    kafka: Kafka,
    topic: Topic,
    partition: Annotated[int | None, typer.Argument(min=0)] = None,
    offset: Annotated[int | None, typer.Argument(min=0)] = None,
    prefix: Prefix = "",
    *,
    everything: Annotated[bool, typer.Option("--all", help="All of the topic.")] = False,
) -> None:
    """Send records to their topic again, after what they failed on was mended."""
    if everything == (partition is not None and offset is not None):
        complain("Name the partition and the offset, or --all.")
        raise typer.Exit(_NOT_CONFIRMED)

    async def work(desk: "DeadLetterDesk") -> int:
        if partition is None or offset is None:
            return await desk.replay(await desk.letters([topic]))
        return await desk.replay(await _named(desk, topic, partition, offset))

    count = _ask(kafka, prefix, work)
    notes.print(
        f"Sent {count} records to {topic} again. What fails again comes back as a new dead letter; "
        f"`relevo dlq drop` removes the old ones."
    )


@app.command()
def drop(
    topic: Topic,
    partition: Partition,
    offset: Offset,
    kafka: Kafka,
    prefix: Prefix = "",
    *,
    yes: Annotated[bool, typer.Option("--yes", help="They are to be lost.")] = False,
) -> None:
    """Delete the dead letters of a partition up to this one: Kafka deletes from the front alone."""

    async def doomed(desk: "DeadLetterDesk") -> "list[DeadLetter]":
        await _named(desk, topic, partition, offset)
        letters = await desk.letters([topic])
        return [one for one in letters if one.partition == partition and one.offset <= offset]

    letters = _ask(kafka, prefix, doomed)
    notes.print(f"{len(letters)} dead letters of {topic} are lost, keys:")
    for key in sorted({one.key for one in letters}):
        notes.print(f"  {key}", markup=False, highlight=False)
    if not yes:
        complain("Nothing has changed. Add --yes to drop them.")
        raise typer.Exit(_NOT_CONFIRMED)
    _ask(kafka, prefix, lambda desk: desk.drop_through(topic, partition, offset))
    notes.print("Dropped.")


async def _named(
    desk: "DeadLetterDesk", topic: str, partition: int, offset: int
) -> "list[DeadLetter]":
    for one in await desk.letters([topic]):
        if (one.partition, one.offset) == (partition, offset):
            return [one]
    complain(f"{topic} has no dead letter {offset} in partition {partition}.")
    raise typer.Exit(1)


def _shown(letter: "DeadLetter") -> dict[str, object]:
    return {**asdict(letter), "value": letter.value.decode(errors="replace")}


def _ask(kafka: str, prefix: str, work: "Callable[[DeadLetterDesk], Awaitable[T]]") -> T:
    from aiokafka.errors import KafkaError  # noqa: PLC0415  as below

    from shared.kafka.dead_letter_desk import DeadLetterDesk  # noqa: PLC0415  aiokafka is slow

    async def asked() -> T:
        return await work(DeadLetterDesk(kafka, prefix))

    try:
        return asyncio.run(asked())
    except (OSError, KafkaError) as error:
        complain(f"Kafka: {error}")
        raise typer.Exit(1) from error
