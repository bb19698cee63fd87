/*
 * fuzz_witness_request.c - any bytes as the body of add-checkpoint, to a witness that has cosigned
 *
 * The log below has signed the texts in the corpus and no other; the witness remembers its size 3.
 * Property: what may be cosigned is signed by the log, goes on from size 3, and grew out of it;
 * and it is written as the request that it was read from.
 */
#include "ledger/tlog_proof.h"
#include "witness/judge.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char log_vkey[] =
    "fuzz.example/log+add437a2+AW56HN0psLeP0Tr0xVmP7/TvKpcWbjym8uT7/M2AUFvx";
static const uint8_t root_of_three[SHA256_BYTES] = {
    0xd4, 0xf9, 0x2c, 0x8f, 0xbb, 0x89, 0x72, 0x0e, 0xb3, 0xb5, 0x56, 0x77, 0xc7, 0xd7, 0xef, 0xad,
    0xdf, 0xeb, 0x10, 0xd1, 0x1a, 0x1a, 0x84, 0xa0, 0xba, 0x8f, 0x1a, 0x23, 0x33, 0x7f, 0xaa, 0x95};

static struct known_logs *logs_with_a_record(void)
{
    static struct known_logs *logs;
    struct vkey key;
    if (logs)
        return logs;
    SL_ASSERT(vkey_parse(slice_of_str(log_vkey), &key) == SL_OK);
    SL_ASSERT(known_logs_new(&key, 1, &logs) == SL_OK);
    logs->list[0].record.size = 3;
    memcpy(logs->list[0].record.root, root_of_three, sizeof root_of_three);
    return logs;
}

static void assert_signed(const struct judged *judged)
{
    struct note_lines lines;
    struct note_line line;
    size_t n_signed = 0;
    SL_ASSERT(note_lines_open(judged->note, &lines));
    enum note_line_step step;
    while ((step = note_lines_next(&lines, &line)) == NOTE_LINE)
        if (judge_line_is_of(judged->log, &line)) {
            SL_ASSERT(vkey_verify(judged->log->keys, lines.text, line.signature));
            n_signed++;
        }
    SL_ASSERT(step == NOTE_LINES_END && n_signed > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct judged judged;
    struct tlog_growth growth;
    struct slice body = slice_of(data, size);
    judge(logs_with_a_record(), body, &judged);
    SL_ASSERT(judged.why != NULL);
    if (judged.verdict != VERDICT_COSIGN)
        return 0;
    assert_signed(&judged);
    SL_ASSERT(tlog_growth_parse(body, &growth) == SL_OK && growth.old_size == 3);
    SL_ASSERT(proof_consistency_verify(&growth.proof, (struct proof_head){3, root_of_three},
                                       (struct proof_head){judged.checkpoint.size,
                                                           judged.checkpoint.root}) == PROOF_HOLDS);
    uint8_t *block = malloc(size);
    struct writer writer = writer_over(block, size);
    SL_ASSERT(block && tlog_growth_write(&growth, &writer) == SL_OK);
    SL_ASSERT(slice_equals(writer_slice(&writer), body));
    free(block);
    return 0;
}
