# SPDX-License-Identifier: Apache-2.0
"""A Kafka client for records that kcat cannot write or show: headers of any bytes, or null.
librdkafka by ctypes; its calls as <librdkafka/rdkafka.h> declares them."""
import ctypes
import time

_PRODUCER, _CONSUMER = 0, 1
_MESSAGE_COPIES = 2  # RD_KAFKA_MSG_F_COPY
_PARTITION_ANY = -1
_BEGINNING = -2
_END_OF_PARTITION = -191  # RD_KAFKA_RESP_ERR__PARTITION_EOF
_TEXT = 512


class _Message(ctypes.Structure):  # rd_kafka_message_t
    _fields_ = [("error", ctypes.c_int), ("topic", ctypes.c_void_p),
                ("partition", ctypes.c_int32), ("payload", ctypes.c_void_p),
                ("size", ctypes.c_size_t), ("key", ctypes.c_void_p),
                ("key_size", ctypes.c_size_t), ("offset", ctypes.c_int64),
                ("private", ctypes.c_void_p)]


def _library():
    lib = ctypes.CDLL("librdkafka.so.1")
    pointers = ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_headers_new",
                "rd_kafka_topic_partition_list_new", "rd_kafka_topic_partition_list_add")
    for name in pointers:
        getattr(lib, name).restype = ctypes.c_void_p
    lib.rd_kafka_consumer_poll.restype = ctypes.POINTER(_Message)
    return lib


_lib = _library()


def _open(kind, settings):
    conf = ctypes.c_void_p(_lib.rd_kafka_conf_new())
    words = ctypes.create_string_buffer(_TEXT)
    for key, value in settings.items():
        failed = _lib.rd_kafka_conf_set(conf, key.encode(), value.encode(), words, _TEXT)
        assert failed == 0, words.value
    handle = _lib.rd_kafka_new(kind, conf, words, _TEXT)
    assert handle, words.value
    return ctypes.c_void_p(handle)


class _Value(ctypes.Union):
    _fields_ = [("i32", ctypes.c_int32), ("text", ctypes.c_char_p),
                ("headers", ctypes.c_void_p),
                ("memory", ctypes.c_void_p * 2), ("padding", ctypes.c_char * 64)]


class _Argument(ctypes.Structure):  # rd_kafka_vu_t
    _fields_ = [("kind", ctypes.c_int), ("u", _Value)]


_V_TOPIC, _V_PARTITION, _V_VALUE, _V_KEY, _V_FLAGS, _V_HEADERS = 1, 3, 4, 5, 7, 10


class Producer:
    """Sends records; leaving the block waits until all are stored."""

    def __init__(self, brokers):
        self.handle = _open(_PRODUCER, {"bootstrap.servers": brokers, "linger.ms": "0"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        left = _lib.rd_kafka_flush(self.handle, 20000)
        _lib.rd_kafka_destroy(self.handle)
        assert left == 0, f"{left} records were not stored"

    def send(self, topic, value, key=None, headers=(), partition=_PARTITION_ANY):
        """`headers`: (name, bytes or None) each."""
        made = ctypes.c_void_p(_lib.rd_kafka_headers_new(8))
        for name, content in headers:
            size = 0 if content is None else len(content)
            _lib.rd_kafka_header_add(made, name.encode(), ctypes.c_ssize_t(-1), content,
                                     ctypes.c_ssize_t(size))
        arguments = (_Argument * 6)()
        kept = [ctypes.create_string_buffer(part, len(part)) if part else None
                for part in (value, key)]
        for slot, kind in zip(arguments, (_V_TOPIC, _V_PARTITION, _V_FLAGS, _V_HEADERS,
                                          _V_VALUE, _V_KEY)):
            slot.kind = kind
        arguments[0].u.text = topic.encode()
        arguments[1].u.i32 = partition
        arguments[2].u.i32 = _MESSAGE_COPIES
        arguments[3].u.headers = made.value
        for slot, memory in zip(arguments[4:], kept):
            slot.u.memory[0] = ctypes.addressof(memory) if memory is not None else None
            slot.u.memory[1] = len(memory) if memory is not None else None
        error = _lib.rd_kafka_produceva(self.handle, arguments, ctypes.c_size_t(6))
        assert not error, "the record was not taken"


def _headers(message):
    """(name, bytes or None) each."""
    made = ctypes.c_void_p()
    if _lib.rd_kafka_message_headers(message, ctypes.byref(made)) != 0:
        return []
    found = []
    name, value, size = ctypes.c_char_p(), ctypes.c_void_p(), ctypes.c_size_t()
    while _lib.rd_kafka_header_get_all(made, ctypes.c_size_t(len(found)), ctypes.byref(name),
                                       ctypes.byref(value), ctypes.byref(size)) == 0:
        content = None if not value.value else ctypes.string_at(value.value, size.value)
        found.append((name.value.decode(), content))
    return found


def read(brokers, topic, partitions, seconds=20):
    """Every record of a topic: (partition, key, value, headers)."""
    handle = _open(_CONSUMER, {"bootstrap.servers": brokers, "group.id": "test",
                               "enable.auto.commit": "false", "enable.partition.eof": "true"})
    _lib.rd_kafka_poll_set_consumer(handle)
    wanted = ctypes.c_void_p(_lib.rd_kafka_topic_partition_list_new(partitions))
    for number in range(partitions):
        one = _lib.rd_kafka_topic_partition_list_add(wanted, topic.encode(), number)
        assert _lib.rd_kafka_topic_partition_list_set_offset(
            wanted, topic.encode(), number, ctypes.c_int64(_BEGINNING)) == 0 and one
    assert _lib.rd_kafka_assign(handle, wanted) == 0
    records, ended, limit = [], set(), time.monotonic() + seconds
    while len(ended) < partitions:
        assert time.monotonic() < limit, f"{topic} has no end"
        message = _lib.rd_kafka_consumer_poll(handle, 100)
        if not message:
            continue
        m = message.contents
        if m.error == _END_OF_PARTITION:
            ended.add(m.partition)
        elif m.error == 0:
            records.append((m.partition,
                            ctypes.string_at(m.key, m.key_size) if m.key else None,
                            ctypes.string_at(m.payload, m.size) if m.payload else None,
                            _headers(message)))
        _lib.rd_kafka_message_destroy(message)
    _lib.rd_kafka_topic_partition_list_destroy(wanted)
    _lib.rd_kafka_consumer_close(handle)
    _lib.rd_kafka_destroy(handle)
    return records
