/*
 * recompile.c - YAML to blob again, the way the gateway did it
 *
 * Compiling is a function of the YAML, the vocabulary and the rules of the time zone. The first
 * two are archived; the rules are those that the archived blob carries, because the tzdata of this
 * machine is of another release. Whether they are the right rules for that zone is another
 * question, and its answer may depend on who asks: so where they differ there are two blobs, and
 * the caller decides with both.
 */
#include "evidence/recompile.h"

#include "policy/policy.h"
#include "policy/timezone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In memory of its own. SL_EMALFORMED: it does not compile. */
static enum sl_err compile_policy(const struct policy_document *policy,
                                  struct yaml_problems *problems, struct slice *blob)
{
    uint8_t *block = malloc(POLICY_BLOB_BYTES_MAX);
    if (!block)
        return SL_EINTERNAL;
    struct writer writer = writer_over(block, POLICY_BLOB_BYTES_MAX);
    enum sl_err err = policy_compile(policy, problems, &writer);
    uint8_t *exact = err == SL_OK ? malloc(writer.n) : NULL;
    if (exact) {
        memcpy(exact, block, writer.n);
        *blob = slice_of(exact, writer.n);
    }
    free(block);
    if (err == SL_ELIMIT)
        return SL_EMALFORMED;
    return err == SL_OK && !exact ? SL_EINTERNAL : err;
}

static enum sl_err load(struct slice yaml, const struct vocabulary *vocabulary, struct slice zone,
                        struct yaml_problems *problems, struct policy_document **out)
{
    enum sl_err err = policy_load_in_zone(yaml, vocabulary, zone, problems, out);
    return err == SL_ELIMIT ? SL_EMALFORMED : err;
}

static struct slice zone_of(const struct archive_version *version)
{
    return policy_blob_is_valid(version->blob) ? policy_blob_zone(version->blob)
                                               : slice_of(NULL, 0);
}

static void say_first(struct recompiled *out, const struct yaml_problems *problems)
{
    out->result = RECOMPILE_INVALID;
    for (size_t i = 0; i < problems->n; i++) {
        if (problems->list[i].warning)
            continue;
        snprintf(out->text, sizeof out->text, "line %u: %s", problems->list[i].line,
                 problems->list[i].text);
        return;
    }
}

/* With this machine's rules for the zone, where they are others. */
static enum sl_err compile_locally(const struct archive_version *version,
                                   struct yaml_problems *problems, struct recompiled *out)
{
    uint8_t block[ZONE_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    enum sl_err err = timezone_read(out->policy->timezone, &writer);
    if (err == SL_EINTERNAL)
        return err;
    if (err != SL_OK) {
        out->zone = RECOMPILE_ZONE_UNKNOWN;
        return SL_OK;
    }
    if (slice_equals(writer_slice(&writer), out->policy->zone))
        return SL_OK;
    SL_AUTO(policy_document) local = NULL;
    err = load(version->yaml, version->vocabulary->vocabulary, writer_slice(&writer), problems,
               &local);
    if (err == SL_OK)
        err = compile_policy(local, problems, &out->local_blob);
    out->zone = err == SL_OK ? RECOMPILE_ZONE_OTHER : RECOMPILE_ZONE_UNKNOWN;
    return err == SL_EINTERNAL ? err : SL_OK;
}

enum sl_err recompile(const struct archive_version *version, struct recompiled *out)
{
    SL_ASSERT(version->is_kept);
    *out = (struct recompiled){0};
    const struct archive_vocabulary *words = version->vocabulary;
    if (!words || words->is_altered || !words->vocabulary) {
        out->result = RECOMPILE_NO_VOCABULARY;
        return SL_OK;
    }
    struct yaml_problems problems;
    yaml_problems_init(&problems, "policy");
    enum sl_err err =
        load(version->yaml, words->vocabulary, zone_of(version), &problems, &out->policy);
    if (err == SL_OK)
        err = compile_policy(out->policy, &problems, &out->blob);
    if (err == SL_EMALFORMED)
        say_first(out, &problems);
    else if (err == SL_OK)
        err = compile_locally(version, &problems, out);
    yaml_problems_deinit(&problems);
    if (err == SL_EINTERNAL)
        recompiled_free(out);
    return err == SL_EMALFORMED ? SL_OK : err;
}

void recompiled_free(struct recompiled *recompiled)
{
    policy_free(recompiled->policy);
    free((void *)(uintptr_t)recompiled->blob.p);
    free((void *)(uintptr_t)recompiled->local_blob.p);
    *recompiled = (struct recompiled){0};
}

/*
 * The gateway read the old version under the tzdata of that moment, as it did the new one: so in
 * one zone both have the rules of the new blob, and in two zones each has its own.
 */
static enum sl_err load_old(const struct archive_version *old, const struct policy_document *new,
                            struct policy_document **out)
{
    struct yaml_problems problems;
    yaml_problems_init(&problems, "policy");
    enum sl_err err = load(old->yaml, new->vocabulary, new->zone, &problems, out);
    if (err == SL_OK && !slice_equals((*out)->timezone, new->timezone)) {
        policy_free(*out);
        *out = NULL;
        err = load(old->yaml, new->vocabulary, zone_of(old), &problems, out);
    }
    yaml_problems_deinit(&problems);
    return err;
}

enum sl_err recompile_compare(const struct archive_version *old, const struct recompiled *version,
                              struct policy_change *change)
{
    SL_ASSERT(version->policy);
    SL_AUTO(policy_document) before = NULL;
    if (old && load_old(old, version->policy, &before) == SL_EINTERNAL)
        return SL_EINTERNAL;
    policy_compare(before, version->policy, change, NULL);
    return SL_OK;
}
