/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The activations of a dense layer, wherever it is computed. Also read by the kernels,
 * hence nothing else stands here.
 */
#ifndef RUNNER_ACTIVATION_H
#define RUNNER_ACTIVATION_H

enum activation {
    ACTIVATION_NONE,
    ACTIVATION_RELU,
    ACTIVATION_GELU, /* 0.5 x (1 + erf(x / sqrt 2)) */
    ACTIVATION_TANH,
    ACTIVATION_SIGMOID,
    ACTIVATION_SOFTMAX, /* over the M of a row */
};

#endif
