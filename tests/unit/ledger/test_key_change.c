/*
 * test_key_change.c - a ledger that goes over to another key, as recorder, start and auditor see it
 */
#include "fixture.h"
#include "forge.h"

#include "ledger/recover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { KEYS = 4 };

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture_init(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_deinit(*state);
    free(*state);
    return 0;
}

static void remove_index(const struct fixture *fixture)
{
    char command[300];
    snprintf(command, sizeof command, "rm -r %s", fixture->index_folder);
    assert_int_equal(system(command), 0);
}

static void record(struct fixture *fixture, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
}

/* Lines of the list, joined. */
static const char *join(const char *const *vkeys, size_t n)
{
    static char text[KEYS * 512];
    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        strncat(text, vkeys[i], strcspn(vkeys[i], "\n"));
        strcat(text, "\n");
    }
    return text;
}

static enum sluis_verify_result verify_under(struct fixture *fixture, const char *vkeys,
                                             struct sluis_verify_report *report)
{
    const struct sluis_verify_options options = {.vkey = vkeys};
    return sluis_verify_folder(fixture->folder, &options, report);
}

static void assert_result(enum sluis_verify_result found, enum sluis_verify_result expected,
                          const struct sluis_verify_report *report, const char *part)
{
    if (found != expected || !strstr(report->problem, part))
        fail_msg("expected %d and \"%s\", found %d: %s", (int)expected, part, (int)found,
                 report->problem);
}

static struct slice read_list(const struct fixture *fixture)
{
    static char text[8192];
    FILE *file = fopen(fixture->vkey_file, "re");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    return slice_of(text, n);
}

/* --------------------------------------------------------------------------------- going over --
 */

static void receipts_after_the_key_receipt_are_signed_by_the_new_key(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    char second[RECORDER_VKEY_BYTES_MAX], in_use[RECORDER_VKEY_BYTES_MAX];
    uint8_t note[RECORDER_CHECKPOINT_BYTES_MAX];
    struct sluis_proof_report proof;
    fixture_open(fixture);
    record(fixture, 2);
    fixture_rotate(fixture, second);
    /* The receipt itself is still signed for by the old one. */
    size_t n = recorder_checkpoint(fixture->recorder, note);
    const struct sluis_trust first_only = {.vkey = fixture->vkey};
    const struct sluis_trust second_only = {.vkey = second};
    assert_int_equal(sluis_verify_checkpoint(note, n, &first_only, &proof), SLUIS_VERIFY_VALID);
    recorder_vkey(fixture->recorder, in_use);
    assert_string_equal(in_use, second);
    assert_int_equal(recorder_n_keys(fixture->recorder), 2);
    record(fixture, 1);
    n = recorder_checkpoint(fixture->recorder, note);
    assert_int_equal(sluis_verify_checkpoint(note, n, &first_only, &proof), SLUIS_VERIFY_INVALID);
    assert_int_equal(sluis_verify_checkpoint(note, n, &second_only, &proof), SLUIS_VERIFY_VALID);
    fixture_close(fixture);
    assert_int_equal(verify_under(fixture, fixture->vkey, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_receipts, 4);
    assert_int_equal(report.n_keys, 2);
    assert_int_equal(report.key_receipt, 2);
    assert_string_equal(report.vkey, second);
    assert_int_equal(report.n_older, 0);
}

static void every_start_goes_on_with_the_newest_key(void **state)
{
    struct fixture *fixture = *state;
    uint64_t size = 0;
    for (int i = 0; i < 3; i++) {
        fixture_open(fixture);
        record(fixture, 1);
        fixture_rotate(fixture, NULL);
        size += 2;
        fixture_close(fixture);
        fixture_open(fixture); /* right after the receipt */
        record(fixture, 1);
        size++;
        fixture_close(fixture);
        if (i == 1)
            remove_index(fixture);
        fixture_open(fixture);
        assert_int_equal(recorder_tree_size(fixture->recorder), size);
        assert_int_equal(recorder_n_keys(fixture->recorder), (unsigned)i + 2);
        fixture_close(fixture);
        fixture_assert_valid(fixture, size);
    }
}

static void the_list_has_every_key_in_order(void **state)
{
    struct fixture *fixture = *state;
    char vkeys[KEYS][RECORDER_VKEY_BYTES_MAX];
    const char *all[KEYS] = {fixture->vkey, vkeys[1], vkeys[2], vkeys[3]};
    fixture_open(fixture);
    for (int i = 1; i < KEYS; i++) {
        fixture_rotate(fixture, vkeys[i]);
        record(fixture, 1);
    }
    assert_true(slice_equals_str(read_list(fixture), join(all, KEYS)));
}

static void rotations_may_follow_one_another_at_once(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    for (int i = 0; i < 5; i++)
        fixture_rotate(fixture, NULL);
    record(fixture, 1);
    fixture_assert_valid(fixture, 6);
    fixture_close(fixture);
    fixture_open(fixture);
    record(fixture, 1);
    fixture_assert_valid(fixture, 7);
}

static void a_key_receipt_ends_its_batch(void **state)
{
    struct fixture *fixture = *state;
    enum { N = 64 };
    const struct keyring keyring = fixture_keyring(fixture);
    static struct record records[N];
    struct note_problem problem;
    struct note_signer *next = NULL;
    char vkey[RECORDER_VKEY_BYTES_MAX];
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    assert_int_equal(keyring_next_open(&keyring, &problem, &next), SL_OK);
    recorder_vkey(fixture->recorder, vkey);
    for (size_t i = 0; i < N; i++) {
        fixture_draft(fixture, &records[i], RECORD_RELEASE, 0);
        if (i == N / 2) {
            const struct leaf_key leaf = {1795396800000, slice_of_str(vkey),
                                          slice_of_str(note_signer_vkey(next))};
            records[i] = (struct record){
                .kind = RECORD_NODE, .reply_to = &fixture->box, .next_signer = next};
            assert_int_equal(leaf_draft_key(&leaf, &records[i].leaf), SL_OK);
        }
        assert_true(recorder_submit(fixture->recorder, &records[i]));
    }
    assert_int_equal(recorder_start(fixture->recorder), SL_OK); /* all of it waits */
    for (size_t n_back = 0; n_back < N;) {
        mailbox_wait(&fixture->box);
        for (struct mail *mail = mailbox_take(&fixture->box); mail; mail = mail->next, n_back++)
            assert_int_equal(((struct record *)(void *)mail)->outcome, RECORD_DURABLE);
    }
    fixture_close(fixture);
    struct sluis_verify_report report;
    assert_int_equal(verify_under(fixture, fixture->vkey, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_receipts, N);
    assert_int_equal(report.n_batches, 2);
    assert_int_equal(report.key_receipt, N / 2);
}

static void a_rotation_that_is_not_from_the_key_in_use_is_rejected(void **state)
{
    struct fixture *fixture = *state;
    const struct keyring keyring = fixture_keyring(fixture);
    struct note_problem problem;
    SL_AUTO(note_signer) next = NULL;
    char in_use[RECORDER_VKEY_BYTES_MAX], other[RECORDER_VKEY_BYTES_MAX];
    fixture_open(fixture);
    recorder_vkey(fixture->recorder, other);
    fixture_rotate(fixture, in_use);
    assert_int_equal(keyring_next_open(&keyring, &problem, &next), SL_OK);
    const char *next_vkey = note_signer_vkey(next);
    const struct {
        const char *old_vkey, *new_vkey;
        struct note_signer *signer;
    } wrong[] = {
        {other, next_vkey, next},  /* from one that was replaced */
        {in_use, other, next},     /* to another than the one that comes with it */
        {in_use, in_use, next},    /* to itself */
        {in_use, next_vkey, NULL}, /* and nothing to sign with */
    };
    for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
        struct record record = {
            .kind = RECORD_NODE, .reply_to = &fixture->box, .next_signer = wrong[i].signer};
        const struct leaf_key leaf = {1795396800000, slice_of_str(wrong[i].old_vkey),
                                      slice_of_str(wrong[i].new_vkey)};
        assert_int_equal(leaf_draft_key(&leaf, &record.leaf), SL_OK);
        assert_int_equal(fixture_record(fixture, &record), RECORD_REJECTED);
    }
    record(fixture, 1);
    fixture_assert_valid(fixture, 2);
}

static void after_so_many_keys_no_other_is_taken(void **state)
{
    struct fixture *fixture = *state;
    const struct keyring keyring = fixture_keyring(fixture);
    struct note_problem problem;
    SL_AUTO(note_signer) next = NULL;
    char vkey[RECORDER_VKEY_BYTES_MAX];
    fixture_open(fixture);
    for (int i = 1; i < LIMIT_MAX_ledger_keys; i++)
        fixture_rotate(fixture, vkey);
    assert_int_equal(keyring_next_open(&keyring, &problem, &next), SL_OK);
    struct record one_more = {.kind = RECORD_NODE, .reply_to = &fixture->box, .next_signer = next};
    const struct leaf_key leaf = {1795396800000, slice_of_str(vkey),
                                  slice_of_str(note_signer_vkey(next))};
    assert_int_equal(leaf_draft_key(&leaf, &one_more.leaf), SL_OK);
    assert_int_equal(fixture_record(fixture, &one_more), RECORD_REJECTED);
    fixture_close(fixture);
    fixture_open(fixture);
    record(fixture, 1);
    struct sluis_verify_report report;
    assert_int_equal(verify_under(fixture, fixture->vkey, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_keys, LIMIT_MAX_ledger_keys);
}

/* -------------------------------------------------------------------------- what is given -- */

/* 0 1 | 2: to K2 | 3 4 | 5: to K3 | 6 */
static void make_three_keys(struct fixture *fixture, char vkeys[KEYS][RECORDER_VKEY_BYTES_MAX])
{
    snprintf(vkeys[0], RECORDER_VKEY_BYTES_MAX, "%.*s", (int)strcspn(fixture->vkey, "\n"),
             fixture->vkey);
    fixture_open(fixture);
    record(fixture, 2);
    fixture_rotate(fixture, vkeys[1]);
    record(fixture, 2);
    fixture_rotate(fixture, vkeys[2]);
    record(fixture, 1);
    fixture_close(fixture);
    struct note_problem problem;
    char key_file[200];
    snprintf(key_file, sizeof key_file, "%s/stranger.pem", fixture->root);
    assert_int_equal(note_key_create(key_file, slice_of_str(FIXTURE_ORIGIN), &problem, vkeys[3]),
                     SL_OK);
}

static void the_first_key_or_the_first_ones_or_all_will_do(void **state)
{
    struct fixture *fixture = *state;
    char vkeys[KEYS][RECORDER_VKEY_BYTES_MAX];
    const char *const all[] = {vkeys[0], vkeys[1], vkeys[2], vkeys[3]};
    struct sluis_verify_report report;
    make_three_keys(fixture, vkeys);
    for (size_t n = 1; n <= 4; n++) { /* the fourth may come one day */
        assert_int_equal(verify_under(fixture, join(all, n), &report), SLUIS_VERIFY_VALID);
        assert_int_equal(report.n_receipts, 7);
        assert_int_equal(report.n_keys, 3);
        assert_int_equal(report.key_receipt, 5);
        assert_string_equal(report.vkey, vkeys[2]);
        assert_int_equal(report.n_older, 0);
    }
}

static void a_change_to_another_key_than_was_given_is_invalid(void **state)
{
    struct fixture *fixture = *state;
    char vkeys[KEYS][RECORDER_VKEY_BYTES_MAX];
    struct sluis_verify_report report;
    make_three_keys(fixture, vkeys);
    const char *const second_wrong[] = {vkeys[0], vkeys[3]};
    assert_result(verify_under(fixture, join(second_wrong, 2), &report), SLUIS_VERIFY_INVALID,
                  &report, "receipt 2 goes over to another key");
    assert_int_equal(report.receipt, 2);
    assert_string_equal(report.segment, "00000000000000000000.seg");
    const char *const left_out[] = {vkeys[0], vkeys[2]};
    assert_result(verify_under(fixture, join(left_out, 2), &report), SLUIS_VERIFY_INVALID, &report,
                  "receipt 2 goes over to another key");
    const char *const third_wrong[] = {vkeys[0], vkeys[1], vkeys[3]};
    assert_result(verify_under(fixture, join(third_wrong, 3), &report), SLUIS_VERIFY_INVALID,
                  &report, "receipt 5 goes over to another key");
    assert_result(verify_under(fixture, vkeys[3], &report), SLUIS_VERIFY_INVALID, &report,
                  "signed by another key");
}

static void the_order_of_the_keys_given_does_not_matter(void **state)
{
    struct fixture *fixture = *state;
    char vkeys[KEYS][RECORDER_VKEY_BYTES_MAX];
    struct sluis_verify_report report;
    make_three_keys(fixture, vkeys);
    static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < SL_LENGTH(orders); i++) {
        const char *list[3];
        for (size_t j = 0; j < 3; j++)
            list[j] = vkeys[orders[i][j]];
        assert_int_equal(verify_under(fixture, join(list, 3), &report), SLUIS_VERIFY_VALID);
        assert_int_equal(report.n_older, 0);
        assert_int_equal(report.n_keys, 3);
        assert_string_equal(report.vkey, vkeys[2]);
    }
    /* Without the first: the earliest that is there counts. */
    const char *const later[] = {vkeys[2], vkeys[1]};
    assert_int_equal(verify_under(fixture, join(later, 2), &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_older, 3);
    assert_string_equal(report.older_vkey, vkeys[0]);
    /* It must come to all of them before it may go over to one that nobody knows. */
    const char *const third_missing[] = {vkeys[3], vkeys[1], vkeys[0]};
    assert_result(verify_under(fixture, join(third_missing, 3), &report), SLUIS_VERIFY_INVALID,
                  &report, "receipt 5 goes over to another key");
}

static void a_later_key_alone_stands_for_all_receipts_and_says_what_is_missing(void **state)
{
    struct fixture *fixture = *state;
    char vkeys[KEYS][RECORDER_VKEY_BYTES_MAX];
    struct sluis_verify_report report;
    make_three_keys(fixture, vkeys);
    static const uint64_t n_older[] = {0, 3, 6};
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(verify_under(fixture, vkeys[i], &report), SLUIS_VERIFY_VALID);
        assert_int_equal(report.n_receipts, 7);
        assert_int_equal(report.n_older, n_older[i]);
        assert_string_equal(report.older_vkey, vkeys[i - 1]);
        assert_string_equal(report.vkey, vkeys[2]);
    }
    const char *const later[] = {vkeys[1], vkeys[2]};
    assert_int_equal(verify_under(fixture, join(later, 2), &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_older, 3);
}

static void under_a_later_key_a_changed_receipt_is_still_found(void **state)
{
    struct fixture *fixture = *state;
    char vkeys[KEYS][RECORDER_VKEY_BYTES_MAX], path[256];
    static uint8_t bytes[1 << 16];
    struct sluis_verify_report report;
    make_three_keys(fixture, vkeys);
    fixture_segment_path(fixture, 0, path);
    fixture_peek(path, 0, bytes, sizeof bytes);
    uint8_t *name = memmem(bytes, sizeof bytes, "spotify", 7);
    assert_non_null(name);
    name[0] ^= 1;
    fixture_poke(path, 0, bytes, sizeof bytes);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(verify_under(fixture, vkeys[i], &report), SLUIS_VERIFY_INVALID);
}

static bool count_visit(void *context, uint64_t index, const uint8_t *leaf, size_t leaf_bytes)
{
    (void)index;
    (void)leaf;
    (void)leaf_bytes;
    ++*(uint64_t *)context;
    return true;
}

static void nothing_is_handed_out_that_the_given_key_has_not_stood_for(void **state)
{
    struct fixture *fixture = *state;
    char vkeys[KEYS][RECORDER_VKEY_BYTES_MAX];
    struct sluis_verify_report report;
    uint64_t n = 0;
    make_three_keys(fixture, vkeys);
    const struct sluis_verify_options options = {
        .vkey = vkeys[1], .visit = count_visit, .visit_context = &n};
    assert_result(sluis_verify_folder(fixture->folder, &options, &report), SLUIS_VERIFY_UNCHECKED,
                  &report, vkeys[0]);
    assert_int_equal(n, 0);
}

static void a_key_that_has_signed_nothing_yet_proves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    char second[RECORDER_VKEY_BYTES_MAX];
    fixture_open(fixture);
    record(fixture, 2);
    fixture_rotate(fixture, second);
    fixture_close(fixture);
    assert_result(verify_under(fixture, second, &report), SLUIS_VERIFY_UNCHECKED, &report,
                  "nothing is signed with this key yet");
    assert_int_equal(verify_under(fixture, fixture->vkey, &report), SLUIS_VERIFY_VALID);
}

/* --------------------------------------------------------------------------------- forgeries -- */

struct forging {
    struct fixture *fixture;
    struct forge forge;
    struct note_signer *first, *second, *third; /* the second is in force */
    char first_vkey[RECORDER_VKEY_BYTES_MAX];
    struct leaf_draft flow;
};

static struct note_signer *open_signer(const char *path)
{
    struct note_problem problem;
    struct note_signer *signer = NULL;
    assert_int_equal(note_signer_open(path, slice_of_str(FIXTURE_ORIGIN), &problem, &signer),
                     SL_OK);
    return signer;
}

/* The old private key was stolen before it was destroyed; and there is a third. */
static void forging_begin(struct forging *forging, struct fixture *fixture)
{
    char stolen[200], third[200], command[600], vkey[NOTE_VKEY_BYTES_MAX];
    struct note_problem problem;
    struct record record;
    forging->fixture = fixture;
    snprintf(stolen, sizeof stolen, "%s/stolen.pem", fixture->root);
    snprintf(third, sizeof third, "%s/third.pem", fixture->root);
    snprintf(command, sizeof command, "cp -p %s %s", fixture->key_file, stolen);
    assert_int_equal(system(command), 0);
    fixture_open(fixture);
    recorder_vkey(fixture->recorder, forging->first_vkey);
    fixture_draft(fixture, &record, RECORD_RELEASE, 1);
    assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    forging->flow = record.leaf;
    fixture_rotate(fixture, NULL);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_close(fixture);
    assert_int_equal(note_key_create(third, slice_of_str(FIXTURE_ORIGIN), &problem, vkey), SL_OK);
    forging->first = open_signer(stolen);
    forging->second = open_signer(fixture->key_file);
    forging->third = open_signer(third);
    forge_begin(&forging->forge, fixture);
}

static void forging_end(struct forging *forging)
{
    note_signer_free(forging->first);
    note_signer_free(forging->second);
    note_signer_free(forging->third);
}

static struct slice flow_leaf(const struct forging *forging)
{
    return slice_of(forging->flow.bytes, forging->flow.n);
}

static struct slice key_leaf(const char *old_vkey, const char *new_vkey)
{
    static struct leaf_draft drafts[4];
    static size_t n;
    struct leaf_draft *draft = &drafts[n++ % SL_LENGTH(drafts)];
    const struct leaf_key leaf = {1795396800000, slice_of_str(old_vkey), slice_of_str(new_vkey)};
    assert_int_equal(leaf_draft_key(&leaf, draft), SL_OK);
    return slice_of(draft->bytes, draft->n);
}

/* What was appended is refused by the auditor, and by the next start with and without an index. */
static void assert_refused(struct forging *forging, const struct forge *before, const char *because)
{
    struct fixture *fixture = forging->fixture;
    struct sluis_verify_report report;
    char kept[300], command[800];
    assert_result(verify_under(fixture, fixture->vkey, &report), SLUIS_VERIFY_INVALID, &report,
                  because);
    assert_int_equal(fixture_open_fails(fixture), SL_ESTORE);
    if (!strstr(fixture->problem.text, because))
        fail_msg("expected \"%s\" in \"%s\"", because, fixture->problem.text);
    snprintf(kept, sizeof kept, "%s.kept", fixture->index_folder);
    snprintf(command, sizeof command, "mv %s %s", fixture->index_folder, kept);
    assert_int_equal(system(command), 0);
    assert_int_equal(fixture_open_fails(fixture), SL_ESTORE);
    if (!strstr(fixture->problem.text, because))
        fail_msg("expected \"%s\" in \"%s\"", because, fixture->problem.text);
    snprintf(command, sizeof command, "rm -r %s && mv %s %s", fixture->index_folder, kept,
             fixture->index_folder);
    assert_int_equal(system(command), 0);
    forge_undo(&forging->forge, before);
    fixture_assert_valid(fixture, before->tree.size);
}

static void a_key_that_was_rotated_out_is_refused_from_then_on(void **state)
{
    static struct forging forging;
    forging_begin(&forging, *state);
    const struct forge before = forging.forge;
    struct slice leaf = flow_leaf(&forging);
    forge_batch(&forging.forge, &leaf, 1, forging.first);
    struct sluis_verify_report report;
    assert_result(verify_under(*state, ((struct fixture *)*state)->vkey, &report),
                  SLUIS_VERIFY_INVALID, &report, "than the one that receipt 1 went over to");
    assert_refused(&forging, &before, "signed by another key");
    forge_batch(&forging.forge, &leaf, 1, forging.third);
    assert_refused(&forging, &before, "signed by another key");
    /* It can't take the ledger back, either. */
    leaf = key_leaf(note_signer_vkey(forging.second), forging.first_vkey);
    forge_batch(&forging.forge, &leaf, 1, forging.first);
    assert_refused(&forging, &before, "signed by another key");
    leaf = key_leaf(forging.first_vkey, note_signer_vkey(forging.third));
    forge_batch(&forging.forge, &leaf, 1, forging.first);
    assert_refused(&forging, &before, "signed by another key");
    forging_end(&forging);
}

static void a_key_receipt_that_is_not_in_order_is_refused(void **state)
{
    static struct forging forging;
    forging_begin(&forging, *state);
    const struct forge before = forging.forge;
    const char *second = note_signer_vkey(forging.second), *third = note_signer_vkey(forging.third);
    char other_origin[RECORDER_VKEY_BYTES_MAX], upper[RECORDER_VKEY_BYTES_MAX];
    char witness[RECORDER_VKEY_BYTES_MAX];
    struct vkey key;
    assert_int_equal(vkey_parse(slice_of_str(third), &key), SL_OK);
    struct writer writer = writer_over(other_origin, sizeof other_origin - 1);
    write_vkey(&writer, slice_of_str("other.example"), key.key);
    other_origin[writer.n] = '\0';
    writer = writer_over(witness, sizeof witness - 1);
    vkey_write(&writer, key.name, VKEY_COSIGNATURE, key.key);
    witness[writer.n] = '\0';
    snprintf(upper, sizeof upper, "%s", third);
    bool is_other_text = false;
    for (char *c = strchr(upper, '+') + 1; *c != '+'; c++) {
        is_other_text = is_other_text || (*c >= 'a' && *c <= 'f');
        *c = (char)(*c >= 'a' && *c <= 'f' ? *c - 'a' + 'A' : *c);
    }
    const struct {
        const char *old_vkey, *new_vkey, *because;
    } wrong[] = {
        {forging.first_vkey, third, "goes over from a key that is not the one in force"},
        {third, third, "goes over from a key that is not the one in force"},
        {second, second, "goes over to what is no other key of this ledger"},
        {second, other_origin, "goes over to what is no other key of this ledger"},
        {second, witness, "goes over to what is no other key of this ledger"},
        {second, "garbage", "goes over to what is no other key of this ledger"},
        {second, is_other_text ? upper : "x+y+z",
         "goes over to what is no other key of this ledger"},
    };
    for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
        struct slice leaf = key_leaf(wrong[i].old_vkey, wrong[i].new_vkey);
        forge_batch(&forging.forge, &leaf, 1, forging.second);
        assert_refused(&forging, &before, wrong[i].because);
    }
    forging_end(&forging);
}

static void a_key_receipt_in_the_middle_of_a_batch_is_refused(void **state)
{
    static struct forging forging;
    forging_begin(&forging, *state);
    const struct forge before = forging.forge;
    const char *second = note_signer_vkey(forging.second), *third = note_signer_vkey(forging.third);
    const struct slice first_of_two[] = {key_leaf(second, third), flow_leaf(&forging)};
    forge_batch(&forging.forge, first_of_two, 2, forging.second);
    assert_refused(&forging, &before, "receipt 3 goes over to another key, and is not the last");
    const struct slice twice[] = {flow_leaf(&forging), key_leaf(second, third),
                                  key_leaf(third, second)};
    forge_batch(&forging.forge, twice, 3, forging.second);
    assert_refused(&forging, &before, "receipt 4 goes over to another key, and is not the last");
    forging_end(&forging);
}

static void a_key_receipt_is_signed_by_the_old_key_and_not_by_the_new(void **state)
{
    static struct forging forging;
    struct fixture *fixture = *state;
    forging_begin(&forging, fixture);
    const struct forge before = forging.forge;
    struct slice key = key_leaf(note_signer_vkey(forging.second), note_signer_vkey(forging.third));
    struct slice flow = flow_leaf(&forging);
    forge_batch(&forging.forge, &key, 1, forging.third);
    assert_refused(&forging, &before, "signed by another key");
    /* In order: the same by hand as the recorder would write it. */
    forge_batch(&forging.forge, &key, 1, forging.second);
    forge_batch(&forging.forge, &flow, 1, forging.third);
    fixture_assert_valid(fixture, before.tree.size + 2);
    /* But this node does not have that key. */
    assert_int_equal(fixture_open_fails(fixture), SL_ESTORE);
    assert_non_null(strstr(fixture->problem.text, "the ledger is signed by another key"));
    forge_undo(&forging.forge, &before);
    forging_end(&forging);
}

/* ------------------------------------------------------------------------------- consistency -- */

static void an_old_key_does_not_sign_what_came_later(void **state)
{
    static struct forging forging;
    struct fixture *fixture = *state;
    struct sluis_proof_report report;
    uint8_t text[2][CHECKPOINT_TEXT_BYTES_MAX], note[2][CHECKPOINT_BYTES_MAX];
    struct slice notes[2];
    char both[2 * RECORDER_VKEY_BYTES_MAX];
    forging_begin(&forging, fixture);
    snprintf(both, sizeof both, "%s\n%s\n", forging.first_vkey, note_signer_vkey(forging.second));
    const struct sluis_trust trust = {.vkey = both};
    struct note_signer *const signers[] = {forging.second, forging.first};
    for (size_t i = 0; i < 2; i++) {
        struct checkpoint checkpoint = {.origin = forging.forge.origin,
                                        .size = forging.forge.tree.size};
        struct writer text_writer = writer_over(text[i], sizeof text[i]);
        struct writer note_writer = writer_over(note[i], sizeof note[i]);
        tree_root(&forging.forge.tree, checkpoint.root);
        write_checkpoint(&text_writer, &checkpoint);
        assert_int_equal(note_sign(signers[i], writer_slice(&text_writer), &note_writer), SL_OK);
        notes[i] = writer_slice(&note_writer);
        assert_int_equal(sluis_verify_checkpoint(notes[i].p, notes[i].n, &trust, &report),
                         SLUIS_VERIFY_VALID);
        assert_int_equal(report.key, 1 - i);
    }
    assert_int_equal(sluis_verify_consistency(notes[1].p, notes[1].n, notes[0].p, notes[0].n, NULL,
                                              0, &trust, &report),
                     SLUIS_VERIFY_VALID);
    assert_int_equal(sluis_verify_consistency(notes[0].p, notes[0].n, notes[1].p, notes[1].n, NULL,
                                              0, &trust, &report),
                     SLUIS_VERIFY_INVALID);
    assert_non_null(strstr(report.problem, "had been replaced"));
    /* A trust file that lists both logs accepts either. */
    char policy[3 * RECORDER_VKEY_BYTES_MAX];
    int n = snprintf(policy, sizeof policy, "log %s\nlog %s\nquorum none\n", forging.first_vkey,
                     note_signer_vkey(forging.second));
    const struct sluis_trust by_policy = {.policy = policy, .policy_bytes = (size_t)n};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(sluis_verify_checkpoint(notes[i].p, notes[i].n, &by_policy, &report),
                         SLUIS_VERIFY_VALID);
    forging_end(&forging);
}

int main(void)
{
#define KEY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        KEY_TEST(receipts_after_the_key_receipt_are_signed_by_the_new_key),
        KEY_TEST(every_start_goes_on_with_the_newest_key),
        KEY_TEST(the_list_has_every_key_in_order),
        KEY_TEST(rotations_may_follow_one_another_at_once),
        KEY_TEST(a_key_receipt_ends_its_batch),
        KEY_TEST(a_rotation_that_is_not_from_the_key_in_use_is_rejected),
        KEY_TEST(after_so_many_keys_no_other_is_taken),
        KEY_TEST(the_first_key_or_the_first_ones_or_all_will_do),
        KEY_TEST(a_change_to_another_key_than_was_given_is_invalid),
        KEY_TEST(the_order_of_the_keys_given_does_not_matter),
        KEY_TEST(a_later_key_alone_stands_for_all_receipts_and_says_what_is_missing),
        KEY_TEST(under_a_later_key_a_changed_receipt_is_still_found),
        KEY_TEST(nothing_is_handed_out_that_the_given_key_has_not_stood_for),
        KEY_TEST(a_key_that_has_signed_nothing_yet_proves_nothing),
        KEY_TEST(a_key_that_was_rotated_out_is_refused_from_then_on),
        KEY_TEST(a_key_receipt_that_is_not_in_order_is_refused),
        KEY_TEST(a_key_receipt_in_the_middle_of_a_batch_is_refused),
        KEY_TEST(a_key_receipt_is_signed_by_the_old_key_and_not_by_the_new),
        KEY_TEST(an_old_key_does_not_sign_what_came_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
