/*
 * test_purpose.c - the purpose comes from the contract; the header can only choose within it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "identify/purpose.h"

static const struct vocabulary_term recommendation = {.name = SLICE_LITERAL("recommendation")};
static const struct vocabulary_term research = {.name = SLICE_LITERAL("research")};
static const struct vocabulary_term *const both[] = {&recommendation, &research};
static const struct config_partner with_one = {.n_purposes = 1, .purposes = both};
static const struct config_partner with_two = {.n_purposes = 2, .purposes = both};
static const struct config_partner with_none = {.n_purposes = 0};

static const struct vocabulary_term *find(const struct config_partner *partner, const char *header)
{
    return purpose_find(partner, slice_of_str(header));
}

static void without_a_header_the_only_purpose_of_the_contract_holds(void **state)
{
    (void)state;
    assert_ptr_equal(find(&with_one, NULL), &recommendation);
    assert_ptr_equal(find(&with_one, ""), &recommendation);
}

static void without_a_header_a_contract_of_several_purposes_gives_none(void **state)
{
    (void)state;
    assert_null(find(&with_two, NULL));
    assert_null(find(&with_none, NULL));
}

static void the_header_chooses_within_the_contract(void **state)
{
    (void)state;
    assert_ptr_equal(find(&with_two, "research"), &research);
    assert_ptr_equal(find(&with_two, "recommendation"), &recommendation);
    assert_ptr_equal(find(&with_one, "recommendation"), &recommendation);
}

static void a_purpose_outside_the_contract_or_spelled_otherwise_gives_none(void **state)
{
    (void)state;
    assert_null(find(&with_one, "research"));
    assert_null(find(&with_two, "advertising"));
    assert_null(find(&with_two, "Research"));
    assert_null(find(&with_two, "research "));
    assert_null(find(&with_two, "researc"));
    assert_null(find(&with_two, "research,recommendation"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_header_the_only_purpose_of_the_contract_holds),
        cmocka_unit_test(without_a_header_a_contract_of_several_purposes_gives_none),
        cmocka_unit_test(the_header_chooses_within_the_contract),
        cmocka_unit_test(a_purpose_outside_the_contract_or_spelled_otherwise_gives_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
