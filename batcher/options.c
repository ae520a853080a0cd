/* SPDX-License-Identifier: Apache-2.0 */
/* The batcher's options. */
#include "base/clock.h"
#include "batcher/batcher.h"
#include "runner/protocol.h"

#include <stddef.h>

#define AT(field) offsetof(struct batcher_config, field)

const struct option batcher_options[] = {
    {.name = "models",
     .kind = OPTION_TEXT,
     .offset = AT(models),
     .fallback = "./models",
     .help = "Model repository: one folder per model with model.properties and a "
             "folder per version."},
    {.name = "models.load",
     .kind = OPTION_TEXT,
     .offset = AT(models_load),
     .fallback = "*",
     .help = "Models to serve: * or names, separated by commas."},
    {.name = "models.lazy",
     .kind = OPTION_BOOL,
     .offset = AT(models_lazy),
     .fallback = "false",
     .help = "Load a model when the first request for it comes, not at start."},
    {.name = "models.poll.interval",
     .kind = OPTION_DURATION,
     .offset = AT(models_poll_ns),
     .least = 0,
     .most = 86400 * NS_PER_S,
     .fallback = "5s",
     .help = "How often the repository is looked at; what two looks found alike is "
             "taken. 0: only on SIGHUP and by order."},
    {.name = "models.memory.max",
     .kind = OPTION_BYTES,
     .offset = AT(models_memory_max),
     .least = 0,
     .most = INT64_C(1) << 46,
     .fallback = "0",
     .help =
         "Memory of all loaded models; over it the one not asked for the longest is "
         "unloaded until it is asked again. 0: no limit."},
    {.name = "models.device.memory.max",
     .kind = OPTION_BYTES,
     .offset = AT(models_device_memory_max),
     .least = 0,
     .most = INT64_C(1) << 46,
     .fallback = "0",
     .help = "Memory of all loaded models on each device other than a cpu; over it one "
             "of that device is unloaded, as for models.memory.max. 0: no limit."},
    {.name = "models.swap",
     .kind = OPTION_TEXT,
     .offset = AT(models_swap),
     .choices = "beside|unload_first",
     .fallback = "beside",
     .help = "A new version of a model is loaded beside the old one, which answers "
             "meanwhile, or after it, where memory does not hold both: then requests "
             "wait."},
    {.name = "admin.listen",
     .kind = OPTION_TEXT,
     .offset = AT(admin_listen),
     .fallback = "",
     .help = "Address of /metrics, /livez, /readyz and /startupz; off unless given."},
    {.name = "runner.command",
     .kind = OPTION_TEXT,
     .offset = AT(runner_command),
     .fallback = "",
     .help = "Program that holds a model; leat-runner beside this program unless "
             "given."},
    {.name = "runner.python",
     .kind = OPTION_TEXT,
     .offset = AT(runner_python),
     .fallback = "python3",
     .help = "Python with NumPy that holds models of platform=python, unless "
             "python.command in a model.properties names another."},
    {.name = "runner.python.script",
     .kind = OPTION_TEXT,
     .offset = AT(runner_python_script),
     .fallback = "",
     .help = "leat_runner.py; ../share/leat/python/leat_runner.py from this program "
             "unless given."},
    {.name = "runner.memory.max",
     .kind = OPTION_BYTES,
     .offset = AT(runner_memory_max),
     .least = 0,
     .most = INT64_C(1) << 46,
     .fallback = "0",
     .help = "Memory that a runner may hold for itself, besides the slots and mapped "
             "files: over it, it is started again between two batches, half over it "
             "at once. memory.max in a model.properties replaces it for that model. "
             "0: no limit."},
    {.name = "group.instance.id",
     .kind = OPTION_TEXT,
     .offset = AT(group_instance),
     .fallback = "",
     .help = "Static member of the consumer groups: a restart within the session "
             "timeout keeps its partitions."},
    {.name = "reply.topics.allow",
     .kind = OPTION_TEXT,
     .offset = AT(reply_allow),
     .fallback = "",
     .help = "Topics beside the replies topic that a request may name for its answer: "
             "names or prefix*, separated by commas."},
    {.name = "dead.letters.headers",
     .kind = OPTION_TEXT,
     .offset = AT(dead_letter_headers),
     .choices = "connect|spring|streams",
     .fallback = "connect",
     .help = "Whose names the headers of a dead letter have: those of Kafka Connect, "
             "of Spring (kafka_dlt-...) or of Kafka Streams."},
    {.name = "batcher.queue.requests",
     .kind = OPTION_INT,
     .offset = AT(queue_requests_max),
     .least = 1,
     .most = 1000000,
     .fallback = "8192",
     .help = "Requests of a model that may wait for a batch before its partitions are "
             "paused."},
    {.name = "batcher.queue.bytes",
     .kind = OPTION_BYTES,
     .offset = AT(queue_bytes_max),
     .least = 1024,
     .most = INT64_C(1) << 40,
     .fallback = "256MiB",
     .help = "Tensor bytes of a model that may wait for a batch."},
    {.name = "batcher.run.timeout",
     .kind = OPTION_DURATION,
     .offset = AT(run_timeout_ns),
     .least = NS_PER_MS,
     .most = 86400 * NS_PER_S,
     .fallback = "60s",
     .help = "A batch that runs longer is taken for hung: its runner is killed, the "
             "batch split."},
    {.name = "batcher.slot.bytes",
     .kind = OPTION_BYTES,
     .offset = AT(slot_bytes),
     .least = 256LL * 1024,
     .most = INT64_C(1) << 36,
     .fallback = "64MiB",
     .help = "Shared memory for inputs and outputs of one batch; three per instance of "
             "a model, taken as used."},
    {.name = "batcher.commit.interval",
     .kind = OPTION_DURATION,
     .offset = AT(commit_interval_ns),
     .least = NS_PER_MS,
     .most = 60 * NS_PER_S,
     .fallback = "200ms",
     .help = "How often offsets of answered requests are committed."},
    {.name = "rebalance.timeout",
     .kind = OPTION_DURATION,
     .offset = AT(rebalance_timeout_ns),
     .least = 0,
     .most = 3600 * NS_PER_S,
     .fallback = "10s",
     .help = "Longest time that partitions which go to another member are kept for "
             "what runs of them; at most 4/5 of Kafka's max.poll.interval.ms."},
    {.name = "drain.timeout",
     .kind = OPTION_DURATION,
     .offset = AT(drain_timeout_ns),
     .least = NS_PER_MS,
     .most = 3600 * NS_PER_S,
     .fallback = "30s",
     .help = "Longest time from SIGTERM to the end; work unfinished then is given back "
             "and the exit status is 1."},
    {.name = "processing.guarantee",
     .kind = OPTION_TEXT,
     .offset = AT(guarantee),
     .fallback = "at_least_once",
     .help = "exactly_once_v2: answers, dead letters and request offsets in one Kafka "
             "transaction, so a read_committed reader sees each answer once.",
     .choices = "at_least_once|exactly_once_v2"},
    {.name = "transaction.interval",
     .kind = OPTION_DURATION,
     .offset = AT(transaction_interval_ns),
     .least = NS_PER_MS,
     .most = 60 * NS_PER_S,
     .fallback = "50ms",
     .help = "How long a transaction takes answers before it is committed; they are "
             "seen only then."},
    {.name = "transaction.timeout",
     .kind = OPTION_DURATION,
     .offset = AT(transaction_timeout_ns),
     .least = NS_PER_S,
     .most = 900 * NS_PER_S,
     .fallback = "10s",
     .help = "Kafka aborts a transaction that lasts longer; so long readers may wait "
             "after a crash."},
};

const size_t batcher_option_count = sizeof batcher_options / sizeof batcher_options[0];
