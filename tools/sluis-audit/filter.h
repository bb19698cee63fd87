/*
 * filter.h - which receipts a command is about: by partner, route, decision, kind and time
 */
#ifndef SLUIS_AUDIT_FILTER_H
#define SLUIS_AUDIT_FILTER_H

#include "common/cli.h"
#include "ledger/leaf.h"

struct filter {
    struct slice partner, route, decision, kind; /* empty: any */
    int64_t since_ms, until_ms;
    uint64_t limit; /* receipts, at most */
};

/* From the options; EX_USAGE when one makes no sense, which has been said. */
SL_NODISCARD int filter_read(const struct cli *cli, struct filter *out);
bool filter_wants(const struct filter *filter, const struct leaf *leaf);

#endif
