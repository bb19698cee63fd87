/*
 * scan.c - strict and resumable, at sixteen bytes a step where text is plain
 *
 * Strings are most of what an app sends, and most of it is ASCII without escapes: there the scan
 * looks at sixteen bytes at once for the four things that need care (quote, backslash, control,
 * non-ASCII). Between characters a string has no state, so a scan that was cut off stands at the
 * start of the character or escape that is not whole yet, and reads that again. A number's state
 * is the part of the grammar it has reached; it is kept in the cursor, so that a number that
 * arrives byte by byte costs no more than one that arrives at once.
 */
#include "transform/scan.h"

#include "base/utf8.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static inline bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* The first byte that is not plain, or `end`. */
static inline const uint8_t *skip_plain(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(0x20);
    while (end - p >= 16) {
        __m128i text = _mm_loadu_si128((const __m128i_u *)p);
        /* As signed bytes, controls and non-ASCII are both less than a space. */
        __m128i special = _mm_or_si128(
            _mm_cmplt_epi8(text, space),
            _mm_or_si128(_mm_cmpeq_epi8(text, quote), _mm_cmpeq_epi8(text, backslash)));
        unsigned found = (unsigned)_mm_movemask_epi8(special);
        if (found != 0)
            return p + __builtin_ctz(found);
        p += 16;
    }
#endif
    while (p < end && is_plain(*p))
        p++;
    return p;
}

/* Why `text`, which starts beyond ASCII, starts with no character. */
static enum scan_result judge_sequence(struct slice text)
{
    uint8_t first = text.p[0];
    size_t n_needed = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4 || text.n >= n_needed)
        return SCAN_UTF8;
    for (size_t i = 1; i < text.n; i++)
        if ((text.p[i] & 0xc0) != 0x80)
            return SCAN_UTF8;
    return SCAN_MORE;
}

/* A run of characters beyond ASCII. */
static enum scan_result scan_beyond_ascii(struct scan *scan)
{
    while (scan->at < scan->end && *scan->at >= 0x80) {
        struct slice left = slice_of(scan->at, (size_t)(scan->end - scan->at));
        size_t n_sequence = utf8_sequence_bytes(left);
        if (n_sequence == 0)
            return judge_sequence(left);
        scan->at += n_sequence;
    }
    return SCAN_DONE;
}

static enum scan_result scan_hex4(const uint8_t *p, const uint8_t *end, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        if (p + i == end)
            return SCAN_MORE;
        uint8_t lower = p[i] | 0x20;
        if (is_digit(p[i]))
            value = value << 4 | (uint32_t)(p[i] - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return SCAN_SYNTAX;
    }
    *out = value;
    return SCAN_DONE;
}

/* What must follow the first half of a surrogate pair: \uDC00 to \uDFFF. */
static enum scan_result scan_low_surrogate(const uint8_t *p, const uint8_t *end)
{
    if (p < end && p[0] != '\\')
        return SCAN_SURROGATE;
    if (end - p > 1 && p[1] != 'u')
        return SCAN_SURROGATE;
    if (end - p < 2)
        return SCAN_MORE;
    uint32_t unit = 0;
    enum scan_result result = scan_hex4(p + 2, end, &unit);
    if (result == SCAN_DONE && (unit < 0xdc00 || unit > 0xdfff))
        return SCAN_SURROGATE;
    return result;
}

enum scan_result scan_escape(struct scan *scan)
{
    const uint8_t *p = scan->at;
    if (scan->end - p < 2)
        return SCAN_MORE;
    if (p[1] != 'u') {
        if (p[1] == 0 || !memchr("\"\\/bfnrt", p[1], 8))
            return SCAN_SYNTAX;
        scan->at += 2;
        return SCAN_DONE;
    }

    uint32_t unit = 0;
    enum scan_result result = scan_hex4(p + 2, scan->end, &unit);
    size_t n_escape = 6;
    /* RFC 8259 section 8.2 leaves a lone surrogate to the reader; here nobody has to guess. */
    if (result == SCAN_DONE && unit >= 0xdc00 && unit <= 0xdfff)
        return SCAN_SURROGATE;
    if (result == SCAN_DONE && unit >= 0xd800 && unit <= 0xdbff) {
        result = scan_low_surrogate(p + 6, scan->end);
        n_escape = 12;
    }
    if (result == SCAN_DONE)
        scan->at += n_escape;
    return result;
}

enum scan_result scan_string(struct scan *scan)
{
    for (;;) {
        scan->at = skip_plain(scan->at, scan->end);
        if (scan->at == scan->end)
            return SCAN_MORE;
        enum scan_result result = SCAN_DONE;
        uint8_t c = *scan->at;
        if (c == '"') {
            scan->at++;
            return SCAN_DONE;
        }
        if (c == '\\') {
            scan->escaped = true;
            result = scan_escape(scan);
        } else if (c >= 0x80) {
            result = scan_beyond_ascii(scan);
        } else {
            result = SCAN_SYNTAX; /* controls must be escaped */
        }
        if (result != SCAN_DONE)
            return result;
    }
}

/*
 * One step of the grammar
 *
 *     number = [ "-" ] ( "0" / ( "1"-"9" *DIGIT ) ) [ "." 1*DIGIT ] [ "e" [ "+" / "-" ] 1*DIGIT ]
 *
 * True when `c` was taken; else `*result` says whether the number ended or is none.
 */
static inline bool take_number_byte(enum number_part *part, uint8_t c, enum scan_result *result)
{
    switch (*part) {
    case NUMBER_START:
    case NUMBER_MINUS:
        if (c == '-' && *part == NUMBER_START)
            *part = NUMBER_MINUS;
        else if (is_digit(c))
            *part = c == '0' ? NUMBER_ZERO : NUMBER_WHOLE;
        else
            break;
        return true;
    case NUMBER_ZERO:
    case NUMBER_WHOLE:
        if (is_digit(c) && *part == NUMBER_WHOLE)
            return true;
        if (c == '.') {
            *part = NUMBER_POINT;
            return true;
        }
        __attribute__((fallthrough));
    case NUMBER_FRACTION:
        if (is_digit(c) && *part == NUMBER_FRACTION)
            return true;
        if ((c | 0x20) == 'e') {
            *part = NUMBER_E;
            return true;
        }
        *result = SCAN_DONE;
        return false;
    case NUMBER_POINT:
        if (!is_digit(c))
            break;
        *part = NUMBER_FRACTION;
        return true;
    case NUMBER_E:
    case NUMBER_E_SIGN:
        if ((c == '+' || c == '-') && *part == NUMBER_E)
            *part = NUMBER_E_SIGN;
        else if (is_digit(c))
            *part = NUMBER_EXPONENT;
        else
            break;
        return true;
    case NUMBER_EXPONENT:
        *result = SCAN_DONE;
        return is_digit(c);
    }
    *result = SCAN_SYNTAX;
    return false;
}

enum scan_result scan_number(struct scan *scan)
{
    enum scan_result result = SCAN_MORE;
    enum number_part part = scan->part;
    const uint8_t *p = scan->at;
    while (p < scan->end && take_number_byte(&part, *p, &result)) {
        p++;
        result = SCAN_MORE;
        /* Digits come in runs, and in a run nothing changes. */
        if (part == NUMBER_WHOLE || part == NUMBER_FRACTION || part == NUMBER_EXPONENT)
            while (p < scan->end && is_digit(*p))
                p++;
    }
    scan->at = p;
    scan->part = part;
    return p == scan->end ? SCAN_MORE : result;
}

bool scan_number_is_whole(const struct scan *scan)
{
    return scan->part == NUMBER_ZERO || scan->part == NUMBER_WHOLE ||
           scan->part == NUMBER_FRACTION || scan->part == NUMBER_EXPONENT;
}

enum scan_result scan_literal(struct scan *scan, struct slice literal)
{
    for (size_t i = 0; i < literal.n; i++) {
        if (scan->at + i == scan->end)
            return SCAN_MORE;
        if (scan->at[i] != literal.p[i]) {
            scan->at += i;
            return SCAN_SYNTAX;
        }
    }
    scan->at += literal.n;
    return SCAN_DONE;
}

static size_t put_utf8(uint32_t code_point, uint8_t *out)
{
    if (code_point < 0x80) {
        out[0] = (uint8_t)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (uint8_t)(0xc0 | code_point >> 6);
        out[1] = (uint8_t)(0x80 | (code_point & 0x3f));
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (uint8_t)(0xe0 | code_point >> 12);
        out[1] = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (code_point & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | code_point >> 18);
    out[1] = (uint8_t)(0x80 | (code_point >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (code_point & 0x3f));
    return 4;
}

static uint8_t unescape_letter(uint8_t c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c; /* quote, backslash, solidus */
    }
}

size_t scan_unescape(struct slice text, uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n;) {
        if (text.p[i] != '\\') {
            out[n++] = text.p[i++];
            continue;
        }
        if (text.p[i + 1] != 'u') {
            out[n++] = unescape_letter(text.p[i + 1]);
            i += 2;
            continue;
        }
        const uint8_t *end = text.p + text.n;
        uint32_t code_point = 0;
        uint32_t low = 0;
        (void)scan_hex4(text.p + i + 2, end, &code_point);
        i += 6;
        if (code_point >= 0xd800 && code_point <= 0xdbff) {
            (void)scan_hex4(text.p + i + 2, end, &low);
            code_point = 0x10000 + ((code_point - 0xd800) << 10) + (low - 0xdc00);
            i += 6;
        }
        n += put_utf8(code_point, out + n);
    }
    return n;
}
