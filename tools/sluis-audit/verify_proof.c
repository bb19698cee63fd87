/*
 * verify_proof.c - a receipt, its proof and a key: nothing else is looked at
 */
#include "base/plural.h"
#include "base/timestamp.h"
#include "base/writer.h"
#include "commands.h"
#include "common/terminal.h"
#include "common/textfile.h"
#include "file_kind.h"
#include "ledger.h"
#include "ledger/leaf.h"
#include "ledger/tlog_policy.h"
#include "ledger/tlog_proof.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

/* Everything that is read; freed at the end. */
struct evidence {
    uint8_t *proof, *leaf, *policy;
    size_t proof_n, leaf_n, policy_n;
    struct ledger_source source; /* for its key */
};

/* A note with an index is a proof whose first line is damaged; without, it is a checkpoint. */
static bool may_be_proof(struct slice text)
{
    static const char index[] = "\nindex ";
    enum file_kind kind = file_kind_of(text);
    return kind == FILE_PROOF ||
           (kind == FILE_CHECKPOINT && memmem(text.p, text.n, index, sizeof index - 1));
}

/* What is plainly something else can't be checked; what is of the kind and wrong is invalid. */
static int check_kinds(const struct cli *cli, const struct evidence *evidence)
{
    struct slice proof = slice_of(evidence->proof, evidence->proof_n);
    char problem[512] = "";
    if (!may_be_proof(proof))
        snprintf(problem, sizeof problem,
                 "%.200s is %s; expected the proof of a receipt, as `prove' writes it",
                 cli->arguments[0], file_kind_name(file_kind_of(proof)));
    else if (evidence->leaf_n == 0)
        snprintf(problem, sizeof problem, "%.200s is empty; expected a receipt",
                 cli->values[KEY_LEAF]);
    return problem[0] ? output_problem(cli, SLUIS_VERIFY_UNCHECKED, problem) : EX_OK;
}

static int read_evidence(const struct cli *cli, struct evidence *evidence)
{
    int code = ledger_source_key(&evidence->source, cli);
    if (code == EX_OK)
        code = textfile_read(cli, cli->arguments[0], TLOG_PROOF_BYTES_MAX, &evidence->proof,
                             &evidence->proof_n);
    if (code == EX_OK) /* one more, for a line feed at its end */
        code = textfile_read(cli, cli->values[KEY_LEAF], LEAF_BYTES_MAX + 1, &evidence->leaf,
                             &evidence->leaf_n);
    if (code == EX_OK && cli->given[KEY_POLICY])
        code = textfile_read(cli, cli->values[KEY_POLICY], TLOG_POLICY_BYTES_MAX, &evidence->policy,
                             &evidence->policy_n);
    if (code == EX_OK)
        code = check_kinds(cli, evidence);
    /* A receipt is one line, and no receipt ends in a line feed. */
    if (code == EX_OK && evidence->leaf_n > 0 && evidence->leaf[evidence->leaf_n - 1] == '\n')
        evidence->leaf_n--;
    return code;
}

/* A witness may say any second; what is beyond the year 9999 stays a number. */
static size_t time_text(uint64_t time_s, char out[TIMESTAMP_BYTES])
{
    static const uint64_t last_s = 253402300799; /* 9999-12-31T23:59:59Z */
    struct writer writer = writer_over(out, TIMESTAMP_BYTES);
    if (time_s <= last_s)
        write_timestamp_s(&writer, (int64_t)time_s * 1000);
    else
        write_decimal(&writer, time_s);
    return writer.n;
}

/* A checkpoint alone does not show when its key was replaced: that has to be said. */
static void print_older_key(const struct ledger_source *source,
                            const struct sluis_proof_report *report)
{
    if (report->key + 1 < source->n_vkeys)
        printf("  key         number %zu of the %zu given, oldest first: it was replaced later. "
               "Whoever has it now\n              could sign checkpoints of that time on; the "
               "ledger itself shows which are real\n",
               report->key + 1, source->n_vkeys);
}

static int print_valid(const struct cli *cli, const struct ledger_source *source,
                       const struct sluis_proof_report *report)
{
    char root[OUTPUT_HASH_CHARS], time[TIMESTAMP_BYTES];
    size_t time_n = time_text(report->oldest_cosigned_s, time);
    output_hash(report->root, root);
    if (cli->json) {
        json_t *answer = json_pack("{s:s, s:o, s:o, s:o, s:s, s:o}", "result", "valid", "origin",
                                   json_of_slice(slice_of_str(report->origin)), "index",
                                   json_of_u64(report->index), "size", json_of_u64(report->size),
                                   "root", root, "witnesses", json_of_u64(report->n_witnesses));
        if (source->n_vkeys > 1)
            json_object_set_new(answer, "key", json_of_u64(report->key + 1));
        if (report->n_witnesses > 0)
            json_object_set_new(answer, "oldest_cosigned", json_of_slice(slice_of(time, time_n)));
        return cli_print_json(cli, answer);
    }
    print_styled(stdout, STYLE_GOOD, "valid");
    printf("\n  ledger      ");
    print_text(stdout, slice_of_str(report->origin));
    printf("\n  receipt     %llu, exactly these bytes\n  checkpoint  of size %llu, signed\n"
           "  root        %s\n",
           (unsigned long long)report->index, (unsigned long long)report->size, root);
    print_older_key(source, report);
    if (report->n_witnesses > 0)
        printf("  witnesses   %zu %s cosigned, the oldest at %.*s\n", report->n_witnesses,
               plural(report->n_witnesses, "has", "have"), (int)time_n, time);
    return EX_OK;
}

static int check(const struct cli *cli, const struct evidence *evidence)
{
    const struct sluis_trust trust = {
        .vkey = evidence->source.has_key ? evidence->source.vkey : NULL,
        .policy = (const char *)evidence->policy,
        .policy_bytes = evidence->policy_n,
    };
    struct sluis_proof_report report;
    enum sluis_verify_result result = sluis_verify_proof(
        evidence->proof, evidence->proof_n, evidence->leaf, evidence->leaf_n, &trust, &report);
    if (result != SLUIS_VERIFY_VALID)
        return output_problem(cli, result, report.problem);
    return print_valid(cli, &evidence->source, &report);
}

int verify_proof_run(struct cli *cli)
{
    if (!cli->given[KEY_LEAF])
        return cli_misused(cli, "the proof of which receipt? add --leaf FILE, or --leaf - for "
                                "standard input");
    if (!cli->given[KEY_KEY] && !cli->given[KEY_POLICY])
        return cli_misused(cli, "whom to believe? add --key FILE, the ledger.vkey that the "
                                "operator published, or --policy FILE, a trust file");
    if (slice_equals_str(slice_of_str(cli->arguments[0]), "-") &&
        slice_equals_str(slice_of_str(cli->values[KEY_LEAF]), "-"))
        return cli_misused(cli, "the proof and the receipt can't both be standard input");
    static struct evidence evidence;
    int code = read_evidence(cli, &evidence);
    if (code == EX_OK)
        code = check(cli, &evidence);
    free(evidence.proof);
    free(evidence.leaf);
    free(evidence.policy);
    return code;
}
