/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat infer MODEL FILE: an Open Inference Protocol body, or an image, to a model, and
 * the answer back.
 */
#include "cli/client.h"
#include "cli/verb.h"

#include <stdio.h>

static const char usage[] =
    "  leat infer digits models/digits/examples/seven.json\n"
    "  leat infer digits - < body.json\n"
    "  leat infer digits body.json --async=true    # prints the job's id at once\n"
    "  leat infer digits-image seven.png           # a JPEG or PNG as it is\n";

struct infer_config {
    bool async;
};

static const struct option infer_options[] = {
    {.name = "async",
     .kind = OPTION_BOOL,
     .offset = offsetof(struct infer_config, async),
     .fallback = "false",
     .help = "Do not wait: print the accepted job, to be read with leat get ID."},
};

/* By the file's first bytes: what is no image is JSON. */
static const char *
media_type(struct span body)
{
    static const char jpeg[] = "\xff\xd8\xff";
    static const char png[] = "\x89PNG";
    if (body.size >= 3 && memcmp(body.data, jpeg, 3) == 0) {
        return "image/jpeg";
    }
    return body.size >= 4 && memcmp(body.data, png, 4) == 0 ? "image/png"
                                                            : "application/json";
}

static int
infer(const struct client_config *client,
      bool async,
      const char *model,
      const char *file)
{
    struct buf body;
    enum status status = client_read_file(file, &body);
    if (status != STATUS_OK) {
        fprintf(stderr, "leat infer: cannot read %s: %s\n", file, status_name(status));
        buf_fini(&body);
        return EXIT_FAILED;
    }
    char path[512];
    snprintf(path, sizeof(path), "/v2/models/%s/infer", model);
    const struct http_header headers[] = {{"Content-Type", media_type(buf_span(&body))},
                                          {"Prefer", "respond-async"}};
    int result =
        client_call(client, "POST", path, headers, async ? 2 : 1, buf_span(&body));
    buf_fini(&body);
    return result;
}

int
verb_infer(int argc, const char *const *argv)
{
    struct client_config client;
    struct infer_config config;
    const struct option_table tables[] = {
        {"client", client_options, client_option_count, &client},
        {"infer", infer_options, 1, &config},
    };
    struct option_set set = {.program = "leat infer",
                             .summary = "send a body to a model and print the answer",
                             .usage = usage,
                             .tables = tables,
                             .table_count = 2};
    enum option_action action = option_load(&set, argc, argv);
    int result = action == OPTION_EXIT_OK ? EXIT_DONE : EXIT_USAGE;
    if (action == OPTION_RUN && set.operand_count != 2) {
        fprintf(stderr, "leat infer: usage: leat infer MODEL FILE\n");
    } else if (action == OPTION_RUN) {
        result = infer(&client, config.async, set.operands[0], set.operands[1]);
    }
    option_fini(&set);
    return result;
}
