/* Free text: what is taken out, what stays, and that taking out twice is taking out once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transform/redact.h"

#include "base/err.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXT_BYTES = 4096 };

static struct slice user; /* the app's own name of the subject */

/* The text between the quotes that are written for it. */
static struct slice redacted(struct slice text)
{
    static uint8_t left[TEXT_BYTES], written[9 * TEXT_BYTES + 2];
    assert_true(text.n <= sizeof left);
    if (text.n > 0)
        memcpy(left, text.p, text.n);
    bool has_taken = false;
    const struct slice rest = slice_of(left, redact_text(left, text.n, user, &has_taken));
    assert_true(rest.n <= text.n);
    assert_int_equal(has_taken, rest.n != text.n || memcmp(left, text.p, text.n) != 0);
    const size_t n = redact_write(rest, written);
    assert_int_equal(redact_write(rest, NULL), n);
    assert_true(n >= 2 && written[0] == '"' && written[n - 1] == '"');
    return slice_of(written + 1, n - 2);
}

static void expect(const char *text, const char *expected)
{
    const struct slice got = redacted(slice_of_str(text));
    if (!slice_equals_str(got, expected))
        fail_msg("\"%s\" became \"%.*s\", expected \"%s\"", text, SLICE_PRINTF(got), expected);
    if (strchr(expected, '\\')) /* an escape is of the JSON, not of the text */
        return;
    static uint8_t again[TEXT_BYTES];
    memcpy(again, got.p, got.n);
    assert_true(slice_equals_str(redacted(slice_of(again, got.n)), expected));
}

static void addresses_and_names_with_an_at_sign_are_taken_out(void **state)
{
    (void)state;
    expect("lotte@example.org", "[contact]");
    expect("Mail me at lotte.v+shop@example.org.", "Mail me at [contact].");
    expect("(lotte@example.org), or <mailto:l@x.nl>!", "([contact]), or <[contact]>!");
    expect("\"lotte@example.org\"?", "[contact]?");
    expect("see @sanne_v, she knows", "see [contact], she knows");
    expect("j\u00fcrgen@b\u00fccher.example \u2013 hallo", "[contact] \u2013 hallo");
    expect("lotte\uff20example.org and lotte\ufe6bexample.org", "[contact] and [contact]");
    expect("lotte%40example.org", "[contact]");
    expect("lotte\u200b@\u00adexample.org", "[contact]");
    expect("a@b c@d,e@f\u3000g@h\u00a0i", "[contact] [contact],[contact]\u3000[contact]\u00a0i");
    expect("https://lotte:secret@example.org/x?y=1 is mine", "[contact] is mine");
    expect("https://social.example/@sanne", "[contact]");
    expect("https://example.org/page", "https://example.org/page");
}

static void an_at_sign_alone_is_no_address(void **state)
{
    (void)state;
    expect("3 @ 5 euro", "3 @ 5 euro");
    expect("@", "@");
    expect("@@ !@#", "@@ !@#");
}

static void numbers_of_seven_digits_and_more_are_taken_out(void **state)
{
    (void)state;
    expect("call 0612345678 now", "call [number] now");
    expect("+31 (0)6-1234 5678", "[number]");
    expect("(020) 123 45 67.", "[number].");
    expect("((020) 1234567)", "([number])");
    expect("+(31) 6 12345678", "[number]");
    expect("06.12.34.56.78 / 06 12 34 56 79", "[number]");
    expect("0612\u00a0345\u2011678", "[number]");
    expect("06\u200b12\u200b34\u200b56", "[number]");
    expect("\u0660\u0661\u0662\u0663\u0664\u0665\u0666", "[number]");
    expect("\uff10\uff16\uff11\uff12\uff13\uff14\uff15", "[number]");
    expect("order1234567x", "order[number]x");
    expect("on 2026-11-28", "on [number]");
    expect("4111 1111 1111 1111", "[number]");
}

static void short_numbers_and_those_far_apart_stay(void **state)
{
    (void)state;
    expect("112 or 123456", "112 or 123456");
    expect("size 42, 9/10, 1 of 3", "size 42, 9/10, 1 of 3");
    expect("123    4567", "123    4567");
    expect("123\n4567", "123\\u000a4567");
    expect("123,4567", "123,4567");
    expect("between 1990 and 2000", "between 1990 and 2000");
    expect("08:14:52", "08:14:52");
}

static void accounts_are_taken_out_by_their_check_digits(void **state)
{
    (void)state;
    expect("NL91 ABNA 0417 1643 00", "[account]");
    expect("pay to nl91 abna 0417 1643 00 please", "pay to [account] please");
    expect("GB29-NWBK-6016-1331-9268-19!", "[account]!");
    expect("BE68\u00a05390\u00a00754\u00a07034 with love", "[account] with love");
    expect("NO93 8601 1117 947", "[account]");
    expect("MT84MALT011000012345MTLCAST001S", "[account]");
    expect("FR14 2004 1010 0505 0001 3M02 606", "[account]");
    /* Wrong check digits: what is left is a number. */
    expect("NL92 ABNA 0417 1643 00", "NL92 ABNA [number]");
    /* Prose in groups of four. */
    expect("NS12 will stop here from noon", "NS12 will stop here from noon");
}

static void long_words_with_digits_are_taken_out(void **state)
{
    (void)state;
    expect("NL91ABNA0417164300", "[account]");
    expect("token 9f8e7d6c5b4a39f8 here", "token [account] here");
    expect("abcdefghijklmnop1", "abcdefghijklmnop1");
    expect("uncharacteristically", "uncharacteristically");
    expect("A1B2C3D4E5F6G7", "A1B2C3D4E5F6G7"); /* 14 */
    expect("A1B2C3D4E5F6G7H", "[account]");
}

static void all_other_text_leaves_as_it_is(void **state)
{
    (void)state;
    expect("", "");
    expect("Fits like a glove \u2013 \U0001F600!", "Fits like a glove \u2013 \U0001F600!");
    expect("\u00f8l \u00f9\u00fa and [contact]", "\u00f8l \u00f9\u00fa and [contact]");
    expect("a\tb", "a\\u0009b");
    const struct slice nul = redacted(slice_of("a\0b\"c\\d", 7));
    assert_true(slice_equals_str(nul, "a\\u0000b\\\"c\\\\d"));
}

/* ----------------------------------------------------------------- properties, on random text */

static bool has_long_number(struct slice text)
{
    size_t n_digits = 0, n_between = 0;
    for (size_t i = 0; i < text.n; i++) {
        const uint8_t c = text.p[i];
        if (c >= '0' && c <= '9') {
            n_digits++;
            n_between = 0;
        } else if (strchr(" -./()", c) && n_between < 3) {
            n_between++;
        } else {
            n_digits = 0;
        }
        if (n_digits >= 7)
            return true;
    }
    return false;
}

/* An at sign between two letters. */
static bool has_address(struct slice text)
{
    for (size_t i = 1; i + 1 < text.n; i++) {
        const bool letters = (text.p[i - 1] | 0x20) >= 'a' && (text.p[i - 1] | 0x20) <= 'z' &&
                             (text.p[i + 1] | 0x20) >= 'a' && (text.p[i + 1] | 0x20) <= 'z';
        if (text.p[i] == '@' && letters)
            return true;
    }
    return false;
}

/* What is left, without the words in brackets, stands in the text in the same order. */
static bool is_left_of(struct slice left, struct slice text)
{
    static const char *const words[] = {"[contact]", "[account]", "[number]"};
    size_t at = 0;
    for (size_t i = 0; i < left.n;) {
        size_t n_word = 0;
        for (size_t k = 0; k < SL_LENGTH(words); k++) {
            if (slice_starts_with_str(slice_of(left.p + i, left.n - i), words[k]))
                n_word = strlen(words[k]);
        }
        if (n_word > 0) {
            i += n_word;
            continue;
        }
        while (at < text.n && text.p[at] != left.p[i])
            at++;
        if (at++ == text.n)
            return false;
        i++;
    }
    return true;
}

static void random_texts_lose_addresses_and_numbers_and_nothing_is_added(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "a",        "lotte",  "@",      ".",      " ",      "  ",     "(",      ")",
        "+",        "-",      "06",     "1234",   "5",      "NL91",   " ABNA",  " 0417 1643 00",
        "/",        "\u00e9", "\u00f8", "\u00a0", "\u200b", "\u2011", "\u0663", "%40",
        "https://", "x1",     "MT84",   "MALT",   "0110",   "00AB",   "CDEF",   ",",
        ":",        "n",      "97",     "\uff20"};
    const char *given = getenv("SLUIS_SEED");
    const unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("SLUIS_SEED=%u\n", seed);
    srand(seed);
    size_t n_changed = 0;
    for (int i = 0; i < 200000; i++) {
        char text[512] = "";
        for (int k = rand() % 24; k >= 0; k--)
            strcat(text, parts[rand() % (int)SL_LENGTH(parts)]);
        static uint8_t once[TEXT_BYTES];
        const struct slice left = redacted(slice_of_str(text));
        memcpy(once, left.p, left.n);
        const struct slice first = slice_of(once, left.n);
        if (!slice_equals(redacted(first), first) || has_long_number(first) || has_address(first) ||
            !utf8_is_valid(first) || !is_left_of(first, slice_of_str(text)))
            fail_msg("\"%s\" became \"%.*s\", then \"%.*s\"", text, SLICE_PRINTF(first),
                     SLICE_PRINTF(redacted(first)));
        n_changed += !slice_equals_str(first, text);
    }
    assert_true(n_changed > 10000);
}

/* As whole words of ASCII letters and digits, in whatever case; more rather than less. */
static void the_subjects_own_name_is_taken_out(void **state)
{
    (void)state;
    user = slice_of_str("lotte");
    expect("ask lotte, Lotte or LOTTE's mum", "ask [subject], [subject] or [subject]'s mum");
    expect("https://x.example/u/lotte?by=lotte-v", "https://x.example/u/[subject]?by=[subject]-v");
    expect("\u201clotte\u201d lott\u00e9 charlotte lottery lotte1",
           "\u201c[subject]\u201d lott\u00e9 "
           "charlotte lottery lotte1");
    expect("lotte", "[subject]");
    expect("lotte lotte", "[subject] [subject]");
    expect("@lotte lotte@example.org", "[contact] [contact]");
    expect("lotte\u00eb lotte_v", "[subject]\u00eb [subject]_v");
    user = slice_of_str("l");
    expect("l ll L", "[subject] ll [subject]");
    user = slice_of_str("_v_");
    expect("lotte_v_x", "lotte[subject]x");
    user = slice_of_str("max-1");
    expect("max-1 max-12 xmax-1", "[subject] max-12 xmax-1");
    user = slice_of_str("number");
    expect("a number: 06-12345678", "a [subject]: [number]");
    user = slice_of_str("subject");
    expect("the subject", "the [subject]");
    user = slice_of(NULL, 0);
    expect("subject lotte", "subject lotte");
}

/* Twice as long takes about twice as long: here, 256 KiB of what each pass could stumble over. */
static void long_texts_of_near_matches_end(void **state)
{
    (void)state;
    static const char *const units[] = {"NL91",  "NL91 ", "a@",       "1 ",
                                        "1    ", "@",     "AB12CD34", "+("};
    enum { BYTES = 262144 };
    uint8_t *text = malloc(BYTES);
    for (size_t i = 0; i < SL_LENGTH(units); i++) {
        for (size_t n = 0; n < BYTES; n++)
            text[n] = (uint8_t)units[i][n % strlen(units[i])];
        bool has_taken = false;
        assert_true(redact_text(text, BYTES, slice_of_str("NL91x"), &has_taken) <= BYTES);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_and_names_with_an_at_sign_are_taken_out),
        cmocka_unit_test(an_at_sign_alone_is_no_address),
        cmocka_unit_test(the_subjects_own_name_is_taken_out),
        cmocka_unit_test(numbers_of_seven_digits_and_more_are_taken_out),
        cmocka_unit_test(short_numbers_and_those_far_apart_stay),
        cmocka_unit_test(accounts_are_taken_out_by_their_check_digits),
        cmocka_unit_test(long_words_with_digits_are_taken_out),
        cmocka_unit_test(all_other_text_leaves_as_it_is),
        cmocka_unit_test(random_texts_lose_addresses_and_numbers_and_nothing_is_added),
        cmocka_unit_test(long_texts_of_near_matches_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
