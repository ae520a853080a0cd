/* SPDX-License-Identifier: Apache-2.0 */
/* See emulate.h: the threads of a block as fibers, in lock step from wait to wait. */
#include "cuda_pipeline.h"
#include "emulate.h"

#include <deque>
#include <memory>
#include <mutex>
#include <setjmp.h>
#include <ucontext.h>
#include <vector>

uint3 threadIdx;
uint3 blockIdx;

namespace
{

constexpr size_t STACK = 64 * 1024;

struct copy {
    void *to;
    const void *from;
    size_t size;
    size_t zeros;
};

struct fiber {
    std::unique_ptr<char[]> stack{new char[STACK]};
    jmp_buf at;
    bool ended = true;
    std::vector<copy> open;               /* not committed */
    std::deque<std::vector<copy>> groups; /* committed */
};

std::mutex one_grid;
std::vector<std::unique_ptr<fiber>> fibers;
std::vector<uint64_t> brought;
jmp_buf scheduler;
const std::function<void()> *body;

fiber &
current()
{
    return *fibers[threadIdx.x];
}

/* _setjmp() and _longjmp() switch without a system call, unlike swapcontext(). */
void
back_to_scheduler()
{
    if (_setjmp(current().at) == 0) {
        _longjmp(scheduler, 1);
    }
}

void
live()
{
    for (;;) {
        back_to_scheduler();
        (*body)();
        current().ended = true;
    }
}

/* A new fiber, up to where it waits for its first body. */
void
add_fiber()
{
    ucontext_t context;
    fibers.emplace_back(new fiber);
    threadIdx.x = (unsigned)fibers.size() - 1;
    getcontext(&context);
    context.uc_stack.ss_sp = fibers.back()->stack.get();
    context.uc_stack.ss_size = STACK;
    makecontext(&context, live, 0);
    if (_setjmp(scheduler) == 0) {
        setcontext(&context);
    }
}

void
resume(unsigned thread)
{
    threadIdx.x = thread;
    if (_setjmp(scheduler) == 0) {
        _longjmp(fibers[thread]->at, 1);
    }
}

void
run_block(unsigned threads)
{
    for (unsigned i = 0; i < threads; i++) {
        fibers[i]->ended = false;
        fibers[i]->open.clear();
        fibers[i]->groups.clear();
    }
    bool some_run = true;
    while (some_run) {
        some_run = false;
        for (unsigned i = 0; i < threads; i++) {
            if (!fibers[i]->ended) {
                resume(i);
                some_run = some_run || !fibers[i]->ended;
            }
        }
    }
}

} // namespace

void
emulate_grid(dim3 grid, dim3 block, const std::function<void()> &thread)
{
    std::lock_guard<std::mutex> lock(one_grid);
    if (grid.x == 0 || grid.y == 0 || grid.z != 1 || block.y != 1 || block.z != 1 ||
        block.x > 1024 || grid.y > 65535) {
        abort(); /* a device would refuse */
    }
    while (fibers.size() < block.x) {
        add_fiber();
    }
    brought.resize(fibers.size());
    body = &thread;
    for (unsigned i = 0; i < grid.x * grid.y; i++) {
        blockIdx.x = i % grid.x;
        blockIdx.y = i / grid.x;
        run_block(block.x);
    }
}

void
emulate_meet()
{
    back_to_scheduler();
}

uint64_t
emulate_exchange(uint64_t mine, unsigned from)
{
    brought[threadIdx.x] = mine;
    emulate_meet();
    uint64_t theirs = brought[from];
    emulate_meet();
    return theirs;
}

void
__pipeline_memcpy_async(void *to, const void *from, size_t size, size_t zeros)
{
    if ((uintptr_t)to % size != 0 || (uintptr_t)from % size != 0) {
        abort(); /* a device would refuse */
    }
    memset(to, 0xff, size); /* NaN until it is waited for */
    current().open.push_back({to, from, size, zeros});
}

void
__pipeline_commit()
{
    current().groups.push_back(std::move(current().open));
    current().open.clear();
}

void
__pipeline_wait_prior(size_t groups)
{
    auto &under_way = current().groups;
    while (under_way.size() > groups) {
        for (const copy &c : under_way.front()) {
            memcpy(c.to, c.from, c.size - c.zeros);
            memset((char *)c.to + c.size - c.zeros, 0, c.zeros);
        }
        under_way.pop_front();
    }
}
