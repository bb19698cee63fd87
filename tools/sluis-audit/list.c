/*
 * list.c - receipts, oldest first, by partner, route, decision, kind and time
 */
#include "commands.h"
#include "filter.h"
#include "leaf_line.h"
#include "ledger.h"

struct listing {
    struct ledger_source source;
    struct filter filter;
    uint64_t n_shown;
    int code;
};

static bool list_one(void *context, uint64_t index, struct slice bytes)
{
    struct listing *listing = context;
    struct leaf leaf;
    if (leaf_parse(bytes, &leaf) != SL_OK) {
        listing->code = cli_fail(listing->source.cli, AUDIT_INVALID,
                                 "what stands at %llu is not a receipt", (unsigned long long)index);
        return false;
    }
    if (!filter_wants(&listing->filter, &leaf))
        return true;
    if (listing->n_shown == listing->filter.limit)
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
    int code = filter_read(cli, &listing.filter);
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
