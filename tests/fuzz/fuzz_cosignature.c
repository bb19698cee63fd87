/*
 * fuzz_cosignature.c - any bytes as a cosigned checkpoint, and any text as a vkey
 *
 * The log and the witness below have signed one text only, the one in the corpus. Property: what
 * holds is that text, with that witness at that time. A vkey that is accepted has one text.
 */
#include "ledger/cosignature.h"
#include "ledger/tlog_policy.h"

#include <sluis/verify.h>

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy_text[] =
    "log log.example/1+1871d653+ASvCgAszFuAJIJ/9dX2rGczwroS8eukGVOHoFxLScPZT\n"
    "witness w witness.example+3c436f90+BIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\n"
    "quorum w\n";
static const char only_text[] = "log.example/1\n3\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n";

static void try_vkey(struct slice text)
{
    struct vkey vkey;
    char block[NOTE_VKEY_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    if (vkey_parse(text, &vkey) != SL_OK)
        return;
    vkey_write(&writer, vkey.name, vkey.type, vkey.key);
    SL_ASSERT(!writer.overflow && slice_equals(writer_slice(&writer), text));
}

static void try_note(struct slice note)
{
    static struct tlog_policy policy;
    struct tlog_policy_problem problem;
    struct tlog_policy_found found;
    if (policy.n_logs == 0)
        SL_ASSERT(tlog_policy_parse(slice_of_str(policy_text), &problem, &policy) == SL_OK);
    bool holds = tlog_policy_check(&policy, note, &found) == TLOG_POLICY_HOLDS;
    if (holds) {
        SL_ASSERT(slice_equals_str(found.text, only_text));
        SL_ASSERT(found.n_witnesses == 1 && found.oldest_time_s == 1700000000);
    }
    const struct sluis_trust trust = {NULL, policy_text, sizeof policy_text - 1};
    struct sluis_proof_report report;
    enum sluis_verify_result result = sluis_verify_checkpoint(note.p, note.n, &trust, &report);
    SL_ASSERT((result == SLUIS_VERIFY_VALID) == holds);
    SL_ASSERT(result != SLUIS_VERIFY_UNCHECKED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_vkey(slice_of(data, size));
    try_note(slice_of(data, size));
    return 0;
}
