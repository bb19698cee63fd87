/*
 * pattern.c - reading a pattern, and finding the end of a piece
 *
 * A pattern lists all that may pass of a text, as a route lists fields of an answer: what is no
 * piece must be there letter by letter. Each piece has one end, so a text can be read in one way.
 */
#include "transform/pattern.h"

#include <stdlib.h>
#include <string.h>

const char *pattern_fault_text(enum pattern_fault fault)
{
    static const char *const texts[] = {
        [PATTERN_OK] = "ok",
        [PATTERN_SYNTAX] = "expected printable ASCII, no blank, quote or backslash, and {names}",
        [PATTERN_ADJACENT] = "nothing between two parts, so nothing tells where the first one ends",
        [PATTERN_TOO_MANY] = "more than 8 parts, or more than 512 bytes",
        [PATTERN_NO_MEMORY] = "out of memory",
    };
    return texts[fault];
}

bool pattern_is_meant(struct slice text)
{
    return text.n > 0 &&
           (memchr(text.p, '{', text.n) != NULL || memchr(text.p, '}', text.n) != NULL);
}

static bool is_literal(uint8_t c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '{' && c != '}';
}

/* Literal bytes from `at` on. */
static size_t literal_bytes(struct slice text, size_t at)
{
    size_t end = at;
    while (end < text.n && is_literal(text.p[end]))
        end++;
    return end - at;
}

static enum pattern_fault read_pattern(struct pattern *pattern, struct slice text, size_t *at)
{
    for (;;) {
        const size_t n_before = literal_bytes(text, *at);
        const struct slice before = slice_of(text.p + *at, n_before);
        *at += n_before;
        if (*at == text.n) {
            pattern->tail = before;
            return pattern->n_pieces > 0 ? PATTERN_OK : PATTERN_SYNTAX;
        }
        if (text.p[*at] != '{')
            return PATTERN_SYNTAX;
        if (pattern->n_pieces == PATTERN_PIECES_MAX)
            return PATTERN_TOO_MANY;
        if (pattern->n_pieces > 0 && n_before == 0)
            return PATTERN_ADJACENT;
        const size_t n_name = literal_bytes(text, *at + 1);
        const size_t end = *at + 1 + n_name;
        if (n_name == 0 || end == text.n || text.p[end] != '}')
            return PATTERN_SYNTAX;
        pattern->pieces[pattern->n_pieces++] = (struct pattern_piece){
            .before = before,
            .name = slice_of(text.p + *at + 1, n_name),
        };
        *at = end + 1;
    }
}

enum pattern_fault pattern_new(struct slice text, struct pattern **out, size_t *fault_at)
{
    *fault_at = 0;
    if (text.n > PATTERN_BYTES_MAX)
        return PATTERN_TOO_MANY;
    SL_AUTO(pattern) pattern = calloc(1, sizeof *pattern);
    if (!pattern)
        return PATTERN_NO_MEMORY;
    if (text.n > 0)
        memcpy(pattern->texts, text.p, text.n);
    enum pattern_fault fault = read_pattern(pattern, slice_of(pattern->texts, text.n), fault_at);
    if (fault != PATTERN_OK)
        return fault;
    *out = pattern;
    pattern = NULL;
    return PATTERN_OK;
}

void pattern_free(struct pattern *pattern)
{
    free(pattern);
}

static bool ends_piece(uint8_t c)
{
    return c <= 0x20 || c == 0x7f || c == '/' || c == '?' || c == '#' || c == '&' || c == '"' ||
           c == '\\';
}

size_t pattern_piece_bytes(const struct pattern *pattern, size_t i, struct slice text)
{
    const struct slice behind =
        i + 1 < pattern->n_pieces ? pattern->pieces[i + 1].before : pattern->tail;
    size_t n = 0;
    while (n < text.n && !ends_piece(text.p[n]) && (behind.n == 0 || text.p[n] != behind.p[0]))
        n++;
    return n;
}
