/*
 * filter.c - what --partner, --route, --decision, --kind, --since, --until and --limit say
 */
#include "filter.h"

#include "base/timestamp.h"
#include "commands.h"

bool filter_wants(const struct filter *filter, const struct leaf *leaf)
{
    const struct {
        struct slice wanted, found;
    } texts[] = {
        {filter->partner, leaf->partner},
        {filter->route, leaf->route},
        {filter->decision, leaf->decision},
        {filter->kind, leaf_kind_name(leaf->kind)},
    };
    for (size_t i = 0; i < SL_LENGTH(texts); i++) {
        if (texts[i].wanted.n > 0 && !slice_equals(texts[i].wanted, texts[i].found))
            return false;
    }
    return leaf->time_ms >= filter->since_ms && leaf->time_ms <= filter->until_ms;
}

/* A time, or a date: its first millisecond, or its last. In UTC, as receipts are. */
static bool parse_time(struct slice text, bool is_end, int64_t *time_ms)
{
    struct civil_date date;
    if (!date_parse(text, &date))
        return timestamp_parse(text, time_ms);
    *time_ms = (days_from_civil(date) + (is_end ? 1 : 0)) * 86400000 - (is_end ? 1 : 0);
    return true;
}

static int wrong_word(const struct cli *cli, const char *name, const char *value,
                      const char *expected)
{
    return cli_misused(cli, "%s wants %s; found \"%s\"", name, expected, value);
}

int filter_read(const struct cli *cli, struct filter *out)
{
    static const char time_words[] = "a time such as 2026-11-23 or 2026-11-23T09:00:00Z";
    const char *const *values = cli->values;
    struct filter filter = {
        .partner = slice_of_str(values[KEY_PARTNER]),
        .route = slice_of_str(values[KEY_ROUTE]),
        .decision = slice_of_str(values[KEY_DECISION]),
        .kind = slice_of_str(values[KEY_KIND]),
        .since_ms = INT64_MIN,
        .until_ms = INT64_MAX,
        .limit = UINT64_MAX,
    };
    if (values[KEY_DECISION] && !slice_equals_str(filter.decision, "release") &&
        !slice_equals_str(filter.decision, "refuse"))
        return wrong_word(cli, "--decision", values[KEY_DECISION], "release or refuse");
    enum leaf_kind kind;
    if (values[KEY_KIND] && !leaf_kind_by_name(filter.kind, &kind))
        return wrong_word(cli, "--kind", values[KEY_KIND],
                          "pull, push, outcome, policy, erasure, heads or key");
    if (values[KEY_SINCE] && !parse_time(slice_of_str(values[KEY_SINCE]), false, &filter.since_ms))
        return wrong_word(cli, "--since", values[KEY_SINCE], time_words);
    if (values[KEY_UNTIL] && !parse_time(slice_of_str(values[KEY_UNTIL]), true, &filter.until_ms))
        return wrong_word(cli, "--until", values[KEY_UNTIL], time_words);
    if (values[KEY_LIMIT] && !cli_value_u64(cli, KEY_LIMIT, "--limit", INT64_MAX, &filter.limit))
        return EX_USAGE;
    *out = filter;
    return EX_OK;
}
