/*
 * mine.h - what `mine` has found, and how it is told
 */
#ifndef SLUIS_AUDIT_MINE_H
#define SLUIS_AUDIT_MINE_H

#include "ledger.h"
#include "ledger/mine.h"

struct mine_row {
    uint64_t index, number;
    size_t n_bytes;
    uint8_t *bytes;
};

struct mine_rows {
    size_t n, cap;
    struct mine_row *list;
};

/* Everything in words; gives the exit code. `report` is that of the whole ledger. */
int mine_report(const struct cli *cli, const struct mine_rows *rows,
                const struct mine_result *found, enum sluis_verify_result result,
                const struct sluis_verify_report *report);

#endif
