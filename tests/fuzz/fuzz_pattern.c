/*
 * fuzz_pattern.c - a pattern is read in one way, and a text that fits it is rewritten in one way
 *
 * The first line is a pattern; the rest is a text. What must hold:
 *   - a pattern that is taken is its literals and names, in order, and nothing else
 *   - each piece takes no byte of the literal behind it, no slash, and no quote
 *   - a text that leaves is JSON to jansson, has every literal, and leaves again when the pieces
 *     that are as they were are kept
 */
#include "base/sha256.h"
#include "base/utf8.h"
#include "transform/filter.h"
#include "transform/pattern.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct filter *filter;
static struct hmac_key key;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_parts(const struct pattern *pattern, struct slice text)
{
    size_t at = 0;
    for (size_t i = 0; i < pattern->n_pieces; i++) {
        const struct pattern_piece *piece = &pattern->pieces[i];
        must(i == 0 || piece->before.n > 0);
        must(memcmp(text.p + at, piece->before.p, piece->before.n) == 0);
        at += piece->before.n;
        must(text.p[at] == '{' && text.p[at + piece->name.n + 1] == '}');
        must(memcmp(text.p + at + 1, piece->name.p, piece->name.n) == 0);
        at += piece->name.n + 2;
    }
    must(text.n - at == pattern->tail.n);
    must(pattern->tail.n == 0 || memcmp(text.p + at, pattern->tail.p, pattern->tail.n) == 0);
}

static void check_piece(const struct pattern *pattern, struct slice text)
{
    const size_t n = pattern_piece_bytes(pattern, 0, text);
    const struct slice behind = pattern->n_pieces > 1 ? pattern->pieces[1].before : pattern->tail;
    must(n <= text.n);
    for (size_t i = 0; i < n; i++)
        must(text.p[i] != '/' && text.p[i] != '"' && text.p[i] > 0x20 &&
             (behind.n == 0 || text.p[i] != behind.p[0]));
}

/* As a JSON string; what JSON can't hold is left out. */
static json_t *leave(const struct path_trie *trie, const struct reduction *reduction,
                     const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    must(text != NULL);
    filter_begin(filter, trie, reduction);
    json_t *left = NULL;
    if (filter_feed(filter, slice_of(text, strlen(text))) == SL_OK &&
        filter_finish(filter) == SL_OK) {
        const struct slice output = filter_output(filter);
        left = json_loadb((const char *)output.p, output.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        must(left != NULL);
    }
    free(text);
    return left;
}

static void check_text(struct pattern *pattern, struct slice text)
{
    static const uint8_t forms[] = {FIELD_STRUCTURE, FIELD_GEOHASH, FIELD_VALUE, FIELD_STRUCTURE};
    struct reduction reduction = {.n_classes = 1,
                                  .user = slice_of_str("a"),
                                  .pseudonym = slice_of_str("p"),
                                  .app = slice_of_str("x"),
                                  .identifier_key = &key};
    reduction.classes[0].keep = true;
    reduction.classes[0].coarseness.by[COARSE_PRECISION] = 1000;
    for (size_t i = 0; i < pattern->n_pieces; i++)
        pattern->pieces[i].form = forms[pattern->pieces[i].name.n % sizeof forms];
    pattern->classes = 1;
    struct path_trie *trie = NULL;
    size_t at;
    must(path_trie_new(&trie) == SL_OK);
    const struct path_field field = {.form = FIELD_PATTERN};
    must(path_trie_add(trie, slice_of_str("$"), field, &at) == PATH_OK);
    path_trie_set_pattern(trie, pattern);
    must(path_trie_finish(trie) == PATH_OK);
    json_t *value = json_stringn((const char *)text.p, text.n);
    json_t *once = value ? leave(trie, &reduction, value) : NULL;
    json_t *twice = once ? leave(trie, &reduction, once) : NULL;
    must(!once || (twice && json_equal(once, twice)));
    json_decref(value);
    json_decref(once);
    json_decref(twice);
    path_trie_free(trie);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!filter) {
        const struct limits limits = limits_default();
        must(filter_new(&limits, &filter) == SL_OK);
        hmac_key_init(&key, slice_of_str("k"));
    }
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    const size_t n_line = end ? (size_t)(end - data) : size;
    const struct slice line = slice_of(data, n_line);
    const struct slice text = end ? slice_of(end + 1, size - n_line - 1) : slice_of(data, 0);
    struct pattern *pattern = NULL;
    size_t at;
    if (pattern_new(line, &pattern, &at) != PATTERN_OK) {
        must(at <= line.n && !pattern);
        return 0;
    }
    must(pattern_is_meant(line));
    check_parts(pattern, line);
    check_piece(pattern, text);
    check_text(pattern, text); /* takes the pattern */
    return 0;
}
