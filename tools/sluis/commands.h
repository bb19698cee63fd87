/*
 * commands.h - the functions behind the table in main.c; each gives the exit code
 */
#ifndef SLUIS_TOOLS_COMMANDS_H
#define SLUIS_TOOLS_COMMANDS_H

#include "common/cli.h"

int init_run(struct cli *cli);
int status_run(struct cli *cli);
int vocabulary_run(struct cli *cli);

int policy_check_run(struct cli *cli);
int policy_put_run(struct cli *cli);
int policy_withdraw_run(struct cli *cli);
int policy_get_run(struct cli *cli);
int policy_history_run(struct cli *cli);
int policy_diff_run(struct cli *cli);
int policy_explain_run(struct cli *cli);

int subject_add_run(struct cli *cli);
int subject_list_run(struct cli *cli);
int subject_pseudonym_run(struct cli *cli);
int subject_account_run(struct cli *cli);
int subject_key_run(struct cli *cli);
int subject_erase_run(struct cli *cli);

int login_run(struct cli *cli);

int retention_run_run(struct cli *cli);

int partner_token_run(struct cli *cli);

int evidence_export_run(struct cli *cli);

int ledger_index_run(struct cli *cli);
int ledger_rotate_key_run(struct cli *cli);
int ledger_archive_run(struct cli *cli);
int ledger_restore_run(struct cli *cli);

/* Keys of the options; letters where there is a short form. */
enum {
    KEY_CONFIG = 'c',
    KEY_PARTNER = 'p',
    KEY_ROUTE = 'r',
    KEY_PURPOSE = 'u',
    KEY_OUTPUT = 'o',
    KEY_KEY = 'k',
    KEY_ORIGIN = 200,
    KEY_EXPECT,
    KEY_VERSION,
    KEY_AT,
    KEY_REMOVE,
    KEY_SUBJECT,
    KEY_PREPARE,
    KEY_DISCARD,
    KEY_YES,
    KEY_DRY_RUN,
};

#endif
