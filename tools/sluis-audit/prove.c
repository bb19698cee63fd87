/*
 * prove.c - a receipt's proof: from tiles, by an index, or from one pass over the folder
 *
 * A folder alone is enough, and nothing of it is believed: the pass that catches the hashes of the
 * proof is the one that checks the ledger. It costs what `verify` costs, for any receipt. With the
 * index beside it, or over HTTP, a few hashes are enough; the proof is then checked against the
 * signed checkpoint before it is given away. An index that is of no use is named, and not used.
 */
#include "base/plural.h"
#include "base/writer.h"
#include "commands.h"
#include "common/terminal.h"
#include "common/textfile.h"
#include "ledger.h"
#include "ledger/checkpoint.h"
#include "ledger/note_lines.h"
#include "ledger/proof_catch.h"
#include "ledger/tlog_proof.h"
#include "output.h"
#include "prove_reader.h"

#include <stdlib.h>
#include <string.h>

struct proving {
    const struct cli *cli;
    struct ledger_source source;
    uint64_t index;
    uint64_t size_max; /* of the checkpoint that was given; UINT64_MAX: the newest */
    struct checkpoint given;
    uint8_t *given_note;
    size_t given_note_n;
    struct proof_catch caught;
    struct proven proven;
    uint8_t text[TLOG_PROOF_BYTES_MAX];
};

/* ---------------------------------------------------------------- the checkpoint to prove under --
 */

/* --checkpoint: what it is over. Its signatures are for whoever checks the proof. */
static int read_checkpoint(struct proving *proving)
{
    struct note_lines lines;
    const struct cli *cli = proving->cli;
    const char *path = cli->values[KEY_CHECKPOINT];
    proving->size_max = UINT64_MAX;
    if (!path)
        return EX_OK;
    if (textfile_read(cli, path, NOTE_BYTES_MAX, &proving->given_note, &proving->given_note_n) !=
        EX_OK)
        return AUDIT_UNCHECKED;
    if (!note_lines_open(slice_of(proving->given_note, proving->given_note_n), &lines) ||
        checkpoint_parse(lines.text, &proving->given) != SL_OK)
        return cli_fail(cli, AUDIT_UNCHECKED, "%s is not a checkpoint", path);
    proving->size_max = proving->given.size;
    if (proving->index >= proving->size_max)
        return cli_fail(
            cli, AUDIT_UNCHECKED, "the checkpoint in %s is of %llu %s: receipt %llu came after it",
            path, (unsigned long long)proving->size_max,
            plural(proving->size_max, "receipt", "receipts"), (unsigned long long)proving->index);
    return EX_OK;
}

/* The proof leads up to the checkpoint that was given: is it over this ledger? */
static int use_checkpoint(struct proving *proving)
{
    struct proven *proven = &proving->proven;
    if (!proving->given_note)
        return EX_OK;
    if (proven->size < proving->size_max)
        return output_problem(proving->cli, SLUIS_VERIFY_INVALID,
                              "the ledger ends before the checkpoint that was given: receipts are "
                              "missing");
    if (!slice_equals_str(proving->given.origin, proving->source.origin) ||
        memcmp(proven->root, proving->given.root, sizeof proven->root) != 0)
        return output_problem(proving->cli, SLUIS_VERIFY_INVALID,
                              "the checkpoint that was given is not over this ledger: it has "
                              "another root, or another origin");
    kept_note_set(&proven->note, proving->size_max,
                  slice_of(proving->given_note, proving->given_note_n));
    return EX_OK;
}

/* ---------------------------------------------------------------------------------- printing -- */

static json_t *proof_json(const struct proving *proving, const struct tlog_proof *proof,
                          struct slice text)
{
    const struct proven *proven = &proving->proven;
    char hash[OUTPUT_HASH_CHARS];
    json_t *hashes = json_array();
    for (size_t i = 0; i < proof->proof.n_hashes; i++) {
        output_hash(proof->proof.hashes[i], hash);
        json_array_append_new(hashes, json_string(hash));
    }
    output_hash(proven->root, hash);
    return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "origin",
                     json_of_slice(slice_of_str(proving->source.origin)), "index",
                     json_of_u64(proof->index), "size", json_of_u64(proven->size), "root", hash,
                     "hashes", hashes, "checkpoint", json_of_slice(proof->checkpoint), "receipt",
                     json_of_slice(slice_of(proven->leaf, proven->leaf_n)), "proof",
                     json_of_slice(text));
}

static int print_proof(const struct proving *proving, const struct tlog_proof *proof,
                       struct slice text)
{
    const struct cli *cli = proving->cli;
    const struct proven *proven = &proving->proven;
    const char *file = cli->values[KEY_OUTPUT], *leaf_file = cli->values[KEY_LEAF];
    int code = file ? output_file(cli, file, text) : EX_OK;
    if (code == EX_OK && leaf_file)
        code = output_file(cli, leaf_file, slice_of(proven->leaf, proven->leaf_n));
    if (code != EX_OK)
        return code;
    if (cli->json)
        return cli_print_json(cli, proof_json(proving, proof, text));
    if (!file) {
        output_text(text);
        return EX_OK;
    }
    printf("receipt %llu of ", (unsigned long long)proof->index);
    print_text(stdout, slice_of_str(proving->source.origin));
    printf(", proven by %zu %s under the checkpoint of size %llu: ", proof->proof.n_hashes,
           plural(proof->proof.n_hashes, "hash", "hashes"), (unsigned long long)proven->size);
    print_text(stdout, slice_of_str(file));
    printf("\n");
    return EX_OK;
}

static int write_proof(struct proving *proving)
{
    int code = use_checkpoint(proving);
    if (code != EX_OK)
        return code;
    struct tlog_proof proof = {.index = proving->index,
                               .proof = proving->proven.proof,
                               .checkpoint = kept_note_slice(&proving->proven.note)};
    struct writer writer = writer_over(proving->text, sizeof proving->text);
    if (tlog_proof_write(&proof, &writer) != SL_OK)
        return cli_fail(proving->cli, EX_SOFTWARE, "the proof could not be written");
    return print_proof(proving, &proof, writer_slice(&writer));
}

static int say_not_there(struct proving *proving)
{
    proving->source.n_receipts = proving->proven.n_receipts;
    return ledger_say_not_there(&proving->source, proving->index);
}

/* ------------------------------------------------------------------------------ the three ways --
 */

static int prove_over_http(struct proving *proving)
{
    struct ledger_problem problem;
    enum sluis_verify_result result = prove_by_tiles(&proving->source, proving->index,
                                                     proving->size_max, &problem, &proving->proven);
    if (result != SLUIS_VERIFY_VALID)
        return output_problem(proving->cli, result, problem.text);
    return proving->proven.is_there ? write_proof(proving) : say_not_there(proving);
}

static bool add_leaf(void *context, uint64_t index, struct slice leaf)
{
    struct proving *proving = context;
    uint8_t hash[SHA256_BYTES];
    tree_leaf_hash(leaf, hash);
    proof_catch_add(&proving->caught, hash);
    if (index == proving->index) {
        SL_ASSERT(leaf.n <= sizeof proving->proven.leaf);
        memcpy(proving->proven.leaf, leaf.p, leaf.n);
        proving->proven.leaf_n = leaf.n;
    }
    return proving->caught.tree.size < proving->size_max;
}

static bool add_checkpoint(void *context, uint64_t size, struct slice note)
{
    struct proving *proving = context;
    SL_ASSERT(size == proving->caught.tree.size);
    kept_note_set(&proving->proven.note, size, note);
    return true;
}

static int prove_by_pass(struct proving *proving)
{
    struct proven *proven = &proving->proven;
    struct sluis_verify_report report = {0};
    const struct ledger_visitor visitor = {add_leaf, add_checkpoint, proving};
    proof_catch_leaf(&proving->caught, proving->index);
    enum sluis_verify_result result = ledger_walk(&proving->source, &visitor, &report);
    if (result != SLUIS_VERIFY_VALID)
        report_print_problem(proving->cli, result, &report);
    /* What is wrong after the last checkpoint that holds takes nothing from a proof under it. */
    if (proven->leaf_n > 0) {
        proven->size = proving->caught.tree.size;
        tree_root(&proving->caught.tree, proven->root);
        if (proof_inclusion_make(proof_catch_source(&proving->caught), proving->index, proven->size,
                                 &proven->proof) != SL_OK)
            return cli_fail(proving->cli, EX_SOFTWARE, "the proof could not be made");
        return write_proof(proving);
    }
    proven->n_receipts = report.n_receipts;
    if (result == SLUIS_VERIFY_VALID)
        return say_not_there(proving);
    if (proving->cli->json)
        cli_print_json(proving->cli, output_problem_json(result, report.problem));
    return (int)result;
}

static int prove_from_folder(struct proving *proving)
{
    struct ledger_problem problem;
    if (prove_by_index(&proving->source, proving->index, proving->size_max, &problem,
                       &proving->proven))
        return proving->proven.is_there ? write_proof(proving) : say_not_there(proving);
    if (problem.text[0]) {
        fprintf(stderr, "sluis-audit: the index is not used: ");
        print_text(stderr, slice_of_str(problem.text));
        fprintf(stderr, "; reading the whole ledger instead\n");
    }
    memset(&proving->proven, 0, sizeof proving->proven);
    return prove_by_pass(proving);
}

static int prove(struct proving *proving)
{
    const struct cli *cli = proving->cli;
    if (!slice_to_u64(slice_of_str(cli->arguments[0]), UINT64_MAX, &proving->index))
        return cli_misused(cli, "a receipt's number looks like 17; found \"%s\"",
                           cli->arguments[0]);
    if (!cli->given[KEY_KEY])
        return cli_misused(cli, "prove under which key? add --key FILE, the ledger.vkey that the "
                                "operator published");
    const char *file = cli->values[KEY_OUTPUT], *leaf_file = cli->values[KEY_LEAF];
    if (file && leaf_file && strcmp(file, leaf_file) == 0)
        return cli_misused(cli, "--output and --leaf name the same file, \"%s\"", file);
    int code = output_check_is_new(cli, file);
    if (code == EX_OK)
        code = output_check_is_new(cli, leaf_file);
    if (code == EX_OK)
        code = ledger_source_init(&proving->source, cli, cli->arguments[1]);
    if (code == EX_OK)
        code = read_checkpoint(proving);
    if (code != EX_OK)
        return code;
    return proving->source.is_remote ? prove_over_http(proving) : prove_from_folder(proving);
}

int prove_run(struct cli *cli)
{
    static struct proving proving;
    proving.cli = cli;
    int code = prove(&proving);
    free(proving.given_note);
    return code;
}
