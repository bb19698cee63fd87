/*
 * value.c - the values of a policy: ids, distances, durations, dates, hours, days
 *
 * YAML's own types play no part: each value is a text with a grammar of its own, checked here.
 * Numbers carry their unit (5km, 15min), so that nobody has to guess what 15 means.
 */
#include "base/log.h"
#include "base/utf8.h"
#include "policy/loading.h"
#include "policy/quota.h"

#include <string.h>

static const char *kind_of(const struct yaml_node *node)
{
    if (node->kind == YAML_SEQUENCE)
        return "a list";
    if (node->kind == YAML_MAPPING)
        return "a mapping";
    return "nothing";
}

/* True when the node is a single value with something in it. */
static bool is_scalar(struct policy_loading *loading, const struct yaml_node *node,
                      const char *expected)
{
    if (node->kind == YAML_SCALAR && node->text.n > 0)
        return true;
    yaml_error_at(loading->problems, node->line, node->column, "%s for `%.*s`; expected %s",
                  kind_of(node), SLICE_PRINTF(node->key), expected);
    return false;
}

static bool wrong(struct policy_loading *loading, const struct yaml_node *node,
                  const char *expected)
{
    yaml_error_at(loading->problems, node->line, node->column, "`%.*s: %.*s`; expected %s",
                  SLICE_PRINTF(node->key), SLICE_PRINTF(node->text), expected);
    return false;
}

static bool keep(struct policy_loading *loading, struct slice text, struct slice *out)
{
    *out = pool_copy(loading->pool, text);
    return out->p != NULL;
}

bool value_text(struct policy_loading *loading, const struct yaml_node *node, size_t bytes_max,
                struct slice *out)
{
    if (!is_scalar(loading, node, "a line of text"))
        return false;
    if (node->text.n > bytes_max || !utf8_is_printable(node->text)) {
        yaml_error_at(loading->problems, node->line, node->column,
                      "`%.*s` has %zu bytes or control characters; expected a line of text of at "
                      "most %zu bytes",
                      SLICE_PRINTF(node->key), node->text.n, bytes_max);
        return false;
    }
    return keep(loading, node->text, out);
}

bool value_id(struct policy_loading *loading, const struct yaml_node *node, struct slice *out)
{
    static const char expected[] = "a name of 1 to 32 characters of a-z, 0-9 and -";
    if (!is_scalar(loading, node, expected))
        return false;
    if (node->text.n > POLICY_ID_BYTES)
        return wrong(loading, node, expected);
    for (size_t i = 0; i < node->text.n; i++) {
        uint8_t c = node->text.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return wrong(loading, node, expected);
    }
    return keep(loading, node->text, out);
}

bool value_subject(struct policy_loading *loading, const struct yaml_node *node, struct slice *out)
{
    static const char expected[] =
        "1 to 64 characters of A-Z, a-z, 0-9, ., _, @ and -, other than . and ..";
    if (!is_scalar(loading, node, expected))
        return false;
    /* A dot segment could not stand in an app's path. */
    if (node->text.n > POLICY_SUBJECT_BYTES || slice_equals_str(node->text, ".") ||
        slice_equals_str(node->text, ".."))
        return wrong(loading, node, expected);
    for (size_t i = 0; i < node->text.n; i++) {
        uint8_t c = node->text.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool other = (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '@' || c == '-';
        if (!letter && !other)
            return wrong(loading, node, expected);
    }
    return keep(loading, node->text, out);
}

struct unit {
    const char *name;
    uint32_t size;
};

/* A positive number and a unit, with nothing between them; at most `max` of the smallest unit. */
static bool read_quantity(struct slice text, const struct unit *units, size_t n_units, uint32_t max,
                          uint32_t *out)
{
    size_t n_digits = 0;
    while (n_digits < text.n && text.p[n_digits] >= '0' && text.p[n_digits] <= '9')
        n_digits++;
    uint64_t number;
    if (!slice_to_u64(slice_of(text.p, n_digits), max, &number) || number == 0)
        return false;
    struct slice name = slice_of(text.p + n_digits, text.n - n_digits);
    for (size_t i = 0; i < n_units; i++) {
        if (slice_equals_str(name, units[i].name) && number <= max / units[i].size) {
            *out = (uint32_t)number * units[i].size;
            return true;
        }
    }
    return false;
}

static const struct unit distances[] = {{"m", 1}, {"km", 1000}};
static const struct unit durations[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
static const struct unit counts[] = {{"", 1}};

/* Without units: thousandths of a decimal number. */
static const struct {
    const struct unit *units;
    size_t n_units;
    const char *expected;
} coarse_values[N_COARSE] = {
    [COARSE_PRECISION] = {distances, SL_LENGTH(distances),
                          "a distance from 1m to 1000km, such as 200m or 5km"},
    [COARSE_TIME] = {durations, SL_LENGTH(durations),
                     "a duration from 1s to 365d, such as 30s, 15min, 2h or 1d"},
    [COARSE_CUT] = {distances, SL_LENGTH(distances),
                    "a distance from 1m to 100km, such as 500m or 1km"},
    [COARSE_BUCKET] = {NULL, 0, "a number from 0.001 to 1000000, such as 10 or 0.5"},
    [COARSE_TOP] = {counts, SL_LENGTH(counts), "a number from 1 to 1000, such as 5"},
};

bool value_coarse(struct policy_loading *loading, const struct yaml_node *node,
                  enum coarse_dimension dimension, uint32_t *out)
{
    const char *expected = coarse_values[dimension].expected;
    const uint32_t max = coarse_max(dimension);
    SL_ASSERT(expected);
    if (!is_scalar(loading, node, expected))
        return false;
    const bool good = coarse_values[dimension].units
                          ? read_quantity(node->text, coarse_values[dimension].units,
                                          coarse_values[dimension].n_units, max, out)
                          : thousandths_parse(node->text, max, out);
    return good || wrong(loading, node, expected);
}

bool value_date(struct policy_loading *loading, const struct yaml_node *node,
                struct civil_date *out)
{
    static const char expected[] = "a day of the calendar, such as 2026-11-01";
    return is_scalar(loading, node, expected) &&
           (date_parse(node->text, out) || wrong(loading, node, expected));
}

/* "24 per day" */
bool value_at_most(struct policy_loading *loading, const struct yaml_node *node, uint32_t *n,
                   uint32_t *per_s)
{
    static const char expected[] =
        "a number up to 1000000 and a period, such as 24 per day (hour, day, week or month)";
    enum quota_period period;
    if (!is_scalar(loading, node, expected))
        return false;
    if (!quota_parse(node->text, POLICY_AT_MOST_MAX, n, &period))
        return wrong(loading, node, expected);
    *per_s = quota_period_code(period);
    return true;
}

/* mon is 0. */
static bool read_day(struct slice text, unsigned *day)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (unsigned i = 0; i < SL_LENGTH(names); i++) {
        if (slice_equals_str(text, names[i])) {
            *day = i;
            return true;
        }
    }
    return false;
}

/* "mon" or "fri-mon", which goes over the end of the week; as bits. */
static bool read_day_range(struct slice text, uint8_t *days)
{
    unsigned first, last;
    if (read_day(text, &first)) {
        *days |= (uint8_t)(1U << first);
        return true;
    }
    if (text.n != 7 || text.p[3] != '-' || !read_day(slice_of(text.p, 3), &first) ||
        !read_day(slice_of(text.p + 4, 3), &last))
        return false;
    for (unsigned day = first;; day = (day + 1) % 7) {
        *days |= (uint8_t)(1U << day);
        if (day == last)
            return true;
    }
}

static bool read_days(struct policy_loading *loading, const struct yaml_node *node, uint8_t *out)
{
    static const char expected[] = "a list of days such as [mon-fri, sun]";
    if (node->kind != YAML_SEQUENCE || node->n_children == 0) {
        yaml_error_at(loading->problems, node->line, node->column, "`days` is %s; expected %s",
                      node->kind == YAML_SEQUENCE ? "an empty list" : "no list", expected);
        return false;
    }
    uint8_t days = 0;
    bool good = true;
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        if (read_day_range(item->text, &days))
            continue;
        yaml_error_at(loading->problems, item->line, item->column,
                      "\"%.*s\" in `days`; expected mon, tue, wed, thu, fri, sat, sun, or two of "
                      "them with a hyphen",
                      SLICE_PRINTF(item->text));
        good = false;
    }
    if (good)
        *out = days;
    return good;
}

/* HH:MM, from 00:00 to 24:00. */
static bool read_clock(struct slice text, uint16_t *minute)
{
    if (text.n != 5 || text.p[2] != ':')
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (i != 2 && (text.p[i] < '0' || text.p[i] > '9'))
            return false;
    }
    unsigned hours = (unsigned)(text.p[0] - '0') * 10 + (unsigned)(text.p[1] - '0');
    unsigned minutes = (unsigned)(text.p[3] - '0') * 10 + (unsigned)(text.p[4] - '0');
    if (minutes > 59 || hours * 60 + minutes > POLICY_MINUTES_PER_DAY)
        return false;
    *minute = (uint16_t)(hours * 60 + minutes);
    return true;
}

static bool read_hours(struct policy_loading *loading, const struct yaml_node *node,
                       struct policy_window *out)
{
    static const char expected[] =
        "two times of day such as \"06:00-20:00\", or \"22:00-06:00\" into the next day";
    if (!is_scalar(loading, node, expected))
        return false;
    uint16_t start, end;
    if (node->text.n != 11 || node->text.p[5] != '-' ||
        !read_clock(slice_of(node->text.p, 5), &start) ||
        !read_clock(slice_of(node->text.p + 6, 5), &end) || start == POLICY_MINUTES_PER_DAY)
        return wrong(loading, node, expected);
    out->start_minute = start;
    out->end_minute = end == 0 ? POLICY_MINUTES_PER_DAY : end;
    return true;
}

bool value_window(struct policy_loading *loading, const struct yaml_node *node,
                  struct policy_window *out)
{
    static const char *const keys[] = {"days", "hours", NULL};
    if (!loading->local_time)
        loading->local_time = node;
    if (!yaml_check_keys(node, "`when`", keys, loading->problems))
        return false;
    const struct yaml_node *days = yaml_get(node, "days");
    const struct yaml_node *hours = yaml_get(node, "hours");
    if (!days && !hours) {
        yaml_error_at(loading->problems, node->line, node->column,
                      "`when` is empty; expected days, hours or both");
        return false;
    }
    struct policy_window window = {0x7f, 0, POLICY_MINUTES_PER_DAY};
    bool good = !days || read_days(loading, days, &window.days);
    good = (!hours || read_hours(loading, hours, &window)) && good;
    if (good)
        *out = window;
    return good;
}
