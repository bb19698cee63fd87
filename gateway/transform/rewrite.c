/*
 * rewrite.c - values that leave as another text
 *
 *     form       takes                          emits
 *     ID         a string or a number           the partner's name of the thing
 *     OBJECT       the same, of no data class
 *     PERSON       the same                     the subject's pseudonym, when it is the subject
 *     GEOHASH    a geohash                      a geohash that is wide enough
 *     PATTERN    a string, as the route has it  the same, with each part as its form has it
 *
 * null stays null. All but PATTERN emit what needs no escapes; a pattern's literals don't either,
 * and its parts can't hold what does.
 */
#include "transform/rewrite.h"

#include "transform/derive.h"
#include "transform/field.h"
#include "transform/geohash.h"
#include "transform/identifier.h"
#include "transform/pattern.h"
#include "transform/value.h"

/* One value, and what the route says of it. */
struct part {
    enum field_form form;
    uint8_t class_index;
    uint32_t space;
    struct slice text;
    bool is_encoded;
};

static enum filter_fault write_bucket(const struct coarseness *coarseness, struct slice text,
                                      struct writer *out)
{
    if (coarseness->by[COARSE_BUCKET] == 0) {
        write_bytes(out, text);
        return FILTER_OK;
    }
    return value_write_bucket(text, coarseness->by[COARSE_BUCKET], out) ? FILTER_OK : FILTER_NUMBER;
}

static enum filter_fault write_derived(const struct reduction *reduction, const struct part *part,
                                       struct writer *out)
{
    const struct derive_input input = {
        .is_string = true,
        .text = part->text,
        .time_s = reduction->classes[part->class_index].coarseness.by[COARSE_TIME],
        .year = reduction->year,
    };
    return derive_value(part->form, &input, out) ? FILTER_OK : FILTER_VALUE;
}

static enum filter_fault write_part(const struct reduction *reduction, const struct part *part,
                                    struct writer *out)
{
    const struct coarseness *coarseness = &reduction->classes[part->class_index].coarseness;
    switch (part->form) {
    case FIELD_STRUCTURE:
        write_bytes(out, part->text);
        return FILTER_OK;
    case FIELD_SUBJECT:
    case FIELD_PERSON:
        if (identifier_is_user(reduction, part->text, part->is_encoded)) {
            write_bytes(out, reduction->pseudonym);
            return FILTER_OK;
        }
        if (part->form == FIELD_SUBJECT)
            return FILTER_SUBJECT;
        identifier_write(reduction, part->space, part->text, part->is_encoded, out);
        return FILTER_OK;
    case FIELD_ID:
    case FIELD_OBJECT:
        identifier_write(reduction, part->space, part->text, part->is_encoded, out);
        return FILTER_OK;
    case FIELD_GEOHASH:
        return geohash_coarsen(part->text, coarseness->by[COARSE_PRECISION], out) ? FILTER_OK
                                                                                  : FILTER_POSITION;
    case FIELD_VALUE:
        return write_bucket(coarseness, part->text, out);
    default:
        return write_derived(reduction, part, out);
    }
}

static bool take_literal(struct slice text, size_t *at, struct slice literal, struct writer *out)
{
    if (text.n - *at < literal.n || !slice_equals(slice_of(text.p + *at, literal.n), literal))
        return false;
    write_bytes(out, literal);
    *at += literal.n;
    return true;
}

static enum filter_fault write_pattern(const struct reduction *reduction,
                                       const struct pattern *pattern, struct slice text,
                                       struct writer *out)
{
    size_t at = 0;
    for (size_t i = 0; i < pattern->n_pieces; i++) {
        const struct pattern_piece *piece = &pattern->pieces[i];
        if (!take_literal(text, &at, piece->before, out))
            return FILTER_VALUE;
        const struct slice rest = slice_of(text.p + at, text.n - at);
        const struct part part = {
            .form = (enum field_form)piece->form,
            .class_index = piece->class_index,
            .space = piece->space,
            .text = slice_of(rest.p, pattern_piece_bytes(pattern, i, rest)),
            .is_encoded = true,
        };
        /* The geohash of the whole globe is empty; anything else is missing. */
        if (part.text.n == 0 && part.form != FIELD_GEOHASH)
            return FILTER_VALUE;
        const enum filter_fault fault = write_part(reduction, &part, out);
        if (fault != FILTER_OK)
            return fault;
        at += part.text.n;
    }
    return take_literal(text, &at, pattern->tail, out) && at == text.n ? FILTER_OK : FILTER_VALUE;
}

static enum filter_fault emit_quoted(struct filter *filter, const struct path_node *node,
                                     struct slice text)
{
    if (!field_emit_room(filter, node, text.n + 2))
        return FILTER_TOO_LARGE;
    filter->output.p[filter->output.n++] = '"';
    buffer_put(&filter->output, text);
    filter->output.p[filter->output.n++] = '"';
    return FILTER_OK;
}

/* A number names a thing too; a geohash and a pattern are texts. */
static enum filter_fault check_kind(const struct path_node *node, const struct token *token)
{
    if (node->form == FIELD_GEOHASH)
        return token->kind == TOKEN_STRING ? FILTER_OK : FILTER_POSITION;
    const bool may_be_number = node->form != FIELD_PATTERN;
    const bool is_taken =
        token->kind == TOKEN_STRING || (may_be_number && token->kind == TOKEN_NUMBER);
    return is_taken ? FILTER_OK : FILTER_VALUE;
}

enum filter_fault rewrite_take(struct filter *filter, const struct path_node *node,
                               const struct token *token)
{
    if (token->kind == TOKEN_NULL)
        return field_emit(filter, node, token->bytes);
    enum filter_fault fault = check_kind(node, token);
    if (fault != FILTER_OK)
        return fault;
    struct slice text = token->bytes;
    if (token->kind == TOKEN_STRING && !filter_text(filter, token, &text))
        return FILTER_TOO_LARGE;

    struct buffer *scratch = &filter->derived;
    buffer_cut(scratch, 0);
    const size_t room = text.n + REWRITE_GROWTH_BYTES;
    if (!buffer_reserve(scratch, room))
        return FILTER_TOO_LARGE;
    struct writer writer = writer_over(scratch->p, room);
    const struct part whole = {(enum field_form)node->form, node->class_index, node->space, text,
                               false};
    fault = node->form == FIELD_PATTERN
                ? write_pattern(filter->reduction, path_pattern(filter->trie, node), text, &writer)
                : write_part(filter->reduction, &whole, &writer);
    SL_ASSERT(!writer.overflow);
    scratch->n = writer.n;
    return fault == FILTER_OK ? emit_quoted(filter, node, writer_slice(&writer)) : fault;
}
