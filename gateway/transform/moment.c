/*
 * moment.c - times
 *
 *     takes                                         emits
 *     "2026-11-28T15:30:00+01:00"                   "2026-11-28T14:30:00Z"
 *     1795876200, 1795876200000 (seconds or ms)     a whole number of the same unit
 *     "2026-11-28", where a class holds times       the day of the bucket's start
 *     null                                          null
 *
 * A day is taken as its first instant, UTC: a bucket that is no longer leaves it alone.
 */
#include "transform/moment.h"

#include "base/timestamp.h"
#include "transform/field.h"
#include "transform/number.h"

enum {
    TIME_BYTES_MAX = 24, /* a quoted timestamp, or 64 bits in decimal */
    DAY_MS = 86400000,
};

static enum filter_fault emit_text(struct filter *filter, const struct path_node *node,
                                   int64_t time_ms, bool is_date)
{
    uint8_t text[TIME_BYTES_MAX];
    struct writer writer = writer_over(text, sizeof text);
    if (!time_has_four_digit_year(time_ms))
        return FILTER_TIME;
    write_u8(&writer, '"');
    write_timestamp_s(&writer, time_ms);
    if (is_date)
        writer.n = sizeof "\"2026-11-28" - 1;
    write_u8(&writer, '"');
    SL_ASSERT(!writer.overflow);
    return field_emit(filter, node, writer_slice(&writer));
}

static enum filter_fault take_text(struct filter *filter, const struct path_node *node,
                                   const struct token *token, uint32_t bucket_s)
{
    struct slice text;
    if (!filter_text(filter, token, &text))
        return FILTER_TOO_LARGE;
    struct civil_date date;
    const bool is_date = node->form == FIELD_MOMENT && date_parse(text, &date);
    int64_t time_ms = is_date ? days_from_civil(date) * DAY_MS : 0;
    if ((!is_date && !timestamp_parse(text, &time_ms)) || !time_has_four_digit_year(time_ms))
        return FILTER_TIME;
    if (bucket_s == 0)
        return field_emit(filter, node, token->bytes);
    return emit_text(filter, node, coarsen_time(time_ms, bucket_s), is_date);
}

static enum filter_fault take_number(struct filter *filter, const struct path_node *node,
                                     const struct token *token, uint32_t bucket_s)
{
    int64_t time_ms;
    bool is_seconds;
    if (!number_to_time(token->bytes, &time_ms, &is_seconds))
        return FILTER_TIME;
    if (bucket_s == 0)
        return field_emit(filter, node, token->bytes);

    int64_t start_ms = coarsen_time(time_ms, bucket_s);
    uint8_t text[TIME_BYTES_MAX];
    struct writer writer = writer_over(text, sizeof text);
    write_signed_decimal(&writer, is_seconds ? start_ms / 1000 : start_ms);
    SL_ASSERT(!writer.overflow);
    return field_emit(filter, node, writer_slice(&writer));
}

enum filter_fault moment_take(struct filter *filter, const struct path_node *node,
                              const struct token *token, uint32_t bucket_s)
{
    switch (token->kind) {
    case TOKEN_STRING:
        return take_text(filter, node, token, bucket_s);
    case TOKEN_NUMBER:
        return take_number(filter, node, token, bucket_s);
    case TOKEN_NULL:
        return field_emit(filter, node, token->bytes);
    default:
        return FILTER_TIME;
    }
}
