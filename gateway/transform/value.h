/*
 * value.h - a value that is not to leave as it is: a number to its bucket, a text without contacts
 */
#ifndef SLUIS_TRANSFORM_VALUE_H
#define SLUIS_TRANSFORM_VALUE_H

#include "transform/filter_state.h"

/* Emits what is left of a scalar at `node`, of a class that is kept and not plain. */
enum filter_fault value_take(struct filter *filter, const struct path_node *node,
                             const struct token *token);
/* The start of the bucket of so many thousandths that holds the number `text`; false for no number.
 */
bool value_write_bucket(struct slice text, uint32_t bucket_thousandths, struct writer *out);
/* Emits what `form` makes of a scalar for the class, which is kept. */
enum filter_fault value_derive(struct filter *filter, const struct path_node *node,
                               const struct token *token, enum field_form form,
                               uint8_t class_index);

#endif
