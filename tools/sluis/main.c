/*
 * main.c - sluis: what an operator does with a node, in one table
 *
 * Help texts are short and have an example each. Commands that write ask a running sluisd, or open
 * the node themselves when none runs; commands that read open the store beside it.
 */
#include "commands.h"

static const struct argp_option init_options[] = {
    {"origin", KEY_ORIGIN, "NAME", 0, "the ledger's name, such as gateway.example/1", 0},
    {0},
};

static const struct argp_option put_options[] = {
    {"expect", KEY_EXPECT, "VERSION", 0,
     "only if the policy in force has this version (0: none yet)", 0},
    {0},
};

static const struct argp_option get_options[] = {
    {"version", KEY_VERSION, "N", 0, "this version instead of the one in force", 0},
    {0},
};

static const struct argp_option explain_options[] = {
    {"partner", KEY_PARTNER, "PARTNER", 0, "who asks", 0},
    {"route", KEY_ROUTE, "ROUTE", 0, "what is asked", 0},
    {"purpose", KEY_PURPOSE, "PURPOSE", 0, "why (default: the contract's only purpose)", 0},
    {"at", KEY_AT, "TIME", 0, "when, as 2026-11-23T09:00:00Z (default: now)", 0},
    {0},
};

static const struct argp_option pseudonym_options[] = {
    {"partner", KEY_PARTNER, "PARTNER", 0, "whose pseudonym", 0},
    {0},
};

static const struct argp_option subject_key_options[] = {
    {"output", KEY_OUTPUT, "FILE", 0, "write the key to a new file that only its owner can read",
     0},
    {0},
};

static const struct argp_option account_options[] = {
    {"remove", KEY_REMOVE, NULL, 0, "forget the account: the subject's own name is used again", 0},
    {0},
};

static const struct argp_option evidence_options[] = {
    {"subject", KEY_SUBJECT, "SUBJECT", 0, "this person's alone (default: everybody's)", 0},
    {"output", KEY_OUTPUT, "FILE", 0, "the file to make; nothing is overwritten", 0},
    {0},
};

static const struct argp_option restore_options[] = {
    {"output", KEY_OUTPUT, "STATE", 0, "the state folder (default: the configuration's)", 0},
    {"key", KEY_KEY, "FILE", 0, "the ledger's public keys (default: STATE/keys/ledger.vkey)", 0},
    {0},
};

static const struct argp_option rotate_key_options[] = {
    {"prepare", KEY_PREPARE, NULL, 0,
     "only draw the next key and print it, to tell others ahead", 0},
    {"discard", KEY_DISCARD, NULL, 0, "destroy the key that was prepared", 0},
    {0},
};

static const struct argp_option erase_options[] = {
    {"yes", KEY_YES, NULL, 0, "do not ask first", 0},
    {0},
};

static const struct argp_option retention_options[] = {
    {"dry-run", KEY_DRY_RUN, NULL, 0, "only say how many versions it would be", 0},
    {0},
};

static const struct cli_command commands[] = {
    {"init", "DIR", 1, 1, "make a working configuration with keys",
     "DIR must be empty, or new. Nothing is ever overwritten.\n\n"
     "Example:\n  sluis init gateway --origin gateway.example/1",
     init_options, init_run},
    {"status", "", 0, 0, "tell whether sluisd runs, and how the ledger stands",
     "The exit code is 0 when sluisd runs and writes, 69 when none runs, 74 when the ledger can't "
     "be written.\n\nExample:\n  sluis status -c gateway/sluis.yaml",
     NULL, status_run},
    {"policy check", "FILE", 1, 1, "check a policy and say everything that is wrong",
     "With a configuration, apps, partners, purposes and benefits are checked against it. FILE may "
     "be - for standard input. The exit code is 0 when nothing is wrong, 65 otherwise.\n\n"
     "Example:\n  sluis policy check lotte.yaml",
     NULL, policy_check_run},
    {"policy put", "FILE", 1, 1, "put a policy in force",
     "FILE names its subject, who is added if new. The change is in the ledger when this "
     "returns.\n\nExample:\n  sluis policy put lotte.yaml --expect 3",
     put_options, policy_put_run},
    {"policy get", "SUBJECT", 1, 1, "print a policy as it was put",
     "Example:\n  sluis policy get lotte > lotte.yaml", get_options, policy_get_run},
    {"policy history", "SUBJECT", 1, 1, "list the versions of a policy",
     "Example:\n  sluis policy history lotte", NULL, policy_history_run},
    {"policy diff", "SUBJECT FILE", 2, 2, "say what FILE would change",
     "Compares with the policy in force, in plain words: granted, widened, narrowed, "
     "withdrawn.\n\nExample:\n  sluis policy diff lotte lotte.yaml",
     NULL, policy_diff_run},
    {"policy withdraw", "SUBJECT CONSENT", 2, 2, "take one consent out of a policy",
     "Every other byte of the policy stays. When this returns, no later release rests on the "
     "consent.\n\nExample:\n  sluis policy withdraw lotte drive-playlists",
     NULL, policy_withdraw_run},
    {"policy explain", "SUBJECT", 1, 1, "say what a partner would get, and why",
     "Asks the same decision as the gateway does, without a flow and without a receipt.\n\n"
     "Example:\n  sluis policy explain lotte --partner soundmap --route position",
     explain_options, policy_explain_run},
    {"subject add", "SUBJECT", 1, 1, "add a subject without a policy",
     "Without a policy nothing about them is released.\n\nExample:\n  sluis subject add lotte",
     NULL, subject_add_run},
    {"subject list", "", 0, 0, "list the subjects", "Example:\n  sluis subject list --json", NULL,
     subject_list_run},
    {"subject pseudonym", "SUBJECT", 1, 1, "print what a partner calls a subject",
     "Each partner has another pseudonym for the same subject.\n\n"
     "Example:\n  sluis subject pseudonym --partner soundmap lotte",
     pseudonym_options, subject_pseudonym_run},
    {"subject account", "SUBJECT APP [USER]", 2, 3, "set a subject's user name at an app",
     "Without an account the subject's own name is used.\n\n"
     "Example:\n  sluis subject account lotte wayfinder lotte.de.vries",
     account_options, subject_account_run},
    {"subject key", "SUBJECT", 1, 1, "hand a subject the key to its own receipts",
     "With it, `sluis-audit mine' lists the subject's receipts and proves that none is missing. "
     "Whoever has it can do the same: it is for the subject alone. A file that is there already is "
     "never overwritten.\n\n"
     "Example:\n  sluis subject key lotte -o lotte.key",
     subject_key_options, subject_key_run},
    {"login", "SUBJECT", 1, 1, "print a link to sign in at the page",
     "The link works once, within five minutes, and opening it alone does not spend it. On a "
     "terminal it is a QR code as well.\n\nExample:\n  sluis login lotte",
     NULL, login_run},
    {"subject erase", "SUBJECT...", 1, CLI_ARGUMENTS_MAX, "forget subjects for good",
     "Policies, accounts, name and key go, and the bytes they leave on the disk are overwritten; "
     "the receipts stay, and nobody can tell any more whose they were. It can't be undone. Copies "
     "of the state folder and evidence files are not reached. The exit code is 75 when the bytes "
     "could not be overwritten yet: `sluis status' says why.\n\n"
     "Example:\n  sluis subject erase lotte",
     erase_options, subject_erase_run},
    {"retention run", "", 0, 0, "take away what is kept for long enough",
     "Contents of superseded policy versions that are older than `retention' in the configuration "
     "says. sluisd does it once a day.\n\nExample:\n  sluis retention run --dry-run",
     retention_options, retention_run_run},
    {"ledger index", "", 0, 0, "throw the ledger's index away and make it anew",
     "Reads and proves the whole ledger. Nothing may run on the state folder meanwhile. The new "
     "index takes the old one's place when it is complete; when the ledger has less than the old "
     "one had seen, the old one stays, and the exit code is 74.\n\n"
     "Example:\n  sluis ledger index",
     NULL, ledger_index_run},
    {"ledger archive", "DIR", 1, 1, "copy the ledger to another place",
     "Copies what is new since the last time, while sluisd runs, and proves each copy as the disk "
     "gives it back. A run that was interrupted goes on where it stopped. DIR is a ledger folder "
     "that `sluis-audit verify' takes.\n\nExample:\n  sluis ledger archive /mnt/backup/ledger",
     NULL, ledger_archive_run},
    {"ledger restore", "DIR", 1, 1, "put a ledger back from its archive",
     "For a state folder without a ledger; nothing is overwritten. Everything is proven on the "
     "way, up to the checkpoint of the archive. A copy that is behind the last checkpoint kept "
     "elsewhere is refused.\n\nExample:\n  sluis ledger restore /mnt/backup/ledger",
     restore_options, ledger_restore_run},
    {"ledger rotate-key", "", 0, 0, "sign the ledger with a new key from now on",
     "A receipt, signed by the old key, names the new one; who has the first key can follow. The "
     "old private key is destroyed. If it may have been stolen, --discard a prepared one "
     "first.\n\nExample:\n  sluis ledger rotate-key --prepare\n  sluis ledger rotate-key",
     rotate_key_options, ledger_rotate_key_run},
    {"partner token", "", 0, 0, "draw a bearer token and its hash",
     "The partner gets the token; sluis.yaml gets the hash. Neither is stored here.\n\n"
     "Example:\n  sluis partner token",
     NULL, partner_token_run},
    {"evidence export", "", 0, 0, "write what an auditor needs to repeat decisions",
     "Keys, policies with all their versions, and vocabularies, for `sluis-audit replay' and "
     "`sluis-audit export'. The file tells whose each receipt is: keep it private. With --subject "
     "it is that person's own, to see and to prove what became of their data.\n\n"
     "Example:\n  sluis evidence export -o 2026.evidence\n"
     "  sluis evidence export --subject lotte -o lotte.evidence",
     evidence_options, evidence_export_run},
    {"vocabulary", "", 0, 0, "list data classes, purposes and situations",
     "Of the configuration, or those that sluis was built with when there is none.\n\n"
     "Example:\n  sluis vocabulary",
     NULL, vocabulary_run},
};

static const struct argp_option options[] = {
    {"config", KEY_CONFIG, "FILE", 0, "the configuration (default: sluis.yaml)", 80},
    {0},
};

static const struct cli_program program = {
    .name = "sluis",
    .summary = "Manage the policies, subjects and partners of a Sluis gateway.",
    .help = "The configuration is ./sluis.yaml unless -c names another. To begin:\n\n"
            "  sluis init demo\n"
            "  sluisd -c demo/sluis.yaml",
    .options = options,
    .commands = commands,
    .n_commands = SL_LENGTH(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
