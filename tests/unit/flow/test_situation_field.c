/*
 * In which situation an answer says that its subject is: values, and nothing that only looks so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/situation_field.h"

static const struct config_situation_value values[] = {
    {SLICE_LITERAL("DRIVING"), 1}, {SLICE_LITERAL("caf\xc3\xa9 \"x\""), 2},
    {SLICE_LITERAL("true"), 4},    {SLICE_LITERAL("-1.50e3"), 8},
    {SLICE_LITERAL("a:b"), 16},    {SLICE_LITERAL("null"), 32},
};
static const struct config_situation_field field = {
    .n_values = SL_LENGTH(values),
    .values = values,
};

static void each_value_that_the_route_lists_means_what_it_says(void **state)
{
    (void)state;
    static const struct {
        const char *found;
        uint8_t situations;
    } cases[] = {
        {"{\"state\":\"DRIVING\"}", 1},
        {"{\"state\":\"driving\"}", 0},
        {"{\"state\":\"PARKED\"}", 0},
        {"{\"state\":\"\"}", 0},
        {"{}", 0},
        {"[]", 0},
        {"\"DRIVING\"", 1},
        {"{\"DRIVING\":\"x\"}", 0}, /* a key */
        {"{\"a\":{\"DRIVING\":[]}}", 0},
        {"{\"state\":\"\\u0044RIVIN\\u0047\"}", 1},
        {"{\"state\":\"DRIVING\\u0000\"}", 0},
        {"{\"state\":\"caf\xc3\xa9 \\\"x\\\"\"}", 2},
        {"{\"states\":[\"DRIVING\",true,\"caf\\u00e9 \\\"x\\\"\"]}", 7},
        {"[false,-1.50e3,null]", 40},
        {"[-1500]", 0},
        {"{\"a:b\":\"a:b\"}", 16},
        {"true", 4},
    };
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        if (situation_field_read(&field, slice_of_str(cases[i].found)) != cases[i].situations)
            fail_msg("%s", cases[i].found);
    }
}

static void a_value_longer_than_any_that_could_be_listed_means_nothing(void **state)
{
    (void)state;
    static char text[8 * LIMIT_MAX_config_label_bytes];
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = 'D';
    text[0] = text[sizeof text - 2] = '"';
    assert_int_equal(situation_field_read(&field, slice_of_str(text)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_that_the_route_lists_means_what_it_says),
        cmocka_unit_test(a_value_longer_than_any_that_could_be_listed_means_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
