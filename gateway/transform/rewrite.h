/*
 * rewrite.h - identifiers, geohashes, and texts of which parts are data
 */
#ifndef SLUIS_TRANSFORM_REWRITE_H
#define SLUIS_TRANSFORM_REWRITE_H

#include "transform/filter_state.h"

/* Emits what is left of a scalar at `node`, of one of these forms, which is kept. */
enum filter_fault rewrite_take(struct filter *filter, const struct path_node *node,
                               const struct token *token);

#endif
