/*
 * prove.c - a receipt's proof, from one pass over the folder
 *
 * Nothing but the segments is needed, and nothing of them is believed: the pass that catches the
 * hashes of the proof is the one that checks the ledger. It costs what `verify` costs, and a few
 * KiB, for any receipt.
 */
#include "ledger/tlog_proof.h"

#include "base/writer.h"
#include "commands.h"
#include "common/terminal.h"
#include "common/textfile.h"
#include "ledger.h"
#include "ledger/checkpoint.h"
#include "ledger/leaf.h"
#include "ledger/note_lines.h"
#include "ledger/proof_catch.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

struct proving {
    uint64_t index;
    uint64_t size_max; /* of the checkpoint that was given; UINT64_MAX: the newest */
    struct checkpoint given;
    uint8_t *given_note;
    size_t given_note_n;
    size_t leaf_n; /* 0: not found */
    uint8_t leaf[LEAF_BYTES_MAX];
    struct proof_catch caught;
    struct kept_note note;
    struct sluis_verify_report report;
    uint8_t text[TLOG_PROOF_BYTES_MAX];
};

static bool add_leaf(void *context, uint64_t index, struct slice leaf)
{
    struct proving *proving = context;
    uint8_t hash[SHA256_BYTES];
    tree_leaf_hash(leaf, hash);
    proof_catch_add(&proving->caught, hash);
    if (index == proving->index) {
        SL_ASSERT(leaf.n <= sizeof proving->leaf);
        memcpy(proving->leaf, leaf.p, leaf.n);
        proving->leaf_n = leaf.n;
    }
    return proving->caught.tree.size < proving->size_max;
}

static bool add_checkpoint(void *context, uint64_t size, struct slice note)
{
    struct proving *proving = context;
    SL_ASSERT(size == proving->caught.tree.size);
    kept_note_set(&proving->note, size, note);
    return true;
}

/* --checkpoint: what it is over. Its signatures are for whoever checks the proof. */
static int read_checkpoint(const struct cli *cli, struct proving *proving)
{
    struct note_lines lines;
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
        return cli_fail(cli, AUDIT_UNCHECKED,
                        "the checkpoint in %s is of %llu receipts: receipt %llu came after it",
                        path, (unsigned long long)proving->size_max,
                        (unsigned long long)proving->index);
    return EX_OK;
}

/* The ledger was read up to the checkpoint that was given: is it over this ledger? */
static int use_checkpoint(const struct cli *cli, struct proving *proving)
{
    uint8_t root[SHA256_BYTES];
    if (proving->size_max == UINT64_MAX)
        return EX_OK;
    if (proving->caught.tree.size < proving->size_max)
        return output_problem(cli, SLUIS_VERIFY_INVALID,
                              "the ledger ends before the checkpoint that was given: receipts are "
                              "missing");
    tree_root(&proving->caught.tree, root);
    if (!slice_equals_str(proving->given.origin, proving->report.origin) ||
        memcmp(root, proving->given.root, sizeof root) != 0)
        return output_problem(cli, SLUIS_VERIFY_INVALID,
                              "the checkpoint that was given is not over this ledger: it has "
                              "another root, or another origin");
    kept_note_set(&proving->note, proving->size_max,
                  slice_of(proving->given_note, proving->given_note_n));
    return EX_OK;
}

static json_t *proof_json(const struct proving *proving, const struct tlog_proof *proof,
                          struct slice text)
{
    char hash[OUTPUT_HASH_CHARS];
    uint8_t root[SHA256_BYTES];
    json_t *hashes = json_array();
    for (size_t i = 0; i < proof->proof.n_hashes; i++) {
        output_hash(proof->proof.hashes[i], hash);
        json_array_append_new(hashes, json_string(hash));
    }
    tree_root(&proving->caught.tree, root);
    output_hash(root, hash);
    return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "origin",
                     json_of_slice(slice_of_str(proving->report.origin)), "index",
                     json_of_u64(proof->index), "size", json_of_u64(proving->note.size), "root",
                     hash, "hashes", hashes, "checkpoint", json_of_slice(proof->checkpoint),
                     "receipt", json_of_slice(slice_of(proving->leaf, proving->leaf_n)), "proof",
                     json_of_slice(text));
}

static int print_proof(const struct cli *cli, const struct proving *proving,
                       const struct tlog_proof *proof, struct slice text)
{
    const char *file = cli->values[KEY_OUTPUT], *leaf_file = cli->values[KEY_LEAF];
    int code = file ? output_file(cli, file, text) : EX_OK;
    if (code == EX_OK && leaf_file)
        code = output_file(cli, leaf_file, slice_of(proving->leaf, proving->leaf_n));
    if (code != EX_OK)
        return code;
    if (cli->json)
        return cli_print_json(cli, proof_json(proving, proof, text));
    if (!file) {
        output_text(text);
        return EX_OK;
    }
    printf("receipt %llu of ", (unsigned long long)proof->index);
    print_text(stdout, slice_of_str(proving->report.origin));
    printf(", proven by %zu hashes under the checkpoint of size %llu: ", proof->proof.n_hashes,
           (unsigned long long)proving->note.size);
    print_text(stdout, slice_of_str(file));
    printf("\n");
    return EX_OK;
}

static int write_proof(const struct cli *cli, struct proving *proving)
{
    struct tlog_proof proof = {.index = proving->index,
                               .checkpoint = kept_note_slice(&proving->note)};
    struct writer writer = writer_over(proving->text, sizeof proving->text);
    if (proof_inclusion_make(proof_catch_source(&proving->caught), proving->index,
                             proving->caught.tree.size, &proof.proof) != SL_OK ||
        tlog_proof_write(&proof, &writer) != SL_OK)
        return cli_fail(cli, EX_SOFTWARE, "the proof could not be made");
    return print_proof(cli, proving, &proof, writer_slice(&writer));
}

static int prove(struct cli *cli, struct proving *proving)
{
    struct slice number = slice_of_str(cli->arguments[0]);
    if (!slice_to_u64(number, INT64_MAX, &proving->index))
        return cli_misused(cli, "a receipt's number looks like 17; found \"%s\"",
                           cli->arguments[0]);
    if (!cli->given[KEY_KEY])
        return cli_misused(cli, "prove under which key? add --key FILE, the ledger.vkey that the "
                                "operator published");
    struct ledger_source source = {0};
    int code = ledger_source_init(&source, cli, cli->arguments[1]);
    if (code != EX_OK)
        return code;
    if ((code = read_checkpoint(cli, proving)) != EX_OK)
        return code;
    proof_catch_leaf(&proving->caught, proving->index);
    const struct ledger_visitor visitor = {add_leaf, add_checkpoint, proving};
    enum sluis_verify_result result = ledger_walk(&source, &visitor, &proving->report);
    if (result != SLUIS_VERIFY_VALID)
        report_print_problem(cli, result, &proving->report);
    /* What is wrong after the last checkpoint that holds takes nothing from a proof under it. */
    if (proving->leaf_n > 0) {
        code = use_checkpoint(cli, proving);
        return code == EX_OK ? write_proof(cli, proving) : code;
    }
    if (result == SLUIS_VERIFY_VALID)
        return cli_fail(cli, AUDIT_UNCHECKED, "the ledger has no receipt %llu; it has %llu",
                        (unsigned long long)proving->index,
                        (unsigned long long)proving->report.n_receipts);
    if (cli->json)
        cli_print_json(cli, output_problem_json(result, proving->report.problem));
    return (int)result;
}

int prove_run(struct cli *cli)
{
    static struct proving proving;
    int code = prove(cli, &proving);
    free(proving.given_note);
    return code;
}
