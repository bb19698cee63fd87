/*
 * test_write.c - changes of policies and subjects, and what readers see of them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "ledger/basis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum sl_err put(struct fixture *fixture, const char *name, const uint8_t id[16],
                       uint64_t expected_version)
{
    char yaml[32], blob[32];
    struct store_change change = fixture_change(name, id, expected_version, yaml, blob);
    return store_put_policy(fixture->store, &change, NULL);
}

/* The current version of a subject; UINT64_MAX when it is unknown. */
static uint64_t version_of(struct fixture *fixture, const uint8_t id[16])
{
    SL_AUTO(store_reader) reader = NULL;
    struct store_subject subject;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_read(reader, id, &subject), SL_OK);
    return subject.found ? subject.version : UINT64_MAX;
}

static void an_unknown_subject_reads_as_not_found_with_an_empty_policy(void **state)
{
    struct fixture *fixture = *state;
    SL_AUTO(store_reader) reader = NULL;
    struct store_subject subject;
    const uint8_t id[16] = {1};
    uint8_t key[32];
    bool found = true;
    struct store_version version;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_read(reader, id, &subject), SL_OK);
    assert_false(subject.found);
    assert_int_equal(subject.version, 0);
    assert_int_equal(subject.blob.n, 0);
    store_read_end(reader);
    assert_int_equal(store_subject_key(reader, id, key), SL_EMALFORMED);
    assert_int_equal(store_version_get(reader, id, 1, &version, &found), SL_OK);
    assert_false(found);
}

static void a_first_policy_creates_the_subject_and_is_all_there(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[16], found_id[16];
    bool found = false;
    store_new_id(id);
    char yaml[32], blob[32];
    struct store_change change = fixture_change("lotte", id, 0, yaml, blob);
    uint8_t digest[32];
    basis_policy_digest(change.yaml, change.blob, change.vocabulary_sha256, digest);
    assert_int_equal(store_put_policy(fixture->store, &change, NULL), SL_OK);

    SL_AUTO(store_reader) reader = NULL;
    struct store_subject subject;
    struct store_version version;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_read(reader, id, &subject), SL_OK);
    assert_true(subject.found);
    assert_int_equal(subject.version, 1);
    assert_true(slice_equals_str(subject.name, "lotte"));
    assert_true(slice_equals(subject.blob, change.blob));
    assert_memory_equal(subject.policy_digest, digest, sizeof digest);
    assert_int_equal(store_version_get(reader, id, 1, &version, &found), SL_OK);
    assert_true(found);
    assert_int_equal(version.version, 1);
    assert_int_equal(version.time_ms, 1000);
    assert_int_equal(version.vocabulary_version, 7);
    assert_true(slice_equals(version.yaml, change.yaml));
    assert_true(slice_equals(version.blob, change.blob));
    assert_memory_equal(version.policy_digest, digest, sizeof digest);
    store_read_end(reader);
    assert_int_equal(store_find(reader, slice_of_str("lotte"), found_id, &found), SL_OK);
    assert_true(found);
    assert_memory_equal(found_id, id, sizeof id);
}

static void the_digest_pins_text_blob_and_vocabulary(void **state)
{
    (void)state;
    uint8_t base[32], other[32], vocabulary[32] = {0};
    struct slice yaml = slice_of_str("ab"), blob = slice_of_str("cd");
    basis_policy_digest(yaml, blob, vocabulary, base);
    basis_policy_digest(slice_of_str("abc"), slice_of_str("d"), vocabulary, other);
    assert_memory_not_equal(base, other, sizeof base);
    basis_policy_digest(blob, yaml, vocabulary, other);
    assert_memory_not_equal(base, other, sizeof base);
    vocabulary[31] = 1;
    basis_policy_digest(yaml, blob, vocabulary, other);
    assert_memory_not_equal(base, other, sizeof base);

    /* SHA-256(SHA-256("") || SHA-256("") || 32 zero bytes), by hashlib */
    static const uint8_t known[4] = {0xcd, 0x45, 0x04, 0xc0};
    memset(vocabulary, 0, sizeof vocabulary);
    basis_policy_digest(slice_of(NULL, 0), slice_of(NULL, 0), vocabulary, base);
    assert_memory_equal(base, known, sizeof known);
}

static void each_version_stays_in_the_history(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[16];
    store_new_id(id);
    for (uint64_t version = 0; version < 5; version++)
        assert_int_equal(put(fixture, "lotte", id, version), SL_OK);
    assert_int_equal(version_of(fixture, id), 5);
    SL_AUTO(store_reader) reader = NULL;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    for (uint64_t i = 1; i <= 6; i++) {
        struct store_version version;
        bool found;
        assert_int_equal(store_version_get(reader, id, i, &version, &found), SL_OK);
        assert_int_equal(found, i <= 5);
        if (found)
            assert_int_equal(version.time_ms, 1000 * (int64_t)i);
    }
}

static void a_change_against_another_version_is_rejected_and_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[16];
    store_new_id(id);
    assert_int_equal(put(fixture, "lotte", id, 1), SL_EMALFORMED); /* nobody yet */
    assert_int_equal(put(fixture, "lotte", id, 0), SL_OK);
    assert_int_equal(put(fixture, "lotte", id, 1), SL_OK);
    assert_int_equal(put(fixture, "lotte", id, 0), SL_EMALFORMED);
    assert_int_equal(put(fixture, "lotte", id, 1), SL_EMALFORMED);
    assert_int_equal(put(fixture, "lotte", id, 3), SL_EMALFORMED);
    assert_int_equal(put(fixture, "lotte", id, UINT64_MAX), SL_EMALFORMED);
    assert_int_equal(version_of(fixture, id), 2);
}

static void a_name_that_is_taken_is_rejected(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[16], other[16];
    store_new_id(id);
    store_new_id(other);
    assert_int_equal(put(fixture, "lotte", id, 0), SL_OK);
    assert_int_equal(put(fixture, "lotte", other, 0), SL_EMALFORMED);
    assert_int_equal(put(fixture, "someone", id, 1), SL_EMALFORMED);
    assert_int_equal(store_add_subject(fixture->store, slice_of_str("lotte"), other, NULL),
                     SL_EMALFORMED);
    assert_true(version_of(fixture, other) == UINT64_MAX);
    assert_int_equal(version_of(fixture, id), 1);
}

static void a_name_has_one_to_64_bytes(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[16];
    char name[66];
    memset(name, 'n', 65);
    name[65] = 0;
    store_new_id(id);
    assert_int_equal(put(fixture, name, id, 0), SL_EMALFORMED);
    assert_int_equal(put(fixture, "", id, 0), SL_EMALFORMED);
    assert_int_equal(store_add_subject(fixture->store, slice_of(name, 65), id, NULL), SL_ELIMIT);
    assert_int_equal(store_add_subject(fixture->store, slice_of(name, 0), id, NULL), SL_EMALFORMED);
    name[64] = 0;
    assert_int_equal(put(fixture, name, id, 0), SL_OK);
    assert_int_equal(store_add_subject(fixture->store, slice_of(name, 63), id, NULL), SL_OK);
}

static void a_subject_without_a_policy_gets_its_first_one_later_under_the_same_key(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[16], before[32], after[32];
    assert_int_equal(store_add_subject(fixture->store, slice_of_str("lotte"), id, NULL), SL_OK);
    assert_int_equal(version_of(fixture, id), 0);
    SL_AUTO(store_reader) reader = NULL;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_subject_key(reader, id, before), SL_OK);
    assert_int_equal(put(fixture, "lotte", id, 0), SL_OK);
    assert_int_equal(version_of(fixture, id), 1);
    assert_int_equal(store_subject_key(reader, id, after), SL_OK);
    assert_memory_equal(before, after, sizeof before);
}

static bool note_key(void *context, const uint8_t id[16], const uint8_t key[32])
{
    uint8_t(*notes)[48] = context;
    size_t i = 0;
    while (notes[i][0] != 0)
        i++;
    memcpy(notes[i], id, 16);
    memcpy(notes[i] + 16, key, 32);
    return i + 1 < 2;
}

static void each_subject_has_a_random_key_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t ids[2][16] = {{1}, {2}};
    uint8_t notes[3][48] = {{0}}, key[32];
    assert_int_equal(put(fixture, "lotte", ids[0], 0), SL_OK);
    assert_int_equal(put(fixture, "milan", ids[1], 0), SL_OK);
    SL_AUTO(store_reader) reader = NULL;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_each_key(reader, note_key, notes), SL_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_memory_equal(notes[i], ids[i], 16);
        assert_int_equal(store_subject_key(reader, ids[i], key), SL_OK);
        assert_memory_equal(notes[i] + 16, key, 32);
    }
    assert_memory_not_equal(notes[0] + 16, notes[1] + 16, 32);
}

struct names {
    size_t n, stop_after;
    char text[128];
};

static bool note_name(void *context, struct slice name, const uint8_t id[16])
{
    struct names *names = context;
    (void)id;
    memcpy(names->text + strlen(names->text), name.p, name.n);
    strcat(names->text, " ");
    return ++names->n != names->stop_after;
}

static void subjects_are_visited_in_the_order_of_names_until_told_to_stop(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"milan", "anna", "lotte"};
    uint8_t id[16];
    for (size_t i = 0; i < SL_LENGTH(names); i++)
        assert_int_equal(store_add_subject(fixture->store, slice_of_str(names[i]), id, NULL),
                         SL_OK);
    SL_AUTO(store_reader) reader = NULL;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    struct names all = {0}, two = {.stop_after = 2};
    assert_int_equal(store_each(reader, note_name, &all), SL_OK);
    assert_string_equal(all.text, "anna lotte milan ");
    assert_int_equal(store_each(reader, note_name, &two), SL_OK);
    assert_string_equal(two.text, "anna lotte ");
}

struct words {
    char text[128]; /* "<first byte of the hash>:<version>:<text> " for each */
};

static bool note_words(void *context, uint32_t version, const uint8_t sha256[32], struct slice text)
{
    struct words *words = context;
    size_t n = strlen(words->text);
    snprintf(words->text + n, sizeof words->text - n, "%u:%u:%.*s ", sha256[0], version,
             SLICE_PRINTF(text));
    return sha256[0] < 9;
}

static void each_vocabulary_is_kept_once_with_the_first_policy_under_it(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[16];
    store_new_id(id);
    static const struct {
        uint8_t hash;
        const char *text;
    } changes[] = {{5, "old words"}, {3, "new words"}, {5, "old words"}, {9, ""}, {11, "unseen"}};
    SL_AUTO(store_reader) reader = NULL;
    struct words words = {""};
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_each_vocabulary(reader, note_words, &words), SL_OK);
    assert_string_equal(words.text, "");
    for (size_t i = 0; i < SL_LENGTH(changes); i++) {
        char yaml[32], blob[32];
        struct store_change change = fixture_change("lotte", id, i, yaml, blob);
        change.vocabulary_sha256[0] = changes[i].hash;
        change.vocabulary_version = changes[i].hash;
        change.vocabulary = slice_of_str(changes[i].text);
        assert_int_equal(store_put_policy(fixture->store, &change, NULL), SL_OK);
    }
    assert_int_equal(store_each_vocabulary(reader, note_words, &words), SL_OK);
    assert_string_equal(words.text, "3:3:new words 5:5:old words 9:9: ");
}

static void a_read_keeps_its_snapshot_until_it_is_renewed(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[16];
    store_new_id(id);
    assert_int_equal(put(fixture, "lotte", id, 0), SL_OK);
    SL_AUTO(store_reader) reader = NULL;
    struct store_subject subject;
    struct store_version version;
    bool found;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_read(reader, id, &subject), SL_OK);
    assert_int_equal(put(fixture, "lotte", id, 1), SL_OK);
    assert_true(slice_equals_str(subject.blob, "blob 1"));
    assert_int_equal(store_version_get(reader, id, 2, &version, &found), SL_OK);
    assert_false(found);
    assert_int_equal(store_find(reader, slice_of_str("lotte"), id, &found), SL_OK);
    assert_true(slice_equals_str(subject.blob, "blob 1"));
    assert_int_equal(store_read(reader, id, &subject), SL_OK);
    assert_true(slice_equals_str(subject.blob, "blob 2"));
    store_read_end(reader);
    assert_int_equal(store_version_get(reader, id, 2, &version, &found), SL_OK);
    assert_true(found);
}

static void the_largest_policy_is_stored_and_read_whole(void **state)
{
    struct fixture *fixture = *state;
    enum { BLOB_BYTES = 131072 };
    uint8_t *bytes = malloc(BLOB_BYTES);
    assert_non_null(bytes);
    for (size_t i = 0; i < BLOB_BYTES; i++)
        bytes[i] = (uint8_t)(i * 31);
    uint8_t id[16];
    store_new_id(id);
    char yaml[32], blob[32];
    struct store_change change = fixture_change("lotte", id, 0, yaml, blob);
    change.yaml = slice_of(bytes, LIMIT_MAX_policy_bytes);
    change.blob = slice_of(bytes, BLOB_BYTES);
    assert_int_equal(store_put_policy(fixture->store, &change, NULL), SL_OK);
    SL_AUTO(store_reader) reader = NULL;
    struct store_version version;
    struct store_subject subject;
    bool found;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_read(reader, id, &subject), SL_OK);
    assert_true(slice_equals(subject.blob, change.blob));
    assert_int_equal(store_version_get(reader, id, 1, &version, &found), SL_OK);
    assert_true(slice_equals(version.yaml, change.yaml));
    assert_true(slice_equals(version.blob, change.blob));
    free(bytes);
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(an_unknown_subject_reads_as_not_found_with_an_empty_policy),
        OPEN(a_first_policy_creates_the_subject_and_is_all_there),
        cmocka_unit_test(the_digest_pins_text_blob_and_vocabulary),
        OPEN(each_version_stays_in_the_history),
        OPEN(a_change_against_another_version_is_rejected_and_changes_nothing),
        OPEN(a_name_that_is_taken_is_rejected),
        OPEN(a_name_has_one_to_64_bytes),
        OPEN(a_subject_without_a_policy_gets_its_first_one_later_under_the_same_key),
        OPEN(each_subject_has_a_random_key_of_its_own),
        OPEN(subjects_are_visited_in_the_order_of_names_until_told_to_stop),
        OPEN(each_vocabulary_is_kept_once_with_the_first_policy_under_it),
        OPEN(a_read_keeps_its_snapshot_until_it_is_renewed),
        OPEN(the_largest_policy_is_stored_and_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
