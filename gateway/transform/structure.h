/*
 * structure.h - containers, keys and the place of values
 *
 * Each function takes one token of an answer whose grammar has been checked so far, and leaves in
 * filter->expect what may come next.
 */
#ifndef SLUIS_TRANSFORM_STRUCTURE_H
#define SLUIS_TRANSFORM_STRUCTURE_H

#include "transform/filter_state.h"

enum filter_fault structure_open(struct filter *filter, bool is_object);
enum filter_fault structure_close(struct filter *filter);
/* A key where one is expected, else a scalar. */
enum filter_fault structure_take(struct filter *filter, const struct token *token);

#endif
