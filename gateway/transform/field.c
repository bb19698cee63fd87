/*
 * field.c - values by form
 *
 *     form        takes                         emits
 *     VALUE       any scalar                    its bytes, or what value.c leaves of it
 *     STRUCTURE   any scalar                    its bytes
 *     LATITUDE    number on the globe, or null  the centre of the cell, once both are known
 *     LONGITUDE     for both halves
 *     TIME        RFC 3339 text, number, null   the start of the bucket, in the same notation
 *     MOMENT        the same, of a data class     (moment.c)
 *     FIRST_WORD, MONTH, HOUR, AGE_GROUP        what derive.c makes of it
 *     SUBJECT     the user's name               the partner's pseudonym
 *     GEOHASH, ID, PERSON, OBJECT, PATTERN      what rewrite.c makes of it
 *
 * A container in the place of a VALUE or STRUCTURE is left out: the operator classified a value
 * there, nobody knows what else it holds. For the other forms it is a fault, as is any value they
 * do not take: a position that can't be snapped, or a time that can't be cut, must not be guessed.
 *
 * A position needs both halves before either can be written. The first half leaves a slot as wide
 * as the widest degrees in the output; when the second comes, both are written and what was
 * emitted in between moves up. The slots of outer containers lie before all of that, so their
 * offsets stay true.
 */
#include "transform/field.h"

#include "transform/coarsen.h"
#include "transform/moment.h"
#include "transform/number.h"
#include "transform/rewrite.h"
#include "transform/value.h"

enum {
    DEGREES_BYTES_MAX = 11, /* -179.999999 */
};

bool field_emit_room(struct filter *filter, const struct path_node *node, size_t n_value)
{
    struct buffer *output = &filter->output;
    struct frame *frame = filter_top(filter);
    struct slice key = path_key(filter->trie, node);
    size_t n_comma = frame && frame->n_emitted++ > 0;
    if (!buffer_reserve(output, n_comma + key.n + n_value))
        return false;
    if (n_comma > 0)
        output->p[output->n++] = ',';
    buffer_put(output, key);
    return true;
}

enum filter_fault field_emit(struct filter *filter, const struct path_node *node,
                             struct slice value)
{
    if (!field_emit_room(filter, node, value.n))
        return FILTER_TOO_LARGE;
    buffer_put(&filter->output, value);
    return FILTER_OK;
}

/* The first half leaves a slot; the second fills both. */
static enum filter_fault emit_snapped(struct filter *filter, const struct path_node *node,
                                      struct pair *pair, uint32_t precision_m)
{
    struct buffer *output = &filter->output;
    if (!field_emit_room(filter, node, DEGREES_BYTES_MAX))
        return FILTER_TOO_LARGE;
    if (!pair->has_latitude || !pair->has_longitude) {
        pair->slot_at = output->n;
        memset(output->p + output->n, '0', DEGREES_BYTES_MAX);
        output->n += DEGREES_BYTES_MAX;
        return FILTER_OK;
    }

    struct position cell = coarsen_position(pair->position, precision_m);
    bool latitude_is_second = node->form == FIELD_LATITUDE;
    struct writer slot = writer_over(output->p + pair->slot_at, DEGREES_BYTES_MAX);
    write_degrees(&slot, latitude_is_second ? cell.longitude : cell.latitude);
    size_t n_unused = DEGREES_BYTES_MAX - slot.n;
    size_t slot_end = pair->slot_at + DEGREES_BYTES_MAX;
    memmove(output->p + pair->slot_at + slot.n, output->p + slot_end, output->n - slot_end);
    if (filter->cuts != 0)
        cut_shift(&filter->cut, pair->slot_at, n_unused);
    buffer_cut(output, output->n - n_unused);

    struct writer last = writer_over(output->p + output->n, DEGREES_BYTES_MAX);
    write_degrees(&last, latitude_is_second ? cell.latitude : cell.longitude);
    SL_ASSERT(!slot.overflow && !last.overflow);
    output->n += last.n;
    return FILTER_OK;
}

/*
 * A field of a class whose lists are cut, in no element that has a position: it could be an end, or
 * tell of one.
 */
static bool is_out_of_place(struct filter *filter, const struct path_node *node)
{
    if (!(filter->cuts >> node->class_index & 1))
        return false;
    const struct frame *frame = filter_top(filter);
    return !frame || node->listed != 0 ||
           cut_find(&filter->cut, frame->element, node->class_index) == 0;
}

static enum filter_fault take_position(struct filter *filter, const struct path_node *node,
                                       const struct token *token)
{
    struct pair *pair = &filter_top(filter)->pair;
    bool is_null = token->kind == TOKEN_NULL;
    bool is_second = pair->has_latitude || pair->has_longitude;
    if ((!is_null && token->kind != TOKEN_NUMBER) || (is_second && is_null != pair->is_null))
        return FILTER_POSITION;
    pair->is_null = is_null;

    double degrees = is_null ? 0 : number_to_double(token->bytes);
    if (node->form == FIELD_LATITUDE) {
        pair->has_latitude = true;
        pair->position.latitude = degrees;
    } else {
        pair->has_longitude = true;
        pair->position.longitude = degrees;
    }
    if (!position_is_on_globe(pair->position))
        return FILTER_POSITION;
    if (filter->cuts >> node->class_index & 1) {
        if (is_out_of_place(filter, node))
            return FILTER_OK;
        const uint32_t element =
            cut_find(&filter->cut, filter_top(filter)->element, node->class_index);
        if (is_second && !is_null) {
            enum filter_fault fault =
                cut_place(&filter->cut, element, pair->position, filter_coarseness(filter, node));
            if (fault != FILTER_OK)
                return fault;
        }
    }

    uint32_t precision_m = filter_coarseness(filter, node)->by[COARSE_PRECISION];
    if (is_null || precision_m == 0)
        return field_emit(filter, node, token->bytes);
    return emit_snapped(filter, node, pair, precision_m);
}

/* The name the app gives: a string, or an integer that is spelled as the name is. */
static enum filter_fault subject_text(struct filter *filter, const struct token *token,
                                      struct slice *out)
{
    struct slice text = token->bytes;
    if (token->kind == TOKEN_STRING && !filter_text(filter, token, &text))
        return FILTER_TOO_LARGE;
    if (token->kind != TOKEN_STRING && token->kind != TOKEN_NUMBER)
        return FILTER_SUBJECT;
    if (token->kind == TOKEN_NUMBER)
        for (size_t i = 0; i < text.n; i++)
            if (text.p[i] != '-' && (text.p[i] < '0' || text.p[i] > '9'))
                return FILTER_SUBJECT;
    *out = text;
    return FILTER_OK;
}

static enum filter_fault check_subject(struct filter *filter, const struct token *token)
{
    struct slice text;
    enum filter_fault fault = subject_text(filter, token, &text);
    if (fault != FILTER_OK)
        return fault;
    return slice_equals(text, filter->reduction->user) ? FILTER_OK : FILTER_SUBJECT;
}

static enum filter_fault emit_pseudonym(struct filter *filter, const struct path_node *node)
{
    struct slice pseudonym = filter->reduction->pseudonym;
    if (!field_emit_room(filter, node, pseudonym.n + 2))
        return FILTER_TOO_LARGE;
    filter->output.p[filter->output.n++] = '"';
    buffer_put(&filter->output, pseudonym);
    filter->output.p[filter->output.n++] = '"';
    return FILTER_OK;
}

/* Of an answer that is taken apart: whose record this is. */
static enum filter_fault note_subject(struct filter *filter, const struct token *token)
{
    struct slice text;
    enum filter_fault fault = subject_text(filter, token, &text);
    if (fault == FILTER_OK && !record_list_set_user(filter->records, text))
        fault = FILTER_RECORD;
    return fault == FILTER_SUBJECT ? FILTER_RECORD : fault;
}

/* Around the records there is only text: a number could be how many they are. */
static enum filter_fault take_around(struct filter *filter, const struct path_node *node,
                                     const struct token *token)
{
    if (!node->is_field)
        return node->part == PART_OTHER ? FILTER_OK : FILTER_RECORD;
    if (node->form == FIELD_SUBJECT)
        return note_subject(filter, token);
    return token->kind == TOKEN_STRING ? field_emit(filter, node, token->bytes) : FILTER_RECORD;
}

/* As the finest class that is kept: the field's own, or the coarser one made from it. */
static enum filter_fault take_value(struct filter *filter, const struct path_node *node,
                                    const struct token *token)
{
    if (is_out_of_place(filter, node))
        return FILTER_OK;
    if (!(filter->kept >> node->class_index & 1))
        return value_derive(filter, node, token, (enum field_form)node->coarser_form,
                            node->coarser_index);
    if (node->form >= FIELD_GEOHASH)
        return rewrite_take(filter, node, token);
    if (node->form == FIELD_MOMENT)
        return moment_take(filter, node, token, filter_coarseness(filter, node)->by[COARSE_TIME]);
    if (node->form != FIELD_VALUE)
        return value_derive(filter, node, token, (enum field_form)node->form, node->class_index);
    if (filter->plain >> node->class_index & 1)
        return field_emit(filter, node, token->bytes);
    return value_take(filter, node, token);
}

/* It leaves when all of its parts may; part of a list whose ends are cut, it never does. */
static enum filter_fault take_pattern(struct filter *filter, const struct path_node *node,
                                      const struct token *token)
{
    const uint32_t classes = path_pattern(filter->trie, node)->classes;
    if ((classes & ~filter->kept) != 0 || (classes & filter->cuts) != 0)
        return FILTER_OK;
    return rewrite_take(filter, node, token);
}

enum filter_fault field_take_scalar(struct filter *filter, const struct path_node *node,
                                    const struct token *token)
{
    if (filter->records)
        return take_around(filter, node, token);
    if (!node->is_field)
        return FILTER_OK; /* null where a container stands in other answers: left out */
    bool is_subject = node->form == FIELD_SUBJECT;
    if (is_subject) {
        enum filter_fault fault = check_subject(filter, token);
        if (fault != FILTER_OK)
            return fault;
    }
    const struct frame *frame = filter_top(filter);
    if ((frame && frame->reach != REACH_OUTPUT) || !filter_keeps(filter, node))
        return FILTER_OK;

    switch ((enum field_form)node->form) {
    case FIELD_LATITUDE:
    case FIELD_LONGITUDE:
        return take_position(filter, node, token);
    case FIELD_TIME:
        return moment_take(filter, node, token, filter->reduction->time_s);
    case FIELD_SUBJECT:
        return emit_pseudonym(filter, node);
    case FIELD_VALUE:
    case FIELD_MOMENT:
    case FIELD_FIRST_WORD:
    case FIELD_MONTH:
    case FIELD_HOUR:
    case FIELD_AGE_GROUP:
    case FIELD_GEOHASH:
    case FIELD_ID:
    case FIELD_PERSON:
        return take_value(filter, node, token);
    case FIELD_OBJECT:
        return rewrite_take(filter, node, token);
    case FIELD_PATTERN:
        return take_pattern(filter, node, token);
    case FIELD_STRUCTURE:
        return field_emit(filter, node, token->bytes);
    }
    return FILTER_OK;
}

enum filter_fault field_refuse_container(const struct filter *filter, const struct path_node *node,
                                         enum reach reach)
{
    if (node->form == FIELD_SUBJECT)
        return filter->records ? FILTER_RECORD : FILTER_SUBJECT;
    if (reach != REACH_OUTPUT || !filter_keeps(filter, node))
        return FILTER_OK;
    switch ((enum field_form)node->form) {
    case FIELD_LATITUDE:
    case FIELD_LONGITUDE:
    case FIELD_GEOHASH:
        return FILTER_POSITION;
    case FIELD_TIME:
    case FIELD_MOMENT:
        return FILTER_TIME;
    default:
        return FILTER_OK;
    }
}
