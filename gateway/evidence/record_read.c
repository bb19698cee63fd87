/*
 * record_read.c - nothing in a record is believed but what its receipts pin
 *
 *     receipts ─▶ proven? ─▶ opened? ─▶ versions without a gap? ─▶ text under its vocabulary
 *     compiles to the blob that was decided on? ─▶ one person's? ─▶ life of the consent
 *
 * What no receipt pins is believed when the ledger's key has signed it: it goes into the words that
 * are made again, and the caller says that it is stated. A policy change whose texts are not
 * opened keeps its place: what it changed is not shown, and is counted.
 */
#include "evidence/record_read.h"

#include "evidence/json.h"
#include "evidence/recompile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct opened {
    struct slice blob;
    struct recompiled compiled;
};

struct reading_storage {
    const struct sluis_trust *trust;
    record_visit *visit;
    void *context;
    struct record_problem *problem;
    size_t n_vocabularies, n_versions, n_opened;
    struct archive_vocabulary *vocabularies;
    struct consent_version *versions;
    json_t **evidence;
    struct opened *opened; /* of the versions that are */
    struct statement statement;
    struct consent_lives lives;
    uint64_t number;                     /* of the last policy version; 0: not known */
    bool has_digest;                     /* of that version, */
    uint8_t digest[SHA256_BYTES];        /* this */
    const struct policy_document *first; /* the first one that is opened */
};

static enum sluis_verify_result wrong(struct reading_storage *reading, const char *format, ...)
    SL_PRINTF(2, 3);

static enum sluis_verify_result wrong(struct reading_storage *reading, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(reading->problem->text, sizeof reading->problem->text, format, args);
    va_end(args);
    return SLUIS_VERIFY_INVALID;
}

static enum sluis_verify_result no_memory(struct reading_storage *reading)
{
    (void)wrong(reading, "out of memory");
    return SLUIS_VERIFY_UNCHECKED;
}

/* ---------------------------------------------------------------------------------- stated -- */

static enum sluis_verify_result read_stated(struct reading_storage *reading, const json_t *block,
                                            struct record *out)
{
    struct statement_problem problem;
    out->note = json_text_at(block, "statement");
    if (!timestamp_parse(json_text_at(block, "as_of"), &out->as_of_ms))
        return wrong(reading, "\"as_of\" is no time: it has to say up to when the record knows");
    enum sluis_verify_result result =
        statement_read(out->note, reading->trust, &problem, &out->statement);
    reading->statement = out->statement;
    if (result != SLUIS_VERIFY_VALID) {
        (void)wrong(reading, "%s", problem.text);
        return result;
    }
    if (!slice_equals(out->statement.origin, json_text_at(block, "origin")))
        return wrong(reading, "its statement is of another ledger than the record");
    if (out->as_of_ms > out->statement.time_ms)
        return wrong(reading, "\"as_of\" is later than its statement: nobody knew that much");
    return SLUIS_VERIFY_VALID;
}

/* -------------------------------------------------------------------------------- policies -- */

static enum sluis_verify_result read_vocabularies(struct reading_storage *reading,
                                                  const json_t *list)
{
    reading->vocabularies = calloc(json_array_size(list) + 1, sizeof *reading->vocabularies);
    if (!reading->vocabularies)
        return no_memory(reading);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct archive_vocabulary *one = &reading->vocabularies[reading->n_vocabularies++];
        struct yaml_problems problems;
        one->text = json_text_of(json_array_get(list, i));
        sha256_of(one->text, one->sha256);
        yaml_problems_init(&problems, "vocabulary");
        enum sl_err err = vocabulary_load(one->text, &problems, &one->vocabulary);
        yaml_problems_deinit(&problems);
        if (err == SL_EINTERNAL)
            return no_memory(reading);
    }
    return SLUIS_VERIFY_VALID;
}

static const struct archive_vocabulary *find_vocabulary(const struct reading_storage *reading,
                                                        const uint8_t sha256[SHA256_BYTES])
{
    for (size_t i = 0; i < reading->n_vocabularies; i++) {
        if (memcmp(reading->vocabularies[i].sha256, sha256, SHA256_BYTES) == 0)
            return &reading->vocabularies[i];
    }
    return NULL;
}

/* The policy that these texts are; they are what the receipt pins. */
static enum sluis_verify_result compile(struct reading_storage *reading,
                                        const struct exported_report *evidence,
                                        struct opened *opened)
{
    const struct archive_version version = {
        .version = evidence->version,
        .is_kept = true,
        .vocabulary = find_vocabulary(reading, evidence->vocabulary),
        .yaml = evidence->text,
        .blob = opened->blob,
    };
    if (recompile(&version, &opened->compiled) != SL_OK)
        return no_memory(reading);
    const struct recompiled *compiled = &opened->compiled;
    if (compiled->result == RECOMPILE_NO_VOCABULARY)
        return wrong(reading,
                     "the vocabulary that policy version %" PRIu64 " was written under is not in "
                     "the record",
                     evidence->version);
    if (compiled->result == RECOMPILE_INVALID)
        return wrong(reading,
                     "policy version %" PRIu64 " is no policy under its vocabulary: %.200s",
                     evidence->version, compiled->text);
    if (policy_blob_is_current(version.blob) && !slice_equals(version.blob, compiled->blob))
        return wrong(reading,
                     "policy version %" PRIu64 " was decided on in another form than its text says",
                     evidence->version);
    if (reading->first && !slice_equals(reading->first->subject, compiled->policy->subject))
        return wrong(reading, "policy version %" PRIu64 " is another person's than those before it",
                     evidence->version);
    if (!reading->first)
        reading->first = compiled->policy;
    return SLUIS_VERIFY_VALID;
}

static enum sluis_verify_result open_version(struct reading_storage *reading,
                                             const struct exported_report *evidence,
                                             struct consent_version *version)
{
    if (evidence->text.n == 0 || evidence->blob.n == 0)
        return SLUIS_VERIFY_VALID;
    struct opened *opened = &reading->opened[reading->n_opened++];
    if (exported_blob(evidence->blob, &opened->blob) != SL_OK)
        return no_memory(reading); /* it was decoded before */
    enum sluis_verify_result result = compile(reading, evidence, opened);
    version->policy = opened->compiled.policy;
    return result;
}

/* -------------------------------------------------------------------------------- receipts -- */

/* A change of the policy: the next version of it. */
static enum sluis_verify_result take_change(struct reading_storage *reading,
                                            const struct exported_report *evidence,
                                            struct consent_version *version)
{
    uint64_t awaited = reading->number > 0 ? reading->number + 1 : 0;
    if (evidence->opens_basis && awaited > 0 && evidence->version != awaited)
        return wrong(reading,
                     "receipt %" PRIu64 " made policy version %" PRIu64
                     "; expected version %" PRIu64 ": one is missing, or they are not in order",
                     evidence->index, evidence->version, awaited);
    reading->number = evidence->opens_basis ? evidence->version : awaited;
    reading->has_digest = evidence->opens_basis;
    memcpy(reading->digest, evidence->digest, sizeof reading->digest);
    return open_version(reading, evidence, version);
}

/* Its basis names the last policy of the person, and so it is theirs. */
static enum sluis_verify_result take_erasure(struct reading_storage *reading,
                                             const struct exported_report *evidence,
                                             struct consent_version *version)
{
    version->is_erasure = true;
    if (reading->has_digest && evidence->opens_basis && evidence->version == reading->number &&
        memcmp(evidence->digest, reading->digest, sizeof reading->digest) == 0)
        return SLUIS_VERIFY_VALID;
    return wrong(reading,
                 "receipt %" PRIu64 " is an erasure, and nothing shows that it is of the person "
                 "whose policies these are",
                 evidence->index);
}

static enum sluis_verify_result take_evidence(struct reading_storage *reading, const json_t *object,
                                              struct slice origin)
{
    struct exported_report evidence;
    const struct consent_version *last =
        reading->n_versions > 0 ? &reading->versions[reading->n_versions - 1] : NULL;
    enum sluis_verify_result result = exported_check(object, reading->trust, NULL, &evidence);
    if (result != SLUIS_VERIFY_VALID) {
        (void)wrong(reading, "evidence %zu of it: %s", reading->n_versions, evidence.problem);
        return result;
    }
    if (!slice_equals_str(origin, evidence.origin))
        return wrong(reading, "receipt %" PRIu64 " is of the ledger %.200s, not of the record's",
                     evidence.index, evidence.origin);
    if (last && (last->is_erasure || last->receipt >= evidence.index))
        return wrong(reading,
                     "receipt %" PRIu64 " is not in the order of the ledger, or comes "
                     "after an erasure",
                     evidence.index);
    if (reading->visit)
        reading->visit(reading->context, &evidence);
    reading->evidence[reading->n_versions] = (json_t *)(uintptr_t)object;
    struct consent_version *version = &reading->versions[reading->n_versions++];
    *version =
        (struct consent_version){.receipt = evidence.index, .time_ms = evidence.leaf.time_ms};
    if (evidence.leaf.kind == LEAF_POLICY)
        return take_change(reading, &evidence, version);
    if (evidence.leaf.kind == LEAF_ERASURE)
        return take_erasure(reading, &evidence, version);
    return wrong(reading, "receipt %" PRIu64 " is neither a change of a policy nor an erasure",
                 evidence.index);
}

static enum sluis_verify_result read_receipts(struct reading_storage *reading, const json_t *list,
                                              struct record_reading *out)
{
    size_t n = json_array_size(list);
    reading->versions = calloc(n + 1, sizeof *reading->versions);
    reading->evidence = calloc(n + 1, sizeof *reading->evidence);
    reading->opened = calloc(n + 1, sizeof *reading->opened);
    if (!reading->versions || !reading->evidence || !reading->opened)
        return no_memory(reading);
    for (size_t i = 0; i < n; i++) {
        enum sluis_verify_result result =
            take_evidence(reading, json_array_get(list, i), out->record.statement.origin);
        if (result != SLUIS_VERIFY_VALID)
            return result;
        if (out->first_version == 0 && reading->number > i)
            out->first_version = reading->number - i;
        out->n_closed += !reading->versions[i].policy && !reading->versions[i].is_erasure;
    }
    out->record.n_versions = n;
    out->record.versions = reading->versions;
    out->record.evidence = reading->evidence;
    return n > 0 ? SLUIS_VERIFY_VALID : wrong(reading, "it carries no evidence");
}

/* ----------------------------------------------------------------------------------- whole -- */

static enum sluis_verify_result find_life(struct reading_storage *reading, struct slice id,
                                          struct record *record)
{
    if (consents_trace(record->versions, record->n_versions, record->as_of_ms, &reading->lives) !=
        SL_OK)
        return no_memory(reading);
    record->life = consent_lives_find(&reading->lives, id);
    if (record->life)
        return SLUIS_VERIFY_VALID;
    return wrong(reading, "none of the policies that its receipts pin has the consent");
}

enum sluis_verify_result record_read(const json_t *block, const struct sluis_trust *trust,
                                     record_visit *visit, void *context,
                                     struct record_problem *problem, struct record_reading *out)
{
    *out = (struct record_reading){0};
    struct reading_storage *reading = calloc(1, sizeof *reading);
    if (!reading) {
        snprintf(problem->text, sizeof problem->text, "out of memory");
        return SLUIS_VERIFY_UNCHECKED;
    }
    out->storage = reading;
    reading->trust = trust;
    reading->visit = visit;
    reading->context = context;
    reading->problem = problem;
    enum sluis_verify_result result = read_stated(reading, block, &out->record);
    if (result == SLUIS_VERIFY_VALID)
        result = read_vocabularies(reading, json_object_get(block, "vocabularies"));
    if (result == SLUIS_VERIFY_VALID)
        result = read_receipts(reading, json_object_get(block, "receipts"), out);
    if (result == SLUIS_VERIFY_VALID)
        result = find_life(reading, json_text_at(block, "consent"), &out->record);
    return result;
}

void record_reading_free(struct record_reading *out)
{
    struct reading_storage *reading = out->storage;
    if (!reading)
        return;
    consent_lives_free(&reading->lives);
    for (size_t i = 0; i < reading->n_opened; i++) {
        recompiled_free(&reading->opened[i].compiled);
        free((void *)(uintptr_t)reading->opened[i].blob.p);
    }
    for (size_t i = 0; i < reading->n_vocabularies; i++)
        vocabulary_free(reading->vocabularies[i].vocabulary);
    free(reading->vocabularies);
    free(reading->versions);
    free(reading->evidence);
    free(reading->opened);
    statement_free(&reading->statement);
    free(reading);
    *out = (struct record_reading){0};
}
