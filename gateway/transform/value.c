/*
 * value.c - numbers and texts, less precise
 *
 *     coarseness   takes                                       emits
 *     bucket       a number, a string that holds one, or null  the start of the bucket
 *     redact       any scalar                                  a text without contacts, or its
 * bytes
 *
 * A number in a string leaves in a string, a text in which nothing was found leaves byte for byte.
 * What is in a bucket and redacted is a number, and a number in a bucket reaches nobody.
 */
#include "transform/value.h"

#include "transform/derive.h"
#include "transform/field.h"
#include "transform/number.h"
#include "transform/redact.h"

enum {
    NUMBER_BYTES_MAX = 24,  /* 64 bits in decimal, with a sign, a point and quotes */
    DERIVED_BYTES_MAX = 16, /* a month, an hour, an age group */
};

static const struct slice json_null = SLICE_LITERAL("null");

/* A string is one number and nothing else. */
static bool is_number(struct slice text)
{
    struct scan scan = {.at = text.p, .end = text.p + text.n};
    return scan_number(&scan) == SCAN_MORE && scan.at == scan.end && scan_number_is_whole(&scan);
}

bool value_write_bucket(struct slice text, uint32_t bucket_thousandths, struct writer *out)
{
    int64_t thousandths;
    if (!is_number(text) || !number_to_thousandths(text, &thousandths))
        return false;
    write_thousandths(out, coarsen_number(thousandths, bucket_thousandths));
    return true;
}

/* A number, or a string that holds one, to the start of its bucket; in the notation it came in. */
static enum filter_fault take_number(struct filter *filter, const struct path_node *node,
                                     const struct token *token)
{
    const bool is_string = token->kind == TOKEN_STRING;
    struct slice text = token->bytes;
    if (token->kind == TOKEN_NULL)
        return field_emit(filter, node, text);
    if (is_string && !filter_text(filter, token, &text))
        return FILTER_TOO_LARGE;
    uint8_t block[NUMBER_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    write_str(&writer, is_string ? "\"" : "");
    if ((!is_string && token->kind != TOKEN_NUMBER) ||
        !value_write_bucket(text, filter_coarseness(filter, node)->by[COARSE_BUCKET], &writer))
        return FILTER_NUMBER;
    write_str(&writer, is_string ? "\"" : "");
    SL_ASSERT(!writer.overflow);
    return field_emit(filter, node, writer_slice(&writer));
}

/* A number is read as the text that it is: a phone number may come without quotes. */
static enum filter_fault take_text(struct filter *filter, const struct path_node *node,
                                   const struct token *token)
{
    struct slice text = token->bytes;
    if (token->kind != TOKEN_STRING && token->kind != TOKEN_NUMBER)
        return field_emit(filter, node, text);
    if (token->kind == TOKEN_STRING && !filter_text(filter, token, &text))
        return FILTER_TOO_LARGE;
    struct buffer *scratch = &filter->unescaped;
    if (text.p != scratch->p) {
        buffer_cut(scratch, 0);
        if (!buffer_append(scratch, text))
            return FILTER_TOO_LARGE;
    }
    bool has_taken = false;
    const size_t n_left = redact_text(scratch->p, text.n, filter->reduction->user, &has_taken);
    if (!has_taken)
        return field_emit(filter, node, token->bytes);
    const struct slice left = slice_of(scratch->p, n_left);
    const size_t n_written = redact_write(left, NULL);
    if (!field_emit_room(filter, node, n_written))
        return FILTER_TOO_LARGE;
    filter->output.n += redact_write(left, filter->output.p + filter->output.n);
    return FILTER_OK;
}

enum filter_fault value_take(struct filter *filter, const struct path_node *node,
                             const struct token *token)
{
    if (filter_coarseness(filter, node)->by[COARSE_BUCKET] > 0)
        return take_number(filter, node, token);
    return take_text(filter, node, token);
}

/* What is derived is no longer than the text it is a part of, or than a date. */
enum filter_fault value_derive(struct filter *filter, const struct path_node *node,
                               const struct token *token, enum field_form form, uint8_t class_index)
{
    const struct reduction *reduction = filter->reduction;
    struct derive_input input = {
        .is_string = token->kind == TOKEN_STRING,
        .text = token->bytes,
        .time_s = reduction->classes[class_index].coarseness.by[COARSE_TIME],
        .year = reduction->year,
    };
    if (token->kind == TOKEN_NULL)
        return field_emit(filter, node, token->bytes);
    if (token->kind != TOKEN_STRING && token->kind != TOKEN_NUMBER)
        return FILTER_VALUE;
    if (input.is_string && !filter_text(filter, token, &input.text))
        return FILTER_TOO_LARGE;
    struct buffer *scratch = &filter->derived;
    buffer_cut(scratch, 0);
    const size_t room = input.text.n + DERIVED_BYTES_MAX;
    if (!buffer_reserve(scratch, room))
        return FILTER_TOO_LARGE;
    struct writer writer = writer_over(scratch->p, room);
    if (!derive_value(form, &input, &writer))
        return FILTER_VALUE;
    SL_ASSERT(!writer.overflow);
    scratch->n = writer.n;
    if (writer.n == 0)
        return field_emit(filter, node, json_null);
    const size_t n_written = redact_write(writer_slice(&writer), NULL);
    if (!field_emit_room(filter, node, n_written))
        return FILTER_TOO_LARGE;
    filter->output.n += redact_write(writer_slice(&writer), filter->output.p + filter->output.n);
    return FILTER_OK;
}
