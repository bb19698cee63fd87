/*
 * main.c - sluis-audit: what an auditor does with a ledger and a public key, in one table
 *
 * It links what reads and proves a ledger and nothing of the gateway: no server. LMDB is there for
 * `prove' alone, which may look into a gateway's index, and does so in a process of its own.
 */
#include "commands.h"
#include "http.h"

#include <string.h>

/* Rows that several commands have. */
/* clang-format off */
#define KEY_OPTION                                                                                 \
    {"key", KEY_KEY, "FILE", 0,                                                                    \
     "the ledger's public key, or all that it has had (ledger.vkey)", 0}
#define JOBS_OPTION {"jobs", KEY_JOBS, "N", 0, "check with N threads (1)", 0}
#define FILTER_OPTIONS(group)                                                                      \
    {"route", KEY_ROUTE, "ROUTE", 0, "only flows on this route", group},                           \
    {"decision", KEY_DECISION, "DECISION", 0, "only this decision: release or refuse", group},     \
    {"kind", KEY_KIND, "KIND", 0,                                                                  \
     "only this kind: pull, push, outcome, policy, erasure, heads or key", group},                 \
    {"since", KEY_SINCE, "TIME", 0, "from this time on, as 2026-11-23 or 2026-11-23T09:00:00Z",    \
     group},                                                                                       \
    {"until", KEY_UNTIL, "TIME", 0, "up to and with this time", group},                            \
    {"limit", KEY_LIMIT, "N", 0, "at most N receipts", group}
/* clang-format on */

static const struct argp_option key_options[] = {
    KEY_OPTION,
    JOBS_OPTION,
    {"memory", KEY_MEMORY, "MIB", 0, "to compare tags in, in MiB (48)", 0},
    {0},
};

static const struct argp_option list_options[] = {
    {"partner", KEY_PARTNER, "PARTNER", 0, "only flows of this partner", 0},
    FILTER_OPTIONS(0),
    {"key", KEY_KEY, "FILE", 0, "check the ledger with this public key at the same time", 1},
    {0},
};

static const struct argp_option show_options[] = {
    {"key", KEY_KEY, "FILE", 0, "check the ledger up to this receipt with this public key", 0},
    {0},
};

static const struct argp_option checkpoint_options[] = {
    KEY_OPTION,
    {"output", KEY_OUTPUT, "FILE", 0, "write the checkpoint to a new FILE", 0},
    JOBS_OPTION,
    {0},
};

static const struct argp_option prove_options[] = {
    KEY_OPTION,
    {"output", KEY_OUTPUT, "FILE", 0, "write the proof to a new FILE (by custom, *.tlog-proof)", 0},
    {"leaf", KEY_LEAF, "FILE", 0,
     "write the receipt to a new FILE, byte by byte as it was recorded", 0},
    {"index", KEY_INDEX, "DIR", 0, "the ledger's index (the folder `index' beside the ledger)", 0},
    {"checkpoint", KEY_CHECKPOINT, "FILE", 0,
     "prove under this checkpoint, such as one with cosignatures of witnesses", 0},
    JOBS_OPTION,
    {0},
};

static const struct argp_option verify_proof_options[] = {
    {"leaf", KEY_LEAF, "FILE", 0, "the receipt; \"-\" is standard input", 0},
    KEY_OPTION,
    {"policy", KEY_POLICY, "FILE", 0, "a trust file: logs, witnesses, and how many are enough", 0},
    {0},
};

static const struct argp_option consistency_options[] = {
    KEY_OPTION,
    {"output", KEY_OUTPUT, "FILE", 0, "write the proof to a new FILE", 0},
    {"proof", KEY_PROOF, "FILE", 0, "check with a proof written before, without a folder", 0},
    JOBS_OPTION,
    {0},
};

static const struct argp_option replay_options[] = {
    {"key", KEY_KEY, "FILE", 0, "the ledger's public key (ledger.vkey)", 0},
    {"evidence", KEY_EVIDENCE, "FILE", 0, "what `sluis evidence export' wrote", 0},
    {"accept-erased", KEY_ACCEPT_ERASED, NULL, 0,
     "take nobody's receipts before an erasure for the erased person's: exit code 0", 0},
    {0},
};

static const struct argp_option mine_options[] = {
    {"key", KEY_KEY, "FILE", 0, "your own key, as `sluis subject key' wrote it", 0},
    {"jobs", KEY_JOBS, "N", 0, "check with N threads", 0},
    {0},
};

static const struct argp_option export_options[] = {
    {"format", KEY_FORMAT, "FORMAT", 0, "ndjson, csv, kantara or dpv", 0},
    {"key", KEY_KEY, "FILE", 0, "the ledger's public key (ledger.vkey)", 0},
    {"evidence", KEY_EVIDENCE, "FILE", 0, "what `sluis evidence export` wrote", 0},
    {"for", KEY_FOR, "READER", 0, "who will read it: subject, partner or auditor", 0},
    {"subject", KEY_SUBJECT, "SUBJECT", 0, "this person's, when the evidence is everybody's", 0},
    {"checkpoint", KEY_CHECKPOINT, "FILE", 0,
     "prove under this checkpoint, such as one with cosignatures of witnesses, and end with it", 0},
    {"output", KEY_OUTPUT, "FILE", 0, "write to a new FILE instead of standard output", 0},
    {"partner", KEY_PARTNER, "PARTNER", 0, "only flows of this partner, or consents for it", 1},
    FILTER_OPTIONS(1),
    {"jobs", KEY_JOBS, "N", 0, "check with N threads (1)", 2},
    {0},
};

static const struct argp_option verify_export_options[] = {
    {"key", KEY_KEY, "FILE", 0, "the ledger's public key (ledger.vkey)", 0},
    {"policy", KEY_POLICY, "FILE", 0, "a trust file: logs, witnesses, and how many are enough", 0},
    {"body", KEY_BODY, "FILE", 0, "bytes that must be the body of the one receipt", 0},
    {0},
};

static const struct cli_command commands[] = {
    {"verify", "DIR", 1, 1, "recompute everything and say whether it holds",
     "Checks every receipt's bytes, their order, the tree, the signature of every checkpoint, and "
     "that no tag is used twice, without the gateway and without a network. The exit code is 0 "
     "when all holds, 1 when "
     "something does not, 2 when it could not be checked.\n\n"
     "Example:\n  sluis-audit verify state/ledger --key ledger.vkey",
     key_options, verify_run},
    {"show", "N DIR", 2, 2, "explain one receipt, line by line",
     "N is a receipt's number, alone or after the ledger's name as in `Sluis-Receipt: "
     "gateway.example/1/17'.\n\n"
     "Example:\n  sluis-audit show 17 state/ledger --key ledger.vkey",
     show_options, show_run},
    {"list", "DIR", 1, 1, "list receipts, oldest first",
     "With --json each receipt is one object on a line of its own, with its index.\n\n"
     "Example:\n  sluis-audit list state/ledger --partner soundmap --decision release --since "
     "2026-11-01",
     list_options, list_run},
    {"checkpoint", "DIR", 1, 1, "print the newest checkpoint, to be kept",
     "Checks the whole ledger and prints the signed note over its size and root. Keep it where the "
     "operator can't reach it: next year, `consistency' checks that the ledger is still the same "
     "one.\n\n"
     "Example:\n  sluis-audit checkpoint state/ledger --key ledger.vkey -o 2026.checkpoint",
     checkpoint_options, checkpoint_run},
    {"prove", "N DIR", 2, 2, "write the proof that receipt N is in the ledger",
     "Writes a proof (C2SP tlog-proof) under the newest checkpoint, or under the one in "
     "--checkpoint; with the receipt and the key, anybody can check it without the ledger. With "
     "the gateway's index beside the ledger, or over HTTP, little is read, and what comes out is "
     "checked against the signed checkpoint; without, the whole ledger is read and checked "
     "once.\n\n"
     "Example:\n  sluis-audit prove 17 state/ledger --key ledger.vkey -o 17.tlog-proof --leaf "
     "17.json",
     prove_options, prove_run},
    {"verify-proof", "FILE", 1, 1, "check a receipt's proof, without the ledger",
     "Needs the receipt, and the ledger's key or a trust file that names the ledger (C2SP "
     "tlog-policy), or both. A line feed at the end of the receipt is not part of it. The exit "
     "code is 0 when the proof holds, 1 when it does not, 2 when it could not be checked.\n\n"
     "Example:\n  sluis-audit verify-proof 17.tlog-proof --leaf 17.json --key ledger.vkey",
     verify_proof_options, verify_proof_run},
    {"consistency", "OLD [NEW] DIR", 1, 3, "check that the ledger grew, and nothing else",
     "OLD and NEW are checkpoints in files (or proofs that hold one), or sizes; without NEW it is "
     "the end of the ledger. The ledger up to NEW is read and checked once. With --proof there is "
     "no DIR: OLD and NEW are compared by a proof that `consistency -o' wrote. The exit code is 0 "
     "when NEW holds all of OLD unchanged, 1 when not, 2 when it could not be checked.\n\n"
     "Examples:\n  sluis-audit consistency 2026.checkpoint state/ledger --key ledger.vkey\n"
     "  sluis-audit consistency 2026.checkpoint 2027.checkpoint --proof growth --key ledger.vkey",
     consistency_options, consistency_run},
    {"replay", "DIR", 1, 1, "repeat every decision, and say where the ledger differs",
     "Checks the ledger, finds out whose each receipt is, holds the archived policies against what "
     "their receipts pin, compiles them again, and decides every flow again from the facts in its "
     "receipt. Each difference is printed with what was expected and what was found. The exit code "
     "is 0 when all is the same, 1 when not, 2 when it could not be checked, or not all of it "
     "because people were erased.\n\n"
     "Example:\n  sluis-audit replay state/ledger --key ledger.vkey --evidence 2026.evidence",
     replay_options, replay_run},
    {"mine", "DIR", 1, 1, "list your own receipts, and prove that none is missing",
     "FILE is what `sluis subject key' gave you; it holds the ledger's public key, too. The whole "
     "ledger is checked, then your receipts are listed with their numbers: without a gap, and as "
     "many in each epoch as the gateway has committed to, nothing is missing up to the end of the "
     "last epoch. The exit code is 0 when that holds, 1 when not, 2 when it could not be "
     "checked.\n\n"
     "Example:\n  sluis-audit mine state/ledger --key lotte.key",
     mine_options, mine_run},
    {"export", "DIR", 1, 1, "write receipts or consents as evidence for others",
     "ndjson: receipts, each with its bytes, its proof, and what its reader may see opened. csv: a "
     "table. kantara: Kantara Consent Receipts 1.1 of one person's consents. dpv: the same as "
     "ISO/IEC TS 27560 receipts in W3C DPV (JSON-LD). A person's own evidence opens everything of "
     "theirs; with everybody's, --for says who will read it.\n\n"
     "Examples:\n  sluis-audit export state/ledger --key ledger.vkey --format csv -o 2026.csv\n"
     "  sluis-audit export state/ledger --key ledger.vkey --evidence lotte.evidence --format dpv",
     export_options, export_run},
    {"verify-export", "FILE", 1, 1, "check the evidence that an export carries, without the ledger",
     "Receipts and proofs, each opening against what the receipt pins, and each word of a consent "
     "record against the policies that are opened. Needs the ledger's key, or a trust file that "
     "names the ledger (C2SP tlog-policy), or both. A csv carries no evidence, and can't be "
     "checked by itself. The exit code is 0 when all holds, 1 when something does not, 2 when it "
     "could not be "
     "checked.\n\nExample:\n  sluis-audit verify-export lotte.json --key ledger.vkey",
     verify_export_options, verify_export_run},
    {"witness", "OPTION...", 0, CLI_ARGUMENTS_MAX, "run a witness: cosign what only grew",
     "A program of its own; `sluis-audit witness --help' says more.", NULL, witness_run},
};

static const struct argp_option options[] = {
    {"ca", KEY_CA, "FILE", 0, "for https: the authority that signed the server's certificate", 80},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "for http and https: how long to wait (30)", 80},
    {0},
};

static const struct cli_program program = {
    .name = "sluis-audit",
    .summary = "Check and read the ledger of a Sluis gateway, trusting nobody.",
    .help =
        "DIR is a copy of the gateway's ledger folder, or the address of a ledger that is served\n"
        "(tlog-tiles), such as https://ledger.example. The public key must come from somewhere\n"
        "you trust, not from what is checked.\n\n"
        "The exit code is 0 when all holds, 1 when something does not, 2 when it could not be\n"
        "checked; 64 for wrong use, 73 and 74 when a file or the result can't be written.",
    .options = options,
    .check = http_check_options,
    .unreadable_code = AUDIT_UNCHECKED,
    .commands = commands,
    .n_commands = SL_LENGTH(commands),
};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "witness") == 0)
        return witness_exec(argv + 1);
    return cli_main(&program, argc, argv);
}
