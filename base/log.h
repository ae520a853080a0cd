/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event of interest, to stderr: time, level, a stable event id, fields.
 * Pretty on a terminal, logfmt otherwise, JSON on request (option log.format). Pure
 * modules never log. Repeats of one event are limited (20 a second, then a count).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/option.h"
#include "base/span.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_AUTO, LOG_PRETTY, LOG_LOGFMT, LOG_JSON };

enum log_kind { LOG_FIELD_END, LOG_FIELD_TEXT, LOG_FIELD_INT, LOG_FIELD_DOUBLE };

struct log_field {
    enum log_kind kind;
    const char *key;
    struct span text;
    int64_t number;
    double real;
};

static inline struct log_field
log_span(const char *key, struct span value)
{
    return (struct log_field){.kind = LOG_FIELD_TEXT, .key = key, .text = value};
}

static inline struct log_field
log_text(const char *key, const char *value)
{
    return log_span(key, span_of_text(value == NULL ? "" : value));
}

static inline struct log_field
log_int(const char *key, int64_t value)
{
    return (struct log_field){.kind = LOG_FIELD_INT, .key = key, .number = value};
}

static inline struct log_field
log_real(const char *key, double value)
{
    return (struct log_field){.kind = LOG_FIELD_DOUBLE, .key = key, .real = value};
}

static inline struct log_field
log_status(enum status status)
{
    return log_text("status", status_name(status));
}

/* log_info("kafka_down", log_text("broker", name), log_int("waited_ms", 10)); */
#define log_debug(event, ...) log_write(LOG_DEBUG, event, LOG_FIELDS(__VA_ARGS__))
#define log_info(event, ...)  log_write(LOG_INFO, event, LOG_FIELDS(__VA_ARGS__))
#define log_warn(event, ...)  log_write(LOG_WARN, event, LOG_FIELDS(__VA_ARGS__))
#define log_error(event, ...) log_write(LOG_ERROR, event, LOG_FIELDS(__VA_ARGS__))
#define LOG_FIELDS(...)                                                                \
    (const struct log_field[])                                                         \
    {                                                                                  \
        __VA_ARGS__,                                                                   \
        {                                                                              \
            .kind = LOG_FIELD_END                                                      \
        }                                                                              \
    }

/** Set once at start, before any thread. @param[in] component such as "ingest" */
void log_setup(const char *component, enum log_level least, enum log_format format);

struct log_config {
    const char *level;  /* log.level */
    const char *format; /* log.format */
};

extern const struct option log_options[];
extern const size_t log_option_count;

/** log_setup() from the options. */
void log_configure(const char *component, const struct log_config *config);

/** @param[in] fields ended by LOG_FIELD_END @thread any */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

/** An event without fields. */
void log_event(enum log_level level, const char *event);

#endif
