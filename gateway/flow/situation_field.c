/*
 * situation_field.c - finds the values in what the filter left, which is sound JSON without blanks
 *
 *     {"trip":{"state":"DRIVING"}}     a string before a colon is a key, any other a value
 *     {"riders":[true,2]}              what is no string is compared as it is written
 */
#include "flow/situation_field.h"

#include "transform/scan.h"

#include <string.h>

/* Each byte of a text may be written as an escape of six. */
enum { WRITTEN_BYTES_MAX = 6 * LIMIT_MAX_config_label_bytes };

static uint8_t meaning_of(const struct config_situation_field *field, struct slice text)
{
    for (size_t i = 0; i < field->n_values; i++) {
        if (slice_equals(field->values[i].text, text))
            return field->values[i].situations;
    }
    return 0;
}

static uint8_t meaning_of_string(const struct config_situation_field *field, struct slice written)
{
    uint8_t text[WRITTEN_BYTES_MAX];
    if (written.n > sizeof text)
        return 0;
    return meaning_of(field, slice_of(text, scan_unescape(written, text)));
}

static bool is_mark(uint8_t byte)
{
    return byte == '{' || byte == '}' || byte == '[' || byte == ']' || byte == ',' || byte == ':';
}

uint8_t situation_field_read(const struct config_situation_field *field, struct slice found)
{
    const uint8_t *const end = found.p + found.n;
    uint8_t situations = 0;
    for (const uint8_t *at = found.p; at < end;) {
        if (is_mark(*at)) {
            at++;
            continue;
        }
        const uint8_t *const start = at;
        if (*at == '"') {
            struct scan scan = {.at = at + 1, .end = end};
            const enum scan_result result = scan_string(&scan);
            SL_ASSERT(result == SCAN_DONE);
            at = scan.at;
            if (at == end || *at != ':')
                situations |=
                    meaning_of_string(field, slice_of(start + 1, (size_t)(at - start) - 2));
            continue;
        }
        while (at < end && !is_mark(*at))
            at++;
        situations |= meaning_of(field, slice_of(start, (size_t)(at - start)));
    }
    return situations;
}
