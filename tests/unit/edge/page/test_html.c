/*
 * Text into HTML, and the words in both languages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/writer.h"
#include "edge/page/html.h"
#include "edge/page/words.h"

#include <string.h>

static const char *escaped(const char *text, size_t n)
{
    static char out[256];
    struct writer writer = writer_over(out, sizeof out - 1);
    html_text(&writer, slice_of(text, n));
    assert_false(writer.overflow);
    out[writer.n] = 0;
    return out;
}

static void markup_becomes_text(void **state)
{
    (void)state;
    static const char text[] = "<a href=\"x\" title='y'>&amp;</a>";
    assert_string_equal(escaped(text, sizeof text - 1),
                        "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;");
    assert_string_equal(escaped("caf\xC3\xA9 \xF0\x9F\x8E\x81", 10),
                        "caf\xC3\xA9 \xF0\x9F\x8E\x81");
    assert_string_equal(escaped("two\nlines\t", 10), "two\nlines\t");
}

static void what_no_text_should_hold_is_replaced(void **state)
{
    (void)state;
    assert_string_equal(escaped("a\0b", 3), "a\xEF\xBF\xBD"
                                            "b");
    assert_string_equal(escaped("\xFF", 1), "\xEF\xBF\xBD");
    assert_string_equal(escaped("\xC3", 1), "\xEF\xBF\xBD");
    assert_string_equal(escaped("\x1b[0m", 4), "\xEF\xBF\xBD[0m");
    assert_string_equal(escaped("\xC2\x85", 2), "\xEF\xBF\xBD"); /* a C1 control */
    assert_string_equal(escaped("\xE2\x80\xAE"
                                "x",
                                4),
                        "\xEF\xBF\xBDx");                            /* right-to-left override */
    assert_string_equal(escaped("\xE2\x81\xA6", 3), "\xEF\xBF\xBD"); /* an isolate */
}

static void every_word_is_there_in_every_language(void **state)
{
    (void)state;
    for (int i = 0; i < N_WORDS; i++) {
        const char *en = word(LANGUAGE_EN, (enum word)i), *nl = word(LANGUAGE_NL, (enum word)i);
        assert_true(en && en[0] && nl && nl[0]);
        if (strcmp(en, nl) == 0)
            fail_msg("not translated: %s", en);
    }
}

static void a_browser_is_answered_in_the_first_language_that_is_spoken_here(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        enum language language;
    } cases[] = {
        {"", LANGUAGE_EN},
        {"nl", LANGUAGE_NL},
        {"nl-BE,en;q=0.5", LANGUAGE_NL},
        {"fr, de;q=0.9, NL;q=0.8", LANGUAGE_NL},
        {"en-GB, nl", LANGUAGE_EN},
        {"nla, x-nl", LANGUAGE_EN},
        {",,, ;q=1", LANGUAGE_EN},
    };
    for (size_t i = 0; i < SL_LENGTH(cases); i++)
        assert_int_equal(language_of_browser(slice_of_str(cases[i].field)), cases[i].language);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_becomes_text),
        cmocka_unit_test(what_no_text_should_hold_is_replaced),
        cmocka_unit_test(every_word_is_there_in_every_language),
        cmocka_unit_test(a_browser_is_answered_in_the_first_language_that_is_spoken_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
