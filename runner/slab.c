/* SPDX-License-Identifier: Apache-2.0 */
/* See slab.h. */
#include "runner/slab.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status
check_size(int fd, int64_t slot_bytes, struct fault *fault)
{
    struct stat about;
    if (fstat(fd, &about) != 0) {
        return fault_set(fault, STATUS_IO, "the slab: fstat: %s",
                         strerrordesc_np(errno));
    }
    if (slot_bytes % SLOT_ALIGN != 0 ||
        about.st_size / SLOTS_PER_INSTANCE < slot_bytes) {
        return fault_set(fault, STATUS_INVALID,
                         "the slab of %" PRId64 " bytes does not hold %d slots of "
                         "%" PRId64 ", or these are no multiple of %d",
                         (int64_t)about.st_size, SLOTS_PER_INSTANCE, slot_bytes,
                         SLOT_ALIGN);
    }
    return STATUS_OK;
}

static enum status
map_slab(struct slab *slab, int fd, struct fault *fault)
{
    slab->size = slab->slot_bytes * SLOTS_PER_INSTANCE;
    slab->base = mmap(NULL, slab->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (slab->base == MAP_FAILED) {
        return fault_set(fault, STATUS_IO, "the slab: mmap: %s",
                         strerrordesc_np(errno));
    }
    return STATUS_OK;
}

/* The parent may have made it non-blocking for its own loop; we wait in read(). */
static enum status
make_blocking(int fd, struct fault *fault)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0) {
        return fault_set(fault, STATUS_IO, "the submit eventfd: fcntl: %s",
                         strerrordesc_np(errno));
    }
    return STATUS_OK;
}

enum status
slab_open(struct slab *slab, struct control_message *load, struct fault *fault)
{
    static const int64_t range[] = {SLOT_DATA_OFFSET + SLOT_ALIGN, INT64_C(1) << 36};
    int64_t slot_bytes = 0;
    enum status status =
        properties_int(&load->fields, "slot_bytes", range, &slot_bytes, fault);
    if (status != STATUS_OK || slot_bytes == 0 || load->fd_count != CONTROL_FDS_MAX) {
        return status != STATUS_OK
                   ? status
                   : fault_set(fault, STATUS_INVALID,
                               "a load needs slot_bytes and three descriptors");
    }
    status = check_size(load->fds[0], slot_bytes, fault);
    if (status == STATUS_OK) {
        status = make_blocking(load->fds[1], fault);
    }
    struct slab s = {.slot_bytes = (uint64_t)slot_bytes};
    if (status == STATUS_OK) {
        status = map_slab(&s, load->fds[0], fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    s.submit_fd = control_message_take_fd(load, 1);
    s.complete_fd = control_message_take_fd(load, 2);
    *slab = s;
    return STATUS_OK;
}

void
slab_unmap(struct slab *slab)
{
    munmap(slab->base, slab->size);
    slab->base = NULL;
}

void
slab_close(struct slab *slab)
{
    close(slab->submit_fd);
    close(slab->complete_fd);
}

static struct slot_head *
find_lowest(const struct slab *slab, uint64_t *sequence)
{
    struct slot_head *lowest = NULL;
    for (unsigned i = 0; i < SLOTS_PER_INSTANCE; i++) {
        struct slot_head *slot = slot_at(slab->base, slab->slot_bytes, i);
        if (atomic_load_explicit(&slot->state, memory_order_acquire) != SLOT_FILLED) {
            continue;
        }
        uint64_t its = atomic_load_explicit(&slot->sequence, memory_order_relaxed);
        if (lowest == NULL || its < *sequence) {
            lowest = slot;
            *sequence = its;
        }
    }
    return lowest;
}

/*
 * Takes the slot unless the parent withdrew it. It may also have filled it anew since
 * the scan, with a batch whose turn is not now: that one is put back.
 */
static bool
claim(struct slot_head *slot, uint64_t sequence)
{
    uint32_t filled = SLOT_FILLED;
    if (!atomic_compare_exchange_strong_explicit(&slot->state, &filled, SLOT_RUNNING,
                                                 memory_order_acquire,
                                                 memory_order_relaxed)) {
        return false;
    }
    if (atomic_load_explicit(&slot->sequence, memory_order_relaxed) == sequence) {
        return true;
    }
    atomic_store_explicit(&slot->state, SLOT_FILLED, memory_order_release);
    return false;
}

/*
 * A scan may pass slot A just before the parent fills it and then see the later slot B
 * filled. Having acquired B it would see A on another pass, so a jump in the sequence
 * is scanned again.
 */
struct slot_head *
slab_take(struct slab *slab)
{
    struct slot_head *slot = NULL;
    uint64_t sequence = 0;
    do {
        slot = find_lowest(slab, &sequence);
        if (slot != NULL && sequence != slab->last_sequence + 1) {
            slot = find_lowest(slab, &sequence);
        }
        if (slot == NULL) {
            return NULL;
        }
    } while (!claim(slot, sequence));
    slab->last_sequence = sequence;
    slot->taken_ns = clock_mono_ns();
    return slot;
}

void
slab_give(struct slab *slab, struct slot_head *slot, enum slot_outcome outcome)
{
    slot->outcome = outcome;
    atomic_store_explicit(&slot->state, SLOT_DONE, memory_order_release);
    static const uint64_t one = 1;
    ssize_t written = write(slab->complete_fd, &one, sizeof one);
    (void)written; /* fails only at 2^64 - 1 rings nobody heard */
}

void
slab_wait(struct slab *slab)
{
    uint64_t rings = 0;
    ssize_t got = read(slab->submit_fd, &rings, sizeof rings);
    (void)got; /* an interrupted wait ends in another look at the slots */
}

void
slab_ring(struct slab *slab)
{
    static const uint64_t one = 1;
    ssize_t written = write(slab->submit_fd, &one, sizeof one);
    (void)written;
}
