/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is built in a buffer on the stack and written with one write(2), so lines of
 * several threads never mix. Long values are cut, fields past the end left out.
 */
#include "base/log.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_BYTES = 16384,
    VALUE_BYTES = 1024,
    FIELD_BYTES = 6 * VALUE_BYTES + 256,
    REPEAT_SLOTS = 64,
    REPEATS_PER_S = 20
};

struct line {
    char text[LINE_BYTES];
    size_t size;
};

/* How often an event was logged in the running second; slots are shared by hash. */
struct repeat {
    const char *event;
    int64_t second;
    unsigned count;
    unsigned dropped;
};

static struct {
    const char *component;
    enum log_level least;
    enum log_format format;
    pthread_mutex_t lock;
    struct repeat repeats[REPEAT_SLOTS]; /* lock */
} logger = {
    .component = "leat",
    .least = LOG_INFO,
    .format = LOG_LOGFMT,
    .lock = PTHREAD_MUTEX_INITIALIZER,
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const level_colors[] = {"\033[2m", "\033[32m", "\033[33m",
                                           "\033[31m"};

static void
line_put(struct line *l, const char *data, size_t size)
{
    size_t room = sizeof(l->text) - 2 - l->size; /* newline and NUL */
    size = size > room ? room : size;
    memcpy(l->text + l->size, data, size);
    l->size += size;
}

static void
line_text(struct line *l, const char *text)
{
    line_put(l, text, strlen(text));
}

PRINTF_LIKE(2, 3)
static void
line_format(struct line *l, const char *format, ...)
{
    char piece[128];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(piece, sizeof(piece), format, args);
    va_end(args);
    size = size < 0 ? 0 : size;
    line_put(l, piece, (size_t)size < sizeof(piece) ? (size_t)size : sizeof(piece) - 1);
}

/* In quotes, with what would break a line or a parser escaped. */
static void
line_quoted(struct line *l, struct span value)
{
    line_text(l, "\"");
    size_t size = value.size < VALUE_BYTES ? value.size : VALUE_BYTES;
    for (size_t i = 0; i < size; i++) {
        uint8_t c = value.data[i];
        if (c == '"' || c == '\\') {
            line_format(l, "\\%c", c);
        } else if (c == '\n') {
            line_text(l, "\\n");
        } else if (c < 0x20 || c == 0x7f) {
            line_format(l, "\\u%04x", c);
        } else {
            line_put(l, (const char *)&c, 1);
        }
    }
    line_text(l, "\"");
}

static bool
is_plain(struct span value)
{
    for (size_t i = 0; i < value.size; i++) {
        uint8_t c = value.data[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f) {
            return false;
        }
    }
    return value.size > 0;
}

static void
line_value(struct line *l, const struct log_field *f, bool json)
{
    if (f->kind == LOG_FIELD_INT) {
        line_format(l, "%lld", (long long)f->number);
    } else if (f->kind == LOG_FIELD_DOUBLE) {
        line_format(l, "%.6g", f->real);
    } else if (!json && f->text.size < VALUE_BYTES && is_plain(f->text)) {
        line_put(l, (const char *)f->text.data, f->text.size);
    } else {
        line_quoted(l, f->text);
    }
}

static void
line_fields(struct line *l, const struct log_field *fields, bool json)
{
    for (const struct log_field *f = fields; f->kind != LOG_FIELD_END; f++) {
        if (sizeof(l->text) - l->size < FIELD_BYTES) {
            return; /* the line must still parse */
        }
        line_format(l, json ? ",\"%s\":" : " %s=", f->key);
        line_value(l, f, json);
    }
}

static void
line_time(struct line *l, bool with_date)
{
    int64_t us = clock_wall_us();
    time_t seconds = (time_t)(us / 1000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    char text[40];
    if (with_date) {
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    } else {
        strftime(text, sizeof(text), "%H:%M:%S", &parts);
    }
    line_format(l, "%s.%06d", text, (int)(us % 1000000));
}

static void
line_head(struct line *l, enum log_level level, const char *event)
{
    switch (logger.format) {
    case LOG_JSON:
        line_text(l, "{\"ts\":\"");
        line_time(l, true);
        line_format(l, "Z\",\"level\":\"%s\",\"component\":\"%s\",\"msg\":\"%s\"",
                    level_names[level], logger.component, event);
        break;
    case LOG_PRETTY:
        line_time(l, false);
        line_format(l, " %s%-5s\033[0m %s \033[1m%s\033[0m", level_colors[level],
                    level_names[level], logger.component, event);
        break;
    case LOG_AUTO:
    case LOG_LOGFMT:
        line_text(l, "ts=");
        line_time(l, true);
        line_format(l, "Z level=%s component=%s msg=%s", level_names[level],
                    logger.component, event);
        break;
    }
}

/*
 * Whether this event may be logged now.
 *
 * @param[out] dropped repeats left out in an earlier second, to be told now
 */
static bool
repeat_allows(const char *event, unsigned *dropped)
{
    int64_t second = clock_mono_ns() / NS_PER_S;
    unsigned hash = 0;
    for (const char *c = event; *c != '\0'; c++) {
        hash = hash * 31 + (unsigned char)*c;
    }
    pthread_mutex_lock(&logger.lock);
    struct repeat *r = &logger.repeats[hash % REPEAT_SLOTS];
    bool same = r->event != NULL && strcmp(r->event, event) == 0;
    if (!same || r->second != second) {
        *dropped = same ? r->dropped : 0;
        *r = (struct repeat){.event = event, .second = second};
    }
    bool allowed = r->count++ < REPEATS_PER_S;
    r->dropped += allowed ? 0 : 1;
    pthread_mutex_unlock(&logger.lock);
    return allowed;
}

const struct option log_options[] = {
    {.name = "log.level",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct log_config, level),
     .fallback = "info",
     .choices = "debug|info|warn|error",
     .help = "Least severe lines that are written."},
    {.name = "log.format",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct log_config, format),
     .fallback = "auto",
     .choices = "auto|pretty|logfmt|json",
     .help = "Form of a line; auto is pretty on a terminal and logfmt elsewhere."},
};
const size_t log_option_count = sizeof(log_options) / sizeof(log_options[0]);

void
log_configure(const char *component, const struct log_config *config)
{
    static const char *const formats[] = {"auto", "pretty", "logfmt", "json"};
    enum log_level least = LOG_INFO;
    enum log_format format = LOG_AUTO;
    for (unsigned i = 0; i < 4; i++) {
        least = strcmp(config->level, level_names[i]) == 0 ? (enum log_level)i : least;
        format = strcmp(config->format, formats[i]) == 0 ? (enum log_format)i : format;
    }
    log_setup(component, least, format);
}

void
log_setup(const char *component, enum log_level least, enum log_format format)
{
    bool pretty = isatty(STDERR_FILENO) == 1;
    logger.component = component;
    logger.least = least;
    logger.format = format != LOG_AUTO ? format : pretty ? LOG_PRETTY : LOG_LOGFMT;
}

void
log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    unsigned dropped = 0;
    if (level < logger.least || !repeat_allows(event, &dropped)) {
        return;
    }
    bool json = logger.format == LOG_JSON;
    struct line l = {.size = 0};
    line_head(&l, level, event);
    line_fields(&l, fields, json);
    if (dropped > 0) {
        struct log_field repeats[] = {log_int("repeats_left_out", dropped),
                                      {.kind = LOG_FIELD_END}};
        line_fields(&l, repeats, json);
    }
    line_text(&l, json ? "}" : "");
    l.text[l.size++] = '\n';
    ssize_t n = write(STDERR_FILENO, l.text, l.size);
    (void)n; /* nowhere left to say that stderr is gone */
}

void
log_event(enum log_level level, const char *event)
{
    log_write(level, event, (const struct log_field[]){{.kind = LOG_FIELD_END}});
}
