/*
 * step.c - the subset of JSONPath by which an operator names fields
 *
 *     path  = "$" *( "." name / "[" ( quoted / index / "*" ) "]" )
 *     name  = ( ALPHA / "_" / non-ASCII ) *( ALPHA / DIGIT / "_" / non-ASCII )
 *
 * A quoted name stands in single or double quotes with the escapes of JSON strings, and of the
 * two quotes only the one around it can be escaped (RFC 9535 section 2.3.1.1).
 */
#include "transform/step.h"

#include "base/utf8.h"
#include "transform/scan.h"

struct path_cursor {
    struct slice path;
    size_t at;
    uint8_t *names; /* where the next name goes */
};

static bool is_at(const struct path_cursor *cursor, uint8_t c)
{
    return cursor->at < cursor->path.n && cursor->path.p[cursor->at] == c;
}

static bool take(struct path_cursor *cursor, uint8_t c)
{
    if (!is_at(cursor, c))
        return false;
    cursor->at++;
    return true;
}

static bool is_name_byte(uint8_t c, bool first)
{
    uint8_t lower = c | 0x20;
    return (lower >= 'a' && lower <= 'z') || c == '_' || c >= 0x80 ||
           (!first && c >= '0' && c <= '9');
}

static bool parse_shorthand(struct path_cursor *cursor, struct slice *out)
{
    size_t start = cursor->at;
    uint8_t *name = cursor->names;
    size_t n = 0;
    while (cursor->at < cursor->path.n &&
           is_name_byte(cursor->path.p[cursor->at], cursor->at == start))
        name[n++] = cursor->path.p[cursor->at++];
    *out = slice_of(name, n);
    cursor->names += n;
    return n > 0;
}

/* One escape of a quoted name; writes what it stands for. */
static bool parse_escape(struct path_cursor *cursor, uint8_t quote)
{
    const uint8_t *p = cursor->path.p;
    size_t at = cursor->at;
    if (at + 1 < cursor->path.n && (p[at + 1] == '\'' || p[at + 1] == '"')) {
        if (p[at + 1] != quote)
            return false;
        *cursor->names++ = quote;
        cursor->at += 2;
        return true;
    }
    struct scan scan = {.at = p + at, .end = p + cursor->path.n};
    if (scan_escape(&scan) != SCAN_DONE)
        return false;
    size_t n_escape = (size_t)(scan.at - (p + at));
    cursor->names += scan_unescape(slice_of(p + at, n_escape), cursor->names);
    cursor->at += n_escape;
    return true;
}

static bool parse_quoted(struct path_cursor *cursor, struct slice *out)
{
    uint8_t *name = cursor->names;
    uint8_t quote = cursor->path.p[cursor->at++];
    while (cursor->at < cursor->path.n && !is_at(cursor, quote)) {
        if (is_at(cursor, '\\')) {
            if (!parse_escape(cursor, quote))
                return false;
            continue;
        }
        if (cursor->path.p[cursor->at] < 0x20)
            return false;
        *cursor->names++ = cursor->path.p[cursor->at++];
    }
    *out = slice_of(name, (size_t)(cursor->names - name));
    return take(cursor, quote);
}

static bool parse_index(struct path_cursor *cursor, uint32_t *out)
{
    size_t start = cursor->at;
    while (cursor->at < cursor->path.n && cursor->path.p[cursor->at] >= '0' &&
           cursor->path.p[cursor->at] <= '9')
        cursor->at++;
    uint64_t index;
    if (!slice_to_u64(slice_of(cursor->path.p + start, cursor->at - start), UINT32_MAX - 1, &index))
        return false;
    *out = (uint32_t)index;
    return true;
}

static bool parse_step(struct path_cursor *cursor, struct step *step)
{
    step->at = cursor->at;
    if (take(cursor, '.')) {
        step->kind = STEP_NAME;
        return parse_shorthand(cursor, &step->name);
    }
    if (!take(cursor, '['))
        return false;
    if (take(cursor, '*')) {
        step->kind = STEP_ANY;
    } else if (is_at(cursor, '\'') || is_at(cursor, '"')) {
        step->kind = STEP_NAME;
        if (!parse_quoted(cursor, &step->name))
            return false;
    } else {
        step->kind = STEP_INDEX;
        if (!parse_index(cursor, &step->index))
            return false;
    }
    return take(cursor, ']');
}

enum steps_fault steps_parse(struct slice path, uint8_t *names, struct steps *out, size_t *fault_at)
{
    struct path_cursor cursor = {path, 0, names};
    size_t n = 0;
    enum steps_fault fault = STEPS_OK;
    if (!utf8_is_valid(path) || !take(&cursor, '$'))
        fault = STEPS_SYNTAX;
    while (fault == STEPS_OK && cursor.at < path.n) {
        if (n == STEPS_MAX)
            fault = STEPS_TOO_MANY;
        else if (!parse_step(&cursor, &out->step[n++]))
            fault = STEPS_SYNTAX;
    }
    if (fault != STEPS_OK)
        *fault_at = cursor.at;
    else
        out->n = n;
    return fault;
}
