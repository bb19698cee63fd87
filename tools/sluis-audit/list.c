/*
 * list.c - receipts, oldest first, by partner, route, decision, kind and time
 */
#include "base/timestamp.h"
#include "commands.h"
#include "common/terminal.h"
#include "ledger.h"
#include "ledger/leaf.h"

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

/* --- one line each --------------------------------------------------------------------------- */

static void print_flow(const struct leaf *leaf)
{
    print_styled(stdout, leaf->released ? STYLE_GOOD : STYLE_BAD, "%-7.*s",
                 SLICE_PRINTF(leaf->decision));
    printf("  ");
    print_column(stdout, leaf->reason, 16);
    print_text(stdout, leaf->partner);
    printf("  ");
    print_text(stdout, leaf->route);
    printf("  ");
    print_text(stdout, leaf->purpose);
    for (size_t i = 0; leaf->released && i < leaf->n_classes; i++) {
        printf("%s", i == 0 ? "  " : ", ");
        print_text(stdout, leaf->classes[i].name);
        printf(" %.*s", SLICE_PRINTF(leaf->classes[i].done));
    }
}

static void print_event(const struct leaf *leaf)
{
    const struct leaf_policy *policy = &leaf->policy;
    if (leaf->kind == LEAF_POLICY)
        printf("granted %u, changed %u, withdrawn %u; refusals added %u, removed %u",
               policy->granted, policy->changed, policy->withdrawn, policy->refusals_added,
               policy->refusals_removed);
    else if (leaf->kind == LEAF_HEADS)
        printf("epoch %llu: receipts %llu to %llu, %llu people",
               (unsigned long long)leaf->heads.epoch, (unsigned long long)leaf->heads.first,
               (unsigned long long)leaf->heads.end, (unsigned long long)leaf->heads.n_entries);
    else if (leaf->kind == LEAF_KEY)
        print_text(stdout, leaf->key.new_vkey);
}

static void print_leaf(uint64_t index, const struct leaf *leaf)
{
    char time[TIMESTAMP_BYTES];
    struct writer writer = writer_over(time, sizeof time);
    write_timestamp_ms(&writer, leaf->time_ms);
    printf("%8llu  %.*s  ", (unsigned long long)index, (int)writer.n, time);
    print_column(stdout, leaf_kind_name(leaf->kind), 8);
    if (leaf->kind == LEAF_PULL)
        print_flow(leaf);
    else
        print_event(leaf);
    printf("\n");
}

static int print_leaf_json(const struct cli *cli, uint64_t index, struct slice bytes)
{
    json_t *receipt = json_loadb((const char *)bytes.p, bytes.n, JSON_REJECT_DUPLICATES, NULL);
    json_t *line = json_pack("{s:I}", "index", (json_int_t)index);
    if (receipt)
        json_object_update(line, receipt);
    json_decref(receipt);
    return cli_print_json_line(cli, line);
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
        listing->code = print_leaf_json(listing->source.cli, index, bytes);
    else
        print_leaf(index, &leaf);
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
