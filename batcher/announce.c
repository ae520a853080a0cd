/* SPDX-License-Identifier: Apache-2.0 */
/* One parcel and one buffer per version of a model, used again and again; a version
 * that is not said in a round any more gets a tombstone. */
#include "batcher/announce.h"

#include "base/clock.h"
#include "base/log.h"
#include "schemas/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANNOUNCEMENT_MAX = 1024 * 1024, KEY_BYTES = 512, INSTANCE_BYTES = 128 };

struct announcement {
    struct announcement *next;
    struct parcel parcel;
    struct buf bytes;
    char key[KEY_BYTES];
    uint64_t round; /* in which it was said last */
    bool under_way;
    bool withdrawn;  /* its tombstone was sent */
    bool is_running; /* of what runs: not part of the rounds */
};

struct announcer {
    struct outbox *outbox;
    struct producer_topic *topic;
    char instance[INSTANCE_BYTES];
    uint64_t round;
    bool behind; /* something could not be said in this round */
    struct announcement *first;
};

static void
announcement_done(struct parcel *p, enum status status)
{
    struct announcement *a =
        (struct announcement *)(void *)((char *)p -
                                        offsetof(struct announcement, parcel));
    a->under_way = false;
    if (status != STATUS_OK && status != STATUS_CLOSED) {
        log_warn("announcement_refused", log_status(status));
    }
}

static void
instance_name(struct announcer *a, const char *instance)
{
    if (instance != NULL) {
        snprintf(a->instance, sizeof a->instance, "%s", instance);
        return;
    }
    char host[64] = "host";
    (void)gethostname(host, sizeof host - 1);
    snprintf(a->instance, sizeof a->instance, "%s-%d", host, (int)getpid());
}

enum status
announcer_create(struct announcer **out,
                 struct outbox *outbox,
                 const struct bus_config *bus,
                 const char *instance,
                 struct fault *fault)
{
    struct announcer *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for announcements");
    }
    a->outbox = outbox;
    instance_name(a, instance);
    char name[TOPIC_NAME_MAX + 1];
    enum status status = bus_topic_name(bus, TOPIC_MODELS, span_of(NULL, 0), name);
    if (status == STATUS_OK) {
        status = outbox_topic(outbox, name, &a->topic);
    }
    if (status != STATUS_OK) {
        announcer_destroy(&a);
        return fault_set(fault, status, "the models topic has no valid name");
    }
    *out = a;
    return STATUS_OK;
}

static void
announcement_destroy(struct announcement **announcement)
{
    buf_fini(&(*announcement)->bytes);
    free(*announcement);
    *announcement = NULL;
}

void
announcer_destroy(struct announcer **announcer)
{
    struct announcer *a = *announcer;
    *announcer = NULL;
    if (a == NULL) {
        return;
    }
    while (a->first != NULL) {
        struct announcement *item = a->first;
        a->first = item->next;
        announcement_destroy(&item);
    }
    free(a);
}

void
announcer_begin(struct announcer *a)
{
    a->round++;
    a->behind = false;
}

/** That of the key, new if need be; NULL without memory. */
static struct announcement *
find_or_add(struct announcer *a, const char *key)
{
    struct announcement **link = &a->first;
    while (*link != NULL && strcmp((*link)->key, key) != 0) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        *link = calloc(1, sizeof **link);
        if (*link != NULL) {
            snprintf((*link)->key, sizeof(*link)->key, "%s", key);
            buf_init(&(*link)->bytes, ANNOUNCEMENT_MAX);
        }
    }
    return *link;
}

static void
announcement_send(struct announcer *a, struct announcement *item)
{
    item->parcel.done = announcement_done;
    item->parcel.record = (struct outgoing){
        .topic = a->topic,
        .partition = PARTITION_BY_KEY,
        .key = span_of(item->key, strlen(item->key)),
        .value = item->withdrawn ? span_of(NULL, 0) : buf_span(&item->bytes)};
    item->under_way = true;
    outbox_send(a->outbox, &item->parcel);
}

void
announcer_say(struct announcer *a, const struct model_info *info)
{
    char key[KEY_BYTES];
    snprintf(key, sizeof key, "%.*s/%.*s@%s", (int)info->model.size,
             (const char *)info->model.data, (int)info->version.size,
             (const char *)info->version.data, a->instance);
    struct announcement *item = find_or_add(a, key);
    if (item == NULL || item->under_way) {
        a->behind = true;
        if (item != NULL) {
            item->round = a->round;
        }
        return;
    }
    item->round = a->round;
    item->withdrawn = false;
    struct model_info stamped = *info;
    stamped.instance = span_of_text(a->instance);
    stamped.published_us = clock_wall_us();
    buf_reset(&item->bytes);
    model_info_encode(&stamped, &item->bytes);
    if (item->bytes.status == STATUS_OK) {
        announcement_send(a, item);
    }
}

/** Says that it is gone, or forgets it once that is acknowledged. @return true: the
 * link leads to the next one now */
static bool
withdraw(struct announcer *a, struct announcement **link)
{
    struct announcement *item = *link;
    if (item->under_way) {
        a->behind = true;
    } else if (!item->withdrawn) {
        item->withdrawn = true;
        a->behind = true;
        announcement_send(a, item);
    } else {
        *link = item->next;
        announcement_destroy(&item);
        return true;
    }
    return false;
}

bool
announcer_end(struct announcer *a)
{
    for (struct announcement **link = &a->first; *link != NULL;) {
        bool stays = (*link)->is_running || (*link)->round == a->round;
        if (stays || !withdraw(a, link)) {
            link = &(*link)->next;
        }
    }
    return !a->behind;
}

bool
announcer_say_running(struct announcer *a, const struct running *running)
{
    char key[KEY_BYTES];
    snprintf(key, sizeof key, "running:%.*s@%s", (int)running->model.size,
             (const char *)running->model.data, a->instance);
    struct announcement *item = find_or_add(a, key);
    if (item == NULL || item->under_way) {
        return false;
    }
    item->is_running = true;
    item->withdrawn = running->id_count == 0;
    struct running stamped = *running;
    stamped.instance = span_of_text(a->instance);
    stamped.published_us = clock_wall_us();
    buf_reset(&item->bytes);
    running_encode(&stamped, &item->bytes);
    if (item->bytes.status != STATUS_OK) {
        return false;
    }
    announcement_send(a, item);
    return true;
}
