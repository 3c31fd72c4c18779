"""How many tickets each group has in each status, by the rules of docs/topic.md.

Row, version and position are one transaction of SQLite, so it may be killed anywhere and replayed from anywhere: a
record counts once, and a ticket never goes back to an older version. Positions mean something in the log they are of;
where the topic was made again it ends, and says so.
"""

import argparse
import json
import os
import re
import sqlite3
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

TYPES = ("com.zendesk.ticket.changed", "com.zendesk.ticket.deleted")
FORMS = {
    "ce_updatedstamp": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),  # as texts they sort by time
    "ce_digest": re.compile(r"[0-9a-f]{32}"),
    "ce_logid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "ce_source": re.compile(r".+"),
}

FILE = "totals.sqlite"
SCHEMA = """
CREATE TABLE IF NOT EXISTS tickets (
  id TEXT PRIMARY KEY, team TEXT, status TEXT, deleted INTEGER,
  stamp TEXT, digest TEXT, log_id TEXT, "partition" INTEGER, "offset" INTEGER
);
CREATE TABLE IF NOT EXISTS positions ("partition" INTEGER PRIMARY KEY, log_id TEXT, next_offset INTEGER);
"""


def read_version(record):
    """The version of a record, or None where the record is not the producer's."""
    headers = {}
    for name, value in record.headers() or []:
        if name in headers or value is None:
            return None
        headers[name] = value.decode("utf-8", "replace")
    key = (record.key() or b"").decode("latin-1")
    if not re.fullmatch(r"[1-9]\d{0,18}", key) or headers.get("ce_type") not in TYPES:
        return None
    if any(not form.fullmatch(headers.get(name, "")) for name, form in FORMS.items()):
        return None
    return key, headers["ce_type"], headers["ce_updatedstamp"], headers["ce_digest"], headers["ce_logid"]


def is_fresh(stored, stamp, digest, log_id, partition, offset):
    """Newer stamp; or the same one with another digest, further on in the log."""
    if stored is None or stamp > stored[0]:
        return True
    if stamp < stored[0] or digest == stored[1]:
        return False
    same_place = (log_id, partition) == (stored[2], stored[3])
    return not (same_place and offset <= stored[4])


def apply(database, record):
    """Applies one record where it is fresh. Returns the log's id; None where it was set aside."""
    version = read_version(record)
    if version is None:
        return None
    ticket_id, kind, stamp, digest, log_id = version
    place = (record.partition(), record.offset())
    stored = database.execute(
        'SELECT stamp, digest, log_id, "partition", "offset" FROM tickets WHERE id = ?', (ticket_id,)
    ).fetchone()
    if not is_fresh(stored, stamp, digest, log_id, *place):
        return log_id
    try:
        ticket = json.loads(record.value() or b"")
        if str(ticket["id"]) != ticket_id:
            return None
    except (ValueError, KeyError, TypeError):
        return None
    group = ticket.get("group_id")
    database.execute(
        "INSERT OR REPLACE INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            ticket_id,
            "none" if group is None else str(group),
            ticket.get("status") or "none",
            kind == TYPES[1],  # kept as a row: its version still has to be compared
            stamp,
            digest,
            log_id,
            *place,
        ),
    )
    return log_id


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--once", action="store_true", help="end at the end of the topic")
    once = arguments.parse_args().once
    topic = os.environ.get("TICKETS_TOPIC") or "tickets"
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ.get("KAFKA_BROKERS") or "127.0.0.1:9092",
            "group.id": f"{topic}.totals-python",  # asked for; offsets stand in SQLite, with the rows
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "allow.auto.create.topics": False,
            "auto.offset.reset": "error",  # a position that the log no longer has is a gap, not a reason to jump
        }
    )
    described = consumer.list_topics(topic, timeout=30).topics[topic]
    if described.error is not None:
        raise KafkaException(described.error)

    database = sqlite3.connect(FILE, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(SCHEMA)
    stored = dict(database.execute('SELECT "partition", next_offset FROM positions'))
    log = database.execute("SELECT max(log_id) FROM positions").fetchone()[0]  # all of one; None before the first record
    partitions = sorted(described.partitions)
    consumer.assign([TopicPartition(topic, p, stored.get(p, OFFSET_BEGINNING)) for p in partitions])

    ended = set()
    try:
        while not (once and len(ended) == len(partitions)):
            records = consumer.consume(num_messages=500, timeout=1.0)
            database.execute("BEGIN")
            for record in records:
                if record.error() is not None:
                    if record.error().code() != KafkaError._PARTITION_EOF:
                        raise KafkaException(record.error())
                    ended.add(record.partition())
                    continue
                log_id = apply(database, record)
                if log_id is None:
                    print(f"set aside: {topic}-{record.partition()} at {record.offset()}", file=sys.stderr)
                elif log_id != (log or log_id):
                    sys.exit(f"{topic} is another log than {FILE} was filled from: delete {FILE}, and it is filled anew")
                log = log or log_id
                position = (record.partition(), log, record.offset() + 1)
                database.execute("INSERT OR REPLACE INTO positions VALUES (?, ?, ?)", position)
            database.execute("COMMIT")
    except KeyboardInterrupt:
        pass  # what is not committed is read again
    finally:
        consumer.close()
    if database.in_transaction:
        database.execute("ROLLBACK")
    for row in database.execute(
        "SELECT team, status, count(*) FROM tickets WHERE NOT deleted GROUP BY team, status ORDER BY team, status"
    ):
        print(*row, sep="\t")
    database.close()


if __name__ == "__main__":
    main()
