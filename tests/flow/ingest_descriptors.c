/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors: an ingest makes room for its connections before it has them. */
#include "tests/flow/ingest_stage.h"

#include <criterion/criterion.h>

#include <sys/resource.h>

enum { CONNECTIONS = 1000 }; /* of the stage */

static const struct stage_options usual = {0};

static void
limits_set(rlim_t soft, rlim_t hard)
{
    struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

Test(ingest_descriptors,
     raises_its_soft_limit_to_what_its_connections_need,
     .timeout = 60)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limits_set(512, limit.rlim_max);
    struct ingest_stage *stage = stage_open(&usual);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_gt(limit.rlim_cur, CONNECTIONS);
    stage_close(stage);
}

Test(ingest_descriptors, serves_fewer_connections_where_it_may_not, .timeout = 60)
{
    struct stage_answer a;
    limits_set(512, 600);
    struct ingest_stage *stage = stage_open(&usual);
    stage_ask(stage, STAGE_INFER, "", STAGE_BODY, &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    stage_close(stage);
}
