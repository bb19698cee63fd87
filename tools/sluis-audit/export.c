/*
 * export.c - receipts as evidence that others accept, in four formats
 *
 *     pass 1   checks the ledger, keeps the hashes above the receipts     with proofs only
 *     pass 2   whose is it, what does it rest on (replay) ─▶ wanted? ─▶ held until its tile is
 *              whole ─▶ proof ─▶ format
 *
 * All proofs are under one checkpoint: the newest that the first pass met, with the signatures of
 * witnesses when they are at hand, or the one that was given; then the export ends with it. What is
 * opened depends on who is going to read it: a partner gets nothing that would link two receipts of
 * one person.
 */
#include "export.h"

#include "base/plural.h"
#include "base/timestamp.h"
#include "commands.h"
#include "common/terminal.h"
#include "evidence_file.h"
#include "export_checkpoint.h"
#include "ledger/basis.h"
#include "ledger/proof_passes.h"
#include "ledger/tlog_proof.h"
#include "ledger/tree.h"
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct export_format *const formats[] = {&export_ndjson, &export_csv, &export_kantara,
                                                      &export_dpv};

/* One that waits for its proof. */
struct held {
    uint64_t index;
    bool is_somebodys;
    size_t subject;
    struct exported exported;
    struct slice consents[LIMIT_MAX_policy_consents];
    size_t leaf_n;
    uint8_t leaf[LEAF_BYTES_MAX];
};

struct passing {
    struct export *export;
    struct proof_passes *passes;
    struct kept_note note; /* to prove under */
    struct export_checkpoint checkpoint;
    struct held held[PROOF_PASSES_LEAVES];
    size_t n_held;
    uint64_t n_taken;
    uint64_t n_unopened; /* whose evidence is not what they pin */
    uint64_t n_nobodys;  /* of nobody in the evidence */
    uint64_t n_gone;     /* policy changes whose texts are not kept */
    uint64_t n_erasures; /* in the ledger */
    int code;
    uint8_t proof[TLOG_PROOF_BYTES_MAX];
};

int export_failed(const struct export *export)
{
    return cli_fail(export->cli, EX_IOERR, "cannot write %s: %s",
                    export->cli->given[KEY_OUTPUT] ? export->cli->values[KEY_OUTPUT]
                                                   : "standard output",
                    strerror(errno));
}

static int put_json(struct export *export, json_t *value, size_t flags)
{
    char *text = value ? json_dumps(value, flags) : NULL;
    json_decref(value);
    if (!text)
        return cli_fail(export->cli, EX_SOFTWARE, "out of memory");
    int code = fprintf(export->out, "%s\n", text) < 0 ? export_failed(export) : EX_OK;
    free(text);
    return code;
}

int export_line(struct export *export, json_t *value)
{
    return put_json(export, value, JSON_COMPACT);
}

int export_document(struct export *export, json_t *value)
{
    return put_json(export, value, JSON_INDENT(2));
}

/* -------------------------------------------------------------------------------- opening -- */

/* The hashes of a version's texts, and the YAML, when they are what the receipt pins. */
static void open_texts(const struct archive_version *version, bool with_text, bool with_blob,
                       struct exported *out)
{
    if (!version->is_kept)
        return;
    uint8_t digest[SHA256_BYTES];
    archive_version_digest(version, digest);
    out->has_parts = memcmp(digest, out->digest, sizeof digest) == 0;
    if (!out->has_parts)
        return;
    sha256_of(version->yaml, out->parts[0]);
    sha256_of(version->blob, out->parts[1]);
    memcpy(out->parts[2], version->vocabulary_sha256, SHA256_BYTES);
    if (with_text)
        out->text = version->yaml;
    if (with_blob)
        out->blob = version->blob;
}

static void open_basis(struct passing *passing, const struct leaf *leaf, struct held *held)
{
    const struct export *export = passing->export;
    const struct replay_grounds *grounds = replay_last(export->replay);
    struct exported *exported = &held->exported;
    /* An outcome rests on what its push does. */
    passing->n_unopened +=
        !grounds->is_known && leaf->kind != LEAF_ERASURE && leaf->kind != LEAF_OUTCOME;
    if (!grounds->is_known)
        return;
    exported->opens_basis = true;
    exported->version = grounds->version;
    memcpy(exported->digest, grounds->digest, sizeof exported->digest);
    leaf_salt(replay_key(export->replay, grounds->subject), grounds->n, slice_of_str("basis"),
              exported->basis_salt);
    memcpy(held->consents, grounds->consents, grounds->n_consents * sizeof *held->consents);
    exported->consents = held->consents;
    exported->n_consents = grounds->n_consents;
    if (grounds->version == 0)
        return;
    const struct archive_subject *subject = &export->archive->subjects[grounds->subject];
    const struct archive_version *version =
        &export->archive->versions[subject->first_version + grounds->version - 1];
    const bool is_policy = leaf->kind == LEAF_POLICY;
    passing->n_gone += is_policy && !version->is_kept;
    open_texts(version, is_policy, is_policy && export->format->is_of_consents, exported);
}

static void open_for_reader(struct passing *passing, const struct leaf *leaf, struct held *held)
{
    const struct export *export = passing->export;
    const struct replay_grounds *grounds = export->replay ? replay_last(export->replay) : NULL;
    if (export->reader == EXPORT_PUBLIC || !grounds)
        return;
    passing->n_nobodys += !grounds->is_somebodys && leaf_kind_has_subject(leaf->kind);
    if (!grounds->is_somebodys)
        return;
    held->is_somebodys = true;
    held->subject = grounds->subject;
    if (export->reader == EXPORT_AUDITOR) {
        held->exported.subject = export->archive->subjects[grounds->subject].name;
        held->exported.n = grounds->n;
    }
    if (export->reader != EXPORT_PARTNER)
        open_basis(passing, leaf, held);
    if (leaf->body.n == 0)
        return;
    held->exported.opens_body = true;
    leaf_salt(replay_key(export->replay, grounds->subject), grounds->n, slice_of_str("body"),
              held->exported.body_salt);
}

/* -------------------------------------------------------------------------------- the passes -- */

static bool is_wanted(const struct export *export, const struct leaf *leaf)
{
    if (export->reader == EXPORT_SUBJECT) {
        const struct replay_grounds *grounds = replay_last(export->replay);
        if (!grounds->is_somebodys || grounds->subject != export->subject)
            return false;
    }
    if (export->format->is_of_consents)
        return leaf->kind == LEAF_POLICY || leaf->kind == LEAF_ERASURE;
    return filter_wants(&export->filter, leaf);
}

static int hand_over(struct passing *passing, struct held *held)
{
    struct export *export = passing->export;
    struct leaf leaf;
    held->exported.receipt = slice_of(held->leaf, held->leaf_n);
    if (export->format->wants_proofs) {
        struct tlog_proof proof = {.index = held->index,
                                   .checkpoint = kept_note_slice(&passing->note)};
        struct writer writer = writer_over(passing->proof, sizeof passing->proof);
        if (proof_passes_make(passing->passes, held->index, &proof.proof) != SL_OK ||
            tlog_proof_write(&proof, &writer) != SL_OK)
            return cli_fail(export->cli, EX_SOFTWARE, "a proof could not be made");
        held->exported.proof = writer_slice(&writer);
    }
    if (leaf_parse(held->exported.receipt, &leaf) != SL_OK)
        return cli_fail(export->cli, EX_SOFTWARE, "a receipt could not be read");
    const struct export_receipt receipt = {.index = held->index,
                                           .leaf = &leaf,
                                           .exported = &held->exported,
                                           .is_somebodys = held->is_somebodys,
                                           .subject = held->subject};
    return export->format->take(export, &receipt);
}

/* All that wait: their tile is whole. */
static int hand_over_all(struct passing *passing)
{
    int code = EX_OK;
    for (size_t i = 0; i < passing->n_held && code == EX_OK; i++)
        code = hand_over(passing, &passing->held[i]);
    passing->n_held = 0;
    return code;
}

static int take_receipt(struct passing *passing, uint64_t index, struct slice bytes, bool is_ready)
{
    struct export *export = passing->export;
    struct leaf leaf;
    if (leaf_parse(bytes, &leaf) != SL_OK ||
        (export->replay && replay_receipt(export->replay, index, bytes) != SL_OK))
        return cli_fail(export->cli, EX_SOFTWARE, "out of memory");
    passing->n_erasures += leaf.kind == LEAF_ERASURE;
    export->n_receipts = index + 1;
    export->last_ms = leaf.time_ms;
    if (passing->n_taken < export->filter.limit && is_wanted(export, &leaf)) {
        struct held *held = &passing->held[passing->n_held++];
        *held = (struct held){.index = index, .leaf_n = bytes.n};
        memcpy(held->leaf, bytes.p, bytes.n);
        open_for_reader(passing, &leaf, held);
        passing->n_taken++;
    }
    return is_ready ? hand_over_all(passing) : EX_OK;
}

static bool first_leaf(void *context, uint64_t index, struct slice leaf)
{
    (void)index;
    struct passing *passing = context;
    uint8_t hash[SHA256_BYTES];
    tree_leaf_hash(leaf, hash);
    if (proof_passes_add(passing->passes, hash) != SL_OK)
        passing->code = cli_fail(passing->export->cli, AUDIT_UNCHECKED, "out of memory");
    return passing->code == EX_OK;
}

static bool first_checkpoint(void *context, uint64_t size, struct slice note)
{
    struct passing *passing = context;
    kept_note_set(&passing->note, size, note);
    return export_checkpoint_pass(&passing->checkpoint, size, note);
}

static bool second_leaf(void *context, uint64_t index, struct slice leaf)
{
    struct passing *passing = context;
    bool is_ready = true;
    if (passing->passes) {
        uint8_t hash[SHA256_BYTES];
        if (index >= proof_passes_size(passing->passes))
            return false; /* it grew in between */
        tree_leaf_hash(leaf, hash);
        if (proof_passes_again(passing->passes, hash, &is_ready) != SL_OK)
            passing->code = cli_fail(passing->export->cli, AUDIT_UNCHECKED,
                                     "receipts up to %llu changed while they were read",
                                     (unsigned long long)index);
    }
    if (passing->code == EX_OK)
        passing->code = take_receipt(passing, index, leaf, is_ready);
    bool is_done = passing->n_taken == passing->export->filter.limit && passing->n_held == 0;
    return passing->code == EX_OK && !is_done;
}

static int pass(struct passing *passing, const struct ledger_visitor *visitor)
{
    struct sluis_verify_report report = {0};
    enum sluis_verify_result result = ledger_walk(&passing->export->source, visitor, &report);
    if (passing->code != EX_OK)
        return passing->code;
    if (result == SLUIS_VERIFY_VALID)
        return EX_OK;
    report_print_problem(passing->export->cli, result, &report);
    if (passing->export->cli->json)
        cli_print_json(passing->export->cli, output_problem_json(result, report.problem));
    return (int)result;
}

/* Whoever reads the export shall not take for all there is what is all that is left. */
static void say_what_is_closed(const struct passing *passing)
{
    const struct export *export = passing->export;
    if (passing->n_unopened > 0)
        fprintf(stderr,
                "sluis-audit: %" PRIu64 " %s: the evidence is not what they pin; `sluis-audit "
                "replay' says more\n",
                passing->n_unopened,
                plural(passing->n_unopened, "receipt is exported without the opening of its basis",
                       "receipts are exported without the opening of their basis"));
    if (passing->n_nobodys > 0 && export->archive->head.is_whole)
        fprintf(stderr,
                "sluis-audit: %" PRIu64 " %s exported closed: nobody in the evidence has the tag. "
                "That is so of people who were erased (erasures in the ledger: %" PRIu64
                "), of people that the gateway did not know, and after the evidence was written\n",
                passing->n_nobodys, plural(passing->n_nobodys, "receipt is", "receipts are"),
                passing->n_erasures);
    if (passing->n_gone > 0 && !export->format->is_of_consents)
        fprintf(stderr,
                "sluis-audit: %" PRIu64 " policy %s exported without the policy's text: it is not "
                "kept any more, and its digest is all that is left\n",
                passing->n_gone, plural(passing->n_gone, "change is", "changes are"));
}

/* A record of a consent stands on every policy of the person; without one it would say less. */
static int end_format(struct passing *passing)
{
    struct export *export = passing->export;
    if (!export->format->is_of_consents || passing->n_unopened == 0)
        return export->format->end(export);
    return cli_fail(export->cli, (int)SLUIS_VERIFY_INVALID,
                    "the evidence was altered: %" PRIu64 " %s other policies than it holds; "
                    "nothing is exported, and `sluis-audit replay' says which",
                    passing->n_unopened,
                    plural(passing->n_unopened, "receipt pins", "receipts pin"));
}

static int make_passes(struct passing *passing)
{
    struct export *export = passing->export;
    const struct ledger_visitor first = {first_leaf, first_checkpoint, passing};
    const struct ledger_visitor second = {.leaf = second_leaf, .context = passing};
    int code = EX_OK;
    if (export->format->wants_proofs) {
        if (proof_passes_new(&passing->passes) != SL_OK)
            return cli_fail(export->cli, AUDIT_UNCHECKED, "out of memory");
        code = pass(passing, &first);
        if (code == EX_OK)
            code = export_checkpoint_choose(&passing->checkpoint, &export->source, &passing->note);
        if (code == EX_OK)
            proof_passes_turn(passing->passes);
    }
    if (code == EX_OK)
        code = export->format->begin(export);
    if (code == EX_OK)
        code = pass(passing, &second);
    if (code == EX_OK)
        code = end_format(passing);
    if (code == EX_OK)
        say_what_is_closed(passing);
    return code;
}

/* -------------------------------------------------------------------------------- options -- */

static int read_format(struct export *export)
{
    const char *name = export->cli->values[KEY_FORMAT];
    if (!name)
        return cli_misused(export->cli, "in which format? add --format ndjson, csv, kantara or "
                                        "dpv");
    for (size_t i = 0; i < SL_LENGTH(formats); i++) {
        if (strcmp(name, formats[i]->name) == 0)
            export->format = formats[i];
    }
    if (!export->format)
        return cli_misused(export->cli, "--format wants ndjson, csv, kantara or dpv; found \"%s\"",
                           name);
    const struct cli *cli = export->cli;
    if (cli->given[KEY_CHECKPOINT] && !export->format->wants_proofs)
        return cli_misused(cli, "%s has no proofs, and so none under a checkpoint", name);
    if (export->format->is_of_consents &&
        (cli->given[KEY_ROUTE] || cli->given[KEY_DECISION] || cli->given[KEY_KIND] ||
         cli->given[KEY_SINCE] || cli->given[KEY_UNTIL] || cli->given[KEY_LIMIT]))
        return cli_misused(cli,
                           "%s is of consents, not of flows: of the filters it takes "
                           "--partner alone",
                           name);
    if (export->format->is_of_consents && !cli->given[KEY_EVIDENCE])
        return cli_misused(cli, "consents are not in the ledger: add --evidence FILE, which the "
                                "operator writes with `sluis evidence export'");
    return EX_OK;
}

static int find_subject(struct export *export)
{
    const struct cli *cli = export->cli;
    const struct archive *archive = export->archive;
    struct slice wanted = slice_of_str(cli->values[KEY_SUBJECT]);
    if (!cli->given[KEY_SUBJECT] && !archive->head.is_whole && archive->n_subjects == 1)
        return EX_OK;
    for (size_t i = 0; i < archive->n_subjects && cli->given[KEY_SUBJECT]; i++) {
        export->subject = i;
        if (slice_equals(archive->subjects[i].name, wanted))
            return EX_OK;
    }
    if (cli->given[KEY_SUBJECT])
        return cli_fail(cli, AUDIT_UNCHECKED, "the evidence has no subject \"%.*s\"",
                        SLICE_PRINTF(wanted));
    return cli_misused(cli, "whose? add --subject SUBJECT: the evidence is of several");
}

/* --for, before any file is read. */
static int read_for(struct export *export)
{
    static const char *const names[] = {
        [EXPORT_SUBJECT] = "subject", [EXPORT_PARTNER] = "partner", [EXPORT_AUDITOR] = "auditor"};
    const struct cli *cli = export->cli;
    const char *wanted = cli->values[KEY_FOR];
    for (unsigned i = EXPORT_SUBJECT; wanted && i <= EXPORT_AUDITOR; i++) {
        if (strcmp(wanted, names[i]) == 0)
            export->reader = i;
    }
    if (wanted && export->reader == EXPORT_PUBLIC)
        return cli_misused(cli, "--for wants subject, partner or auditor; found \"%s\"", wanted);
    if (wanted && !cli->given[KEY_EVIDENCE])
        return cli_misused(cli, "without --evidence nothing can be opened, for nobody");
    return EX_OK;
}

/* What was asked for, or what follows from the evidence. */
static int read_reader(struct export *export)
{
    const struct cli *cli = export->cli;
    bool wanted = cli->given[KEY_FOR];
    if (!export->archive)
        return EX_OK;
    if (!wanted && (!export->archive->head.is_whole || cli->given[KEY_SUBJECT] ||
                    export->format->is_of_consents))
        export->reader = EXPORT_SUBJECT;
    if (export->reader == EXPORT_PUBLIC)
        return cli_misused(cli, "who is going to read it? add --for subject, partner or auditor: "
                                "the evidence opens everyone's receipts");
    if (export->format->is_of_consents && export->reader != EXPORT_SUBJECT)
        return cli_misused(cli, "a consent receipt is for the person; leave --for out");
    if (export->reader == EXPORT_PARTNER && !cli->given[KEY_PARTNER])
        return cli_misused(cli, "for which partner? add --partner PARTNER");
    return export->reader == EXPORT_SUBJECT ? find_subject(export) : EX_OK;
}

static int read_options(struct export *export, struct export_checkpoint *checkpoint)
{
    const struct cli *cli = export->cli;
    if (!cli->given[KEY_KEY])
        return cli_misused(cli, "proven under which key? add --key FILE, the ledger.vkey that the "
                                "operator published");
    int code = read_format(export);
    if (code == EX_OK)
        code = read_for(export);
    if (code == EX_OK)
        code = output_check_is_new(cli, cli->values[KEY_OUTPUT]);
    if (code == EX_OK)
        code = export_checkpoint_read(cli, checkpoint);
    if (code == EX_OK)
        code = filter_read(cli, &export->filter);
    if (code == EX_OK)
        code = ledger_source_init(&export->source, cli, cli->arguments[0]);
    export->origin = slice_of(export->source.vkey, strcspn(export->source.vkey, "+"));
    if (code == EX_OK && cli->given[KEY_EVIDENCE])
        code = evidence_file_load(cli, export->source.vkey, &export->archive);
    if (code == EX_OK)
        code = read_reader(export);
    if (code == EX_OK && export->archive &&
        replay_new(export->archive, NULL, NULL, &export->replay) != SL_OK)
        code = cli_fail(cli, AUDIT_UNCHECKED, "out of memory");
    return code;
}

/* Openings are not for everyone on this machine. */
static int open_output(struct export *export)
{
    const char *path = export->cli->values[KEY_OUTPUT];
    export->out = path ? NULL : stdout;
    if (!path)
        return EX_OK;
    return output_open(export->cli, path, 0600, &export->out);
}

static int close_output(struct export *export, int code)
{
    if (!export->out || export->out == stdout)
        return code;
    if (fclose(export->out) != 0 && code == EX_OK)
        code = export_failed(export);
    if (code != EX_OK)
        unlink(export->cli->values[KEY_OUTPUT]);
    return code;
}

int export_run(struct cli *cli)
{
    static struct passing passing;
    static struct export export;
    export.cli = cli;
    passing.export = &export;
    int code = read_options(&export, &passing.checkpoint);
    if (code == EX_OK)
        code = open_output(&export);
    if (code == EX_OK)
        code = make_passes(&passing);
    code = close_output(&export, code);
    proof_passes_free(passing.passes);
    consents_free(export.consents);
    replay_free(export.replay);
    archive_free(export.archive);
    return code;
}
