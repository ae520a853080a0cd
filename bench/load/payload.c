/* SPDX-License-Identifier: Apache-2.0 */
/* Every request carries its number in its first bytes, so no two answers are alike. */
#include "bench/load/load.h"

#include <stdlib.h>
#include <string.h>

bool
payload_init(struct payload *p, const char *model, size_t bytes, bool json)
{
    *p = (struct payload){.model = model, .bytes = bytes, .json = json};
    p->data = malloc(bytes);
    buf_init(&p->head, (size_t)16 << 20);
    for (size_t i = 0; p->data != NULL && i < bytes; i++) {
        p->data[i] = (uint8_t)(i * 7 + 3);
    }
    return p->data != NULL;
}

void
payload_fini(struct payload *p)
{
    free(p->data);
    buf_fini(&p->head);
}

static uint64_t
fnv1a(const uint8_t *data, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ data[i]) * 0x100000001b3U;
    }
    return hash;
}

static void
write_json(struct payload *p)
{
    buf_append_format(&p->head,
                      "{\"inputs\":[{\"name\":\"data\",\"shape\":[1,%zu],\"datatype\":"
                      "\"UINT8\",\"data\":[",
                      p->bytes);
    for (size_t i = 0; i < p->bytes; i++) {
        buf_append_format(&p->head, i == 0 ? "%u" : ",%u", p->data[i]);
    }
    buf_append_text(&p->head, "]}]}");
}

static void
write_binary_head(struct payload *p)
{
    buf_append_format(&p->head,
                      "{\"inputs\":[{\"name\":\"data\",\"shape\":[1,%zu],\"datatype\":"
                      "\"UINT8\",\"parameters\":{\"binary_data_size\":%zu}}]}",
                      p->bytes, p->bytes);
}

uint64_t
payload_number(struct payload *p, uint64_t number)
{
    memcpy(p->data, &number, p->bytes < sizeof(number) ? p->bytes : sizeof(number));
    return fnv1a(p->data, p->bytes);
}

uint64_t
payload_write(struct payload *p, uint64_t number, struct buf *out)
{
    uint64_t wanted = payload_number(p, number);
    if (p->json || p->head.size == 0) {
        buf_reset(&p->head);
        if (p->json) {
            write_json(p);
        } else {
            write_binary_head(p);
        }
    }
    size_t body = p->head.size + (p->json ? 0 : p->bytes);
    buf_append_format(out,
                      "POST /v2/models/%s/infer HTTP/1.1\r\nHost: leat\r\n"
                      "Content-Length: %zu\r\n",
                      p->model, body);
    if (p->json) {
        buf_append_text(out, "Content-Type: application/json\r\n\r\n");
    } else {
        buf_append_format(out, "Inference-Header-Content-Length: %zu\r\n\r\n",
                          p->head.size);
    }
    buf_append(out, p->head.data, p->head.size);
    if (!p->json) {
        buf_append(out, p->data, p->bytes);
    }
    return wanted;
}
