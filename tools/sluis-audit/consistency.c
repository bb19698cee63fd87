/*
 * consistency.c - is this still the ledger that somebody signed for back then?
 *
 *     over HTTP       the tiles that a consistency proof is made of, each proven to lead to the
 *                     checkpoint that the ledger shows now
 *     with a folder   OLD's root must be that of the folder's first OLD receipts, and NEW's that
 *                     of its first NEW; one pass recomputes both, and checks the ledger up to NEW
 *     with a proof    nothing but two checkpoints and the hashes between them
 *
 * A checkpoint in a file is somebody's evidence and must be signed; a bare size only asks for the
 * root at that place. A ledger that is shorter than a checkpoint that was signed for it has lost
 * receipts: that is invalid, not unknown.
 */
#include "base/plural.h"
#include "base/writer.h"
#include "commands.h"
#include "common/terminal.h"
#include "common/textfile.h"
#include "file_kind.h"
#include "ledger.h"
#include "ledger/proof_catch.h"
#include "ledger/tlog_proof.h"
#include "output.h"
#include "remote.h"

#include <stdlib.h>
#include <string.h>

/* OLD or NEW, as it was given. */
struct side {
    bool given, is_file;
    uint64_t size;
    uint8_t root[SHA256_BYTES]; /* of a file */
    struct kept_note note;      /* of a file */
};

struct comparing {
    const struct cli *cli;
    struct ledger_source source;
    struct side old_side, new_side;
    struct proof_catch caught;
    struct kept_note note; /* the newest that went by */
    struct sluis_verify_report report;
    uint8_t text[TLOG_PROOF_BYTES_MAX];
};

static int invalid(const struct comparing *comparing, const char *problem)
{
    return output_problem(comparing->cli, SLUIS_VERIFY_INVALID, problem);
}

static int unchecked(const struct comparing *comparing, const char *problem)
{
    return output_problem(comparing->cli, SLUIS_VERIFY_UNCHECKED, problem);
}

static int not_of_kind(const struct comparing *comparing, const char *path, enum file_kind kind,
                       const char *expected)
{
    char problem[512];
    snprintf(problem, sizeof problem, "%.200s is %s; expected %s", path, file_kind_name(kind),
             expected);
    return unchecked(comparing, problem);
}

/* ----------------------------------------------------------------------------------- sides -- */

/* A file holds a checkpoint, or a proof with one in it. */
static int read_checkpoint(struct comparing *comparing, const char *path, struct side *side)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    if (textfile_read(comparing->cli, path, TLOG_PROOF_BYTES_MAX, &bytes, &n) != EX_OK)
        return AUDIT_UNCHECKED;
    struct slice note = slice_of(bytes, n);
    enum file_kind kind = file_kind_of(note);
    if (kind != FILE_CHECKPOINT && kind != FILE_PROOF) {
        free(bytes);
        return not_of_kind(comparing, path, kind, "a checkpoint, or a proof with one in it");
    }
    struct tlog_proof proof;
    if (tlog_proof_parse(note, &proof) == SL_OK)
        note = proof.checkpoint;
    const struct sluis_trust trust = {.vkey = comparing->source.vkey};
    struct sluis_proof_report report;
    enum sluis_verify_result result = sluis_verify_checkpoint(note.p, note.n, &trust, &report);
    if (result == SLUIS_VERIFY_VALID) {
        side->is_file = true;
        side->size = report.size;
        memcpy(side->root, report.root, sizeof side->root);
        kept_note_set(&side->note, report.size, note);
    }
    free(bytes);
    if (result == SLUIS_VERIFY_VALID)
        return EX_OK;
    char problem[sizeof report.problem + 256];
    snprintf(problem, sizeof problem, "%.200s: %s", path, report.problem);
    return output_problem(comparing->cli, result, problem);
}

/* Digits are a size, as large as they may be; a file of such a name needs a slash. */
static int read_side(struct comparing *comparing, const char *argument, struct side *side)
{
    side->given = true;
    if (argument[strspn(argument, "0123456789")] || !argument[0])
        return read_checkpoint(comparing, argument, side);
    if (slice_to_u64(slice_of_str(argument), UINT64_MAX, &side->size))
        return EX_OK;
    return cli_misused(
        comparing->cli,
        "\"%s\" is no size: expected a whole number up to %llu, without zeros before "
        "it; a file of that name is ./%s",
        argument, (unsigned long long)UINT64_MAX, argument);
}

static int read_sides(struct comparing *comparing, const char *old_text, const char *new_text)
{
    int code = ledger_source_key(&comparing->source, comparing->cli);
    if (code == EX_OK)
        code = read_side(comparing, old_text, &comparing->old_side);
    if (code == EX_OK && new_text)
        code = read_side(comparing, new_text, &comparing->new_side);
    if (code != EX_OK)
        return code;
    if (comparing->old_side.size == 0)
        return unchecked(comparing, "OLD is of size 0: every ledger begins empty, so there is "
                                    "nothing to compare");
    if (new_text && comparing->old_side.size > comparing->new_side.size)
        return cli_misused(comparing->cli, "OLD is larger than NEW: sizes %llu and %llu",
                           (unsigned long long)comparing->old_side.size,
                           (unsigned long long)comparing->new_side.size);
    return EX_OK;
}

/* ---------------------------------------------------------------------------------- answer -- */

struct answer {
    const char *origin;
    uint64_t old_size, new_size;
    const uint8_t *old_root, *new_root;
    size_t n_hashes;
};

static int print_valid(const struct cli *cli, const struct answer *answer)
{
    char old_root[OUTPUT_HASH_CHARS], new_root[OUTPUT_HASH_CHARS];
    output_hash(answer->old_root, old_root);
    output_hash(answer->new_root, new_root);
    if (cli->json)
        return cli_print_json(
            cli, json_pack("{s:s, s:o, s:{s:o, s:s}, s:{s:o, s:s}, s:o}", "result", "valid",
                           "origin", json_of_slice(slice_of_str(answer->origin)), "old", "size",
                           json_of_u64(answer->old_size), "root", old_root, "new", "size",
                           json_of_u64(answer->new_size), "root", new_root, "hashes",
                           json_of_u64(answer->n_hashes)));
    print_styled(stdout, STYLE_GOOD, "valid");
    printf("\n  ledger      ");
    print_text(stdout, slice_of_str(answer->origin));
    unsigned long long old_size = answer->old_size, new_size = answer->new_size;
    printf("\n  old         %llu %s, root %s\n  new         %llu %s, root %s\n", old_size,
           plural(old_size, "receipt", "receipts"), old_root, new_size,
           plural(new_size, "receipt", "receipts"), new_root);
    if (old_size == 1)
        printf("  meaning     the first receipt is the same in both; %llu came after it\n",
               new_size - 1);
    else
        printf("  meaning     the first %llu receipts are the same in both; %llu came after them\n",
               old_size, new_size - old_size);
    return EX_OK;
}

/* ------------------------------------------------------------------------------ with a proof -- */

static int check_growth(struct comparing *comparing, const struct tlog_growth *growth)
{
    const struct side *old_side = &comparing->old_side, *new_side = &comparing->new_side;
    const struct sluis_trust trust = {.vkey = comparing->source.vkey};
    struct slice old_note = kept_note_slice(&old_side->note);
    struct sluis_proof_report report;
    enum sluis_verify_result result =
        sluis_verify_consistency(old_note.p, old_note.n, growth->checkpoint.p, growth->checkpoint.n,
                                 growth->proof.hashes, growth->proof.n_hashes, &trust, &report);
    if (result != SLUIS_VERIFY_VALID)
        return output_problem(comparing->cli, result, report.problem);
    if (growth->old_size != old_side->size)
        return invalid(comparing, "the proof says that it is for another size than OLD's");
    if (new_side->given && new_side->size != report.size)
        return invalid(comparing, "the proof leads to another size than NEW's");
    if (new_side->is_file && memcmp(new_side->root, report.root, sizeof report.root) != 0)
        return invalid(comparing, "the proof leads to another root than NEW's, and both are "
                                  "signed: the ledger has been split");
    const struct answer answer = {report.origin,  old_side->size, report.size,
                                  old_side->root, report.root,    growth->proof.n_hashes};
    return print_valid(comparing->cli, &answer);
}

static int compare_by_proof(struct comparing *comparing)
{
    const struct cli *cli = comparing->cli;
    int code = read_sides(comparing, cli->arguments[0], cli->arguments[1]);
    if (code != EX_OK)
        return code;
    if (!comparing->old_side.is_file)
        return cli_misused(cli, "with --proof, OLD must be a checkpoint in a file: a size alone "
                                "says nothing about its receipts");
    uint8_t *bytes = NULL;
    size_t n = 0;
    if (textfile_read(cli, cli->values[KEY_PROOF], TLOG_PROOF_BYTES_MAX, &bytes, &n) != EX_OK)
        return AUDIT_UNCHECKED;
    struct tlog_growth growth;
    enum file_kind kind = file_kind_of(slice_of(bytes, n));
    if (kind != FILE_GROWTH && kind != FILE_CHECKPOINT) /* that may be a proof, damaged */
        code = not_of_kind(comparing, cli->values[KEY_PROOF], kind,
                           "a proof that `consistency -o' wrote");
    else if (tlog_growth_parse(slice_of(bytes, n), &growth) == SL_OK)
        code = check_growth(comparing, &growth);
    else
        code = invalid(comparing, "the proof is not of the form that `consistency -o' writes");
    free(bytes);
    return code;
}

/* ----------------------------------------------------------------------------- with a folder -- */

static bool add_leaf(void *context, uint64_t index, struct slice leaf)
{
    struct comparing *comparing = context;
    (void)index;
    if (comparing->new_side.given && comparing->caught.tree.size == comparing->new_side.size)
        return false;
    uint8_t hash[SHA256_BYTES];
    tree_leaf_hash(leaf, hash);
    proof_catch_add(&comparing->caught, hash);
    return true;
}

static bool add_checkpoint(void *context, uint64_t size, struct slice note)
{
    struct comparing *comparing = context;
    kept_note_set(&comparing->note, size, note);
    return !comparing->new_side.given || size < comparing->new_side.size;
}

/* Are all receipts of this side there? */
static int check_is_there(const struct comparing *comparing, const struct side *side,
                          uint64_t n_there)
{
    char problem[256];
    if (side->size <= n_there)
        return EX_OK;
    snprintf(problem, sizeof problem,
             "the ledger ends after %llu %s, but a checkpoint over %llu was signed: receipts are "
             "missing",
             (unsigned long long)n_there, plural(n_there, "receipt", "receipts"),
             (unsigned long long)side->size);
    if (side->is_file)
        return invalid(comparing, problem);
    snprintf(problem, sizeof problem, "the ledger has %llu %s, not %llu",
             (unsigned long long)n_there, plural(n_there, "receipt", "receipts"),
             (unsigned long long)side->size);
    return unchecked(comparing, problem);
}

/* Are they those that were signed? */
static int check_root(const struct comparing *comparing, const struct side *side,
                      const uint8_t root[SHA256_BYTES])
{
    char problem[256];
    if (!side->is_file || memcmp(root, side->root, sizeof side->root) == 0)
        return EX_OK;
    snprintf(problem, sizeof problem,
             "the first %llu %s not what the checkpoint was signed over: the ledger was rewritten, "
             "or there are two of it",
             (unsigned long long)side->size, plural(side->size, "receipt is", "receipts are"));
    return invalid(comparing, problem);
}

static int check_side(const struct comparing *comparing, const struct side *side,
                      const struct tree *tree)
{
    uint8_t root[SHA256_BYTES];
    int code = check_is_there(comparing, side, comparing->caught.tree.size);
    if (code != EX_OK)
        return code;
    tree_root(tree, root);
    return check_root(comparing, side, root);
}

/* From one head to another, and the proof of it. */
struct growth {
    struct proof_head old_head, new_head;
    const struct proof *proof;
};

/* The proof, to be checked later or by others; its new checkpoint must have been signed. */
static int write_growth(struct comparing *comparing, const struct growth *growth)
{
    const struct kept_note *note =
        comparing->new_side.is_file ? &comparing->new_side.note : &comparing->note;
    if (note->size != growth->new_head.size)
        return unchecked(comparing, "no checkpoint was signed at the size NEW, so there is none "
                                    "to write a proof for; leave NEW out for the newest");
    const struct tlog_growth text = {growth->old_head.size, *growth->proof, kept_note_slice(note)};
    struct writer writer = writer_over(comparing->text, sizeof comparing->text);
    if (tlog_growth_write(&text, &writer) != SL_OK)
        return cli_fail(comparing->cli, EX_SOFTWARE, "the proof could not be written");
    return output_file(comparing->cli, comparing->cli->values[KEY_OUTPUT], writer_slice(&writer));
}

static int finish(struct comparing *comparing, const char *origin, const struct growth *growth)
{
    int code = comparing->cli->given[KEY_OUTPUT] ? write_growth(comparing, growth) : EX_OK;
    const struct answer answer = {origin,
                                  growth->old_head.size,
                                  growth->new_head.size,
                                  growth->old_head.root,
                                  growth->new_head.root,
                                  growth->proof->n_hashes};
    return code == EX_OK ? print_valid(comparing->cli, &answer) : code;
}

static int prove_growth(struct comparing *comparing)
{
    struct proof_catch *caught = &comparing->caught;
    uint8_t old_root[SHA256_BYTES], new_root[SHA256_BYTES];
    struct proof proof;
    tree_root(&caught->old_tree, old_root);
    tree_root(&caught->tree, new_root);
    const struct growth growth = {
        {caught->old_tree.size, old_root}, {caught->tree.size, new_root}, &proof};
    if (proof_consistency_make(proof_catch_source(caught), growth.old_head.size,
                               growth.new_head.size, &proof) != SL_OK ||
        proof_consistency_verify(&proof, growth.old_head, growth.new_head) != PROOF_HOLDS)
        return cli_fail(comparing->cli, EX_SOFTWARE, "the proof could not be made");
    return finish(comparing, comparing->report.origin, &growth);
}

static int compare_by_folder(struct comparing *comparing)
{
    const struct cli *cli = comparing->cli;
    struct proof_catch *caught = &comparing->caught;
    proof_catch_size(caught, comparing->old_side.size);
    const struct ledger_visitor visitor = {add_leaf, add_checkpoint, comparing};
    enum sluis_verify_result result = ledger_walk(&comparing->source, &visitor, &comparing->report);
    if (result != SLUIS_VERIFY_VALID) {
        report_print_problem(cli, result, &comparing->report);
        if (cli->json)
            cli_print_json(cli, output_problem_json(result, comparing->report.problem));
        return (int)result;
    }
    int code = check_side(comparing, &comparing->old_side, &caught->old_tree);
    if (code == EX_OK && comparing->new_side.given)
        code = check_side(comparing, &comparing->new_side, &caught->tree);
    return code == EX_OK ? prove_growth(comparing) : code;
}

/* ------------------------------------------------------------------------------- over HTTP -- */

/* The root at a side's size; what does not hold or could not be asked has been said. */
static int ask_for_root(struct comparing *comparing, struct remote *remote, uint64_t size,
                        uint8_t root[SHA256_BYTES])
{
    struct ledger_reader *reader = remote_reader(remote);
    if (ledger_reader_root(reader, remote_head(remote), size, root) == SL_OK)
        return EX_OK;
    return output_problem(comparing->cli, remote_result(remote), ledger_reader_problem(reader));
}

static int compare_with(struct comparing *comparing, struct remote *remote)
{
    const struct ledger_head *head = remote_head(remote);
    struct side *old_side = &comparing->old_side, *new_side = &comparing->new_side;
    struct side end = {.size = head->tree.size};
    struct proof proof;
    uint8_t old_root[SHA256_BYTES], new_root[SHA256_BYTES];
    if (!new_side->given)
        new_side = &end;
    int code = check_is_there(comparing, old_side, head->tree.size);
    if (code == EX_OK)
        code = check_is_there(comparing, new_side, head->tree.size);
    if (code == EX_OK)
        code = ask_for_root(comparing, remote, old_side->size, old_root);
    if (code == EX_OK)
        code = ask_for_root(comparing, remote, new_side->size, new_root);
    if (code == EX_OK)
        code = check_root(comparing, old_side, old_root);
    if (code == EX_OK)
        code = check_root(comparing, new_side, new_root);
    if (code != EX_OK)
        return code;
    if (ledger_reader_consistency(remote_reader(remote), head, old_side->size, new_side->size,
                                  &proof) != SL_OK)
        return output_problem(comparing->cli, remote_result(remote),
                              ledger_reader_problem(remote_reader(remote)));
    kept_note_set(&comparing->note, head->tree.size, remote_note(remote));
    const struct growth growth = {{old_side->size, old_root}, {new_side->size, new_root}, &proof};
    return finish(comparing, remote_origin(remote), &growth);
}

static int compare_over_http(struct comparing *comparing)
{
    SL_AUTO(remote) remote = NULL;
    struct ledger_problem problem;
    enum sluis_verify_result result = remote_open(&comparing->source, &problem, &remote);
    if (result != SLUIS_VERIFY_VALID)
        return output_problem(comparing->cli, result, problem.text);
    return compare_with(comparing, remote);
}

static int compare_by_ledger(struct comparing *comparing)
{
    const struct cli *cli = comparing->cli;
    int last = cli->n_arguments - 1;
    int code = read_sides(comparing, cli->arguments[0], last == 2 ? cli->arguments[1] : NULL);
    if (code == EX_OK)
        code = ledger_source_init(&comparing->source, cli, cli->arguments[last]);
    if (code != EX_OK)
        return code;
    return comparing->source.is_remote ? compare_over_http(comparing)
                                       : compare_by_folder(comparing);
}

int consistency_run(struct cli *cli)
{
    static struct comparing comparing;
    comparing.cli = cli;
    if (!cli->given[KEY_KEY])
        return cli_misused(cli, "under which key? add --key FILE, the ledger.vkey that the "
                                "operator published");
    if (cli->given[KEY_PROOF] && cli->n_arguments > 2)
        return cli_misused(cli, "with --proof there is no folder: OLD and NEW only");
    if (cli->given[KEY_PROOF] && cli->given[KEY_OUTPUT])
        return cli_misused(cli, "--output writes a proof, --proof reads one; not both");
    if (cli->given[KEY_PROOF])
        return compare_by_proof(&comparing);
    if (cli->n_arguments < 2)
        return cli_misused(cli, "consistency needs OLD and DIR, or OLD and --proof FILE");
    int code = output_check_is_new(cli, cli->values[KEY_OUTPUT]);
    if (code != EX_OK)
        return code;
    return compare_by_ledger(&comparing);
}
