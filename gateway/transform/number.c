/*
 * number.c - decimal text to double without strtod()
 *
 * strtod() reads the decimal point of the process's locale and wants a terminated copy. Positions
 * need neither its last half unit nor its range: the digits are gathered in 64 bits (what comes
 * after the nineteenth significant one is cut off), and one power of ten, exact in a double up to
 * 10^22, scales them with a single rounding (W. D. Clinger, "How to read floating point numbers
 * accurately", 1990, the fast path). One rounding of an exact operand is the nearest double; with
 * 16 to 19 digits the operand is rounded too. The outcome depends on the text alone.
 *
 * Amounts are never doubles: 0.1 is no double, and a bucket of 0.1 must hold 0.1. They are counted
 * in thousandths, from the digits themselves; an exponent only says where the point stands.
 */
#include "transform/number.h"

#include <math.h>

enum {
    DIGITS_MAX = 19,        /* 10^19 - 1 fits in 64 bits */
    EXACT_POWER_MAX = 22,   /* 10^22 is 5^22 * 2^22, and 5^22 < 2^53 */
    EXPONENT_CAP = 1000000, /* beyond, all that counts is the sign */
};

/* Numbers below are seconds (until the year 5138), from here on milliseconds (from 1973). */
static const int64_t SECONDS_LIMIT = 100000000000;
static const int64_t YEAR_1_MS = -62135596800000;
static const int64_t YEAR_10000_MS = 253402300800000;
static const int64_t THOUSANDTHS_MAX = 1000000000000000000;

static const double exact_powers[EXACT_POWER_MAX + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static double scale(double value, int64_t exponent)
{
    while (exponent > 0 && value != 0 && !isinf(value)) {
        int64_t step = exponent < EXACT_POWER_MAX ? exponent : EXACT_POWER_MAX;
        value *= exact_powers[step];
        exponent -= step;
    }
    while (exponent < 0 && value != 0) {
        int64_t step = -exponent < EXACT_POWER_MAX ? -exponent : EXACT_POWER_MAX;
        value /= exact_powers[step];
        exponent += step;
    }
    return value;
}

static int64_t read_exponent(struct slice text, size_t at)
{
    bool negative = false;
    int64_t exponent = 0;
    if (text.p[at] == '+' || text.p[at] == '-')
        negative = text.p[at++] == '-';
    for (; at < text.n; at++)
        if (exponent < EXPONENT_CAP)
            exponent = exponent * 10 + (text.p[at] - '0');
    return negative ? -exponent : exponent;
}

double number_to_double(struct slice text)
{
    uint64_t digits = 0;
    int64_t exponent = 0;
    size_t n_digits = 0;
    bool in_fraction = false;
    size_t at = text.p[0] == '-' ? 1 : 0;
    for (; at < text.n; at++) {
        uint8_t c = text.p[at];
        if (c == '.') {
            in_fraction = true;
            continue;
        }
        if ((c | 0x20) == 'e') {
            exponent += read_exponent(text, at + 1);
            break;
        }
        if (n_digits < DIGITS_MAX) {
            digits = digits * 10 + (uint64_t)(c - '0');
            n_digits += digits != 0;
            exponent -= in_fraction;
        } else {
            exponent += !in_fraction;
        }
    }
    double value = scale((double)digits, exponent);
    return text.p[0] == '-' ? -value : value;
}

bool number_to_whole(struct slice text, int64_t max, int64_t *out)
{
    bool negative = text.p[0] == '-';
    bool has_rest = false;
    int64_t value = 0;
    size_t at = negative ? 1 : 0;
    for (; at < text.n && text.p[at] >= '0' && text.p[at] <= '9'; at++) {
        if (value > (max - (text.p[at] - '0')) / 10)
            return false;
        value = value * 10 + (text.p[at] - '0');
    }
    if (at < text.n && text.p[at] == '.')
        for (at++; at < text.n && text.p[at] >= '0' && text.p[at] <= '9'; at++)
            has_rest = has_rest || text.p[at] != '0';
    if (at < text.n)
        return false;
    *out = negative ? -value - has_rest : value;
    return true;
}

bool time_has_four_digit_year(int64_t time_ms)
{
    return time_ms >= YEAR_1_MS && time_ms < YEAR_10000_MS;
}

bool number_to_time(struct slice text, int64_t *time_ms, bool *is_seconds)
{
    int64_t time;
    if (!number_to_whole(text, YEAR_10000_MS, &time))
        return false;
    const bool in_seconds = time > -SECONDS_LIMIT && time < SECONDS_LIMIT;
    time = in_seconds ? time * 1000 : time;
    if (!time_has_four_digit_year(time))
        return false;
    *time_ms = time;
    *is_seconds = in_seconds;
    return true;
}

/* Where a number's digits and its exponent are. */
struct decimal {
    struct slice digits; /* with the point, if any */
    int64_t n_whole;     /* digits in front of the point, once the exponent has moved it */
};

static struct decimal read_decimal(struct slice text)
{
    size_t at = text.p[0] == '-' ? 1 : 0;
    const size_t start = at;
    int64_t n_whole = 0;
    bool in_fraction = false;
    for (; at < text.n && (text.p[at] | 0x20) != 'e'; at++) {
        in_fraction = in_fraction || text.p[at] == '.';
        n_whole += !in_fraction;
    }
    const struct slice digits = slice_of(text.p + start, at - start);
    if (at < text.n)
        n_whole += read_exponent(text, at + 1);
    return (struct decimal){digits, n_whole};
}

bool number_to_thousandths(struct slice text, int64_t *out)
{
    const struct decimal decimal = read_decimal(text);
    int64_t n_left = decimal.n_whole + 3; /* digits that are still whole thousandths */
    int64_t value = 0;
    bool has_rest = false;
    for (size_t i = 0; i < decimal.digits.n; i++) {
        const int64_t digit = decimal.digits.p[i] - '0';
        if (decimal.digits.p[i] == '.')
            continue;
        if (n_left-- <= 0) {
            has_rest = has_rest || digit != 0;
            continue;
        }
        if (value > (THOUSANDTHS_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    for (; n_left > 0 && value > 0; n_left--) {
        if (value > THOUSANDTHS_MAX / 10)
            return false;
        value *= 10;
    }
    *out = text.p[0] == '-' ? -value - has_rest : value;
    return true;
}
