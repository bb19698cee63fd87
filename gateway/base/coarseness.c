/*
 * coarseness.c - one table of the dimensions, and everything that walks it
 *
 * In most dimensions a larger number is coarser, and 0 is as fine as it gets. `top` counts what is
 * left, so there less is coarser, and 0 (no limit) is still the finest.
 *
 * Each dimension has one spelling in receipts, recognised by what stands before and behind its
 * number; the parser takes them in one order only, so that a receipt has one text.
 */
#include "base/coarseness.h"

#include "base/err.h"

static const struct {
    const char *before, *behind;
    uint32_t max;
    bool in_thousandths;
    bool less_is_coarser;
    bool has_no_number;
} dimensions[N_COARSE] = {
    [COARSE_PRECISION] = {"", "m", 1000000, false, false, false}, /* 1,000 km */
    [COARSE_TIME] = {"", "s", 365 * 86400, false, false, false},
    [COARSE_CUT] = {"cut", "m", 100000, false, false, false},     /* 100 km */
    [COARSE_BUCKET] = {"by", "", 1000000000, true, false, false}, /* 1,000,000 */
    [COARSE_TOP] = {"top", "", 1000, false, true, false},
    [COARSE_REDACT] = {"redacted", "", 1, false, false, true},
};

static const char group[] = "group";

uint32_t coarse_max(enum coarse_dimension dimension)
{
    return dimensions[dimension].max;
}

bool coarse_is_finer(enum coarse_dimension dimension, uint32_t a, uint32_t b)
{
    if (dimensions[dimension].less_is_coarser)
        return a != b && (a == 0 || (b != 0 && a > b));
    return a < b;
}

struct coarseness coarseness_coarser(struct coarseness a, struct coarseness b)
{
    for (unsigned i = 0; i < N_COARSE; i++) {
        if (coarse_is_finer((enum coarse_dimension)i, a.by[i], b.by[i]))
            a.by[i] = b.by[i];
    }
    return a;
}

bool coarseness_equals(struct coarseness a, struct coarseness b)
{
    for (unsigned i = 0; i < N_COARSE; i++) {
        if (a.by[i] != b.by[i])
            return false;
    }
    return true;
}

bool coarseness_is_none(struct coarseness coarseness)
{
    return coarseness_equals(coarseness, (struct coarseness){0});
}

void write_parts(struct writer *writer, int64_t value, uint32_t per_one)
{
    const uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    if (value < 0)
        write_u8(writer, '-');
    write_decimal(writer, size / per_one);
    uint64_t rest = size % per_one;
    if (rest > 0)
        write_u8(writer, '.');
    for (uint64_t unit = per_one / 10; rest > 0; unit /= 10) {
        write_u8(writer, (uint8_t)('0' + rest / unit));
        rest %= unit;
    }
}

void write_thousandths(struct writer *writer, int64_t thousandths)
{
    write_parts(writer, thousandths, 1000);
}

bool thousandths_parse(struct slice text, uint32_t max, uint32_t *out)
{
    size_t n_whole = 0;
    while (n_whole < text.n && text.p[n_whole] != '.')
        n_whole++;
    uint64_t value = 0;
    if (!slice_to_u64(slice_of(text.p, n_whole), UINT32_MAX / 1000, &value))
        return false;
    value *= 1000;
    const size_t n_fraction = text.n - n_whole;
    if (n_fraction == 1 || n_fraction > 4 || (n_fraction > 0 && text.p[text.n - 1] == '0'))
        return false;
    uint32_t unit = 100;
    for (size_t i = n_whole + 1; i < text.n; i++, unit /= 10) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        value += unit * (uint64_t)(text.p[i] - '0');
    }
    if (value == 0 || value > max)
        return false;
    *out = (uint32_t)value;
    return true;
}

void write_coarse_done(struct writer *writer, const struct coarse_done *done)
{
    if (!done->kept || (coarseness_is_none(done->coarseness) && done->group == 0)) {
        write_str(writer, done->kept ? "kept" : "dropped");
        return;
    }
    const char *blank = "";
    for (unsigned i = 0; i < N_COARSE; i++) {
        const uint32_t number = done->coarseness.by[i];
        if (number == 0)
            continue;
        write_str(writer, blank);
        write_str(writer, dimensions[i].before);
        if (dimensions[i].in_thousandths)
            write_thousandths(writer, number);
        else if (!dimensions[i].has_no_number)
            write_decimal(writer, number);
        write_str(writer, dimensions[i].behind);
        blank = " ";
    }
    if (done->group > 0) {
        write_str(writer, blank);
        write_str(writer, group);
        write_decimal(writer, done->group);
    }
}

/* One word, without blanks, as the number of dimension `i`. */
static bool parse_word(struct slice word, unsigned i, uint32_t *out)
{
    const struct slice before = slice_of_str(dimensions[i].before);
    const struct slice behind = slice_of_str(dimensions[i].behind);
    if (dimensions[i].has_no_number) {
        *out = 1;
        return slice_equals(word, before);
    }
    if (word.n <= before.n + behind.n || !slice_starts_with_str(word, dimensions[i].before) ||
        !slice_equals(slice_of(word.p + word.n - behind.n, behind.n), behind))
        return false;
    const struct slice digits = slice_of(word.p + before.n, word.n - before.n - behind.n);
    uint64_t number = 0;
    if (dimensions[i].in_thousandths)
        return thousandths_parse(digits, UINT32_MAX, out);
    if (!slice_to_u64(digits, UINT32_MAX, &number) || number == 0)
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool parse_words(struct slice text, struct coarseness *out)
{
    unsigned next = 0; /* the first dimension that may come */
    for (size_t at = 0; at <= text.n;) {
        size_t end = at;
        while (end < text.n && text.p[end] != ' ')
            end++;
        const struct slice word = slice_of(text.p + at, end - at);
        while (next < N_COARSE && !parse_word(word, next, &out->by[next]))
            out->by[next++] = 0;
        if (next++ == N_COARSE)
            return false;
        at = end + 1;
    }
    return true;
}

/* Takes the word "group20" off the end of `text`; false when it is there and no number follows. */
static bool parse_group(struct slice *text, uint32_t *out)
{
    size_t at = text->n;
    while (at > 0 && text->p[at - 1] != ' ')
        at--;
    const struct slice word = slice_of(text->p + at, text->n - at);
    uint64_t number;
    if (!slice_starts_with_str(word, group))
        return true;
    if (!slice_to_u64(slice_of(word.p + strlen(group), word.n - strlen(group)), UINT32_MAX,
                      &number) ||
        number == 0)
        return false;
    *out = (uint32_t)number;
    text->n = at > 0 ? at - 1 : 0;
    return at != 1;
}

bool coarse_done_parse(struct slice text, struct coarse_done *out)
{
    struct coarse_done done = {.kept = true};
    if (!parse_group(&text, &done.group))
        return false;
    if (done.group > 0) {
        if (text.n > 0 && !parse_words(text, &done.coarseness))
            return false;
    } else if (slice_equals_str(text, "dropped"))
        done.kept = false;
    else if (!slice_equals_str(text, "kept") && !parse_words(text, &done.coarseness))
        return false;
    *out = done;
    return true;
}
