/*
 * json.h - texts and bytes between slices and jansson
 *
 * Owns    what is made is the caller's; what is read points into the JSON
 */
#ifndef SLUIS_EVIDENCE_JSON_H
#define SLUIS_EVIDENCE_JSON_H

#include "base/timestamp.h"

#include <jansson.h>

/* NULL without memory, and for what is no UTF-8. */
static inline json_t *json_text(struct slice text)
{
    return json_stringn(text.n > 0 ? (const char *)text.p : "", text.n);
}

static inline json_t *json_time_ms(int64_t time_ms)
{
    char block[TIMESTAMP_BYTES];
    struct writer writer = writer_over(block, sizeof block);
    write_timestamp_ms(&writer, time_ms);
    return json_text(writer_slice(&writer));
}

/* Empty for anything but a string. */
static inline struct slice json_text_of(const json_t *value)
{
    return slice_of(json_string_value(value), json_string_length(value));
}

static inline struct slice json_text_at(const json_t *object, const char *name)
{
    return json_text_of(json_object_get(object, name));
}

/* Has the object other members than these? The name of the first; or NULL. */
static inline const char *json_other_member(const json_t *object, const char *const *names,
                                            size_t n_names)
{
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)object, key, member)
    {
        size_t i = 0;
        while (i < n_names && !slice_equals_str(slice_of_str(key), names[i]))
            i++;
        if (i == n_names)
            return key;
    }
    return NULL;
}

#endif
