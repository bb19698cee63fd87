/*
 * retention.c - the section `retention`: how long contents are kept that nobody needs any more
 *
 * Days and years of the calendar: who must keep something for five years counts in years, and a
 * leap day must not make it one day less.
 */
#include "config/build.h"

#include "base/timestamp.h"

static const int64_t day_ms = 86400000;

/* 90d, 5y */
static bool read_period(struct slice text, struct config_period *out)
{
    static const uint64_t days_a_year = 365;
    if (text.n < 2)
        return false;
    uint64_t number = 0;
    char unit = (char)text.p[text.n - 1];
    uint64_t days_a_unit = unit == 'y' ? days_a_year : 1;
    if (!slice_to_u64(slice_of(text.p, text.n - 1), UINT32_MAX, &number) ||
        (unit != 'd' && unit != 'y') || number == 0 ||
        number * days_a_unit > LIMIT_MAX_retention_days)
        return false;
    *out = (struct config_period){.n = (uint32_t)number, .unit = unit};
    return true;
}

void build_retention(struct build *build, const struct yaml_node *node)
{
    static const char *const keys[] = {"policies", NULL};
    if (!yaml_check_keys(node, "`retention`", keys, build->problems))
        return;
    const struct yaml_node *policies = yaml_get(node, "policies");
    if (!policies || !build_is_text(build, policies, "a time such as 90d or 5y"))
        return;
    if (!read_period(policies->text, &build->config->retention_policies))
        yaml_error_at(build->problems, policies->line, policies->column,
                      "%.*s for `policies`; expected days or years, such as 90d or 5y, up to %d "
                      "days; without it all versions are kept",
                      SLICE_PRINTF(policies->text), LIMIT_MAX_retention_days);
}

int64_t config_period_before_ms(const struct config_period *period, int64_t now_ms)
{
    int64_t days = now_ms / day_ms;
    int64_t rest_ms = now_ms % day_ms;
    if (period->unit == 'd')
        return (days - period->n) * day_ms + rest_ms;
    struct civil_date date = civil_from_days(days);
    date.year -= (int32_t)period->n;
    if (!civil_date_is_valid(date)) /* 29 February */
        date.day--;
    return days_from_civil(date) * day_ms + rest_ms;
}
