/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of an infer body share: the cursor and what was found so far. An
 * object is read by a table of its members; each reader leaves the cursor behind the
 * member's value. Members of an object may come in any order, so what depends on
 * another one (data on shape and datatype) is settled when the object ends.
 */
#ifndef SCHEMAS_OIP_READ_H
#define SCHEMAS_OIP_READ_H

#include "schemas/json_read.h"
#include "schemas/oip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OIP_NO_BINARY = -1 };

/** An input while it is read. */
struct oip_input {
    struct tensor tensor;
    bool has_shape;
    bool has_datatype;
    const uint8_t *data_at; /* the data array in the text; NULL = none */
    bool data_read;
    int64_t binary_size; /* parameters.binary_data_size, or OIP_NO_BINARY */
};

enum oip_form { OIP_FORM_DEFAULT, OIP_FORM_JSON, OIP_FORM_BINARY };

/** An output that is asked for. */
struct oip_wanted {
    struct span name;
    enum oip_form form;
};

struct oip_reader {
    struct json_read json;
    struct oip_request *out;
    size_t input_count;
    size_t output_count;
    size_t parameter_count;
    size_t event_count;
    struct oip_input inputs[TENSORS_MAX];
    struct oip_wanted outputs[TENSORS_MAX];
    struct parameter parameters[PARAMETERS_MAX];
    struct span events[EVENTS_MAX];
};

struct oip_member {
    const char *name;
    void (*read)(struct oip_reader *r); /* not called for null, which means absent */
};

enum oip_unknown { OIP_UNKNOWN_SKIPPED, OIP_UNKNOWN_REFUSED };

/** Reads the object at the cursor; a known member given twice is refused. */
void oip_read_object(struct oip_reader *r,
                     const struct oip_member *members,
                     size_t count,
                     enum oip_unknown unknown);

/** A text of at most NAME_MAX_BYTES. */
struct span oip_read_name(struct oip_reader *r);

/** An integer from 0 to max. */
int64_t oip_read_count(struct oip_reader *r, int64_t max);

/** A member that clients of Triton send and that is not served: refused. */
void oip_read_shared_memory(struct oip_reader *r);

/* Readers of the top level's members. */
void oip_read_inputs(struct oip_reader *r);
void oip_read_outputs(struct oip_reader *r);
void oip_read_parameters(struct oip_reader *r);
void oip_read_webhook(struct oip_reader *r);

/**
 * Reads the data array at the cursor, nested or flat, into the tensor's bytes.
 *
 * @param[in,out] t datatype and shape are read, data is set; its memory is the arena's
 */
void oip_read_data(struct json_read *j, struct tensor *t);

#endif
