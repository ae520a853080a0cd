/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's second way: 202 at once, the answer fetched later by the job's id. */
#include "base/uuid.h"
#include "cli/demo.h"

#include <stdio.h>
#include <string.h>

struct polled {
    size_t answers;
    int code;
    char text[1024]; /* body of the last answer, cut */
};

static void
polled_answered(void *arg, const struct http_answer *answer)
{
    struct polled *p = arg;
    p->answers++;
    p->code = answer->status == STATUS_OK ? answer->code : 0;
    size_t size = answer->body.size < sizeof(p->text) - 1 ? answer->body.size
                                                          : sizeof(p->text) - 1;
    if (size > 0) {
        memcpy(p->text, answer->body.data, size);
    }
    p->text[size] = '\0';
}

/* The job's id in the 202's body. */
static bool
find_id(const char *body, char id[static UUID_TEXT + 1])
{
    const char *at = strstr(body, "\"id\":\"");
    if (at == NULL || strlen(at) < 6 + UUID_TEXT) {
        return false;
    }
    memcpy(id, at + 6, UUID_TEXT);
    id[UUID_TEXT] = '\0';
    return true;
}

bool
demo_polled(struct demo *d)
{
    printf(
        "\n2. Polled: the same with Prefer: respond-async, then GET /v1/jobs/{id}\n\n");
    struct polled p = {.answers = 0};
    struct buf body;
    buf_init(&body, 4096);
    buf_append_text(&body, "{");
    digits_body(&d->digits, 0, &body);
    buf_append_text(&body, "}");
    enum status status =
        demo_call(d, "POST", "/v2/models/digits/infer", "respond-async",
                  buf_span(&body), polled_answered, &p);
    buf_fini(&body);
    char id[UUID_TEXT + 1] = "";
    if (status != STATUS_OK || !demo_wait(d, &p.answers, 1) || p.code != 202 ||
        !find_id(p.text, id)) {
        fprintf(stderr, "leat demo: no 202: %d %s\n", p.code, p.text);
        return false;
    }
    printf("  202 at once: %s\n", p.text);
    char path[128];
    snprintf(path, sizeof(path), "/v1/jobs/%s/result?wait=10", id);
    status = demo_call(d, "GET", path, NULL, span_of(NULL, 0), polled_answered, &p);
    if (status != STATUS_OK || !demo_wait(d, &p.answers, 2) || p.code != 200) {
        fprintf(stderr, "leat demo: no result: %d %s\n", p.code, p.text);
        return false;
    }
    int answer = digits_answer(span_of_text(p.text));
    printf("  later:       it is a %d (label %u)\n", answer,
           digits_label(&d->digits, 0));
    return answer >= 0;
}
