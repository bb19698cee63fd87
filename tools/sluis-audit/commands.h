/*
 * commands.h - the functions behind the table in main.c; each gives the exit code
 */
#ifndef SLUIS_AUDIT_COMMANDS_H
#define SLUIS_AUDIT_COMMANDS_H

#include "common/cli.h"

int verify_run(struct cli *cli);
int show_run(struct cli *cli);
int list_run(struct cli *cli);
int checkpoint_run(struct cli *cli);
int prove_run(struct cli *cli);
int verify_proof_run(struct cli *cli);
int consistency_run(struct cli *cli);
int replay_run(struct cli *cli);
int mine_run(struct cli *cli);
int export_run(struct cli *cli);
int verify_export_run(struct cli *cli);
int witness_run(struct cli *cli);

/* Becomes the program behind `sluis-audit witness`; returns only when it can't. */
int witness_exec(char **arguments);

/* Keys of the options; letters where there is a short form. */
enum {
    KEY_KEY = 'k',
    KEY_PARTNER = 'p',
    KEY_ROUTE = 'r',
    KEY_DECISION = 'd',
    KEY_OUTPUT = 'o',
    KEY_KIND = 200,
    KEY_SINCE,
    KEY_UNTIL,
    KEY_LIMIT,
    KEY_LEAF,
    KEY_POLICY,
    KEY_PROOF,
    KEY_CHECKPOINT,
    KEY_JOBS,
    KEY_EVIDENCE,
    KEY_MEMORY,
    KEY_FORMAT,
    KEY_FOR,
    KEY_SUBJECT,
    KEY_BODY,
    KEY_CA,
    KEY_TIMEOUT,
    KEY_INDEX,
    KEY_ACCEPT_ERASED,
};

/* The exit codes of a check, whichever command makes it. */
enum { AUDIT_VALID = 0, AUDIT_INVALID = 1, AUDIT_UNCHECKED = 2 };

#endif
