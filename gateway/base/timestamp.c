/*
 * timestamp.c - the calendar by arithmetic, without the C library's locale and time zone
 *
 * Days are counted in 400-year eras that start on 1 March, so that the leap day is the last day
 * of the year (Howard Hinnant, "chrono-compatible low-level date algorithms").
 */
#include "base/timestamp.h"

#include <time.h>

static int64_t read_clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
    return read_clock_ms(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
    return read_clock_ms(CLOCK_MONOTONIC);
}

int64_t days_from_civil(struct civil_date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct civil_date civil_from_days(int64_t days_since_epoch)
{
    int64_t days = days_since_epoch + 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    struct civil_date date;
    date.day = (uint8_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    date.month = (uint8_t)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    date.year = (int32_t)(year_of_era + era * 400 + (date.month <= 2));
    return date;
}

bool civil_date_is_valid(struct civil_date date)
{
    static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (date.year < 1 || date.year > 9999 || date.month < 1 || date.month > 12 || date.day < 1)
        return false;
    bool is_leap_year = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0);
    bool has_leap_day = is_leap_year && date.month == 2;
    return date.day <= month_days[date.month - 1] + has_leap_day;
}

static void write_padded(struct writer *writer, int64_t value, int n_digits)
{
    int64_t unit = 1;
    for (int i = 1; i < n_digits; i++)
        unit *= 10;
    for (; unit > 0; unit /= 10)
        write_u8(writer, (uint8_t)('0' + value / unit % 10));
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static void write_date_time(struct writer *writer, int64_t time_ms)
{
    int64_t seconds = floor_div(time_ms, 1000);
    int64_t days = floor_div(seconds, 86400);
    int64_t second_of_day = seconds - days * 86400;
    struct civil_date date = civil_from_days(days);
    write_padded(writer, date.year, 4);
    write_u8(writer, '-');
    write_padded(writer, date.month, 2);
    write_u8(writer, '-');
    write_padded(writer, date.day, 2);
    write_u8(writer, 'T');
    write_padded(writer, second_of_day / 3600, 2);
    write_u8(writer, ':');
    write_padded(writer, second_of_day / 60 % 60, 2);
    write_u8(writer, ':');
    write_padded(writer, second_of_day % 60, 2);
}

void write_timestamp_ms(struct writer *writer, int64_t time_ms)
{
    write_date_time(writer, time_ms);
    write_u8(writer, '.');
    write_padded(writer, time_ms - floor_div(time_ms, 1000) * 1000, 3);
    write_u8(writer, 'Z');
}

void write_timestamp_s(struct writer *writer, int64_t time_ms)
{
    write_date_time(writer, time_ms);
    write_u8(writer, 'Z');
}

/* A cursor over text: what does not match makes `bad` stick. */
struct scan {
    struct slice text;
    size_t at;
    bool bad;
};

static int32_t scan_digits(struct scan *scan, size_t n_digits)
{
    int32_t value = 0;
    for (size_t i = 0; i < n_digits; i++, scan->at++) {
        if (scan->at >= scan->text.n || scan->text.p[scan->at] < '0' ||
            scan->text.p[scan->at] > '9') {
            scan->bad = true;
            return 0;
        }
        value = value * 10 + (scan->text.p[scan->at] - '0');
    }
    return value;
}

static bool scan_is_at(const struct scan *scan, char c)
{
    return scan->at < scan->text.n && scan->text.p[scan->at] == (uint8_t)c;
}

static void scan_expect(struct scan *scan, char c)
{
    if (scan_is_at(scan, c))
        scan->at++;
    else
        scan->bad = true;
}

static struct civil_date scan_date(struct scan *scan)
{
    struct civil_date date;
    date.year = scan_digits(scan, 4);
    scan_expect(scan, '-');
    date.month = (uint8_t)scan_digits(scan, 2);
    scan_expect(scan, '-');
    date.day = (uint8_t)scan_digits(scan, 2);
    scan->bad = scan->bad || !civil_date_is_valid(date);
    return date;
}

bool date_parse(struct slice text, struct civil_date *out)
{
    struct scan scan = {text, 0, false};
    struct civil_date date = scan_date(&scan);
    if (scan.bad || scan.at != text.n)
        return false;
    *out = date;
    return true;
}

static int64_t scan_fraction_ms(struct scan *scan)
{
    scan_expect(scan, '.');
    int64_t fraction_ms = 0;
    size_t n_digits = 0;
    while (scan->at < scan->text.n && scan->text.p[scan->at] >= '0' &&
           scan->text.p[scan->at] <= '9') {
        if (n_digits < 3)
            fraction_ms = fraction_ms * 10 + (scan->text.p[scan->at] - '0');
        n_digits++;
        scan->at++;
    }
    for (size_t i = n_digits; i < 3; i++)
        fraction_ms *= 10;
    scan->bad = scan->bad || n_digits == 0 || n_digits > 9;
    return fraction_ms;
}

static int64_t scan_offset_ms(struct scan *scan)
{
    if (scan_is_at(scan, 'Z')) {
        scan->at++;
        return 0;
    }
    int64_t sign = scan_is_at(scan, '-') ? -1 : 1;
    if (sign < 0)
        scan->at++;
    else
        scan_expect(scan, '+');
    int32_t hours = scan_digits(scan, 2);
    scan_expect(scan, ':');
    int32_t minutes = scan_digits(scan, 2);
    scan->bad = scan->bad || hours > 23 || minutes > 59;
    return sign * (hours * 60 + minutes) * 60000;
}

bool timestamp_parse_exact(struct slice text, int64_t *time_ms)
{
    static const char form[TIMESTAMP_BYTES + 1] = "0000-00-00T00:00:00.000Z";
    if (text.n != TIMESTAMP_BYTES)
        return false;
    int32_t digits[TIMESTAMP_BYTES];
    bool bad = false;
    for (size_t i = 0; i < TIMESTAMP_BYTES; i++) {
        digits[i] = text.p[i] - '0';
        bad |= form[i] == '0' ? digits[i] < 0 || digits[i] > 9 : text.p[i] != (uint8_t)form[i];
    }
    const struct civil_date date = {
        .year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3],
        .month = (uint8_t)(digits[5] * 10 + digits[6]),
        .day = (uint8_t)(digits[8] * 10 + digits[9]),
    };
    int32_t hour = digits[11] * 10 + digits[12], minute = digits[14] * 10 + digits[15];
    int32_t second = digits[17] * 10 + digits[18];
    if (bad || !civil_date_is_valid(date) || hour > 23 || minute > 59 || second > 59)
        return false;
    int64_t second_of_day = hour * 3600 + minute * 60 + second;
    *time_ms = (days_from_civil(date) * 86400 + second_of_day) * 1000 + digits[20] * 100 +
               digits[21] * 10 + digits[22];
    return true;
}

bool timestamp_parse(struct slice text, int64_t *time_ms)
{
    struct scan scan = {text, 0, false};
    struct civil_date date = scan_date(&scan);
    scan_expect(&scan, 'T');
    int32_t hour = scan_digits(&scan, 2);
    scan_expect(&scan, ':');
    int32_t minute = scan_digits(&scan, 2);
    scan_expect(&scan, ':');
    int32_t second = scan_digits(&scan, 2);
    int64_t fraction_ms = scan_is_at(&scan, '.') ? scan_fraction_ms(&scan) : 0;
    int64_t offset_ms = scan_offset_ms(&scan);
    if (scan.bad || scan.at != text.n || hour > 23 || minute > 59 || second > 60)
        return false;
    int64_t second_of_day = hour * 3600 + minute * 60 + (second == 60 ? 59 : second);
    *time_ms = (days_from_civil(date) * 86400 + second_of_day) * 1000 + fraction_ms - offset_ms;
    return true;
}
