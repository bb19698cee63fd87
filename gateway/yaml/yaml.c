/*
 * yaml.c - builds a tree from libyaml's events, and refuses what our subset leaves out
 *
 * libyaml's own document API resolves aliases and keeps the last of two equal keys. Its event
 * parser hides nothing, so the tree is built here, by a stack of open collections:
 *
 *     event ──▶ builder ──▶ attach to frames[depth - 1] ──▶ push when it opens a collection
 *
 * What is outside the subset (anchors, aliases, tags, merge keys, directives, a second document,
 * equal keys) is reported and the walk goes on, so that one run reports everything up to the
 * first error of syntax. Length, UTF-8 and NUL are checked before libyaml sees a byte.
 */
#include "yaml/yaml.h"

#include "base/pool.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <yaml.h>

enum { YAML_FRAMES_MAX = 64 };

struct yaml_document {
    struct pool pool;
    const struct yaml_node *root;
};

/* An open sequence or mapping. */
struct frame {
    struct yaml_node *node;
    struct yaml_node *last; /* the newest child */
    bool has_key;           /* mapping: the key was read, its value comes next */
    struct slice key;
    uint32_t key_line, key_column;
};

struct builder {
    struct pool *pool;
    struct yaml_problems *problems;
    uint32_t depth, depth_max;
    uint32_t n_documents;
    const struct yaml_node *root;
    struct frame frames[YAML_FRAMES_MAX];
};

static uint32_t line_of(yaml_mark_t mark)
{
    return (uint32_t)mark.line + 1;
}

static uint32_t column_of(yaml_mark_t mark)
{
    return (uint32_t)mark.column + 1;
}

/* Equal keys, found by sorting: comparing each with each would let 64 KiB of keys take seconds. */
static int compare_keys(const void *a, const void *b)
{
    const struct yaml_node *x = *(const struct yaml_node *const *)a;
    const struct yaml_node *y = *(const struct yaml_node *const *)b;
    int order = slice_compare(x->key, y->key);
    if (order != 0)
        return order;
    if (x->key_line != y->key_line)
        return x->key_line < y->key_line ? -1 : 1;
    return (x->key_column > y->key_column) - (x->key_column < y->key_column);
}

static enum sl_err check_duplicates(struct builder *builder, const struct yaml_node *mapping)
{
    if (mapping->n_children < 2)
        return SL_OK;
    const struct yaml_node **sorted = calloc(mapping->n_children, sizeof(const void *));
    if (!sorted)
        return SL_EINTERNAL;
    size_t n = 0;
    for (const struct yaml_node *child = mapping->first; child; child = child->next)
        sorted[n++] = child;
    qsort(sorted, n, sizeof *sorted, compare_keys);
    for (size_t i = 1; i < n; i++) {
        if (slice_equals(sorted[i - 1]->key, sorted[i]->key) && sorted[i]->key.n > 0)
            yaml_error_at(builder->problems, sorted[i]->key_line, sorted[i]->key_column,
                          "duplicate key \"%.*s\"; it stands on line %u already; keep one of them",
                          SLICE_PRINTF(sorted[i]->key), sorted[i - 1]->key_line);
    }
    free(sorted);
    return SL_OK;
}

static void refuse_anchor_and_tag(struct builder *builder, yaml_mark_t at,
                                  const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        yaml_error_at(builder->problems, line_of(at), column_of(at),
                      "anchor \"&%s\"; anchors are not allowed: write the value out",
                      (const char *)anchor);
    if (tag)
        yaml_error_at(builder->problems, line_of(at), column_of(at),
                      "tag \"%s\"; tags are not allowed: write the value without it",
                      (const char *)tag);
}

/* Hangs `node` under the innermost open collection, or makes it the root. */
static void attach(struct builder *builder, struct yaml_node *node)
{
    if (builder->depth == 0) {
        builder->root = node;
        return;
    }
    struct frame *frame = &builder->frames[builder->depth - 1];
    if (frame->node->kind == YAML_MAPPING) {
        node->key = frame->key;
        node->key_line = frame->key_line;
        node->key_column = frame->key_column;
        frame->has_key = false;
    }
    if (frame->last)
        frame->last->next = node;
    else
        frame->node->first = node;
    frame->last = node;
    frame->node->n_children++;
}

static bool expects_key(const struct builder *builder)
{
    if (builder->depth == 0)
        return false;
    const struct frame *frame = &builder->frames[builder->depth - 1];
    return frame->node->kind == YAML_MAPPING && !frame->has_key;
}

static void set_key(struct builder *builder, struct slice key, yaml_mark_t at)
{
    struct frame *frame = &builder->frames[builder->depth - 1];
    frame->key = key;
    frame->key_line = line_of(at);
    frame->key_column = column_of(at);
    frame->has_key = true;
}

static enum sl_err add_scalar(struct builder *builder, const yaml_event_t *event)
{
    yaml_mark_t at = event->start_mark;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    refuse_anchor_and_tag(builder, at, event->data.scalar.anchor, event->data.scalar.tag);
    struct slice text =
        pool_copy(builder->pool, slice_of(event->data.scalar.value, event->data.scalar.length));
    if (!text.p)
        return SL_EINTERNAL;

    if (expects_key(builder)) {
        if (text.n == 0)
            yaml_error_at(builder->problems, line_of(at), column_of(at),
                          "empty key; expected a name before the colon");
        else if (plain && slice_equals_str(text, "<<"))
            yaml_error_at(builder->problems, line_of(at), column_of(at),
                          "merge key \"<<\"; merging is not allowed: write the keys out");
        set_key(builder, text, at);
        return SL_OK;
    }
    struct yaml_node *node = pool_alloc(builder->pool, sizeof *node);
    if (!node)
        return SL_EINTERNAL;
    *node = (struct yaml_node){.kind = YAML_SCALAR,
                               .line = line_of(at),
                               .column = column_of(at),
                               .quoted = !plain,
                               .text = text};
    attach(builder, node);
    return SL_OK;
}

static enum sl_err open_collection(struct builder *builder, enum yaml_kind kind, yaml_mark_t at)
{
    if (builder->depth == builder->depth_max) {
        yaml_error_at(builder->problems, line_of(at), column_of(at),
                      "nested too deep; at most %u levels are allowed", builder->depth_max);
        return SL_ELIMIT;
    }
    if (expects_key(builder)) {
        yaml_error_at(builder->problems, line_of(at), column_of(at),
                      "a %s as a key; expected a name", kind == YAML_SEQUENCE ? "list" : "mapping");
        set_key(builder, (struct slice){NULL, 0}, at);
    }
    struct yaml_node *node = pool_alloc(builder->pool, sizeof *node);
    if (!node)
        return SL_EINTERNAL;
    *node = (struct yaml_node){.kind = kind, .line = line_of(at), .column = column_of(at)};
    attach(builder, node);
    builder->frames[builder->depth++] = (struct frame){.node = node};
    return SL_OK;
}

static enum sl_err close_collection(struct builder *builder)
{
    SL_ASSERT(builder->depth > 0);
    const struct yaml_node *node = builder->frames[--builder->depth].node;
    return node->kind == YAML_MAPPING ? check_duplicates(builder, node) : SL_OK;
}

static enum sl_err open_document(struct builder *builder, const yaml_event_t *event)
{
    yaml_mark_t at = event->start_mark;
    if (event->data.document_start.version_directive ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end)
        yaml_error_at(builder->problems, line_of(at), column_of(at),
                      "a directive (%%YAML, %%TAG); directives are not allowed: remove the line");
    if (++builder->n_documents > 1) {
        yaml_error_at(builder->problems, line_of(at), column_of(at),
                      "a second document; expected one: put the other in a file of its own");
        return SL_EMALFORMED;
    }
    return SL_OK;
}

/* An alias stands for nothing here: an empty scalar takes its place, so that the walk goes on. */
static enum sl_err refuse_alias(struct builder *builder, const yaml_event_t *event)
{
    yaml_mark_t at = event->start_mark;
    yaml_error_at(builder->problems, line_of(at), column_of(at),
                  "alias \"*%s\"; aliases are not allowed: write the value out",
                  (const char *)event->data.alias.anchor);
    if (expects_key(builder)) {
        set_key(builder, (struct slice){NULL, 0}, at);
        return SL_OK;
    }
    struct yaml_node *node = pool_alloc(builder->pool, sizeof *node);
    if (!node)
        return SL_EINTERNAL;
    *node = (struct yaml_node){.line = line_of(at), .column = column_of(at)};
    attach(builder, node);
    return SL_OK;
}

static enum sl_err handle_event(struct builder *builder, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return open_document(builder, event);
    case YAML_ALIAS_EVENT:
        return refuse_alias(builder, event);
    case YAML_SCALAR_EVENT:
        return add_scalar(builder, event);
    case YAML_SEQUENCE_START_EVENT:
        refuse_anchor_and_tag(builder, event->start_mark, event->data.sequence_start.anchor,
                              event->data.sequence_start.tag);
        return open_collection(builder, YAML_SEQUENCE, event->start_mark);
    case YAML_MAPPING_START_EVENT:
        refuse_anchor_and_tag(builder, event->start_mark, event->data.mapping_start.anchor,
                              event->data.mapping_start.tag);
        return open_collection(builder, YAML_MAPPING, event->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_collection(builder);
    default:
        return SL_OK;
    }
}

/* Line and column, from 1, of the byte at `offset`; columns count characters. */
static void position_of(struct slice text, size_t offset, uint32_t *line, uint32_t *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < offset && i < text.n; i++) {
        if (text.p[i] == '\n') {
            ++*line;
            *column = 1;
        } else if ((text.p[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

/* What to do about the errors that people really make. */
static const char *advice_on(const char *problem)
{
    static const struct {
        const char *problem, *advice;
    } table[] = {
        {"mapping values are not allowed in this context",
         "; check the indentation, and quote a value that holds a colon"},
        {"found a tab character that violates indentation", "; indent with spaces"},
        {"found character that cannot start any token", "; indent with spaces, quote % @ and `"},
        {"could not find expected ':'", "; a key needs a colon and a blank after it"},
        {"did not find expected key", "; check the indentation of this line"},
        {"did not find expected <document start>", "; a file holds one document"},
        {"found unexpected end of stream", "; a quote is not closed"},
        {"did not find expected ',' or ']'", "; a list in brackets is not closed"},
        {"did not find expected ',' or '}'", "; a mapping in braces is not closed"},
    };
    for (size_t i = 0; i < SL_LENGTH(table); i++) {
        if (slice_equals_str(slice_of_str(problem), table[i].problem))
            return table[i].advice;
    }
    return "";
}

static enum sl_err report_syntax(const yaml_parser_t *parser, struct slice text,
                                 struct yaml_problems *problems)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return SL_EINTERNAL;
    const char *what = parser->problem ? parser->problem : "not YAML";
    if (parser->error == YAML_READER_ERROR) {
        uint32_t line, column;
        position_of(text, parser->problem_offset, &line, &column);
        yaml_error_at(problems, line, column, "broken YAML: %s (U+%04X)", what,
                      (unsigned)parser->problem_value);
        return SL_EMALFORMED;
    }
    yaml_mark_t at = parser->problem_mark;
    if (parser->context)
        yaml_error_at(problems, line_of(at), column_of(at), "broken YAML: %s %s from line %u%s",
                      what, parser->context, line_of(parser->context_mark), advice_on(what));
    else
        yaml_error_at(problems, line_of(at), column_of(at), "broken YAML: %s%s", what,
                      advice_on(what));
    return SL_EMALFORMED;
}

/* What libyaml would take in silence: other encodings by their byte order mark, NUL as an end. */
static bool is_clean_text(struct slice text, struct yaml_problems *problems)
{
    uint32_t line, column;
    if (slice_starts_with_str(text, "\xef\xbb\xbf")) {
        yaml_error_at(problems, 1, 1, "a byte order mark; expected UTF-8 without one");
        return false;
    }
    for (size_t i = 0; i < text.n;) {
        size_t n = utf8_sequence_bytes(slice_of(text.p + i, text.n - i));
        if (n == 0 || text.p[i] == 0) {
            position_of(text, i, &line, &column);
            yaml_error_at(problems, line, column, "byte 0x%02x; expected text in UTF-8", text.p[i]);
            return false;
        }
        i += n;
    }
    return true;
}

static enum sl_err build(yaml_parser_t *parser, struct slice text, struct builder *builder)
{
    for (bool done = false; !done;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return report_syntax(parser, text, builder->problems);
        done = event.type == YAML_STREAM_END_EVENT;
        enum sl_err err = handle_event(builder, &event);
        yaml_event_delete(&event);
        SL_TRY(err);
    }
    if (builder->n_documents == 0) {
        yaml_error_at(builder->problems, 1, 1, "nothing but blanks and comments; expected keys");
        return SL_EMALFORMED;
    }
    return SL_OK;
}

enum sl_err yaml_parse_further(struct slice text, struct yaml_limits limits,
                               struct yaml_problems *problems, struct yaml_document **out)
{
    SL_ASSERT(limits.depth_max > 0 && limits.depth_max <= YAML_FRAMES_MAX);
    if (text.n > limits.bytes_max) {
        yaml_error_at(problems, 1, 1, "%zu bytes; at most %zu are allowed", text.n,
                      limits.bytes_max);
        return SL_ELIMIT;
    }
    if (!is_clean_text(text, problems))
        return SL_EMALFORMED;

    SL_AUTO(yaml_document) document = calloc(1, sizeof *document);
    if (!document)
        return SL_EINTERNAL;
    struct builder builder = {
        .pool = &document->pool, .problems = problems, .depth_max = limits.depth_max};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return SL_EINTERNAL;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, text.n > 0 ? text.p : (const uint8_t *)"", text.n);
    enum sl_err err = build(&parser, text, &builder);
    yaml_parser_delete(&parser);
    SL_TRY(err);

    document->root = builder.root;
    *out = document;
    document = NULL;
    return SL_OK;
}

enum sl_err yaml_parse(struct slice text, struct yaml_limits limits, struct yaml_problems *problems,
                       struct yaml_document **out)
{
    size_t n_errors_before = problems->n_errors;
    SL_AUTO(yaml_document) document = NULL;
    SL_TRY(yaml_parse_further(text, limits, problems, &document));
    if (problems->n_errors > n_errors_before)
        return SL_EMALFORMED;
    *out = document;
    document = NULL;
    return SL_OK;
}

void yaml_document_free(struct yaml_document *document)
{
    if (!document)
        return;
    pool_deinit(&document->pool);
    free(document);
}

const struct yaml_node *yaml_root(const struct yaml_document *document)
{
    return document->root;
}
