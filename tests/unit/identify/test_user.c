/*
 * A name of a person at an app, as it stands in a path.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "identify/user.h"

#include <string.h>

static void assert_reads(const char *segment, const char *name)
{
    char block[LIMIT_MAX_account_user_bytes];
    struct writer writer = writer_over(block, sizeof block);
    assert_true(user_read(slice_of_str(segment), &writer));
    assert_true(slice_equals_str(writer_slice(&writer), name));
}

static void assert_is_no_name(struct slice segment)
{
    char block[LIMIT_MAX_account_user_bytes];
    struct writer writer = writer_over(block, sizeof block);
    assert_false(user_read(segment, &writer));
    assert_int_equal(writer.n, 0);
}

static void a_name_is_read_as_it_is_or_escaped(void **state)
{
    (void)state;
    assert_reads("lotte", "lotte");
    assert_reads("l%6ftte", "lotte");
    assert_reads("L%C3%A9on%20@home", "L\xc3\xa9on @home");
    assert_reads("a!$&'()*+,;=:@-._~Z9", "a!$&'()*+,;=:@-._~Z9");
    assert_reads("100%25", "100%");
    assert_reads("%2525", "%25"); /* once */
}

static void what_is_no_name_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "%",   "a%",  "a%4", "%4g",         "%g4",
                                      "%%",  "a b", "a/b", "a?b", "caf\xc3\xa9", "a\x7f",
                                      "a\"", "a<b", "a|b", "a%+1"};
    for (size_t i = 0; i < SL_LENGTH(bad); i++)
        assert_is_no_name(slice_of_str(bad[i]));
    assert_is_no_name(slice_of("a\0b", 3));
}

static void a_name_has_at_most_account_user_bytes(void **state)
{
    (void)state;
    char segment[3 * LIMIT_MAX_account_user_bytes + 3], name[LIMIT_MAX_account_user_bytes + 1];
    for (size_t i = 0; i < sizeof segment; i += 3)
        memcpy(segment + i, "%41", 3);
    memset(name, 'A', sizeof name);
    name[LIMIT_MAX_account_user_bytes] = 0;
    char block[LIMIT_MAX_account_user_bytes];
    struct writer writer = writer_over(block, sizeof block);
    assert_true(user_read(slice_of(segment, sizeof segment - 3), &writer));
    assert_true(slice_equals_str(writer_slice(&writer), name));
    assert_is_no_name(slice_of(segment, sizeof segment));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_read_as_it_is_or_escaped),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(a_name_has_at_most_account_user_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
