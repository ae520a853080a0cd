# SPDX-License-Identifier: Apache-2.0
"""What an operator does to a Kafka behind Leat's back, through librdkafka's admin calls: topics
deleted and enlarged, records deleted, offsets of a group read and set, coordinators found."""
import ctypes
import json
import subprocess

_PRODUCER, _CONSUMER = 0, 1
_WAIT_MS = 20000
_rd = ctypes.CDLL("librdkafka.so.1")
for _name in ("conf_new", "new", "queue_new", "queue_poll", "topic_partition_list_new",
              "topic_partition_list_add", "DeleteTopic_new", "NewPartitions_new",
              "DeleteRecords_new"):
    getattr(_rd, f"rd_kafka_{_name}").restype = ctypes.c_void_p
_rd.rd_kafka_err2str.restype = ctypes.c_char_p
_rd.rd_kafka_event_error_string.restype = ctypes.c_char_p


class _Partition(ctypes.Structure):
    _fields_ = [("topic", ctypes.c_char_p), ("partition", ctypes.c_int32),
                ("offset", ctypes.c_int64), ("metadata", ctypes.c_void_p),
                ("metadata_size", ctypes.c_size_t), ("opaque", ctypes.c_void_p),
                ("err", ctypes.c_int), ("private", ctypes.c_void_p)]


class _Partitions(ctypes.Structure):
    _fields_ = [("count", ctypes.c_int), ("size", ctypes.c_int),
                ("items", ctypes.POINTER(_Partition))]


def _list(topic, offsets):
    """offsets: {partition: offset}."""
    found = ctypes.c_void_p(_rd.rd_kafka_topic_partition_list_new(len(offsets)))
    for partition, offset in offsets.items():
        item = _rd.rd_kafka_topic_partition_list_add(found, topic.encode(), partition)
        ctypes.cast(item, ctypes.POINTER(_Partition)).contents.offset = offset
    return found


class Admin:
    """Of one Kafka; a group where offsets are read or set."""

    def __init__(self, brokers, group=None):
        self.brokers = brokers
        conf = ctypes.c_void_p(_rd.rd_kafka_conf_new())
        settings = {"bootstrap.servers": brokers}
        if group is not None:
            settings["group.id"] = group
        why = ctypes.create_string_buffer(256)
        for key, value in settings.items():
            assert _rd.rd_kafka_conf_set(conf, key.encode(), value.encode(), why, 256) == 0
        self.rk = ctypes.c_void_p(_rd.rd_kafka_new(_CONSUMER if group else _PRODUCER, conf,
                                                   why, 256))
        assert self.rk, why.value

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _rd.rd_kafka_destroy(self.rk)

    def _ask(self, call, thing):
        things = (ctypes.c_void_p * 1)(thing)
        queue = ctypes.c_void_p(_rd.rd_kafka_queue_new(self.rk))
        call(self.rk, things, ctypes.c_size_t(1), None, queue)
        event = ctypes.c_void_p(_rd.rd_kafka_queue_poll(queue, _WAIT_MS))
        assert event, "no answer from Kafka"
        assert _rd.rd_kafka_event_error(event) == 0, _rd.rd_kafka_event_error_string(event)
        _rd.rd_kafka_event_destroy(event)
        _rd.rd_kafka_queue_destroy(queue)

    def delete_topic(self, topic):
        self._ask(_rd.rd_kafka_DeleteTopics, _rd.rd_kafka_DeleteTopic_new(topic.encode()))

    def enlarge_topic(self, topic, partitions):
        why = ctypes.create_string_buffer(256)
        self._ask(_rd.rd_kafka_CreatePartitions, _rd.rd_kafka_NewPartitions_new(
            topic.encode(), ctypes.c_size_t(partitions), why, ctypes.c_size_t(256)))

    def partitions(self, topic):
        """How many there are; 0 without the topic."""
        run = subprocess.run(["kcat", "-b", self.brokers, "-L", "-J"],
                             stdout=subprocess.PIPE, check=True, timeout=60)
        return sum(len(each["partitions"]) for each in json.loads(run.stdout)["topics"]
                   if each["topic"] == topic)

    def delete_records(self, topic, before):
        """before: {partition: first offset to be kept}."""
        partitions = _list(topic, before)
        self._ask(_rd.rd_kafka_DeleteRecords, _rd.rd_kafka_DeleteRecords_new(partitions))
        _rd.rd_kafka_topic_partition_list_destroy(partitions)

    def commit(self, topic, offsets):
        """Of a group without members."""
        partitions = _list(topic, offsets)
        error = _rd.rd_kafka_commit(self.rk, partitions, 0)
        assert error == 0, _rd.rd_kafka_err2str(error)
        _rd.rd_kafka_topic_partition_list_destroy(partitions)

    def committed(self, topic, count):
        """{partition: offset} of the first `count`; without those that have none."""
        partitions = _list(topic, {p: -1001 for p in range(count)})
        error = _rd.rd_kafka_committed(self.rk, partitions, _WAIT_MS)
        assert error == 0, _rd.rd_kafka_err2str(error)
        found = ctypes.cast(partitions, ctypes.POINTER(_Partitions)).contents
        items = [found.items[i] for i in range(found.count)]
        offsets = {item.partition: item.offset for item in items if item.offset >= 0}
        _rd.rd_kafka_topic_partition_list_destroy(partitions)
        return offsets


def coordinator(brokers, group, partitions=8):
    """The broker that keeps a group's offsets, by the leader of its part of the topic."""
    value = 0
    for c in group:
        value = (31 * value + ord(c)) & 0xffffffff  # Java's String.hashCode()
    part = (value & 0x7fffffff) % partitions
    run = subprocess.run(["kcat", "-b", brokers, "-L", "-J", "-t", "__consumer_offsets"],
                         stdout=subprocess.PIPE, check=True, timeout=60)
    for each in json.loads(run.stdout)["topics"][0]["partitions"]:
        if each["partition"] == part:
            return each["leader"]
    raise AssertionError(f"no partition {part} of the offsets")
