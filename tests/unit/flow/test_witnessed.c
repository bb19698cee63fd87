/*
 * The board of the witnesses: what it keeps on disk, and what it makes of a file it finds there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/witnessed.h"
#include "signing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT "log.example/1\n3\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n"

static char folder[64], path[96], trust[1024];
static struct signing the_log, witness, other;
static struct tlog_policy policy;
static struct config_witnesses witnesses = {.policy = &policy, .every_s = 2};
static struct config config = {.witnesses = &witnesses, .state_folder = folder};
static uint8_t note[WITNESSED_NOTE_BYTES_MAX], found[WITNESSED_NOTE_BYTES_MAX];

static void trust_in(const struct signing *signing)
{
    struct tlog_policy_problem problem;
    snprintf(trust, sizeof trust, "log %s\nwitness w %s http://127.0.0.1:1\nquorum w\n",
             the_log.vkey_text, signing->vkey_text);
    assert_int_equal(tlog_policy_parse(slice_of_str(trust), &problem, &policy), SL_OK);
}

static int setup(void **state)
{
    (void)state;
    signing_init(&the_log, "log.example/1", VKEY_ED25519, 1);
    signing_init(&witness, "w.example", VKEY_COSIGNATURE, 2);
    signing_init(&other, "o.example", VKEY_COSIGNATURE, 3);
    trust_in(&witness);
    snprintf(folder, sizeof folder, "/tmp/sluis-test-witnessed-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/cosigned.checkpoint", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static struct slice cosigned(uint64_t time_s)
{
    struct writer writer = writer_over(note, sizeof note);
    write_str(&writer, TEXT "\n");
    signing_write_line(&the_log, slice_of_str(TEXT), 0, &writer);
    signing_write_line(&witness, slice_of_str(TEXT), time_s, &writer);
    return writer_slice(&writer);
}

static struct slice shown(struct witnessed *board)
{
    return slice_of(found, witnessed_checkpoint(board, found));
}

static void a_new_board_shows_nothing_and_lets_flows_pass(void **state)
{
    (void)state;
    struct witnessed_facts facts;
    SL_AUTO(witnessed) board = NULL;
    assert_int_equal(witnessed_new(&config, &board), SL_OK);
    assert_int_equal(shown(board).n, 0);
    assert_false(witnessed_refuses(board));
    witnessed_read(board, &facts);
    assert_int_equal(facts.size, 0);
    assert_int_equal(facts.n_witnesses, 1);
    assert_true(slice_equals_str(facts.witnesses[0].name, "w"));
    assert_int_equal(facts.witnesses[0].state, WITNESS_UNKNOWN);
}

static void what_was_put_is_there_after_a_start(void **state)
{
    (void)state;
    struct witnessed_facts facts;
    struct witnessed *board = NULL;
    assert_int_equal(witnessed_new(&config, &board), SL_OK);
    assert_int_equal(witnessed_put_checkpoint(board, cosigned(1700000000), 3), SL_OK);
    assert_true(slice_equals(shown(board), cosigned(1700000000)));
    assert_int_equal(witnessed_kept_size(board), 0); /* what was found, not what was put */
    witnessed_free(board);
    assert_int_equal(witnessed_new(&config, &board), SL_OK);
    assert_true(slice_equals(shown(board), cosigned(1700000000)));
    assert_int_equal(witnessed_kept_size(board), 3);
    assert_int_equal(witnessed_kept_time_s(board), 1700000000);
    witnessed_read(board, &facts);
    assert_int_equal(facts.size, 3);
    witnessed_free(board);
}

static void write_file(struct slice bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
    close(fd);
}

static void assert_counts_for_nothing(void)
{
    SL_AUTO(witnessed) board = NULL;
    assert_int_equal(witnessed_new(&config, &board), SL_OK);
    assert_int_equal(shown(board).n, 0);
    assert_int_equal(witnessed_kept_size(board), 0);
}

static void a_file_that_does_not_hold_counts_for_nothing(void **state)
{
    (void)state;
    struct slice whole = cosigned(1700000000);
    for (size_t n = 0; n < whole.n; n++) {
        write_file(slice_of(whole.p, n));
        assert_counts_for_nothing();
    }
    for (size_t i = 0; i < whole.n; i++) {
        note[i] ^= 1;
        write_file(whole);
        assert_counts_for_nothing();
        note[i] ^= 1;
    }
    write_file(whole);
    trust_in(&other);
    assert_counts_for_nothing();
    uint8_t large[WITNESSED_NOTE_BYTES_MAX + 1] = {'\n'};
    write_file(slice_of(large, sizeof large));
    assert_counts_for_nothing();
}

static void a_checkpoint_that_cannot_be_written_is_shown_all_the_same(void **state)
{
    (void)state;
    SL_AUTO(witnessed) board = NULL;
    assert_int_equal(witnessed_new(&config, &board), SL_OK);
    assert_int_equal(mkdir(path, 0700), 0); /* in the place of the file */
    assert_int_equal(witnessed_put_checkpoint(board, cosigned(1700000000), 3), SL_ESTORE);
    assert_true(slice_equals(shown(board), cosigned(1700000000)));
    assert_int_equal(rmdir(path), 0);
    char temporary[128];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    (void)unlink(temporary);
}

static void refusing_and_serving_again(void **state)
{
    (void)state;
    struct witnessed_facts facts;
    SL_AUTO(witnessed) board = NULL;
    assert_int_equal(witnessed_new(&config, &board), SL_OK);
    witnessed_put_age(board, 12345, true, true, "why");
    assert_true(witnessed_refuses(board));
    witnessed_read(board, &facts);
    assert_true(facts.is_missed && facts.refuses);
    assert_int_equal(facts.unwitnessed_s, 12);
    assert_string_equal(facts.text, "why");
    witnessed_put_age(board, 0, false, false, NULL);
    assert_false(witnessed_refuses(board));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_board_shows_nothing_and_lets_flows_pass),
        TEST(what_was_put_is_there_after_a_start),
        TEST(a_file_that_does_not_hold_counts_for_nothing),
        TEST(a_checkpoint_that_cannot_be_written_is_shown_all_the_same),
        TEST(refusing_and_serving_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
