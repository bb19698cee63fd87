/*
 * derive.c - month, hour, age group, first word
 *
 * What a derived value is made of is gone from it, and what a grant of the coarser class says is
 * what leaves, whatever the app sends. Where that would need a guess, null leaves: a wrong guess
 * would be a wider result.
 *
 * Times are taken as they are written, by the clock on their wall: who arrives at 15:30+01:00
 * arrives in the hour of 15:00. A bucket of time that is wider than the form makes wider steps.
 *
 * An age is that of the last day of the year before. So all who were born in one year change group
 * at one moment, New Year, and asking every day until the group changes tells a birthday to nobody.
 * Somebody who turned 18 this year stays 16-17 until it ends: who counts as a minor too long is
 * protected too long.
 */
#include "transform/derive.h"

#include "base/err.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "transform/number.h"

enum {
    DAY_S = 86400,
    HOUR_S = 3600,
    MONTH_DAYS_MIN = 28,
    AGE_MAX = 150,
    TIME_TEXT_BYTES = 8, /* 15:30:00 */
};

/* By the clock on the wall. */
struct moment {
    bool has_date, has_time;
    struct civil_date date;
    uint32_t second; /* of the day */
};

bool form_is_derived(enum field_form form)
{
    return form == FIELD_FIRST_WORD || form == FIELD_MONTH || form == FIELD_HOUR ||
           form == FIELD_AGE_GROUP;
}

static void write_two_digits(struct writer *writer, uint32_t value)
{
    write_u8(writer, (uint8_t)('0' + value / 10 % 10));
    write_u8(writer, (uint8_t)('0' + value % 10));
}

/* ------------------------------------------------------------------------------- times */

static bool read_two_digits(struct slice text, size_t at, uint32_t max, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = at; i < at + 2; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(text.p[i] - '0');
    }
    *out = value;
    return value <= max;
}

/* HH:MM or HH:MM:SS; a leap second is the one before. */
static bool read_time_of_day(struct slice text, uint32_t *second)
{
    uint32_t hours, minutes, seconds = 0;
    const bool has_seconds = text.n == TIME_TEXT_BYTES && text.p[5] == ':';
    if ((text.n != 5 && !has_seconds) || text.p[2] != ':' ||
        !read_two_digits(text, 0, 23, &hours) || !read_two_digits(text, 3, 59, &minutes) ||
        (has_seconds && !read_two_digits(text, 6, 60, &seconds)))
        return false;
    *second = hours * HOUR_S + minutes * 60 + (seconds < 60 ? seconds : 59);
    return true;
}

/* RFC 3339: date and time, or a date; YYYY-MM, which is its first day; or a time of day. */
static bool read_moment_text(struct slice text, struct moment *out)
{
    static const size_t n_date = sizeof "2026-11-28" - 1, n_month = sizeof "2026-11" - 1;
    int64_t time_ms;
    if (read_time_of_day(text, &out->second)) {
        out->has_time = true;
        return true;
    }
    if (text.n == n_month) {
        uint8_t first_day[sizeof "2026-11-28" - 1];
        struct writer writer = writer_over(first_day, sizeof first_day);
        write_bytes(&writer, text);
        write_str(&writer, "-01");
        return out->has_date = date_parse(writer_slice(&writer), &out->date);
    }
    if (text.n < n_date || !date_parse(slice_of(text.p, n_date), &out->date))
        return false;
    out->has_date = true;
    if (text.n == n_date)
        return true;
    out->has_time = timestamp_parse(text, &time_ms) &&
                    read_time_of_day(slice_of(text.p + n_date + 1, TIME_TEXT_BYTES), &out->second);
    return out->has_time;
}

static bool read_moment(const struct derive_input *input, struct moment *out)
{
    int64_t time_ms;
    bool is_seconds;
    *out = (struct moment){0};
    if (input->is_string)
        return read_moment_text(input->text, out);
    if (!number_to_time(input->text, &time_ms, &is_seconds))
        return false;
    const int64_t second = time_ms / 1000 - (time_ms % 1000 < 0);
    const int64_t day = second / DAY_S - (second % DAY_S < 0);
    out->has_date = out->has_time = true;
    out->date = civil_from_days(day);
    out->second = (uint32_t)(second - day * DAY_S);
    return true;
}

static uint32_t divide_up(uint32_t value, uint32_t by)
{
    return value / by + (value % by > 0);
}

static bool derive_month(const struct derive_input *input, struct writer *out)
{
    struct moment moment;
    if (!read_moment(input, &moment) || !moment.has_date || moment.date.year < 1)
        return false;
    uint32_t step = divide_up(input->time_s, MONTH_DAYS_MIN * DAY_S);
    step = step > 0 ? step : 1;
    uint32_t month = (uint32_t)moment.date.year * 12 + moment.date.month - 1;
    month -= month % step;
    if (month < 12) /* a step back from the first year */
        return false;
    write_two_digits(out, month / 12 / 100);
    write_two_digits(out, month / 12 % 100);
    write_u8(out, '-');
    write_two_digits(out, month % 12 + 1);
    return true;
}

static bool derive_hour(const struct derive_input *input, struct writer *out)
{
    struct moment moment;
    if (!read_moment(input, &moment) || !moment.has_time)
        return false;
    uint32_t step = divide_up(input->time_s, HOUR_S);
    step = step > 0 ? step : 1;
    uint32_t hour = moment.second / HOUR_S;
    write_two_digits(out, hour - hour % step);
    write_str(out, ":00");
    return true;
}

/* ------------------------------------------------------------------------------- ages */

/* Those who may not decide alone come apart from the others: 13, 16 and 18 are where laws divide.
 */
static const struct {
    int32_t from;
    struct slice name;
} age_groups[] = {
    {0, SLICE_LITERAL("0-12")},   {13, SLICE_LITERAL("13-15")}, {16, SLICE_LITERAL("16-17")},
    {18, SLICE_LITERAL("18-24")}, {25, SLICE_LITERAL("25-34")}, {35, SLICE_LITERAL("35-44")},
    {45, SLICE_LITERAL("45-54")}, {55, SLICE_LITERAL("55-64")}, {65, SLICE_LITERAL("65+")},
};

/* From a number of years, or from the year of birth. */
static bool read_age(const struct derive_input *input, int32_t *out)
{
    struct moment moment = {0};
    int64_t age = 0;
    uint64_t years = 0;
    if (!input->is_string) {
        if (!number_to_whole(input->text, AGE_MAX, &age) || age < 0)
            return false;
    } else if (slice_to_u64(input->text, AGE_MAX, &years)) {
        age = (int64_t)years;
    } else {
        if (!read_moment_text(input->text, &moment) || !moment.has_date)
            return false;
        age = (int64_t)input->year - moment.date.year - 1;
        if (age < -1 || age > AGE_MAX)
            return false;
    }
    *out = age < 0 ? 0 : (int32_t)age;
    return true;
}

static bool derive_age_group(const struct derive_input *input, struct writer *out)
{
    for (size_t i = 0; input->is_string && i < SL_LENGTH(age_groups); i++) {
        if (slice_equals(input->text, age_groups[i].name)) {
            write_bytes(out, input->text);
            return true;
        }
    }
    int32_t age;
    if (!read_age(input, &age))
        return false;
    size_t i = SL_LENGTH(age_groups) - 1;
    while (age_groups[i].from > age)
        i--;
    write_bytes(out, age_groups[i].name);
    return true;
}

/* ------------------------------------------------------------------------------- names */

static bool is_space(uint32_t c)
{
    return c <= 0x20 || c == 0x7f || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200b) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000 || c == 0xfeff;
}

/* Scripts in which the family name comes first, and names are written without a space. */
static bool is_family_first(uint32_t c)
{
    return (c >= 0x1100 && c <= 0x11ff) || (c >= 0x2e80 && c <= 0x9fff) ||
           (c >= 0xa960 && c <= 0xa97f) || (c >= 0xac00 && c <= 0xd7ff) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0xff66 && c <= 0xffdc) ||
           (c >= 0x1b000 && c <= 0x1b16f) || (c >= 0x20000 && c <= 0x3ffff);
}

static bool derive_first_word(const struct derive_input *input, struct writer *out)
{
    if (!input->is_string)
        return false;
    const struct slice text = input->text;
    size_t start = text.n, end = text.n;
    for (size_t at = 0, n_bytes; at < text.n; at += n_bytes) {
        const uint32_t c = utf8_code_point(slice_of(text.p + at, text.n - at), &n_bytes);
        if (c == ',' || c == ';' || c == '@' || (is_family_first(c) && c != 0x3000))
            return true; /* null: which word is the first name can't be told */
        if (!is_space(c) && start == text.n)
            start = at;
        if (is_space(c) && start < at && end == text.n)
            end = at;
    }
    write_bytes(out, slice_of(text.p + start, end - start));
    return true;
}

bool derive_value(enum field_form form, const struct derive_input *input, struct writer *out)
{
    switch (form) {
    case FIELD_FIRST_WORD:
        return derive_first_word(input, out);
    case FIELD_MONTH:
        return derive_month(input, out);
    case FIELD_HOUR:
        return derive_hour(input, out);
    case FIELD_AGE_GROUP:
        return derive_age_group(input, out);
    default:
        return false;
    }
}
