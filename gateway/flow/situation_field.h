/*
 * situation_field.h - in which situation an app's answer says that its subject is
 *
 * Pure. What a value means stands in the route; a value that is not there means nothing.
 */
#ifndef SLUIS_FLOW_SITUATION_FIELD_H
#define SLUIS_FLOW_SITUATION_FIELD_H

#include "config/config.h"

/*
 * `found` is what the filter leaves of an answer with the field's own trie: compact JSON, with the
 * field's values and nothing else. Returns a set: bit i for field->terms[i].
 */
uint8_t situation_field_read(const struct config_situation_field *field, struct slice found);

#endif
