/* Numbers of positions against strtod(), numbers of times against integers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transform/number.h"

#include "base/err.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double read_double(const char *text)
{
    return number_to_double(slice_of_str(text));
}

static void coordinates_read_as_the_nearest_double(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "0.0",
        "1",
        "-1",
        "52.370216",
        "-179.999999",
        "4.8951679000",
        "180.0",
        "1e2",
        "1E-2",
        "0.5e+1",
        "-12.5e-1",
        "123456789012345",
        "0.000000000000001",
        "1e22",
        "1e-22",
        "90.00000000000001",
        "0e999999999999",
        "0.1e-5",
    };
    for (size_t i = 0; i < SL_LENGTH(texts); i++)
        assert_true(read_double(texts[i]) == strtod(texts[i], NULL));
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    for (int i = 0; i < 100000; i++) {
        char text[40];
        snprintf(text, sizeof text, "%d.%0*d", rand() % 361 - 180, rand() % 9 + 1,
                 rand() % 1000000000);
        assert_true(read_double(text) == strtod(text, NULL));
    }
}

static void longer_numbers_read_within_a_part_in_ten_to_the_fifteenth(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "52.37021600000000123456789",
        "4.895167900000000678",
        "0.1000000000000000055511151231257827",
        "123456789012345678901234567890",
        "1e100",
        "1e300",
        "9.87e-300",
        "1.7976931348623157e308",
        "0.000000000000000000000000000000123",
        "2.2250738585072014e-308",
        "100000000000000000000000000000000000000000e-40",
        "0.00000000000000000000000000000000000001e40",
    };
    for (size_t i = 0; i < SL_LENGTH(texts); i++) {
        double expected = strtod(texts[i], NULL);
        double got = read_double(texts[i]);
        assert_true(fabs(got - expected) <= fabs(expected) * 1e-15 * 5);
    }
    for (int i = 0; i < 100000; i++) {
        char text[40];
        double value = ldexp((double)rand() / RAND_MAX - 0.5, rand() % 16);
        snprintf(text, sizeof text, "%.17g", value);
        assert_true(fabs(read_double(text) - value) <= fabs(value) * 1e-15);
    }
}

static void a_number_beyond_a_double_is_infinite(void **state)
{
    (void)state;
    assert_true(isinf(read_double("1e309")));
    assert_true(isinf(read_double("1e400")));
    assert_true(isinf(read_double("-1e99999999999999999999")));
    assert_true(read_double("1e-400") == 0);
    assert_true(read_double("1e-99999999999999999999") == 0);
}

static void expect_whole(const char *text, int64_t max, int64_t expected)
{
    int64_t got = 99;
    assert_true(number_to_whole(slice_of_str(text), max, &got));
    assert_int_equal(got, expected);
}

static void expect_none(const char *text, int64_t max)
{
    int64_t got = 99;
    assert_false(number_to_whole(slice_of_str(text), max, &got));
    assert_int_equal(got, 99);
}

static void a_fraction_is_rounded_down(void **state)
{
    (void)state;
    expect_whole("0", 100, 0);
    expect_whole("-0", 100, 0);
    expect_whole("-0.0", 100, 0);
    expect_whole("1.999999", 100, 1);
    expect_whole("-1.000000", 100, -1);
    expect_whole("-1.000001", 100, -2);
    expect_whole("-0.5", 100, -1);
    expect_whole("100.9", 100, 100);
}

static void what_is_too_large_or_has_an_exponent_is_none(void **state)
{
    (void)state;
    expect_whole("253402300799999", 253402300799999, 253402300799999);
    expect_none("253402300800000", 253402300799999);
    expect_whole("-253402300799999", 253402300799999, -253402300799999);
    expect_none("-253402300800000", 253402300799999);
    expect_none("99999999999999999999999999", INT64_MAX);
    expect_whole("9223372036854775807", INT64_MAX, INT64_MAX);
    expect_none("9223372036854775808", INT64_MAX);
    expect_none("1e3", 10000);
    expect_none("1.5E0", 10000);
}

static void expect_thousandths(const char *text, int64_t expected)
{
    int64_t got = 99;
    assert_true(number_to_thousandths(slice_of_str(text), &got));
    if (got != expected)
        fail_msg("%s: %lld", text, (long long)got);
}

static void thousandths_are_exact_and_rounded_down(void **state)
{
    (void)state;
    expect_thousandths("0", 0);
    expect_thousandths("-0", 0);
    expect_thousandths("-0.000", 0);
    expect_thousandths("0e5", 0);
    expect_thousandths("0.1", 100);
    expect_thousandths("0.3", 300); /* as a double it is a little less */
    expect_thousandths("1.005", 1005);
    expect_thousandths("1.9999999999999999999999", 1999);
    expect_thousandths("-1.0000000000000000000001", -1001);
    expect_thousandths("-0.0001", -1);
    expect_thousandths("1.5e3", 1500000);
    expect_thousandths("15E+2", 1500000);
    expect_thousandths("15e-3", 15);
    expect_thousandths("15e-4", 1);
    expect_thousandths("-15e-4", -2);
    expect_thousandths("1e-99999999999999999999", 0);
    expect_thousandths("-1e-99999999999999999999", -1);
    expect_thousandths("0.00000000000000000000000000001e29", 1000);
    expect_thousandths("100000000000000000000000000000e-29", 1000);
    expect_thousandths("1000000000000000", 1000000000000000000);
    expect_thousandths("-1000000000000000", -1000000000000000000);
}

static void a_number_of_more_than_fifteen_digits_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"1000000000000000.001",
                                        "1000000000000001",
                                        "1e16",
                                        "-1e400",
                                        "1e99999999999999999999",
                                        "99999999999999999999999999999"};
    for (size_t i = 0; i < SL_LENGTH(texts); i++) {
        int64_t got = 99;
        assert_false(number_to_thousandths(slice_of_str(texts[i]), &got));
        assert_int_equal(got, 99);
    }
}

/* Against integers: the number is made from its thousandths, its rest and its exponent. */
static void random_numbers_have_the_thousandths_they_were_made_from(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        const long whole = rand() % 1000000;
        const int part = rand() % 1000, rest = rand() % 2 ? rand() % 1000 : 0;
        const bool negative = rand() % 2;
        char text[64];
        const int64_t size = whole * 1000 + part;
        if (rand() % 2)
            snprintf(text, sizeof text, "%s%ld.%03d%03d", negative ? "-" : "", whole, part, rest);
        else
            snprintf(text, sizeof text, "%s0.%06ld%03d%03de6", negative ? "-" : "", whole, part,
                     rest);
        expect_thousandths(text, negative ? -size - (rest != 0) : size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coordinates_read_as_the_nearest_double),
        cmocka_unit_test(longer_numbers_read_within_a_part_in_ten_to_the_fifteenth),
        cmocka_unit_test(a_number_beyond_a_double_is_infinite),
        cmocka_unit_test(a_fraction_is_rounded_down),
        cmocka_unit_test(what_is_too_large_or_has_an_exponent_is_none),
        cmocka_unit_test(thousandths_are_exact_and_rounded_down),
        cmocka_unit_test(a_number_of_more_than_fifteen_digits_is_none),
        cmocka_unit_test(random_numbers_have_the_thousandths_they_were_made_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
