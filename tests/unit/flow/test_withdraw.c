/* Taking one consent out of a policy's text, and nothing else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "flow/withdraw.h"

static const char two[] = "sluis: 1\n"
                          "subject: lotte\n"
                          "consents:\n"
                          "  # to work\n"
                          "  - id: drive\n"
                          "    app: waze\n"
                          "    data:\n"
                          "      location: {precision: 5km}\n"
                          "  - id: taste   # at home\n"
                          "    app: spotify\n"
                          "refuse:\n"
                          "  - data: [location]\n";

static enum withdraw_outcome withdraw(const char *yaml, const char *id, struct slice *out)
{
    static uint8_t block[4096];
    struct writer writer = writer_over(block, sizeof block);
    enum withdraw_outcome outcome = withdraw_consent(slice_of_str(yaml), slice_of_str(id), &writer);
    *out = writer_slice(&writer);
    return outcome;
}

static void assert_text(struct slice found, const char *expected)
{
    assert_int_equal(found.n, strlen(expected));
    assert_memory_equal(found.p, expected, found.n);
}

static void first_consent_goes_and_the_rest_stays_byte_for_byte(void **state)
{
    (void)state;
    struct slice out;
    assert_int_equal(withdraw(two, "drive", &out), WITHDRAW_DONE);
    assert_text(out, "sluis: 1\nsubject: lotte\nconsents:\n  # to work\n"
                     "  - id: taste   # at home\n    app: spotify\nrefuse:\n  - data: [location]\n");
}

static void last_in_the_list_goes_up_to_the_next_key(void **state)
{
    (void)state;
    struct slice out;
    assert_int_equal(withdraw(two, "taste", &out), WITHDRAW_DONE);
    assert_text(out, "sluis: 1\nsubject: lotte\nconsents:\n  # to work\n  - id: drive\n"
                     "    app: waze\n    data:\n      location: {precision: 5km}\nrefuse:\n"
                     "  - data: [location]\n");
}

static void only_consent_leaves_an_empty_list(void **state)
{
    (void)state;
    struct slice out;
    assert_int_equal(withdraw("sluis: 1\nconsents:\n- id: a\n  app: b\n", "a", &out),
                     WITHDRAW_DONE);
    assert_text(out, "sluis: 1\nconsents: []\n");
}

static void unknown_consent_is_said(void **state)
{
    (void)state;
    struct slice out;
    assert_int_equal(withdraw(two, "driv", &out), WITHDRAW_NO_SUCH_CONSENT);
    assert_int_equal(withdraw("sluis: 1\n", "drive", &out), WITHDRAW_NO_SUCH_CONSENT);
    assert_int_equal(out.n, 0);
}

static void list_on_one_line_is_left_to_the_hand(void **state)
{
    (void)state;
    struct slice out;
    assert_int_equal(withdraw("consents: [{id: a}, {id: b}]\n", "a", &out), WITHDRAW_BY_HAND);
    assert_int_equal(withdraw("consents: [", "a", &out), WITHDRAW_BY_HAND);
    assert_int_equal(out.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_consent_goes_and_the_rest_stays_byte_for_byte),
        cmocka_unit_test(last_in_the_list_goes_up_to_the_next_key),
        cmocka_unit_test(only_consent_leaves_an_empty_list),
        cmocka_unit_test(unknown_consent_is_said),
        cmocka_unit_test(list_on_one_line_is_left_to_the_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
