/*
 * replay_flow.c - decides a flow once more and holds the receipt against it
 *
 * The facts are in the receipt: time, app, partner, purpose, the situations that held, and the
 * route's data classes in their order. Which policy was in force follows from the receipts before
 * it. So everything that the receipt says of the decision can be said again; and the commitment
 * tells whether the gateway decided on that policy and for those consents.
 *
 *     reason                        what the policy must say
 *     consented                     release
 *     no_consent .. not_covered     refuse, for the same reason
 *     purpose                       refuse: the flow has no purpose of the partner's contract
 *     clock, busy                   anything: it was not asked, or not in time
 *     every other                   release, if only in another situation: the app, or a change
 *                                   meanwhile, prevented it. (An answer that did not come may
 *                                   have been to say in which situation its subject is.)
 *
 * What was used up at that moment is not in the receipt, and need not be: the receipt pins which
 * consents contributed, so one that would have, has an `at_most` and did not was used up.
 *
 * A release rests on the version in force at its place in the ledger: the recorder checks that
 * again. A refusal may have been decided a moment before a change, and be recorded after it; it
 * then rests on a version before.
 */
#include "base/timestamp.h"
#include "evidence/replay_parts.h"
#include "ledger/basis.h"
#include "policy/policy.h"

#include <string.h>

struct attempt {
    uint64_t version;
    struct slice blob;
    uint64_t spent; /* consents that were used up, if the receipt is right */
    struct decision decision;
    bool could_release; /* in another situation, if not in this one */
    bool is_pinned;     /* the receipt pins this version and these consents */
};

struct codes {
    uint32_t classes[LIMIT_MAX_route_classes], situations[LEAF_SITUATIONS_MAX];
};

static struct facts facts_of(const struct leaf *leaf, struct codes *codes)
{
    for (size_t i = 0; i < leaf->n_classes; i++)
        codes->classes[i] = vocabulary_code(leaf->classes[i].name);
    for (size_t i = 0; i < leaf->n_situations; i++)
        codes->situations[i] = vocabulary_code(leaf->situations[i]);
    return (struct facts){
        .time_ms = leaf->time_ms,
        .partner = leaf->partner,
        .app = leaf->app,
        .purpose = leaf->purpose.n > 0 ? vocabulary_code(leaf->purpose) : 0,
        .n_classes = leaf->n_classes,
        .classes = codes->classes,
        .n_situations = leaf->n_situations,
        .situations = codes->situations,
    };
}

/*
 * A policy of an older layout was decided on by the gateway of its time, and grants nothing to one
 * that was updated since: then the reason is "no_consent", and it may be nothing else.
 */
static bool is_unread(const struct replay_version *version, const struct leaf *leaf)
{
    return version->is_outdated && slice_equals_str(leaf->reason, reason_name(REASON_NO_CONSENT));
}

/* With these consents used up. */
static void attempt_spent(const struct replay *replay, const struct replay_at *at,
                          const struct facts *facts, uint64_t spent, struct attempt *out)
{
    static const uint8_t no_digest[SHA256_BYTES];
    const struct slice blob = out->blob;
    const uint64_t version = out->version;
    const struct replay_version *rests_on =
        version > 0 ? replay_version(replay, at->subject, version) : NULL;
    struct facts with_spent = *facts;
    with_spent.consents_spent = out->spent = spent;
    decide(blob, &with_spent, &out->decision);
    out->could_release = decide_could_release(blob, &with_spent);
    struct slice ids[LIMIT_MAX_policy_consents];
    size_t n_ids = 0;
    for (size_t i = 0; i < LIMIT_MAX_policy_consents; i++) {
        if (out->decision.consents >> i & 1)
            ids[n_ids++] = policy_blob_consent_id(blob, i);
    }
    uint8_t basis[SHA256_BYTES];
    basis_digest(version, rests_on ? rests_on->digest : no_digest, ids, n_ids, basis);
    out->is_pinned = replay_pins(replay, at, basis);
}

/*
 * Decides as of `version`, which is sound; 0: without a policy. Of the consents with `at_most` some
 * may have been used up: first those that the receipts show, then any others.
 */
static void attempt(const struct replay *replay, const struct replay_at *at,
                    const struct facts *facts, uint64_t version, struct attempt *out)
{
    enum { LIMITED_MAX = 10 }; /* of more than that at once, only what the receipts show */
    const struct replay_version *rests_on =
        version > 0 ? replay_version(replay, at->subject, version) : NULL;
    out->version = version;
    out->blob = rests_on && !is_unread(rests_on, at->leaf) ? rests_on->blob : policy_blob_empty();
    attempt_spent(replay, at, facts, 0, out);
    const uint64_t limited = out->decision.limited;
    if (limited == 0 || out->is_pinned)
        return;
    const uint64_t shown = replay_spent(replay, at->subject, out->blob, limited, at->leaf->time_ms);
    uint64_t spent = __builtin_popcountll(limited) <= LIMITED_MAX ? limited : 0;
    attempt_spent(replay, at, facts, shown, out);
    for (; spent != 0 && !out->is_pinned; spent = (spent - 1) & limited)
        attempt_spent(replay, at, facts, spent, out);
    if (!out->is_pinned)
        attempt_spent(replay, at, facts, shown, out);
}

/* The newest version before `attempt->version` that the receipt pins. */
static bool attempt_earlier(const struct replay *replay, const struct replay_at *at,
                            const struct facts *facts, struct attempt *found)
{
    for (uint64_t version = found->version; version-- > 0;) {
        struct attempt earlier;
        if (version > 0 && replay_version(replay, at->subject, version)->state != REPLAY_SOUND)
            continue;
        attempt(replay, at, facts, version, &earlier);
        if (earlier.is_pinned) {
            *found = earlier;
            return true;
        }
    }
    return false;
}

/* --------------------------------------------------------------------------------- comparing -- */

enum cause { CAUSE_POLICY, CAUSE_PURPOSE, CAUSE_UNASKED, CAUSE_AFTERWARDS, CAUSE_UNKNOWN };

static enum cause cause_of(struct slice reason)
{
    static const struct {
        enum reason first;
        enum cause cause;
    } causes[] = {{REASON_CONSENTED, CAUSE_POLICY},
                  {REASON_PURPOSE, CAUSE_PURPOSE},
                  {REASON_CONSENT_CHANGED, CAUSE_AFTERWARDS},
                  {REASON_CLOCK, CAUSE_UNASKED}};
    for (unsigned i = 0; i < N_REASONS; i++) {
        if (!slice_equals_str(reason, reason_name((enum reason)i)))
            continue;
        size_t group = SL_LENGTH(causes) - 1;
        while (i < causes[group].first)
            group--;
        return causes[group].cause;
    }
    return CAUSE_UNKNOWN;
}

static void say_effect(struct replay_text *text, bool is_release, struct slice reason)
{
    replay_say(text, "%s, because: %.*s", is_release ? "release" : "refuse",
               (int)(reason.n < 64 ? reason.n : 64), (const char *)reason.p);
}

static bool compare_effect(struct replay *replay, const struct replay_at *at,
                           const struct attempt *attempt)
{
    const struct leaf *leaf = at->leaf;
    const bool releases = attempt->decision.effect == EFFECT_RELEASE;
    const struct slice reason = slice_of_str(reason_name(attempt->decision.reason));
    enum replay_fault fault = REPLAY_EFFECT;
    bool is_same = false;
    switch (cause_of(leaf->reason)) {
    case CAUSE_POLICY:
        is_same = leaf->released == releases && slice_equals(leaf->reason, reason);
        fault = leaf->released == releases ? REPLAY_REASON : REPLAY_EFFECT;
        break;
    case CAUSE_PURPOSE:
        is_same = !leaf->released && !releases && leaf->purpose.n == 0;
        break;
    case CAUSE_UNASKED:
        is_same = !leaf->released;
        break;
    case CAUSE_AFTERWARDS:
        is_same = !leaf->released && attempt->could_release;
        break;
    case CAUSE_UNKNOWN:
        fault = REPLAY_REASON;
        break;
    }
    if (is_same)
        return true;
    say_effect(&replay->expected, releases, reason);
    say_effect(&replay->found, leaf->released, leaf->reason);
    replay_tell(replay, fault, at, attempt->version);
    return false;
}

/*
 * In a figure about how many the data left, by the receipt's first class that did: that is the
 * route's doing, not the policy's, and the same for all of them.
 */
static uint32_t group_of(const struct leaf *leaf)
{
    for (size_t i = 0; i < leaf->n_classes; i++) {
        struct coarse_done done;
        if (coarse_done_parse(leaf->classes[i].done, &done) && done.kept)
            return done.group;
    }
    return 0;
}

static bool compare_data(struct replay *replay, const struct replay_at *at,
                         const struct attempt *attempt)
{
    const struct leaf *leaf = at->leaf;
    const uint32_t group = group_of(leaf);
    bool is_same = true;
    for (size_t i = 0; i < leaf->n_classes; i++) {
        struct coarse_done done = plan_entry_done(&attempt->decision.entries[i]);
        if (!leaf->released)
            done = (struct coarse_done){.kept = false};
        done.group = done.kept ? group : 0;
        char block[128];
        struct writer writer = writer_over(block, sizeof block);
        write_coarse_done(&writer, &done);
        if (slice_equals(writer_slice(&writer), leaf->classes[i].done))
            continue;
        is_same = false;
        replay_say(&replay->expected, "%.*s %.*s", SLICE_PRINTF(leaf->classes[i].name),
                   SLICE_PRINTF(writer_slice(&writer)));
        replay_say(&replay->found, "%.*s %.*s", SLICE_PRINTF(leaf->classes[i].name),
                   SLICE_PRINTF(leaf->classes[i].done));
        replay_tell(replay, REPLAY_DATA, at, attempt->version);
    }
    return is_same;
}

static bool compare_benefit(struct replay *replay, const struct replay_at *at,
                            const struct attempt *attempt)
{
    char block[8 * LIMIT_MAX_benefit_bytes];
    struct writer writer = writer_over(block, sizeof block);
    struct slice expected = {NULL, 0};
    if (at->leaf->released && attempt->decision.benefit.n > 0) {
        write_json_string(&writer, attempt->decision.benefit);
        expected = slice_of(writer.block + 1, writer.n - 2); /* without its quotes */
    }
    if (slice_equals(expected, at->leaf->benefit))
        return true;
    replay_say(&replay->expected, "the benefit \"%.*s\"", SLICE_PRINTF(expected));
    replay_say(&replay->found, "\"%.*s\"", SLICE_PRINTF(at->leaf->benefit));
    replay_tell(replay, REPLAY_BENEFIT, at, attempt->version);
    return false;
}

/* A receipt tells of no situation that the policy did not ask for. */
static bool compare_situations(struct replay *replay, const struct replay_at *at,
                               const struct attempt *attempt)
{
    const struct leaf *leaf = at->leaf;
    for (size_t i = 0; i < leaf->n_situations; i++) {
        if (attempt->decision.situations >> i & 1)
            continue;
        replay_say(&replay->expected, "no situation but those that a consent asks for");
        replay_say(&replay->found, "\"%.*s\"", SLICE_PRINTF(leaf->situations[i]));
        replay_tell(replay, REPLAY_SITUATION, at, attempt->version);
        return false;
    }
    return true;
}

static void say_ids(struct replay_text *text, const struct replay *replay,
                    const struct replay_at *at, const struct attempt *attempt)
{
    const char *separator = " and the consents ";
    if (attempt->decision.consents == 0) {
        replay_say(text, " and no consent");
        return;
    }
    struct slice blob = replay_version(replay, at->subject, attempt->version)->blob;
    for (size_t i = 0; i < policy_blob_n_consents(blob); i++) {
        if (!(attempt->decision.consents >> i & 1))
            continue;
        replay_say(text, "%s%.*s", separator, SLICE_PRINTF(policy_blob_consent_id(blob, i)));
        separator = ", ";
    }
}

static void tell_basis(struct replay *replay, const struct replay_at *at,
                       const struct attempt *attempt)
{
    replay_say(&replay->expected, "a commitment to version %llu",
               (unsigned long long)attempt->version);
    say_ids(&replay->expected, replay, at, attempt);
    replay_say(&replay->found, "a commitment to something else");
    replay_tell(replay, REPLAY_BASIS, at, attempt->version);
}

/* A release that rests on what was replaced already. */
static void tell_version(struct replay *replay, const struct replay_at *at,
                         const struct attempt *current, const struct attempt *earlier)
{
    const struct decision *now = &current->decision;
    replay_say(&replay->expected, "a decision on version %llu, in force since receipt %llu: ",
               (unsigned long long)current->version,
               (unsigned long long)replay_version(replay, at->subject, current->version)->receipt);
    say_effect(&replay->expected, now->effect == EFFECT_RELEASE,
               slice_of_str(reason_name(now->reason)));
    replay_say(&replay->found, "a release on version %llu", (unsigned long long)earlier->version);
    say_ids(&replay->found, replay, at, earlier);
    replay_say(&replay->found, ", replaced by then");
    replay_tell(replay, REPLAY_VERSION, at, current->version);
}

/* With this machine's rules for the time zone, where they are others. */
static void compare_zone(struct replay *replay, const struct replay_at *at,
                         const struct facts *facts, const struct attempt *attempt)
{
    if (attempt->version == 0)
        return;
    struct slice local = replay_version(replay, at->subject, attempt->version)->local_blob;
    if (local.n == 0)
        return;
    struct decision decision;
    struct facts with_spent = *facts;
    with_spent.consents_spent = attempt->spent;
    decide(local, &with_spent, &decision);
    const struct decision *gateways = &attempt->decision;
    bool is_same = decision.reason == gateways->reason && decision.consents == gateways->consents;
    for (size_t i = 0; i < facts->n_classes && is_same; i++)
        is_same =
            decision.entries[i].action == gateways->entries[i].action &&
            coarseness_equals(decision.entries[i].coarseness, gateways->entries[i].coarseness);
    if (is_same)
        return;
    say_effect(&replay->expected, decision.effect == EFFECT_RELEASE,
               slice_of_str(reason_name(decision.reason)));
    replay_say(&replay->expected, " (by this machine's rules for the policy's time zone)");
    say_effect(&replay->found, gateways->effect == EFFECT_RELEASE,
               slice_of_str(reason_name(gateways->reason)));
    replay_say(&replay->found, " (by the rules the gateway had; compare the releases of tzdata)");
    replay_tell(replay, REPLAY_ZONE, at, attempt->version);
}

/* ------------------------------------------------------------------------------------- a flow --
 */

static void count_flow(struct replay_counts *counts, const struct leaf *leaf)
{
    enum cause cause = cause_of(leaf->reason);
    bool is_policys = cause == CAUSE_POLICY || cause == CAUSE_UNKNOWN;
    *(is_policys ? &counts->n_repeated : &counts->n_other_cause) += 1;
}

/* False: it can't be repeated, and was counted. */
static bool is_repeatable(struct replay *replay, const struct replay_at *at, uint64_t version)
{
    struct replay_counts *counts = &replay->counts;
    if (version == 0)
        return true;
    if (version > replay->archive->subjects[at->subject].n_versions) {
        bool is_newer = at->index >= replay->archive->head.n_receipts;
        *(is_newer ? &counts->n_newer : &counts->n_bad_archive) += 1;
        return false;
    }
    enum replay_state state = replay_version(replay, at->subject, version)->state;
    counts->n_not_kept += state == REPLAY_GONE;
    counts->n_bad_archive += state == REPLAY_ALTERED;
    return state == REPLAY_SOUND;
}

static void note_grounds(struct replay *replay, const struct replay_at *at,
                         const struct attempt *attempt)
{
    struct replay_grounds *last = &replay->last;
    last->is_known = attempt->is_pinned;
    last->version = attempt->version;
    last->n_consents = 0;
    memset(last->digest, 0, sizeof last->digest);
    if (attempt->version == 0)
        return;
    const struct replay_version *version = replay_version(replay, at->subject, attempt->version);
    memcpy(last->digest, version->digest, sizeof last->digest);
    for (size_t i = 0; i < LIMIT_MAX_policy_consents; i++) {
        if (attempt->decision.consents >> i & 1)
            last->consents[last->n_consents++] = policy_blob_consent_id(version->blob, i);
    }
}

/* A release is counted; a refusal for a quota is held against what was. */
static enum sl_err count_uses(struct replay *replay, const struct replay_at *at,
                              const struct attempt *attempt)
{
    if (at->leaf->released)
        return replay_use(replay, at, attempt->blob, attempt->version, attempt->decision.limited);
    if (attempt->decision.reason == REASON_QUOTA)
        replay->counts.n_quota_early +=
            (attempt->spent & ~replay_spent(replay, at->subject, attempt->blob, attempt->spent,
                                            at->leaf->time_ms)) != 0;
    return SL_OK;
}

enum sl_err replay_flow(struct replay *replay, const struct replay_at *at)
{
    const struct leaf *leaf = at->leaf;
    uint64_t version = replay->subjects[at->subject].in_force;
    if (!is_repeatable(replay, at, version))
        return SL_OK;
    struct codes codes;
    const struct facts facts = facts_of(leaf, &codes);
    struct attempt current, chosen;
    attempt(replay, at, &facts, version, &current);
    chosen = current;
    bool is_earlier = !current.is_pinned && attempt_earlier(replay, at, &facts, &chosen);
    count_flow(&replay->counts, leaf);
    note_grounds(replay, at, &chosen);
    if (is_earlier && leaf->released) {
        tell_version(replay, at, &current, &chosen);
        return SL_OK;
    }
    replay->counts.n_earlier_version += is_earlier;
    bool has_effect = compare_effect(replay, at, &chosen);
    if (has_effect && compare_data(replay, at, &chosen) && compare_situations(replay, at, &chosen))
        (void)compare_benefit(replay, at, &chosen);
    if (has_effect && !chosen.is_pinned)
        tell_basis(replay, at, &chosen);
    if (!chosen.is_pinned)
        return SL_OK;
    compare_zone(replay, at, &facts, &chosen);
    return count_uses(replay, at, &chosen);
}
