/*
 * replay.c - walks the receipts, finds out whose each is, and accounts for every one
 *
 *     receipt ─▶ kind ─▶ whose ─▶ policy: is the archive what it pins?     replay_policy.c
 *                  │       │  └─▶ flow: decide again, compare              replay_flow.c,
 * replay_uses.c node's  nobody's
 *
 * Nobody's are, in an archive of all subjects: refusals about people whom the gateway did not know;
 * receipts of people who came after the archive was made; and those of people who were erased
 * since, whose keys are gone. Only the first may be there for ever: a release or a policy change
 * that comes after the last erasure, and before the archive was made, must be somebody's. If it is
 * not, a key was held back, or a number was left out; either way it is told. What comes before an
 * erasure may be the erased person's, but nothing shows that it is: with such receipts the verdict
 * is never that all is the same.
 */
#include "evidence/replay_parts.h"

#include "base/base64.h"
#include "ledger/basis.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ON_ITS_WAY_MS = 60000 };

const char *replay_fault_name(enum replay_fault fault)
{
    static const char *const names[] = {
        [REPLAY_VOCABULARY] = "vocabulary", [REPLAY_ARCHIVE] = "archive",
        [REPLAY_COMPILED] = "compiled",     [REPLAY_TIME] = "time",
        [REPLAY_COUNTS] = "counts",         [REPLAY_MISSING] = "missing",
        [REPLAY_VERSION] = "version",       [REPLAY_EFFECT] = "effect",
        [REPLAY_REASON] = "reason",         [REPLAY_DATA] = "data",
        [REPLAY_SITUATION] = "situation",   [REPLAY_BENEFIT] = "benefit",
        [REPLAY_BASIS] = "basis",           [REPLAY_ZONE] = "zone",
        [REPLAY_NOBODY] = "nobody",         [REPLAY_ERASED] = "erased",
        [REPLAY_OUTCOME] = "outcome",       [REPLAY_QUOTA] = "quota",
    };
    return names[fault];
}

/* --------------------------------------------------------------------------------- telling -- */

void replay_say(struct replay_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t left = sizeof text->bytes - text->n;
    int n = vsnprintf(text->bytes + text->n, left, format, args);
    va_end(args);
    if (n > 0)
        text->n += (size_t)n < left ? (size_t)n : left - 1;
}

static void tell(struct replay *replay, struct replay_difference *difference)
{
    difference->expected = slice_of(replay->expected.bytes, replay->expected.n);
    difference->found = slice_of(replay->found.bytes, replay->found.n);
    replay->counts.n_differences++;
    if (replay->visit)
        replay->visit(replay->context, difference);
    replay->expected.n = replay->found.n = 0;
}

void replay_tell(struct replay *replay, enum replay_fault fault, const struct replay_at *at,
                 uint64_t version)
{
    struct replay_difference difference = {
        .fault = fault,
        .has_receipt = true,
        .receipt = at->index,
        .subject = replay->archive->subjects[at->subject].name,
        .version = version,
    };
    tell(replay, &difference);
}

/* ---------------------------------------------------------------------------------- finding -- */

static size_t place_of(const struct replay *replay, size_t subject, uint64_t version)
{
    const struct archive_subject *archived = &replay->archive->subjects[subject];
    SL_ASSERT(version > 0 && version <= archived->n_versions);
    return archived->first_version + (size_t)version - 1;
}

const struct archive_version *replay_archived(const struct replay *replay, size_t subject,
                                              uint64_t version)
{
    return &replay->archive->versions[place_of(replay, subject, version)];
}

struct replay_version *replay_version(const struct replay *replay, size_t subject, uint64_t version)
{
    return &replay->versions[place_of(replay, subject, version)];
}

bool replay_pins(const struct replay *replay, const struct replay_at *at,
                 const uint8_t basis[SHA256_BYTES])
{
    static const struct slice field = SLICE_LITERAL("basis");
    uint8_t commitment[SHA256_BYTES], found[SHA256_BYTES];
    leaf_commit(whose_key(replay->whose, at->subject), at->n, field, basis, commitment);
    return base64url_decode(at->leaf->basis, found, sizeof found) &&
           memcmp(commitment, found, sizeof found) == 0;
}

/* ----------------------------------------------------------------------------------- opening -- */

static void check_vocabularies(struct replay *replay)
{
    for (size_t i = 0; i < replay->archive->n_vocabularies; i++) {
        const struct archive_vocabulary *words = &replay->archive->vocabularies[i];
        if (!words->is_altered && words->vocabulary)
            continue;
        replay_say(&replay->expected, "the text of vocabulary %u with the SHA-256 it is named by",
                   words->version);
        replay_say(&replay->found, "%s; policies under it are not compiled again",
                   words->vocabulary ? "another text" : "a text that is no vocabulary");
        struct replay_difference difference = {.fault = REPLAY_VOCABULARY};
        tell(replay, &difference);
    }
}

enum sl_err replay_new(const struct archive *archive, replay_visit *visit, void *context,
                       struct replay **out)
{
    SL_AUTO(replay) replay = calloc(1, sizeof *replay);
    if (!replay)
        return SL_EINTERNAL;
    replay->archive = archive;
    replay->visit = visit;
    replay->context = context;
    replay->counts.n_subjects = archive->n_subjects;
    replay->counts.n_versions = archive->n_versions;
    replay->subjects = calloc(archive->n_subjects + 1, sizeof *replay->subjects);
    replay->versions = calloc(archive->n_versions + 1, sizeof *replay->versions);
    if (!replay->subjects || !replay->versions)
        return SL_EINTERNAL;
    SL_TRY(whose_new(archive, &replay->whose));
    check_vocabularies(replay);
    *out = replay;
    replay = NULL;
    return SL_OK;
}

void replay_free(struct replay *replay)
{
    if (!replay)
        return;
    for (size_t i = 0; replay->versions && i < replay->archive->n_versions; i++) {
        if (replay->versions[i].owns_blob)
            free((void *)(uintptr_t)replay->versions[i].blob.p);
        free((void *)(uintptr_t)replay->versions[i].local_blob.p);
    }
    for (size_t i = 0; replay->subjects && i < replay->archive->n_subjects; i++)
        free(replay->subjects[i].uses);
    whose_free(replay->whose);
    free(replay->pushes);
    free(replay->subjects);
    free(replay->versions);
    free(replay);
}

/* ----------------------------------------------------------------------------------- nobody's --
 */

static void note_nobody(struct replay *replay, uint64_t index, uint64_t *count)
{
    uint64_t n = replay->n_nobody_releases + replay->n_nobody_policies;
    if (n < REPLAY_NOBODY_MAX)
        replay->nobody[n] = index;
    (*count)++;
}

/* They may be the erased person's. */
static void forgive_nobody(struct replay *replay)
{
    replay->counts.n_erased += replay->n_nobody_releases;
    replay->counts.n_policies_erased += replay->n_nobody_policies;
    replay->n_nobody_releases = replay->n_nobody_policies = 0;
}

static void take_nobodys(struct replay *replay, uint64_t index, const struct leaf *leaf)
{
    struct replay_counts *counts = &replay->counts;
    bool is_flow = leaf_kind_is_flow(leaf->kind), is_policy = leaf->kind == LEAF_POLICY;
    if (leaf->kind == LEAF_OUTCOME) /* counted, and of no other consequence */
        return;
    if (leaf->kind == LEAF_ERASURE)
        forgive_nobody(replay);
    else if (!replay->archive->head.is_whole)
        *(is_flow ? &counts->n_others : &counts->n_policies_others) += 1;
    else if (index >= replay->archive->head.n_receipts)
        *(is_flow ? &counts->n_newer : &counts->n_policies_newer) += 1;
    else if (is_policy || leaf->released)
        note_nobody(replay, index,
                    is_policy ? &replay->n_nobody_policies : &replay->n_nobody_releases);
    else
        counts->n_nobody++;
}

static void tell_nobodys(struct replay *replay)
{
    uint64_t n = replay->n_nobody_releases + replay->n_nobody_policies;
    if (replay->counts.n_receipts < replay->archive->head.n_receipts) {
        replay->counts.n_unplaced = n; /* whom an erasure took in between, is not in this ledger */
        return;
    }
    for (uint64_t i = 0; i < n && i < REPLAY_NOBODY_MAX; i++) {
        replay_say(&replay->expected, "a tag of one of the %zu subjects of the evidence",
                   replay->archive->n_subjects);
        replay_say(&replay->found, "a release or policy change of nobody: a subject's key is "
                                   "missing from the evidence, or one of its numbers was left out");
        struct replay_difference difference = {
            .fault = REPLAY_NOBODY, .has_receipt = true, .receipt = replay->nobody[i]};
        tell(replay, &difference);
    }
    if (n <= REPLAY_NOBODY_MAX)
        return;
    replay_say(&replay->expected, "a subject for each release and policy change");
    replay_say(&replay->found, "%llu more of nobody", (unsigned long long)(n - REPLAY_NOBODY_MAX));
    struct replay_difference difference = {.fault = REPLAY_NOBODY};
    tell(replay, &difference);
    replay->counts.n_differences += n - REPLAY_NOBODY_MAX - 1;
}

/* ------------------------------------------------------------------------------------ receipts --
 */

/* Its basis names the version that was in force last. */
static void note_erasure(struct replay *replay, const struct replay_at *at, uint64_t in_force)
{
    struct replay_grounds *last = &replay->last;
    uint8_t basis[SHA256_BYTES];
    if (in_force > replay->archive->subjects[at->subject].n_versions)
        return; /* the evidence is older */
    last->version = in_force;
    last->n_consents = 0;
    memset(last->digest, 0, sizeof last->digest);
    if (in_force > 0)
        memcpy(last->digest, replay_version(replay, at->subject, in_force)->digest,
               sizeof last->digest);
    basis_digest(in_force, last->digest, NULL, 0, basis);
    last->is_known = replay_pins(replay, at, basis);
}

static enum sl_err take_subjects(struct replay *replay, const struct replay_at *at)
{
    struct replay_subject *subject = &replay->subjects[at->subject];
    if (subject->is_erased) {
        replay_say(&replay->expected, "no receipt after the erasure, which is receipt %llu",
                   (unsigned long long)subject->erasure);
        replay_say(&replay->found, "another one");
        replay_tell(replay, REPLAY_ERASED, at, 0);
    }
    if (at->leaf->kind == LEAF_ERASURE) {
        subject->is_erased = true;
        subject->erasure = at->index;
        note_erasure(replay, at, subject->in_force);
        return SL_OK;
    }
    if (at->leaf->kind == LEAF_POLICY)
        return replay_policy(replay, at);
    if (at->leaf->kind == LEAF_OUTCOME) {
        replay_outcome(replay, at);
        return SL_OK;
    }
    SL_TRY(replay_flow(replay, at));
    return at->leaf->kind == LEAF_PUSH && at->leaf->released ? replay_note_push(replay, at) : SL_OK;
}

enum sl_err replay_receipt(struct replay *replay, uint64_t index, struct slice bytes)
{
    struct leaf leaf;
    SL_TRY(leaf_parse(bytes, &leaf));
    struct replay_at at = {.index = index, .leaf = &leaf};
    struct replay_counts *counts = &replay->counts;
    counts->n_receipts++;
    counts->n_node += !leaf_kind_has_subject(leaf.kind);
    counts->n_erasures += leaf.kind == LEAF_ERASURE;
    counts->n_policies += leaf.kind == LEAF_POLICY;
    counts->n_outcomes += leaf.kind == LEAF_OUTCOME;
    replay->last.is_somebodys = replay->last.is_known = false;
    if (!leaf_kind_has_subject(leaf.kind))
        return SL_OK;
    if (whose_take(replay->whose, leaf.tag, &at.subject, &at.n)) {
        replay->last.is_somebodys = true;
        replay->last.subject = at.subject;
        replay->last.n = at.n;
        return take_subjects(replay, &at);
    }
    take_nobodys(replay, index, &leaf);
    return SL_OK;
}

const struct replay_grounds *replay_last(const struct replay *replay)
{
    return &replay->last;
}

const struct hmac_key *replay_key(const struct replay *replay, size_t subject)
{
    return whose_key(replay->whose, subject);
}

/*
 * Archived versions whose receipts never came, though the ledger reaches as far as the archive. A
 * change that was made a moment before may have been on its way to the ledger.
 */
static void tell_missing(struct replay *replay, size_t subject)
{
    const struct archive_subject *archived = &replay->archive->subjects[subject];
    uint64_t n_met = replay->subjects[subject].in_force;
    if (n_met >= archived->n_versions ||
        replay->counts.n_receipts < replay->archive->head.n_receipts ||
        replay_archived(replay, subject, n_met + 1)->time_ms + ON_ITS_WAY_MS >
            replay->archive->head.time_ms)
        return;
    replay_say(&replay->expected, "a receipt for each of the %zu versions of the policy",
               archived->n_versions);
    replay_say(&replay->found,
               "%llu: the rest are missing from the ledger, or the key is not this subject's",
               (unsigned long long)n_met);
    struct replay_difference difference = {
        .fault = REPLAY_MISSING, .subject = archived->name, .version = n_met + 1};
    tell(replay, &difference);
}

void replay_end(struct replay *replay, struct replay_counts *counts)
{
    tell_nobodys(replay);
    for (size_t i = 0; i < replay->archive->n_subjects; i++)
        tell_missing(replay, i);
    for (size_t i = 0; i < replay->n_pushes; i++)
        replay->counts.n_open_pushes += !replay->pushes[i].has_outcome;
    *counts = replay->counts;
}

enum replay_verdict replay_verdict(const struct replay_counts *counts)
{
    if (counts->n_differences > 0)
        return REPLAY_DIFFERENT;
    return counts->n_erased + counts->n_policies_erased + counts->n_unplaced > 0 ? REPLAY_PARTLY
                                                                                 : REPLAY_SAME;
}
