/*
 * test_kill.c - SIGKILL at any moment: what was acknowledged is there
 *
 * A child process records as fast as it can, and tells over a pipe which receipts it was told are
 * durable: index and hash. The parent kills it after a random number of those, opens the ledger,
 * and looks for each of them. No time is measured and nothing sleeps: the moment of the kill is
 * drawn as a number of acknowledgements. The same ledger lives through all rounds.
 */
#include "fixture.h"

#include "base/base64.h"
#include "ledger/tree.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 12, KILL_AFTER_MOST = 2500, RECEIPTS_MAX = 1 << 18, IN_FLIGHT = 48 };

struct acknowledged {
    uint64_t index;
    uint8_t leaf_hash[SHA256_BYTES];
};

static uint8_t (*hashes)[SHA256_BYTES]; /* of what was acknowledged, by index */
static bool *is_acknowledged;
static uint64_t n_beyond; /* the first index that was never acknowledged, nor any after it */

/* --------------------------------------------------------------------------------- the child -- */

static void tell(int fd, const struct record *record)
{
    struct acknowledged told = {.index = record->index};
    tree_leaf_hash(slice_of(record->leaf.bytes, record->leaf.n), told.leaf_hash);
    if (write(fd, &told, sizeof told) != sizeof told)
        _exit(1);
}

static _Noreturn void record_until_killed(struct fixture *fixture, int fd)
{
    static struct record records[IN_FLIGHT];
    if (recorder_open(&fixture->config, &fixture->problem, &fixture->recorder) != SL_OK ||
        recorder_start(fixture->recorder) != SL_OK)
        _exit(2);
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        fixture_draft(fixture, &records[i], RECORD_RELEASE, (int)(i % 4));
        if (!recorder_submit(fixture->recorder, &records[i]))
            _exit(3);
    }
    for (;;) {
        recorder_kick(fixture->recorder);
        mailbox_wait(&fixture->box);
        for (struct mail *mail = mailbox_take(&fixture->box), *next; mail; mail = next) {
            struct record *record = (struct record *)(void *)mail;
            next = mail->next;
            if (record->outcome != RECORD_DURABLE)
                _exit(4);
            tell(fd, record);
            if (!recorder_submit(fixture->recorder, record))
                _exit(5);
        }
    }
}

/* -------------------------------------------------------------------------------- the parent -- */

/* One acknowledgement; false at the end of the pipe. */
static bool read_told(int fd, struct acknowledged *told)
{
    size_t n = 0;
    while (n < sizeof *told) {
        ssize_t got = read(fd, (uint8_t *)told + n, sizeof *told - n);
        if (got == 0)
            return false; /* one that was cut in the middle was not told */
        assert_true(got > 0 || errno == EINTR);
        n += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static void note_told(const struct acknowledged *told)
{
    assert_true(told->index < RECEIPTS_MAX);
    assert_false(is_acknowledged[told->index]);
    is_acknowledged[told->index] = true;
    memcpy(hashes[told->index], told->leaf_hash, SHA256_BYTES);
    if (told->index >= n_beyond)
        n_beyond = told->index + 1;
}

static void run_and_kill(struct fixture *fixture, long after)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        record_until_killed(fixture, ends[1]);
    }
    close(ends[1]);
    struct acknowledged told;
    for (long n = 0; n < after; n++) {
        assert_true(read_told(ends[0], &told));
        note_told(&told);
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read_told(ends[0], &told))
        note_told(&told);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

struct checked {
    struct fixture *fixture;
    uint64_t n;
    uint64_t next_number[4]; /* of each subject */
};

static bool check_leaf(void *context, uint64_t index, const uint8_t *bytes, size_t n)
{
    struct checked *checked = context;
    uint8_t hash[SHA256_BYTES], found[LEAF_TAG_BYTES], tag[LEAF_TAG_BYTES];
    struct leaf leaf;
    tree_leaf_hash(slice_of(bytes, n), hash);
    if (is_acknowledged[index])
        assert_memory_equal(hash, hashes[index], sizeof hash);
    /* It is the next receipt of exactly one subject. */
    assert_int_equal(leaf_parse(slice_of(bytes, n), &leaf), SL_OK);
    assert_true(base64url_decode(leaf.tag, found, sizeof found));
    int n_owners = 0;
    for (size_t i = 0; i < 4; i++) {
        struct hmac_key key;
        hmac_key_init(&key, slice_of(checked->fixture->subjects[i].key, SUBJECT_KEY_BYTES));
        leaf_tag(&key, checked->next_number[i], tag);
        if (memcmp(tag, found, sizeof tag) == 0) {
            checked->next_number[i]++;
            n_owners++;
        }
    }
    assert_int_equal(n_owners, 1);
    checked->n++;
    return true;
}

static void nothing_acknowledged_is_ever_lost(void **state)
{
    (void)state;
    static struct fixture fixture;
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srandom(seed);
    hashes = calloc(RECEIPTS_MAX, SHA256_BYTES);
    is_acknowledged = calloc(RECEIPTS_MAX, sizeof *is_acknowledged);
    assert_true(hashes && is_acknowledged);
    fixture_init(&fixture);
    for (int round = 0; round < ROUNDS; round++) {
        run_and_kill(&fixture, 1 + random() % KILL_AFTER_MOST);

        /* Before the next start the end may be unfinished; after it, all is in order. */
        fixture_open(&fixture);
        uint64_t size = recorder_tree_size(fixture.recorder);
        fixture_close(&fixture);
        assert_true(size >= n_beyond);
        struct checked checked = {.fixture = &fixture};
        const struct sluis_verify_options options = {
            .vkey = fixture.vkey, .visit = check_leaf, .visit_context = &checked};
        struct sluis_verify_report report;
        assert_int_equal(sluis_verify_folder(fixture.folder, &options, &report),
                         SLUIS_VERIFY_VALID);
        assert_int_equal(checked.n, size);
    }
    fixture_deinit(&fixture);
    free(hashes);
    free(is_acknowledged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_acknowledged_is_ever_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
