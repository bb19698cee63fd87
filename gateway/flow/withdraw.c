/*
 * withdraw.c - takes whole lines out of the text, and checks what is left
 *
 * The parser says where each node begins, not where it ends. So a consent begins on the line of
 * its dash, which may stand above its first key, and is looked for backwards from what follows
 * (the next dash, the next key, the end): blank lines, and comments no farther right than the
 * dash, belong to nobody and stay.
 *
 *     consents:
 *       # to work                 stays
 *       -                         <- dash
 *         id: drive                  the item's node is here
 *         data: {location: {}}
 *         # no speed              <- last line
 *
 *       # at home                 stays
 *       - id: taste               <- next dash
 *
 * YAML can be written in more ways than this knows. Nothing rests on knowing them all: the result
 * is parsed again and compared, node by node, with what was there; when it is anything but the
 * same policy without that one consent, it is not given out.
 */
#include "flow/withdraw.h"

#include "base/limits.h"
#include "yaml/yaml.h"

/* --- lines ----------------------------------------------------------------------------------- */

/* The start of the line after the one at `at`; text.n after the last. */
static size_t next_line(struct slice text, size_t at)
{
    while (at < text.n && text.p[at] != '\n')
        at++;
    return at + (at < text.n);
}

/* The start of the line that ends where `at` begins. */
static size_t previous_line(struct slice text, size_t at)
{
    if (at > 0)
        at--;
    while (at > 0 && text.p[at - 1] != '\n')
        at--;
    return at;
}

/* Lines count from 1. */
static size_t line_start(struct slice text, uint32_t line)
{
    size_t at = 0;
    for (uint32_t i = 1; i < line && at < text.n; i++)
        at = next_line(text, at);
    return at;
}

static size_t skip_blanks(struct slice text, size_t at)
{
    while (at < text.n && (text.p[at] == ' ' || text.p[at] == '\t'))
        at++;
    return at;
}

/* Blank, or a comment that is not inside an item whose dash has `indent` bytes before it. */
static bool belongs_to_nobody(struct slice text, size_t line, size_t indent)
{
    size_t at = skip_blanks(text, line);
    if (at == text.n || text.p[at] == '\n' || text.p[at] == '\r')
        return true;
    return text.p[at] == '#' && at - line <= indent;
}

/* --- where the consent lies ------------------------------------------------------------------ */

struct cut {
    size_t start, end; /* of the consent's lines */
    size_t colon;      /* an only consent's: after the key's colon, where the empty list goes */
};

/* The line of the dash before `item`; a dash is as far to the right as the list itself. */
static bool find_dash(struct slice text, const struct yaml_node *consents,
                      const struct yaml_node *item, size_t *out)
{
    size_t key = line_start(text, consents->key_line);
    size_t at = line_start(text, item->line);
    for (;;) {
        size_t dash = skip_blanks(text, at);
        if (dash < text.n && text.p[dash] == '-' && dash - at + 1 == consents->column)
            break;
        if (at <= key)
            return false;
        at = previous_line(text, at);
    }
    *out = at;
    return true;
}

/* Where the document ends: "..." at the start of a line, or the end of the text. */
static size_t document_end(struct slice text, size_t at)
{
    while (at < text.n && !slice_starts_with_str(slice_of(text.p + at, text.n - at), "..."))
        at = next_line(text, at);
    return at;
}

static bool find_colon(struct slice text, const struct yaml_node *consents, size_t *out)
{
    static const char *const keys[] = {"consents", "\"consents\"", "'consents'"};
    size_t start = line_start(text, consents->key_line) + consents->key_column - 1;
    for (size_t i = 0; i < SL_LENGTH(keys); i++) {
        if (start > text.n ||
            !slice_starts_with_str(slice_of(text.p + start, text.n - start), keys[i]))
            continue;
        size_t at = skip_blanks(text, start + slice_of_str(keys[i]).n);
        if (at == text.n || text.p[at] != ':')
            return false;
        *out = at + 1;
        return true;
    }
    return false;
}

static bool find_cut(struct slice text, const struct yaml_node *consents,
                     const struct yaml_node *gone, struct cut *out)
{
    struct cut cut = {0};
    if (!find_dash(text, consents, gone, &cut.start))
        return false;
    if (gone->next) {
        if (!find_dash(text, consents, gone->next, &cut.end))
            return false;
    } else if (consents->next) {
        cut.end = line_start(text, consents->next->key_line);
    } else {
        cut.end = document_end(text, cut.start);
    }
    if (cut.start >= cut.end)
        return false;
    for (;;) {
        size_t last = previous_line(text, cut.end);
        if (last <= cut.start || !belongs_to_nobody(text, last, consents->column - 1))
            break;
        cut.end = last;
    }
    if (consents->n_children == 1 &&
        (!find_colon(text, consents, &cut.colon) || cut.colon > cut.start))
        return false;
    *out = cut;
    return true;
}

/* --- the result ------------------------------------------------------------------------------ */

static void write_cut(struct slice text, const struct cut *cut, struct writer *out)
{
    if (cut->colon > 0) {
        write_bytes(out, slice_of(text.p, cut->colon));
        write_str(out, " []");
    }
    write_bytes(out, slice_of(text.p + cut->colon, cut->start - cut->colon));
    write_bytes(out, slice_of(text.p + cut->end, text.n - cut->end));
}

static const struct yaml_node *skip(const struct yaml_node *node, const struct yaml_node *gone)
{
    return node == gone ? gone->next : node;
}

/* `after` is `before` without `gone`. As deep as the policy may be. */
static bool is_all_but(const struct yaml_node *before, const struct yaml_node *gone,
                       const struct yaml_node *after)
{
    if (before->kind != after->kind || before->quoted != after->quoted ||
        !slice_equals(before->key, after->key) || !slice_equals(before->text, after->text))
        return false;
    const struct yaml_node *x = skip(before->first, gone);
    const struct yaml_node *y = after->first;
    for (; x && y; x = skip(x->next, gone), y = y->next) {
        if (!is_all_but(x, gone, y))
            return false;
    }
    return !x && !y;
}

static enum sl_err parse(struct slice yaml, struct yaml_document **out)
{
    struct yaml_problems problems;
    yaml_problems_init(&problems, "policy");
    struct yaml_limits limits = {LIMIT_MAX_policy_bytes, LIMIT_MAX_policy_depth};
    enum sl_err err = yaml_parse(yaml, limits, &problems, out);
    yaml_problems_deinit(&problems);
    return err;
}

static const struct yaml_node *find_consent(const struct yaml_node *consents, struct slice id)
{
    for (const struct yaml_node *item = consents->first; item; item = item->next) {
        const struct yaml_node *found = item->kind == YAML_MAPPING ? yaml_get(item, "id") : NULL;
        if (found && found->kind == YAML_SCALAR && slice_equals(found->text, id))
            return item;
    }
    return NULL;
}

enum withdraw_outcome withdraw_consent(struct slice yaml, struct slice id, struct writer *out)
{
    SL_AUTO(yaml_document) before = NULL;
    if (parse(yaml, &before) != SL_OK || yaml_root(before)->kind != YAML_MAPPING)
        return WITHDRAW_BY_HAND;
    const struct yaml_node *consents = yaml_get(yaml_root(before), "consents");
    const struct yaml_node *gone =
        consents && consents->kind == YAML_SEQUENCE ? find_consent(consents, id) : NULL;
    if (!gone)
        return WITHDRAW_NO_SUCH_CONSENT;
    struct cut cut;
    if (!find_cut(yaml, consents, gone, &cut))
        return WITHDRAW_BY_HAND;

    struct writer result = *out;
    write_cut(yaml, &cut, &result);
    SL_AUTO(yaml_document) after = NULL;
    if (!result.overflow &&
        (parse(slice_of(result.block + out->n, result.n - out->n), &after) != SL_OK ||
         !is_all_but(yaml_root(before), gone, yaml_root(after))))
        return WITHDRAW_BY_HAND;
    *out = result;
    return WITHDRAW_DONE;
}
