/*
 * nearest.c - "did you mean": the candidate within two edits of a word
 *
 * An edit inserts, removes or replaces one byte, or swaps two neighbours (optimal string
 * alignment). Words are short, so that three rows on the stack are all it needs; longer ones get
 * no suggestion.
 */
#include "yaml/yaml.h"

#include <string.h>

enum { NEAREST_WORD_BYTES = 64, NEAREST_EDITS_MAX = 2 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Both at most NEAREST_WORD_BYTES long. */
static unsigned edits_between(struct slice a, struct slice b)
{
    unsigned rows[3][NEAREST_WORD_BYTES + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.n; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            unsigned replaced = last[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            row[j] = min3(last[j] + 1, row[j - 1] + 1, replaced);
            bool swapped = i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1];
            if (swapped && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        unsigned *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b.n];
}

const char *yaml_nearest(struct slice word, const char *const *candidates, size_t n)
{
    if (word.n == 0 || word.n > NEAREST_WORD_BYTES)
        return NULL;
    const char *nearest = NULL;
    unsigned fewest = NEAREST_EDITS_MAX + 1;
    for (size_t i = 0; i < n; i++) {
        struct slice candidate = slice_of_str(candidates[i]);
        if (candidate.n > NEAREST_WORD_BYTES)
            continue;
        unsigned edits = edits_between(word, candidate);
        /* "id" is two edits from every word of two letters: half of a word at least must stand. */
        if (edits < fewest && 2 * edits <= word.n) {
            fewest = edits;
            nearest = candidates[i];
        }
    }
    return nearest;
}
