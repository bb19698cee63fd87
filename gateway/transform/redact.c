/*
 * redact.c - five passes over a text, each of which only takes out
 *
 *     contacts    a stretch without blanks or brackets that holds an at sign: e-mail addresses,
 *                 @names, web addresses with a user's part        mail lotte@example.org  [contact]
 *     accounts    IBANs, grouped or not, whose check digits hold  NL91 ABNA 0417 1643 00  [account]
 *     words       15 letters and digits or more, 4 of them digits NL91ABNA0417164300      [account]
 *     numbers     7 digits or more, with little between them      +31 (0)6-1234 5678      [number]
 *     subject     the app's own name of the subject, as a word      ask lotte           [subject]
 *
 * Wider than the grammars of addresses and numbers, on purpose: what is taken for one and is none
 * costs a word of a review, what is missed costs a person's address. No pass of the first four asks
 * what stands in front of a match or behind it, and what is put in its place can be part of no
 * match. The fifth takes whole words, so it leaves no part of a word to the others. So what a pass
 * takes out can't make a match where there was none, and redacting twice is redacting once.
 *
 * IBANs have check digits (ISO 13616, by ISO 7064 MOD 97-10), so groups of four letters, which
 * prose has too, are taken only where these hold.
 */
#include "transform/redact.h"

#include "base/err.h"
#include "base/utf8.h"

#include <string.h>

enum {
    CONTACT = 0xf8, /* no byte of UTF-8 is above 0xf4 */
    ACCOUNT = 0xf9,
    NUMBER = 0xfa,
    SUBJECT = 0xfb,
    IBAN_CHARS_MIN = 15, /* Norway's */
    IBAN_CHARS_MAX = 34,
    IBAN_GROUP_CHARS = 4,
    WORD_CHARS_MIN = 15,
    WORD_DIGITS_MIN = 4,
    NUMBER_DIGITS_MIN = 7,
    GAP_CHARS_MAX = 3, /* between two digits of one number */
};

/* In the order of the markers. */
static const struct slice words[] = {SLICE_LITERAL("[contact]"), SLICE_LITERAL("[account]"),
                                     SLICE_LITERAL("[number]"), SLICE_LITERAL("[subject]")};

/* What is read, and what was left of it so far; the second never overtakes the first. */
struct pass {
    const uint8_t *text;
    size_t n, at;
    uint8_t *left;
    size_t n_left;
    struct slice user;
    bool has_taken;
};

struct range {
    uint32_t first, last;
};

static bool is_in(const struct range *ranges, size_t n_ranges, uint32_t c)
{
    for (size_t i = 0; i < n_ranges; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    }
    return false;
}

/* The code point at `at`, and where the next one is. */
static uint32_t code_point(const struct pass *pass, size_t at, size_t *next)
{
    size_t n_bytes;
    const uint32_t c = utf8_code_point(slice_of(pass->text + at, pass->n - at), &n_bytes);
    *next = at + n_bytes;
    return c;
}

static bool is_letter(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

static bool is_ascii_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

static bool is_blank(uint32_t c)
{
    static const struct range wide[] = {{0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
                                        {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
                                        {0x3000, 0x3000}};
    return c <= 0x20 || c == 0x7f || (c >= 0x80 && is_in(wide, SL_LENGTH(wide), c));
}

static void copy(struct pass *pass, size_t end)
{
    memmove(pass->left + pass->n_left, pass->text + pass->at, end - pass->at);
    pass->n_left += end - pass->at;
    pass->at = end;
}

static void take_out(struct pass *pass, size_t end, uint8_t marker)
{
    pass->left[pass->n_left++] = marker;
    pass->has_taken = true;
    pass->at = end;
}

/* ------------------------------------------------------------------------------- contacts */

static bool ends_stretch(uint32_t c)
{
    return is_blank(c) || (c < 0x80 && strchr("<>()[]{},", (int)c));
}

/* @, %40 as web addresses have it, and the two other at signs of Unicode. */
static bool is_at_sign(const struct pass *pass, size_t at, uint32_t c)
{
    return c == '@' || c == 0xff20 || c == 0xfe6b ||
           (c == '%' && pass->n - at >= 3 && memcmp(pass->text + at, "%40", 3) == 0);
}

/* Punctuation behind an address belongs to the sentence. */
static size_t without_punctuation(const struct pass *pass, size_t end)
{
    while (end > pass->at && strchr(".!?:", pass->text[end - 1]) && pass->text[end - 1] != 0)
        end--;
    return end;
}

/* Where a stretch begins. */
static void pass_contact(struct pass *pass)
{
    bool has_at_sign = false;
    bool has_word = false;
    size_t end = pass->at;
    size_t next = end;
    while (end < pass->n) {
        const uint32_t c = code_point(pass, end, &next);
        if (ends_stretch(c))
            break;
        const bool is_at = is_at_sign(pass, end, c);
        has_at_sign = has_at_sign || is_at;
        has_word =
            has_word || (c < 0x80 ? is_letter((uint8_t)c) || is_ascii_digit((uint8_t)c) : !is_at);
        end = next;
    }
    if (has_at_sign && has_word)
        take_out(pass, without_punctuation(pass, end), CONTACT);
    else if (end > pass->at)
        copy(pass, end);
    else
        copy(pass, next);
}

/* ------------------------------------------------------------------------------- accounts */

/* The bytes of what may stand between two groups of an IBAN, or 0. */
static size_t group_gap(const struct pass *pass, size_t at)
{
    size_t next = at;
    const uint32_t c = at < pass->n ? code_point(pass, at, &next) : 0;
    return c == ' ' || c == '-' || c == 0xa0 || c == 0x202f ? next - at : 0;
}

/* A digit is one more digit of the number to be checked, a letter is two: A is 10. */
static unsigned add_mod_97(unsigned rest, uint8_t c)
{
    if (is_ascii_digit(c))
        return (rest * 10 + (unsigned)(c - '0')) % 97;
    return (rest * 100 + (unsigned)((c | 0x20) - 'a') + 10) % 97;
}

/* Country and check digits. */
static bool may_be_iban(const struct pass *pass, size_t at)
{
    const uint8_t *head = pass->text + at;
    return pass->n - at >= IBAN_CHARS_MIN && is_letter(head[0]) && is_letter(head[1]) &&
           is_ascii_digit(head[2]) && is_ascii_digit(head[3]);
}

/* Where the longest IBAN that begins here ends, or where it begins when none does. */
static size_t end_of_iban(const struct pass *pass)
{
    const uint8_t *head = pass->text + pass->at;
    if (!may_be_iban(pass, pass->at))
        return pass->at;
    unsigned rest = 0; /* of what follows the head, which is moved behind it for the check */
    size_t end = pass->at;
    size_t at = pass->at + IBAN_GROUP_CHARS;
    for (unsigned n_chars = IBAN_GROUP_CHARS; n_chars < IBAN_CHARS_MAX; n_chars++, at++) {
        if (n_chars % IBAN_GROUP_CHARS == 0)
            at += group_gap(pass, at);
        if (at >= pass->n || !(is_letter(pass->text[at]) || is_ascii_digit(pass->text[at])))
            break;
        rest = add_mod_97(rest, pass->text[at]);
        unsigned checked = rest;
        for (size_t i = 0; i < IBAN_GROUP_CHARS; i++)
            checked = add_mod_97(checked, head[i]);
        if (n_chars + 1 >= IBAN_CHARS_MIN && checked == 1)
            end = at + 1;
    }
    return end;
}

static void pass_iban(struct pass *pass)
{
    size_t end = end_of_iban(pass);
    if (end > pass->at) {
        take_out(pass, end, ACCOUNT);
        return;
    }
    do
        end++;
    while (end < pass->n && !may_be_iban(pass, end));
    copy(pass, end);
}

/* Where a word begins. */
static void pass_word(struct pass *pass)
{
    size_t end = pass->at;
    size_t n_digits = 0;
    for (; end < pass->n; end++) {
        const bool is_digit = is_ascii_digit(pass->text[end]);
        if (!is_digit && !is_letter(pass->text[end]))
            break;
        n_digits += is_digit;
    }
    if (end - pass->at >= WORD_CHARS_MIN && n_digits >= WORD_DIGITS_MIN)
        take_out(pass, end, ACCOUNT);
    else
        copy(pass, end > pass->at ? end : end + 1);
}

/* ------------------------------------------------------------------------------- numbers */

/* Decimal digits of the scripts that phones show, and those of mathematics. */
static bool is_digit(uint32_t c)
{
    static const struct range wide[] = {{0x660, 0x669},    {0x6f0, 0x6f9}, {0x966, 0x96f},
                                        {0x9e6, 0x9ef},    {0xe50, 0xe59}, {0xff10, 0xff19},
                                        {0x1d7ce, 0x1d7ff}};
    return c < 0x80 ? c >= '0' && c <= '9' : is_in(wide, SL_LENGTH(wide), c);
}

/* Blanks (but no new line), dashes, points, slashes, brackets, and what has no width. */
static bool is_gap(uint32_t c)
{
    static const struct range wide[] = {{0xa0, 0xa0},     {0xad, 0xad},     {0xb7, 0xb7},
                                        {0x2000, 0x2015}, {0x202a, 0x202f}, {0x205f, 0x2064},
                                        {0x2212, 0x2212}, {0x3000, 0x3000}, {0xfe58, 0xfe58},
                                        {0xfe63, 0xfe63}, {0xfeff, 0xfeff}, {0xff0d, 0xff0d}};
    if (c < 0x80)
        return c != 0 && strchr(" \t-./()_", (int)c);
    return is_in(wide, SL_LENGTH(wide), c);
}

/* A plus in front, and a bracket that is closed inside, are part of the number. */
static void take_back(struct pass *pass, bool has_closed)
{
    static const uint8_t in_front[] = {'+', '(', '+'};
    for (size_t i = 0; i < SL_LENGTH(in_front); i++) {
        const bool may_take = in_front[i] == '+' || has_closed;
        if (may_take && pass->n_left > 0 && pass->left[pass->n_left - 1] == in_front[i])
            pass->n_left--;
    }
}

static void pass_number(struct pass *pass)
{
    size_t n_digits = 0;
    size_t n_gap = 0;
    size_t end = pass->at; /* behind the last digit */
    bool has_closed = false;
    bool closes = false;
    size_t next;
    (void)code_point(pass, pass->at, &next);
    const size_t first_end = next;
    for (size_t at = pass->at; at < pass->n && n_gap <= GAP_CHARS_MAX; at = next) {
        const uint32_t c = code_point(pass, at, &next);
        if (is_digit(c)) {
            n_digits++;
            n_gap = 0;
            end = next;
            has_closed = closes;
        } else if (n_digits > 0 && is_gap(c)) {
            n_gap++;
            closes = closes || c == ')';
        } else {
            break;
        }
    }
    if (n_digits >= NUMBER_DIGITS_MIN) {
        take_back(pass, has_closed);
        take_out(pass, end, NUMBER);
    } else {
        copy(pass, end > pass->at ? end : first_end);
    }
}

/* ------------------------------------------------------------------------------- the subject */

static bool is_word(uint8_t c)
{
    return is_letter(c) || is_ascii_digit(c);
}

static bool is_same_nocase(const uint8_t *a, struct slice b)
{
    for (size_t i = 0; i < b.n; i++) {
        if (a[i] != b.p[i] && !(is_letter(a[i]) && (a[i] ^ b.p[i]) == 0x20))
            return false;
    }
    return true;
}

/* [number] is left alone even when that is the subject's name. */
static bool is_put_in(const struct pass *pass)
{
    const size_t end = pass->at + pass->user.n;
    if (pass->at == 0 || end == pass->n || pass->text[pass->at - 1] != '[' ||
        pass->text[end] != ']')
        return false;
    const struct slice word = slice_of(pass->text + pass->at - 1, pass->user.n + 2);
    for (size_t i = 0; i < SL_LENGTH(words); i++) {
        if (slice_equals(word, words[i]))
            return true;
    }
    return false;
}

/* A letter or digit of ASCII at the name's end is the end of a word. */
static bool begins_with_user(const struct pass *pass)
{
    const struct slice user = pass->user;
    const size_t n_rest = pass->n - pass->at;
    return n_rest >= user.n && is_same_nocase(pass->text + pass->at, user) &&
           !(n_rest > user.n && is_word(user.p[user.n - 1]) &&
             is_word(pass->text[pass->at + user.n])) &&
           !is_put_in(pass);
}

/* Where a word begins, when the name begins with a letter or a digit. */
static void pass_subject(struct pass *pass)
{
    if (pass->user.n == 0) {
        copy(pass, pass->n);
    } else if (begins_with_user(pass)) {
        take_out(pass, pass->at + pass->user.n, SUBJECT);
    } else {
        size_t end = pass->at + 1;
        while (is_word(pass->user.p[0]) && is_word(pass->text[pass->at]) && end < pass->n &&
               is_word(pass->text[end]))
            end++;
        copy(pass, end);
    }
}

/* ------------------------------------------------------------------------------- the whole */

size_t redact_text(uint8_t *text, size_t n_bytes, struct slice user, bool *has_taken)
{
    static void (*const passes[])(struct pass *) = {pass_contact, pass_iban, pass_word, pass_number,
                                                    pass_subject};
    *has_taken = false;
    for (size_t i = 0; i < SL_LENGTH(passes); i++) {
        struct pass pass = {.text = text, .n = n_bytes, .left = text, .user = user};
        while (pass.at < pass.n)
            passes[i](&pass);
        n_bytes = pass.n_left;
        *has_taken = *has_taken || pass.has_taken;
    }
    return n_bytes;
}

/* What is written for a byte, when it is not the byte itself. */
static struct slice spelling(uint8_t c, uint8_t escape[6])
{
    static const char digits[] = "0123456789abcdef";
    if (c >= CONTACT)
        return words[c - CONTACT];
    if (c == '"' || c == '\\') {
        escape[0] = '\\';
        escape[1] = c;
        return slice_of(escape, 2);
    }
    if (c >= 0x20)
        return slice_of(NULL, 0);
    memcpy(escape, "\\u00", 4);
    escape[4] = (uint8_t)digits[c >> 4];
    escape[5] = (uint8_t)digits[c & 15];
    return slice_of(escape, 6);
}

size_t redact_write(struct slice text, uint8_t *out)
{
    size_t n = 0;
    if (out)
        out[n] = '"';
    n++;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t escape[6];
        const struct slice spelled = spelling(text.p[i], escape);
        if (out && spelled.n > 0)
            memcpy(out + n, spelled.p, spelled.n);
        else if (out)
            out[n] = text.p[i];
        n += spelled.n > 0 ? spelled.n : 1;
    }
    if (out)
        out[n] = '"';
    return n + 1;
}
