/*
 * What a witness says when its disk fails, and which times it says. The protocol itself is asked
 * clause by clause in tests/flow/test_witness.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/checkpoint.h"
#include "ledger/cosignature.h"
#include "ledger/note_lines.h"
#include "ledger/proof.h"
#include "ledger/tlog_proof.h"
#include "ledger/tree.h"
#include "signing.h"
#include "witness/answer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], key_file[96], state_folder[96];
static struct signing log_signing;
static struct vkey mine;
static char mine_text[NOTE_VKEY_BYTES_MAX];
static struct witness witness;
static struct server_answer answer;

/* The call that fails next; 0: none does. */
static int fsync_to_fail, rename_to_fail;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int a, const char *old_name, int b, const char *new_name);
int __wrap_renameat(int a, const char *old_name, int b, const char *new_name);

static bool fails(int *countdown)
{
    if (*countdown == 0 || --*countdown > 0)
        return false;
    errno = ENOSPC;
    return true;
}

int __wrap_fsync(int fd)
{
    return fails(&fsync_to_fail) ? -1 : __real_fsync(fd);
}

int __wrap_renameat(int a, const char *old_name, int b, const char *new_name)
{
    return fails(&rename_to_fail) ? -1 : __real_renameat(a, old_name, b, new_name);
}

static void open_it(void)
{
    struct note_problem key_problem;
    struct memory_problem problem;
    assert_int_equal(cosigner_open(key_file, &key_problem, &witness.cosigner), SL_OK);
    assert_int_equal(known_logs_new(&log_signing.vkey, 1, &witness.logs), SL_OK);
    assert_int_equal(memory_open(state_folder, mine_text, witness.logs, &problem, &witness.memory),
                     SL_OK);
}

static void close_it(void)
{
    memory_free(witness.memory);
    known_logs_free(witness.logs);
    cosigner_free(witness.cosigner);
    memset(&witness, 0, sizeof witness);
}

static int setup(void **state)
{
    (void)state;
    struct note_problem problem;
    snprintf(folder, sizeof folder, "/tmp/sluis-test-answer-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(key_file, sizeof key_file, "%s/key", folder);
    snprintf(state_folder, sizeof state_folder, "%s/state", folder);
    assert_int_equal(mkdir(state_folder, 0700), 0);
    assert_int_equal(cosigner_generate(key_file, slice_of_str("w.example"), &problem, mine_text),
                     SL_OK);
    assert_int_equal(vkey_parse(slice_of_str(mine_text), &mine), SL_OK);
    signing_init(&log_signing, "log.example/1", VKEY_ED25519, 3);
    fsync_to_fail = rename_to_fail = 0;
    open_it();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_it();
    char command[160];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* All leaves are the same, so a complete subtree depends on its level only. */
static const uint8_t leaf[SHA256_BYTES] = {7};

static enum sl_err subtree_of_leaves(void *context, unsigned level, uint64_t index,
                                     uint8_t hash[SHA256_BYTES])
{
    (void)context, (void)index;
    memcpy(hash, leaf, SHA256_BYTES);
    for (unsigned i = 0; i < level; i++)
        tree_node_hash(hash, hash, hash);
    return SL_OK;
}

/* A checkpoint of `size` leaves, proven from one leaf less. */
static void write_body(uint64_t size, struct writer *out)
{
    struct tree tree;
    tree_init(&tree);
    for (uint64_t i = 0; i < size; i++)
        tree_append(&tree, leaf);
    struct checkpoint checkpoint = {.origin = log_signing.vkey.name, .size = size};
    tree_root(&tree, checkpoint.root);
    uint8_t text[512], note[1024];
    struct writer text_writer = writer_over(text, sizeof text);
    struct writer note_writer = writer_over(note, sizeof note);
    write_checkpoint(&text_writer, &checkpoint);
    write_bytes(&note_writer, writer_slice(&text_writer));
    write_str(&note_writer, "\n");
    signing_write_line(&log_signing, writer_slice(&text_writer), 0, &note_writer);

    struct tlog_growth growth = {.old_size = size - 1, .checkpoint = writer_slice(&note_writer)};
    if (size > 1)
        assert_int_equal(proof_consistency_make((struct proof_source){subtree_of_leaves, NULL},
                                                size - 1, size, &growth.proof),
                         SL_OK);
    assert_int_equal(tlog_growth_write(&growth, out), SL_OK);
}

static unsigned submit(uint64_t size, uint64_t now_s)
{
    uint8_t body[8192];
    struct writer writer = writer_over(body, sizeof body);
    write_body(size, &writer);
    memset(&answer, 0, sizeof answer);
    witness_add_checkpoint(&witness, writer_slice(&writer), now_s, &answer);
    return answer.status;
}

static const struct record *record(void)
{
    return &witness.logs->list[0].record;
}

/* The time in the answer, whose line must hold under the witness's key. */
static uint64_t cosigned_at(void)
{
    struct note_lines lines;
    struct note_line line;
    uint64_t time_s = 0;
    uint8_t note[4096];
    struct writer writer = writer_over(note, sizeof note);
    assert_true(note_lines_open(slice_of(record()->note, record()->note_n), &lines));
    write_bytes(&writer, lines.text);
    write_str(&writer, "\n");
    write_bytes(&writer, answer.body);
    assert_true(note_lines_open(writer_slice(&writer), &lines));
    assert_int_equal(note_lines_next(&lines, &line), NOTE_LINE);
    assert_true(
        cosignature_verify(&mine, lines.text, slice_of(line.signature, line.signature_n), &time_s));
    return time_s;
}

static void the_time_is_the_clock_and_never_goes_back(void **state)
{
    (void)state;
    assert_int_equal(submit(1, 1000), 200);
    assert_int_equal(cosigned_at(), 1000);
    assert_int_equal(submit(2, 1001), 200);
    assert_int_equal(cosigned_at(), 1001);
    assert_int_equal(submit(3, 5), 200);
    assert_int_equal(cosigned_at(), 1001);
    close_it();
    open_it();
    assert_int_equal(submit(4, 0), 200);
    assert_int_equal(cosigned_at(), 1001);
    assert_int_equal(submit(5, 1002), 200);
    assert_int_equal(cosigned_at(), 1002);
}

static void nothing_is_cosigned_that_is_not_on_the_disk(void **state)
{
    (void)state;
    assert_int_equal(submit(1, 1000), 200);
    int *const countdowns[] = {&fsync_to_fail, &rename_to_fail};
    for (size_t i = 0; i < SL_LENGTH(countdowns); i++) {
        *countdowns[i] = 1;
        assert_int_equal(submit(2, 1001), 500);
        assert_null(strstr((const char *)answer.body.p, "w.example"));
        assert_int_equal(record()->size, 1);
        close_it();
        open_it();
        assert_int_equal(record()->size, 1);
    }
    assert_int_equal(submit(2, 1001), 200);
    assert_int_equal(record()->size, 2);
}

/* The new file is there, but perhaps not for long: no cosignature may depend on it. */
static void a_folder_that_cannot_be_synced_is_no_yes(void **state)
{
    (void)state;
    assert_int_equal(submit(1, 1000), 200);
    fsync_to_fail = 2;
    assert_int_equal(submit(2, 1001), 500);
    assert_int_equal(record()->size, 1);
    assert_int_equal(submit(2, 1001), 200);
}

static void the_same_checkpoint_in_the_same_second_is_not_written_again(void **state)
{
    (void)state;
    assert_int_equal(submit(1, 1000), 200);
    uint8_t body[8192];
    struct writer writer = writer_over(body, sizeof body);
    write_body(1, &writer);
    body[4] = '1'; /* old 1: the newest, once more */
    fsync_to_fail = 1;
    witness_add_checkpoint(&witness, writer_slice(&writer), 1000, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(fsync_to_fail, 1);
    witness_add_checkpoint(&witness, writer_slice(&writer), 1001, &answer);
    assert_int_equal(answer.status, 500);
    witness_add_checkpoint(&witness, writer_slice(&writer), 1001, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(cosigned_at(), 1001);
}

static void many_sizes_in_a_row_are_cosigned(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= 40; size++)
        assert_int_equal(submit(size, 1000 + size), 200);
    close_it();
    open_it();
    assert_int_equal(record()->size, 40);
    assert_int_equal(submit(41, 2000), 200);
    assert_int_equal(submit(41, 2000), 409);
    assert_true(slice_equals_str(answer.body, "41\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_time_is_the_clock_and_never_goes_back),
        TEST(nothing_is_cosigned_that_is_not_on_the_disk),
        TEST(a_folder_that_cannot_be_synced_is_no_yes),
        TEST(the_same_checkpoint_in_the_same_second_is_not_written_again),
        TEST(many_sizes_in_a_row_are_cosigned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
