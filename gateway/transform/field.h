/*
 * field.h - what becomes of one value: by the form of its field, and by the plan
 *
 * The output always ends where the next thing of the innermost container goes; a comma and a key
 * are written together with the value they belong to, never before it is known to be kept.
 */
#ifndef SLUIS_TRANSFORM_FIELD_H
#define SLUIS_TRANSFORM_FIELD_H

#include "transform/filter_state.h"

/*
 * Comma, key and `value` at the end of the output, as the next child (for `node`) of the
 * innermost container. Anything but FILTER_OK loses the answer.
 */
enum filter_fault field_emit(struct filter *filter, const struct path_node *node,
                             struct slice value);
/* Comma and key; room for `n_value` more bytes is reserved. False: no room. */
bool field_emit_room(struct filter *filter, const struct path_node *node, size_t n_value);
/* A string, number or literal at `node`, in a container that is not REACH_NOWHERE, or the root. */
enum filter_fault field_take_scalar(struct filter *filter, const struct path_node *node,
                                    const struct token *token);
/* An object or array where the trie has a field: no form takes one. */
enum filter_fault field_refuse_container(const struct filter *filter, const struct path_node *node,
                                         enum reach reach);

#endif
