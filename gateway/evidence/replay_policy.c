/*
 * replay_policy.c - is what the archive holds what the receipt of the policy change pins?
 *
 * A receipt pins its version's number, YAML, blob and vocabulary in one commitment. When that
 * fits, the archive is what it was; whether the blob is what the YAML says is then found by
 * compiling once more. When it does not fit, something was altered, and the likely alterations are
 * tried, because the decisions can still be repeated if the original is to be had:
 *
 *     the blob was changed          the YAML's own blob fits
 *     versions were exchanged       another version's texts fit under this number
 *     the YAML, or all of it        nothing fits: flows that rest on it can't be repeated
 */
#include "evidence/recompile.h"
#include "evidence/replay_parts.h"
#include "ledger/basis.h"
#include "policy/policy.h"

#include <string.h>

/* Does the receipt pin these texts as version `version`? */
static bool fits(const struct replay *replay, const struct replay_at *at, uint64_t version,
                 const uint8_t digest[SHA256_BYTES])
{
    uint8_t basis[SHA256_BYTES];
    basis_digest(version, digest, NULL, 0, basis);
    return replay_pins(replay, at, basis);
}

/* The recompiled blob becomes the version's own. */
static void take_blob(struct replay_version *version, struct slice *blob)
{
    version->blob = *blob;
    version->owns_blob = true;
    *blob = slice_of(NULL, 0);
}

static bool fits_with_blob(const struct replay *replay, const struct replay_at *at,
                           const struct archive_version *archived, struct slice blob,
                           uint8_t digest[SHA256_BYTES])
{
    basis_policy_digest(archived->yaml, blob, archived->vocabulary_sha256, digest);
    return blob.n > 0 && fits(replay, at, archived->version, digest);
}

/* The archived version whose texts the receipt pins under the number `number`; 0: none. */
static uint64_t find_exchanged(const struct replay *replay, const struct replay_at *at,
                               uint64_t number, uint8_t digest[SHA256_BYTES])
{
    const struct archive_subject *subject = &replay->archive->subjects[at->subject];
    for (uint64_t version = 1; version <= subject->n_versions; version++) {
        const struct archive_version *archived = replay_archived(replay, at->subject, version);
        if (!archived->is_kept || version == number)
            continue;
        archive_version_digest(archived, digest);
        if (fits(replay, at, number, digest) && policy_blob_is_valid(archived->blob))
            return version;
    }
    return 0;
}

static void say_pinned(struct replay *replay, uint64_t number)
{
    replay_say(&replay->expected, "version %llu of the policy as the receipt pins it",
               (unsigned long long)number);
}

/* The commitment does not fit the archived texts. */
static void explain_altered(struct replay *replay, const struct replay_at *at,
                            const struct archive_version *archived, struct recompiled *compiled,
                            struct replay_version *version)
{
    uint8_t digest[SHA256_BYTES];
    uint64_t exchanged;
    say_pinned(replay, archived->version);
    version->state = REPLAY_SOUND;
    if (fits_with_blob(replay, at, archived, compiled->blob, digest)) {
        take_blob(version, &compiled->blob);
        replay_say(&replay->found, "the compiled form was altered afterwards; the YAML is the "
                                   "original, and decisions are repeated from it");
    } else if (fits_with_blob(replay, at, archived, compiled->local_blob, digest)) {
        take_blob(version, &compiled->local_blob);
        replay_say(&replay->found, "the time zone rules in the compiled form were altered "
                                   "afterwards; the YAML is the original, and decisions are "
                                   "repeated from it");
    } else if ((exchanged = find_exchanged(replay, at, archived->version, digest)) > 0) {
        version->blob = replay_archived(replay, at->subject, exchanged)->blob;
        replay_say(&replay->found,
                   "its texts stand in the archive as version %llu: versions were "
                   "exchanged; decisions are repeated from those",
                   (unsigned long long)exchanged);
    } else {
        version->state = REPLAY_ALTERED;
        replay_say(&replay->found,
                   fits(replay, at, archived->version, archived->digest)
                       ? "the archived texts were altered; only their digest is the original"
                       : "other texts and another digest: the archive is not what was decided on");
    }
    memcpy(version->digest, digest, sizeof digest);
    replay_tell(replay, REPLAY_ARCHIVE, at, archived->version);
}

/* Of another layout: from the YAML or not at all. */
static void take_outdated(struct recompiled *compiled, struct replay_version *version)
{
    version->state = compiled->result == RECOMPILE_DONE ? REPLAY_SOUND : REPLAY_GONE;
    if (compiled->result == RECOMPILE_DONE)
        take_blob(version, &compiled->blob);
}

/* The archive is what it was: is it also what the person wrote? */
static void compare_compiled(struct replay *replay, const struct replay_at *at,
                             const struct archive_version *archived, struct recompiled *compiled,
                             struct replay_version *version)
{
    struct replay_counts *counts = &replay->counts;
    bool is_blob = policy_blob_is_valid(archived->blob);
    version->state = is_blob ? REPLAY_SOUND : REPLAY_ALTERED;
    version->blob = archived->blob;
    archive_version_digest(archived, version->digest);
    counts->n_uncompiled += compiled->result == RECOMPILE_NO_VOCABULARY;
    version->is_outdated = !is_blob && policy_blob_layout(archived->blob) != 0 &&
                           !policy_blob_is_current(archived->blob);
    counts->n_outdated += version->is_outdated;
    if (version->is_outdated) {
        take_outdated(compiled, version);
        return;
    }
    if (compiled->result == RECOMPILE_DONE && slice_equals(compiled->blob, archived->blob))
        return;
    if (compiled->result == RECOMPILE_NO_VOCABULARY && is_blob)
        return;
    replay_say(&replay->expected, "the compiled form of what the person wrote");
    if (compiled->result == RECOMPILE_INVALID)
        replay_say(&replay->found, "YAML that is no policy (%s), and was decided on nevertheless",
                   compiled->text);
    else if (!is_blob)
        replay_say(&replay->found, "bytes that are no compiled policy");
    else
        replay_say(&replay->found, "another one, which the gateway decided on; decisions are "
                                   "repeated from what the person wrote");
    if (compiled->result == RECOMPILE_DONE) {
        take_blob(version, &compiled->blob);
        version->state = REPLAY_SOUND;
    }
    replay_tell(replay, REPLAY_COMPILED, at, archived->version);
}

static void compare_zone(struct replay *replay, struct recompiled *compiled,
                         struct replay_version *version)
{
    replay->counts.n_zone_unknown += compiled->zone == RECOMPILE_ZONE_UNKNOWN;
    if (compiled->zone != RECOMPILE_ZONE_OTHER || compiled->local_blob.n == 0)
        return;
    replay->counts.n_zone_other++;
    version->local_blob = compiled->local_blob;
    compiled->local_blob = slice_of(NULL, 0);
}

static void say_counts(struct replay_text *text, const struct leaf_policy *counts)
{
    replay_say(text, "%u granted, %u changed, %u withdrawn, %u refusals added, %u removed",
               counts->granted, counts->changed, counts->withdrawn, counts->refusals_added,
               counts->refusals_removed);
}

/* What the receipt counts, against what changed from the version before. */
static enum sl_err compare_counts(struct replay *replay, const struct replay_at *at,
                                  const struct archive_version *archived,
                                  const struct recompiled *compiled)
{
    const struct archive_version *old =
        archived->version > 1 ? replay_archived(replay, at->subject, archived->version - 1) : NULL;
    if (compiled->result != RECOMPILE_DONE || (old && !old->is_kept))
        return SL_OK;
    if (old && replay_version(replay, at->subject, old->version)->state != REPLAY_SOUND)
        return SL_OK;
    struct policy_change change;
    SL_TRY(recompile_compare(old, compiled, &change));
    const struct leaf_policy expected = {
        .granted = change.granted,
        .changed = change.changed,
        .withdrawn = change.withdrawn,
        .refusals_added = change.refusals_added,
        .refusals_removed = change.refusals_removed,
    };
    const struct leaf_policy *found = &at->leaf->policy;
    if (expected.granted == found->granted && expected.changed == found->changed &&
        expected.withdrawn == found->withdrawn &&
        expected.refusals_added == found->refusals_added &&
        expected.refusals_removed == found->refusals_removed)
        return SL_OK;
    say_counts(&replay->expected, &expected);
    say_counts(&replay->found, found);
    replay_tell(replay, REPLAY_COUNTS, at, archived->version);
    return SL_OK;
}

static void compare_time(struct replay *replay, const struct replay_at *at,
                         const struct archive_version *archived)
{
    if (archived->time_ms == at->leaf->time_ms)
        return;
    replay_say(&replay->expected, "the time of the receipt, %lld ms after 1970",
               (long long)at->leaf->time_ms);
    replay_say(&replay->found, "%lld in the archive", (long long)archived->time_ms);
    replay_tell(replay, REPLAY_TIME, at, archived->version);
}

static enum sl_err replay_kept(struct replay *replay, const struct replay_at *at,
                               const struct archive_version *archived,
                               struct replay_version *version)
{
    struct recompiled compiled;
    uint8_t digest[SHA256_BYTES];
    SL_TRY(recompile(archived, &compiled));
    archive_version_digest(archived, digest);
    bool is_original = fits(replay, at, archived->version, digest);
    if (is_original)
        compare_compiled(replay, at, archived, &compiled, version);
    else
        explain_altered(replay, at, archived, &compiled, version);
    if (version->state == REPLAY_SOUND)
        compare_zone(replay, &compiled, version);
    enum sl_err err = is_original ? compare_counts(replay, at, archived, &compiled) : SL_OK;
    recompiled_free(&compiled);
    return err;
}

/* What is left of a version whose texts are gone: the digest. */
static void replay_not_kept(struct replay *replay, const struct replay_at *at,
                            const struct archive_version *archived, struct replay_version *version)
{
    replay->counts.n_policies_not_kept++;
    version->state = REPLAY_GONE;
    memcpy(version->digest, archived->digest, sizeof version->digest);
    if (fits(replay, at, archived->version, archived->digest))
        return;
    version->state = REPLAY_ALTERED;
    say_pinned(replay, archived->version);
    replay_say(&replay->found, "another digest, and no texts");
    replay_tell(replay, REPLAY_ARCHIVE, at, archived->version);
}

static void note_grounds(struct replay *replay, const struct archive_version *archived,
                         const struct replay_version *version)
{
    struct replay_grounds *last = &replay->last;
    last->is_known = version->state != REPLAY_ALTERED;
    last->version = archived->version;
    memcpy(last->digest, version->digest, sizeof last->digest);
    last->n_consents = 0;
}

enum sl_err replay_policy(struct replay *replay, const struct replay_at *at)
{
    struct replay_subject *subject = &replay->subjects[at->subject];
    uint64_t number = ++subject->in_force;
    if (number > replay->archive->subjects[at->subject].n_versions) {
        if (at->index >= replay->archive->head.n_receipts) {
            replay->counts.n_policies_newer++;
            return SL_OK;
        }
        say_pinned(replay, number);
        replay_say(&replay->found, "no such version in the archive");
        replay_tell(replay, REPLAY_MISSING, at, number);
        return SL_OK;
    }
    const struct archive_version *archived = replay_archived(replay, at->subject, number);
    struct replay_version *version = replay_version(replay, at->subject, number);
    version->receipt = at->index;
    compare_time(replay, at, archived);
    if (archived->is_kept)
        SL_TRY(replay_kept(replay, at, archived, version));
    else
        replay_not_kept(replay, at, archived, version);
    note_grounds(replay, archived, version);
    return SL_OK;
}
