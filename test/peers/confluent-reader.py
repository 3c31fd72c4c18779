"""Reads a topic to its end by confluent-kafka, read_committed: one line of JSON a record, value as its SHA-256.

usage: confluent-reader.py <brokers> <topic> <number of partitions>
"""
import hashlib
import json
import sys

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

brokers, topic, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
consumer = Consumer(
    {
        "bootstrap.servers": brokers,
        "group.id": f"{topic}.confluent-reader",
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
    }
)
consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])


def text(data):
    return None if data is None else data.decode("utf-8") if isinstance(data, bytes) else data


at_end = set()
while len(at_end) < partitions:
    message = consumer.poll(30)
    if message is None:
        sys.exit("nothing came for 30 s, and the end was not reached")
    error = message.error()
    if error is not None:
        if error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)
        at_end.add(message.partition())
        continue
    value = message.value()
    print(
        json.dumps(
            {
                "partition": message.partition(),
                "offset": message.offset(),
                "key": text(message.key()),
                "headers": [[name, text(data)] for name, data in message.headers() or []],
                "value": None if value is None else hashlib.sha256(value).hexdigest(),
            }
        )
    )
consumer.close()
