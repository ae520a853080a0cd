/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared objects that are no plug-in, or not one for this runner, one for each value of
 * BROKEN (tests/CMakeLists.txt).
 */
#include <leat/plugin.h>

#define NO_SYMBOL   1 /* the function has another name */
#define DATA_SYMBOL 2 /* the name is that of data */
#define NOTHING     3 /* the function gives NULL */
#define NEWER_MAJOR 4
#define TOO_SMALL   5 /* the struct ends before run() */
#define NO_RUN      6
#define UNDEFINED   7 /* calls what nobody defines */

#if BROKEN == UNDEFINED
extern int defined_by_nobody(void);
#endif

static int
broken_load(struct leat_load *load, void **state)
{
    (void)load;
    (void)state;
#if BROKEN == UNDEFINED
    return defined_by_nobody();
#else
    return LEAT_OK;
#endif
}

#if BROKEN == NEWER_MAJOR
static const struct leat_plugin broken = {
    LEAT_PLUGIN_MAJOR + 1, 3, 8, broken_load, NULL, NULL, NULL};
#elif BROKEN == TOO_SMALL
static const struct leat_plugin broken = {LEAT_PLUGIN_MAJOR,
                                          LEAT_PLUGIN_MINOR,
                                          offsetof(struct leat_plugin, run),
                                          broken_load,
                                          NULL,
                                          NULL,
                                          NULL};
#else
static const struct leat_plugin broken = {LEAT_PLUGIN_HEAD, broken_load, NULL, NULL,
                                          NULL};
#endif

#if BROKEN == NO_SYMBOL
LEAT_PLUGIN_EXPORT const struct leat_plugin *leat_plugin_got(void);

const struct leat_plugin *
leat_plugin_got(void)
{
    return &broken;
}
#elif BROKEN == DATA_SYMBOL
/* What the linker sees; the header's declaration is of another language, so to say. */
__asm__(".globl leat_plugin_get\n.data\n.type leat_plugin_get, @object\n"
        "leat_plugin_get: .quad 1\n.size leat_plugin_get, 8\n.text");
LEAT_PLUGIN_EXPORT const struct leat_plugin *leat_plugin_kept(void);

const struct leat_plugin *
leat_plugin_kept(void)
{
    return &broken;
}
#else
const struct leat_plugin *
leat_plugin_get(void)
{
    return BROKEN == NOTHING ? NULL : &broken;
}
#endif
