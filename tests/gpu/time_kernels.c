/* SPDX-License-Identifier: Apache-2.0 */
void time_kernels(void);
void
time_kernels(void)
{
}
