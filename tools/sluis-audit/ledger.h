/*
 * ledger.h - the receipts of a ledger, proven or only read
 *
 * Shape   with a key, receipts come out when their batch is proven (see sluis/verify.h); without
 *         one, when their checksums are right, which protects against accidents only
 */
#ifndef SLUIS_AUDIT_LEDGER_H
#define SLUIS_AUDIT_LEDGER_H

#include "common/cli.h"
#include "ledger/vkey_list.h"
#include "sluis/verify.h"

enum { LEDGER_VKEYS_BYTES = VKEY_LIST_BYTES_MAX + 1, LEDGER_PATH_BYTES = 4096 };

struct ledger_source {
    const struct cli *cli;
    bool is_remote;                 /* to be read over HTTP, see remote.h; then */
    char folder[LEDGER_PATH_BYTES]; /* is its URL */
    bool has_key;
    char vkey[LEDGER_VKEYS_BYTES]; /* one or several, a line each, oldest first */
    size_t n_vkeys;
    bool check_heads;        /* and the lists of heads in the folder */
    bool can_lack_heads;     /* over HTTP, where lists may not be served */
    uint64_t n_threads;      /* that check, this one among them; 0: as 1 */
    size_t tag_memory_bytes; /* to see that no tag is used twice; 0: leave that out */
    uint64_t first;          /* without a key, or over HTTP: receipts before it may be left out */
    /* Set by reading: */
    char origin[256];
    uint64_t n_receipts;      /* that there are, when all were read */
    uint64_t n_heads_lacking; /* over HTTP: lists that are not served, and were not checked */
    int heads_fd;        /* over HTTP, with check_heads: the list of the heads that are visited */
    bool is_cosigned;    /* over HTTP: witnesses have signed the checkpoint that is served */
    const char *warning; /* after reading without a key: what was odd at the end, or NULL */
};

/*
 * Finds the folder that DIR means (a ledger, or the state folder or gateway around one), or takes
 * the URL that it is, and reads --key and --jobs. AUDIT_UNCHECKED when that fails; what is wrong
 * has been said.
 */
SL_NODISCARD int ledger_source_init(struct ledger_source *source, const struct cli *cli,
                                    const char *folder);

/* The folder and --jobs, without a key. */
SL_NODISCARD int ledger_source_folder(struct ledger_source *source, const struct cli *cli,
                                      const char *folder);
/* The key alone; there may be none. */
SL_NODISCARD int ledger_source_key(struct ledger_source *source, const struct cli *cli);

typedef bool ledger_visit(void *context, uint64_t index, struct slice leaf);
/* Without a key: an exit code; what is wrong has been said. */
SL_NODISCARD int ledger_read(struct ledger_source *source, ledger_visit *visit, void *context);
/* With a key, and a progress bar. */
enum sluis_verify_result ledger_verify(struct ledger_source *source, ledger_visit *visit,
                                       void *context, struct sluis_verify_report *report);
/* The same, and each batch's checkpoint after its receipts. */
typedef bool ledger_visit_checkpoint(void *context, uint64_t size, struct slice note);
struct ledger_visitor {
    ledger_visit *leaf;                  /* may be NULL, and so may be */
    ledger_visit_checkpoint *checkpoint; /* this */
    void *context;
};
enum sluis_verify_result ledger_walk(struct ledger_source *source,
                                     const struct ledger_visitor *visitor,
                                     struct sluis_verify_report *report);
/* Either of both; says what is wrong. For `show` and `list`. */
SL_NODISCARD int ledger_each(struct ledger_source *source, ledger_visit *visit, void *context);
/* The receipt is not among the `n_receipts` that there are; AUDIT_UNCHECKED. */
int ledger_say_not_there(const struct ledger_source *source, uint64_t index);
/* On standard error, when there was no key. */
void ledger_say_unverified(const struct ledger_source *source);

/* What was found wrong (see output_verdict); what that means, and what to do, on standard error. */
void report_print_problem(const struct cli *cli, enum sluis_verify_result result,
                          const struct sluis_verify_report *report);
/* On standard output: that a list of heads tells of more receipts than there are. Often nothing. */
void report_print_beyond(const struct sluis_verify_report *report);

#endif
