/*
 * test_archive.c - an archive of a ledger, and the ledger back from it: whole at every moment, also
 *                  when calls fail, copies are cut short, and files are changed
 */
#include "ledger/archive.h"

#include "fixture.h"
#include "ledger/archive_manifest.h"
#include "ledger/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* How many calls are still to succeed before one fails; 0: all succeed. Of this thread only. */
static _Thread_local long countdown;

static bool fails(int error)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    errno = error;
    return true;
}

#define WRAP(type, name, parameters, arguments, error)                                             \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fails(error) ? -1 : __real_##name arguments;                                        \
    }

WRAP(ssize_t, pread64, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at), EIO)
WRAP(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at), ENOSPC)
WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), ENOSPC)
WRAP(int, fsync, (int fd), (fd), EIO)
WRAP(int, ftruncate64, (int fd, off64_t n), (fd, n), EIO)
WRAP(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), EIO)
WRAP(int, rename, (const char *from, const char *to), (from, to), EIO)
WRAP(int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode), EACCES)
WRAP(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags), EIO)

struct archived {
    struct fixture fixture;
    char archive[200], state[200], ledger[240], restoring[240];
    char vkeys[4096];
    struct vkey_list keys;
    struct archive_problem problem;
    struct archive_result result;
};

static int setup(void **state)
{
    struct archived *a = calloc(1, sizeof *a);
    assert_non_null(a);
    countdown = 0;
    fixture_init(&a->fixture);
    snprintf(a->archive, sizeof a->archive, "%s/archive", a->fixture.root);
    snprintf(a->state, sizeof a->state, "%s/state", a->fixture.root);
    snprintf(a->ledger, sizeof a->ledger, "%s/ledger", a->state);
    snprintf(a->restoring, sizeof a->restoring, "%s/ledger.restoring", a->state);
    assert_int_equal(mkdir(a->state, 0700), 0);
    *state = a;
    return 0;
}

static int teardown(void **state)
{
    struct archived *a = *state;
    countdown = 0;
    fixture_deinit(&a->fixture);
    free(a);
    return 0;
}

/* Whoever runs it has every key. */
static void read_keys(struct archived *a)
{
    size_t line;
    FILE *file = fopen(a->fixture.vkey_file, "re");
    assert_non_null(file);
    size_t n = fread(a->vkeys, 1, sizeof a->vkeys, file);
    fclose(file);
    assert_int_equal(vkey_list_parse(slice_of(a->vkeys, n), &a->keys, &line), SL_OK);
}

static enum sl_err archive(struct archived *a)
{
    read_keys(a);
    const struct archive_request request = {
        .ledger = a->fixture.folder, .archive = a->archive, .keys = &a->keys};
    a->problem.text[0] = '\0';
    return archive_run(&request, &a->problem, &a->result);
}

static void archive_well(struct archived *a)
{
    if (archive(a) != SL_OK)
        fail_msg("%s", a->problem.text);
}

static void assert_refused(const struct archived *a, enum sl_err found, enum sl_err expected,
                           const char *because)
{
    if (found != expected || !strstr(a->problem.text, because))
        fail_msg("expected %s and \"%s\", found %s: %s", sl_err_name(expected), because,
                 sl_err_name(found), a->problem.text);
}

static enum sl_err restore_with(struct archived *a, struct archive_evidence first,
                                struct archive_evidence second)
{
    read_keys(a);
    const struct archive_restore_request request = {.archive = a->archive,
                                                    .state_folder = a->state,
                                                    .keys = &a->keys,
                                                    .evidence = {first, second}};
    a->problem.text[0] = '\0';
    return archive_restore(&request, &a->problem, &a->result);
}

static enum sl_err restore(struct archived *a)
{
    const struct archive_evidence none = {0};
    return restore_with(a, none, none);
}

static void restore_well(struct archived *a)
{
    if (restore(a) != SL_OK)
        fail_msg("%s", a->problem.text);
}

static void assert_valid(struct archived *a, const char *folder, uint64_t n_receipts)
{
    struct sluis_verify_report report;
    const struct sluis_verify_options options = {.vkey = a->fixture.vkey};
    if (sluis_verify_folder(folder, &options, &report) != SLUIS_VERIFY_VALID)
        fail_msg("%s: %s: %s", folder, report.segment, report.problem);
    assert_int_equal(report.n_receipts, n_receipts);
}

static void run_command(const char *format, ...) SL_PRINTF(1, 2);
static void run_command(const char *format, ...)
{
    char command[1500];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    assert_int_equal(system(command), 0);
}

/* Some thousand receipts over `n_segments` segments. Closed. Gives how many. */
static uint64_t make_ledger(struct archived *a, size_t n_segments)
{
    uint64_t n = 0;
    fixture_open(&a->fixture);
    for (size_t found = 0; found < n_segments;) {
        fixture_release_many(&a->fixture, 500);
        n += 500;
        found = 0;
        DIR *folder = opendir(a->fixture.folder);
        uint64_t first;
        assert_non_null(folder);
        for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
            found += segment_name_parse(slice_of_str(entry->d_name), &first);
        closedir(folder);
    }
    fixture_close(&a->fixture);
    return n;
}

static uint64_t add_receipts(struct archived *a, int n)
{
    fixture_open(&a->fixture);
    for (int i = 0; i < n; i++)
        assert_int_equal(fixture_release(&a->fixture, 0), RECORD_DURABLE);
    uint64_t size = recorder_tree_size(a->fixture.recorder);
    fixture_close(&a->fixture);
    return size;
}

/* The i-th segment of a folder, in order. */
static void segment_path(const char *folder, size_t i, char path[512])
{
    struct dirent **names;
    int n = scandir(folder, &names, NULL, alphasort);
    uint64_t first;
    size_t found = 0;
    assert_true(n > 0);
    path[0] = '\0';
    for (int j = 0; j < n; j++) {
        if (segment_name_parse(slice_of_str(names[j]->d_name), &first) && found++ == i)
            snprintf(path, 512, "%s/%s", folder, names[j]->d_name);
        free(names[j]);
    }
    free(names);
    assert_true(path[0] != '\0');
}

static void flip(const char *path, uint64_t offset)
{
    uint8_t byte;
    fixture_peek(path, offset, &byte, 1);
    byte ^= 1;
    fixture_poke(path, offset, &byte, 1);
}

/* ---------------------------------------------------------------------------------- archiving --
 */

static void an_archive_is_a_ledger_folder_that_verifies(void **state)
{
    struct archived *a = *state;
    uint64_t n = make_ledger(a, 3);
    archive_well(a);
    assert_int_equal(a->result.n_segments, 2);
    assert_int_equal(a->result.n_copied, 2);
    assert_int_equal(a->result.n_receipts, n);
    assert_valid(a, a->archive, n);
    for (size_t i = 0; i < 2; i++) { /* byte for byte */
        char one[512], other[512];
        segment_path(a->fixture.folder, i, one);
        segment_path(a->archive, i, other);
        run_command("cmp -s %s %s", one, other);
    }
}

static void a_later_run_copies_only_what_is_new(void **state)
{
    struct archived *a = *state;
    struct stat before, after;
    char path[512];
    make_ledger(a, 2);
    archive_well(a);
    segment_path(a->archive, 0, path);
    assert_int_equal(stat(path, &before), 0);
    uint64_t n = make_ledger(a, 4);
    n = add_receipts(a, 0);
    archive_well(a);
    assert_int_equal(a->result.n_segments, 3);
    assert_int_equal(a->result.n_copied, 2);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_valid(a, a->archive, n);
    archive_well(a); /* and nothing at all */
    assert_int_equal(a->result.n_copied, 0);
    assert_valid(a, a->archive, n);
}

static void a_ledger_that_is_written_meanwhile_is_archived_as_it_was(void **state)
{
    struct archived *a = *state;
    static struct record records[64];
    size_t n_under_way = SL_LENGTH(records), n_left = 6000;
    uint64_t n_archived = 0;
    fixture_open(&a->fixture);
    for (size_t i = 0; i < SL_LENGTH(records); i++) {
        fixture_draft(&a->fixture, &records[i], RECORD_RELEASE, 0);
        assert_true(recorder_submit(a->fixture.recorder, &records[i]));
    }
    recorder_kick(a->fixture.recorder);
    mailbox_wait(&a->fixture.box);
    while (n_under_way > 0) {
        for (struct mail *mail = mailbox_take(&a->fixture.box), *next; mail; mail = next) {
            next = mail->next;
            n_under_way--;
            if (n_left == 0)
                continue;
            n_left--;
            n_under_way++;
            assert_true(recorder_submit(a->fixture.recorder, (struct record *)(void *)mail));
        }
        recorder_kick(a->fixture.recorder);
        uint64_t n_durable = recorder_tree_size(a->fixture.recorder);
        archive_well(a);
        assert_true(a->result.n_receipts >= n_durable && a->result.n_receipts >= n_archived);
        n_archived = a->result.n_receipts;
        assert_valid(a, a->archive, n_archived);
        if (n_under_way > 0)
            mailbox_wait(&a->fixture.box);
    }
}

static void a_change_of_key_is_archived_like_everything_else(void **state)
{
    struct archived *a = *state;
    make_ledger(a, 2);
    archive_well(a);
    fixture_open(&a->fixture);
    fixture_rotate(&a->fixture, NULL);
    fixture_close(&a->fixture);
    archive_well(a);
    uint64_t n = make_ledger(a, 3);
    fixture_open(&a->fixture);
    fixture_rotate(&a->fixture, NULL);
    n = recorder_tree_size(a->fixture.recorder);
    fixture_close(&a->fixture);
    archive_well(a);
    assert_valid(a, a->archive, n);
    archive_well(a);
    restore_well(a);
    assert_valid(a, a->ledger, n);
}

static void what_a_run_has_left_half_done_is_done_again(void **state)
{
    struct archived *a = *state;
    char path[512];
    uint64_t n = make_ledger(a, 3);
    archive_well(a);
    /* As if it had been ended while the second one was copied: it has no name yet. */
    run_command("mkdir %s/incoming", a->archive);
    segment_path(a->archive, 1, path);
    run_command("head -c 300000 %s > %s/incoming/$(basename %s); rm %s %s/manifest", path,
                a->archive, path, path, a->archive);
    segment_path(a->archive, 1, path);
    run_command("rm %s", path);
    archive_well(a);
    assert_valid(a, a->archive, n);
    run_command("test ! -e %s/incoming", a->archive);
}

static void without_its_manifest_an_archive_is_proven_and_gone_on_with(void **state)
{
    struct archived *a = *state;
    uint64_t n = make_ledger(a, 3);
    archive_well(a);
    run_command("rm %s/manifest", a->archive);
    archive_well(a);
    assert_int_equal(a->result.n_segments, 2);
    assert_int_equal(a->result.n_copied, 0);
    assert_valid(a, a->archive, n);
    restore_well(a);
    assert_valid(a, a->ledger, n);
}

static void a_changed_segment_in_an_archive_without_manifest_is_named(void **state)
{
    struct archived *a = *state;
    char path[512];
    make_ledger(a, 3);
    archive_well(a);
    segment_path(a->archive, 1, path);
    flip(path, 5000);
    run_command("rm %s/manifest", a->archive);
    assert_refused(a, archive(a), SL_EMALFORMED, strrchr(path, '/') + 1);
    assert_non_null(strstr(a->problem.text, "does not hold"));
}

/* Whatever is changed in it: refused, or without effect. */
static void a_changed_manifest_never_spoils_the_archive(void **state)
{
    struct archived *a = *state;
    char path[512], kept[512];
    struct stat stat_of;
    size_t n_refused = 0;
    make_ledger(a, 2);
    archive_well(a);
    uint64_t n = a->result.n_receipts;
    snprintf(path, sizeof path, "%s/manifest", a->archive);
    snprintf(kept, sizeof kept, "%s/kept", a->fixture.root);
    run_command("cp %s %s", path, kept);
    assert_int_equal(stat(path, &stat_of), 0);
    for (off_t at = 0; at < stat_of.st_size; at += 3) {
        flip(path, (uint64_t)at);
        enum sl_err err = archive(a);
        n_refused += err != SL_OK;
        if (err != SL_OK)
            assert_non_null(strstr(a->problem.text, "manifest"));
        assert_valid(a, a->archive, n);
        run_command("cp %s %s", kept, path);
    }
    /* The time may be another if no later one is below it. */
    assert_true(n_refused > 0 && n_refused + 5 > (size_t)stat_of.st_size / 3);
    archive_well(a);
}

static void a_manifest_of_an_earlier_time_goes_on_from_there(void **state)
{
    struct archived *a = *state;
    make_ledger(a, 2);
    archive_well(a);
    run_command("cp %s/manifest %s/kept", a->archive, a->fixture.root);
    make_ledger(a, 3);
    archive_well(a);
    uint64_t n = a->result.n_receipts;
    run_command("cp %s/kept %s/manifest", a->fixture.root, a->archive);
    assert_refused(a, archive(a), SL_EMALFORMED, "manifest");
    run_command("rm %s/manifest", a->archive);
    archive_well(a);
    assert_valid(a, a->archive, n);
}

/* --------------------------------------------------------------------------------- wrong input --
 */

static void the_ledger_is_never_archived_onto_itself(void **state)
{
    struct archived *a = *state;
    uint64_t n = make_ledger(a, 1);
    char inside[512], link[512];
    snprintf(a->archive, sizeof a->archive, "%s", a->fixture.folder);
    assert_refused(a, archive(a), SL_EMALFORMED, "is the ledger itself, or in it");
    snprintf(inside, sizeof inside, "%s/heads", a->fixture.folder);
    mkdir(inside, 0700);
    snprintf(a->archive, sizeof a->archive, "%.180s", inside);
    assert_refused(a, archive(a), SL_EMALFORMED, "is the ledger itself, or in it");
    snprintf(link, sizeof link, "%s/link", a->fixture.root);
    assert_int_equal(symlink(a->fixture.folder, link), 0);
    snprintf(a->archive, sizeof a->archive, "%.180s", link);
    assert_refused(a, archive(a), SL_EMALFORMED, "is the ledger itself, or in it");
    fixture_assert_valid(&a->fixture, n);
}

static void a_folder_with_other_files_is_no_archive(void **state)
{
    struct archived *a = *state;
    make_ledger(a, 1);
    run_command("mkdir %s && echo precious > %s/thesis.txt", a->archive, a->archive);
    assert_refused(a, archive(a), SL_EMALFORMED, "there is \"thesis.txt\" in it");
    run_command("test \"$(ls %s)\" = thesis.txt", a->archive);
}

static void a_place_that_is_none_is_told(void **state)
{
    struct archived *a = *state;
    make_ledger(a, 1);
    snprintf(a->archive, sizeof a->archive, "/nowhere/archive");
    assert_refused(a, archive(a), SL_ESTORE, "can't be made: No such file");
    snprintf(a->archive, sizeof a->archive, "%s", a->fixture.key_file);
    assert_refused(a, archive(a), SL_ESTORE, "can't be read: Not a directory");
    snprintf(a->archive, sizeof a->archive, "%s/archive", a->fixture.root);
    run_command("mkdir %s/empty", a->fixture.root);
    snprintf(a->fixture.folder, sizeof a->fixture.folder, "%s/empty", a->fixture.root);
    assert_refused(a, archive(a), SL_EMALFORMED, "there is no ledger in");
}

static void two_runs_at_once_are_refused(void **state)
{
    struct archived *a = *state;
    char path[512];
    make_ledger(a, 1);
    archive_well(a);
    snprintf(path, sizeof path, "%s/lock", a->archive);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    assert_true(fd >= 0 && fcntl(fd, F_OFD_SETLK, &whole) == 0);
    assert_refused(a, archive(a), SL_EMALFORMED, "is in use");
    close(fd);
    archive_well(a);
}

static void the_archive_of_another_ledger_is_left_alone(void **state)
{
    struct archived *a = *state;
    struct fixture *other = calloc(1, sizeof *other);
    assert_non_null(other);
    make_ledger(a, 1);
    archive_well(a);
    run_command("cp -r %s %s/before", a->archive, a->fixture.root);
    /* One of the same name, under another key. */
    fixture_init(other);
    fixture_open(other);
    assert_int_equal(fixture_release(other, 0), RECORD_DURABLE);
    fixture_close(other);
    static struct vkey_list keys;
    size_t line;
    assert_int_equal(vkey_list_parse(slice_of_str(other->vkey), &keys, &line), SL_OK);
    const struct archive_request request = {
        .ledger = other->folder, .archive = a->archive, .keys = &keys};
    enum sl_err err = archive_run(&request, &a->problem, &a->result);
    assert_refused(a, err, SL_EMALFORMED, "not signed by a key of this ledger");
    keys.keys[0].name = slice_of_str("other.example");
    err = archive_run(&request, &a->problem, &a->result);
    assert_refused(a, err, SL_EMALFORMED,
                   "is the archive of the ledger \"" FIXTURE_ORIGIN "\", and this one is "
                   "\"other.example\"");
    run_command("diff -r -x incoming %s %s/before", a->archive, a->fixture.root);
    fixture_deinit(other);
    free(other);
}

static void an_older_ledger_takes_nothing_out_of_its_archive(void **state)
{
    struct archived *a = *state;
    char kept[300];
    make_ledger(a, 2);
    snprintf(kept, sizeof kept, "%s/old", a->fixture.root);
    run_command("cp -r %s %s", a->fixture.folder, kept);
    uint64_t n = add_receipts(a, 3);
    archive_well(a);
    /* By a few receipts in the segment in use, */
    run_command("rm -r %s && cp -r %s %s", a->fixture.folder, kept, a->fixture.folder);
    assert_refused(a, archive(a), SL_EMALFORMED, "knows of");
    assert_valid(a, a->archive, n);
    run_command("rm %s/manifest", a->archive);
    assert_refused(a, archive(a), SL_EMALFORMED, "knows of");
    assert_valid(a, a->archive, n);
}

static void a_ledger_behind_by_a_segment_is_refused_too(void **state)
{
    struct archived *a = *state;
    char kept[300];
    make_ledger(a, 1);
    snprintf(kept, sizeof kept, "%s/old", a->fixture.root);
    run_command("cp -r %s %s", a->fixture.folder, kept);
    make_ledger(a, 3);
    uint64_t n = add_receipts(a, 0);
    archive_well(a);
    run_command("rm -r %s && cp -r %s %s", a->fixture.folder, kept, a->fixture.folder);
    assert_refused(a, archive(a), SL_EMALFORMED, "has no segment that begins there");
    assert_valid(a, a->archive, n);
}

static void another_history_of_the_same_ledger_is_refused(void **state)
{
    struct archived *a = *state;
    char kept[300];
    make_ledger(a, 2);
    snprintf(kept, sizeof kept, "%s/old", a->fixture.root);
    run_command("cp -r %s %s && cp -r %s %s/oldindex", a->fixture.folder, kept,
                a->fixture.index_folder, a->fixture.root);
    uint64_t n = add_receipts(a, 2);
    archive_well(a);
    run_command("rm -r %s %s && cp -r %s %s && cp -r %s/oldindex %s", a->fixture.folder,
                a->fixture.index_folder, kept, a->fixture.folder, a->fixture.root,
                a->fixture.index_folder);
    fixture_open(&a->fixture);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fixture_release(&a->fixture, 3), RECORD_DURABLE);
    fixture_close(&a->fixture);
    assert_refused(a, archive(a), SL_EMALFORMED, "a copy of another ledger");
    assert_valid(a, a->archive, n);
}

static void damage_in_the_ledger_is_not_copied_over_what_was_right(void **state)
{
    struct archived *a = *state;
    char path[512];
    make_ledger(a, 2);
    archive_well(a);
    uint64_t n_before = a->result.n_receipts;
    make_ledger(a, 3);
    segment_path(a->fixture.folder, 1, path);
    flip(path, 700000);
    assert_refused(a, archive(a), SL_EMALFORMED, strrchr(path, '/') + 1);
    assert_valid(a, a->archive, n_before);
    flip(path, 700000);
    archive_well(a);
}

/* ---------------------------------------------------------------------------------- restoring --
 */

static void a_restored_ledger_is_the_same_and_goes_on(void **state)
{
    struct archived *a = *state;
    uint64_t n = make_ledger(a, 3);
    archive_well(a);
    restore_well(a);
    assert_int_equal(a->result.n_segments, 3);
    assert_int_equal(a->result.n_receipts, n);
    assert_valid(a, a->ledger, n);
    run_command("rm %s/lock; diff -r %s %s", a->fixture.folder, a->fixture.folder, a->ledger);
    run_command("rm -r %s && mv %s %s", a->fixture.folder, a->ledger, a->fixture.folder);
    assert_int_equal(add_receipts(a, 2), n + 2);
    fixture_assert_valid(&a->fixture, n + 2);
    /* Without holes: a batch changes data, and no list of blocks. */
    struct stat stat_of;
    char path[512];
    segment_path(a->fixture.folder, 2, path);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_true(stat_of.st_blocks * 512 >= stat_of.st_size);
}

static void an_empty_ledger_folder_makes_place_and_another_does_not(void **state)
{
    struct archived *a = *state;
    uint64_t n = make_ledger(a, 2);
    archive_well(a);
    run_command("mkdir %s && touch %s/lock %s/next.tmp && mkdir %s/heads", a->ledger, a->ledger,
                a->ledger, a->ledger);
    restore_well(a);
    assert_valid(a, a->ledger, n);
    assert_refused(a, restore(a), SL_EMALFORMED, "it is never overwritten");
    assert_valid(a, a->ledger, n);
    run_command("rm -r %s && mkdir %s && echo x > %s/thesis.txt", a->ledger, a->ledger, a->ledger);
    assert_refused(a, restore(a), SL_ESTORE, "can't be put in place");
    run_command("test -s %s/thesis.txt", a->ledger);
}

static void what_is_not_an_archive_is_refused(void **state)
{
    struct archived *a = *state;
    make_ledger(a, 2);
    assert_refused(a, restore(a), SL_ESTORE, "can't be read: No such file");
    run_command("mkdir %s", a->archive);
    assert_refused(a, restore(a), SL_EMALFORMED, "there is no manifest in it");
    archive_well(a);
    run_command("echo >> %s/manifest", a->archive);
    assert_refused(a, restore(a), SL_EMALFORMED, "was changed, or is none");
    run_command("test ! -e %s -a ! -e %s", a->ledger, a->restoring);
}

static void a_manifest_that_tells_of_more_is_not_believed(void **state)
{
    struct archived *a = *state;
    char path[512];
    make_ledger(a, 2);
    archive_well(a);
    run_command("cp %s/manifest %s/kept", a->archive, a->fixture.root);
    add_receipts(a, 2);
    archive_well(a);
    /* The copy of the segment in use as it was before, the manifest of now. */
    segment_path(a->archive, 1, path);
    run_command("cp %s %s/later", path, a->fixture.root);
    static uint8_t zeros[2 * 4096];
    struct stat stat_of;
    assert_int_equal(stat(path, &stat_of), 0);
    uint64_t end = (uint64_t)stat_of.st_size;
    uint8_t byte = 0;
    while (byte == 0)
        fixture_peek(path, --end, &byte, 1);
    fixture_poke(path, (end / 4096 + 1) * 4096 - 4096, zeros, 4096);
    assert_refused(a, restore(a), SL_EMALFORMED, "its manifest tells of");
    run_command("test ! -e %s", a->ledger);
    run_command("cp %s/later %s", a->fixture.root, path);
    restore_well(a);
}

static void a_changed_or_missing_segment_is_named_and_what_holds_is_kept(void **state)
{
    struct archived *a = *state;
    char path[512], away[512];
    uint64_t n = make_ledger(a, 4);
    archive_well(a);
    segment_path(a->archive, 2, path);
    flip(path, 333333);
    assert_refused(a, restore(a), SL_EMALFORMED, strrchr(path, '/') + 1);
    run_command("test ! -e %s", a->ledger);
    flip(path, 333333);
    snprintf(away, sizeof away, "%s/away", a->fixture.root);
    assert_int_equal(__real_rename(path, away), 0);
    assert_refused(a, restore(a), SL_EMALFORMED, "has no segment that begins with receipt");
    assert_int_equal(__real_rename(away, path), 0);
    restore_well(a);
    assert_true(a->result.n_copied < a->result.n_segments); /* it went on where it stopped */
    assert_valid(a, a->ledger, n);
}

static void half_a_copy_and_one_that_was_changed_are_made_again(void **state)
{
    struct archived *a = *state;
    char path[512], target[512];
    uint64_t n = make_ledger(a, 4);
    archive_well(a);
    run_command("mkdir -p %s/incoming", a->restoring);
    for (size_t i = 0; i < 3; i++) {
        segment_path(a->archive, i, path);
        run_command("cp %s %s/", path, a->restoring);
    }
    segment_path(a->archive, 3, path);
    run_command("head -c 5000 %s > %s/incoming/$(basename %s)", path, a->restoring, path);
    segment_path(a->restoring, 1, target);
    flip(target, 400000);
    restore_well(a);
    assert_int_equal(a->result.n_copied, 3); /* all but the first */
    assert_valid(a, a->ledger, n);
}

static struct archive_evidence evidence_of(const struct archived *a, uint64_t size)
{
    struct archive_evidence evidence = {.held = {.size = size}, .from = "/elsewhere/checkpoint"};
    struct sluis_verify_report report;
    const struct sluis_verify_options options = {.vkey = a->fixture.vkey};
    assert_int_equal(sluis_verify_folder(a->fixture.folder, &options, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_receipts, size);
    memcpy(evidence.held.root, report.root, sizeof report.root);
    return evidence;
}

static void a_copy_behind_what_is_known_elsewhere_is_refused(void **state)
{
    struct archived *a = *state;
    uint64_t n = make_ledger(a, 2);
    const struct archive_evidence older = evidence_of(a, n), none = {0};
    archive_well(a);
    uint64_t newer_n = add_receipts(a, 1);
    const struct archive_evidence newer = evidence_of(a, newer_n);
    assert_refused(a, restore_with(a, newer, none), SL_EMALFORMED,
                   "/elsewhere/checkpoint knows of");
    assert_refused(a, restore_with(a, none, newer), SL_EMALFORMED, "is an older copy");
    run_command("test ! -e %s -a ! -e %s", a->ledger, a->restoring);
    archive_well(a);
    assert_int_equal(restore_with(a, newer, older), SL_OK);
    assert_valid(a, a->ledger, newer_n);
}

static void a_copy_of_another_history_is_refused(void **state)
{
    struct archived *a = *state;
    uint64_t n = make_ledger(a, 2);
    struct archive_evidence forked = evidence_of(a, n);
    const struct archive_evidence none = {0};
    archive_well(a);
    forked.held.root[0] ^= 1;
    assert_refused(a, restore_with(a, forked, none), SL_EMALFORMED, "a copy of another ledger");
    forked.held.root[0] ^= 1;
    forked.held.size -= 1; /* no checkpoint was ever signed there */
    assert_refused(a, restore_with(a, none, forked), SL_EMALFORMED, "a copy of another ledger");
    run_command("test ! -e %s", a->ledger);
    restore_well(a);
}

/* ------------------------------------------------------------------------------------- faults --
 */

static void whichever_call_fails_the_next_run_archives_all(void **state)
{
    struct archived *a = *state;
    uint64_t n = make_ledger(a, 2);
    long n_failed = 0;
    for (long k = 1;; k++) {
        countdown = k;
        enum sl_err err = archive(a);
        bool all_went_well = countdown > 0;
        countdown = 0;
        if (err != SL_OK) {
            assert_true(a->problem.text[0] != '\0');
            n_failed++;
        }
        archive_well(a);
        assert_valid(a, a->archive, n);
        if (all_went_well)
            break;
        if (k % 2 == 0) /* from nothing, and from what is there */
            run_command("rm -r %s", a->archive);
    }
    assert_true(n_failed > 10);
}

static void whichever_call_fails_the_next_run_restores_all(void **state)
{
    struct archived *a = *state;
    uint64_t n = make_ledger(a, 2);
    long n_failed = 0;
    archive_well(a);
    for (long k = 1;; k++) {
        countdown = k;
        enum sl_err err = restore(a);
        bool all_went_well = countdown > 0;
        countdown = 0;
        bool has_name = access(a->ledger, F_OK) == 0;
        if (err != SL_OK) {
            assert_true(a->problem.text[0] != '\0');
            n_failed++;
        }
        if (!has_name)
            restore_well(a);
        assert_valid(a, a->ledger, n); /* what has the name is whole */
        run_command("rm -r %s", a->ledger);
        if (all_went_well)
            break;
    }
    assert_true(n_failed > 10);
}

int main(void)
{
#define ARCHIVE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        ARCHIVE_TEST(an_archive_is_a_ledger_folder_that_verifies),
        ARCHIVE_TEST(a_later_run_copies_only_what_is_new),
        ARCHIVE_TEST(a_ledger_that_is_written_meanwhile_is_archived_as_it_was),
        ARCHIVE_TEST(a_change_of_key_is_archived_like_everything_else),
        ARCHIVE_TEST(what_a_run_has_left_half_done_is_done_again),
        ARCHIVE_TEST(without_its_manifest_an_archive_is_proven_and_gone_on_with),
        ARCHIVE_TEST(a_changed_segment_in_an_archive_without_manifest_is_named),
        ARCHIVE_TEST(a_changed_manifest_never_spoils_the_archive),
        ARCHIVE_TEST(a_manifest_of_an_earlier_time_goes_on_from_there),
        ARCHIVE_TEST(the_ledger_is_never_archived_onto_itself),
        ARCHIVE_TEST(a_folder_with_other_files_is_no_archive),
        ARCHIVE_TEST(a_place_that_is_none_is_told),
        ARCHIVE_TEST(two_runs_at_once_are_refused),
        ARCHIVE_TEST(the_archive_of_another_ledger_is_left_alone),
        ARCHIVE_TEST(an_older_ledger_takes_nothing_out_of_its_archive),
        ARCHIVE_TEST(a_ledger_behind_by_a_segment_is_refused_too),
        ARCHIVE_TEST(another_history_of_the_same_ledger_is_refused),
        ARCHIVE_TEST(damage_in_the_ledger_is_not_copied_over_what_was_right),
        ARCHIVE_TEST(a_restored_ledger_is_the_same_and_goes_on),
        ARCHIVE_TEST(an_empty_ledger_folder_makes_place_and_another_does_not),
        ARCHIVE_TEST(what_is_not_an_archive_is_refused),
        ARCHIVE_TEST(a_manifest_that_tells_of_more_is_not_believed),
        ARCHIVE_TEST(a_changed_or_missing_segment_is_named_and_what_holds_is_kept),
        ARCHIVE_TEST(half_a_copy_and_one_that_was_changed_are_made_again),
        ARCHIVE_TEST(a_copy_behind_what_is_known_elsewhere_is_refused),
        ARCHIVE_TEST(a_copy_of_another_history_is_refused),
        ARCHIVE_TEST(whichever_call_fails_the_next_run_archives_all),
        ARCHIVE_TEST(whichever_call_fails_the_next_run_restores_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
