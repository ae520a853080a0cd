/* SPDX-License-Identifier: Apache-2.0 */
void time_batches(void);
void
time_batches(void)
{
}
