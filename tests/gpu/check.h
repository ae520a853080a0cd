/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs gpu_check (on a CUDA device) and gpu_emulated (the same checks, the
 * kernels run on the CPU): each check prints a line and counts.
 */
#ifndef TESTS_GPU_CHECK_H
#define TESTS_GPU_CHECK_H

#include "base/status.h"

#include <stdbool.h>

/** Prints `ok` or `FAILED` and what was checked. @return ok */
bool check(bool ok, const char *format, ...) PRINTF_LIKE(2, 3);

/** Prints a line of the report. */
void tell(const char *format, ...) PRINTF_LIKE(1, 2);

/** How many checks have failed. */
unsigned check_failures(void);

void check_networks(void); /* equal.c */
void check_kernels(void);  /* kernels.c */
void check_faults(void);   /* faults.c */
void time_kernels(void);   /* time_kernels.c */
void time_batches(void);   /* time_batches.c */

/** The program as a runner whose device is lost when something comes on the pipe. */
int faults_runner(int control_fd, int pipe_fd);

/** lose_device.cu: makes every later CUDA call of the process fail. */
void lose_device(void);

#endif
