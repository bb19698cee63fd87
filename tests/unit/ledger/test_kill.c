/*
 * test_kill.c - SIGKILL at any moment: what was acknowledged is there
 *
 * A child process records as fast as it can, and tells over a pipe which receipts it was told are
 * durable: index and hash. The parent kills it after a random number of those, opens the ledger,
 * and looks for each of them. No time is measured and nothing sleeps: the moment of the kill is
 * drawn as a number of acknowledgements. The same ledger lives through all rounds.
 *
 * Epochs end meanwhile, a few milliseconds apart, so a kill comes before, between and after the end
 * of an epoch, its list and its heads. Now and then the index is lost, too. Whatever happened, each
 * subject finds all of its receipts, and as many in each epoch as its heads say.
 */
#include "fixture.h"

#include "ledger/mine.h"
#include "ledger/tree.h"

#include <errno.h>
#include <fcntl.h>
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
    recorder_start_epochs(fixture->recorder);
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

enum { ACTIVE = 4 }; /* subjects that have receipts */

struct checked {
    int ledger_fd;
    uint64_t n;
    struct mine *mine[ACTIVE];
};

static void check_heads(struct checked *checked, uint64_t index, const struct leaf_heads *heads)
{
    for (size_t i = 0; i < ACTIVE; i++) {
        struct heads_file file;
        assert_int_equal(
            heads_file_open(&file, checked->ledger_fd, heads->epoch, slice_of_str(FIXTURE_ORIGIN)),
            HEADS_SOUND);
        assert_int_equal(mine_take_heads(checked->mine[i], index, heads, &file), HEADS_SOUND);
        heads_file_close(&file);
    }
}

static bool check_leaf(void *context, uint64_t index, const uint8_t *bytes, size_t n)
{
    struct checked *checked = context;
    uint8_t hash[SHA256_BYTES];
    struct leaf leaf;
    tree_leaf_hash(slice_of(bytes, n), hash);
    if (is_acknowledged[index])
        assert_memory_equal(hash, hashes[index], sizeof hash);
    checked->n++;
    assert_int_equal(leaf_parse(slice_of(bytes, n), &leaf), SL_OK);
    if (leaf.kind == LEAF_HEADS) {
        check_heads(checked, index, &leaf.heads);
        return true;
    }
    /* It is of exactly one subject. */
    int n_owners = 0;
    for (size_t i = 0; i < ACTIVE; i++) {
        uint64_t number;
        bool is_mine;
        assert_int_equal(mine_take(checked->mine[i], index, &leaf, &is_mine, &number), SL_OK);
        n_owners += is_mine;
    }
    assert_int_equal(n_owners, 1);
    return true;
}

/* Returns how many epochs have their heads. */
static uint64_t check_ledger(struct fixture *fixture, uint64_t size)
{
    struct checked checked = {0};
    struct sluis_verify_report report;
    const struct sluis_verify_options options = {
        .vkey = fixture->vkey, .visit = check_leaf, .visit_context = &checked, .check_heads = true};
    checked.ledger_fd = open(fixture->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ACTIVE; i++)
        assert_int_equal(mine_new(fixture->subjects[i].key, &checked.mine[i]), SL_OK);
    if (sluis_verify_folder(fixture->folder, &options, &report) != SLUIS_VERIFY_VALID)
        fail_msg("%s", report.problem);
    assert_int_equal(checked.n, size);
    uint64_t n_found = 0;
    for (size_t i = 0; i < ACTIVE; i++) {
        struct mine_result result = mine_result(checked.mine[i]);
        assert_int_equal(result.n_faults, 0);
        assert_int_equal(result.n_epochs, report.n_epochs);
        n_found += result.n_found;
        mine_free(checked.mine[i]);
    }
    assert_int_equal(n_found + report.n_epochs, size);
    close(checked.ledger_fd);
    return report.n_epochs;
}

static void remove_index(struct fixture *fixture)
{
    char path[256];
    snprintf(path, sizeof path, "%s/data.mdb", fixture->index_folder);
    assert_int_equal(unlink(path), 0);
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
    uint64_t n_epochs = 0;
    for (int round = 0; round < ROUNDS; round++) {
        fixture.limits.epoch_ms = 1 + (uint64_t)random() % 20;
        run_and_kill(&fixture, 1 + random() % KILL_AFTER_MOST);
        if (random() % 3 == 0)
            remove_index(&fixture);

        /* Before the next start the end may be unfinished; after it, all is in order. */
        fixture_open(&fixture);
        uint64_t size = recorder_tree_size(fixture.recorder);
        fixture_close(&fixture);
        assert_true(size >= n_beyond);
        n_epochs = check_ledger(&fixture, size);
    }
    assert_true(n_epochs > 0);
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
