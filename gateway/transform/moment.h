/*
 * moment.h - a time, to the start of its bucket, in the notation it came in
 */
#ifndef SLUIS_TRANSFORM_MOMENT_H
#define SLUIS_TRANSFORM_MOMENT_H

#include "transform/filter_state.h"

/* FIELD_TIME and FIELD_MOMENT; `bucket_s` 0: as it is, but a time it must be. */
enum filter_fault moment_take(struct filter *filter, const struct path_node *node,
                              const struct token *token, uint32_t bucket_s);

#endif
