/*
 * list.c - receipts, oldest first, by partner, route, decision, kind and time
 */
#include "base/timestamp.h"
#include "commands.h"
#include "leaf_line.h"
#include "ledger.h"

#include <string.h>

struct listing {
    struct ledger_source source;
    struct slice partner, route, decision, kind; /* empty: any */
    int64_t since_ms, until_ms;
    uint64_t limit, n_shown;
    int code;
};

/* --- filters --------------------------------------------------------------------------------- */

static bool is_wanted(const struct listing *listing, const struct leaf *leaf)
{
    const struct {
        struct slice wanted, found;
    } filters[] = {
        {listing->partner, leaf->partner},
        {listing->route, leaf->route},
        {listing->decision, leaf->decision},
        {listing->kind, leaf_kind_name(leaf->kind)},
    };
    for (size_t i = 0; i < SL_LENGTH(filters); i++) {
        if (filters[i].wanted.n > 0 && !slice_equals(filters[i].wanted, filters[i].found))
            return false;
    }
    return leaf->time_ms >= listing->since_ms && leaf->time_ms <= listing->until_ms;
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

static int read_filters(struct listing *listing, const struct cli *cli)
{
    listing->partner = slice_of_str(cli->values[KEY_PARTNER]);
    listing->route = slice_of_str(cli->values[KEY_ROUTE]);
    listing->decision = slice_of_str(cli->values[KEY_DECISION]);
    listing->kind = slice_of_str(cli->values[KEY_KIND]);
    listing->since_ms = INT64_MIN;
    listing->until_ms = INT64_MAX;
    listing->limit = UINT64_MAX;
    const char *const *values = cli->values;
    if (values[KEY_DECISION] && !slice_equals_str(listing->decision, "release") &&
        !slice_equals_str(listing->decision, "refuse"))
        return wrong_word(cli, "--decision", values[KEY_DECISION], "release or refuse");
    enum leaf_kind kind;
    if (values[KEY_KIND] && !leaf_kind_by_name(listing->kind, &kind))
        return wrong_word(cli, "--kind", values[KEY_KIND], "pull, policy, erasure, heads or key");
    static const char time_words[] = "a time such as 2026-11-23 or 2026-11-23T09:00:00Z";
    if (values[KEY_SINCE] &&
        !parse_time(slice_of_str(values[KEY_SINCE]), false, &listing->since_ms))
        return wrong_word(cli, "--since", values[KEY_SINCE], time_words);
    if (values[KEY_UNTIL] && !parse_time(slice_of_str(values[KEY_UNTIL]), true, &listing->until_ms))
        return wrong_word(cli, "--until", values[KEY_UNTIL], time_words);
    if (values[KEY_LIMIT] && !cli_value_u64(cli, KEY_LIMIT, "--limit", INT64_MAX, &listing->limit))
        return EX_USAGE;
    return EX_OK;
}

static bool list_one(void *context, uint64_t index, struct slice bytes)
{
    struct listing *listing = context;
    struct leaf leaf;
    if (leaf_parse(bytes, &leaf) != SL_OK) {
        listing->code = cli_fail(listing->source.cli, AUDIT_INVALID,
                                 "what stands at %llu is not a receipt", (unsigned long long)index);
        return false;
    }
    if (!is_wanted(listing, &leaf))
        return true;
    if (listing->n_shown == listing->limit)
        return false;
    listing->n_shown++;
    if (listing->source.cli->json)
        listing->code = cli_print_json_line(listing->source.cli, leaf_line_json(index, bytes));
    else
        leaf_line_print(index, &leaf);
    return listing->code == EX_OK;
}

int list_run(struct cli *cli)
{
    struct listing listing = {0};
    int code = read_filters(&listing, cli);
    if (code == EX_OK)
        code = ledger_source_init(&listing.source, cli, cli->arguments[0]);
    if (code == EX_OK)
        code = ledger_each(&listing.source, list_one, &listing);
    if (code == EX_OK)
        code = listing.code;
    fflush(stdout);
    if (code == EX_OK)
        ledger_say_unverified(&listing.source);
    return code;
}
