/*
 * describe.c - value.c backwards: what is written here reads back as the same value
 */
#include "policy/describe.h"

#include "policy/quota.h"

void write_distance_m(struct writer *writer, uint32_t metres)
{
    const bool whole_km = metres % 1000 == 0;
    write_decimal(writer, whole_km ? metres / 1000 : metres);
    write_str(writer, whole_km ? "km" : "m");
}

void write_duration_s(struct writer *writer, uint32_t seconds)
{
    static const struct {
        uint32_t size_s;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t i = 0;
    while (seconds % units[i].size_s != 0)
        i++;
    write_decimal(writer, seconds / units[i].size_s);
    write_str(writer, units[i].name);
}

void write_coarse(struct writer *writer, enum coarse_dimension dimension, uint32_t value)
{
    switch (dimension) {
    case COARSE_PRECISION:
    case COARSE_CUT:
        write_distance_m(writer, value);
        return;
    case COARSE_TIME:
        write_duration_s(writer, value);
        return;
    case COARSE_BUCKET:
        write_thousandths(writer, value);
        return;
    case COARSE_TOP:
    case COARSE_REDACT:
        write_decimal(writer, value);
        return;
    }
}

void write_coarseness_words(struct writer *writer, struct coarseness coarseness)
{
    static const char *const words[N_COARSE] = {
        [COARSE_PRECISION] = "a grid of ",
        [COARSE_TIME] = "times in steps of ",
        [COARSE_CUT] = "what lies further from both ends than ",
        [COARSE_BUCKET] = "numbers in steps of ",
        [COARSE_TOP] = "at most so many of a list: ",
        [COARSE_REDACT] = "text without addresses and numbers",
    };
    const char *separator = "";
    for (unsigned i = 0; i < N_COARSE; i++) {
        if (coarseness.by[i] == 0)
            continue;
        write_str(writer, separator);
        write_str(writer, words[i]);
        if (i != COARSE_REDACT)
            write_coarse(writer, (enum coarse_dimension)i, coarseness.by[i]);
        separator = " and ";
    }
}

static void write_two_digits(struct writer *writer, unsigned value)
{
    write_u8(writer, (uint8_t)('0' + value / 10 % 10));
    write_u8(writer, (uint8_t)('0' + value % 10));
}

static void write_clock(struct writer *writer, unsigned minute)
{
    write_two_digits(writer, minute / 60);
    write_u8(writer, ':');
    write_two_digits(writer, minute % 60);
}

/* Runs of three days and more as a range, others one by one; weeks start on Monday. */
static void write_days(struct writer *writer, uint8_t days)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    bool is_first = true;
    for (unsigned day = 0; day < 7; day++) {
        if (!(days >> day & 1))
            continue;
        unsigned last = day;
        while (last < 6 && (days >> (last + 1) & 1))
            last++;
        write_str(writer, is_first ? "" : ", ");
        is_first = false;
        write_str(writer, names[day]);
        if (last - day >= 2) {
            write_u8(writer, '-');
            write_str(writer, names[last]);
            day = last;
        }
    }
}

void write_window(struct writer *writer, struct policy_window window)
{
    const bool all_days = window.days == 0x7f;
    const bool all_hours = window.start_minute == 0 && window.end_minute == 1440;
    if (!all_days)
        write_days(writer, window.days);
    if (!all_days && !all_hours)
        write_u8(writer, ' ');
    if (!all_hours) {
        write_clock(writer, window.start_minute);
        write_u8(writer, '-');
        write_clock(writer, window.end_minute);
    }
    if (all_days && all_hours)
        write_str(writer, "always");
}

void write_date(struct writer *writer, struct civil_date date)
{
    write_two_digits(writer, (unsigned)date.year / 100);
    write_two_digits(writer, (unsigned)date.year % 100);
    write_u8(writer, '-');
    write_two_digits(writer, date.month);
    write_u8(writer, '-');
    write_two_digits(writer, date.day);
}

void write_at_most(struct writer *writer, uint32_t at_most, uint32_t per_s)
{
    write_decimal(writer, at_most);
    enum quota_period period = QUOTA_MONTH;
    (void)quota_period_of_code(per_s, &period);
    write_str(writer, " per ");
    write_str(writer, quota_period_name(period));
}
