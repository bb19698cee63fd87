/*
 * fixture.c - a ledger in a temporary folder, with a store of a few subjects that is not one
 */
#include "fixture.h"

#include "base/private_file.h"
#include "ledger/recorder_parts.h"
#include "ledger/segment.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static const int64_t start_ms = 1795396800000; /* 2026-11-23 */

/* --------------------------------------------------------------- the store that is not one -- */

static struct fixture_subject *find(struct fixture *fixture, const uint8_t *id)
{
    for (size_t i = 0; i < FIXTURE_SUBJECTS; i++)
        if (fixture->subjects[i].known &&
            memcmp(fixture->subjects[i].id, id, SUBJECT_ID_BYTES) == 0)
            return &fixture->subjects[i];
    return NULL;
}

static enum sl_err load_subject(void *context, const uint8_t subject[SUBJECT_ID_BYTES],
                                uint8_t key[SUBJECT_KEY_BYTES], uint64_t *policy_version)
{
    struct fixture *fixture = context;
    const struct fixture_subject *found = find(fixture, subject);
    if (fixture->load_err != SL_OK)
        return fixture->load_err;
    if (!found)
        return SL_EMALFORMED;
    memcpy(key, found->key, SUBJECT_KEY_BYTES);
    *policy_version = found->version;
    return SL_OK;
}

static enum sl_err admit_flow(void *context, struct record *record)
{
    struct fixture *fixture = context;
    struct fixture_demand *demand = record->demand;
    fixture->demands_open = true;
    demand->index = record->index;
    fixture->n_kept += demand->err == SL_OK;
    return demand->err;
}

static enum sl_err commit_flows(void *context)
{
    struct fixture *fixture = context;
    fixture->demands_open = false;
    if (fixture->flows_err != SL_OK)
        return fixture->flows_err;
    fixture->n_durable = fixture->n_kept;
    fixture->n_commits++;
    fixture->size_at_commit = recorder_tree_size(fixture->recorder);
    return SL_OK;
}

static enum sl_err commit_change(void *context, struct record *record)
{
    struct fixture *fixture = context;
    struct fixture_subject *subject = record->change;
    assert_false(fixture->demands_open); /* the store is free */
    if (fixture->commit_err != SL_OK)
        return fixture->commit_err;
    if (!subject) /* committed before a crash */
        return SL_OK;
    if (record->kind == RECORD_ERASURE) {
        struct leaf leaf; /* complete by now */
        assert_int_equal(leaf_parse(slice_of(record->leaf.bytes, record->leaf.n), &leaf), SL_OK);
        subject->known = false;
        return SL_OK;
    }
    if (subject->version + 1 != record->policy_version)
        return SL_EMALFORMED;
    subject->known = true;
    subject->version = record->policy_version;
    return SL_OK;
}

static enum sl_err each_subject(void *context,
                                bool (*visit)(void *visit_context,
                                              const uint8_t id[SUBJECT_ID_BYTES],
                                              const uint8_t key[SUBJECT_KEY_BYTES]),
                                void *visit_context)
{
    struct fixture *fixture = context;
    for (size_t i = 0; i < FIXTURE_SUBJECTS; i++)
        if (fixture->subjects[i].known &&
            !visit(visit_context, fixture->subjects[i].id, fixture->subjects[i].key))
            break;
    return SL_OK;
}

/* --------------------------------------------------------------------- opening and closing -- */

static void remove_tree(const char *path)
{
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char inside[512];
        struct stat stat;
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        assert_int_equal(lstat(inside, &stat), 0);
        if (S_ISDIR(stat.st_mode))
            remove_tree(inside);
        else
            assert_int_equal(unlink(inside), 0);
    }
    closedir(folder);
    assert_int_equal(rmdir(path), 0);
}

static void make_subjects(struct fixture *fixture)
{
    for (size_t i = 0; i < FIXTURE_SUBJECTS; i++) {
        struct fixture_subject *subject = &fixture->subjects[i];
        memset(subject->id, (int)(0x10 + i), sizeof subject->id);
        memset(subject->key, (int)(0xa0 + i), sizeof subject->key);
        /* The last one is new: only a consent makes it known. */
        subject->known = i < FIXTURE_SUBJECTS - 1;
        subject->version = subject->known ? 1 : 0;
    }
}

void fixture_init_in(struct fixture *fixture, const char *base)
{
    memset(fixture, 0, sizeof *fixture);
    snprintf(fixture->root, sizeof fixture->root, "%s/sluis-ledger-XXXXXX", base);
    assert_non_null(mkdtemp(fixture->root));
    snprintf(fixture->folder, sizeof fixture->folder, "%s/ledger", fixture->root);
    snprintf(fixture->index_folder, sizeof fixture->index_folder, "%s/index", fixture->root);
    snprintf(fixture->key_file, sizeof fixture->key_file, "%s/key.pem", fixture->root);
    snprintf(fixture->vkey_file, sizeof fixture->vkey_file, "%s/key.vkey", fixture->root);

    struct note_problem problem;
    assert_int_equal(note_key_generate(fixture->key_file, fixture->vkey_file,
                                       slice_of_str(FIXTURE_ORIGIN), &problem),
                     SL_OK);
    FILE *file = fopen(fixture->vkey_file, "re");
    assert_non_null(file);
    assert_non_null(fgets(fixture->vkey, sizeof fixture->vkey, file));
    fclose(file);

    make_subjects(fixture);
    fixture->limits = limits_default();
    fixture->limits.segment_bytes = 1 << 20;
    fixture->limits.consent_reserve_bytes = 1 << 16;
    fixture->config = (struct recorder_config){
        .folder = fixture->folder,
        .index_folder = fixture->index_folder,
        .origin = slice_of_str(FIXTURE_ORIGIN),
        .key_file = fixture->key_file,
        .vkey_file = fixture->vkey_file,
        .limits = &fixture->limits,
        .ops = {.load_subject = load_subject,
                .admit_flow = admit_flow,
                .commit_flows = commit_flows,
                .commit_change = commit_change,
                .each_subject = each_subject,
                .context = fixture},
    };
    assert_int_equal(mailbox_init(&fixture->box), SL_OK);
}

void fixture_init(struct fixture *fixture)
{
    const char *base = getenv("TMPDIR");
    fixture_init_in(fixture, base ? base : "/tmp");
}

void fixture_deinit(struct fixture *fixture)
{
    fixture_close(fixture);
    mailbox_deinit(&fixture->box);
    remove_tree(fixture->root);
}

void fixture_open(struct fixture *fixture)
{
    enum sl_err err = recorder_open(&fixture->config, &fixture->problem, &fixture->recorder);
    if (err != SL_OK)
        fail_msg("recorder_open: %s: %s", sl_err_name(err), fixture->problem.text);
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    if (fixture->epochs_end)
        recorder_start_epochs(fixture->recorder);
}

enum sl_err fixture_open_fails(struct fixture *fixture)
{
    struct recorder *untouched = NULL;
    enum sl_err err = recorder_open(&fixture->config, &fixture->problem, &untouched);
    assert_int_not_equal(err, SL_OK);
    assert_null(untouched);
    assert_true(fixture->problem.text[0] != '\0');
    return err;
}

void fixture_close(struct fixture *fixture)
{
    recorder_free(fixture->recorder);
    fixture->recorder = NULL;
}

void fixture_await_size(struct fixture *fixture, uint64_t size)
{
    while (recorder_tree_size(fixture->recorder) < size)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(recorder_tree_size(fixture->recorder), size);
}

void fixture_end_epoch(struct fixture *fixture)
{
    uint64_t size = recorder_tree_size(fixture->recorder);
    fixture_close(fixture);
    fixture->epochs_end = true;
    fixture_open(fixture);
    fixture_await_size(fixture, size + 1);
    fixture_close(fixture);
    fixture->epochs_end = false;
    fixture_open(fixture);
}

/* --------------------------------------------------------------------------------- recording -- */

void fixture_draft(struct fixture *fixture, struct record *record, enum record_kind kind, int who)
{
    static const struct leaf_class classes[] = {
        {SLICE_LITERAL("location"), {.kept = true, .coarseness = {{5000, 900}}}},
        {SLICE_LITERAL("location.speed"), {.kept = false}},
    };
    memset(record, 0, sizeof *record);
    record->reply_to = &fixture->box;
    record->kind = kind;
    memset(record->basis, 0x5a, sizeof record->basis);
    memset(record->body, 0xa5, sizeof record->body);
    if (who >= 0) {
        struct fixture_subject *subject = &fixture->subjects[who];
        record->subject_known = true;
        memcpy(record->subject, subject->id, sizeof record->subject);
        record->policy_version = subject->version;
        record->policy_version += kind == RECORD_CONSENT;
        if (kind == RECORD_CONSENT || kind == RECORD_ERASURE) {
            record->change = subject;
            record->may_use_reserve = true;
        }
    }
    if (kind == RECORD_ERASURE) {
        assert_int_equal(leaf_draft_erasure(start_ms, &record->leaf), SL_OK);
        return;
    }
    if (kind == RECORD_CONSENT) {
        const struct leaf_policy policy = {.time_ms = start_ms, .granted = 1, .withdrawn = 2};
        assert_int_equal(leaf_draft_policy(&policy, &record->leaf), SL_OK);
        return;
    }
    if (kind == RECORD_NODE) {
        /* Of an epoch that is not closing. */
        const struct leaf_heads heads = {.time_ms = start_ms, .epoch = 1, .end = 1, .n_entries = 1};
        assert_int_equal(leaf_draft_heads(&heads, &record->leaf), SL_OK);
        return;
    }
    const struct leaf_flow flow = {
        .kind = LEAF_PULL,
        .time_ms = start_ms,
        .partner = SLICE_LITERAL("spotify"),
        .app = SLICE_LITERAL("waze"),
        .route = SLICE_LITERAL("waze-position"),
        .purpose = SLICE_LITERAL("recommendation"),
        .benefit = SLICE_LITERAL("Playlists that fit the drive"),
        .released = kind == RECORD_RELEASE,
        .reason = SLICE_LITERAL("consented"),
        .n_classes = SL_LENGTH(classes),
        .classes = classes,
    };
    assert_int_equal(leaf_draft_flow(&flow, &record->leaf), SL_OK);
}

enum record_outcome fixture_record(struct fixture *fixture, struct record *record)
{
    assert_true(recorder_submit(fixture->recorder, record));
    recorder_kick(fixture->recorder);
    mailbox_wait(&fixture->box);
    struct mail *back = mailbox_take(&fixture->box);
    assert_ptr_equal(back, &record->mail);
    assert_null(back->next);
    return record->outcome;
}

enum record_outcome fixture_release(struct fixture *fixture, int who)
{
    struct record record;
    fixture_draft(fixture, &record, RECORD_RELEASE, who);
    return fixture_record(fixture, &record);
}

void fixture_release_many(struct fixture *fixture, size_t n)
{
    struct record *records = calloc(n, sizeof *records);
    assert_non_null(records);
    for (size_t i = 0; i < n; i++) {
        fixture_draft(fixture, &records[i], RECORD_RELEASE, (int)(i % 4));
        assert_true(recorder_submit(fixture->recorder, &records[i]));
    }
    recorder_kick(fixture->recorder);
    for (size_t n_back = 0; n_back < n;) {
        mailbox_wait(&fixture->box);
        for (struct mail *mail = mailbox_take(&fixture->box); mail; mail = mail->next) {
            assert_int_equal(((struct record *)(void *)mail)->outcome, RECORD_DURABLE);
            n_back++;
        }
    }
    free(records);
}

uint64_t fixture_count(struct fixture *fixture, int who)
{
    struct hmac_key key;
    uint8_t label[INDEX_LABEL_BYTES];
    uint64_t n = UINT64_MAX;
    hmac_key_init(&key, slice_of(fixture->subjects[who].key, SUBJECT_KEY_BYTES));
    index_label(&key, label);
    assert_false(fixture->recorder->started);
    assert_int_equal(index_counter(fixture->recorder->index, label, &n), SL_OK);
    return n;
}

struct keyring fixture_keyring(const struct fixture *fixture)
{
    return (struct keyring){fixture->key_file, fixture->vkey_file, fixture->config.origin};
}

void fixture_rotate(struct fixture *fixture, char vkey[RECORDER_VKEY_BYTES_MAX])
{
    const struct keyring keyring = fixture_keyring(fixture);
    struct note_problem problem;
    struct note_signer *next = NULL;
    struct record record = {.kind = RECORD_NODE, .reply_to = &fixture->box};
    char old_vkey[RECORDER_VKEY_BYTES_MAX], new_vkey[RECORDER_VKEY_BYTES_MAX];
    assert_int_equal(keyring_next_open(&keyring, &problem, &next), SL_OK);
    recorder_vkey(fixture->recorder, old_vkey);
    snprintf(new_vkey, sizeof new_vkey, "%s", note_signer_vkey(next));
    const struct leaf_key leaf = {start_ms, slice_of_str(old_vkey), slice_of_str(new_vkey)};
    assert_int_equal(leaf_draft_key(&leaf, &record.leaf), SL_OK);
    record.next_signer = next;
    assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    assert_int_equal(keyring_follow(&keyring, slice_of_str(new_vkey),
                                    recorder_n_keys(fixture->recorder), &problem),
                     SL_OK);
    if (vkey)
        memcpy(vkey, new_vkey, sizeof new_vkey);
}

/* -------------------------------------------------------------------------------- verifying -- */

enum sluis_verify_result fixture_verify(struct fixture *fixture, struct sluis_verify_report *report)
{
    const struct sluis_verify_options options = {.vkey = fixture->vkey};
    return sluis_verify_folder(fixture->folder, &options, report);
}

void fixture_assert_valid(struct fixture *fixture, uint64_t n_receipts)
{
    struct sluis_verify_report report;
    if (fixture_verify(fixture, &report) != SLUIS_VERIFY_VALID)
        fail_msg("not valid: %s at byte %llu: %s", report.segment,
                 (unsigned long long)report.segment_offset, report.problem);
    assert_int_equal(report.n_receipts, n_receipts);
}

void fixture_segment_path(const struct fixture *fixture, uint64_t first_index, char path[256])
{
    char name[SEGMENT_NAME_BYTES + 1];
    segment_name(first_index, name);
    snprintf(path, 256, "%s/%s", fixture->folder, name);
}

void fixture_peek(const char *path, uint64_t offset, void *bytes, size_t n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, bytes, n, (off_t)offset), n);
    close(fd);
}

void fixture_poke(const char *path, uint64_t offset, const void *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, (off_t)offset), n);
    close(fd);
}

void fixture_copy_file(const char *from, const char *to)
{
    static uint8_t block[1 << 16];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(in >= 0 && out >= 0);
    for (ssize_t n = read(in, block, sizeof block); n != 0; n = read(in, block, sizeof block)) {
        assert_true(n > 0);
        assert_int_equal(write(out, block, (size_t)n), n);
    }
    close(in);
    close(out);
}

/* Files of the folder that are part of the ledger: segments, or lists of heads. */
static void copy_folder(const char *from, const char *to)
{
    assert_int_equal(mkdir(to, 0700), 0);
    DIR *folder = opendir(from);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        uint64_t number;
        struct slice name = slice_of_str(entry->d_name);
        if (!segment_name_parse(name, &number) && !heads_name_parse(name, &number))
            continue;
        char source[512], target[512];
        snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
        fixture_copy_file(source, target);
    }
    closedir(folder);
}

void fixture_copy_ledger(const struct fixture *fixture, const char *to)
{
    char lists[512], target[512];
    copy_folder(fixture->folder, to);
    snprintf(lists, sizeof lists, "%s/" HEADS_FOLDER, fixture->folder);
    snprintf(target, sizeof target, "%s/" HEADS_FOLDER, to);
    if (access(lists, F_OK) == 0)
        copy_folder(lists, target);
}
